package bondstore

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/leaktest"
	"github.com/jelling-ble/jelling/smp"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestLoadAndList(t *testing.T) {
	s := openModel(t, newModel())
	if _, ok := s.Load(host, peerA); ok || len(s.List(host)) != 0 || len(s.Locals()) != 0 {
		t.Fatal("an empty store has something")
	}
	elsewhere := bond(peerA, 3)
	elsewhere.Local = peerB
	for _, r := range []smp.Record{bond(peerB, 1), bond(peerA, 2), elsewhere} {
		if err := s.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.List(host); len(got) != 2 || got[0].Peer != peerA || got[1].Peer != peerB {
		t.Errorf("list %v, want the peers in order", got)
	}
	if got := s.List(peerB); len(got) != 1 || got[0].Keys.Peer.EDIV != 3 {
		t.Errorf("list of the other identity %v", got)
	}
	if got := s.Locals(); !slices.Equal(got, []hci.Address{host, peerB}) {
		t.Errorf("local identities %v", got)
	}
	if r, ok := s.Load(host, peerA); !ok || !oneOf(state{peerA: r}, state{peerA: bond(peerA, 2)}) {
		t.Errorf("loaded %v, %v", r, ok)
	}
	random := peerA
	random.Type = hci.Random
	if _, ok := s.Load(host, random); ok {
		t.Error("the same octets of another type are the same peer")
	}
}

// TestCopies changes what went in and what came out: what is kept stays.
func TestCopies(t *testing.T) {
	s := openModel(t, newModel())
	in := bond(peerA, 1)
	if err := s.Save(in); err != nil {
		t.Fatal(err)
	}
	in.Keys.Peer.EDIV = 99
	out, _ := s.Load(host, peerA)
	out.Keys.PeerIRK[0] = 99
	s.List(host)[0].Keys.Peer.Rand[0] = 99
	if r, _ := s.Load(host, peerA); !oneOf(state{peerA: r}, state{peerA: bond(peerA, 1)}) {
		t.Errorf("what was kept is now %v", r)
	}
}

func TestLoadNeverTouchesTheDisk(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	if err := s.Save(bond(peerA, 1)); err != nil {
		t.Fatal(err)
	}
	steps := m.steps
	s.Load(host, peerA)
	s.List(host)
	s.Locals()
	_ = s.Err()
	if m.steps != steps {
		t.Errorf("touched the disk: %v", m.touched[steps:])
	}
}

func TestSaveOfTheSameWritesNothing(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	for i := range 3 {
		steps := m.steps
		if err := s.Save(bond(peerA, 1)); err != nil {
			t.Fatal(err)
		}
		if i > 0 && m.steps != steps {
			t.Errorf("the same record touched the disk: %v", m.touched[steps:])
		}
	}
}

func TestFull(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	m.fail = always(syscall.ENOSPC) // memory is what is tested here
	peer := func(n int) hci.Address { return hci.Address{Octets: [6]byte{byte(n), byte(n >> 8), 1}} }
	for n := range MaxRecords {
		if err := s.Save(smp.Record{Local: host, Peer: peer(n)}); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("record %d: %v", n, err)
		}
	}
	if err := s.Save(smp.Record{Local: host, Peer: peer(MaxRecords)}); !errors.Is(err, ErrFull) {
		t.Errorf("one more: %v, want ErrFull", err)
	}
	if n := len(s.List(host)); n != MaxRecords {
		t.Errorf("%d records, want %d", n, MaxRecords)
	}
	if err := s.Save(bond(peer(7), 1)); errors.Is(err, ErrFull) {
		t.Errorf("replacing: %v", err)
	}
	_ = s.Delete(host, peer(8))
	if err := s.Save(smp.Record{Local: host, Peer: peer(MaxRecords)}); errors.Is(err, ErrFull) {
		t.Errorf("after a deletion: %v", err)
	}
}

func TestClose(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	m.fail = always(syscall.ENOSPC)
	if err := s.Save(bond(peerA, 1)); err == nil {
		t.Error("saved on a full disk")
	}
	m.fail = nil
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close, with a disk that works again: %v", err)
		}
	}
	if got := stateOf(openModel(t, m)); len(got) != 1 {
		t.Errorf("Close wrote %v", got)
	}
	if err := s.Save(bond(peerB, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Save after Close: %v, want os.ErrClosed", err)
	}
	if _, ok := s.Load(host, peerB); !ok {
		t.Error("a record saved after Close is not in memory")
	}
	if err := s.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close with something pending: %v", err)
	}
}

// ExampleOpen keeps a bond over a restart.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "bonds")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	local, _, _ := hci.ParseAddress("00:1D:85:F0:01:77/public")
	peer, _, _ := hci.ParseAddress("00:1C:05:FF:F0:30/public")

	for range 2 {
		store, err := Open(dir, Config{})
		if err != nil {
			fmt.Println(err)
			return
		}
		r, ok := store.Load(local, peer)
		fmt.Printf("found %v, wish %q\n", ok, r.Wish)
		if err := store.Save(smp.Record{Local: local, Peer: peer, Wish: smp.WishNone}); err != nil {
			fmt.Println("not durable:", err)
		}
		_ = store.Close()
	}
	// Output:
	// found false, wish ""
	// found true, wish "none"
}
