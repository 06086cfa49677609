package smp

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// run is the session's goroutine: it looks at what has arrived, in order, and does what callers ask for, one
// thing at a time, until the link goes.
func (s *Session) run() {
	defer close(s.done)
	defer s.finish()
	for {
		s.saveCounter()
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
	if s.requested > LevelNone {
		want, ok = s.requested, true
		s.requested = LevelNone
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
			s.saveCounter()
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
	want = max(want, s.policy.MinLevel)
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

// finish is the end: the link has gone.
func (s *Session) finish() {
	s.saveCounter()
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
	s.answerAll(s.endError())
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

// endError is why we gave the link up, and if we did not, why it went.
func (s *Session) endError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fatal != nil {
		return s.fatal
	}
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

func (s *Session) isDeaf() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaf
}
