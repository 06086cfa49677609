package bondstore

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestSecondWriter(t *testing.T) {
	m := newModel()
	first := openModel(t, m)
	var locked *LockedError
	if _, err := open(modelDir, Config{}, m, false); !errors.As(err, &locked) || !strings.HasSuffix(locked.Path, lockName) {
		t.Errorf("a second writer: %v, want a *LockedError", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openModel(t, m)
}

// TestLockTakenMeanwhile opens a store whose lock can't be had; when the disk works again somebody else has
// it.
func TestLockTakenMeanwhile(t *testing.T) {
	m := newModel()
	run(t, m, []operation{save(peerA, 1)})
	m.fail = always(syscall.EROFS)
	s := openModel(t, m)
	m.fail = nil
	other := openModel(t, m)
	var locked *LockedError
	if err := s.Save(bond(peerA, 2)); !errors.As(err, &locked) {
		t.Errorf("Save beside another writer: %v, want a *LockedError", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(bond(peerB, 2)); err != nil {
		t.Errorf("Save when the other has gone: %v", err)
	}
	if got := stateOf(s); !oneOf(got, state{peerA: bond(peerA, 2), peerB: bond(peerB, 2)}) {
		t.Errorf("memory has %v", got)
	}
}

// TestNoLockNoChange opens a store whose lock can't be had: somebody else may be writing, so nothing is tidied
// until it can.
func TestNoLockNoChange(t *testing.T) {
	m := newModel()
	run(t, m, []operation{save(peerA, 1), save(peerA, 2)})
	path := newShelf(modelDir, m, false).path(pair{host, peerA})
	alter(t, m, path, []byte("damaged"))
	if _, err := m.create(path + newEnding); err != nil {
		t.Fatal(err)
	}
	before := m.files()
	m.fail = func(_ int, operation string) error {
		if operation == "lock" {
			return syscall.EACCES
		}
		return nil
	}
	var told problems
	s, err := open(modelDir, told.config(), m, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := stateOf(s); !oneOf(got, state{peerA: bond(peerA, 1)}) || len(told) != 2 {
		t.Errorf("read %v, told %v", got, told)
	}
	if after := m.files(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("files %q, want %q", after, before)
	}
	m.fail = nil
	if err := s.Save(bond(peerB, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.find(path + newEnding); err == nil {
		t.Error("what was left over is still there")
	}
	if _, err := m.find(path + ".damaged-1"); err != nil {
		t.Errorf("nothing was set aside: %v", err)
	}
}

func TestOpenReadOnly(t *testing.T) {
	m := newModel()
	writer := openModel(t, m)
	if err := writer.Save(bond(peerA, 1)); err != nil {
		t.Fatal(err)
	}
	irk, err := writer.LocalIRK(host)
	if err != nil {
		t.Fatal(err)
	}
	alter(t, m, writer.shelf.path(pair{host, peerA}), []byte("damaged"))
	before := m.files()
	m.fail = func(_ int, operation string) error {
		return always(errors.New("changed the disk"))(0, operation)
	}
	var told problems
	s, err := open(modelDir, told.config(), m, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.Contains(told[0].Action, "left alone") {
		t.Errorf("told %v", told)
	}
	if err := s.Save(bond(peerA, 2)); err != ErrReadOnly {
		t.Errorf("Save: %v", err)
	}
	if r, ok := s.Load(host, peerA); !ok || r.Keys.Peer.EDIV != 2 {
		t.Errorf("memory has %v, %v", r, ok)
	}
	if err := s.Delete(host, peerA); err != ErrReadOnly {
		t.Errorf("Delete: %v", err)
	}
	if got, err := s.LocalIRK(host); err != nil || got != irk {
		t.Errorf("another key, %v", err)
	}
	for range 2 {
		if a, err := s.StaticAddress(); err != ErrReadOnly || !a.IsStatic() {
			t.Errorf("a static address that is not there: %v, %v", a, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	after := m.files()
	if fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("files %q, want %q", after, before)
	}
}

func TestOpenReadOnlyOfNothing(t *testing.T) {
	m := newModel()
	s, err := open(modelDir, Config{}, m, true)
	if err != nil || len(s.Locals()) != 0 {
		t.Fatalf("%v, %v", s, err)
	}
	if files := m.files(); len(files) != 0 {
		t.Errorf("made %v", files)
	}
}

// TestReadOnlyBesideAWriter reads at every step of a writer's Save: the bond is old or new.
func TestReadOnlyBesideAWriter(t *testing.T) {
	m := newModel()
	before := run(t, m, []operation{save(peerA, 1), save(peerA, 2)})
	s := openModel(t, m)
	reads := 0
	m.fail = func(int, string) error {
		reader := m.clone()
		r, err := open(modelDir, Config{}, reader, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := stateOf(r); !oneOf(got, before, state{peerA: bond(peerA, 3)}) {
			t.Errorf("step %v: read %v", m.touched, got)
		}
		reads++
		return nil
	}
	if err := s.Save(bond(peerA, 3)); err != nil || reads < 6 {
		t.Errorf("%v, read %d times", err, reads)
	}
}
