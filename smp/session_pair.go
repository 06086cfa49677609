package smp

import (
	"context"
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// initiate pairs as the central.
func (s *Session) initiate(want Level) error {
	if s.isDeaf() {
		return s.failure(&PairingError{Timeout: true, Err: ErrTimeout})
	}
	if err := s.pair(s.parameters(want, s.policy.Bonding.bonds(s.wish()), nil)); err != nil {
		return err
	}
	if have := s.Security(); !have.Satisfies(want) && !s.isGone() {
		return &LevelError{Want: want, Have: have}
	}
	return nil
}

// respond answers a Pairing Request as the peripheral.
func (s *Session) respond(request []byte) {
	if s.isGone() {
		return
	}
	features, err := parseFeatures(request, codePairingRequest)
	if err != nil {
		s.tell(InvalidParameters)
		return
	}
	s.refreshPolicy()
	want, _ := s.unmet()
	want = max(want, s.policy.MinLevel)
	switch d := s.decide(PairingAsked, want); d.Action {
	case WaitAndRetry:
		s.tell(RepeatedAttempts)
		err = s.refusal(d, want)
	case RefuseAndReport:
		s.turnDown(d)
		err = s.refusal(d, want)
	default:
		// follow mirrors the initiator; always and never have a mind of their own, but it takes two to bond.
		bonding := features.auth.Bonding() && s.policy.Bonding != BondNever
		err = s.pair(s.parameters(want, bonding, request))
	}
	if err == nil {
		s.reached(s.Security())
	} else if s.asking {
		s.answerAll(err)
	}
}

// turnDown refuses a Pairing Request that the policy does not want.
func (s *Session) turnDown(d Decision) {
	switch d.Why {
	case WhyWeaker:
		s.tell(AuthenticationRequirements)
		s.repairRefused(d.Why)
	case WhyNoConsent:
		s.tell(PairingNotSupported)
		if _, nobody := s.manager.config.Delegate.(Headless); !nobody { // a person was bothered
			s.manager.countFailure(s.Identity())
		}
		if record, _ := s.Record(); record.Bonded {
			s.repairRefused(d.Why)
		}
	default:
		s.tell(PairingNotSupported)
	}
}

// wish is what the peer wants of bonding: by its Security Request on this link, else by its record.
func (s *Session) wish() Wish {
	if s.heard != "" {
		return s.heard
	}
	record, _ := s.Record()
	return record.Wish
}

// parameters is what a pairing is told, but for its callbacks. Without bonding no keys are asked for.
func (s *Session) parameters(want Level, bonding bool, request []byte) pairingParameters {
	config, policy := s.manager.config, s.policy
	record, _ := s.Record()
	floor := Security{}
	if record.Bonded && !policy.AllowWeaker {
		floor = record.Keys.Security()
	}
	p := pairingParameters{
		role:       s.role,
		local:      s.link.LocalAddress(),
		peer:       s.onAir,
		request:    request,
		bonding:    bonding,
		mitm:       want >= LevelAuthenticated || floor.Authenticated,
		flags:      s.asksForMore(),
		secure:     policy.SecureConnections != SecureConnectionsOff,
		secureOnly: policy.SecureConnections == SecureConnectionsOnly || want == LevelSC,
		minKeySize: policy.MinKeySize,
		maxKeySize: policy.MaxKeySize,
		identity:   config.Identity,
		irk:        config.IRK,
		delegate:   s.person(),
		outOfBand:  s.manager.outOfBand(s.Identity(), s.onAir),
		debugKeys:  config.DebugKeys,
		holdKeys:   config.HoldKeys,
		random:     config.Random,
		privateKey: config.PrivateKey,
	}
	if want == LevelSC {
		p.minKeySize = mostKeySize
	}
	if bonding {
		p.initiatorKeys, p.responderKeys = config.InitiatorKeys, config.ResponderKeys
	}
	return p
}

// attempt is what one pairing has come to so far.
type attempt struct {
	begun  bool // phase 2: secrets have gone over the air
	weaker bool // refused for being weaker than the bond
}

// pair runs one pairing, and keeps what it gives. Over a bond, on a link that is not encrypted by it, it
// is a repair.
func (s *Session) pair(p pairingParameters) error {
	var a attempt
	p.features = func(agreed agreement) error {
		if reason := s.tooWeak(agreed.security); reason != 0 {
			a.weaker = true
			return reason
		}
		a.begun, s.agreed = true, agreed.security
		return nil
	}
	p.identityKnown = s.claimed

	old, _ := s.Record()
	before := s.beginPairing()
	repair := old.Bonded && !before.bond
	s.repaired = s.repaired || repair
	result, err := pair(context.Background(), sessionWire{s}, p)
	if err == nil {
		err = s.keep(result, before, repair)
	}
	if err != nil {
		return s.pairingFailed(err, a, before)
	}
	return nil
}

// beginPairing withholds the keys of bonds from the controller, and tells what encrypts the link.
func (s *Session) beginPairing() keyInUse {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pairing = true
	return s.active
}

// tooWeak is the Reason to refuse what would be weaker than the peer's bond, 0 for none.
func (s *Session) tooWeak(offered Security) Reason {
	record, _ := s.Record()
	bond := record.Keys.Security()
	if !record.Bonded || s.policy.AllowWeaker || !offered.WeakerThan(bond) {
		return 0
	}
	if offered.KeySize = bond.KeySize; !offered.WeakerThan(bond) {
		return EncryptionKeySize
	}
	return AuthenticationRequirements
}

// claimed refuses an Identity Address that is ours, or that has a bond which this peer did not resolve to:
// its key is the proof of it, and this peer has not shown it.
func (s *Session) claimed(identity hci.Address) error {
	if identity == s.Identity() {
		return nil
	}
	if record, _ := s.manager.load(identity); record.Bonded || identity == s.manager.config.Identity {
		return KeyRejected
	}
	return nil
}

// keep stores what a pairing gave, in one step, and tells.
func (s *Session) keep(result pairingResult, before keyInUse, repair bool) error {
	identity, err := s.nameOf(result)
	if err != nil {
		return err
	}
	if s.tooWeak(result.security) != 0 {
		return &PairingError{Err: ErrRefusedWeaker}
	}
	bonded := result.bonding && result.keys.any() && !result.debug &&
		(s.role == hci.Peripheral || s.policy.Bonding.bonds(s.wish()))
	s.manager.dropForeignIRK(&result.keys, identity)
	s.adopt(identity, result.keys, bonded)
	repair = repair && !result.debug
	switch {
	case bonded:
		s.edit(func(r *Record, _ bool) bool {
			*r = r.after(result.keys, s.wish(), before.bond)
			if repair {
				r.History.Repaired++
			}
			return true
		})
		s.manager.setPriorFirst(identity, false)
	case repair: // its bond is gone at the peer, which did not want another
		s.edit(func(r *Record, _ bool) bool {
			*r = Record{Local: r.Local, Peer: r.Peer, Wish: s.wish(), History: r.History, Override: r.Override.used()}
			r.History.Repaired++
			return true
		})
	case !result.debug:
		s.rememberWish()
	}
	s.emit(Paired{
		Method: result.method, Bonded: bonded, SecureConnections: result.security.SecureConnections,
		Authenticated: result.security.Authenticated, KeySize: result.security.KeySize, Debug: result.debug,
		SamePeer: before.bond,
	})
	s.emit(Encrypted{Security: result.security})
	if repair {
		record, _ := s.Record()
		s.emit(Repaired{Record: record.Public()})
	}
	return nil
}

// nameOf is the peer's identity after a pairing. An address that is an identity already is the name that the peer
// can be found by. Any other gives way to what the peer says, if nobody has been bonded by that name since it
// said so.
func (s *Session) nameOf(result pairingResult) (hci.Address, error) {
	identity := s.Identity()
	if identity.IsIdentity() || !result.identity.IsIdentity() {
		return identity, nil
	}
	if err := s.claimed(result.identity); err != nil {
		return identity, &PairingError{Err: err}
	}
	return result.identity, nil
}

// after is the record with a new generation of keys. A pairing on a link that the bond encrypted leaves what it did
// not distribute again as it was; otherwise the peer may be somebody else.
func (r Record) after(keys Keys, wish Wish, samePeer bool) Record {
	if samePeer && keys.PeerIRK == nil {
		keys.PeerIRK = copyOf(r.Keys.PeerIRK)
	}
	if samePeer && keys.LocalCSRK == nil {
		keys.LocalCSRK, keys.LocalSignCounter = copyOf(r.Keys.LocalCSRK), r.Keys.LocalSignCounter
	}
	if samePeer && keys.PeerCSRK == nil {
		keys.PeerCSRK, keys.PeerSignCounter = copyOf(r.Keys.PeerCSRK), r.Keys.PeerSignCounter
	}
	n := Record{
		Local: r.Local, Peer: r.Peer, Bonded: true, Wish: wish, Keys: keys, Prior: r.before(samePeer),
		History: r.History, Override: r.Override.used(),
	}
	n.History.Suspect = 0
	return n
}

// adopt ends the pairing: its keys are those of this link now, before they are on any disk, and the identity
// is the peer's.
func (s *Session) adopt(identity hci.Address, keys Keys, bonded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pairing, s.offered = false, nil
	s.identity = identity
	s.keys, s.bonded = &keys, bonded
	s.active.bond = bonded
}

// any tells whether there is a key to encrypt a later link with.
func (k Keys) any() bool { return k.SC != nil || k.Local != nil || k.Peer != nil }

// before is the generation to keep beside a new one: the current, when the peer is known to have it, because
// it is proven or encrypts the link that the new one was made on, and otherwise the one before that.
func (r Record) before(inUse bool) *Keys {
	switch {
	case !r.Bonded:
		return nil
	case r.Prior != nil && !r.Proven && !inUse:
		return copyOf(r.Prior)
	}
	return copyOf(&r.Keys)
}

// pairingFailed counts, tells and explains a failure. A link that was encrypted by a pairing which then failed
// is worth nothing: whoever is at its other end has not become our peer.
func (s *Session) pairingFailed(err error, a attempt, before keyInUse) error {
	failed, _ := errors.AsType[*PairingError](err)
	if a.begun || failed != nil {
		s.manager.countFailure(s.Identity())
	}
	event := PairingFailed{}
	if failed != nil {
		event.Reason, event.ByPeer = failed.Reason, failed.ByPeer
	}
	s.mu.Lock()
	s.pairing, s.offered = false, nil
	s.deaf = s.deaf || failed != nil && failed.Timeout
	worthless := s.active.security.Encrypted && !s.active.stored && s.active != before
	if worthless {
		s.active = keyInUse{}
	}
	// Nothing more can be paired on a link whose SMP has timed out (3.4), so that one in the clear is of no use.
	useless := worthless || s.deaf && !s.active.security.Encrypted
	s.mu.Unlock()
	if a.weaker {
		err = fmt.Errorf("%w: %w", ErrRefusedWeaker, err)
		s.repairRefused(WhyWeaker)
	}
	event.Err = s.failure(err)
	s.emit(event)
	if useless {
		return s.hangUp(event.Err)
	}
	return event.Err
}

// failure is an error of a pairing with the peer's name.
func (s *Session) failure(err error) error {
	return fmt.Errorf("pairing with %s: %w", s.Identity(), err)
}
