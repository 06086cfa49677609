package smp

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// numberedPeer is the identity address of peer n.
func numberedPeer(n int) hci.Address {
	return hci.Address{Octets: [6]byte{byte(n), byte(n >> 8), 0xEE}}
}

// named is a bond with peer n, whose IRK is that.
func named(t testing.TB, n int, irk *Key) Record {
	r := bondWith(t, strangerText, secureKeys(1), WishBond)
	r.Peer, r.Keys.PeerIRK = numberedPeer(n), irk
	return r
}

// TestPeerIRKs: the hygiene of the security facts, row 9. What is no name for a peer is given to no controller, and
// Resolve does not know it either.
func TestPeerIRKs(t *testing.T) {
	own, zero, a, b, c, d := Key{0xFF}, Key{}, Key{1}, Key{2}, Key{3}, Key{4}
	private := named(t, 5, &d)
	private.Peer = resolvable(a, 7)
	changed := named(t, 6, &c)
	changed.Prior = &Keys{PeerIRK: &d}
	same := named(t, 7, &b)
	same.Prior = &Keys{PeerIRK: &b}
	m := newManager(t, Config{IRK: own, Store: storeOf(t, named(t, 1, &a), named(t, 2, nil), named(t, 3, &zero), named(t, 4, &a),
		private, changed, same, named(t, 8, &own), named(t, 9, &c))})
	want := []PeerIRK{{numberedPeer(1), a}, {numberedPeer(7), b}}
	if got := m.PeerIRKs(); !slices.Equal(got, want) {
		t.Errorf("%d keys, want those of peers 1 and 7", len(got))
		for _, g := range got {
			t.Log(g.Peer)
		}
	}
	for _, s := range []struct {
		name string
		irk  Key
		peer int // 0: nobody
	}{
		{"the first of two with it", a, 1},
		{"the new generation", c, 6},
		{"the generation before, though a private address has it too", d, 6},
		{"our own", own, 0},
		{"zeros", zero, 0},
	} {
		identity, known := m.Resolve(resolvable(s.irk, 1))
		if known != (s.peer != 0) || known && identity != numberedPeer(s.peer) {
			t.Errorf("%s: %v, %v", s.name, identity, known)
		}
	}
}

// TestPrivateAddress (Vol 6, Part B, 1.3.2.2): made by our IRK, another each time, with neither all random bits set nor
// none.
func TestPrivateAddress(t *testing.T) {
	irk := Key{9}
	m := newManager(t, Config{IRK: irk})
	seen := map[hci.Address]bool{}
	for range 100 {
		a := m.PrivateAddress()
		if !a.IsResolvable() || !btcrypto.NewCipher(irk).Resolves(a.Octets) {
			t.Fatalf("%s is not ours", a.Text())
		}
		seen[a] = true
	}
	if len(seen) < 99 {
		t.Errorf("%d addresses of 100", len(seen))
	}
	for name, octet := range map[string]byte{"zeros": 0, "ones": 0xFF} {
		m := newManager(t, Config{IRK: irk, Random: func(b []byte) {
			for i := range b {
				b[i] = octet
			}
		}})
		a := m.PrivateAddress()
		random := binary.LittleEndian.Uint32(append(slices.Clone(a.Octets[3:]), 0)) & 0x3FFFFF
		if random == 0 || random == 0x3FFFFF || !a.IsResolvable() {
			t.Errorf("random %s: %s", name, a.Text())
		}
	}
}

// thousand is a manager with a thousand bonds, whose keys are made by number.
func thousand(t testing.TB) (m *Manager, irk func(n int) Key) {
	irk = func(n int) (k Key) {
		binary.LittleEndian.PutUint32(k[:], uint32(n)+1)
		return k
	}
	store := NewMemoryStore()
	for n := range 1000 {
		k := irk(n)
		if err := store.Save(named(t, n+1, &k)); err != nil {
			t.Fatal(err)
		}
	}
	return newManager(t, Config{Store: store}), irk
}

// TestResolveAThousand bonds: each is found, and who is heard again is remembered, though strangers come by in between.
func TestResolveAThousand(t *testing.T) {
	m, irk := thousand(t)
	for n := range 1000 {
		if identity, ok := m.Resolve(resolvable(irk(n), byte(n))); !ok || identity != numberedPeer(n+1) {
			t.Fatalf("%d: %s, %v", n, identity, ok)
		}
		if _, ok := m.Resolve(numberedPrivate(n)); ok {
			t.Fatalf("a stranger is known")
		}
	}
	if n := len(m.PeerIRKs()); n != 1000 {
		t.Errorf("%d keys", n)
	}
}

// TestResolveAmongACrowd: strangers come and go, and do not cost what is remembered of peers; peers that never end do not
// grow the table either.
func TestResolveAmongACrowd(t *testing.T) {
	m, irk := thousand(t)
	one := resolvable(irk(999), 1)
	m.Resolve(one)
	for n := range 10 * maxResolved {
		m.Resolve(numberedPrivate(n))
	}
	if m.resolver.known[one] != numberedPeer(1000) {
		t.Error("the peer was forgotten")
	}
	for n := range 1000 {
		m.Resolve(resolvable(irk(n), 2))
		if len(m.resolver.known) > maxResolved {
			t.Fatalf("%d addresses are remembered", len(m.resolver.known))
		}
	}
}

// BenchmarkResolve with a thousand bonds: an address that was heard before, one that is new, and a stranger's, which all
// keys are tried on.
func BenchmarkResolve(b *testing.B) {
	m, irk := thousand(b)
	run := func(name string, address func(n int) hci.Address) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				m.Resolve(address(n))
			}
		})
	}
	one := resolvable(irk(999), 1)
	run("again", func(int) hci.Address { return one })
	run("new", func(n int) hci.Address { return resolvable(irk(n%1000), byte(n)) })
	run("stranger", numberedPrivate)
}
