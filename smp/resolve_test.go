package smp

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// TestResolve (Vol 6, Part B, 1.3.2.3).
func TestResolve(t *testing.T) {
	irk, priorIRK, otherIRK, zero := Key{1}, Key{2}, Key{3}, Key{}
	with := func(peer string, irk *Key) Record {
		r := bondWith(t, peer, secureKeys(1), WishBond)
		r.Keys.PeerIRK = irk
		return r
	}
	both := with(strangerText, &irk)
	both.Prior = &Keys{PeerIRK: &priorIRK}
	m := newManager(t, Config{Store: storeOf(t,
		with("00:00:00:00:00:01/public", nil),
		with("00:00:00:00:00:02/public", &zero), // some peers send it to say that they have none
		both,
	)})
	static := addressOf(t, "C0:00:00:00:00:09/random")
	nonResolvable := addressOf(t, "00:00:00:00:00:09/random")
	for _, c := range []struct {
		name  string
		onAir hci.Address
		want  hci.Address
		known bool
	}{
		{"public", addressOf(t, oximeterText), addressOf(t, oximeterText), true},
		{"static", static, static, true},
		{"non-resolvable", nonResolvable, nonResolvable, false},
		{"by the IRK", resolvable(irk, 1), addressOf(t, strangerText), true},
		{"by the IRK, another address", resolvable(irk, 2), addressOf(t, strangerText), true},
		{"by the IRK before", resolvable(priorIRK, 1), addressOf(t, strangerText), true},
		{"by an IRK that nobody has", resolvable(otherIRK, 1), resolvable(otherIRK, 1), false},
		{"by an IRK of zeros", resolvable(zero, 1), resolvable(zero, 1), false},
		{"zero", hci.Address{}, hci.Address{}, false},
	} {
		identity, known := m.Resolve(c.onAir)
		if identity != c.want || known != c.known {
			t.Errorf("%s: %s, %v; want %s, %v", c.name, identity, known, c.want, c.known)
		}
		r, ok := m.Record(c.onAir)
		if want := c.want == addressOf(t, strangerText); ok != want || ok && r.Peer != c.want {
			t.Errorf("%s: record of %s, %v", c.name, r.Peer, ok)
		}
	}
	// What looks like a private address but is public is not one.
	public := resolvable(irk, 1)
	public.Type = hci.Public
	if identity, _ := m.Resolve(public); identity != public {
		t.Errorf("a public address was resolved to %s", identity)
	}
}
