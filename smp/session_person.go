package smp

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// capabilities is what there is to ask a person with, now.
func (s *Session) capabilities() Capabilities {
	c := s.manager.config.Delegate.Capabilities()
	if c.IO > KeyboardDisplay {
		c.IO = NoInputNoOutput
	}
	return c
}

// canAuthenticate tells whether we have the means for an authenticated key; the peer may not.
func (s *Session) canAuthenticate() bool {
	return s.capabilities().authenticates() || s.manager.outOfBand(s.Identity(), s.onAir) != nil
}

// asksForMore is the flag for protection against somebody in the middle, where we have the means: to ask for it, not
// to insist.
func (s *Session) asksForMore() AuthReq {
	if s.capabilities().IO.asks() {
		return authMITM
	}
	return 0
}

// question is what a person is told with each question about this peer.
func (s *Session) question() Question {
	record, _ := s.Record()
	return Question{Peer: s.Identity(), Role: s.role, Bond: record.Public()}
}

// person is the host's Delegate, for a pairing with this peer.
func (s *Session) person() delegate {
	return person{Delegate: s.manager.config.Delegate, with: s.capabilities(), question: s.question()}
}

// consent asks a person whether the peer may pair, or pair again. Nobody waits for an answer longer than the link
// or the peer does, and a peer that gives up meanwhile withdraws the question.
func (s *Session) consent() bool {
	if s.isGone() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), pairingTimeout)
	defer cancel()
	person, question := s.manager.config.Delegate, s.question()
	answer := make(chan error, 1)
	go func() { answer <- person.Consent(ctx, question) }()
	for {
		select {
		case err := <-answer:
			return err == nil
		case <-s.wake:
			if s.gaveUp() {
				return false
			}
		case <-s.gone:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// gaveUp tells whether the peer has ended what it began. What has arrived stays where it is.
func (s *Session) gaveUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.inbox {
		if !in.encryption && code(in.pdu[0]) == codePairingFailed && s.role == hci.Peripheral {
			return true
		}
	}
	return false
}
