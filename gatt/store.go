package gatt

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/jelling-ble/jelling/att"
)

// A Store keeps a short text for each client, as a rule beside its bond. What is in it is this package's business. Its methods are
// called from several goroutines, and may take their time.
type Store interface {
	// Load returns what was saved for client, or nothing.
	Load(client string) ([]byte, error)
	// Save replaces what was saved for client. It does not keep state.
	Save(client string, state []byte) error
	// Forget removes what was saved for client, if there is something.
	Forget(client string) error
}

// A memoryStore is the store of a server without one. The host forgets clients as it forgets bonds, which bounds it.
type memoryStore struct {
	mu     sync.Mutex
	states map[string]string
}

func (m *memoryStore) Load(client string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []byte(m.states[client]), nil
}

func (m *memoryStore) Save(client string, state []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.states == nil {
		m.states = map[string]string{}
	}
	m.states[client] = string(state)
	return nil
}

func (m *memoryStore) Forget(client string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.states, client)
	return nil
}

// A clientState is what is kept for a client, as JSON.
type clientState struct {
	CCCD []configuration `json:"cccd,omitempty"`
}

// A configuration is what a client has written to one CCCD. The characteristic's UUID shows whether the handle still means the same.
type configuration struct {
	Handle uint16   `json:"handle"`
	UUID   att.UUID `json:"uuid"`
	Value  uint16   `json:"value"`
}

// encodeState writes what a client has configured, by index.
func (db *database) encodeState(configured []uint16) ([]byte, error) {
	var s clientState
	for i, p := range db.cccds {
		if configured[i] != 0 {
			s.CCCD = append(s.CCCD, configuration{Handle: p.cccdAt, UUID: p.declared.UUID, Value: configured[i]})
		}
	}
	return json.Marshal(s)
}

// decodeState reads what encodeState has written, maybe for an older database: what does not fit this one is left out.
func (db *database) decodeState(state []byte) ([]uint16, error) {
	configured := make([]uint16, len(db.cccds))
	if len(state) == 0 {
		return configured, nil
	}
	var s clientState
	if err := json.Unmarshal(state, &s); err != nil {
		return configured, fmt.Errorf("gatt: what was kept for a client is damaged: %w", err)
	}
	for _, c := range s.CCCD {
		if a := db.at(c.Handle); a != nil && a.cccd != noCCCD && db.cccds[a.cccd].declared.UUID == c.UUID {
			configured[a.cccd] = c.Value & db.cccds[a.cccd].supported
		}
	}
	return configured, nil
}
