package att_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// signKey is 0x611B64EBFBCD1FD372EC9196DF425E50.
var signKey = [16]byte{0x50, 0x5E, 0x42, 0xDF, 0x96, 0x91, 0xEC, 0x72, 0xD3, 0x1F, 0xCD, 0xFB, 0xEB, 0x64, 0x1B, 0x61}

// The sample data of Vol 3, Part F, 3.4.5.4, and the same with what is not signed.
func TestSign(t *testing.T) {
	message := []byte{0xD2, 0x12, 0x00, 0x13, 0x37}
	s := att.Sign(signKey, 1, message)
	if got := hex.EncodeToString(s[:]); got != "01000000f1871e933c900ff2" {
		t.Errorf("signature %s", got)
	}
	pdu := append(message, s[:]...)
	if counter, ok := att.Verify(signKey, pdu); !ok || counter != 1 {
		t.Errorf("counter %d, %t", counter, ok)
	}
	for i := range pdu {
		for _, bit := range []byte{0x01, 0x80} {
			pdu[i] ^= bit
			if _, ok := att.Verify(signKey, pdu); ok {
				t.Errorf("good with another octet %d", i)
			}
			pdu[i] ^= bit
		}
	}
	for n := range pdu {
		if _, ok := att.Verify(signKey, pdu[:n]); ok {
			t.Errorf("good with %d octets", n)
		}
	}
	if _, ok := att.Verify([16]byte{}, pdu); ok {
		t.Error("good with another key")
	}
}

func TestSignedWriteCommand(t *testing.T) {
	sign := func(pdu []byte) ([att.SignatureLen]byte, error) { return att.Sign(signKey, 1, pdu), nil }
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		if err := c.SignedWriteCommand(t.Context(), 0x0012, []byte{0x13, 0x37}, sign); err != nil {
			t.Fatal(err)
		}
		peer.Want("d2 1200 1337 01000000f1871e933c900ff2")

		used := false
		if err := c.SignedWriteCommand(t.Context(), 0x0012, make([]byte, 9), func([]byte) (s [att.SignatureLen]byte, err error) {
			used = true
			return s, nil
		}); !errors.Is(err, att.ErrTooLong) || used {
			t.Errorf("9 octets at an MTU of 23: %v, signed %t", err, used)
		}
		noKey := errors.New("no key")
		if err := c.SignedWriteCommand(t.Context(), 0x0012, make([]byte, 8), func([]byte) (s [att.SignatureLen]byte, err error) {
			return s, noKey
		}); !errors.Is(err, noKey) {
			t.Errorf("without a key: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.SignedWriteCommand(ctx, 0x0012, nil, sign); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		peer.WantNothing()
	})
	synctest.Test(t, func(t *testing.T) {
		c, _ := atttest.Script(t, atttest.Options{Enhanced: true}, att.Config{})
		if err := c.SignedWriteCommand(t.Context(), 1, nil, sign); !errors.Is(err, att.ErrEnhanced) {
			t.Errorf("on an enhanced bearer: %v", err)
		}
	})
}
