package smp

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// irkNames are the IRKs that are good to know peers by.
type irkNames map[Key]bool

// newIRKNames knows what is nobody's name: zeros, which peers send to say that they have none, and our own IRK.
func newIRKNames(own Key) irkNames { return irkNames{{}: true, own: true} }

// claim tells whether an IRK is a peer's alone, and takes it. One that two records have tells nothing about which peer
// it is, so that the first holds; one of a peer without an identity address leads nowhere.
func (n irkNames) claim(peer hci.Address, irk *Key) bool {
	if irk == nil || !peer.IsIdentity() || n[*irk] {
		return false
	}
	n[*irk] = true
	return true
}

// PeerIRK is the key that resolves the private addresses of a bonded peer.
type PeerIRK struct {
	Peer hci.Address // its identity address
	IRK  Key
}

// PeerIRKs are what a controller needs to resolve private addresses as Resolve does, in the order of the store, one for
// each peer. A peer that may use one of two, since its last pairing has not been proven, is for Resolve alone.
func (m *Manager) PeerIRKs() (all []PeerIRK) {
	names := newIRKNames(m.config.IRK)
	for _, r := range m.config.Store.List(m.config.Identity) {
		if r.Prior != nil && r.Prior.PeerIRK != nil && (r.Keys.PeerIRK == nil || *r.Prior.PeerIRK != *r.Keys.PeerIRK) {
			names.claim(r.Peer, r.Keys.PeerIRK)
			names.claim(r.Peer, r.Prior.PeerIRK)
			continue
		}
		if names.claim(r.Peer, r.Keys.PeerIRK) {
			all = append(all, PeerIRK{r.Peer, *r.Keys.PeerIRK})
		}
	}
	return all
}

// PrivateAddress makes a new resolvable private address of ours, which bonded peers resolve to our identity (Vol 6,
// Part B, 1.3.2.2).
func (m *Manager) PrivateAddress() hci.Address {
	var prand [3]byte
	m.config.Random(prand[:])
	prand[2] = prand[2]&0x3F | 0x40
	// Of the 22 random bits one is set at least, and one is not.
	if prand == [3]byte{0, 0, 0x40} || prand == [3]byte{0xFF, 0xFF, 0x7F} {
		prand[0] ^= 1
	}
	hash := btcrypto.AH(m.config.IRK, prand)
	a := hci.Address{Type: hci.Random}
	copy(a.Octets[:], hash[:])
	copy(a.Octets[3:], prand[:])
	return a
}
