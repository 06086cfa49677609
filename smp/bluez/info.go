package bluez

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// Why a bond can't be taken from BlueZ or given to it. They come with detail, and never with a key.
var (
	// ErrDamaged is a file that is none, or a value in it that is none.
	ErrDamaged = errors.New("damaged")
	// ErrNoKey is a peer without a long term key of LE.
	ErrNoKey = errors.New("no long term key")
	// ErrDebugKey is a key that everybody knows (Vol 3, Part H, 2.3.5.6.1).
	ErrDebugKey = errors.New("made with the debug key, which everybody knows")
	// ErrKeySize is a key that is not of 7 to 16 octets (Vol 3, Part H, 2.3.4).
	ErrKeySize = errors.New("a key size of 7 to 16 octets is allowed")
	// ErrAddress is an address by which a peer can't be found again.
	ErrAddress = errors.New("not an identity address")
	// ErrBlocked is a peer that BlueZ was told to block: to take its bond would let it in again.
	ErrBlocked = errors.New("blocked")
	// ErrExists is a file with other keys in it, which is not overwritten unasked.
	ErrExists = errors.New("there are other keys already")
)

// Groups of an info file.
const (
	general       = "General"
	peerLTK       = "LongTermKey"           // distributed by the peer: good while we are central
	localLTK      = "PeripheralLongTermKey" // distributed by us: good while we are peripheral
	localLTKOlder = "SlaveLongTermKey"      // the same, as older releases call it
	peerIRK       = "IdentityResolvingKey"
	localCSRK     = "LocalSignatureKey"
	peerCSRK      = "RemoteSignatureKey"
)

// kind is what a long term key's Authenticated says: the kernel's MGMT_LTK values.
type kind int

const (
	legacyKind kind = iota
	legacyAuthenticated
	secureKind
	secureAuthenticated
	debugKind
)

// A Bond is what an info file says.
type Bond struct {
	Record smp.Record
	Notes  []string // what is odd about it, for people; no keys
}

func (b *Bond) note(format string, args ...any) {
	b.Notes = append(b.Notes, fmt.Sprintf(format, args...))
}

// ParseInfo reads the info file of a peer. The record's wish is unknown, and its keys have not encrypted a
// reconnection of ours. Errors are ErrDamaged, ErrNoKey, ErrDebugKey, ErrKeySize, ErrAddress and ErrBlocked,
// with detail.
func ParseInfo(text []byte, local hci.Address, peer [6]byte) (Bond, error) {
	b := Bond{Record: smp.Record{Local: local, Peer: hci.Address{Octets: peer}, Bonded: true, Wish: smp.WishUnknown}}
	f, err := parseKeyFile(text)
	if err != nil {
		return b, err
	}
	if b.Record.Peer.Type, err = addressType(&f); err != nil {
		return b, err
	}
	if !b.Record.Peer.IsIdentity() {
		return b, ErrAddress
	}
	if blocked, _ := f.get(general, "Blocked"); blocked == "true" {
		return b, ErrBlocked
	}
	if err := b.takeLTKs(&f); err != nil {
		return b, err
	}
	return b, b.takeOthers(&f)
}

func addressType(f *keyFile) (hci.AddressType, error) {
	switch text, there := f.get(general, "AddressType"); {
	case !there || text == "public":
		return hci.Public, nil
	case text == "static":
		return hci.Random, nil
	}
	return 0, fmt.Errorf("%w: the type of the address is neither public nor static", ErrDamaged)
}

// ltk is one group of a long term key.
type ltk struct {
	smp.LTK
	kind kind
	size int
}

// takeLTKs reads the long term keys. A legacy key beside one of Secure Connections is left over from an earlier
// pairing: BlueZ does not remove it.
func (b *Bond) takeLTKs(f *keyFile) error {
	fromPeer, err := readLTK(f, peerLTK)
	if err != nil {
		return err
	}
	fromUs, err := readLTK(f, localLTK)
	if fromUs == nil && err == nil {
		fromUs, err = readLTK(f, localLTKOlder)
	}
	if err != nil {
		return err
	}
	debug := false
	for _, k := range []**ltk{&fromPeer, &fromUs} {
		if *k != nil && (*k).kind == debugKind {
			debug, *k = true, nil
			b.note("a key made with the debug key is not taken")
		}
	}
	k := &b.Record.Keys
	switch {
	case debug && fromPeer == nil && fromUs == nil:
		return ErrDebugKey
	case fromPeer == nil && fromUs == nil:
		return ErrNoKey
	case fromUs.secure():
		if fromPeer != nil && fromPeer.LTK != fromUs.LTK {
			b.note("[%s] is left over from another pairing and not taken", peerLTK)
		}
		k.SC, k.SecureConnections = &fromUs.LTK, true
		b.claim(fromUs)
	case fromPeer.secure():
		if fromUs != nil {
			b.note("[%s] is left over from another pairing and not taken", localLTK)
		}
		k.SC, k.SecureConnections = &fromPeer.LTK, true
		b.claim(fromPeer)
	default:
		return b.takeLegacy(fromPeer, fromUs)
	}
	return nil
}

// takeLegacy takes one key or both; what both have is what the bond has. One pairing makes both of one size: the
// octets beyond the lesser would be lost in a bond, and with them the key.
func (b *Bond) takeLegacy(fromPeer, fromUs *ltk) error {
	k := &b.Record.Keys
	if fromPeer != nil {
		k.Peer = &fromPeer.LTK
		b.claim(fromPeer)
	}
	if fromUs == nil {
		return nil
	}
	k.Local = &fromUs.LTK
	if fromPeer == nil {
		b.claim(fromUs)
		return nil
	}
	if fromUs.size != fromPeer.size {
		return fmt.Errorf("%w: its two keys have %d and %d octets, and are not of one pairing", ErrDamaged, fromPeer.size, fromUs.size)
	}
	if fromUs.kind != fromPeer.kind {
		b.note("its two keys differ in kind: the lesser counts")
	}
	k.Authenticated = k.Authenticated && fromUs.kind == legacyAuthenticated
	return nil
}

func (b *Bond) claim(k *ltk) {
	b.Record.Keys.Authenticated = k.kind == legacyAuthenticated || k.kind == secureAuthenticated
	b.Record.Keys.KeySize = k.size
}

func (k *ltk) secure() bool {
	return k != nil && (k.kind == secureKind || k.kind == secureAuthenticated)
}

// readLTK reads a group, nil if it is not there.
func readLTK(f *keyFile, name string) (*ltk, error) {
	if !f.has(name) {
		return nil, nil
	}
	k := &ltk{}
	var err error
	if k.Key, err = readKey(f, name); err != nil {
		return nil, err
	}
	how, err := readNumber(f, name, "Authenticated", 8)
	if err != nil {
		return nil, err
	}
	if k.kind = kind(how); k.kind > debugKind {
		return nil, fmt.Errorf("%w: [%s] Authenticated is none of 0 to 4", ErrDamaged, name)
	}
	size, err := readNumber(f, name, "EncSize", 8)
	if err != nil {
		return nil, err
	}
	if k.size = int(size); size < 7 || size > 16 {
		return nil, fmt.Errorf("%w: [%s] has %d", ErrKeySize, name, size)
	}
	if clear(k.Key[k.size:]); k.Key.IsZero() {
		return nil, fmt.Errorf("%w: [%s] has a key of zeros", ErrDamaged, name)
	}
	ediv, err := readNumber(f, name, "EDiv", 16)
	if err != nil {
		return nil, err
	}
	k.EDIV = uint16(ediv)
	if k.Rand, err = readRand(f, name); err != nil {
		return nil, err
	}
	if k.secure() && (k.EDIV != 0 || k.Rand != [8]byte{}) {
		return nil, fmt.Errorf("%w: [%s] is of Secure Connections and has an EDIV or a random number", ErrDamaged, name)
	}
	return k, nil
}

// readKey reads 32 digits, with 0x before them or without. A key of zeros is none.
func readKey(f *keyFile, name string) (k smp.Key, err error) {
	text, _ := f.get(name, "Key")
	return k, decodeKey(&k, text, name)
}

func decodeKey(k *smp.Key, text, name string) error {
	text = strings.TrimPrefix(text, "0x")
	if len(text) != 2*len(k) {
		return fmt.Errorf("%w: [%s] has a key of %d digits where %d belong", ErrDamaged, name, len(text), 2*len(k))
	}
	if _, err := hex.Decode(k[:], []byte(text)); err != nil {
		return fmt.Errorf("%w: [%s] has a key that is not hexadecimal", ErrDamaged, name)
	}
	if k.IsZero() {
		return fmt.Errorf("%w: [%s] has a key of zeros", ErrDamaged, name)
	}
	return nil
}

// readNumber reads an unsigned decimal; one that is not there is zero, as for BlueZ.
func readNumber(f *keyFile, name, key string, bits int) (uint64, error) {
	text, there := f.get(name, key)
	if !there {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, fmt.Errorf("%w: [%s] %s is no number of %d bits", ErrDamaged, name, key, bits)
	}
	return n, nil
}

// readRand reads a decimal, or what old releases wrote: 0x and the octets in on-air order.
func readRand(f *keyFile, name string) (r [8]byte, err error) {
	text, _ := f.get(name, "Rand")
	if digits, old := strings.CutPrefix(text, "0x"); old {
		if len(digits) != 2*len(r) {
			return r, fmt.Errorf("%w: [%s] Rand has %d digits where %d belong", ErrDamaged, name, len(digits), 2*len(r))
		}
		if _, err := hex.Decode(r[:], []byte(digits)); err != nil {
			return r, fmt.Errorf("%w: [%s] Rand is not hexadecimal", ErrDamaged, name)
		}
		return r, nil
	}
	n, err := readNumber(f, name, "Rand", 64)
	for i := range r {
		r[i] = byte(n >> (8 * i))
	}
	return r, err
}

// takeOthers reads the peer's identity resolving key and the signature keys. One that is none is not taken: the
// bond encrypts without it.
func (b *Bond) takeOthers(f *keyFile) error {
	k := &b.Record.Keys
	k.PeerIRK = b.optional(f, peerIRK)
	for _, c := range []struct {
		name    string
		key     **smp.Key
		counter *uint32
	}{{localCSRK, &k.LocalCSRK, &k.LocalSignCounter}, {peerCSRK, &k.PeerCSRK, &k.PeerSignCounter}} {
		key := b.optional(f, c.name)
		if key == nil {
			continue
		}
		n, err := readNumber(f, c.name, "Counter", 32)
		if err != nil {
			return err // a counter begun anew would be a replay
		}
		*c.key, *c.counter = key, uint32(n)
	}
	return nil
}

func (b *Bond) optional(f *keyFile, name string) *smp.Key {
	if !f.has(name) {
		return nil
	}
	k, err := readKey(f, name)
	if err != nil {
		b.note("not taken: %v", err)
		return nil
	}
	return &k
}
