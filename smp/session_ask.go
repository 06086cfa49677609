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
	if err := s.link.Send(securityRequest{auth}.appendTo(nil)); err != nil {
		return s.failure(err)
	}
	s.asking, s.askedUntil = true, time.Now().Add(pairingTimeout)
	return nil
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
