package statestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/jelling-ble/jelling/gatt"
)

const (
	// MaxPeers bounds the files of one store.
	MaxPeers = 4096
	// MaxState bounds one file, in octets.
	MaxState = 256 << 10

	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600

	ending    = ".json"
	newEnding = ".new"
)

var (
	// ErrFull refuses a new peer beyond MaxPeers.
	ErrFull = errors.New("statestore: full")
	// ErrTooLarge refuses a text beyond MaxState.
	ErrTooLarge = errors.New("statestore: too large")
)

// A Store is a [gatt.Store] on a folder. It is safe for concurrent use.
type Store struct {
	dir   string
	peers int        // that there may be
	mu    sync.Mutex // one at a time on the disk
}

var _ gatt.Store = (*Store)(nil)

// Open gives the store on a folder, which is made when there is something to keep.
func Open(dir string) *Store { return &Store{dir: dir, peers: MaxPeers} }

// Load returns what was saved under a name, or nothing.
func (s *Store) Load(name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := os.ReadFile(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, wrap(err)
}

// Save replaces what was saved under a name, in one step. It fails with [ErrFull], [ErrTooLarge] and the system's errors; then what was
// saved before is still there.
func (s *Store) Save(name string, state []byte) error {
	if len(state) > MaxState {
		return fmt.Errorf("%w: %d octets for %s", ErrTooLarge, len(state), name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.prepare(name); err != nil {
		return err
	}
	path := s.path(name)
	if err := write(path+newEnding, state); err != nil {
		return wrap(err)
	}
	if err := os.Rename(path+newEnding, path); err != nil {
		return wrap(err)
	}
	return wrap(syncDir(s.dir))
}

// Forget removes what was saved under a name, if there is something.
func (s *Store) Forget(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := os.Remove(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncDir(s.dir)
	}
	return wrap(err)
}

// prepare makes the folder, and looks for room for a new name.
func (s *Store) prepare(name string) error {
	if err := os.MkdirAll(s.dir, folderMode); err != nil {
		return wrap(err)
	}
	if _, err := os.Lstat(s.path(name)); err == nil {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return wrap(err)
	}
	if len(entries) >= s.peers {
		return ErrFull
	}
	if len(entries) == 0 { // it may be new itself
		return wrap(syncDir(filepath.Dir(s.dir)))
	}
	return nil
}

// path is the file of a name.
func (s *Store) path(name string) string { return filepath.Join(s.dir, escape(name)+ending) }

// escape makes a file's name of any text: whatever is not a letter, a digit or a hyphen becomes %XX.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// write makes a file with a text that is on the disk when it returns.
func write(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// wrap names the package in a system's error.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("statestore: %w", err)
}
