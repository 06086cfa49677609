package hci

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// AddressType tells a public address from a random one. The types 2 and 3 of the HCI, "identity address
// that was resolved", never leave the codec: events carry them as a type here and Resolved beside it.
type AddressType uint8

const (
	Public AddressType = 0x00
	Random AddressType = 0x01
)

func (t AddressType) String() string {
	switch t {
	case Public:
		return "public"
	case Random:
		return "random"
	}
	return fmt.Sprintf("type 0x%02X", uint8(t))
}

// Address is a device address with its type, without which it means nothing (Vol 6, Part B, 1.3).
// Octets are in on-air order, least significant first. Addresses compare by ==.
type Address struct {
	Type   AddressType
	Octets [6]byte
}

// String is the address alone in upper case, most significant octet first: 00:1C:05:FF:F0:30.
func (a Address) String() string {
	o := a.Octets
	return fmt.Sprintf("%02X:%02X:%02X:%02X:%02X:%02X", o[5], o[4], o[3], o[2], o[1], o[0])
}

// Text is the address with its type, as ParseAddress reads it back: 00:1C:05:FF:F0:30/public.
func (a Address) Text() string { return a.String() + "/" + a.Type.String() }

// IsZero tells whether a is the zero value, which is never a device.
func (a Address) IsZero() bool { return a == Address{} }

// IsStatic tells a static random address, which is an identity (Vol 6, Part B, 1.3.2.1).
func (a Address) IsStatic() bool { return a.Type == Random && a.Octets[5]>>6 == 0b11 }

// IsResolvable tells a resolvable private address (Vol 6, Part B, 1.3.2.2).
func (a Address) IsResolvable() bool { return a.Type == Random && a.Octets[5]>>6 == 0b01 }

// IsNonResolvable tells a non-resolvable private address.
func (a Address) IsNonResolvable() bool { return a.Type == Random && a.Octets[5]>>6 == 0b00 }

// IsIdentity tells whether a can name a device for good: public and not zero, or static random with at
// least one bit of its random part set and one clear.
func (a Address) IsIdentity() bool {
	o := a.Octets
	if a.Type == Public {
		return o != [6]byte{}
	}
	if !a.IsStatic() {
		return false
	}
	o[5] &= 0x3F
	ones := [6]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F}
	return o != [6]byte{} && o != ones
}

// ParseAddress reads 00:1C:05:FF:F0:30, in either case, with an optional /public or /random behind it.
// Typed tells whether the type was written; without it the type is Public and means nothing.
func ParseAddress(text string) (a Address, typed bool, err error) {
	digits, suffix, typed := strings.Cut(text, "/")
	if typed {
		switch suffix {
		case "public":
			a.Type = Public
		case "random":
			a.Type = Random
		default:
			return Address{}, false, fmt.Errorf("address %q: type %q is neither public nor random", text, suffix)
		}
	}
	const form = "00:11:22:33:44:55"
	ok := len(digits) == len(form)
	for i := 0; ok && i < 6; i++ {
		_, err := hex.Decode(a.Octets[5-i:6-i], []byte(digits[3*i:3*i+2]))
		ok = err == nil && (i == 5 || digits[3*i+2] == ':')
	}
	if !ok {
		return Address{}, false, fmt.Errorf("address %q: want six octets like 00:1C:05:FF:F0:30, optionally with /public or /random", text)
	}
	return a, typed, nil
}

// MarshalText writes Text.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.Text()), nil }

// UnmarshalText reads what MarshalText wrote; the type is required.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, typed, err := ParseAddress(string(text))
	if err == nil && !typed {
		err = fmt.Errorf("address %q: /public or /random is missing", text)
	}
	if err == nil {
		*a = parsed
	}
	return err
}

// AppendTo appends the type and the six octets.
func (a Address) AppendTo(b []byte) []byte {
	return append(append(b, byte(a.Type)), a.Octets[:]...)
}

// addressAt loads a type octet and six address octets from b, folding the resolved types into public
// and random. A type that the specification does not have stays what it is, and equals nothing.
func addressAt(b []byte) (a Address, resolved bool) {
	a.Type = AddressType(b[0])
	if resolved = b[0] == 2 || b[0] == 3; resolved {
		a.Type = AddressType(b[0] & 1)
	}
	copy(a.Octets[:], b[1:7])
	return a, resolved
}

// Role is a device's part in a connection.
type Role uint8

const (
	Central    Role = 0x00
	Peripheral Role = 0x01
)

func (r Role) String() string {
	switch r {
	case Central:
		return "central"
	case Peripheral:
		return "peripheral"
	}
	return fmt.Sprintf("role 0x%02X", uint8(r))
}
