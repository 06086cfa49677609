package smp

import (
	"maps"
	"sync"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// maxResolved is how many private addresses the resolver remembers, those that nobody resolves to among them. A
// peer changes its own every quarter of an hour or so.
const maxResolved = 512

// resolver finds the identity behind a resolvable private address (Vol 6, Part B, 1.3.2.3), and remembers what it
// found until a record changes. It is safe for concurrent use.
type resolver struct {
	mu      sync.Mutex
	changes uint64                      // of the store, when what follows was made
	irks    []peerIRK                   // nil when they have to be looked up
	known   map[hci.Address]hci.Address // zero: nobody's
}

// peerIRK is an IRK, ready for use, and whose it is.
type peerIRK struct {
	irk  *btcrypto.Cipher
	peer hci.Address
}

// changeCounter is what a Store may offer besides: a number that is another one after each change of a record.
// Without it nothing is remembered.
type changeCounter interface{ Changes() uint64 }

// resolve is the identity address whose IRK made an address.
func (r *resolver) resolve(store Store, local hci.Address, own Key, onAir hci.Address) (identity hci.Address, ok bool) {
	counter, counts := store.(changeCounter)
	r.mu.Lock()
	defer r.mu.Unlock()
	var changes uint64
	if counts {
		changes = counter.Changes() // before the records are read: a change meanwhile is seen the next time
	}
	if !counts || r.known == nil || changes != r.changes {
		r.changes, r.irks, r.known = changes, irksOf(store.List(local), own), map[hci.Address]hci.Address{}
	}
	identity, remembered := r.known[onAir]
	if !remembered {
		identity = whose(r.irks, onAir)
		if len(r.known) >= maxResolved {
			r.forget()
		}
		r.known[onAir] = identity
	}
	return identity, !identity.IsZero()
}

// forget makes room: of strangers first, who come and go, so that a crowd of them does not cost what is known of peers.
func (r *resolver) forget() {
	maps.DeleteFunc(r.known, func(_, identity hci.Address) bool { return identity.IsZero() })
	if len(r.known) > maxResolved/2 {
		clear(r.known)
	}
}

// irksOf is the IRKs of records. The generation before an unproven one counts too.
func irksOf(records []Record, own Key) []peerIRK {
	var all []peerIRK
	names := newIRKNames(own)
	for _, r := range records {
		if names.claim(r.Peer, r.Keys.PeerIRK) {
			all = append(all, peerIRK{btcrypto.NewCipher(*r.Keys.PeerIRK), r.Peer})
		}
		if r.Prior != nil && names.claim(r.Peer, r.Prior.PeerIRK) {
			all = append(all, peerIRK{btcrypto.NewCipher(*r.Prior.PeerIRK), r.Peer})
		}
	}
	return all
}

func whose(irks []peerIRK, onAir hci.Address) hci.Address {
	for _, i := range irks {
		if i.irk.Resolves(onAir.Octets) {
			return i.peer
		}
	}
	return hci.Address{}
}

// dropForeignIRK takes an IRK out of new keys that is no name for their peer: our own, sent back, or that of another
// peer, which has been known by it for longer.
func (m *Manager) dropForeignIRK(k *Keys, peer hci.Address) {
	if k.PeerIRK == nil {
		return
	}
	foreign := *k.PeerIRK == m.config.IRK
	for _, r := range m.config.Store.List(m.config.Identity) {
		foreign = foreign || r.Peer != peer && r.Keys.PeerIRK != nil && *r.Keys.PeerIRK == *k.PeerIRK
	}
	if foreign {
		k.PeerIRK = nil
	}
}
