package att

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// A UUID is a 128-bit UUID in on-air order, least significant octet first. The 16-bit and 32-bit forms are short for
// values on the Bluetooth Base UUID and are kept expanded, so that equal UUIDs are equal values however they were written
// (Vol 3, Part B, 2.5.1; Part F, 3.2.1).
type UUID [16]byte

// baseUUID is 00000000-0000-1000-8000-00805F9B34FB.
var baseUUID = UUID{0xFB, 0x34, 0x9B, 0x5F, 0x80, 0x00, 0x00, 0x80, 0x00, 0x10}

// shortAt is where a 16-bit or 32-bit value stands in the 128-bit form.
const shortAt = 12

// UUID16 is the UUID with the 16-bit form v.
func UUID16(v uint16) UUID { return UUID32(uint32(v)) }

// UUID32 is the UUID with the 32-bit form v. ATT has no such form, so on the air it takes 16 octets unless v fits 16 bits.
func UUID32(v uint32) UUID {
	u := baseUUID
	binary.LittleEndian.PutUint32(u[shortAt:], v)
	return u
}

// Uint16 is the 16-bit form, if there is one.
func (u UUID) Uint16() (v uint16, ok bool) {
	v = binary.LittleEndian.Uint16(u[shortAt:])
	return v, u == UUID16(v)
}

// Len is how many octets AppendTo writes: 2 or 16.
func (u UUID) Len() int {
	if _, ok := u.Uint16(); ok {
		return 2
	}
	return len(u)
}

// AppendTo writes the shortest form ATT knows: 2 or 16 octets, least significant first.
func (u UUID) AppendTo(b []byte) []byte {
	if v, ok := u.Uint16(); ok {
		return binary.LittleEndian.AppendUint16(b, v)
	}
	return append(b, u[:]...)
}

// ParseUUID reads the on-air form: exactly 2 or 16 octets, least significant first.
func ParseUUID(b []byte) (UUID, error) {
	switch len(b) {
	case 2:
		return UUID16(binary.LittleEndian.Uint16(b)), nil
	case 16:
		return UUID(b), nil
	}
	return UUID{}, fmt.Errorf("att: UUID of %d octets, want 2 or 16", len(b))
}

// UUIDFromText reads "180d", "0000180d" or "0000180d-0000-1000-8000-00805f9b34fb", in either case.
func UUIDFromText(s string) (UUID, error) {
	bad := func() (UUID, error) {
		const shown = 40
		if len(s) > shown {
			s = s[:shown] + "..."
		}
		return UUID{}, fmt.Errorf("att: UUID %q: write 180d or 0000180d-0000-1000-8000-00805f9b34fb", s)
	}
	digits := s
	if len(s) == 36 {
		if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
			return bad()
		}
		digits = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return bad()
	}
	switch {
	case len(b) == 2 && len(s) == 4:
		return UUID16(binary.BigEndian.Uint16(b)), nil
	case len(b) == 4 && len(s) == 8:
		return UUID32(binary.BigEndian.Uint32(b)), nil
	case len(b) == 16 && len(s) == 36:
		var u UUID
		for i := range u {
			u[i] = b[len(b)-1-i]
		}
		return u, nil
	}
	return bad()
}

// MustUUID is UUIDFromText for constants: it panics on text that is no UUID.
func MustUUID(s string) UUID {
	u, err := UUIDFromText(s)
	if err != nil {
		panic(err)
	}
	return u
}

// String is the shortest text: "180d", or the 36 characters of a 128-bit UUID, in lower case.
func (u UUID) String() string {
	if v, ok := u.Uint16(); ok {
		return fmt.Sprintf("%04x", v)
	}
	var b UUID
	for i := range b {
		b[i] = u[len(u)-1-i]
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// MarshalText is String.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText is UUIDFromText.
func (u *UUID) UnmarshalText(text []byte) error {
	v, err := UUIDFromText(string(text))
	if err == nil {
		*u = v
	}
	return err
}
