package smp

import (
	"context"
	"crypto/ecdh"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

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
}

// pairingParameters is everything one pairing is told.
type pairingParameters struct {
	role          hci.Role
	local, peer   hci.Address // on air
	request       []byte      // responder: the Pairing Request that began it, 7 octets
	bonding       bool        // ours
	mitm          bool        // ours: authentication required
	secure        bool        // we offer Secure Connections
	secureOnly    bool
	minKeySize    int // 7 to 16
	maxKeySize    int
	initiatorKeys KeyDistribution // what we ask for or allow, without bonding none
	responderKeys KeyDistribution
	identity      hci.Address // what we distribute
	irk           Key
	random        func([]byte)                     // fills with random octets
	privateKey    func() (*ecdh.PrivateKey, error) // a fresh P-256 key
	// features is called once, when the peer's features are known and before anything else is sent: the
	// caller refuses by a Reason what would be weaker than it must be.
	features func(agreed agreement) error
	// identityKnown is called when the peer's identity address has arrived, before anything is stored.
	identityKnown func(hci.Address) error
}

// agreement is what both sides' features come to.
type agreement struct {
	bonding  bool // both set the flag
	method   Method
	security Security
}

// pairingResult is a completed pairing: its keys arrived, nothing stored yet.
type pairingResult struct {
	agreement
	keys     Keys
	identity hci.Address // the peer's, zero when it distributed none
}

// KeyDistribution says which keys are distributed (Vol 3, Part H, 3.6.1).
type KeyDistribution uint8

const (
	DistributeEnc  KeyDistribution = 1 << 0 // LTK, EDIV and Rand
	DistributeID   KeyDistribution = 1 << 1 // IRK and identity address
	DistributeSign KeyDistribution = 1 << 2 // CSRK
	DistributeLink KeyDistribution = 1 << 3 // BR/EDR link key, never from us
)

// pair runs one pairing from the Pairing Request to the last key. It tells the peer by Pairing Failed when
// it ends it, and returns a *PairingError, or the wire's own error when the link or the caller is gone.
func pair(ctx context.Context, w wire, p pairingParameters) (pairingResult, error) {
	pdu := pairingFailed{PairingNotSupported}.appendTo(nil)
	return pairingResult{}, errors.Join(ctx.Err(), w.send(pdu), &PairingError{Reason: PairingNotSupported})
}
