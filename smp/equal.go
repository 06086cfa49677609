package smp

import "crypto/subtle"

// Equal tells whether two generations of a bond are the same, keys, counters and all.
func (k Keys) Equal(o Keys) bool {
	return k.public() == o.public() && k.LocalSignCounter == o.LocalSignCounter && k.PeerSignCounter == o.PeerSignCounter &&
		sameLTK(k.SC, o.SC) && sameLTK(k.Local, o.Local) && sameLTK(k.Peer, o.Peer) &&
		sameKey(k.PeerIRK, o.PeerIRK) && sameKey(k.LocalCSRK, o.LocalCSRK) && sameKey(k.PeerCSRK, o.PeerCSRK)
}

func sameLTK(a, b *LTK) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.EDIV == b.EDIV && a.Rand == b.Rand && sameKey(&a.Key, &b.Key)
}

func sameKey(a, b *Key) bool {
	if a == nil || b == nil {
		return a == b
	}
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
