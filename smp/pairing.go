package smp

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// pairingTimeout is how long a pairing waits for what comes next (Vol 3, Part H, 3.4).
const pairingTimeout = 30 * time.Second

// wire is what one pairing needs of its session. Everything that arrives on the link comes in order through
// next, so that a key PDU that overtakes the encryption event is seen as what it is.
type wire interface {
	send(pdu []byte) error
	// next waits for the next thing to happen: ctx.Err() when the caller gives up, the link's error when it goes.
	next(ctx context.Context) (wireEvent, error)
	// encrypt starts encryption with a key of this pairing (initiator; EDIV and Rand zero).
	encrypt(key Key) error
	// offer makes key the answer to the next Long Term Key Request of the controller (responder).
	offer(key Key)
}

// wireEvent is a PDU (octets are the receiver's to keep), or the outcome of starting or refreshing encryption.
type wireEvent struct {
	pdu        []byte
	encryption bool // an Encryption Change or Key Refresh Complete with that status
	status     hci.Status
	starting   bool // a PDU came while the outcome of encryption was awaited
}

// pairingParameters is everything one pairing is told.
type pairingParameters struct {
	role          hci.Role
	local, peer   hci.Address // on air
	request       []byte      // responder: the Pairing Request that began it, as it came
	bonding       bool        // ours
	mitm          bool        // ours: authentication required
	secure        bool        // we offer Secure Connections
	secureOnly    bool
	debugKeys     bool            // the debug key pair may be used, by either side
	holdKeys      time.Duration   // keys may come that much before the encryption that they came by; if zero, they may not
	flags         AuthReq         // more of them to send than follow from the rest
	minKeySize    int             // 7 to 16; if zero, 7
	maxKeySize    int             // 7 to 16; if zero, 16
	initiatorKeys KeyDistribution // what we ask for or allow, without bonding none
	responderKeys KeyDistribution
	identity      hci.Address                      // what we distribute
	irk           Key                              // if zero, our identity is not distributed
	random        func([]byte)                     // fills with random octets; if nil, crypto/rand
	privateKey    func() (*ecdh.PrivateKey, error) // a fresh P-256 key; if nil, crypto/ecdh
	// features is called when the peer's features are known and before anything else is sent, and again if its public
	// key turns out to be the debug key: the caller refuses by a Reason what would be weaker than it must be. If nil,
	// everything is good enough.
	features func(agreed agreement) error
	// identityKnown is called when the peer's identity address has arrived, before anything is stored. If it
	// returns an error, the peer's keys are rejected.
	identityKnown func(hci.Address) error
	delegate      delegate       // who is asked; if nil, nobody: NoInputNoOutput
	outOfBand     *outOfBandData // if nil, there is none
}

// agreement is what both sides' features come to.
type agreement struct {
	bonding  bool // both set the flag
	debug    bool // by a key pair that everybody knows
	method   Method
	security Security
}

// pairingResult is a completed pairing: its keys arrived, nothing stored yet.
type pairingResult struct {
	agreement
	keys     Keys
	identity hci.Address // the peer's, zero when it distributed none that is good
}

// pair runs one pairing from the Pairing Request to the last key, in either role; its phases are drawn in the
// documentation of the package.
//
// What ended the pairing is a *PairingError, about which the peer has been told where the specification wants
// it; or the wire's own error when the link is gone; or ctx.Err(), the peer told.
func pair(ctx context.Context, w wire, p pairingParameters) (pairingResult, error) {
	ctx, done := context.WithCancel(ctx)
	defer done() // withdraws what is being asked or shown
	s := newPairing(ctx, w, p)
	defer func() { *s = pairing{} }() // its keys are nobody's business any more
	next := phase(requestFeatures)
	if p.role == hci.Peripheral {
		next = answerFeatures
	}
	for next != nil {
		var tell Reason
		var err error
		if next, tell, err = next(s); err != nil {
			return pairingResult{}, s.fail(tell, err)
		}
	}
	return s.result, nil
}

// phase is one step of a pairing. It returns the one after it, nil at the end. With an error comes what to
// tell the peer, 0 for nothing.
type phase func(*pairing) (next phase, tell Reason, err error)

// pairing is the state of one pairing, owned by the goroutine that called pair.
type pairing struct {
	p        pairingParameters
	ctx      context.Context
	wire     wire
	deadline time.Time // when the peer has been silent for too long

	with    Capabilities  // what there is to ask a person with
	early   [][]byte      // what came while a person was asked, or before the encryption that it needs
	pressed chan Keypress // what the peer tells of the keys pressed on its side, while we display

	request, response features // as they were sent
	agreed            agreement
	model             model
	keysOfUs          KeyDistribution // agreed: what will have PDUs
	keysOfThem        KeyDistribution

	ourRandom, theirRandom Key
	tk                     Key // legacy; zero for Just Works

	ourPublic, theirPublic btcrypto.PublicKey // Secure Connections, as all that follows
	dhKey                  [32]byte
	ourSecret, theirSecret Key // r of the DHKey checks; zero without passkey or out of band data

	key    Key // what phase 2 made, masked: the STK, or the LTK of Secure Connections
	result pairingResult
}

func newPairing(ctx context.Context, w wire, p pairingParameters) *pairing {
	if p.minKeySize == 0 {
		p.minKeySize = leastKeySize
	}
	if p.maxKeySize == 0 {
		p.maxKeySize = mostKeySize
	}
	if p.random == nil {
		p.random = func(b []byte) { _, _ = rand.Read(b) } // never fails
	}
	if p.privateKey == nil {
		p.privateKey = func() (*ecdh.PrivateKey, error) { return ecdh.P256().GenerateKey(rand.Reader) }
	}
	s := &pairing{p: p, ctx: ctx, wire: w, with: Capabilities{IO: NoInputNoOutput}}
	if p.delegate != nil {
		s.with = p.delegate.capabilities()
	}
	s.alive()
	return s
}

// fail tells the peer what there is to tell, and says what ended the pairing.
func (s *pairing) fail(tell Reason, err error) error {
	if tell != 0 {
		// The pairing is over whether or not the peer gets to know it.
		_ = s.wire.send(pairingFailed{tell}.appendTo(nil))
	}
	if tell == 0 || s.ctx.Err() != nil && errors.Is(err, s.ctx.Err()) {
		return err
	}
	return &PairingError{Reason: tell, Err: err}
}

func (s *pairing) initiator() bool { return s.p.role == hci.Central }

// byRole sorts what is ours and what is theirs into the initiator's and the responder's.
func byRole[T any](s *pairing, ours, theirs T) (initiator, responder T) {
	if s.initiator() {
		return ours, theirs
	}
	return theirs, ours
}

// newRandom draws sixteen octets.
func (s *pairing) newRandom() (k Key) {
	s.p.random(k[:])
	return k
}

// mask shortens a key to the agreed size by zeros at its most significant end (2.3.4).
func (s *pairing) mask(k Key) Key {
	clear(k[s.agreed.security.KeySize:])
	return k
}

// addressOctets is an address as f5 and f6 take it (2.2.7): its type behind it.
func addressOctets(a hci.Address) (b [7]byte) {
	copy(b[:], a.Octets[:])
	b[6] = byte(a.Type)
	return b
}
