package gap

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/hci"
)

// ADType names an AD structure (Assigned Numbers, 2.3).
type ADType uint8

const (
	ADFlags         ADType = 0x01
	ADIncomplete16  ADType = 0x02
	ADComplete16    ADType = 0x03
	ADIncomplete32  ADType = 0x04
	ADComplete32    ADType = 0x05
	ADIncomplete128 ADType = 0x06
	ADComplete128   ADType = 0x07
	ADShortName     ADType = 0x08
	ADCompleteName  ADType = 0x09
	ADTxPower       ADType = 0x0A
	ADServiceData16 ADType = 0x16
	ADAppearance    ADType = 0x19
	ADManufacturer  ADType = 0xFF
)

// Flags of ADFlags (Supplement, Part A, 1.3).
const (
	FlagLimitedDiscoverable byte = 1 << 0
	FlagGeneralDiscoverable byte = 1 << 1
	FlagBREDRNotSupported   byte = 1 << 2
)

// ADStructures is what an advertisement or a scan response holds: a row of length, type and data. It comes
// from whoever is on the air, so every accessor stops at the first structure that does not fit.
type ADStructures []byte

// All goes through the structures in order; data aliases the octets.
func (s ADStructures) All(yield func(ADType, []byte) bool) {
	for len(s) > 1 && s[0] != 0 { // a length of zero ends the row early
		n := int(s[0])
		if n >= len(s) {
			return
		}
		if !yield(ADType(s[1]), s[2:1+n]) {
			return
		}
		s = s[1+n:]
	}
}

// Lookup is the data of the first structure of type t.
func (s ADStructures) Lookup(t ADType) ([]byte, bool) {
	for at, data := range s.All {
		if at == t {
			return data, true
		}
	}
	return nil, false
}

// Name is the complete name, or the shortened one, with what a terminal should not be shown taken out; ""
// when there is none.
func (s ADStructures) Name() string {
	name, ok := s.Lookup(ADCompleteName)
	if !ok {
		name, _ = s.Lookup(ADShortName)
	}
	return printable(string(name))
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7F && r < 0xA0 || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
}

// Services are the UUIDs of the services named, complete or not.
func (s ADStructures) Services() []att.UUID {
	var all []att.UUID
	for t, data := range s.All {
		size := uuidSize(t)
		for ; size > 0 && len(data) >= size; data = data[size:] {
			all = append(all, uuidAt(data[:size]))
		}
	}
	return all
}

// uuidAt reads a UUID of 2, 4 or 16 octets.
func uuidAt(b []byte) att.UUID {
	if len(b) == 4 {
		return att.UUID32(binary.LittleEndian.Uint32(b))
	}
	u, _ := att.ParseUUID(b) // refuses other lengths only
	return u
}

func uuidSize(t ADType) int {
	switch t {
	case ADIncomplete16, ADComplete16:
		return 2
	case ADIncomplete32, ADComplete32:
		return 4
	case ADIncomplete128, ADComplete128:
		return 16
	}
	return 0
}

// Manufacturer is the manufacturer specific data: a company and its octets.
func (s ADStructures) Manufacturer() (company uint16, data []byte, ok bool) {
	b, ok := s.Lookup(ADManufacturer)
	if !ok || len(b) < 2 {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint16(b), b[2:], true
}

// AppendAD appends a structure. What does not fit in its one octet of length is left out, and false
// returned.
func AppendAD(b []byte, t ADType, data []byte) ([]byte, bool) {
	if len(data) > 254 {
		return b, false
	}
	b = append(b, byte(1+len(data)), byte(t))
	return append(b, data...), true
}

// Payload is what a peripheral says of itself. Encode lays it out over advertisement and scan response.
type Payload struct {
	Name         string
	Services     []att.UUID
	Appearance   uint16 // if zero, not told
	Manufacturer []byte // company identifier, least significant octet first, and data
}

// Encode lays the payload out: flags, services and manufacturer data in the advertisement, the name there
// too or else, shortened where it must be, in the scan response. Services that fit in neither are left out,
// and the list is marked incomplete.
func (p Payload) Encode() (advertisement, response []byte) {
	l := layout{adv: []byte{2, byte(ADFlags), FlagGeneralDiscoverable | FlagBREDRNotSupported}}
	l.services(p.Services)
	if len(p.Manufacturer) >= 2 {
		l.put(ADManufacturer, p.Manufacturer)
	}
	if p.Appearance != 0 {
		l.put(ADAppearance, binary.LittleEndian.AppendUint16(nil, p.Appearance))
	}
	if p.Name != "" && !l.put(ADCompleteName, []byte(p.Name)) {
		room := hci.MaxAdvertisingData - len(l.rsp) - 2
		for room > 0 && room < len(p.Name) && !utf8.RuneStart(p.Name[room]) {
			room-- // not through the middle of a character
		}
		if room > 0 {
			l.put(ADShortName, []byte(p.Name[:room]))
		}
	}
	return l.adv, l.rsp
}

// layout fills the advertisement and then the scan response.
type layout struct{ adv, rsp []byte }

func (l *layout) put(t ADType, data []byte) bool {
	for _, b := range []*[]byte{&l.adv, &l.rsp} {
		if len(*b)+2+len(data) <= hci.MaxAdvertisingData {
			*b, _ = AppendAD(*b, t, data)
			return true
		}
	}
	return false
}

// services puts each size of UUID into a list of its own.
func (l *layout) services(all []att.UUID) {
	for _, kind := range []struct {
		size                 int
		complete, incomplete ADType
	}{{2, ADComplete16, ADIncomplete16}, {16, ADComplete128, ADIncomplete128}} {
		var list []byte
		for _, u := range all {
			if b := u.AppendTo(nil); len(b) == kind.size {
				list = append(list, b...)
			}
		}
		if len(list) == 0 || l.put(kind.complete, list) {
			continue
		}
		for n := (len(list) - 1) / kind.size * kind.size; n > 0; n -= kind.size {
			if l.put(kind.incomplete, list[:n]) {
				break
			}
		}
	}
}
