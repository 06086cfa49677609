package bondstore

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

var (
	host  = hci.Address{Octets: [6]byte{0x77, 0x01, 0xF0, 0x85, 0x1D, 0x00}}
	peerA = hci.Address{Octets: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}}
	peerB = hci.Address{Type: hci.Random, Octets: [6]byte{6, 5, 4, 3, 2, 0xC1}}

	modelDir = filepath.Join(modelRoot, "bonds")
)

// bond is a record of peer; every key of it holds generation.
func bond(peer hci.Address, generation byte) smp.Record {
	key := smp.Key{}
	for i := range key {
		key[i] = generation
	}
	irk := key
	return smp.Record{
		Local: host, Peer: peer, Bonded: true, Wish: smp.WishNone,
		Keys: smp.Keys{
			KeySize: 16, Method: smp.JustWorks,
			Peer:    &smp.LTK{Key: key, EDIV: uint16(generation), Rand: [8]byte{generation}},
			PeerIRK: &irk,
		},
	}
}

// state is what a store has, by peer; a deleted bond is not in it.
type state map[hci.Address]smp.Record

func stateOf(s *Store) state {
	st := state{}
	for _, r := range s.List(host) {
		st[r.Peer] = r
	}
	return st
}

// operation is one call that a cut may come into.
type operation struct {
	name string
	do   func(s *Store) error
}

func save(peer hci.Address, generation byte) operation {
	return operation{fmt.Sprintf("save %v of generation %d", peer, generation), func(s *Store) error { return s.Save(bond(peer, generation)) }}
}

func forget(peer hci.Address) operation {
	return operation{fmt.Sprintf("delete %v", peer), func(s *Store) error { return s.Delete(host, peer) }}
}

// histories are calls in a row, of which the last is the one to be cut.
var histories = []struct {
	name string
	do   []operation
}{
	{"create", []operation{save(peerA, 1)}},
	{"create beside another", []operation{save(peerB, 1), save(peerA, 1)}},
	{"replace", []operation{save(peerA, 1), save(peerA, 2)}},
	{"replace again", []operation{save(peerA, 1), save(peerA, 2), save(peerA, 3)}},
	{"replace by the same", []operation{save(peerA, 1), save(peerA, 2), save(peerA, 2)}},
	{"delete", []operation{save(peerA, 1), forget(peerA)}},
	{"delete of two generations", []operation{save(peerA, 1), save(peerA, 2), save(peerB, 1), forget(peerA)}},
	{"create after deletion", []operation{save(peerA, 1), save(peerA, 2), forget(peerA), save(peerA, 3)}},
	{"delete what is not there", []operation{save(peerB, 1), forget(peerA)}},
}

// openModel opens the store on a model, and fails the test when that is not possible.
func openModel(t *testing.T, m *model) *Store {
	t.Helper()
	s, err := open(modelDir, Config{}, m, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run does operations on a disk that works.
func run(t *testing.T, m *model, do []operation) state {
	t.Helper()
	s := openModel(t, m)
	for _, o := range do {
		if err := o.do(s); err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
	}
	st := stateOf(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return st
}

// prepare is a disk on which all but the last operation of a history were done, and what the store has
// before and after that. Without any operation before there is not even a folder.
func prepare(t *testing.T, do []operation) (m *model, before, after state) {
	t.Helper()
	m, before = newModel(), state{}
	if last := len(do) - 1; last > 0 {
		before = run(t, m, do[:last])
	}
	return m, before, run(t, newModel(), do)
}

// oneOf tells whether got is one of the states.
func oneOf(got state, states ...state) bool {
	for _, s := range states {
		if reflect.DeepEqual(got, s) {
			return true
		}
	}
	return false
}

// TestPowerCut cuts the power at every step of every operation and looks at every disk that may be left: the
// bonds are as before or as after.
func TestPowerCut(t *testing.T) {
	for _, h := range histories {
		t.Run(h.name, func(t *testing.T) {
			last := len(h.do) - 1
			base, before, after := prepare(t, h.do)
			images := 0
			for cut := 1; ; cut++ {
				m := base.clone()
				m.cutAt = cut
				allowed := []state{before, after}
				s, err := open(modelDir, Config{}, m, false)
				if err == nil && h.do[last].do(s) == nil {
					allowed = []state{after}
				}
				m.afterCut(func(left *model) {
					images++
					checkLeft(t, left, fmt.Sprintf("cut at step %d %v", cut, m.touched), allowed)
				})
				if err == nil && s.Close() == nil && m.steps < cut {
					break
				}
			}
			t.Logf("%d disks", images)
		})
	}
}

// checkLeft opens what a cut left: what is there is allowed, stays so when the power goes again while it is
// read, and can be saved and deleted.
func checkLeft(t *testing.T, left *model, when string, allowed []state) {
	t.Helper()
	s := openModel(t, left.clone())
	got := stateOf(s)
	if !oneOf(got, allowed...) {
		t.Fatalf("%s: %v is left, want one of %v\nfiles %q", when, got, allowed, left.files())
	}
	for cut := 1; ; cut++ {
		m := left.clone()
		m.cutAt = cut
		if _, err := open(modelDir, Config{}, m, false); err == nil && m.steps < cut {
			break
		}
		m.afterCut(func(again *model) {
			if second := stateOf(openModel(t, again)); !oneOf(second, got) {
				t.Fatalf("%s, and again at step %d of Open: %v, want %v\nfiles %q", when, cut, second, got, again.files())
			}
		})
	}
	checkUse(t, left, when, save(peerA, 9), func(st state) bool { return oneOf(state{peerA: st[peerA]}, state{peerA: bond(peerA, 9)}) })
	checkUse(t, left, when, forget(peerA), func(st state) bool { _, there := st[peerA]; return !there })
}

// checkUse does one operation on what a cut left, and cuts the power right behind it.
func checkUse(t *testing.T, left *model, when string, o operation, want func(state) bool) {
	t.Helper()
	m := left.clone()
	s := openModel(t, m)
	if err := o.do(s); err != nil {
		t.Fatalf("%s, then %s: %v", when, o.name, err)
	}
	m.afterCut(func(again *model) {
		if st := stateOf(openModel(t, again)); !want(st) {
			t.Fatalf("%s, then %s, then a cut: %v\nfiles %q", when, o.name, st, again.files())
		}
	})
}

// TestPowerCutIdentity cuts the power at every step of making the host's identity: there is none, or the one
// that was told.
func TestPowerCutIdentity(t *testing.T) {
	other := hci.Address{Octets: [6]byte{1}}
	base := newModel()
	s, err := open(modelDir, Config{Random: constant(1)}, base, false)
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.LocalIRK(host)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for cut := 1; ; cut++ {
		m := base.clone()
		m.cutAt = cut
		var static hci.Address
		var second smp.Key
		staticErr, secondErr := errCut, errCut
		s, err := open(modelDir, Config{Random: constant(2)}, m, false)
		if err == nil {
			static, staticErr = s.StaticAddress()
			second, secondErr = s.LocalIRK(other)
		}
		m.afterCut(func(left *model) {
			s, err := open(modelDir, Config{Random: constant(3)}, left, false)
			if err != nil {
				t.Fatal(err)
			}
			if irk, err := s.LocalIRK(host); err != nil || irk != first {
				t.Fatalf("cut at step %d %v: the first key is another, %v\nfiles %q", cut, m.touched, err, left.files())
			}
			if a, err := s.StaticAddress(); err != nil || staticErr == nil && a != static {
				t.Fatalf("cut at step %d %v: the static address is %v, %v, want %v", cut, m.touched, a, err, static)
			}
			if irk, err := s.LocalIRK(other); err != nil || secondErr == nil && irk != second {
				t.Fatalf("cut at step %d %v: the second key is another, %v", cut, m.touched, err)
			}
		})
		if secondErr == nil && m.steps < cut {
			break
		}
	}
}

// constant fills with one octet.
func constant(value byte) func([]byte) {
	return func(b []byte) {
		for i := range b {
			b[i] = value
		}
	}
}

// TestDiskErrors fails every step of every operation, once or from then on: memory has what was saved, what
// a cut leaves is old or new, and when the disk works again everything is written.
func TestDiskErrors(t *testing.T) {
	for _, h := range histories {
		for _, diskErr := range diskErrors {
			for _, forever := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %v, forever %v", h.name, diskErr, forever), func(t *testing.T) {
					last := len(h.do) - 1
					base, before, after := prepare(t, h.do)
					for at := 1; failAt(t, base.clone(), h.do[last], at, diskErr, forever, before, after); at++ {
					}
				})
			}
		}
	}
}

// failAt is false when the operation has fewer steps.
func failAt(t *testing.T, m *model, o operation, at int, diskErr error, forever bool, before, after state) bool {
	t.Helper()
	m.fail = func(step int, operation string) error {
		if step == at || forever && step > at {
			return always(diskErr)(step, operation)
		}
		return nil
	}
	s := openModel(t, m) // what is only read does not fail here
	err := o.do(s)
	if got := stateOf(s); !oneOf(got, after) {
		t.Fatalf("step %d %v: memory has %v, want %v", at, m.touched, got, after)
	}
	allowed := []state{after}
	if err != nil {
		allowed = []state{before, after}
		var memory *MemoryError
		if !errors.Is(err, diskErr) || !errors.As(err, &memory) {
			t.Fatalf("step %d %v: error %v, want a *MemoryError with %v", at, m.touched, err, diskErr)
		}
		if s.Err() == nil {
			t.Fatalf("step %d: something is pending, and Err is nil", at)
		}
	}
	m.afterCut(func(left *model) {
		if got := stateOf(openModel(t, left)); !oneOf(got, allowed...) {
			t.Fatalf("step %d %v: error %v, and %v is left, want one of %v\nfiles %q", at, m.touched, err, got, allowed, left.files())
		}
	})
	short := m.steps < at
	m.fail = nil
	third := hci.Address{Octets: [6]byte{3}}
	if err := s.Save(bond(third, 7)); err != nil {
		t.Fatalf("step %d: the disk works again, and Save says %v", at, err)
	}
	if err := s.Err(); err != nil {
		t.Fatalf("step %d: the disk works again, and Err says %v", at, err)
	}
	want := state{third: bond(third, 7)}
	maps.Copy(want, after)
	m.afterCut(func(left *model) {
		if got := stateOf(openModel(t, left)); !oneOf(got, want) {
			t.Fatalf("step %d %v: the disk works again, and a cut leaves %v, want %v\nfiles %q", at, m.touched, got, want, left.files())
		}
	})
	return !short
}

// TestKilledThenPowerCut ends the process at every step of an operation, which leaves the kernel with what is
// not durable; another process goes on from there and the power is cut at every step of what it does.
func TestKilledThenPowerCut(t *testing.T) {
	for _, h := range histories {
		for _, next := range []operation{save(peerA, 9), forget(peerA), h.do[len(h.do)-1]} {
			t.Run(h.name+", then "+next.name, func(t *testing.T) {
				last := len(h.do) - 1
				base, before, after := prepare(t, h.do)
				for kill := 1; ; kill++ {
					m := base.clone()
					m.cutAt = kill
					done := false
					if s, err := open(modelDir, Config{}, m, false); err == nil {
						done = h.do[last].do(s) == nil
					}
					cutNext(t, m.clone(), next, fmt.Sprintf("killed at step %d %v", kill, m.touched), before, after)
					if done && m.steps < kill {
						break
					}
				}
			})
		}
	}
}

// cutNext cuts the power at every step of an operation that follows on what a killed process left.
func cutNext(t *testing.T, killed *model, next operation, when string, before, after state) {
	t.Helper()
	finally := run(t, killed.clone(), []operation{next})
	for cut := 1; ; cut++ {
		m := killed.clone()
		m.cutAt = cut
		allowed := []state{before, after, finally}
		s, err := open(modelDir, Config{}, m, false)
		done := err == nil && next.do(s) == nil
		if done {
			allowed = allowed[2:]
		}
		m.afterCut(func(left *model) {
			if got := stateOf(openModel(t, left)); !oneOf(got, allowed...) {
				t.Fatalf("%s, then cut at step %d %v: %v is left, want one of %v\nfiles %q", when, cut, m.touched, got, allowed, left.files())
			}
		})
		if done && m.steps < cut {
			return
		}
	}
}

// TestPowerCutWhileEncrypting cuts the power at every step of giving a key to a folder that had none: every bond is there by that key,
// however far that had come, and the identity too.
func TestPowerCutWhileEncrypting(t *testing.T) {
	base := newModel()
	want := run(t, base, []operation{save(peerA, 1), save(peerA, 2), save(peerB, 1),
		{"make an identity", func(s *Store) error { _, err := s.LocalIRK(host); return err }}})
	irk, err := openModel(t, base.clone()).LocalIRK(host)
	if err != nil {
		t.Fatal(err)
	}
	withKey := Config{Key: stateKey(t, 1)}
	images := 0
	for cut := 1; ; cut++ {
		m := base.clone()
		m.cutAt = cut
		s, err := open(modelDir, withKey, m, false)
		m.afterCut(func(left *model) {
			images++
			s, err := open(modelDir, withKey, left, false)
			if err != nil {
				t.Fatalf("cut at step %d: %v", cut, err)
			}
			again, err := s.LocalIRK(host)
			if got := stateOf(s); !oneOf(got, want) || err != nil || again != irk {
				t.Fatalf("cut at step %d: %v, %v", cut, got, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
		if err == nil && s.Close() == nil && m.steps < cut {
			break
		}
	}
	if images < 10 {
		t.Errorf("%d disks: the cut was nowhere", images)
	}
}
