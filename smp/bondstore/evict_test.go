package bondstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

func peerN(n int) hci.Address {
	return hci.Address{Octets: [6]byte{byte(n), byte(n >> 8), 1}}
}

// worthy is a record of that worth.
func worthy(n, worth int) smp.Record {
	r := smp.Record{Local: host, Peer: peerN(n), Wish: smp.WishBond}
	if worth > 0 {
		r = bond(peerN(n), byte(n))
		r.Keys.Authenticated = worth > 1
	}
	return r
}

func TestEviction(t *testing.T) {
	for _, c := range []struct {
		name     string
		there    []int // what peers 0, 1, 2 are worth, saved in that order
		used     []int // loaded afterwards
		newcomer int
		want     int // who gives way, -1 for none
	}{
		{"no bond before a bond", []int{1, 0, 2}, []int{1}, 1, 1},
		{"unauthenticated before authenticated", []int{2, 1, 2}, []int{1}, 2, 1},
		{"least recently saved", []int{1, 1, 1}, nil, 1, 0},
		{"least recently loaded", []int{1, 1, 1}, []int{0, 2}, 1, 1},
		{"a bond does not give way to none", []int{1, 1, 2}, nil, 0, -1},
		{"authenticated does not give way to less", []int{2, 2, 2}, nil, 1, -1},
		{"authenticated gives way to its like", []int{2, 2, 2}, []int{0}, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel()
			var told []string
			log, h := logger()
			config := Config{MaxBonds: 3, Log: log, Evicted: func(gone, to smp.Record) {
				if gone.Keys.Peer != nil || to.Keys.Peer != nil {
					t.Error("the event has keys")
				}
				told = append(told, fmt.Sprint(gone.Peer, " for ", to.Peer))
			}}
			s, err := open(modelDir, config, m, false)
			if err != nil {
				t.Fatal(err)
			}
			for n, worth := range c.there {
				if err := s.Save(worthy(n, worth)); err != nil {
					t.Fatal(err)
				}
			}
			for _, n := range c.used {
				s.Load(host, peerN(n))
			}
			err = s.Save(worthy(9, c.newcomer))
			want := []int{0, 1, 2}
			if c.want < 0 {
				if !errors.Is(err, ErrFull) || len(told) != 0 {
					t.Errorf("%v, told %q, want ErrFull", err, told)
				}
			} else {
				want = append(slices.Delete(want, c.want, c.want+1), 9)
				if line := fmt.Sprint(peerN(c.want), " for ", peerN(9)); err != nil || !slices.Equal(told, []string{line}) || len(h.lines) != 1 || !strings.Contains(h.lines[0], "evicted") {
					t.Errorf("%v, told %q, logged %q, want %q", err, told, h.lines, line)
				}
			}
			if err := s.Save(worthy(want[0], 2)); err != nil {
				t.Errorf("a record that is there: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, err = open(modelDir, config, m, false) // what gave way is gone from disk too
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range want {
				if _, ok := s.Load(host, peerN(n)); !ok {
					t.Errorf("%s is gone", peerN(n))
				}
			}
			if n := len(s.List(host)); n != 3 {
				t.Errorf("%d records, want 3", n)
			}
		})
	}
}

// TestLowerBound opens a store that holds more than it may.
func TestLowerBound(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	for n := range 5 {
		if err := s.Save(worthy(n, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	gone := 0
	s, err := open(modelDir, Config{MaxBonds: 2, Evicted: func(smp.Record, smp.Record) { gone++ }}, m, false)
	if err != nil || len(s.List(host)) != 5 {
		t.Fatalf("%v; opening evicts nothing", err)
	}
	if err := s.Save(worthy(9, 1)); err != nil || gone != 4 || len(s.List(host)) != 2 {
		t.Errorf("%v, %d evicted, %d left", err, gone, len(s.List(host)))
	}
}
