package gap_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// loseBond has the peripheral lose its bond and all that goes with it.
func (x *acquainted) loseBond(t *testing.T) {
	t.Helper()
	if err := x.peripheral.Forget(x.central.Identity()); err != nil {
		t.Fatal(err)
	}
}

// After our own repair, as client, what is subscribed to is written again, on the new key.
func TestRepairWritesSubscriptionsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		x.security[0].Policy.LostBond = smp.LostRepair
		x.stop()
		x.start(t)
		var got inbox
		x.central.Subscribe(peripheralAddress, x.reading.UUID, got.add)
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		got.want(t)
		part(central, peripheral)

		x.loseBond(t)
		central, peripheral = x.connect(t, smp.LevelNone)
		defer part(central, peripheral)
		rest()
		if n := x.log.count(is[gap.Repaired]); n != 1 {
			t.Fatalf("%d repairs", n)
		}
		if err := x.server.Notify(t.Context(), x.reading, []byte("after")); err != nil {
			t.Error(err)
		}
		got.want(t, "after")
	})
}

// When a peer pairs again on a plain link, nothing that was kept for its bond is for it: neither subscriptions, nor what it
// knows of our database, nor counters of signatures.
func TestRepairedPeerStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		all := smp.DistributeEnc | smp.DistributeID | smp.DistributeSign
		for i := range x.security {
			x.security[i].InitiatorKeys, x.security[i].ResponderKeys = all, all
		}
		x.stop()
		x.start(t)
		wish := x.central.Subscribe(peripheralAddress, x.reading.UUID, func([]byte) {})
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		rest()
		cccd := cccdOf(t, central, x.reading.UUID)
		features, err := central.Client().FindCharacteristics(t.Context(), gatt.ClientSupportedFeatures)
		if err != nil || len(features) != 1 {
			t.Fatal(features, err)
		}
		signature, err := central.Sign([]byte("message"))
		if err != nil {
			t.Fatal(err)
		}
		if err := peripheral.Verify([]byte("message"), signature); err != nil {
			t.Fatal(err)
		}
		part(central, peripheral)
		wish.Close()
		counter := func() uint32 {
			r, ok := x.bonds[1].Load(x.peripheral.Identity(), x.central.Identity())
			if !ok {
				t.Fatal("no bond")
			}
			return r.Keys.PeerSignCounter
		}
		if counter() == 0 {
			t.Error("the counter was not used")
		}

		if err := x.central.Forget(peripheralAddress); err != nil {
			t.Fatal(err)
		}
		x.peripheral.OpenPairing(time.Minute)
		central, peripheral = x.connect(t, smp.LevelEncrypted)
		defer part(central, peripheral)
		rest()
		for _, handle := range []uint16{cccd, features[0].ValueHandle} {
			value, err := central.Client().Read(t.Context(), handle)
			if err != nil || len(value) > 0 && value[0] != 0 {
				t.Errorf("0x%04X is %x, %v", handle, value, err)
			}
		}
		if n := counter(); n != 0 {
			t.Errorf("the counter is at %d", n)
		}
	})
}

// What is forgotten with a bond is gone from the disk too, on both sides.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		x.central.Subscribe(peripheralAddress, x.reading.UUID, func([]byte) {})
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		rest()
		part(central, peripheral)
		hosts, peers := [2]*gap.Host{x.central, x.peripheral}, [2]hci.Address{peripheralAddress, x.central.Identity()}
		for i, h := range hosts {
			kept := func() (n int) {
				for _, name := range []string{peers[i].Text(), "database of " + peers[i].Text()} {
					text, err := x.states[i].Load(name)
					if err != nil {
						t.Error(err)
					}
					n += len(text)
				}
				return n
			}
			if kept() == 0 {
				t.Errorf("host %d: nothing was kept", i)
			}
			for range 2 { // again does no harm
				if err := h.Forget(peers[i]); err != nil {
					t.Error(err)
				}
			}
			if n := kept(); n != 0 {
				t.Errorf("host %d: %d octets are left", i, n)
			}
			if _, ok := h.Bonds().Load(h.Identity(), peers[i]); ok {
				t.Errorf("host %d: the bond is left", i)
			}
		}
	})
}

// A bond that is forgotten and made again on one link is known again, and what was kept of the first one is not.
func TestForgetOnALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		x.stop()
		c, p := people(smp.DisplayYesNo, smp.DisplayYesNo)
		people := &absent{}
		x.security[0].Delegate, x.security[1].Delegate = latecomer{c, people}, latecomer{p, people}
		x.start(t)
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		part(central, peripheral)
		central, peripheral = x.connect(t, smp.LevelNone)
		defer part(central, peripheral)
		if err := errors.Join(x.central.Forget(peripheralAddress), x.peripheral.Forget(x.central.Identity())); err != nil {
			t.Fatal(err)
		}
		if name := central.Client().Server() + peripheral.Server().Client(); name != "" {
			t.Errorf("forgotten, and known as %s", name)
		}
		people.here.Store(true)
		if err := central.Secure(t.Context(), smp.LevelAuthenticated); err != nil {
			t.Fatal(err)
		}
		rest()
		if c, s := central.Client().Server(), peripheral.Server().Client(); c != peripheralAddress.Text() || s != x.central.Identity().Text() {
			t.Errorf("known as %q and %q", c, s)
		}
	})
}
