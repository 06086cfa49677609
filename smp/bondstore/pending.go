package bondstore

import (
	"errors"
	"maps"
	"os"
	"slices"
)

// change is something that the disk does not have yet.
type change struct {
	number int  // by which a later change is told
	forget bool // a Delete came first: nothing older may stay
}

// changed notes that the disk lacks something. The caller holds mu.
func (s *Store) changed(p pair, forget bool) {
	s.changes++
	s.pending[p] = change{s.changes, forget || s.pending[p].forget}
}

// pendingOf is what the disk lacks of p, and the text it is to have: none where there is no record.
func (s *Store) pendingOf(p pair) (c change, text []byte, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p == (pair{}) {
		text, err = marshalIdentity(s.identity)
	} else if r, ok := s.records[p]; ok {
		text, err = marshalBond(r)
	}
	return s.pending[p], text, err
}

// allPending is everything that the disk lacks, the identity first.
func (s *Store) allPending() []pair {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sortedPairs(slices.Collect(maps.Keys(s.pending)))
}

// written notes that the disk has change c of p, or that part of it is done: what was to be forgotten.
func (s *Store) written(p pair, c change, forgotten bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[p].number != c.number {
		return // changed since
	}
	if forgotten {
		s.pending[p] = change{c.number, false}
		return
	}
	delete(s.pending, p)
}

// note keeps why something is pending, and tells when that begins and ends.
func (s *Store) note(err error) {
	s.mu.Lock()
	before := s.err
	if err != nil {
		s.err = err
	} else if len(s.pending) == 0 {
		s.err = nil
	}
	after := s.err
	s.mu.Unlock()
	switch {
	case before == nil && after != nil:
		s.shelf.problem(s.dir, err, "working from memory: what is saved now is lost when the host ends, unless the disk recovers")
	case before != nil && after == nil && s.config.Log != nil:
		s.config.Log.Infof("bondstore: %s: everything is on disk again", s.dir)
	}
}

// withDisk runs f as the owner of the shelf, and then tells what it met.
func (s *Store) withDisk(f func() error) error {
	s.disk.Lock()
	err := f()
	problems := s.shelf.problems
	s.shelf.problems = nil
	s.disk.Unlock()
	for _, p := range problems {
		if s.config.Log != nil {
			s.config.Log.Error(p.String())
		}
		if s.config.Report != nil {
			s.config.Report(p)
		}
	}
	return err
}

// flush writes p, and when that went well whatever else is pending.
func (s *Store) flush(p pair) error {
	return s.withDisk(func() error {
		if err := s.write(p); err != nil {
			return err
		}
		s.writeAll()
		return nil
	})
}

// writeAll writes what is pending until the disk fails. A file that is to be left alone does not stop the
// others. The caller holds disk.
func (s *Store) writeAll() {
	for _, p := range s.allPending() {
		var alone *aloneError
		if err := s.write(p); err != nil && !errors.As(err, &alone) {
			return
		}
	}
}

// start makes the shelf ready to be written, and takes what it reads into memory. Fatal says that the folder
// is unfit, not only the disk. The caller holds disk.
func (s *Store) start() (fatal bool, err error) {
	f, fatal, err := s.shelf.start()
	if fatal && err != nil {
		return true, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, r := range f.records {
		if _, ahead := s.pending[p]; !ahead { // the folder may be read late
			s.records[p] = r
		}
	}
	s.identity.join(f.identity)
	if !s.shelf.identity.current && !f.identity.isZero() && !s.readOnly {
		s.changed(pair{}, false) // one of the two files is gone
	}
	if !s.readOnly {
		s.encryptAll()
	}
	return false, err
}

// encryptAll has the disk lack what is on it and is to be encrypted. The caller holds mu.
func (s *Store) encryptAll() {
	if s.shelf.identity.plain && !s.identity.isZero() {
		s.changed(pair{}, false)
	}
	for p, slot := range s.shelf.slots {
		if _, known := s.records[p]; known && slot.plain && !s.pending[p].forget {
			s.changed(p, false)
		}
	}
}

// write makes the disk have what memory has of p. The caller holds disk.
func (s *Store) write(p pair) error {
	s.mu.RLock()
	_, pending := s.pending[p]
	_, known := s.records[p]
	s.mu.RUnlock()
	if !pending {
		return nil
	}
	if s.readOnly {
		return s.drop(p)
	}
	err := s.put(p)
	if err != nil {
		err = &MemoryError{describe(p, known), err}
	}
	s.note(err)
	return err
}

// drop forgets that the disk lacks p, which it is to lack. Only of an identity is it worth knowing later.
func (s *Store) drop(p pair) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p != (pair{}) {
		delete(s.pending, p)
	}
	return ErrReadOnly
}

// put brings what is pending of p to the shelf. The caller holds disk.
func (s *Store) put(p pair) error {
	if s.closed {
		return os.ErrClosed
	}
	if !s.shelf.ready {
		if _, err := s.start(); err != nil {
			return err
		}
	}
	c, text, err := s.pendingOf(p)
	if err == nil && c.forget {
		if err = s.shelf.forget(p); err == nil {
			s.written(p, c, true)
		}
	}
	if err == nil && text != nil {
		err = s.shelve(p, text)
	}
	if err == nil {
		s.written(p, c, false)
	}
	return err
}

func (s *Store) shelve(p pair, text []byte) error {
	if p == (pair{}) {
		return s.shelf.saveIdentity(text)
	}
	return s.shelf.save(p, text)
}

// describe names p for people.
func describe(p pair, known bool) string {
	switch {
	case p == pair{}:
		return "the host's identity"
	case known:
		return "the bond with " + p.peer.Text()
	}
	return "that the bond with " + p.peer.Text() + " was deleted"
}
