package bondstore

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"

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
