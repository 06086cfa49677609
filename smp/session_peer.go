package smp

import "github.com/jelling-ble/jelling/hci"

// stray takes a PDU while no pairing runs. What belongs into a pairing and has come too late for it is not
// answered, and neither is Pairing Failed: two hosts would tell each other for ever.
func (s *Session) stray(pdu []byte) {
	switch c := code(pdu[0]); {
	case c == codeSecurityRequest && s.role == hci.Central:
		if request, ok := s.hear(pdu); ok {
			s.requested = s.answerTo(request)
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
func (s *Session) hear(pdu []byte) (request AuthReq, ok bool) {
	parsed, err := parseSecurityRequest(pdu)
	if err != nil {
		s.tell(InvalidParameters)
		return 0, false
	}
	request = parsed.auth
	s.heard = WishNone
	if request.Bonding() {
		s.heard = WishBond
	}
	s.emit(SecurityRequested{request.Bonding(), request.MITM(), request.SecureConnections()})
	s.mu.Lock()
	s.heardPlain = !s.active.security.Encrypted
	settled := !s.heardPlain && !s.pairing // one that runs writes the wish when it is complete
	s.mu.Unlock()
	if settled {
		s.rememberWish()
	}
	return request, true
}

// answerTo is the level to bring the link to for a Security Request. On a link in the clear, where anybody may have
// sent it, that is encryption, by the bond if there is one; the peer's flags then count in the pairing, if it comes
// to that. On an encrypted link the peer itself says that it wants more than the link has: it gets it, once for each
// link, or is told that it does not (Vol 3, Part H, 2.4.6).
func (s *Session) answerTo(request AuthReq) Level {
	have := s.Security()
	switch {
	case !have.Encrypted || !request.MITM() || have.Authenticated:
		return LevelEncrypted
	case s.raised || !s.canAuthenticate():
		s.tell(PairingNotSupported)
		return LevelNone
	case s.manager.waitLeft(s.Identity()) > 0:
		s.tell(RepeatedAttempts)
		return LevelNone
	}
	s.raised = true
	return LevelAuthenticated
}

// rememberWish writes the peer's wish into its record, which may hold nothing else. It is called while the link
// is encrypted. A wish under a private address would never be found again.
func (s *Session) rememberWish() {
	s.edit(func(r *Record, known bool) bool {
		wish := r.wishAfter(s.heard, s.heardPlain)
		if r.Wish == wish || !known && !r.Peer.IsIdentity() {
			return false
		}
		r.Wish = wish
		return true
	})
}

// wishAfter is the wish to record, now that the link is encrypted, for one that was heard on it. That a peer wanted its
// bond is not taken back by what was said in the clear, where anybody can have said it: it would let a lost bond be
// paired again without a word.
func (r Record) wishAfter(heard Wish, plain bool) Wish {
	if heard == "" || plain && r.Bonded && r.Wish == WishBond {
		return r.Wish
	}
	return heard
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
		if !in.old {
			s.encryptedBy(in.key.security)
		}
	case in.key.stored:
		s.keyFailed(in.key.ltk)
		s.answerAll(&EncryptionError{Peer: s.Identity(), Status: in.status, Decision: Decide(Situation{Happened: LinkFailed})})
	}
}

// tell sends Pairing Failed. Whether it gets there is nothing to wait for.
func (s *Session) tell(r Reason) {
	if !s.isDeaf() {
		_ = s.link.Send(pairingFailed{r}.appendTo(nil))
	}
}
