package smp

import (
	"context"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

// raise brings the link to a level as the central. The loop ends: each key of the bond is tried once on a
// link, and everything but a working key leads out of it.
func (s *Session) raise(want Level) error {
	for !s.isGone() {
		d := s.decide(Wanted, want)
		switch d.Action {
		case Nothing:
			return nil
		case Pair, PairAgain:
			return s.initiate(want)
		case WaitAndRetry, RefuseAndReport:
			return s.refusal(d, want)
		}
		if status := s.encryptStored(); status != hci.Success {
			if err := s.keyRefused(status, want); err != errOtherKey {
				return err
			}
		}
	}
	return s.linkError()
}

// errOtherKey says that there is another generation to try.
var errOtherKey = errors.New("another key")

// encryptStored starts encryption with the bond's key, and waits for what comes of it: the status of the
// encryption, or of the disconnection that came first.
func (s *Session) encryptStored() hci.Status {
	record, _ := s.Record()
	keys := s.alive(record)
	if len(keys) == 0 {
		return hci.PINOrKeyMissing
	}
	use := keys[0].use()
	status := s.startAndWait(use)
	if status != hci.Success {
		s.keyFailed(use.ltk)
		return status
	}
	s.served(use.ltk)
	s.emit(Encrypted{Stored: true, Security: use.security})
	return hci.Success
}

// startAndWait is the status of the encryption, or of the disconnection.
func (s *Session) startAndWait(use keyInUse) hci.Status {
	if err := s.start(use); err != nil {
		return statusOf(err)
	}
	for {
		in, ok := s.take()
		switch {
		case !ok:
			if err := s.sleep(context.Background()); err != nil {
				return statusOf(err)
			}
		case in.encryption:
			return in.status
		case code(in.pdu[0]) == codeSecurityRequest:
			s.hear(in.pdu) // it is being answered
		default:
			s.stray(in.pdu)
		}
	}
}

// statusOf finds the status in an error.
func statusOf(err error) hci.Status {
	if status, ok := errors.AsType[hci.Status](err); ok {
		return status
	}
	return hci.UnspecifiedError
}

// keyRefused decides what to do when the bond's key has not encrypted the link. Unless that is to try the
// other generation or to pair again, nothing more of ours goes over this link.
func (s *Session) keyRefused(status hci.Status, want Level) error {
	happened := HappenedBy(status)
	if happened == KeyFailed {
		s.update(func(r *Record) bool { r.History.Suspect++; return true })
	}
	d := s.decide(happened, want)
	switch {
	case d.Action == Encrypt:
		return errOtherKey
	case happened == KeyMissing && d.Why != WhyOther && d.Why != WhyNoBond:
		return s.bondLost(status, d, want)
	case d.Why == WhyOften:
		record, _ := s.Record()
		s.emit(BondSuspect{Status: status, InARow: record.History.Suspect, Record: record.Public()})
	}
	return s.hangUp(&EncryptionError{Peer: s.Identity(), Status: status, Decision: d, Err: s.ifGone()})
}

// bondLost marks the record, tells the application, and pairs again if that was decided.
func (s *Session) bondLost(status hci.Status, d Decision, want Level) error {
	s.update(func(r *Record) bool {
		r.Lost = true
		r.History.Lost++
		r.History.LastLost = status.String()
		return true
	})
	record, _ := s.Record()
	s.emit(BondLost{Status: status, Action: d.Action, Why: d.Why, Record: record.Public()})
	lost := &LostBondError{Peer: s.Identity(), Status: status, Decision: d, Err: s.ifGone()}
	switch {
	case d.Action == PairAgain:
		if lost.Err = s.initiate(want); lost.Err == nil {
			return nil
		}
	case d.Why == WhyWaiting:
		lost.Err = s.refusal(d, want)
	case d.Why == WhyWeaker:
		lost.Err = ErrRefusedWeaker
		s.repairRefused(d.Why)
	case d.Why == WhyNoConsent:
		s.repairRefused(d.Why)
	}
	s.lost = lost
	return s.hangUp(lost)
}

// repairRefused counts and tells that we did not pair again over a bond.
func (s *Session) repairRefused(why Why) {
	s.update(func(r *Record) bool { r.History.Refused++; return true })
	record, _ := s.Record()
	s.emit(RepairRefused{Why: why, Record: record.Public()})
}

// refusal is the error of a decision not to do anything about a level that is wanted.
func (s *Session) refusal(d Decision, want Level) error {
	peer := s.Identity()
	switch d.Why {
	case WhyWaiting:
		return &WaitError{peer, s.manager.waitLeft(peer)}
	case WhyShort:
		return &LevelError{Want: want, Have: s.Security()}
	case WhyWeaker:
		return &RefusedError{Peer: peer, Decision: d, Err: ErrRefusedWeaker}
	}
	if d.Why == WhyDeadKey && s.lost != nil {
		return s.lost
	}
	return &RefusedError{Peer: peer, Decision: d, Err: s.ifGone()}
}

// hangUp ends a link to a peer whose bond did not encrypt it, and returns why.
func (s *Session) hangUp(why error) error {
	s.mu.Lock()
	s.fatal = why
	s.mu.Unlock()
	if !s.isGone() {
		s.link.Disconnect(hci.AuthenticationFailure)
	}
	return why
}

// ifGone is the link's error when it is gone, else nil.
func (s *Session) ifGone() error {
	if s.isGone() {
		return s.linkError()
	}
	return nil
}

// decide asks the policy, and a person where the policy wants one, and tells what is decided.
func (s *Session) decide(h Happened, want Level) Decision {
	situation := s.situation(h, want)
	d := Decide(situation)
	if d.Why == WhyNoConsent && s.consent() {
		situation.Consent, situation.Gone = true, s.isGone()
		d = Decide(situation)
	}
	record, _ := s.Record()
	s.emit(Decided{Happened: h, Want: want, Decision: d, Record: record.Public()})
	return d
}

// situation is what the policy looks at, as it is now.
func (s *Session) situation(h Happened, want Level) Situation {
	record, known := s.Record()
	alive := s.alive(record)
	all := record.generations(s.role, false)
	best := s.policy.best(s.canAuthenticate())
	s.mu.Lock()
	defer s.mu.Unlock()
	return Situation{
		Happened:  h,
		Bond:      record.kind(),
		Wish:      record.Wish,
		NoKey:     len(all) == 0,
		Other:     len(alive) > 0 && len(alive) < len(all),
		Often:     record.History.Suspect >= SuspectAfter,
		LostBond:  s.policy.LostBond,
		Closed:    s.manager.config.Pairable == PairableOff,
		Ask:       s.manager.config.Pairable == PairableAsk,
		Open:      s.manager.PairingOpen() > 0,
		Weaker:    known && record.Bonded && !s.policy.AllowWeaker && best.WeakerThan(record.Keys.Security()),
		Short:     !best.Satisfies(want),
		Waiting:   s.manager.waitLeft(s.identity) > 0,
		Enough:    s.enough(want),
		Encrypted: s.active.bond,
		Dead:      len(all) > 0 && len(alive) == 0,
		Repaired:  s.repaired,
		Gone:      s.ended,
	}
}

// kind is what the policy asks about a bond.
func (r Record) kind() BondKind {
	switch {
	case !r.Bonded:
		return NoBond
	case r.Keys.Authenticated:
		return AuthenticatedBond
	}
	return UnauthenticatedBond
}
