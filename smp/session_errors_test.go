package smp

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestErrors(t *testing.T) {
	peer := addressOf(t, oximeterText)
	gone := &LinkError{hci.ConnectionTimeout}
	for _, c := range []struct {
		err  error
		text string
		is   []error
		not  []error
	}{
		{
			&LostBondError{peer, hci.PINOrKeyMissing, Decision{RefuseAndReport, WhyWishBond}, nil},
			"00:1C:05:FF:F0:30 has lost its bond: PIN or Key Missing (0x06): refuse and report: the peer wanted its bond",
			[]error{hci.PINOrKeyMissing}, []error{net.ErrClosed, ErrRefusedWeaker},
		},
		{
			&LostBondError{peer, hci.PINOrKeyMissing, Decision{PairAgain, WhyRepair}, ErrRefusedWeaker},
			"00:1C:05:FF:F0:30 has lost its bond: PIN or Key Missing (0x06): pair again: the policy is repair: would be weaker than the bond",
			[]error{hci.PINOrKeyMissing, ErrRefusedWeaker}, []error{net.ErrClosed},
		},
		{
			&EncryptionError{peer, hci.ConnectionTimeout, Decision{WaitAndRetry, WhyNotLost}, gone},
			"encryption with 00:1C:05:FF:F0:30: Connection Timeout (0x08): wait and retry: the bond is not lost by this",
			[]error{hci.ConnectionTimeout, net.ErrClosed}, []error{hci.PINOrKeyMissing},
		},
		{
			&EncryptionError{peer, hci.ControllerBusy, Decision{WaitAndRetry, WhyNotLost}, nil},
			"encryption with 00:1C:05:FF:F0:30: Controller Busy (0x3A): wait and retry: the bond is not lost by this",
			[]error{hci.ControllerBusy}, []error{net.ErrClosed},
		},
		{
			&RefusedError{peer, Decision{RefuseAndReport, WhyWeaker}, ErrRefusedWeaker},
			"pairing with 00:1C:05:FF:F0:30: refuse and report: pairing would be weaker than the bond",
			[]error{ErrRefusedWeaker}, nil,
		},
		{
			&WaitError{peer, 1234567 * time.Microsecond},
			"pairing with 00:1C:05:FF:F0:30: Repeated Attempts (0x09): wait 1.235s",
			[]error{RepeatedAttempts}, nil,
		},
		{&LevelError{LevelSC, Security{Encrypted: true, KeySize: 16}}, "the link is at level encrypted, want sc", nil, nil},
		{gone, "link gone: Connection Timeout (0x08)", []error{net.ErrClosed, hci.ConnectionTimeout}, []error{hci.PINOrKeyMissing}},
	} {
		if got := c.err.Error(); got != c.text || strings.Contains(got, "\n") {
			t.Errorf("%q, want %q", got, c.text)
		}
		for _, target := range c.is {
			if !errors.Is(c.err, target) {
				t.Errorf("%v is not %v", c.err, target)
			}
		}
		for _, target := range c.not {
			if errors.Is(c.err, target) {
				t.Errorf("%v is %v", c.err, target)
			}
		}
	}
}
