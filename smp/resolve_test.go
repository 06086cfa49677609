package smp

import (
	"testing"
	"testing/synctest"

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

// countingStore counts how often it is read from end to end.
type countingStore struct {
	*MemoryStore
	lists int
}

func (c *countingStore) List(local hci.Address) []Record {
	c.lists++
	return c.MemoryStore.List(local)
}

// TestResolveRemembers what it found, and what it did not, until a record changes.
func TestResolveRemembers(t *testing.T) {
	irk := Key{1}
	r := bondWith(t, strangerText, secureKeys(1), WishBond)
	store := &countingStore{MemoryStore: NewMemoryStore()}
	m := newManager(t, Config{Store: store})
	known := func(want bool) {
		t.Helper()
		if _, ok := m.Resolve(resolvable(irk, 1)); ok != want {
			t.Errorf("known: %v, want %v", ok, want)
		}
	}
	for range 3 {
		known(false)
	}
	if store.lists != 1 {
		t.Errorf("%d lists for one question", store.lists)
	}
	r.Keys.PeerIRK = &irk
	if err := store.Save(r); err != nil { // behind the manager's back
		t.Fatal(err)
	}
	for range 3 {
		known(true)
	}
	if err := store.Delete(r.Local, r.Peer); err != nil {
		t.Fatal(err)
	}
	known(false)
	if store.lists != 3 {
		t.Errorf("%d lists, want one for each change", store.lists)
	}
	for n := range 2 * maxResolved {
		m.Resolve(numberedPrivate(n))
	}
	if n := len(m.resolver.known); n > maxResolved {
		t.Errorf("%d addresses are remembered", n)
	}
}

// numberedPrivate is a resolvable private address that nobody has made.
func numberedPrivate(n int) hci.Address {
	return hci.Address{Type: hci.Random, Octets: [6]byte{byte(n), byte(n >> 8), 1, 2, 3, 0x40}}
}

// forgetfulStore has no number of changes.
type forgetfulStore struct{ Store }

func TestResolveWithoutNumberOfChanges(t *testing.T) {
	irk := Key{1}
	r := bondWith(t, strangerText, secureKeys(1), WishBond)
	r.Keys.PeerIRK = &irk
	store := forgetfulStore{NewMemoryStore()}
	m := newManager(t, Config{Store: store})
	if _, ok := m.Resolve(resolvable(irk, 1)); ok {
		t.Error("known before")
	}
	if err := store.Save(r); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Resolve(resolvable(irk, 1)); !ok {
		t.Error("not known")
	}
}

// TestResolveAllocatesNothing for an address that was resolved before: it is asked for every advertisement.
func TestResolveAllocatesNothing(t *testing.T) {
	irk := Key{1}
	r := bondWith(t, strangerText, secureKeys(1), WishBond)
	r.Keys.PeerIRK = &irk
	m := newManager(t, Config{Store: storeOf(t, r)})
	a, b := resolvable(irk, 1), resolvable(Key{2}, 1)
	if n := testing.AllocsPerRun(100, func() { m.Resolve(a); m.Resolve(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSameIRKTwice: the first holds, in whatever record.
func TestSameIRKTwice(t *testing.T) {
	irk := Key{1}
	first, second := bondWith(t, strangerText, secureKeys(1), WishBond), bondWith(t, oximeterText, secureKeys(2), WishBond)
	first.Keys.PeerIRK, second.Keys.PeerIRK = &irk, &irk
	m := newManager(t, Config{Store: storeOf(t, first, second)})
	if identity, ok := m.Resolve(resolvable(irk, 1)); !ok || identity != first.Peer {
		t.Errorf("%s, %v", identity, ok)
	}
}

// TestForeignIRK is not stored: our own sent back, or one that another peer is known by, which then could be taken
// for this one.
func TestForeignIRK(t *testing.T) {
	ours, taken := Key{1}, Key{2}
	for _, x := range []struct {
		name  string
		irk   Key
		keeps bool
	}{{"our own", ours, false}, {"another peer's", taken, false}, {"its own", Key{3}, true}} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				victim := bondWith(t, strangerText, secureKeys(1), WishBond)
				victim.Keys.PeerIRK = &taken
				central := newManager(t, Config{IRK: ours, Store: storeOf(t, victim)})
				a := join(t, central, hostText, newManager(t, Config{Identity: addressOf(t, oximeterText), IRK: x.irk}), oximeterText)
				if err := secured(t, a.central, LevelEncrypted); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				r := load(t, central, oximeterText)
				if !r.Bonded || (r.Keys.PeerIRK != nil) != x.keeps {
					t.Errorf("IRK kept: %v", r.Keys.PeerIRK != nil)
				}
				if identity, _ := central.Resolve(resolvable(taken, 1)); identity != victim.Peer {
					t.Errorf("the other peer is taken for %s", identity)
				}
				a.drop()
			})
		})
	}
}
