package smp

import (
	"crypto/ecdh"
	"errors"

	"github.com/jelling-ble/jelling/internal/btcrypto"
)

var (
	errOwnKey   = errors.New("public key is our own, or its negative")
	errDebugKey = errors.New("debug keys, with which everybody can read along")
	errDHKey    = errors.New("DHKey check does not fit")
)

// publicKeys begins phase 2 of Secure Connections pairing (Vol 3, Part H, 2.3.5.6.1). Our key pair serves this
// pairing only.
func publicKeys(s *pairing) (phase, Reason, error) {
	private, err := s.keyPair()
	if err != nil {
		return nil, UnspecifiedReason, err
	}
	if s.ourPublic, err = btcrypto.PublicKeyOf(private); err != nil {
		return nil, UnspecifiedReason, err
	}
	ours := publicKey{s.ourPublic}.appendTo(nil)
	if s.initiator() {
		if err := s.send(ours); err != nil {
			return nil, 0, err
		}
	}
	theirs, tell, err := receive(s, codePublicKey, parsePublicKey)
	if err != nil {
		return nil, tell, err
	}
	s.theirPublic = theirs.key
	debug := s.ourPublic.IsDebug() || s.theirPublic.IsDebug()
	switch {
	case debug && !s.p.debugKeys:
		return nil, DHKeyCheckFailed, errDebugKey
	case s.theirPublic.X() == s.ourPublic.X() && !debug: // (X, -Y) would be as good as an echo (CVE-2020-26558)
		return nil, DHKeyCheckFailed, errOwnKey
	}
	if debug {
		if tell, err := s.debugged(); err != nil {
			return nil, tell, err
		}
	}
	if s.dhKey, err = btcrypto.DHKey(private, s.theirPublic); err != nil { // no point of the curve (CVE-2018-5383)
		return nil, DHKeyCheckFailed, err
	}
	if !s.initiator() {
		if err := s.send(ours); err != nil {
			return nil, 0, err
		}
	}
	switch s.model.method {
	case PasskeyEntry:
		return passkeyRounds, 0, nil
	case OutOfBand:
		return outOfBandConfirm, 0, nil
	}
	return confirmOnce, 0, nil
}

// keyPair is ours: the one that the peer has out of band data of, or a fresh one.
func (s *pairing) keyPair() (*ecdh.PrivateKey, error) {
	if _, theirs := byRole(s, s.request, s.response); theirs.oob && s.p.outOfBand != nil && s.p.outOfBand.private != nil {
		return s.p.outOfBand.private, nil
	}
	return s.p.privateKey()
}

// debugged takes back what a key that everybody can read along does not give.
func (s *pairing) debugged() (Reason, error) {
	if s.p.mitm {
		return AuthenticationRequirements, errDebugKey
	}
	s.agreed.debug, s.agreed.security.Authenticated = true, false
	return s.judge()
}

// confirmOnce is authentication stage 1 of Just Works, and begins that of numeric comparison (2.3.5.6.2): the
// responder is bound to its random value before it sees the initiator's.
func confirmOnce(s *pairing) (phase, Reason, error) {
	s.ourRandom = s.newRandom()
	var theirConfirm Key
	if s.initiator() {
		var tell Reason
		var err error
		if theirConfirm, tell, err = s.receiveValue(codePairingConfirm); err != nil {
			return nil, tell, err
		}
	} else if err := s.send(appendValue(nil, codePairingConfirm, s.ourConfirm(s.ourRandom, 0))); err != nil {
		return nil, 0, err
	}
	tell, err := s.swap(codePairingRandom, s.ourRandom, func(theirs Key) (Reason, error) {
		if s.initiator() && !same(s.theirConfirm(theirs, 0), theirConfirm) {
			return ConfirmValueFailed, errConfirm
		}
		s.theirRandom = theirs
		return 0, nil
	})
	if s.model.method == NumericComparison {
		return compare, tell, err
	}
	return dhKeyChecks, tell, err
}

// ourConfirm is f4 of the side that we are, z what it commits to.
func (s *pairing) ourConfirm(random Key, z byte) Key {
	return btcrypto.F4(s.ourPublic.X(), s.theirPublic.X(), random, z)
}

func (s *pairing) theirConfirm(random Key, z byte) Key {
	return btcrypto.F4(s.theirPublic.X(), s.ourPublic.X(), random, z)
}

// dhKeyChecks is authentication stage 2 (2.3.5.6.5): both sides show that they have the same keys, and saw
// the same features and addresses. Until it has passed there is no LTK to answer the controller with.
func dhKeyChecks(s *pairing) (phase, Reason, error) {
	ours, theirs := addressOctets(s.p.local), addressOctets(s.p.peer)
	n1, n2 := byRole(s, s.ourRandom, s.theirRandom)
	a1, a2 := byRole(s, ours, theirs)
	macKey, ltk := btcrypto.F5(s.dhKey, n1, n2, a1, a2)
	ourCap, theirCap := byRole(s, s.request.ioCap(), s.response.ioCap())
	ourCheck := btcrypto.F6(macKey, s.ourRandom, s.theirRandom, s.theirSecret, ourCap, ours, theirs)
	theirCheck := btcrypto.F6(macKey, s.theirRandom, s.ourRandom, s.ourSecret, theirCap, theirs, ours)
	tell, err := s.swap(codeDHKeyCheck, ourCheck, func(check Key) (Reason, error) {
		if !same(check, theirCheck) {
			return DHKeyCheckFailed, errDHKey
		}
		s.ready(ltk)
		return 0, nil
	})
	return encrypt, tell, err
}
