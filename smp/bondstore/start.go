package bondstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
)

// start makes, guards, locks and reads the folder, unless that has been done. Fatal says that the folder
// can't be used; any other error is one of writing, comes with what could be read, and start may be called
// again.
func (s *shelf) start() (f found, fatal bool, err error) {
	if s.ready {
		return found{}, false, nil
	}
	top, err := s.disk.stat(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if s.readOnly {
			s.ready = true
			return found{}, false, nil
		}
		if err = s.makeAll(s.dir); err != nil {
			return found{}, false, err
		}
		top, err = s.disk.stat(s.dir)
	}
	if err != nil {
		return found{}, true, err
	}
	if !top.mode.IsDir() {
		return found{}, true, &FolderError{s.dir, "is no folder"}
	}
	entries, err := s.disk.readDir(s.dir)
	if err != nil {
		return found{}, true, err
	}
	if err := s.guard(top, entries); err != nil {
		return found{}, true, err
	}
	if s.readOnly {
		f, err = s.scan(entries)
		s.ready = err == nil
		return f, true, err
	}
	return s.lockAndScan()
}

// lockAndScan reads what there is even where the lock can't be had because the disk fails.
func (s *shelf) lockAndScan() (f found, fatal bool, err error) {
	lock, lockErr := s.takeLock()
	if held := (*LockedError)(nil); errors.As(lockErr, &held) {
		return found{}, true, lockErr
	}
	if lockErr == nil {
		s.lock = lock
	}
	entries, err := s.disk.readDir(s.dir) // again: nobody else writes from here on
	if err == nil {
		f, err = s.scan(entries)
	}
	if err != nil {
		s.unlock()
		return found{}, true, err
	}
	s.ready = lockErr == nil
	return f, false, lockErr
}

func (s *shelf) takeLock() (io.Closer, error) {
	if err := s.ground(); err != nil {
		return nil, err
	}
	return s.disk.lock(filepath.Join(s.dir, lockName))
}

func (s *shelf) unlock() {
	if s.lock != nil {
		_ = s.lock.Close()
		s.lock = nil
	}
}

// makeAll makes a folder and those above it, for ground to make durable.
func (s *shelf) makeAll(dir string) error {
	parent := filepath.Dir(dir)
	err := s.disk.mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := s.makeAll(parent); err != nil {
			return err
		}
		err = s.disk.mkdir(dir)
	}
	if err == nil {
		s.made = append(s.made, parent)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return err
}

// ground makes the store's folder durable. Where a process before this one made it, and ended at once, that
// is still to be done; but above what we made ourselves the disk's errors are none of our business.
func (s *shelf) ground() error {
	for len(s.made) > 0 {
		if err := s.disk.syncDir(s.made[0]); err != nil {
			return err
		}
		s.made = s.made[1:]
	}
	for dir := s.dir; !s.grounded && filepath.Dir(dir) != dir; {
		dir = filepath.Dir(dir)
		_ = s.disk.syncDir(dir)
	}
	s.grounded = true
	return nil
}

// guard tightens the store's folder when it is open to others, and refuses it when it holds what others may
// need to reach.
func (s *shelf) guard(top entry, entries []entry) error {
	if !top.open() {
		return nil
	}
	mode := fmt.Errorf("open to others, mode %04o", top.mode.Perm())
	if s.readOnly {
		s.problem(s.dir, mode, "left as it is")
		return nil
	}
	for _, e := range entries {
		if !ours(e) {
			return &FolderError{s.dir, fmt.Sprintf("%v, and it holds %q, which is no part of a store: choose a folder of its own, or set mode 0700", mode, e.name)}
		}
	}
	switch err := s.disk.chmod(s.dir, folderMode); {
	case errors.Is(err, fs.ErrPermission):
		return &FolderError{s.dir, fmt.Sprintf("%v, and it belongs to another user: %v", mode, err)}
	case err != nil:
		s.problem(s.dir, mode, fmt.Sprintf("it could not be tightened: %v", err))
	default:
		s.problem(s.dir, mode, "tightened to 0700")
	}
	return nil
}
