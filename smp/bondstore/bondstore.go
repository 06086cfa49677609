package bondstore

import (
	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// Config is what Open may be told. Its zero value works.
type Config struct {
	// Log hears of every Problem and of a disk that fails or works again; if nil, silence.
	Log *logrus.Logger
	// Report hears of every Problem, from the goroutine that met it; if nil, they go to Log alone.
	Report func(Problem)
	// Random fills with random octets, for the host's own keys; if nil, crypto/rand.
	Random func([]byte)
}

// Store is an smp.Store on a directory. Everything is in memory too: Load, List and Locals never touch the
// disk. It is safe for concurrent use.
type Store struct{}

var _ smp.Store = (*Store)(nil)

// Open reads what is in dir, which it makes if need be, and locks it against a second writer
// (*LockedError). A disk that can't be written is no error here: the store then works from memory, tells
// Config.Report, and Err says why. An error says that the folder can't be used at all: another process has
// it, it can't be read, or it is open to others and holds more than bonds.
func Open(dir string, c Config) (*Store, error) { return &Store{}, nil }

// OpenReadOnly reads what is in dir at this moment, beside a host that has it open, and changes nothing on
// disk. Save and Delete change memory and return ErrReadOnly.
func OpenReadOnly(dir string, c Config) (*Store, error) { return &Store{}, nil }

// Load finds the record of a peer by its identity address.
func (s *Store) Load(local, peer hci.Address) (smp.Record, bool) { return smp.Record{}, false }

// List is all records of a local identity, ordered by the peer's address.
func (s *Store) List(local hci.Address) []smp.Record { return nil }

// Locals is all local identities that have a record, in order.
func (s *Store) Locals() []hci.Address { return nil }

// Save replaces a record in one step, in memory first. Where it can't be made durable the error is a
// *MemoryError; later calls of Save and Delete try again, and write everything that is pending.
func (s *Store) Save(r smp.Record) error { return nil }

// Delete forgets a record and every older generation of it; a record that is not there is no error. Where
// the files can't be removed the error is a *MemoryError, and later calls try again.
func (s *Store) Delete(local, peer hci.Address) error { return nil }

// LocalIRK is the identity resolving key of a local identity, made once and kept beside the bonds. A
// *MemoryError comes with a key that is good until the host ends.
func (s *Store) LocalIRK(local hci.Address) (smp.Key, error) { return smp.Key{}, nil }

// StaticAddress is the static random address of a host whose controller has no public one, made once and
// kept beside the bonds. A *MemoryError comes with an address that is good until the host ends.
func (s *Store) StaticAddress() (hci.Address, error) { return hci.Address{}, nil }

// Err is nil when everything in memory is on disk, and otherwise says what is in the way.
func (s *Store) Err() error { return nil }

// Close tries once more to write what is pending, and gives the folder free. It returns Err. Records can
// still be loaded afterwards.
func (s *Store) Close() error { return nil }
