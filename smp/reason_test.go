package smp

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func TestReasonNames(t *testing.T) {
	for r, want := range map[Reason][2]string{
		0x00: {"reason 0x00", "reason 0x00"},
		0x01: {"Passkey Entry Failed", "Passkey Entry Failed (0x01)"},
		0x08: {"Unspecified Reason", "Unspecified Reason (0x08)"},
		0x10: {"Busy", "Busy (0x10)"},
		0x11: {"reason 0x11", "reason 0x11"},
		0xFF: {"reason 0xFF", "reason 0xFF"},
	} {
		if r.String() != want[0] || r.Error() != want[1] {
			t.Errorf("0x%02X: %q, %q", uint8(r), r.String(), r.Error())
		}
	}
	for r := Reason(0x01); r <= Busy; r++ {
		if reasonNames[r] == "" {
			t.Errorf("0x%02X has no name", uint8(r))
		}
	}
}

func TestPairingErrorSaysWhoAndWhy(t *testing.T) {
	for _, c := range []struct {
		err  PairingError
		text string
		is   []error
	}{
		{PairingError{Reason: ConfirmValueFailed}, "smp: pairing failed: Confirm Value Failed (0x04)", []error{ConfirmValueFailed}},
		{PairingError{Reason: DHKeyCheckFailed, Err: errOwnKey},
			"smp: pairing failed: DHKey Check Failed (0x0B): public key is our own, or its negative", []error{DHKeyCheckFailed, errOwnKey}},
		{PairingError{Reason: RepeatedAttempts, ByPeer: true}, "smp: pairing refused by the peer: Repeated Attempts (0x09)", []error{RepeatedAttempts}},
		{PairingError{Timeout: true, Err: ErrTimeout}, "smp: pairing timed out: " + ErrTimeout.Error(), []error{ErrTimeout}},
		{PairingError{Reason: UnspecifiedReason, Err: fmt.Errorf("encryption: %w", hci.PINOrKeyMissing)},
			"smp: pairing failed: Unspecified Reason (0x08): encryption: " + hci.PINOrKeyMissing.Error(), []error{UnspecifiedReason, hci.PINOrKeyMissing}},
		{PairingError{}, "smp: pairing failed", nil},
	} {
		err := fmt.Errorf("secure: %w", &c.err)
		if got := c.err.Error(); got != c.text {
			t.Errorf("%q, want %q", got, c.text)
		}
		for _, is := range c.is {
			if !errors.Is(err, is) {
				t.Errorf("%v is not %v", err, is)
			}
		}
		if errors.Is(err, Busy) {
			t.Errorf("%v is Busy", err)
		}
		if got, ok := errors.AsType[*PairingError](err); !ok || got != &c.err {
			t.Errorf("%v holds %v", err, got)
		}
	}
}
