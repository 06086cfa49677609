package smp

import (
	"errors"
	"fmt"
)

// Bonding says when the keys of a pairing are kept.
type Bonding uint8

const (
	// BondFollow bonds when both sides want it: a pairing that answers a Security Request carries that
	// request's bonding flag, one that we start asks for a bond unless the peer's wish is none, and as
	// responder we mirror the initiator.
	BondFollow Bonding = iota
	BondAlways
	BondNever
)

var bondingNames = [...]string{"follow", "always", "never"}

func (b Bonding) String() string { return nameOf(bondingNames[:], int(b), "bonding") }

// ParseBonding reads follow, always or never.
func ParseBonding(text string) (Bonding, error) {
	i, err := indexOf(bondingNames[:], text, "bonding")
	return Bonding(i), err
}

// MarshalText writes what ParseBonding reads.
func (b Bonding) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText is ParseBonding.
func (b *Bonding) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBonding(string(text))
	return err
}

// LostBond says what to do when a peer has no key any more for its bond.
type LostBond uint8

const (
	// LostNotify pairs again with a peer that never wanted a bond, and otherwise tells the application.
	LostNotify LostBond = iota
	// LostRepair pairs again where that gives up nothing: never below the security of the bond.
	LostRepair
	// LostStrict always tells the application and never pairs again (Vol 3, Part H, Table 2.9).
	LostStrict
)

var lostBondNames = [...]string{"notify", "repair", "strict"}

func (l LostBond) String() string { return nameOf(lostBondNames[:], int(l), "lost bond") }

// ParseLostBond reads notify, repair or strict.
func ParseLostBond(text string) (LostBond, error) {
	i, err := indexOf(lostBondNames[:], text, "lost bond")
	return LostBond(i), err
}

// MarshalText writes what ParseLostBond reads.
func (l LostBond) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is ParseLostBond.
func (l *LostBond) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLostBond(string(text))
	return err
}

// SecureConnections says whether LE Secure Connections pairing is used.
type SecureConnections uint8

const (
	SecureConnectionsAllowed SecureConnections = iota // used when both sides can, legacy pairing otherwise
	SecureConnectionsOff
	SecureConnectionsOnly // legacy pairing and legacy keys are refused (Vol 3, Part C, 10.2.4)
)

var secureConnectionsNames = [...]string{"allowed", "off", "only"}

func (s SecureConnections) String() string {
	return nameOf(secureConnectionsNames[:], int(s), "secure connections")
}

// ParseSecureConnections reads allowed, off or only.
func ParseSecureConnections(text string) (SecureConnections, error) {
	i, err := indexOf(secureConnectionsNames[:], text, "secure connections")
	return SecureConnections(i), err
}

// MarshalText writes what ParseSecureConnections reads.
func (s SecureConnections) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSecureConnections.
func (s *SecureConnections) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSecureConnections(string(text))
	return err
}

func nameOf(names []string, i int, what string) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s %d", what, i)
}

func indexOf(names []string, text, what string) (int, error) {
	for i, name := range names {
		if text == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s %q: want %s, %s or %s", what, text, names[0], names[1], names[2])
}

// Policy is what may differ from peer to peer. The zero value is the default.
type Policy struct {
	Bonding           Bonding
	LostBond          LostBond
	SecureConnections SecureConnections
	MinLevel          Level // of what a pairing gives and of the keys in use; if LevelNone, any will do
	MinKeySize        int   // octets, 7 to 16; if zero, 7
	MaxKeySize        int   // octets, 7 to 16; if zero, 16
	AllowWeaker       bool  // pairing again may give less than the record has
}

// complete is p with its key sizes filled in. Level 4 is Secure Connections and whole keys (Vol 3, Part C, 10.2.1).
func (p Policy) complete() Policy {
	if p.MinKeySize == 0 {
		p.MinKeySize = leastKeySize
	}
	if p.MaxKeySize == 0 {
		p.MaxKeySize = mostKeySize
	}
	if p.MinLevel == LevelSC {
		p.SecureConnections, p.MinKeySize = SecureConnectionsOnly, mostKeySize
	}
	return p
}

// check refuses key sizes and a level that are none, and what can't be had together.
func (p Policy) check() error {
	if int(p.MinLevel) >= len(levelNames) {
		return fmt.Errorf("%v is none", p.MinLevel)
	}
	if p.MinLevel == LevelSC && p.SecureConnections == SecureConnectionsOff {
		return errors.New("level sc without Secure Connections")
	}
	p = p.complete()
	if p.MinKeySize < leastKeySize || p.MaxKeySize > mostKeySize || p.MinKeySize > p.MaxKeySize {
		return fmt.Errorf("key sizes %d to %d octets: want %d to %d", p.MinKeySize, p.MaxKeySize, leastKeySize, mostKeySize)
	}
	return nil
}

// accepts tells whether a key with that security may be used at all.
func (p Policy) accepts(s Security) bool {
	return s.KeySize >= p.MinKeySize && (p.SecureConnections != SecureConnectionsOnly || s.SecureConnections) && s.Satisfies(p.MinLevel)
}

// best is the most that a pairing can give us: with nobody to ask and no out of band data, no method
// authenticates.
func (p Policy) best(authenticates bool) Security {
	return Security{
		Encrypted: true, Authenticated: authenticates, SecureConnections: p.SecureConnections != SecureConnectionsOff, KeySize: p.MaxKeySize,
	}
}

// bonds is our bonding flag in a pairing that we start with a peer of that wish.
func (b Bonding) bonds(wish Wish) bool {
	return b == BondAlways || b == BondFollow && wish != WishNone
}
