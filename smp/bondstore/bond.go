package bondstore

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// maxText bounds a text of a record, in octets.
const maxText = 200

// bondFile is a record as its file has it.
type bondFile struct {
	header
	bondBody
}

// bondBody is a record as text.
type bondBody struct {
	Local   hci.Address `json:"local"`
	Peer    hci.Address `json:"peer"`
	Bonded  bool        `json:"bonded"`
	Wish    smp.Wish    `json:"wish,omitempty"`
	Lost    bool        `json:"lost"`
	Proven  bool        `json:"proven"`
	Keys    *keysFile   `json:"keys,omitempty"`
	Prior   *keysFile   `json:"prior_keys,omitempty"`
	History historyFile `json:"history"`
	Policy  *policyFile `json:"policy,omitempty"`
}

// policyFile is where the policy for the peer is not the host's.
type policyFile struct {
	Bonding           *smp.Bonding           `json:"bonding,omitempty"`
	LostBond          *smp.LostBond          `json:"on_lost_bond,omitempty"`
	SecureConnections *smp.SecureConnections `json:"secure_connections,omitempty"`
	MinLevel          *smp.Level             `json:"min_level,omitempty"`
	MinKeySize        int                    `json:"min_key_size,omitempty"`
	MaxKeySize        int                    `json:"max_key_size,omitempty"`
	AllowWeaker       bool                   `json:"allow_weaker,omitempty"`
}

type keysFile struct {
	Method            smp.Method `json:"method,omitempty"`
	Authenticated     bool       `json:"authenticated"`
	SecureConnections bool       `json:"secure_connections"`
	KeySize           int        `json:"key_size"`
	SC                *ltkFile   `json:"secure_connections_ltk,omitempty"`
	Local             *ltkFile   `json:"local_ltk,omitempty"`
	Peer              *ltkFile   `json:"peer_ltk,omitempty"`
	PeerIRK           *keyText   `json:"peer_irk,omitempty"`
	LocalCSRK         *keyText   `json:"local_csrk,omitempty"`
	PeerCSRK          *keyText   `json:"peer_csrk,omitempty"`
	LocalSignCounter  uint32     `json:"local_sign_counter,omitempty"`
	PeerSignCounter   uint32     `json:"peer_sign_counter,omitempty"`
}

type ltkFile struct {
	Key  keyText  `json:"key"`
	EDIV ediv     `json:"ediv"`
	Rand randText `json:"rand"`
}

type historyFile struct {
	Lost     int    `json:"lost"`
	Suspect  int    `json:"suspect"`
	Repaired int    `json:"repaired"`
	Refused  int    `json:"refused"`
	LastLost string `json:"last_lost,omitempty"`
}

// keyText is a key as hexadecimal text in on-air order.
type keyText smp.Key

func (k keyText) MarshalText() ([]byte, error)  { return hex.AppendEncode(nil, k[:]), nil }
func (k *keyText) UnmarshalText(b []byte) error { return decodeHex(k[:], b) }

// Format prints that there is a key and nothing of it.
func (k keyText) Format(f fmt.State, verb rune) { smp.Key(k).Format(f, verb) }

// randText is a random number as hexadecimal text in on-air order.
type randText [8]byte

func (r randText) MarshalText() ([]byte, error)  { return hex.AppendEncode(nil, r[:]), nil }
func (r *randText) UnmarshalText(b []byte) error { return decodeHex(r[:], b) }

func decodeHex(to, text []byte) error {
	if len(text) != 2*len(to) {
		return textError(fmt.Sprintf("%d digits where %d belong", len(text), 2*len(to)))
	}
	if _, err := hex.Decode(to, text); err != nil {
		return textError("no hexadecimal digits")
	}
	return nil
}

// ediv is an EDIV as text: 0x5256.
type ediv uint16

func (e ediv) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "0x%04x", uint16(e)), nil }
func (e *ediv) UnmarshalText(b []byte) error {
	digits, ok := strings.CutPrefix(string(b), "0x")
	n, err := strconv.ParseUint(digits, 16, 16)
	if !ok || len(digits) != 4 || err != nil {
		return textError("an EDIV that is not like 0x5256")
	}
	*e = ediv(n)
	return nil
}

// marshalBond is the text of a record's file.
func marshalBond(r smp.Record) ([]byte, error) {
	b, err := bondOf(r)
	if err != nil {
		return nil, err
	}
	return seal(bondFile{header{version, byteOrder}, b})
}

// bondOf is a record as text.
func bondOf(r smp.Record) (bondBody, error) {
	if err := check(r); err != nil {
		return bondBody{}, err
	}
	b := bondBody{
		Local: r.Local, Peer: r.Peer, Bonded: r.Bonded, Wish: r.Wish, Lost: r.Lost, Proven: r.Proven, History: historyFile(r.History),
	}
	if r.Keys != (smp.Keys{}) {
		b.Keys = keysOf(r.Keys)
	}
	if r.Prior != nil {
		b.Prior = keysOf(*r.Prior)
	}
	if !r.Override.IsZero() {
		b.Policy = (*policyFile)(&r.Override)
	}
	return b, nil
}

// unmarshalBond reads the file that holds the bond of local with peer.
func unmarshalBond(text []byte, local, peer hci.Address) (smp.Record, error) {
	var b bondFile
	if err := unseal(text, &b); err != nil {
		return smp.Record{}, err
	}
	if b.Local != local || b.Peer != peer {
		return smp.Record{}, fmt.Errorf("%w: it is the bond of %s with %s", ErrDamaged, b.Local.Text(), b.Peer.Text())
	}
	return b.record()
}

// record is what the text says.
func (b *bondBody) record() (smp.Record, error) {
	r := smp.Record{
		Local: b.Local, Peer: b.Peer, Bonded: b.Bonded, Wish: b.Wish, Lost: b.Lost, Proven: b.Proven, History: smp.History(b.History),
	}
	if b.Keys != nil {
		r.Keys = b.Keys.keys()
	}
	if b.Prior != nil {
		prior := b.Prior.keys()
		r.Prior = &prior
	}
	if b.Policy != nil {
		r.Override = smp.Override(*b.Policy)
	}
	if err := check(r); err != nil {
		return smp.Record{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return r, nil
}

// check tells why a record is none, nil if it is one.
func check(r smp.Record) error {
	if err := storable(r.Local); err != nil {
		return err
	}
	if err := storable(r.Peer); err != nil {
		return err
	}
	switch r.Wish {
	case "", smp.WishUnknown, smp.WishBond, smp.WishNone:
	default:
		return fmt.Errorf("%w: a wish that is none", ErrRecord)
	}
	if h := r.History; h.Lost < 0 || h.Suspect < 0 || h.Repaired < 0 || h.Refused < 0 || len(h.LastLost) > maxText {
		return fmt.Errorf("%w: a history that can't be", ErrRecord)
	}
	if err := r.Override.Check(); err != nil {
		return fmt.Errorf("%w: its policy: %w", ErrRecord, err)
	}
	if err := checkKeys(r.Keys); err != nil || r.Prior == nil {
		return err
	}
	return checkKeys(*r.Prior)
}

func checkKeys(k smp.Keys) error {
	smallest := 0
	if k.SC != nil || k.Local != nil || k.Peer != nil {
		smallest = 7
	}
	if k.KeySize < smallest || k.KeySize > 16 {
		return fmt.Errorf("%w: a key size of %d octets", ErrRecord, k.KeySize)
	}
	if len(k.Method) > maxText {
		return fmt.Errorf("%w: a method that is none", ErrRecord)
	}
	return nil
}

func keysOf(k smp.Keys) *keysFile {
	return &keysFile{
		Method: k.Method, Authenticated: k.Authenticated, SecureConnections: k.SecureConnections, KeySize: k.KeySize,
		SC: ltkOf(k.SC), Local: ltkOf(k.Local), Peer: ltkOf(k.Peer),
		PeerIRK: (*keyText)(k.PeerIRK), LocalCSRK: (*keyText)(k.LocalCSRK), PeerCSRK: (*keyText)(k.PeerCSRK),
		LocalSignCounter: k.LocalSignCounter, PeerSignCounter: k.PeerSignCounter,
	}
}

func (k *keysFile) keys() smp.Keys {
	return smp.Keys{
		Method: k.Method, Authenticated: k.Authenticated, SecureConnections: k.SecureConnections, KeySize: k.KeySize,
		SC: k.SC.ltk(), Local: k.Local.ltk(), Peer: k.Peer.ltk(),
		PeerIRK: (*smp.Key)(k.PeerIRK), LocalCSRK: (*smp.Key)(k.LocalCSRK), PeerCSRK: (*smp.Key)(k.PeerCSRK),
		LocalSignCounter: k.LocalSignCounter, PeerSignCounter: k.PeerSignCounter,
	}
}

func ltkOf(k *smp.LTK) *ltkFile {
	if k == nil {
		return nil
	}
	return &ltkFile{keyText(k.Key), ediv(k.EDIV), k.Rand}
}

func (k *ltkFile) ltk() *smp.LTK {
	if k == nil {
		return nil
	}
	return &smp.LTK{Key: smp.Key(k.Key), EDIV: uint16(k.EDIV), Rand: k.Rand}
}
