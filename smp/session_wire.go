package smp

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// sessionWire is what a pairing has of its session.
type sessionWire struct{ s *Session }

func (w sessionWire) send(pdu []byte) error { return w.s.link.Send(pdu) }

// next leaves out what is no business of a pairing: a Security Request to a central, of which the wish is
// noted, and the outcome of encryption with a key that is not of this pairing.
func (w sessionWire) next(ctx context.Context) (wireEvent, error) {
	s := w.s
	for {
		in, ok := s.take()
		switch {
		case !ok:
			if err := s.sleep(ctx); err != nil {
				return wireEvent{}, err
			}
		case in.encryption && in.key.stored:
		case !in.encryption && s.role == hci.Central && code(in.pdu[0]) == codeSecurityRequest:
			s.hear(in.pdu)
		default:
			return in.wireEvent, nil
		}
	}
}

// sleep waits until something may have arrived.
func (s *Session) sleep(ctx context.Context) error {
	select {
	case <-s.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.gone:
		s.mu.Lock()
		left := len(s.inbox)
		s.mu.Unlock()
		if left > 0 {
			return nil
		}
		return s.linkError()
	}
}

func (w sessionWire) encrypt(key Key) error {
	return w.s.start(keyInUse{ltk: LTK{Key: key}, security: w.s.agreed})
}

func (w sessionWire) offer(key Key) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.s.offered = &keyInUse{ltk: LTK{Key: key}, security: w.s.agreed}
}

// start encrypts the link as the central.
func (s *Session) start(use keyInUse) error {
	s.mu.Lock()
	s.key, s.starting = use, true
	s.mu.Unlock()
	err := s.link.Encrypt(use.ltk.Key, use.ltk.Rand, use.ltk.EDIV)
	if err != nil {
		s.mu.Lock()
		s.starting = false
		s.mu.Unlock()
	}
	return err
}
