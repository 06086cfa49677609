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
	return f, s.keyErr
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
			var plain bool
			text, plain, err = s.key.disclose(text, s.label(path))
			r.plain = r.plain || plain && s.key != nil
		}
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
		case errors.Is(err, ErrKey):
			r.alone, s.keyErr = err, fmt.Errorf("%s: %w", path, err)
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
	r.plain = r.plain || s.key != nil && there[name+previousEnding] && s.isPlain(filepath.Join(folder, name+previousEnding))
	for _, p := range bad {
		s.problem(p.Path, p.Err, p.Action+"; "+outcome)
	}
	return r, unreadable
}

// isPlain tells whether a file is there and not encrypted.
func (s *shelf) isPlain(path string) bool {
	text, err := s.disk.read(path, maxFile+1)
	if err != nil {
		return false
	}
	_, plain, _ := s.key.disclose(text, s.label(path))
	return plain
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
