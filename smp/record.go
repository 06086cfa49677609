package smp

import (
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// Key is sixteen secret octets in on-air order. No verb of package fmt prints it.
type Key [16]byte

// Format prints that there is a key and nothing of it.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(key)")) }

// MarshalText says that there is a key and nothing of it, for JSON and the like: a store has a form of its own.
func (Key) MarshalText() ([]byte, error) { return []byte("(key)"), nil }

// IsZero tells a key that is no key.
func (k Key) IsZero() bool { return k == Key{} }

// LTK is a long term key with what names it. A Secure Connections key has EDIV and Rand zero, but zeros do
// not make a key one: legacy peers with zeros exist.
type LTK struct {
	Key  Key // masked to the key size: the octets beyond it, at the end, are zero
	EDIV uint16
	Rand [8]byte
}

// Format prints that there is a key and nothing of it.
func (l LTK) Format(f fmt.State, verb rune) { l.Key.Format(f, verb) }

// Wish is what a peer wants of bonding, by its Security Request on a link that was encrypted afterwards.
type Wish string

const (
	WishUnknown Wish = "unknown"
	WishBond    Wish = "bond"
	WishNone    Wish = "none"
)

// Method is the association model that made a key (Vol 3, Part H, 2.3.5.1).
type Method string

const (
	JustWorks         Method = "just-works"
	PasskeyEntry      Method = "passkey"
	NumericComparison Method = "numeric-comparison"
	OutOfBand         Method = "out-of-band"
)

// Keys is one generation of a bond: what one pairing agreed on and distributed. Keys are stored by who
// distributed them, never by role.
type Keys struct {
	Authenticated     bool
	SecureConnections bool
	KeySize           int // octets, 7 to 16
	Method            Method

	SC    *LTK // the one Secure Connections key, good in both roles
	Local *LTK // legacy, distributed by us: good while we are peripheral
	Peer  *LTK // legacy, distributed by the peer: good while we are central

	PeerIRK   *Key
	LocalCSRK *Key
	PeerCSRK  *Key

	// The counters of signed writes (Vol 3, Part H, 2.4.5): what is below them is used up. Ours is ahead of what
	// was sent, so that it need not be written each time.
	LocalSignCounter uint32
	PeerSignCounter  uint32
}

// Security is what a link encrypted with k has.
func (k Keys) Security() Security {
	return Security{Encrypted: true, Authenticated: k.Authenticated, SecureConnections: k.SecureConnections, KeySize: k.KeySize}
}

// ForRole is the key to encrypt with in that role of ours, nil when there is none.
func (k Keys) ForRole(role hci.Role) *LTK {
	switch {
	case k.SecureConnections:
		return k.SC
	case role == hci.Central:
		return k.Peer
	default:
		return k.Local
	}
}

// History counts what happened to a bond since it was made.
type History struct {
	Lost     int    // times that the peer had no key for it
	Suspect  int    // 0x3D or 0x05 in a row right after Start Encryption
	Repaired int    // times that it was paired again after it was lost
	Refused  int    // times that pairing again was refused
	LastLost string // the status by which it was last lost, "" if never
}

// Record is everything kept about one peer. A record without bonding has no keys: it remembers the peer's
// wish and its history alone.
type Record struct {
	Local hci.Address // our identity address
	Peer  hci.Address // the peer's identity address; its address on air where it has no identity

	Bonded  bool // bonding was negotiated, and Keys are good to encrypt with
	Wish    Wish // "" is unknown
	Lost    bool // the peer answered that it has no key, and has not used it since
	Keys    Keys
	Proven  bool  // Keys have encrypted a reconnection
	Prior   *Keys // the generation before Keys, kept until they are proven
	History History

	Override Override // where the policy for this peer is not the host's
}

// Store keeps records. Load, List and the answers they give come from memory and never wait; Save and
// Delete may wait for a disk and are never called by the controller's loop. All are safe for concurrent
// use, and records go in and out as copies.
type Store interface {
	// Load finds the record of a peer by its identity address.
	Load(local, peer hci.Address) (Record, bool)
	// List is all records of a local identity.
	List(local hci.Address) []Record
	// Save replaces a record in one step. An error says that it is not durable; it is in memory all the same.
	Save(Record) error
	// Delete forgets a record, its older generations too.
	Delete(local, peer hci.Address) error
}

// Clone is a copy that shares no memory with r.
func (r Record) Clone() Record {
	r.Keys = r.Keys.clone()
	if r.Prior != nil {
		prior := r.Prior.clone()
		r.Prior = &prior
	}
	r.Override = r.Override.clone()
	return r
}

// Public is a copy without any key, for events and for people to read.
func (r Record) Public() Record {
	r.Keys = r.Keys.public()
	r.Prior = nil
	r.Override = r.Override.clone()
	return r
}

func (k Keys) clone() Keys {
	k.SC, k.Local, k.Peer = copyOf(k.SC), copyOf(k.Local), copyOf(k.Peer)
	k.PeerIRK, k.LocalCSRK, k.PeerCSRK = copyOf(k.PeerIRK), copyOf(k.LocalCSRK), copyOf(k.PeerCSRK)
	return k
}

func (k Keys) public() Keys {
	return Keys{Authenticated: k.Authenticated, SecureConnections: k.SecureConnections, KeySize: k.KeySize, Method: k.Method}
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
