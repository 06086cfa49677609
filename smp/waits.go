package smp

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// WaitStore keeps the waits after failed pairings over a restart. A [Store] that is one too is used without being
// named. Its methods may wait for a disk.
type WaitStore interface {
	// LoadWaits is what SaveWaits was given last; nothing where there was nothing.
	LoadWaits() ([]Wait, error)
	// SaveWaits replaces what was saved before.
	SaveWaits([]Wait) error
}

// savedEvery is how often failures are written to the disk at the most: who fails again and again, from ever new
// addresses, does not wear it out.
const savedEvery = 10 * time.Second

// loadWaits begins with the waits of before.
func (m *Manager) loadWaits() {
	if m.config.Waits == nil {
		m.config.Waits, _ = m.config.Store.(WaitStore)
	}
	if m.config.Waits == nil {
		return
	}
	all, err := m.config.Waits.LoadWaits()
	if err != nil && m.config.Logger != nil {
		m.config.Logger.Warnf("smp: the waits after failed pairings are lost: %v", err)
	}
	m.RestoreWaits(all)
}

// Waits is the peers whose failed pairings count, for saving.
func (m *Manager) Waits() []Wait {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed.waits(time.Now())
}

// RestoreWaits puts back what Waits gave before a restart.
func (m *Manager) RestoreWaits(all []Wait) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed.restore(all, time.Now())
}

// SaveWaits writes the waits, with what remains of them now, to the WaitStore if there is one. It is called at the
// end of a host; failures are written as they happen, but for those that come too fast.
func (m *Manager) SaveWaits() error {
	if m.config.Waits == nil {
		return nil
	}
	m.saving.Lock()
	defer m.saving.Unlock()
	return m.config.Waits.SaveWaits(m.Waits())
}

// waitLeft is how long pairing with the peer has to wait.
func (m *Manager) waitLeft(peer hci.Address) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed.left(peer, time.Now())
}

// countFailure notes a failed pairing. It may wait for the disk.
func (m *Manager) countFailure(peer hci.Address) {
	now := time.Now()
	m.mu.Lock()
	m.failed.fail(peer, now)
	due := m.saved.IsZero() || now.Sub(m.saved) >= savedEvery
	if due {
		m.saved = now
	}
	m.mu.Unlock()
	if !due {
		return
	}
	if err := m.SaveWaits(); err != nil && m.config.Logger != nil {
		m.config.Logger.Errorf("smp: the waits after failed pairings are in memory only: %v", err)
	}
}
