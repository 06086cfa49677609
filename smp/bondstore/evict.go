package bondstore

import "github.com/jelling-ble/jelling/smp"

// forget removes a record from memory, and has the disk do so. The caller holds mu.
func (s *Store) forget(p pair) {
	delete(s.records, p)
	delete(s.used, p)
	s.changed(p, true)
}

// use notes that a record is of use just now. The caller holds mu. No clock is asked, since it may go backwards; so
// what was used before the host started counts as not used.
func (s *Store) use(p pair) {
	s.uses++
	s.used[p] = s.uses
}

// makeRoom removes what gives way to a new peer's record, and returns it. The caller holds mu.
func (s *Store) makeRoom(p pair, r smp.Record) (gone []smp.Record, err error) {
	if _, known := s.records[p]; known {
		return nil, nil
	}
	limit, evicts := MaxRecords, s.config.MaxBonds > 0
	if evicts {
		limit = min(limit, s.config.MaxBonds)
	}
	for len(s.records) >= limit { // more, where the bound was higher earlier
		victim, ok := s.evict(r)
		if !ok || !evicts {
			return gone, ErrFull
		}
		gone = append(gone, s.records[victim].Public())
		s.forget(victim)
	}
	return gone, nil
}

// evict names the record that gives way to another: one that is worth least, of those the one whose last use is
// longest ago, of those the first by address. None gives way to what is worth less than itself: so nobody who pairs
// without authentication, or without bonding, can push out a bond that is worth more. That a peer has lost its bond
// counts for nothing, for nothing proves it.
func (s *Store) evict(newcomer smp.Record) (victim pair, ok bool) {
	for p, r := range s.records {
		if worth(r) > worth(newcomer) {
			continue
		}
		if !ok || s.before(p, victim) {
			victim, ok = p, true
		}
	}
	return victim, ok
}

// before tells whether a gives way before b does.
func (s *Store) before(a, b pair) bool {
	if x, y := worth(s.records[a]), worth(s.records[b]); x != y {
		return x < y
	}
	if x, y := s.used[a], s.used[b]; x != y {
		return x < y
	}
	if c := compare(a.local, b.local); c != 0 {
		return c < 0
	}
	return compare(a.peer, b.peer) < 0
}

// worth orders records: without a bond, with one, with an authenticated one.
func worth(r smp.Record) int {
	switch {
	case !r.Bonded:
		return 0
	case !r.Keys.Authenticated:
		return 1
	}
	return 2
}

// tellEvicted tells what gave way to a record.
func (s *Store) tellEvicted(gone []smp.Record, to smp.Record) {
	for _, r := range gone {
		if s.config.Log != nil {
			s.config.Log.Warnf("bondstore: the record of %s was evicted: there are %d, and %s is new", r.Peer.Text(), s.config.MaxBonds, to.Peer.Text())
		}
		if s.config.Evicted != nil {
			s.config.Evicted(r, to.Public())
		}
	}
}
