package smp

import "github.com/jelling-ble/jelling/internal/btcrypto"

// outOfBandConfirm is authentication stage 1 of out of band (Vol 3, Part H, 2.3.5.6.4): who has the peer's data
// checks its public key by them. Data that only one side has protect both, by the DHKey checks.
func outOfBandConfirm(s *pairing) (phase, Reason, error) {
	ours, theirs := byRole(s, s.request, s.response)
	if ours.oob {
		peer := s.p.outOfBand.peer
		x := s.theirPublic.X() // in place of ours as well, which was not known when the data were made
		if !same(btcrypto.F4(x, x, peer.random, 0), peer.confirm) {
			return nil, ConfirmValueFailed, errConfirm
		}
		s.theirSecret = peer.random
	}
	if theirs.oob {
		s.ourSecret = *s.p.outOfBand.random
	}
	s.ourRandom = s.newRandom()
	tell, err := s.swap(codePairingRandom, s.ourRandom, func(theirs Key) (Reason, error) {
		s.theirRandom = theirs
		return 0, nil
	})
	return dhKeyChecks, tell, err
}
