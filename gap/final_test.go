package gap

import (
	"fmt"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// What ends Keep, and what it tries again.
func TestIsFinal(t *testing.T) {
	gone := &smp.LinkError{Status: hci.PINOrKeyMissing}
	lost := func(action smp.Action, why smp.Why, err error) error {
		return &smp.LostBondError{Status: hci.PINOrKeyMissing, Decision: smp.Decision{Action: action, Why: why}, Err: err}
	}
	refused := func(why smp.Why, err error) error {
		return &smp.RefusedError{Decision: smp.Decision{Action: smp.RefuseAndReport, Why: why}, Err: err}
	}
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"nothing", nil, false},
		{"the link", gone, false},
		{"a status", hci.ConnectionFailedToBeEstablished, false},
		{"lost bond, to be told of", lost(smp.RefuseAndReport, smp.WhyWishBond, nil), true},
		{"lost bond, to be told of, by a disconnection", lost(smp.RefuseAndReport, smp.WhyWishBond, gone), true},
		{"lost bond, repaired before on the link", lost(smp.RefuseAndReport, smp.WhyRepairedBefore, nil), false},
		{"lost bond, to be repaired on the next link", lost(smp.WaitAndRetry, smp.WhyGone, gone), false},
		{"lost bond, too many pairings", lost(smp.WaitAndRetry, smp.WhyWaiting, &smp.WaitError{}), false},
		{"repair, no answer", lost(smp.PairAgain, smp.WhyRepair, &smp.PairingError{Timeout: true, Err: smp.ErrTimeout}), false},
		{"repair, the link broke", lost(smp.PairAgain, smp.WhyRepair, gone), false},
		{"repair, refused by the peer", lost(smp.PairAgain, smp.WhyRepair, &smp.PairingError{Reason: smp.PairingNotSupported, ByPeer: true}), true},
		{"repair, weaker", lost(smp.PairAgain, smp.WhyRepair, smp.ErrRefusedWeaker), true},
		{"weaker", refused(smp.WhyWeaker, smp.ErrRefusedWeaker), true},
		{"a bond without a key for us", refused(smp.WhyWishBond, nil), true},
		{"the key failed on this link", refused(smp.WhyDeadKey, nil), false},
		{"level", &smp.LevelError{}, true},
		{"wait", &smp.WaitError{}, false},
		{"key failed", &smp.EncryptionError{Status: hci.ConnectionTerminatedMICFailure}, false},
		{"pairing, unspecified", &smp.PairingError{Reason: smp.UnspecifiedReason, ByPeer: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.err
			if err != nil {
				err = fmt.Errorf("secure the link: %w", err)
			}
			if got := isFinal(err); got != c.want {
				t.Errorf("%v: %v, want %v", c.err, got, c.want)
			}
		})
	}
}
