//go:build !race

package gap

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/smp"
)

// Who it is costs no allocation, since it is asked for each advertisement: of a peer that the controller has resolved, of one
// that the host has resolved before, and of strangers.
func TestWhoseAllocatesNothing(t *testing.T) {
	local, peer := hci.Address{Octets: [6]byte{1}}, hci.Address{Octets: [6]byte{2}}
	irk := smp.Key{3}
	store := smp.NewMemoryStore()
	if err := store.Save(smp.Record{Local: local, Peer: peer, Bonded: true, Keys: smp.Keys{PeerIRK: &irk}}); err != nil {
		t.Fatal(err)
	}
	manager, err := smp.NewManager(smp.Config{Identity: local, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	its, err := smp.NewManager(smp.Config{Identity: peer, IRK: irk})
	if err != nil {
		t.Fatal(err)
	}
	h := &Host{cfg: Config{Security: smp.Config{Identity: local}}, security: manager, privacy: newPrivacy()}
	h.watchBonds()
	heard := func(a hci.Address, resolved bool) (r driver.Report) {
		r.Address, r.Resolved = a, resolved
		return r
	}
	private := its.PrivateAddress()
	for name, c := range map[string]struct {
		report driver.Report
		who    hci.Address
	}{
		"resolved by the controller": {heard(peer, true), peer},
		"resolved by the host":       {heard(private, false), peer},
		"a private stranger":         {heard(hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0x40}}, false), hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0x40}}},
		"a public stranger":          {heard(hci.Address{Octets: [6]byte{9}}, false), hci.Address{Octets: [6]byte{9}}},
	} {
		if n := testing.AllocsPerRun(100, func() {
			if who, listen := h.whose(c.report); who != c.who || !listen {
				t.Errorf("%s is %v, %v", name, who, listen)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if seen, bonded := h.LastSeen(peer); !bonded || time.Since(seen) > time.Minute {
		t.Errorf("seen %v, %v", seen, bonded)
	}
}
