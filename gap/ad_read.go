package gap

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/hci"
)

// Flags of ADFlags (Supplement, Part A, 1.3).
const (
	FlagLimitedDiscoverable byte = 1 << 0
	FlagGeneralDiscoverable byte = 1 << 1
	FlagBREDRNotSupported   byte = 1 << 2
	FlagSimultaneousToBREDR byte = 1 << 3 // LE and BR/EDR to the same device, in the controller
)

// fixed is the data of the first structure of type t that has exactly n octets.
func (s ADStructures) fixed(t ADType, n int) ([]byte, bool) {
	for at, data := range s.All {
		if at == t && len(data) == n {
			return data, true
		}
	}
	return nil, false
}

// Flags are the octet of flags; the flags beyond it, if a later specification has any, are in Lookup. Without
// them a device is not discoverable.
func (s ADStructures) Flags() (flags byte, ok bool) {
	b, ok := s.Lookup(ADFlags)
	if !ok || len(b) == 0 {
		return 0, ok // no octets are no flags
	}
	return b[0], true
}

// Name is the complete name, or the shortened one, with what a terminal should not be shown taken out; ""
// when there is none.
func (s ADStructures) Name() string { return printable(string(s.name())) }

// name is the name as it came.
func (s ADStructures) name() []byte {
	name, ok := s.Lookup(ADCompleteName)
	if !ok {
		name, _ = s.Lookup(ADShortName)
	}
	return name
}

// BroadcastName is the name of a broadcast audio source, made printable as Name is; "" when there is none.
func (s ADStructures) BroadcastName() string {
	name, _ := s.Lookup(ADBroadcastName)
	return printable(string(name))
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, s)
}

func unprintable(r rune) bool { return r < 0x20 || r >= 0x7F && r < 0xA0 || r == utf8.RuneError }

// Services are the UUIDs of the services named, complete or not.
func (s ADStructures) Services() []att.UUID { return s.uuids(serviceSize) }

// AllServices tells whether every list of services is the complete one: without a list it is true.
func (s ADStructures) AllServices() bool {
	for t := range s.All {
		if t == ADIncomplete16 || t == ADIncomplete32 || t == ADIncomplete128 {
			return false
		}
	}
	return true
}

// Solicited are the UUIDs of the services that a peripheral looks for in a central.
func (s ADStructures) Solicited() []att.UUID { return s.uuids(solicitSize) }

// HasService tells whether a service is named, or has data; nothing is allocated.
func (s ADStructures) HasService(service att.UUID) bool {
	for t, data := range s.All {
		if n := serviceDataSize(t); n > 0 && len(data) >= n && uuidAt(data[:n]) == service {
			return true
		}
		for n := serviceSize(t); n > 0 && len(data) >= n; data = data[n:] {
			if uuidAt(data[:n]) == service {
				return true
			}
		}
	}
	return false
}

// uuids are those in structures for which size tells their octets.
func (s ADStructures) uuids(size func(ADType) int) []att.UUID {
	var all []att.UUID
	for t, data := range s.All {
		for n := size(t); n > 0 && len(data) >= n; data = data[n:] {
			all = append(all, uuidAt(data[:n]))
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

func serviceSize(t ADType) int {
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

func solicitSize(t ADType) int {
	switch t {
	case ADSolicit16:
		return 2
	case ADSolicit32:
		return 4
	case ADSolicit128:
		return 16
	}
	return 0
}

func serviceDataSize(t ADType) int {
	switch t {
	case ADServiceData16:
		return 2
	case ADServiceData32:
		return 4
	case ADServiceData128:
		return 16
	}
	return 0
}

// AllServiceData goes through the data that belong to services, in order; data aliases the octets.
func (s ADStructures) AllServiceData(yield func(service att.UUID, data []byte) bool) {
	for t, data := range s.All {
		if n := serviceDataSize(t); n > 0 && len(data) >= n && !yield(uuidAt(data[:n]), data[n:]) {
			return
		}
	}
}

// ServiceData is the first data of a service.
func (s ADStructures) ServiceData(service att.UUID) ([]byte, bool) {
	for u, data := range s.AllServiceData {
		if u == service {
			return data, true
		}
	}
	return nil, false
}

// AllManufacturers goes through the manufacturer specific data, by company, in order; data aliases the octets.
func (s ADStructures) AllManufacturers(yield func(company uint16, data []byte) bool) {
	for t, data := range s.All {
		if t == ADManufacturer && len(data) >= 2 && !yield(binary.LittleEndian.Uint16(data), data[2:]) {
			return
		}
	}
}

// Manufacturer is the first manufacturer specific data: a company and its octets.
func (s ADStructures) Manufacturer() (company uint16, data []byte, ok bool) {
	for company, data := range s.AllManufacturers {
		return company, data, true
	}
	return 0, nil, false
}

// TXPower is the power at which this was sent, in dBm; with the RSSI it gives the path loss.
func (s ADStructures) TXPower() (dBm int8, ok bool) {
	b, ok := s.fixed(ADTxPower, 1)
	if !ok {
		return 0, false
	}
	return int8(b[0]), true
}

// Appearance is what the device looks like (Assigned Numbers, 2.6).
func (s ADStructures) Appearance() (uint16, bool) {
	b, ok := s.fixed(ADAppearance, 2)
	if !ok {
		return 0, false
	}
	return binary.LittleEndian.Uint16(b), true
}

// Units of what follows.
const (
	connectionUnit  = 1250 * time.Microsecond
	advertisingUnit = 625 * time.Microsecond
	spacingUnit     = 125 * time.Microsecond
)

// IntervalRange is the connection intervals that a peripheral prefers; zero is no limit on that side. A range that
// is none, or not allowed (7.5 ms to 4 s), is passed over (Supplement, Part A, 1.9).
func (s ADStructures) IntervalRange() (least, most time.Duration, ok bool) {
	b, ok := s.fixed(ADIntervalRange, 4)
	if !ok {
		return 0, 0, false
	}
	const from, to, none = 0x0006, 0x0C80, 0xFFFF
	low, high := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	valid := func(v uint16) bool { return v >= from && v <= to || v == none }
	if !valid(low) || !valid(high) || low != none && low > high {
		return 0, 0, false
	}
	if low != none {
		least = time.Duration(low) * connectionUnit
	}
	if high != none {
		most = time.Duration(high) * connectionUnit
	}
	return least, most, true
}

// AdvertisingInterval is how often the device says that it advertises, by the short or the long form (Supplement,
// Part A, 1.15).
func (s ADStructures) AdvertisingInterval() (time.Duration, bool) {
	for t, b := range s.All {
		switch {
		case t == ADAdvertisingInterval && len(b) == 2,
			t == ADLongAdvertisingInterval && (len(b) == 3 || len(b) == 4):
			return time.Duration(littleEndian(b)) * advertisingUnit, true
		}
	}
	return 0, false
}

// littleEndian reads up to 8 octets.
func littleEndian(b []byte) (v uint64) {
	for i, octet := range b {
		v |= uint64(octet) << (8 * i)
	}
	return v
}

// SupportedFeatures are the LE features of the device, the bits of hci.FeatureLEEncryption and its like; zero
// octets at the end may be left out, and what is beyond eight octets is (Supplement, Part A, 1.19).
func (s ADStructures) SupportedFeatures() (uint64, bool) {
	b, ok := s.Lookup(ADSupportedFeatures)
	return littleEndian(b[:min(len(b), 8)]), ok
}

// Targets are the devices that the advertisement is meant for.
func (s ADStructures) Targets() []hci.Address {
	var all []hci.Address
	for t, data := range s.All {
		if t != ADPublicTarget && t != ADRandomTarget {
			continue
		}
		for ; len(data) >= 6; data = data[6:] {
			a := hci.Address{Octets: [6]byte(data)}
			if t == ADRandomTarget {
				a.Type = hci.Random
			}
			all = append(all, a)
		}
	}
	return all
}

// LERole is what a device can be (Supplement, Part A, 1.17).
type LERole uint8

const (
	OnlyPeripheral      LERole = 0x00
	OnlyCentral         LERole = 0x01
	PeripheralPreferred LERole = 0x02 // for establishing the connection
	CentralPreferred    LERole = 0x03
)

// LERole is the device's, as told beside the radio or on it.
func (s ADStructures) LERole() (LERole, bool) {
	b, ok := s.fixed(ADLERole, 1)
	if !ok || b[0] > byte(CentralPreferred) {
		return 0, false
	}
	return LERole(b[0]), true
}

// DeviceAddress is the device's address, as out of band data have it (Supplement, Part A, 1.16).
func (s ADStructures) DeviceAddress() (hci.Address, bool) {
	b, ok := s.fixed(ADDeviceAddress, 7)
	if !ok {
		return hci.Address{}, false
	}
	return hci.Address{Type: hci.AddressType(b[6] & 1), Octets: [6]byte(b)}, true
}

// OutOfBand are the values with which devices pair out of band, each nil when it is not there: the Temporary Key of
// legacy pairing, and the confirmation and random values of LE Secure Connections (Supplement, Part A, 1.6 and 1.8).
// They are secrets where they came by a way that only the two devices share, and worth nothing where they came by radio.
func (s ADStructures) OutOfBand() (tk, confirmation, random *[16]byte) {
	for t, into := range map[ADType]**[16]byte{ADSecurityManagerTK: &tk, ADSCConfirmation: &confirmation, ADSCRandom: &random} {
		if b, ok := s.fixed(t, 16); ok {
			v := [16]byte(b)
			*into = &v
		}
	}
	return tk, confirmation, random
}

// Flags of ADSecurityManagerFlags (Supplement, Part A, 1.7).
const (
	OOBFlagPresent       byte = 1 << 0 // there are out of band data
	OOBFlagLE            byte = 1 << 1
	OOBFlagSimultaneous  byte = 1 << 2
	OOBFlagRandomAddress byte = 1 << 3
)

// SecurityManagerFlags are the flags that go with out of band data.
func (s ADStructures) SecurityManagerFlags() (byte, bool) {
	b, ok := s.fixed(ADSecurityManagerFlags, 1)
	if !ok {
		return 0, false
	}
	return b[0], true
}

// EncryptedData is an AD structure whose content only who has the key can read. Payload aliases the octets (Supplement,
// Part A, 1.23).
type EncryptedData struct {
	Randomizer [5]byte
	Payload    []byte
	MIC        [4]byte
}

// EncryptedData is the first encrypted structure, as it came.
func (s ADStructures) EncryptedData() (e EncryptedData, ok bool) {
	b, ok := s.Lookup(ADEncryptedData)
	if !ok || len(b) < len(e.Randomizer)+len(e.MIC) {
		return EncryptedData{}, false
	}
	end := len(b) - len(e.MIC)
	return EncryptedData{[5]byte(b), b[len(e.Randomizer):end], [4]byte(b[end:])}, true
}

// ResponseTiming tells when devices that are synchronized to periodic advertising with responses may answer
// (Supplement, Part A, 1.24).
type ResponseTiming struct {
	AccessAddress    [4]byte // of the responses
	Subevents        uint8
	SubeventInterval time.Duration
	SlotDelay        time.Duration // from a subevent's beginning to its first response slot
	SlotSpacing      time.Duration
}

// ResponseTiming is that of the periodic advertising that the structures are about.
func (s ADStructures) ResponseTiming() (ResponseTiming, bool) {
	b, ok := s.fixed(ADResponseTiming, 8)
	if !ok {
		return ResponseTiming{}, false
	}
	return ResponseTiming{AccessAddress: [4]byte(b), Subevents: b[4], SubeventInterval: time.Duration(b[5]) * connectionUnit,
		SlotDelay: time.Duration(b[6]) * connectionUnit, SlotSpacing: time.Duration(b[7]) * spacingUnit}, true
}
