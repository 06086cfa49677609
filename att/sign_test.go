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

// The sample data of Vol 3, Part F, 3.4.5.4.
func TestSignedWriteCommand(t *testing.T) {
	sign := func(message []byte) (s [att.SignatureLen]byte, err error) {
		if got := hex.EncodeToString(message); got != "d212001337" {
			t.Errorf("to be signed: %s", got)
		}
		_, err = hex.Decode(s[:], []byte("01000000f1871e933c900ff2"))
		return s, err
	}
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
		if err := c.SignedWriteCommand(ctx, 0x0012, []byte{0x13, 0x37}, sign); !errors.Is(err, context.Canceled) {
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
