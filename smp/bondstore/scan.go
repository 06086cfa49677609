package bondstore

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
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
		if err = makeAll(s.disk, s.dir); err != nil {
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
	lock, lockErr := s.disk.lock(filepath.Join(s.dir, lockName))
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

func (s *shelf) unlock() {
	if s.lock != nil {
		_ = s.lock.Close()
		s.lock = nil
	}
}

// makeAll makes a folder and those above it, durably.
func makeAll(d disk, dir string) error {
	parent := filepath.Dir(dir)
	err := d.mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := makeAll(d, parent); err != nil {
			return err
		}
		err = d.mkdir(dir)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err = d.syncDir(parent); err != nil {
		_ = d.remove(dir) // so that the next try makes it again, and makes it durable
	}
	return err
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

// scan reads what is in the folder.
func (s *shelf) scan(entries []entry) (found, error) {
	f := found{records: map[pair]smp.Record{}}
	if err := s.scanIdentity(entries, &f); err != nil {
		return found{}, err
	}
	for _, e := range entries {
		local, ok := addressOf(e.name)
		if !ok || !e.mode.IsDir() {
			continue
		}
		if e.open() {
			s.tighten(filepath.Join(s.dir, e.name), e, folderMode)
		}
		if err := s.scanFolder(local, f.records); err != nil {
			return found{}, err
		}
	}
	return f, nil
}

func (s *shelf) scanIdentity(entries []entry, f *found) error {
	var files []entry
	for _, e := range entries {
		if stem(e.name) == identityName {
			files = append(files, e)
		}
	}
	var unreadable error
	s.identity, unreadable = s.scanFile(s.dir, identityName, files, "the host's identity", func(text []byte) (err error) {
		f.identity, err = unmarshalIdentity(text)
		return err
	})
	if unreadable != nil {
		// Making a new identity would cost the one that may still be there.
		s.identity.alone = unreadable
	}
	return nil
}

// scanFolder reads the bonds of one local identity.
func (s *shelf) scanFolder(local hci.Address, records map[pair]smp.Record) error {
	folder := s.folder(local)
	entries, err := s.disk.readDir(folder)
	if err != nil {
		return err
	}
	files := map[hci.Address][]entry{}
	var peers []hci.Address // in the order of the folder
	for _, e := range entries {
		peer, ok := peerOf(e.name)
		if !ok {
			continue
		}
		if files[peer] == nil {
			peers = append(peers, peer)
		}
		files[peer] = append(files[peer], e)
	}
	for _, peer := range peers {
		p := pair{local, peer}
		slot, _ := s.scanFile(folder, nameOf(peer)+bondEnding, files[peer], "the bond", func(text []byte) error {
			r, err := unmarshalBond(text, local, peer)
			if err == nil {
				records[p] = r
			}
			return err
		})
		s.slots[p] = &slot
	}
	return nil
}

// scanFile reads the newest whole generation of a file. Files are all entries that belong to it, and what
// says what it holds. Unreadable tells that there is none, and that the disk's own errors are to blame.
func (s *shelf) scanFile(folder, name string, files []entry, what string, parse func([]byte) error) (r slot, unreadable error) {
	there := map[string]bool{}
	for _, e := range files {
		there[e.name] = true
		s.tidy(folder, e)
	}
	var bad []Problem
	outcome := "there is no other generation: " + what + " is lost"
	for i, generation := range []string{name, name + previousEnding} {
		path := filepath.Join(folder, generation)
		text, err := s.disk.read(path, maxFile+1)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		readErr := err
		if err == nil {
			err = parse(text)
		}
		switch {
		case err == nil:
			r.current, r.sum = i == 0, sha256.Sum256(text)
			unreadable = nil
			outcome = "the previous generation is used"
		case readErr != nil:
			unreadable = readErr
			bad = append(bad, Problem{path, err, "left alone"})
		case errors.Is(err, ErrNewer):
			r.alone = err
			outcome = what + " is not loaded"
			bad = append(bad, Problem{path, err, "left alone"})
		default:
			bad = append(bad, Problem{path, err, s.setAside(path, there)})
		}
		if err == nil || r.alone != nil {
			break
		}
	}
	for _, p := range bad {
		s.problem(p.Path, p.Err, p.Action+"; "+outcome)
	}
	return r, unreadable
}

// tidy removes what was being written when the last writer ended, and tightens what others may read.
func (s *shelf) tidy(folder string, e entry) {
	path := filepath.Join(folder, e.name)
	switch {
	case strings.HasSuffix(e.name, newEnding):
		if s.lock == nil {
			return
		}
		if err := s.disk.remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.problem(path, err, "left over, and could not be removed")
		}
	case e.open():
		s.tighten(path, e, fileMode)
	}
}

func (s *shelf) tighten(path string, e entry, mode fs.FileMode) {
	open := fmt.Errorf("open to others, mode %04o", e.mode.Perm())
	if s.lock == nil {
		s.problem(path, open, "left as it is")
		return
	}
	if err := s.disk.chmod(path, mode); err != nil {
		s.problem(path, open, fmt.Sprintf("it could not be tightened: %v", err))
		return
	}
	s.problem(path, open, fmt.Sprintf("tightened to %04o; whoever could read it may know the keys", mode))
}

// setAside renames a damaged file and says what was done.
func (s *shelf) setAside(path string, there map[string]bool) string {
	if s.lock == nil {
		return "left alone"
	}
	aside := ""
	for n := 1; n <= maxDamaged; n++ {
		aside = fmt.Sprintf("%s%s%d", path, damagedEnding, n)
		if !there[filepath.Base(aside)] {
			break
		}
	}
	if err := s.disk.rename(path, aside); err != nil {
		return fmt.Sprintf("it could not be set aside: %v", err)
	}
	return "set aside as " + filepath.Base(aside)
}

// compare orders addresses for people: by their text.
func compare(a, b hci.Address) int { return strings.Compare(a.Text(), b.Text()) }

// sortedPairs orders pairs so that a run is repeatable.
func sortedPairs(pairs []pair) []pair {
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := compare(a.local, b.local); c != 0 {
			return c
		}
		return compare(a.peer, b.peer)
	})
	return pairs
}
