package smp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// ready takes the key that phase 2 made. The responder's controller may be asked for it from now on, that is
// when the initiator has proven itself and before our answer lets it encrypt.
func (s *pairing) ready(key Key) {
	s.key = s.mask(key)
	if !s.initiator() {
		s.wire.offer(s.key)
	}
}

// encrypt waits for the link to be encrypted with the key that phase 2 made. What comes first in the clear
// is not from the peer that made it.
func encrypt(s *pairing) (phase, Reason, error) {
	if s.initiator() {
		if err := s.wire.encrypt(s.key); err != nil {
			return nil, 0, err
		}
	}
	ev, tell, err := s.encryption()
	switch {
	case err != nil:
		return nil, tell, err
	case ev.status != hci.Success:
		return nil, UnspecifiedReason, fmt.Errorf("encryption with the new key: %w", ev.status)
	}
	s.alive()
	s.result = pairingResult{agreement: s.agreed, keys: Keys{
		Authenticated:     s.agreed.security.Authenticated,
		SecureConnections: s.agreed.security.SecureConnections,
		KeySize:           s.agreed.security.KeySize,
		Method:            s.agreed.method,
	}}
	if s.agreed.security.SecureConnections {
		s.result.keys.SC = &LTK{Key: s.key}
	}
	return distribute, 0, nil
}

// maxHeld is how many key PDUs are held: all that a side can have to distribute.
const maxHeld = 5

// encryption waits for the outcome of encryption. What comes first is plaintext, injected by somebody, and ends the
// pairing; but a controller on USB, where events and data have pipes of their own, hands over keys that came encrypted
// before it says that they did. There they are held for a moment, once encryption has been started.
func (s *pairing) encryption() (wireEvent, Reason, error) {
	ctx, first := s.ctx, code(0)
	for {
		ev, tell, err := s.next(ctx)
		switch {
		case err != nil && ctx != s.ctx && errors.Is(err, context.DeadlineExceeded):
			return ev, UnspecifiedReason, errPlain(first)
		case err != nil || ev.encryption:
			return ev, tell, err
		case s.p.holdKeys == 0 || !ev.starting || !isKey(code(ev.pdu[0])) || len(s.early) >= maxHeld:
			return ev, UnspecifiedReason, errPlain(code(ev.pdu[0]))
		}
		if len(s.early) == 0 {
			first = code(ev.pdu[0])
			moment, over := context.WithTimeout(s.ctx, s.p.holdKeys)
			defer over()
			ctx = moment
		}
		s.early = append(s.early, ev.pdu)
	}
}

func errPlain(c code) error { return fmt.Errorf("%v before the link is encrypted", c) }

// isKey tells the PDUs of phase 3.
func isKey(c code) bool { return c >= codeEncryptionInformation && c <= codeSigningInformation }

// distribute is phase 3 (Vol 3, Part H, 2.4.3): all keys of the responder, then all of the initiator.
func distribute(s *pairing) (phase, Reason, error) {
	if s.initiator() {
		if tell, err := s.receiveKeys(); err != nil {
			return nil, tell, err
		}
		return nil, 0, s.sendKeys()
	}
	if err := s.sendKeys(); err != nil {
		return nil, 0, err
	}
	tell, err := s.receiveKeys()
	return nil, tell, err
}

// sendKeys distributes what was agreed, in the order of 3.6.1.
func (s *pairing) sendKeys() error {
	var pdus [][]byte
	if s.keysOfUs&DistributeEnc != 0 {
		ltk := s.newLTK()
		s.result.keys.Local = &ltk
		pdus = append(pdus, appendValue(nil, codeEncryptionInformation, ltk.Key),
			centralIdentification{ltk.EDIV, ltk.Rand}.appendTo(nil))
	}
	if s.keysOfUs&DistributeID != 0 {
		pdus = append(pdus, appendValue(nil, codeIdentityInformation, s.p.irk), identityAddress{s.p.identity}.appendTo(nil))
	}
	if s.keysOfUs&DistributeSign != 0 {
		csrk := s.newRandom()
		s.result.keys.LocalCSRK = &csrk
		pdus = append(pdus, appendValue(nil, codeSigningInformation, csrk))
	}
	for _, pdu := range pdus {
		if err := s.send(pdu); err != nil {
			return err
		}
	}
	return nil
}

// newLTK is an LTK that we distribute, with what names it: all of it random, so that EDIV and Rand tell
// nothing (2.4.4).
func (s *pairing) newLTK() LTK {
	ltk := LTK{Key: s.mask(s.newRandom())}
	var ediv [2]byte
	s.p.random(ediv[:])
	ltk.EDIV = binary.LittleEndian.Uint16(ediv[:])
	s.p.random(ltk.Rand[:])
	return ltk
}

// receiveKeys waits for what was agreed, in the order of 3.6.1. Any other PDU ends the pairing.
func (s *pairing) receiveKeys() (tell Reason, err error) {
	keys := &s.result.keys
	if s.keysOfThem&DistributeEnc != 0 {
		ltk, tell, err := s.receiveValue(codeEncryptionInformation)
		if err != nil {
			return tell, err
		}
		name, tell, err := receive(s, codeCentralIdentification, parseCentralIdentification)
		if err != nil {
			return tell, err
		}
		keys.Peer = &LTK{Key: s.mask(ltk), EDIV: name.ediv, Rand: name.rand}
	}
	if s.keysOfThem&DistributeID != 0 {
		if tell, err := s.receiveIdentity(); err != nil {
			return tell, err
		}
	}
	if s.keysOfThem&DistributeSign != 0 {
		csrk, tell, err := s.receiveValue(codeSigningInformation)
		if err != nil {
			return tell, err
		}
		keys.PeerCSRK = &csrk
	}
	return 0, nil
}

// receiveIdentity takes an IRK and an identity address. If either is none, both are ignored: a zero IRK
// would resolve what anybody sends.
func (s *pairing) receiveIdentity() (tell Reason, err error) {
	irk, tell, err := s.receiveValue(codeIdentityInformation)
	if err != nil {
		return tell, err
	}
	identity, tell, err := receive(s, codeIdentityAddress, parseIdentityAddress)
	if err != nil || !identity.address.IsIdentity() {
		return tell, err
	}
	if tell, err := s.knows(identity.address); err != nil {
		return tell, err
	}
	if !irk.IsZero() {
		s.result.keys.PeerIRK, s.result.identity = &irk, identity.address
	}
	return 0, nil
}
