package smp

import "errors"

// outOfBandData is what the two sides of a pairing have told each other on another way than the radio.
type outOfBandData struct {
	tk *Key // legacy: the temporary key that both have

	// Secure Connections: the random value that our confirm value, which the peer may have, was made with. It
	// goes with the private key of this pairing, and serves this pairing only.
	random *Key
	peer   *outOfBandPeer // what we have of the peer
}

// outOfBandPeer is a peer's confirm and random value (Vol 3, Part H, 2.3.5.6.4).
type outOfBandPeer struct{ confirm, random Key }

var errOutOfBand = errors.New("out of band data of another kind")

// fits tells whether both kinds of data that a pairing will need are there: the peer's where we have said so,
// ours where the peer has.
func (d *outOfBandData) fits(ours, theirs features, secure bool) bool {
	return (!ours.oob || d.has(secure)) && (!secure || !theirs.oob || d != nil && d.random != nil)
}

// has tells whether we have data of the peer for a pairing that is, or may become, of that kind.
func (d *outOfBandData) has(secure bool) bool {
	return d != nil && (secure && d.peer != nil || !secure && d.tk != nil)
}
