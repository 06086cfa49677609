package smp_test

import (
	"fmt"

	"github.com/jelling-ble/jelling/smp"
)

// A pulse oximeter never wanted a bond, was given one, and has forgotten its key.
func ExampleDecide() {
	for _, policy := range []smp.LostBond{smp.LostNotify, smp.LostRepair, smp.LostStrict} {
		for _, wish := range []smp.Wish{smp.WishNone, smp.WishBond} {
			d := smp.Decide(smp.Situation{
				Happened: smp.KeyMissing,
				Bond:     smp.UnauthenticatedBond,
				Wish:     wish,
				LostBond: policy,
			})
			fmt.Printf("%s, wish %s: %s, for %s\n", policy, wish, d.Action, d.Why)
		}
	}
	// Output:
	// notify, wish none: pair again, for the peer wants no bond
	// notify, wish bond: refuse and report, for the peer wanted its bond
	// repair, wish none: pair again, for the peer wants no bond
	// repair, wish bond: pair again, for the policy is repair
	// strict, wish none: refuse and report, for the policy is strict
	// strict, wish bond: refuse and report, for the policy is strict
}
