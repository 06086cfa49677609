package smp

import "fmt"

// Level is what a caller asks of a link: never "pairing" (Vol 3, Part C, 10.2.1).
type Level uint8

const (
	LevelNone          Level = iota // Mode 1 Level 1: nothing
	LevelEncrypted                  // Mode 1 Level 2: encrypted
	LevelAuthenticated              // Mode 1 Level 3: encrypted with an authenticated key
	LevelSC                         // Mode 1 Level 4: authenticated, Secure Connections, 16-octet key
)

var levelNames = [...]string{"none", "encrypted", "authenticated", "sc"}

func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// ParseLevel reads none, encrypted, authenticated or sc.
func ParseLevel(text string) (Level, error) {
	for i, name := range levelNames {
		if text == name {
			return Level(i), nil
		}
	}
	return 0, fmt.Errorf("security level %q: want none, encrypted, authenticated or sc", text)
}

// MarshalText writes what ParseLevel reads.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText is ParseLevel.
func (l *Level) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLevel(string(text))
	return err
}

// Security is what a link, or a key, has. Authentication and Secure Connections are two properties: a
// Secure Connections key made by Just Works is not authenticated.
type Security struct {
	Encrypted         bool
	Authenticated     bool
	SecureConnections bool
	KeySize           int // octets, 7 to 16; 0 without encryption
}

// Satisfies tells whether s is good enough for l.
func (s Security) Satisfies(l Level) bool {
	switch l {
	case LevelNone:
		return true
	case LevelEncrypted:
		return s.Encrypted
	case LevelAuthenticated:
		return s.Encrypted && s.Authenticated
	case LevelSC:
		return s.Encrypted && s.Authenticated && s.SecureConnections && s.KeySize == 16
	}
	return false
}

// Level is the highest level that s satisfies.
func (s Security) Level() Level {
	for l := LevelSC; l > LevelNone; l-- {
		if s.Satisfies(l) {
			return l
		}
	}
	return LevelNone
}

// WeakerThan tells whether s lacks anything that t has: authentication, Secure Connections or octets of
// key. Neither may be stronger in one thing to make up for another.
func (s Security) WeakerThan(t Security) bool {
	return t.Authenticated && !s.Authenticated || t.SecureConnections && !s.SecureConnections || s.KeySize < t.KeySize
}
