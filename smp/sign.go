package smp

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// What is wrong with a signature, or in the way of making one.
var (
	// ErrNoSigningKey says that the peer and we have not bonded with signing keys: Config.InitiatorKeys and
	// Config.ResponderKeys say whether they are distributed.
	ErrNoSigningKey = errors.New("smp: no signing key")
	// ErrSignature says that somebody else made the signature, or of something else.
	ErrSignature = errors.New("smp: the signature does not fit")
	// ErrReplayed says that the signature's counter was used before.
	ErrReplayed = errors.New("smp: a signature of before")
	// ErrCounterUsedUp says that a signing key has made as many signatures as it can.
	ErrCounterUsedUp = errors.New("smp: the counter of signatures is used up, and a new pairing is needed")
)

// countersAhead is how many signatures are made for each time that our counter is written to the record.
const countersAhead = 64

// counter is that of a signing key, as it is used: a record may be ahead of it, or behind.
type counter struct {
	csrk Key
	next uint32
}

// Sign makes the signature of a message for the peer (Vol 3, Part H, 2.4.5): of an ATT Signed Write Command from its
// opcode to its value (Vol 3, Part F, 3.3.1). It may wait for the disk, for no counter may be used twice, whatever
// happens to us. A counter that can't be made durable is used all the same.
func (s *Session) Sign(message []byte) (signature [12]byte, err error) {
	m, peer := s.manager, s.Identity()
	var csrk Key
	var next uint32
	err = ErrNoSigningKey
	saved := m.edit(peer, func(r *Record, _ bool) (ahead bool) {
		if r.Keys.LocalCSRK == nil {
			return false
		}
		csrk = *r.Keys.LocalCSRK
		next, ahead, err = m.takeCounter(peer, csrk, r.Keys.LocalSignCounter)
		if ahead {
			r.Keys.LocalSignCounter = next + min(countersAhead, math.MaxUint32-next)
		}
		return ahead
	})
	if err != nil {
		return signature, fmt.Errorf("%w: %s", err, peer)
	}
	if saved != nil && m.config.Logger != nil {
		m.config.Logger.Errorf("smp: the counter of signatures for %s is in memory only: %v", peer, saved)
	}
	return btcrypto.Sign(csrk, message, next), nil
}

// takeCounter is the next counter of ours. Ahead tells that the record, which says reserved, has to get ahead of it.
func (m *Manager) takeCounter(peer hci.Address, csrk Key, reserved uint32) (next uint32, ahead bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, known := m.signs[peer]
	if !known || c.csrk != csrk { // we have been restarted: what is below was used, or may have been
		c = counter{csrk, reserved}
	}
	if c.next == math.MaxUint32 {
		return 0, false, ErrCounterUsedUp
	}
	next = c.next
	c.next++
	m.signs[peer] = c
	return next, next >= reserved, nil
}

// Verify checks the peer's signature of a message, as Sign makes it. It never waits: that its counter is used up is
// written to the record soon afterwards. What to do about a signature that is not good is for the caller to say.
func (s *Session) Verify(message []byte, signature [12]byte) error {
	record, _ := s.Record()
	if record.Keys.PeerCSRK == nil {
		return fmt.Errorf("%w: %s", ErrNoSigningKey, record.Peer)
	}
	csrk, used := *record.Keys.PeerCSRK, binary.LittleEndian.Uint32(signature[:])
	good := btcrypto.Sign(csrk, message, used)
	if subtle.ConstantTimeCompare(good[:], signature[:]) != 1 {
		return fmt.Errorf("%w: %s", ErrSignature, record.Peer)
	}
	if !s.manager.useCounter(record.Peer, csrk, record.Keys.PeerSignCounter, used) {
		return fmt.Errorf("%w: %s", ErrReplayed, record.Peer)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified = true
	s.signal()
	return nil
}

// useCounter uses up a counter of the peer's and all below it, unless it is used up. The last there is is never
// good, so that there always is one above.
func (m *Manager) useCounter(peer hci.Address, csrk Key, recorded, used uint32) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, known := m.verifies[peer]
	if !known || c.csrk != csrk {
		c = counter{csrk, recorded}
	}
	if used < c.next || used == math.MaxUint32 {
		return false
	}
	m.verifies[peer] = counter{csrk, used + 1}
	return true
}

// saveCounter writes the peer's counter, if one was used: the session's goroutine.
func (s *Session) saveCounter() {
	s.mu.Lock()
	verified := s.verified
	s.verified = false
	s.mu.Unlock()
	if !verified {
		return
	}
	s.update(func(r *Record) bool {
		s.manager.mu.Lock()
		defer s.manager.mu.Unlock()
		c := s.manager.verifies[r.Peer]
		if r.Keys.PeerCSRK == nil || c.csrk != *r.Keys.PeerCSRK || c.next <= r.Keys.PeerSignCounter {
			return false
		}
		r.Keys.PeerSignCounter = c.next
		return true
	})
}
