package bondstore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// MaxRecords bounds the records of one store, of all local identities together.
const MaxRecords = 4096

// Config is what Open may be told. Its zero value works.
type Config struct {
	// Log hears of every Problem, and of a disk that works again; if nil, silence.
	Log *logrus.Logger
	// Report hears of every Problem, from the goroutine that met it and before its call returns; if nil,
	// they go to Log alone.
	Report func(Problem)
	// MaxBonds bounds the records of all local identities together: a new peer beyond it takes the place of the
	// one that evict names, or is refused with ErrFull. If zero, or more than MaxRecords, that many are kept and
	// none gives way.
	MaxBonds int
	// Evicted hears of each record that gave way to another, without keys, before that Save returns; if nil, they
	// go to Log alone.
	Evicted func(gone, to smp.Record)
	// Key encrypts the files; if nil, they are as plain as before. What is there and not encrypted is, by the time
	// that Open returns; flash may keep the octets nevertheless. Without the key that a folder was encrypted with,
	// Open fails with ErrKey.
	Key *StateKey
	// Random fills with random octets, for the host's own keys; if nil, crypto/rand.
	Random func([]byte)
}

// Store is an smp.Store on a directory. Everything is in memory too: Load, List and Locals never touch the
// disk nor wait for it. It is safe for concurrent use.
//
// State: memory is guarded by mu, which nobody holds while the disk is touched; the shelf belongs to
// whoever holds disk. Who needs both takes disk first.
type Store struct {
	config   Config
	dir      string
	readOnly bool

	mu       sync.RWMutex
	records  map[pair]smp.Record
	identity identity
	pending  map[pair]change // what memory has and the disk has not; the zero pair is the identity
	changes  int             // so far
	used     map[pair]uint64 // when a record was last loaded or saved, counted by uses
	uses     uint64          // so far
	err      error           // what is in the way of pending

	disk   sync.Mutex
	shelf  *shelf
	closed bool
}

var _ smp.Store = (*Store)(nil)

// Open reads what is in dir, which it makes if need be, and locks it against a second writer
// (*LockedError). A disk that can't be written is no error here: the store then works from memory, tells
// Config.Report, and Err says why. An error says that the folder can't be used at all: another process has
// it, it can't be read, or it is no fit place for keys (*FolderError).
func Open(dir string, c Config) (*Store, error) { return open(dir, c, osDisk{}, false) }

// OpenReadOnly reads what is in dir at this moment, beside a host that has it open, and changes nothing on
// disk. Save and Delete change memory and return ErrReadOnly. A dir that is not there is an empty store.
func OpenReadOnly(dir string, c Config) (*Store, error) { return open(dir, c, osDisk{}, true) }

func open(dir string, c Config, d disk, readOnly bool) (*Store, error) {
	if c.Random == nil {
		c.Random = func(b []byte) { _, _ = rand.Read(b) } // never fails
	}
	s := &Store{
		config: c, dir: dir, readOnly: readOnly,
		records: map[pair]smp.Record{}, used: map[pair]uint64{}, pending: map[pair]change{}, shelf: newShelf(dir, d, readOnly),
	}
	s.shelf.key = c.Key
	err := s.withDisk(func() error {
		fatal, err := s.start()
		if err == nil && c.Key != nil && !readOnly {
			s.writeAll()
		}
		if fatal || err == nil {
			return err
		}
		s.note(&MemoryError{"what is saved", err})
		return nil
	})
	if err != nil {
		return nil, openError(err)
	}
	return s, nil
}

// openError names the package in a system's error; its own do so already.
func openError(err error) error {
	var locked *LockedError
	var folder *FolderError
	if errors.As(err, &locked) || errors.As(err, &folder) {
		return err
	}
	return fmt.Errorf("bondstore: %w", err)
}

// Format prints the store's folder, and nothing of what is in it.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "bondstore(%s)", s.dir) }

// Load finds the record of a peer by its identity address.
func (s *Store) Load(local, peer hci.Address) (smp.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := pair{local, peer}
	r, ok := s.records[p]
	if ok {
		s.use(p)
	}
	return r.Clone(), ok
}

// List is all records of a local identity, ordered by the peer's address.
func (s *Store) List(local hci.Address) []smp.Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var list []smp.Record
	for p, r := range s.records {
		if p.local == local {
			list = append(list, r.Clone())
		}
	}
	slices.SortFunc(list, func(a, b smp.Record) int { return compare(a.Peer, b.Peer) })
	return list
}

// Locals is all local identities that have a record, in order.
func (s *Store) Locals() []hci.Address {
	s.mu.RLock()
	defer s.mu.RUnlock()
	locals := map[hci.Address]bool{}
	for p := range s.records {
		locals[p.local] = true
	}
	return slices.SortedFunc(maps.Keys(locals), compare)
}

// Save replaces a record in one step, in memory first. Where it can't be made durable the error is a
// *MemoryError; later calls of Save and Delete try again, and write everything that is pending. ErrFull and
// ErrRecord refuse a record altogether. A record that is on disk already is not written again.
func (s *Store) Save(r smp.Record) error {
	if err := check(r); err != nil {
		return err
	}
	p := pair{r.Local, r.Peer}
	s.mu.Lock()
	gone, err := s.makeRoom(p, r)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.records[p] = r.Clone()
	s.use(p)
	s.changed(p, false)
	s.mu.Unlock()
	s.tellEvicted(gone, r)
	return s.flush(p)
}

// Delete forgets a record and every older generation of it; a record that is not there is no error. Where
// the files can't be removed the error is a *MemoryError, and later calls try again.
func (s *Store) Delete(local, peer hci.Address) error {
	p := pair{local, peer}
	if storable(local) != nil || storable(peer) != nil {
		return nil // no record has such a name, and no file
	}
	s.mu.Lock()
	s.forget(p)
	s.mu.Unlock()
	return s.flush(p)
}

// LocalIRK is the identity resolving key of a local identity, made once and kept beside the bonds. A
// *MemoryError, and ErrReadOnly, come with a key that is good until the host ends.
func (s *Store) LocalIRK(local hci.Address) (smp.Key, error) {
	if err := storable(local); err != nil {
		return smp.Key{}, err
	}
	s.mu.Lock()
	irk, known := s.identity.irks[local]
	if !known {
		irk = newIRK(s.config.Random)
		s.identity.setIRK(local, irk)
		s.changed(pair{}, false)
	}
	s.mu.Unlock()
	return irk, s.flush(pair{})
}

// StaticAddress is the static random address of a host whose controller has no public one, made once and
// kept beside the bonds. A *MemoryError, and ErrReadOnly, come with an address that is good until the host
// ends.
func (s *Store) StaticAddress() (hci.Address, error) {
	s.mu.Lock()
	if s.identity.static.IsZero() {
		s.identity.static = newStatic(s.config.Random)
		s.changed(pair{}, false)
	}
	a := s.identity.static
	s.mu.Unlock()
	return a, s.flush(pair{})
}

// Err is nil when everything in memory is on disk, and otherwise says what is in the way.
func (s *Store) Err() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.err
}

// Close tries once more to write what is pending, and gives the folder free. It returns Err. Records can
// still be loaded afterwards, and saved in memory.
func (s *Store) Close() error {
	_ = s.withDisk(func() error {
		if s.closed {
			return nil
		}
		s.writeAll()
		s.closed = true
		s.shelf.unlock()
		return nil
	})
	return s.Err()
}
