package smp

import (
	"crypto/ecdh"
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// OOB is what one side of a pairing tells the other by another way than the radio: a tag, a code to scan, a cable
// (Vol 3, Part H, 2.3.5.4 and 2.3.5.6.4). Who else gets to see it can be in the middle.
type OOB struct {
	Address hci.Address // whose it is: the identity address, or the one on air
	Random  Key         // Secure Connections: r
	Confirm Key         // Secure Connections: C, which binds the public key; zero where there is none
	TK      Key         // legacy pairing: the temporary key, the same on both sides; zero where there is none
}

// Format prints whose it is and no secret.
func (o OOB) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "out of band data of %s", o.Address) }

// maxOOB is how many peers' data wait for their pairing.
const maxOOB = 16

// ErrOOBFull says that too many peers' data wait for their pairing.
var ErrOOBFull = errors.New("smp: out of band data of too many peers")

// ownOOB is what stands behind the data that we gave away.
type ownOOB struct {
	random  Key
	private *ecdh.PrivateKey
}

// NewOOB makes data for a peer to have, with a key pair of their own that serves one pairing. Data made before
// are void: what the pairing with a peer needs can't be told from what another has.
func (m *Manager) NewOOB() (OOB, error) {
	private, err := m.config.PrivateKey()
	if err != nil {
		return OOB{}, fmt.Errorf("smp: out of band data: %w", err)
	}
	public, err := btcrypto.PublicKeyOf(private)
	if err != nil {
		return OOB{}, fmt.Errorf("smp: out of band data: %w", err)
	}
	own := &ownOOB{private: private}
	m.config.Random(own.random[:])
	m.mu.Lock()
	defer m.mu.Unlock()
	m.oob = own
	return OOB{Address: m.config.Identity, Random: own.random, Confirm: btcrypto.F4(public.X(), public.X(), own.random, 0)}, nil
}

// WithdrawOOB makes the data of NewOOB void.
func (m *Manager) WithdrawOOB() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.oob = nil
}

// AddOOB takes data of a peer, for one pairing with it; they replace others of the same address. A TK serves
// legacy pairing, where both sides have to be given it.
func (m *Manager) AddOOB(peer OOB) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.oobs[peer.Address]; !known && len(m.oobs) >= maxOOB {
		return ErrOOBFull
	}
	m.oobs[peer.Address] = peer
	return nil
}

// ForgetOOB makes the data of a peer void.
func (m *Manager) ForgetOOB(peer hci.Address) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.oobs, peer)
}

// outOfBand is the data for a pairing with the peer of these addresses, nil where there are none.
func (m *Manager) outOfBand(names ...hci.Address) *outOfBandData {
	m.mu.Lock()
	defer m.mu.Unlock()
	own := m.oob
	var d outOfBandData
	if own != nil {
		d.random, d.private = &own.random, own.private
	}
	var named hci.Address
	for _, a := range names {
		peer, ok := m.oobs[a]
		if !ok {
			continue
		}
		named = a
		if !peer.Confirm.IsZero() {
			d.peer = &outOfBandPeer{confirm: peer.Confirm, random: peer.Random}
		}
		if !peer.TK.IsZero() {
			d.tk = &peer.TK
		}
		break
	}
	if own == nil && d.peer == nil && d.tk == nil {
		return nil
	}
	d.spend = func(ours, theirs bool) error { return m.spendOOB(own, ours, named, theirs) }
	return &d
}

// spendOOB takes data out, ours, a peer's or both, for the pairing that uses them. Ours may have gone meanwhile, to
// another peer.
func (m *Manager) spendOOB(own *ownOOB, ours bool, peer hci.Address, theirs bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if theirs {
		delete(m.oobs, peer)
	}
	if !ours {
		return nil
	}
	if m.oob != own {
		return errSpent
	}
	m.oob = nil
	return nil
}
