package smp

// passkeyRounds is authentication stage 1 of passkey entry (Vol 3, Part H, 2.3.5.6.3): each of twenty rounds
// proves one bit of the passkey, so that who guesses learns no more than one bit of it.
func passkeyRounds(s *pairing) (phase, Reason, error) {
	secret, tell, err := s.passkey()
	if err != nil {
		return nil, tell, err
	}
	s.ourSecret, s.theirSecret = secret, secret
	for round := range 20 {
		bit := 0x80 | secret[round/8]>>(round%8)&1
		if tell, err := s.passkeyRound(bit); err != nil {
			return nil, tell, err
		}
	}
	return dhKeyChecks, 0, nil
}

// passkeyRound commits both sides to a random value and the bit before either shows its value.
func (s *pairing) passkeyRound(bit byte) (tell Reason, err error) {
	s.ourRandom = s.newRandom()
	var theirConfirm Key
	tell, err = s.swap(codePairingConfirm, s.ourConfirm(s.ourRandom, bit), func(theirs Key) (Reason, error) {
		theirConfirm = theirs
		return 0, nil
	})
	if err != nil {
		return tell, err
	}
	return s.swap(codePairingRandom, s.ourRandom, func(theirs Key) (Reason, error) {
		if !same(s.theirConfirm(theirs, bit), theirConfirm) {
			return ConfirmValueFailed, errConfirm
		}
		s.theirRandom = theirs
		return 0, nil
	})
}
