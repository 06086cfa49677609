package smp

import (
	"fmt"
	"sync"

	"github.com/jelling-ble/jelling/hci"
)

// MemoryStore is a Store that lasts as long as the process. The zero value is empty and ready.
type MemoryStore struct {
	mu      sync.Mutex
	records []Record // guarded by mu, in the order in which they came
	changes uint64   // guarded by mu
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// Format prints how many records there are, and no key.
func (m *MemoryStore) Format(f fmt.State, _ rune) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(f, "%d records in memory", len(m.records))
}

// Load finds the record of a peer.
func (m *MemoryStore) Load(local, peer hci.Address) (Record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.find(local, peer); i >= 0 {
		return m.records[i].Clone(), true
	}
	return Record{}, false
}

// List is all records of a local identity, oldest first.
func (m *MemoryStore) List(local hci.Address) []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Record
	for _, r := range m.records {
		if r.Local == local {
			all = append(all, r.Clone())
		}
	}
	return all
}

// Save replaces or adds a record; it cannot fail.
func (m *MemoryStore) Save(r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	if i := m.find(r.Local, r.Peer); i >= 0 {
		m.records[i] = r.Clone()
	} else {
		m.records = append(m.records, r.Clone())
	}
	return nil
}

// Delete forgets a record; that there was none is no error.
func (m *MemoryStore) Delete(local, peer hci.Address) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	if i := m.find(local, peer); i >= 0 {
		m.records = append(m.records[:i:i], m.records[i+1:]...)
	}
	return nil
}

// Changes is a number that is another one after each Save and Delete.
func (m *MemoryStore) Changes() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changes
}

func (m *MemoryStore) find(local, peer hci.Address) int {
	for i, r := range m.records {
		if r.Local == local && r.Peer == peer {
			return i
		}
	}
	return -1
}
