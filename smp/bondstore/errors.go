package bondstore

import (
	"errors"
	"fmt"
)

var (
	// ErrReadOnly is what Save and Delete of a store opened by OpenReadOnly return.
	ErrReadOnly = errors.New("bondstore: opened for reading only")
	// ErrFull refuses a new peer beyond MaxRecords, or beyond Config.MaxBonds where none may give way to it.
	ErrFull = errors.New("bondstore: full")
	// ErrRecord refuses a record that no file could hold.
	ErrRecord = errors.New("bondstore: not a record")
	// ErrIdentity refuses another identity of the host, since bonded peers know it by the one that it has.
	ErrIdentity = errors.New("bondstore: bonded peers know the host by another")
	// ErrDamaged is a file whose octets are not what was written.
	ErrDamaged = errors.New("damaged")
	// ErrNewer is a file written by a newer release, which this one leaves alone.
	ErrNewer = errors.New("written by a newer release")
)

// A Problem is something found wrong with a file or folder, and what was done about it. It never holds key
// octets.
type Problem struct {
	Path   string
	Err    error  // ErrDamaged, ErrNewer or the system's error, with detail
	Action string // "set aside as …; the previous generation is used"
}

func (p Problem) String() string {
	return fmt.Sprintf("bondstore: %s: %v: %s", p.Path, p.Err, p.Action)
}

// A MemoryError says that something is in memory only, to be lost when the host ends, and why.
type MemoryError struct {
	What string // "the bond with 00:1C:05:FF:F0:30/public"
	Err  error  // the system's error, with the path; ErrNewer; os.ErrClosed
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("bondstore: %s is in memory only: %v", e.What, e.Err)
}

func (e *MemoryError) Unwrap() error { return e.Err }

// A LockedError says that another process has the folder open for writing.
type LockedError struct {
	Path string // the lock file
	PID  int    // the process that wrote its number there last, 0 if unknown
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("bondstore: %s is held by another process", e.Path)
	}
	return fmt.Sprintf("bondstore: %s is held by process %d", e.Path, e.PID)
}

// aloneError says that a file is not to be written.
type aloneError struct {
	path string
	err  error
}

func (e *aloneError) Error() string { return fmt.Sprintf("%s is left alone: %v", e.path, e.err) }
func (e *aloneError) Unwrap() error { return e.err }

// A FolderError says that a folder is not fit to keep keys in, or the file of a StateKey to keep that.
type FolderError struct {
	Path string
	Why  string // with what to do about it
}

func (e *FolderError) Error() string { return fmt.Sprintf("bondstore: %s: %s", e.Path, e.Why) }
