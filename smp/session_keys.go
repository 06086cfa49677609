package smp

import (
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

// keyInUse is a key that the controller has been given, and what the link has once it is encrypted with it.
type keyInUse struct {
	ltk      LTK
	security Security
	stored   bool // it is of a bond made before this link
	bond     bool // it is of a bond
}

// generation is one of the keys that a record has for a role.
type generation struct {
	ltk      LTK
	security Security
}

func (g generation) use() keyInUse {
	return keyInUse{ltk: g.ltk, security: g.security, stored: true, bond: true}
}

// generations is the keys that a bond may be encrypted with in that role, in the order in which to try them:
// at most one while the key is proven, and otherwise the one before it as well.
func (r Record) generations(role hci.Role, priorFirst bool) []generation {
	var all []generation
	add := func(k *Keys) {
		if ltk := k.ForRole(role); ltk != nil {
			all = append(all, generation{*ltk, k.Security()})
		}
	}
	if !r.Bonded {
		return nil
	}
	add(&r.Keys)
	if r.Prior != nil && !r.Proven {
		add(r.Prior)
	}
	if priorFirst {
		slices.Reverse(all)
	}
	return all
}

// LongTermKey answers the controller's request for a key as the peripheral: ok is false for the negative
// reply.
//
// While a pairing runs, only its own key is given away, once, and not before its checks have passed. Otherwise
// it is a key of a pairing on this link or of the bond, by EDIV and Rand as that kind of key has them: zeros
// name a Secure Connections key, and a legacy one whose peer distributed zeros. Both generations of an
// unproven bond are looked at. Two legacy generations differ in EDIV and Rand. Two Secure Connections ones
// have zeros alike, so that the request does not tell which is meant: the new one answers, and if encryption
// then fails, which takes the link down, the one before answers on the next link, and so on in turns until
// either has encrypted a link.
func (s *Session) LongTermKey(rand [8]byte, ediv uint16) (key Key, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	use, ok := s.answer(rand, ediv)
	if !ok {
		return Key{}, false
	}
	s.key, s.starting = use, true
	return use.ltk.Key, true
}

// answer is called under mu.
func (s *Session) answer(rand [8]byte, ediv uint16) (keyInUse, bool) {
	named := func(k LTK) bool { return k.EDIV == ediv && k.Rand == rand }
	if s.role != hci.Peripheral || s.ended {
		return keyInUse{}, false
	}
	if s.pairing {
		use := s.offered
		if use == nil || !named(use.ltk) {
			return keyInUse{}, false
		}
		s.offered = nil
		return *use, true
	}
	if s.keys != nil {
		if ltk := s.keys.ForRole(s.role); ltk != nil && named(*ltk) {
			return keyInUse{ltk: *ltk, security: s.keys.Security(), bond: s.bonded}, true
		}
	}
	record, _ := s.manager.load(s.identity)
	for _, g := range record.generations(s.role, s.manager.priorFirst(s.identity)) {
		if named(g.ltk) && s.policy.accepts(g.security) {
			return g.use(), true
		}
	}
	return keyInUse{}, false
}

// alive is the keys of the bond that have not failed on this link.
func (s *Session) alive(record Record) []generation {
	all := record.generations(s.role, s.manager.priorFirst(record.Peer))
	return slices.DeleteFunc(all, func(g generation) bool { return slices.Contains(s.dead, g.ltk) })
}

// served notes that a key of the bond has encrypted the link: the bond is not lost, and this generation is the
// one that the peer has. The other is dropped.
func (s *Session) served(ltk LTK) {
	is := func(k *LTK) bool { return k != nil && *k == ltk }
	s.manager.setPriorFirst(s.Identity(), false)
	s.update(func(r *Record) bool {
		before := *r
		switch {
		case is(r.Keys.ForRole(s.role)):
		case r.Prior != nil && is(r.Prior.ForRole(s.role)):
			r.Keys = *r.Prior
		default:
			return false // the record was replaced meanwhile
		}
		r.Prior, r.Proven, r.Lost, r.History.Suspect = nil, true, false, 0
		r.Wish = r.wishAfter(s.heard, s.heardPlain)
		return before.Prior != nil || !before.Proven || before.Lost || before.History.Suspect != 0 || before.Wish != r.Wish
	})
}

// keyFailed notes that a key of the bond has not encrypted the link. Of two generations the other goes first on
// the next link.
func (s *Session) keyFailed(ltk LTK) {
	s.dead = append(s.dead, ltk)
	record, ok := s.Record()
	if !ok || len(record.generations(s.role, false)) < 2 {
		return
	}
	isNew := *record.Keys.ForRole(s.role) == ltk
	s.manager.setPriorFirst(record.Peer, isNew)
}

// update changes the peer's record, if there still is one and change says that it did, and saves it.
func (s *Session) update(change func(*Record) bool) {
	s.edit(func(r *Record, known bool) bool { return known && change(r) })
}

// edit changes the peer's record, a new one where there is none, and saves it if change says that it did. A record
// that does not get to the disk is in memory all the same.
func (s *Session) edit(change func(r *Record, known bool) bool) {
	peer := s.Identity()
	if err := s.manager.edit(peer, change); err != nil {
		if log := s.manager.config.Logger; log != nil {
			log.Errorf("smp: the record of %s is in memory only: %v", peer, err)
		}
		s.emit(StoreFailed{err})
	}
}
