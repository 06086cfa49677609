package bondstore

import (
	"fmt"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// KnownIRK is the identity resolving key of a local identity, if it has one: none is made.
func (s *Store) KnownIRK(local hci.Address) (smp.Key, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	irk, ok := s.identity.irks[local]
	return irk, ok
}

// AdoptIRK makes irk the identity resolving key of a local identity: that of the host whose bonds are imported. It
// replaces one that no bonded peer was told, and otherwise returns ErrIdentity.
func (s *Store) AdoptIRK(local hci.Address, irk smp.Key) error {
	if err := storable(local); err != nil {
		return err
	}
	if irk.IsZero() {
		return fmt.Errorf("%w: no identity resolving key", ErrRecord)
	}
	s.mu.Lock()
	if have, known := s.identity.irks[local]; !known || have != irk {
		if known && s.bonded(local) {
			s.mu.Unlock()
			return ErrIdentity
		}
		s.identity.setIRK(local, irk)
		s.changed(pair{}, false)
	}
	s.mu.Unlock()
	return s.flush(pair{})
}

// AdoptStatic makes a the host's static address. It replaces one by which no bonded peer knows the host, and
// otherwise returns ErrIdentity.
func (s *Store) AdoptStatic(a hci.Address) error {
	if !a.IsStatic() || !a.IsIdentity() {
		return fmt.Errorf("%w: %s is no static address", ErrRecord, a.Text())
	}
	s.mu.Lock()
	if have := s.identity.static; have != a {
		if !have.IsZero() && s.bonded(have) {
			s.mu.Unlock()
			return ErrIdentity
		}
		s.identity.static = a
		s.changed(pair{}, false)
	}
	s.mu.Unlock()
	return s.flush(pair{})
}

// bonded tells whether a local identity has a bond. The caller holds mu.
func (s *Store) bonded(local hci.Address) bool {
	for p, r := range s.records {
		if p.local == local && r.Bonded {
			return true
		}
	}
	return false
}
