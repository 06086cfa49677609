package smp

import (
	"crypto/ecdh"
	"errors"
)

// outOfBandData is what the two sides of a pairing have told each other on another way than the radio.
type outOfBandData struct {
	tk *Key // legacy: the temporary key that both have

	// Secure Connections: the random value and the private key that our confirm value, which the peer may have, was
	// made with. They serve this pairing only.
	random  *Key
	private *ecdh.PrivateKey // if nil, the pairing's own
	peer    *outOfBandPeer   // what we have of the peer

	// spend is called once, when data are going to be used: the peer says that it has ours, or we have the peer's.
	// An error refuses the pairing. If nil, they may be used.
	spend func(ours, theirs bool) error
}

// outOfBandPeer is a peer's confirm and random value (Vol 3, Part H, 2.3.5.6.4).
type outOfBandPeer struct{ confirm, random Key }

var (
	errOutOfBand = errors.New("out of band data of another kind")
	errSpent     = errors.New("out of band data that were used already")
)

// fits tells whether both kinds of data that a pairing will need are there: the peer's where we have said so,
// ours where the peer has.
func (d *outOfBandData) fits(ours, theirs features, secure bool) bool {
	return (!ours.oob || d.has(secure)) && (!secure || !theirs.oob || d != nil && d.random != nil)
}

// has tells whether we have data of the peer for a pairing that is, or may become, of that kind.
func (d *outOfBandData) has(secure bool) bool {
	return d != nil && (secure && d.peer != nil || !secure && d.tk != nil)
}

// spendOutOfBand uses up what this pairing is going to need.
func (s *pairing) spendOutOfBand(ours, theirs features, secure bool) error {
	d := s.p.outOfBand
	if d == nil || d.spend == nil {
		return nil
	}
	return d.spend(secure && theirs.oob, ours.oob)
}
