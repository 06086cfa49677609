package smp

import (
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

var (
	errTooManyKeys = errors.New("the response distributes more than was asked for")
	errNotSecure   = errors.New("the peer has no Secure Connections, and nothing less will do")
	errNoMeans     = errors.New("authentication is required, and the two sides have no means for it")
)

// requestFeatures is phase 1 of the initiator (Vol 3, Part H, 2.3): our features, then the peer's.
func requestFeatures(s *pairing) (phase, Reason, error) {
	s.request = s.features(codePairingRequest, s.p.initiatorKeys, s.p.responderKeys)
	if err := s.send(s.request.appendTo(nil)); err != nil {
		return nil, 0, err
	}
	response, tell, err := receive(s, codePairingResponse, func(b []byte) (features, error) {
		return parseFeatures(b, codePairingResponse)
	})
	if err != nil {
		return nil, tell, err
	}
	s.response = response
	more := response.initiator&^s.request.initiator | response.responder&^s.request.responder
	if more&distributable != 0 {
		return nil, InvalidParameters, errTooManyKeys
	}
	return s.agree()
}

// answerFeatures is phase 1 of the responder: the peer's features, then ours, which distribute no more than
// was asked for.
func answerFeatures(s *pairing) (phase, Reason, error) {
	request, err := parseFeatures(s.p.request, codePairingRequest)
	if err != nil {
		return nil, InvalidParameters, err
	}
	s.request = request
	s.response = s.features(codePairingResponse, request.initiator&s.p.initiatorKeys, request.responder&s.p.responderKeys)
	next, tell, err := s.agree()
	if err != nil {
		return nil, tell, err
	}
	return next, 0, s.send(s.response.appendTo(nil))
}

// features is ours. Without an IRK there is no identity to distribute, and no key is ever distributed for the
// other transport.
func (s *pairing) features(c code, initiatorKeys, responderKeys KeyDistribution) features {
	ours := &responderKeys
	if s.initiator() {
		ours = &initiatorKeys
	}
	if s.p.irk.IsZero() {
		*ours &^= DistributeID
	}
	f := features{
		code: c, io: NoInputNoOutput, oob: s.p.outOfBand.has(s.secure()), auth: s.p.flags, maxKeySize: s.p.maxKeySize,
		initiator: initiatorKeys & distributable, responder: responderKeys & distributable,
	}
	if s.with.IO.asks() {
		f.io = s.with.IO
		if s.with.Keypress {
			f.auth |= authKeypress
		}
	}
	if s.p.bonding {
		f.auth |= authBonding
	}
	if s.p.mitm {
		f.auth |= authMITM
	}
	if s.p.secure {
		f.auth |= authSecure
	}
	return f
}

// agree is what both sides' features come to, if that is good enough for us.
func (s *pairing) agree() (phase, Reason, error) {
	secure := s.secure()
	size := min(s.request.maxKeySize, s.response.maxKeySize)
	ours, theirs := byRole(s, s.request, s.response)
	s.model = chooseModel(s.request, s.response, secure)
	switch {
	case size < s.p.minKeySize:
		return nil, EncryptionKeySize, fmt.Errorf("keys of %d octets: want %d", size, s.p.minKeySize)
	case s.p.secureOnly && !secure:
		return nil, AuthenticationRequirements, errNotSecure
	case s.p.mitm && !s.authenticates():
		return nil, AuthenticationRequirements, errNoMeans
	case s.model.method == OutOfBand && !s.p.outOfBand.fits(ours, theirs, secure):
		return nil, OOBNotAvailable, errOutOfBand
	}
	s.agreed = agreement{
		bonding: s.request.auth.Bonding() && s.response.auth.Bonding(),
		method:  s.model.method,
		security: Security{
			Encrypted: true, Authenticated: s.authenticates(), SecureConnections: secure, KeySize: size,
		},
	}
	if tell, err := s.judge(); err != nil {
		return nil, tell, err
	}
	if s.model.method == OutOfBand {
		if err := s.spendOutOfBand(ours, theirs, secure); err != nil {
			return nil, OOBNotAvailable, err
		}
	}
	s.keysOfUs, s.keysOfThem = s.response.responder&distributable, s.response.initiator&distributable
	if s.initiator() {
		s.keysOfUs, s.keysOfThem = s.keysOfThem, s.keysOfUs
	}
	if secure { // both have the one LTK already (2.4.3)
		s.keysOfUs &^= DistributeEnc
		s.keysOfThem &^= DistributeEnc
		return publicKeys, 0, nil
	}
	return temporaryKey, 0, nil
}

// authenticates tells whether the model protects against somebody in the middle, as far as a passkey that others
// may know does.
func (s *pairing) authenticates() bool {
	return s.model.method != JustWorks && (s.model.method != PasskeyEntry || !s.with.FixedPasskey)
}

// secure tells whether both sides offer Secure Connections, as far as is known of the peer.
func (s *pairing) secure() bool {
	theirs := s.response
	if !s.initiator() {
		theirs = s.request
	}
	return s.p.secure && (theirs.code == 0 || theirs.auth.SecureConnections())
}

// judge asks the caller whether what was agreed is good enough.
func (s *pairing) judge() (Reason, error) {
	if s.p.features == nil {
		return 0, nil
	}
	return reasonOf(s.p.features(s.agreed), AuthenticationRequirements)
}

// knows tells the caller whose identity the peer claims.
func (s *pairing) knows(identity hci.Address) (Reason, error) {
	if s.p.identityKnown == nil {
		return 0, nil
	}
	return reasonOf(s.p.identityKnown(identity), KeyRejected)
}

// reasonOf is what to tell the peer of an error of the caller's: the Reason in it, or what is usual.
func reasonOf(err error, usual Reason) (Reason, error) {
	if reason, ok := errors.AsType[Reason](err); ok {
		return reason, err
	}
	return usual, err
}
