package smp

import (
	"errors"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

var errConfirm = errors.New("confirm value does not fit")

// temporaryKey begins phase 2 of legacy pairing. For Just Works the TK is zero (Vol 3, Part H, 2.3.5.2), else it
// is the passkey (2.3.5.3) or what both sides know from elsewhere (2.3.5.4).
func temporaryKey(s *pairing) (phase, Reason, error) {
	switch s.model.method {
	case PasskeyEntry:
		var tell Reason
		var err error
		if s.tk, tell, err = s.passkey(); err != nil {
			return nil, tell, err
		}
	case OutOfBand:
		s.tk = *s.p.outOfBand.tk
	}
	return legacyConfirm, 0, nil
}

// legacyConfirm lets each side prove that it has the TK, before it shows the random value that it did so
// with (2.3.5.5). The random values then make the STK.
func legacyConfirm(s *pairing) (phase, Reason, error) {
	random := s.newRandom()
	confirm := s.legacyConfirmOf(random)
	var theirConfirm Key
	tell, err := s.swap(codePairingConfirm, confirm, func(theirs Key) (Reason, error) {
		if same(theirs, confirm) { // an echo would pass: both sides' values are made in the same way
			return ConfirmValueFailed, errConfirm
		}
		theirConfirm = theirs
		return 0, nil
	})
	if err != nil {
		return nil, tell, err
	}
	tell, err = s.swap(codePairingRandom, random, func(theirs Key) (Reason, error) {
		if !same(s.legacyConfirmOf(theirs), theirConfirm) {
			return ConfirmValueFailed, errConfirm
		}
		initiator, responder := byRole(s, random, theirs)
		s.ready(btcrypto.S1(s.tk, responder, initiator))
		return 0, nil
	})
	return encrypt, tell, err
}

// legacyConfirmOf is the confirm value of either side.
func (s *pairing) legacyConfirmOf(random Key) Key {
	initiator, responder := byRole(s, s.p.local, s.p.peer)
	return btcrypto.C1(s.tk, random, [7]byte(s.request.appendTo(nil)), [7]byte(s.response.appendTo(nil)),
		random1(initiator), initiator.Octets, random1(responder), responder.Octets)
}

// random1 is the type of an address as c1 takes it: 1 for a random one.
func random1(a hci.Address) byte { return byte(a.Type) & 1 }
