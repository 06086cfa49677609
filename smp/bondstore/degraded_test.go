package bondstore

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
)

// slow makes the model's next write of a file wait until the function that it gets has returned.
func slow(m *model, meanwhile func()) {
	once := sync.Once{}
	m.fail = func(_ int, operation string) error {
		if operation == "write" {
			once.Do(meanwhile)
		}
		return nil
	}
}

// TestSlowDisk holds the disk up in the middle of a Save: what is loaded comes at once, and what is saved
// meanwhile is what is on disk in the end.
func TestSlowDisk(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	second := make(chan error, 1)
	slow(m, func() {
		if r, ok := s.Load(host, peerA); !ok || r.Keys.Peer.EDIV != 1 {
			t.Errorf("while the disk is busy: %v, %v", r, ok)
		}
		go func() { second <- s.Save(bond(peerA, 2)) }()
		for r, _ := s.Load(host, peerA); r.Keys.Peer.EDIV != 2; r, _ = s.Load(host, peerA) {
			runtime.Gosched()
		}
	})
	if err := s.Save(bond(peerA, 1)); err != nil {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
	m.afterCut(func(left *model) {
		if got := stateOf(openModel(t, left)); !oneOf(got, state{peerA: bond(peerA, 2)}) {
			t.Errorf("left is %v", got)
		}
	})
}

// TestDeletedStaysDeleted fails a Delete, saves another bond with that peer, and damages it: the deleted one
// is not what is found instead.
func TestDeletedStaysDeleted(t *testing.T) {
	m := newModel()
	s := openModel(t, m)
	for _, generation := range []byte{1, 2} {
		if err := s.Save(bond(peerA, generation)); err != nil {
			t.Fatal(err)
		}
	}
	m.fail = always(syscall.EIO)
	err := s.Delete(host, peerA)
	if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "that the bond with 00:1C:05:FF:F0:30/public was deleted is in memory only") {
		t.Errorf("Delete: %v", err)
	}
	if _, ok := s.Load(host, peerA); ok {
		t.Error("it is still in memory")
	}
	m.fail = nil
	if err := s.Save(bond(peerA, 3)); err != nil {
		t.Fatal(err)
	}
	alter(t, m, s.shelf.path(pair{host, peerA}), []byte("damaged"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := stateOf(openModel(t, m)); len(got) != 0 {
		t.Errorf("found %v", got)
	}
}

// TestReadOnlyDisk opens a store on a disk that can't be written: it is read, works from memory, says so
// loudly, and recovers.
func TestReadOnlyDisk(t *testing.T) {
	for _, diskErr := range diskErrors {
		t.Run(diskErr.Error(), func(t *testing.T) {
			m := newModel()
			before := run(t, m, []operation{save(peerA, 1)})
			m.fail = always(diskErr)
			var told problems
			s, err := open(modelDir, told.config(), m, false)
			if err != nil {
				t.Fatal(err)
			}
			if len(told) != 1 || told[0].Path != modelDir || !errors.Is(told[0].Err, diskErr) || !strings.Contains(told[0].Action, "working from memory") {
				t.Errorf("told %v", told)
			}
			if err := s.Err(); !errors.Is(err, diskErr) {
				t.Errorf("Err: %v, want %v", err, diskErr)
			}
			if got := stateOf(s); !oneOf(got, before) {
				t.Errorf("read %v, want %v", got, before)
			}
			err = s.Save(bond(peerB, 1))
			if !errors.Is(err, diskErr) || !strings.Contains(err.Error(), "the bond with C1:02:03:04:05:06/random is in memory only") {
				t.Errorf("Save: %v", err)
			}
			irk, err := s.LocalIRK(host)
			if !errors.Is(err, diskErr) || irk.IsZero() {
				t.Errorf("LocalIRK: %v", err)
			}
			static, err := s.StaticAddress()
			if !errors.Is(err, diskErr) || !static.IsStatic() {
				t.Errorf("StaticAddress: %v, %v", static, err)
			}
			if len(told) != 1 {
				t.Errorf("told again: %v", told)
			}
			m.fail = nil
			if err := s.Save(bond(peerA, 2)); err != nil || s.Err() != nil {
				t.Fatalf("the disk works again: %v, %v", err, s.Err())
			}
			m.afterCut(func(left *model) {
				s := openModel(t, left)
				if got := stateOf(s); !oneOf(got, state{peerA: bond(peerA, 2), peerB: bond(peerB, 1)}) {
					t.Errorf("left is %v", got)
				}
				if again, err := s.LocalIRK(host); err != nil || again != irk {
					t.Errorf("the key is another, %v", err)
				}
				if again, err := s.StaticAddress(); err != nil || again != static {
					t.Errorf("static address %v, %v, want %v", again.Text(), err, static.Text())
				}
			})
		})
	}
}

// TestFolderThatComesLate opens a store whose folder can't be made; then somebody mounts it, with bonds.
func TestFolderThatComesLate(t *testing.T) {
	mounted := newModel()
	run(t, mounted, []operation{save(peerA, 1), save(peerB, 1)})
	m := newModel()
	m.fail = always(syscall.EROFS)
	s := openModel(t, m)
	if err := s.Save(bond(peerB, 2)); err == nil {
		t.Error("saved without a folder")
	}
	m.root, m.fail = mounted.root, nil
	if err := s.Save(bond(hci.Address{Octets: [6]byte{3}}, 7)); err != nil {
		t.Fatal(err)
	}
	want := state{peerA: bond(peerA, 1), peerB: bond(peerB, 2), {Octets: [6]byte{3}}: bond(hci.Address{Octets: [6]byte{3}}, 7)}
	if got := stateOf(s); !oneOf(got, want) {
		t.Errorf("memory has %v, want %v", got, want)
	}
	m.afterCut(func(left *model) {
		if got := stateOf(openModel(t, left)); !oneOf(got, want) {
			t.Errorf("left is %v, want %v", got, want)
		}
	})
}

// TestUnreadable fails what Open has to read: there is no going on without knowing what is there.
func TestUnreadable(t *testing.T) {
	for _, c := range []struct {
		operation string
		nth       int // of its kind
	}{{"stat", 1}, {"readDir", 1}, {"readDir", 2}, {"readDir", 3}} {
		t.Run(fmt.Sprint(c.operation, c.nth), func(t *testing.T) {
			m := newModel()
			run(t, m, []operation{save(peerA, 1)})
			n := 0
			m.fail = func(_ int, operation string) error {
				if operation == c.operation {
					n++
				}
				if operation == c.operation && n == c.nth {
					return syscall.EIO
				}
				return nil
			}
			if s, err := open(modelDir, Config{}, m, false); !errors.Is(err, syscall.EIO) || s != nil {
				t.Errorf("%v, %v", s, err)
			}
			m.fail = nil
			if got := stateOf(openModel(t, m)); len(got) != 1 {
				t.Errorf("the lock was kept, or the bond lost: %v", got)
			}
		})
	}
}

// TestReportMayCall calls the store from Report.
func TestReportMayCall(t *testing.T) {
	m := newModel()
	var s *Store
	calls := 0
	s, err := open(modelDir, Config{Report: func(Problem) {
		calls++
		_ = s.Save(bond(peerB, 1))
		s.Load(host, peerB)
		_ = s.Err()
	}}, m, false)
	if err != nil {
		t.Fatal(err)
	}
	m.fail = always(syscall.EIO)
	if err := s.Save(bond(peerA, 1)); err == nil || calls != 1 {
		t.Errorf("%v, %d reports, want one", err, calls)
	}
}

// hook keeps what is logged.
type hook struct{ lines []string }

func (h *hook) Levels() []logrus.Level { return logrus.AllLevels }
func (h *hook) Fire(e *logrus.Entry) error {
	h.lines = append(h.lines, e.Level.String()+": "+e.Message)
	return nil
}

func logger() (*logrus.Logger, *hook) {
	h := &hook{}
	log := logrus.New()
	log.SetOutput(discard{})
	log.SetLevel(logrus.TraceLevel)
	log.AddHook(h)
	return log, h
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func TestLog(t *testing.T) {
	m := newModel()
	log, h := logger()
	s, err := open(modelDir, Config{Log: log}, m, false)
	if err != nil {
		t.Fatal(err)
	}
	m.fail = always(syscall.ENOSPC)
	for generation := range 3 {
		_ = s.Save(bond(peerA, byte(generation+1)))
	}
	m.fail = nil
	if err := s.Save(bond(peerA, 4)); err != nil {
		t.Fatal(err)
	}
	if len(h.lines) != 2 || !strings.HasPrefix(h.lines[0], "error: bondstore: "+modelDir) || !strings.Contains(h.lines[0], "no space left") ||
		!strings.HasPrefix(h.lines[1], "info: ") || !strings.Contains(h.lines[1], "on disk again") {
		t.Errorf("logged %q", h.lines)
	}
}
