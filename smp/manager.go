package smp

import (
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

// Manager is what all connections of a host share: configuration, records and the waits after failed
// pairings. It is safe for concurrent use.
type Manager struct {
	config   Config // complete, never changed
	resolver resolver

	saving  sync.Mutex // held while waits are saved
	editing sync.Mutex // held while a record is changed and saved; whoever needs mu as well takes it second

	mu     sync.Mutex
	failed backOff              // guarded by mu
	turn   map[hci.Address]bool // guarded by mu: the new key of this peer failed, its prior one is next
	open   time.Time            // guarded by mu: everybody may pair until then
	oob    *ownOOB              // guarded by mu: what a peer may have of us
	oobs   map[hci.Address]OOB  // guarded by mu: what we have of peers
	saved  time.Time            // guarded by mu: when waits were saved

	// Guarded by mu: our counters and the peers', of peers with records.
	signs, verifies map[hci.Address]counter
}

// NewManager checks the configuration: key sizes are zero or 7 to 16 octets, and the least is not above
// the largest.
func NewManager(config Config) (*Manager, error) {
	if err := config.Policy.check(); err != nil {
		return nil, fmt.Errorf("smp: %w", err)
	}
	if config.Store == nil {
		config.Store = NewMemoryStore()
	}
	if config.Random == nil {
		config.Random = func(b []byte) { _, _ = rand.Read(b) } // never fails, by its documentation
	}
	if config.DebugKeys {
		config.PrivateKey = func() (*ecdh.PrivateKey, error) { return btcrypto.DebugKey(), nil }
		if config.Logger != nil {
			config.Logger.Warn("smp: debug keys are on: everybody can read along on links that are paired now")
		}
	}
	if config.PrivateKey == nil {
		config.PrivateKey = func() (*ecdh.PrivateKey, error) { return ecdh.P256().GenerateKey(rand.Reader) }
	}
	if config.Delegate == nil {
		config.Delegate = Headless{}
	}
	if config.IRK.IsZero() {
		config.Random(config.IRK[:])
	}
	if config.InitiatorKeys == 0 && config.ResponderKeys == 0 {
		config.InitiatorKeys, config.ResponderKeys = DistributeEnc|DistributeID, DistributeEnc|DistributeID
	}
	m := &Manager{
		config: config, failed: backOff{}, turn: map[hci.Address]bool{}, oobs: map[hci.Address]OOB{},
		signs: map[hci.Address]counter{}, verifies: map[hci.Address]counter{},
	}
	m.loadWaits()
	return m, nil
}

// Format prints whose manager it is, and no key.
func (m *Manager) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "security of %s", m.config.Identity) }

// Store is where the records are.
func (m *Manager) Store() Store { return m.config.Store }

// Resolve is a peer's identity address: a resolvable private address is resolved with the IRKs of the
// store, which is remembered while no record changes, any other address stands for itself. Known is false for a private address that stays one.
func (m *Manager) Resolve(onAir hci.Address) (identity hci.Address, known bool) {
	if !onAir.IsResolvable() {
		return onAir, onAir.IsIdentity()
	}
	if identity, ok := m.resolver.resolve(m.config.Store, m.config.Identity, m.config.IRK, onAir); ok {
		return identity, true
	}
	return onAir, false
}

// Record is what is kept about the peer behind an address on air.
func (m *Manager) Record(onAir hci.Address) (Record, bool) {
	identity, _ := m.Resolve(onAir)
	return m.load(identity)
}

func (m *Manager) load(identity hci.Address) (Record, bool) {
	return m.config.Store.Load(m.config.Identity, identity)
}

// edit changes a peer's record in one step, a new one where there is none, and saves it if change says that it did.
// It waits for the disk, and for others who edit.
func (m *Manager) edit(peer hci.Address, change func(r *Record, known bool) bool) error {
	m.editing.Lock()
	defer m.editing.Unlock()
	r, known := m.load(peer)
	if !known {
		r = Record{Local: m.config.Identity, Peer: peer}
	}
	if !change(&r, known) {
		return nil
	}
	return m.config.Store.Save(r)
}

// policyFor is the policy for one peer, its key sizes filled in: the host's, with the override in the peer's
// record, as the application has it. An override that does not fit the host's policy, and a policy of the
// application's that is none, give way.
func (m *Manager) policyFor(peer hci.Address) Policy {
	p := m.config.Policy
	if record, ok := m.load(peer); ok {
		if own := record.Override.Apply(p); own.check() == nil {
			p = own
		}
	}
	if m.config.Peer != nil {
		if own := m.config.Peer(peer, p); own.check() == nil {
			p = own
		}
	}
	return p.complete()
}

// OpenPairing lets every peer pair for d from now, strangers and those over whose bond it is: a button was
// pressed, or a command given. Never weaker holds all the same. A d of zero or less ends it at once. It does not
// outlast the Manager.
func (m *Manager) OpenPairing(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = time.Now().Add(max(d, 0))
}

// PairingOpen is how long OpenPairing still holds, 0 when it does not.
func (m *Manager) PairingOpen() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, time.Until(m.open))
}

// priorFirst tells whether the generation before an unproven key is to be tried first.
func (m *Manager) priorFirst(peer hci.Address) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.turn[peer]
}

// setPriorFirst says which generation goes first on the next link. Only records with two generations come
// here, so that the table is no larger than the store.
func (m *Manager) setPriorFirst(peer hci.Address, prior bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if prior {
		m.turn[peer] = true
	} else {
		delete(m.turn, peer)
	}
}
