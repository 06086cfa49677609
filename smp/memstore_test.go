package smp

import (
	"fmt"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func TestMemoryStore(t *testing.T) {
	var store Store = &MemoryStore{}
	local, elsewhere := addressOf(t, hostText), addressOf(t, "00:00:00:00:00:07/public")
	a, b := bondWith(t, oximeterText, legacyKeys(1), WishNone), bondWith(t, strangerText, secureKeys(2), WishBond)
	c := bondWith(t, oximeterText, secureKeys(3), WishBond)
	c.Local = elsewhere
	for _, r := range []Record{a, b, c} {
		if _, ok := store.Load(r.Local, r.Peer); ok {
			t.Fatal("a record before it was saved")
		}
		if err := store.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []Record{a, b, c} {
		if got, ok := store.Load(want.Local, want.Peer); !ok || !sameRecord(got, want) {
			t.Errorf("%+v, want %+v", got.Public(), want.Public())
		}
	}
	if all := store.List(local); len(all) != 2 || all[0].Peer != a.Peer || all[1].Peer != b.Peer {
		t.Errorf("%d records", len(all))
	}
	a.Keys = secureKeys(9)
	_ = store.Save(a)
	if got, _ := store.Load(local, a.Peer); !sameRecord(got, a) || len(store.List(local)) != 2 {
		t.Error("not replaced")
	}
	for range 2 { // that there was none is no error
		if err := store.Delete(local, a.Peer); err != nil {
			t.Error(err)
		}
	}
	if _, ok := store.Load(local, a.Peer); ok || len(store.List(local)) != 1 || len(store.List(elsewhere)) != 1 {
		t.Error("not deleted, or more than that")
	}
}

// TestMemoryStoreCopies: what goes in and what comes out shares nothing with what is kept.
func TestMemoryStoreCopies(t *testing.T) {
	store := NewMemoryStore()
	prior := legacyKeys(1)
	r := bondWith(t, oximeterText, secureKeys(2), WishBond)
	r.Prior = &prior
	want := r.Clone()
	_ = store.Save(r)
	out, _ := store.Load(r.Local, r.Peer)
	listed := store.List(r.Local)[0]
	for _, r := range []Record{r, out, listed} {
		r.Keys.SC.Key[0] = 99
		r.Prior.Local.EDIV = 99
		r.Prior.KeySize = 7
	}
	if got, _ := store.Load(want.Local, want.Peer); !sameRecord(got, want) {
		t.Error("changed from outside")
	}
}

func TestMemoryStoreConcurrently(t *testing.T) {
	store := NewMemoryStore()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			r := Record{Peer: hci.Address{Octets: [6]byte{byte(n)}}, Keys: secureKeys(byte(n))}
			for range 100 {
				_ = store.Save(r)
				if got, ok := store.Load(r.Local, r.Peer); !ok || !sameRecord(got, r) {
					panic(fmt.Sprint("another record: ", got))
				}
				store.List(r.Local)
			}
			_ = store.Delete(r.Local, r.Peer)
		})
	}
	all.Wait()
	if left := store.List(hci.Address{}); len(left) != 0 {
		t.Errorf("%d left", len(left))
	}
}
