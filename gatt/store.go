package gatt

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/jelling-ble/jelling/att"
)

// A Store keeps a text under each of some names, as a rule beside the bonds: a client's identity is one, and for what we know of its server
// there is another. What is in the texts is this package's business. Its methods are called from several goroutines, and may take their time.
type Store interface {
	// Load returns what was saved under a name, or nothing.
	Load(name string) ([]byte, error)
	// Save replaces what was saved under a name. It does not keep state.
	Save(name string, state []byte) error
	// Forget removes what was saved under a name, if there is something.
	Forget(name string) error
}

// maxInMemory bounds the texts of a store in memory.
const maxInMemory = 1024

// NewMemoryStore gives a store in memory, for at most 1024 texts.
func NewMemoryStore() Store { return &memoryStore{} }

// A memoryStore is also the store of a server without one. The host forgets peers as it forgets bonds, which bounds it.
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
	if _, there := m.states[client]; !there && len(m.states) >= maxInMemory {
		return fmt.Errorf("gatt: %d texts in memory, there is no room for %s", maxInMemory, client)
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

// A keptState is what is kept for a client.
type keptState struct {
	configured map[*published]uint16
	features   byte
	known      [hashLen]byte // the hash of the database that the client knows
	knows      bool          // known is set
}

// A clientState is a keptState as JSON.
type clientState struct {
	CCCD     []configuration `json:"cccd,omitempty"`
	Features byte            `json:"features,omitempty"`
	Hash     string          `json:"hash,omitempty"` // hexadecimal, least significant octet first
}

// A configuration is what a client has written to one CCCD. The characteristic's UUID shows whether the handle still means the same.
type configuration struct {
	Handle uint16   `json:"handle"`
	UUID   att.UUID `json:"uuid"`
	Value  uint16   `json:"value"`
}

// encode writes the state.
func (k keptState) encode() ([]byte, error) {
	s := clientState{Features: k.features}
	for _, p := range inOrder(k.configured, nil) {
		s.CCCD = append(s.CCCD, configuration{Handle: p.cccd.handle, UUID: p.declared.UUID, Value: k.configured[p]})
	}
	if k.knows {
		s.Hash = hex.EncodeToString(k.known[:])
	}
	return json.Marshal(s)
}

// decodeState reads what encode has written, maybe for an older database: what does not fit this one is left out.
func (s *Server) decodeState(text []byte) (keptState, error) {
	k := keptState{configured: map[*published]uint16{}}
	if len(text) == 0 {
		return k, nil
	}
	var c clientState
	if err := json.Unmarshal(text, &c); err != nil {
		return k, fmt.Errorf("gatt: what was kept for a client is damaged: %w", err)
	}
	db := s.database()
	for _, one := range c.CCCD {
		if a := db.at(one.Handle); a != nil && a.configures != nil && a.configures.declared.UUID == one.UUID {
			k.configured[a.configures] = one.Value & a.configures.supported
		}
	}
	k.features = c.Features & knownFeatures
	if c.Hash == "" {
		return k, nil
	}
	if n, err := hex.Decode(k.known[:], []byte(c.Hash[:min(len(c.Hash), 2*hashLen)])); err != nil || n != hashLen || len(c.Hash) != 2*hashLen {
		return k, errors.New("gatt: what was kept for a client is damaged: no hash")
	}
	k.knows = true
	return k, nil
}
