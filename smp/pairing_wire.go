package smp

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"
)

// alive starts the 30 s anew. What is ignored does not: nobody keeps a pairing open by talking past it.
func (s *pairing) alive() { s.deadline = time.Now().Add(pairingTimeout) }

func (s *pairing) send(pdu []byte) error {
	s.alive()
	return s.wire.send(pdu)
}

// receive waits for the PDU with that code and reads it.
func receive[T any](s *pairing, want code, parse func([]byte) (T, error)) (T, Reason, error) {
	var none T
	for {
		ev, tell, err := s.kept()
		switch {
		case err != nil:
			return none, tell, err
		case ev.encryption:
			continue // of a time before ours
		case code(ev.pdu[0]) != want:
			return none, UnspecifiedReason, fmt.Errorf("%v: want %v", code(ev.pdu[0]), want)
		}
		v, err := parse(ev.pdu)
		if err != nil {
			return none, InvalidParameters, err
		}
		s.alive()
		return v, 0, nil
	}
}

// kept is the PDU that came too early, or else the next one to come.
func (s *pairing) kept() (wireEvent, Reason, error) {
	if len(s.early) > 0 {
		pdu := s.early[0]
		s.early = s.early[1:]
		return wireEvent{pdu: pdu}, 0, nil
	}
	return s.next(s.ctx)
}

// receiveValue waits for one of the PDUs that are sixteen octets and nothing else.
func (s *pairing) receiveValue(want code) (Key, Reason, error) {
	return receive(s, want, func(b []byte) (Key, error) { return parseValue(b, want) })
}

// swap exchanges a value for a value. The initiator's is the first, and the responder's is the answer: take
// judges what came before anything more is sent.
func (s *pairing) swap(c code, ours Key, take func(theirs Key) (Reason, error)) (tell Reason, err error) {
	pdu := appendValue(nil, c, ours)
	if s.initiator() {
		if err := s.send(pdu); err != nil {
			return 0, err
		}
	}
	theirs, tell, err := s.receiveValue(c)
	if err != nil {
		return tell, err
	}
	if tell, err := take(theirs); err != nil {
		return tell, err
	}
	if s.initiator() {
		return 0, nil
	}
	return 0, s.send(pdu)
}

// next waits for what the pairing has to do with: the outcome of encryption, or a PDU that is due in some
// state of some pairing in our role. Pairing Failed is an error.
func (s *pairing) next(ctx context.Context) (wireEvent, Reason, error) {
	ctx, cancel := context.WithDeadline(ctx, s.deadline)
	defer cancel()
	for {
		if ctx.Err() != nil {
			tell, err := s.silence(ctx.Err())
			return wireEvent{}, tell, err
		}
		ev, err := s.wire.next(ctx)
		if err != nil {
			tell, err := s.silence(err)
			return wireEvent{}, tell, err
		}
		if ev.encryption {
			return ev, 0, nil
		}
		if len(ev.pdu) == 0 {
			continue
		}
		switch c := code(ev.pdu[0]); {
		case !c.known():
		case c == codePairingFailed:
			failed, err := parsePairingFailed(ev.pdu)
			if err != nil {
				return wireEvent{}, InvalidParameters, err
			}
			return wireEvent{}, 0, &PairingError{Reason: failed.reason, ByPeer: true}
		case c == codeKeypress:
			if err := check(ev.pdu, c); err != nil {
				return wireEvent{}, InvalidParameters, err
			}
			s.hearKey(Keypress(ev.pdu[1]))
		case c == codeSecurityRequest && s.initiator(): // what it asks for is on its way
		case c == codeSecurityRequest, c == codePairingRequest && s.initiator():
			return wireEvent{}, CommandNotSupported, fmt.Errorf("%v to a %v", c, s.p.role)
		default:
			return ev, 0, nil
		}
	}
}

// hearKey passes a keypress on to whoever displays the passkey. One that is reserved, or that nobody asked for, is
// ignored.
func (s *pairing) hearKey(k Keypress) {
	if s.pressed == nil || k > EntryCompleted {
		return
	}
	select {
	case s.pressed <- k:
	default:
	}
}

// silence says why nothing came: 30 s are over, after which no more SMP is sent; the caller has had enough,
// and the peer should know; or the link is gone.
func (s *pairing) silence(err error) (Reason, error) {
	switch {
	case s.ctx.Err() != nil:
		return UnspecifiedReason, s.ctx.Err()
	case !time.Now().Before(s.deadline):
		return 0, &PairingError{Timeout: true, Err: ErrTimeout}
	}
	return 0, err
}

// same compares two secret values in a time that does not depend on them.
func same(a, b Key) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
