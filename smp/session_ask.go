package smp

import "time"

// ask sends a Security Request as the peripheral, and the central has as long as SMP gives to a person. Its
// answer is encryption, a Pairing Request, or Pairing Failed.
func (s *Session) ask(want Level) error {
	if s.isDeaf() {
		return s.failure(&PairingError{Timeout: true, Err: ErrTimeout})
	}
	if left := s.manager.waitLeft(s.Identity()); left > 0 {
		return &WaitError{s.Identity(), left}
	}
	auth := s.asksForMore()
	if s.policy.Bonding != BondNever && !s.manager.config.RequestNoBond {
		auth |= authBonding
	}
	if want >= LevelAuthenticated {
		auth |= authMITM
	}
	if s.policy.SecureConnections != SecureConnectionsOff {
		auth |= authSecure
	}
	s.askedPlain = s.beforeAsking()
	if err := s.link.Send(securityRequest{auth}.appendTo(nil)); err != nil {
		return s.failure(err)
	}
	s.asking, s.askedUntil = true, time.Now().Add(pairingTimeout)
	return nil
}

// beforeAsking marks what has arrived already: it is no answer. It tells whether the link is in the clear.
func (s *Session) beforeAsking() (plain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.inbox {
		s.inbox[i].old = true
	}
	return !s.active.security.Encrypted
}

// encryptedBy ends the wait for a central that has encrypted the link with a key that it had. One that we asked in
// the clear can't know that it was us, so that who wants more than that key gives, and can be given it, asks once
// more, on the encrypted link.
func (s *Session) encryptedBy(have Security) {
	want, short := s.unmet()
	if short && s.asking && s.askedPlain && s.policy.best(s.canAuthenticate()).Satisfies(want) {
		s.asking = false
		return
	}
	s.reached(have)
}

// reached ends the wait for the central: who wants more than this has got all there is.
func (s *Session) reached(have Security) {
	if want, short := s.unmet(); short && s.asking {
		s.answerAll(&LevelError{Want: want, Have: have})
	}
	s.asking = false
}

// unmet is the highest level that a caller has not got.
func (s *Session) unmet() (want Level, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asks {
		if !s.enough(a.level) {
			want, ok = max(want, a.level), true
		}
	}
	return want, ok
}

// unanswered ends the wait for the central. SMP goes on: no pairing has begun that could have timed out.
func (s *Session) unanswered() {
	s.answerAll(s.failure(&PairingError{Timeout: true, Err: ErrTimeout}))
}
