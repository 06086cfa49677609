package smp

import (
	"context"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// run is the session's goroutine: it looks at what has arrived, in order, and does what callers ask for, one
// thing at a time, until the link goes.
func (s *Session) run() {
	defer close(s.done)
	defer s.finish()
	for {
		if want, ok := s.work(); ok {
			s.secure(want)
			continue
		}
		in, err := s.idle()
		switch {
		case err != nil && s.isGone():
			return
		case err != nil:
			s.unanswered()
		case in.encryption:
			s.encrypted(in)
		case in.pdu != nil:
			s.stray(in.pdu)
		}
	}
}

// work is the highest level that callers, or the peer by its Security Request, still want. It answers the
// callers who have theirs.
func (s *Session) work() (want Level, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
	if s.ended {
		return 0, false
	}
	if s.requested {
		s.requested, ok, want = false, true, LevelEncrypted
	}
	left := s.asks[:0]
	for _, a := range s.asks {
		if s.enough(a.level) {
			a.done <- nil
			continue
		}
		left = append(left, a)
		want = max(want, a.level)
	}
	clear(s.asks[len(left):])
	s.asks = left
	ok = ok || len(left) > 0 && !s.asking // as peripheral we have asked already: now it is the central's turn
	s.busy = ok
	return want, ok
}

// idle waits for something to arrive, and returns with nothing when a caller has come. The error is the
// link's, or that the central has left our Security Request unanswered.
func (s *Session) idle() (inbound, error) {
	ctx := context.Background()
	if s.asking {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, s.askedUntil)
		defer cancel()
	}
	for {
		if in, ok := s.take(); ok {
			return in, nil
		}
		select {
		case <-s.wake:
			if !s.asking && s.anybody() {
				return inbound{}, nil
			}
		case <-s.gone:
			if in, ok := s.take(); ok {
				return in, nil
			}
			return inbound{}, s.linkError()
		case <-ctx.Done():
			return inbound{}, ctx.Err()
		}
	}
}

// anybody tells whether callers wait.
func (s *Session) anybody() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asks) > 0
}

// take is the oldest of what has arrived.
func (s *Session) take() (inbound, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.inbox) == 0 {
		return inbound{}, false
	}
	in := s.inbox[0]
	s.inbox[0] = inbound{}
	s.inbox = s.inbox[1:]
	return in, true
}

// secure does what it takes to reach a level, and answers the callers with the outcome.
func (s *Session) secure(want Level) {
	s.refreshPolicy()
	var err error
	if s.role == hci.Central {
		err = s.raise(want)
	} else {
		err = s.ask(want)
	}
	if err != nil {
		s.answerAll(err)
	}
}

// answerAll gives the callers who have not got their level an error.
func (s *Session) answerAll(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = false
	for _, a := range s.asks {
		if !s.ended && s.enough(a.level) {
			a.done <- nil
		} else {
			a.done <- err
		}
	}
	s.asks = nil
}

// encrypted takes an encryption that the central started by itself, with a key of the bond or one made on
// this link.
func (s *Session) encrypted(in inbound) {
	switch {
	case in.status == hci.Success:
		if in.key.stored {
			s.served(in.key.ltk)
		}
		s.emit(Encrypted{Stored: in.key.stored, Security: in.key.security})
		s.reached(in.key.security)
	case in.key.stored:
		s.keyFailed(in.key.ltk)
		s.answerAll(&EncryptionError{Peer: s.Identity(), Status: in.status, Decision: Decide(Situation{Happened: LinkFailed})})
	}
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

// finish is the end: the link has gone.
func (s *Session) finish() {
	s.mu.Lock()
	starting, key, dropped := s.starting, s.key, s.dropped
	s.inbox, s.offered, s.keys, s.key = nil, nil, nil, keyInUse{}
	s.mu.Unlock()
	if starting && key.stored && s.role == hci.Peripheral {
		s.keyFailed(key.ltk)
	}
	if log := s.manager.config.Logger; dropped > 0 && log != nil {
		log.Warnf("smp: %s: %d PDUs dropped", s.onAir, dropped)
	}
	s.answerAll(s.linkError())
}

func (s *Session) isGone() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// linkError says why the link went.
func (s *Session) linkError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &LinkError{s.status}
}

// refreshPolicy asks again for the peer's policy: a window may have been opened for it.
func (s *Session) refreshPolicy() {
	policy := s.manager.policyFor(s.Identity())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policy = policy
}

// emit delivers an event.
func (s *Session) emit(e Event) {
	if s.notify != nil {
		s.notify(e)
	}
}

// tell sends Pairing Failed. Whether it gets there is nothing to wait for.
func (s *Session) tell(r Reason) {
	if !s.isDeaf() {
		_ = s.link.Send(pairingFailed{r}.appendTo(nil))
	}
}

func (s *Session) isDeaf() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaf
}

// stray takes a PDU while no pairing runs. What belongs into a pairing and has come too late for it is not
// answered, and neither is Pairing Failed: two hosts would tell each other for ever.
func (s *Session) stray(pdu []byte) {
	switch c := code(pdu[0]); {
	case c == codeSecurityRequest && s.role == hci.Central:
		if s.hear(pdu) {
			s.requested = true
		}
	case c == codePairingRequest && s.role == hci.Peripheral:
		s.respond(pdu)
	case c == codeSecurityRequest, c == codePairingRequest:
		s.tell(CommandNotSupported)
	case c == codePairingFailed && s.asking:
		if f, err := parsePairingFailed(pdu); err == nil {
			s.answerAll(s.failure(&PairingError{Reason: f.reason, ByPeer: true}))
		}
	}
}

// hear takes the wishes of a Security Request, whenever it comes. It is not authenticated: the wish goes into
// the record when the link is encrypted, and not before.
func (s *Session) hear(pdu []byte) bool {
	request, err := parseSecurityRequest(pdu)
	if err != nil {
		s.tell(InvalidParameters)
		return false
	}
	s.heard = WishNone
	if request.auth.Bonding() {
		s.heard = WishBond
	}
	s.emit(SecurityRequested{request.auth.Bonding(), request.auth.MITM(), request.auth.SecureConnections()})
	if s.Security().Encrypted {
		s.rememberWish()
	}
	return true
}

// rememberWish writes the peer's wish into its record, which may hold nothing else. It is called while the link
// is encrypted. A wish under a private address would never be found again.
func (s *Session) rememberWish() {
	record, known := s.Record()
	if !known {
		record = Record{Local: s.manager.config.Identity, Peer: s.Identity()}
	}
	if s.heard != "" && record.Wish != s.heard && (known || record.Peer.IsIdentity()) {
		record.Wish = s.heard
		s.save(record)
	}
}

// ask sends a Security Request as the peripheral, and the central has as long as SMP gives to a person. Its
// answer is encryption, a Pairing Request, or Pairing Failed.
func (s *Session) ask(want Level) error {
	if s.isDeaf() {
		return s.failure(&PairingError{Timeout: true, Err: ErrTimeout})
	}
	if left := s.manager.waitLeft(s.Identity()); left > 0 {
		return &WaitError{s.Identity(), left}
	}
	auth := authBonding
	if s.policy.Bonding == BondNever || s.manager.config.RequestNoBond {
		auth = 0
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
	s.asking, s.askedUntil = true, time.Now().Add(smpTimeout)
	return nil
}

// unanswered ends the wait for the central. SMP goes on: no pairing has begun that could have timed out.
func (s *Session) unanswered() {
	s.answerAll(s.failure(&PairingError{Timeout: true, Err: ErrTimeout}))
}
