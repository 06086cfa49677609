package bondstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// waitsName is the file of the waits after failed pairings, in the store's folder.
const waitsName = "waits.json"

// maxSavedWaits is how many waits a file may have.
const maxSavedWaits = 1024

// waitsFile is the waits as their file has them: as remaining time, since there may be no clock.
type waitsFile struct {
	header
	Waits []waitText `json:"waits"`
}

type waitText struct {
	Peer     hci.Address `json:"peer"`
	Failures int         `json:"failures"`
	Left     int64       `json:"left_ms"`
}

var _ smp.WaitStore = (*Store)(nil)

// SaveWaits replaces the waits after failed pairings in one step. There is no older generation of them: what is
// lost with a damaged file is that somebody has to wait.
func (s *Store) SaveWaits(all []smp.Wait) error {
	if s.readOnly {
		return ErrReadOnly
	}
	file := waitsFile{header: header{version, byteOrder}, Waits: []waitText{}}
	for _, w := range all {
		file.Waits = append(file.Waits, waitText{w.Peer, w.Failures, w.Left.Milliseconds()})
	}
	text, err := seal(file)
	if err != nil {
		return err
	}
	err = s.withDisk(func() error {
		if s.closed {
			return os.ErrClosed
		}
		if !s.shelf.ready {
			if _, err := s.start(); err != nil {
				return err
			}
		}
		return s.shelf.saveWaits(text, len(all) == 0)
	})
	if err != nil {
		return &MemoryError{"the waits after failed pairings", err}
	}
	return nil
}

// LoadWaits is what SaveWaits was given last, nothing where it never was.
func (s *Store) LoadWaits() ([]smp.Wait, error) {
	var text []byte
	err := s.withDisk(func() (err error) {
		text, err = s.shelf.loadWaits()
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("bondstore: %s: %w", waitsName, err)
	}
	all, err := unmarshalWaits(text)
	if err != nil {
		return nil, fmt.Errorf("bondstore: %s: %w", waitsName, err)
	}
	return all, nil
}

func unmarshalWaits(text []byte) ([]smp.Wait, error) {
	var file waitsFile
	if err := unseal(text, &file); err != nil {
		return nil, err
	}
	if len(file.Waits) > maxSavedWaits {
		return nil, fmt.Errorf("%w: %d waits", ErrDamaged, len(file.Waits))
	}
	var all []smp.Wait
	for _, w := range file.Waits {
		left := time.Duration(w.Left) * time.Millisecond
		if w.Failures < 0 || w.Left < 0 || left.Milliseconds() != w.Left {
			return nil, fmt.Errorf("%w: a wait that can't be", ErrDamaged)
		}
		all = append(all, smp.Wait{Peer: w.Peer, Failures: w.Failures, Left: left})
	}
	return all, nil
}

// saveWaits makes the text durable. Where there are no waits and no file, there is nothing to make.
func (s *shelf) saveWaits(text []byte, none bool) error {
	path := filepath.Join(s.dir, waitsName)
	if _, err := s.disk.stat(path); none && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := s.stage(path, text); err != nil {
		return err
	}
	if err := s.disk.rename(path+newEnding, path); err != nil {
		return s.unstage(path, err)
	}
	return s.disk.syncDir(s.dir)
}

func (s *shelf) loadWaits() ([]byte, error) {
	path := filepath.Join(s.dir, waitsName)
	text, err := s.disk.read(path, maxFile+1)
	if err != nil {
		return nil, err
	}
	text, _, err = s.key.disclose(text, s.label(path))
	return text, err
}
