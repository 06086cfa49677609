package gap

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/hci"
)

// Discoverable is who is to find a peripheral that they do not know (Vol 3, Part C, 9.2).
type Discoverable uint8

const (
	GeneralDiscoverable Discoverable = iota
	LimitedDiscoverable              // for a short time, as after a button
	NonDiscoverable                  // only by who knows it already
	NoFlags                          // does not say: broadcasts, and what speaks of a service in its scan response alone
)

// Payload is what a device says of itself. What is zero is not told.
type Payload struct {
	Name         string
	Services     []att.UUID
	Appearance   uint16
	Manufacturer []byte // company identifier, least significant octet first, and data

	Discoverable             Discoverable
	Solicited                []att.UUID // services that it looks for in a central
	ServiceData              []ServiceData
	TXPower                  *int8         // dBm
	IntervalMin, IntervalMax time.Duration // connection intervals that it prefers: 7.5 ms to 4 s
	Targets                  []hci.Address // whom it is meant for
	URI                      string
	BroadcastName            string
	More                     ADStructures // what else, whole structures, as AppendAD makes them
}

// ServiceData is data of a service.
type ServiceData struct {
	Service att.UUID
	Data    []byte
}

// PayloadError says that a structure of a Payload has no room where it is to be advertised.
type PayloadError struct {
	Type   ADType
	Octets int // of its data
	Room   int // that there are for data, where most are
}

func (e *PayloadError) Error() string {
	return fmt.Sprintf("%v of %d octets does not fit: there is room for %d", e.Type, e.Octets, e.Room)
}

// Encode lays the payload out for legacy advertising, in an order that is always the same: flags, services,
// manufacturer data and what else there is in the advertisement, or where there is no room in the scan response; the
// name last, and shortened where it must be. Of a list of services whatever has no room is left out, and the list is
// marked incomplete; what is left out else is an error of Advertise.
func (p Payload) Encode() (advertisement, response []byte) {
	l := layout{{limit: hci.MaxAdvertisingData}, {limit: hci.MaxAdvertisingData}}
	_ = p.lay(l)
	return l[0].b, l[1].b
}

// EncodeExtended lays the payload out as Encode does, in one piece of at most so many octets, for extended and
// periodic advertising.
func (p Payload) EncodeExtended(limit int) []byte {
	l := layout{{limit: limit}}
	_ = p.lay(l)
	return l[0].b
}

// layout is what a payload is laid out over: the advertisement, and where there is one the scan response.
type layout []part

type part struct {
	b     []byte
	limit int
}

// room is how many octets of data one more structure may have.
func (p *part) room() int { return min(p.limit-len(p.b)-2, maxADData) }

func (l layout) put(t ADType, data []byte) bool {
	for i := range l {
		if len(data) <= l[i].room() {
			l[i].b, _ = AppendAD(l[i].b, t, data)
			return true
		}
	}
	return false
}

// room is what the part with most of it has.
func (l layout) room() int {
	room := 0
	for i := range l {
		room = max(room, l[i].room())
	}
	return room
}

// structure is one to be laid out.
type structure struct {
	t    ADType
	data []byte
}

// lay fills the layout. The error is the first structure that it has no room for; the others are there.
func (p Payload) lay(l layout) (err error) {
	note := func(failed error) {
		if err == nil {
			err = failed
		}
	}
	put := func(s structure) {
		if room := l.room(); !l.put(s.t, s.data) {
			note(&PayloadError{s.t, len(s.data), room})
		}
	}
	if flags, ok := p.flags(); ok {
		put(structure{ADFlags, []byte{flags}})
	}
	for _, kind := range serviceLists {
		note(l.list(kind, p.Services))
	}
	if len(p.Manufacturer) >= 2 {
		put(structure{ADManufacturer, p.Manufacturer})
	}
	for _, s := range p.others() {
		put(s)
	}
	for _, kind := range solicitLists {
		note(l.list(kind, p.Solicited))
	}
	for t, data := range p.More.All {
		put(structure{t, data})
	}
	l.name(p.Name)
	return err
}

func (p Payload) flags() (flags byte, ok bool) {
	switch p.Discoverable {
	case NoFlags:
		return 0, false
	case LimitedDiscoverable:
		flags = FlagLimitedDiscoverable
	case GeneralDiscoverable:
		flags = FlagGeneralDiscoverable
	}
	return flags | FlagBREDRNotSupported, true
}

// others are the structures of one form each.
func (p Payload) others() (all []structure) {
	if p.Appearance != 0 {
		all = append(all, structure{ADAppearance, binary.LittleEndian.AppendUint16(nil, p.Appearance)})
	}
	for _, d := range p.ServiceData {
		u := appendADUUID(nil, d.Service)
		t := map[int]ADType{2: ADServiceData16, 4: ADServiceData32, 16: ADServiceData128}[len(u)]
		all = append(all, structure{t, append(u, d.Data...)})
	}
	if p.TXPower != nil {
		all = append(all, structure{ADTxPower, []byte{byte(*p.TXPower)}})
	}
	if p.IntervalMin != 0 || p.IntervalMax != 0 {
		b := binary.LittleEndian.AppendUint16(nil, connectionIntervals(p.IntervalMin))
		all = append(all, structure{ADIntervalRange, binary.LittleEndian.AppendUint16(b, connectionIntervals(p.IntervalMax))})
	}
	var targets [2][]byte // public, random
	for _, a := range p.Targets {
		targets[a.Type&1] = append(targets[a.Type&1], a.Octets[:]...)
	}
	for i, t := range []ADType{ADPublicTarget, ADRandomTarget} {
		if len(targets[i]) > 0 {
			all = append(all, structure{t, targets[i]})
		}
	}
	if p.URI != "" {
		all = append(all, structure{ADURI, encodeURI(p.URI)})
	}
	if p.BroadcastName != "" {
		all = append(all, structure{ADBroadcastName, []byte(p.BroadcastName)})
	}
	return all
}

// connectionIntervals is a limit of the range of connection intervals, zero for none.
func connectionIntervals(d time.Duration) uint16 {
	if d == 0 {
		return 0xFFFF
	}
	return uint16(min(max(d/connectionUnit, 0x0006), 0x0C80))
}

// uuidList is where UUIDs of one size go.
type uuidList struct {
	size                 int
	complete, incomplete ADType
}

var (
	serviceLists = []uuidList{{2, ADComplete16, ADIncomplete16}, {4, ADComplete32, ADIncomplete32}, {16, ADComplete128, ADIncomplete128}}
	solicitLists = []uuidList{{2, ADSolicit16, ADSolicit16}, {4, ADSolicit32, ADSolicit32}, {16, ADSolicit128, ADSolicit128}}
)

// list puts the UUIDs of one size into a list of their own, as many as there is room for.
func (l layout) list(kind uuidList, all []att.UUID) error {
	var list []byte
	for _, u := range all {
		if b := appendADUUID(nil, u); len(b) == kind.size {
			list = append(list, b...)
		}
	}
	if len(list) == 0 || l.put(kind.complete, list) {
		return nil
	}
	room := l.room()
	if n := room / kind.size * kind.size; n > 0 {
		l.put(kind.incomplete, list[:n])
		return nil
	}
	return &PayloadError{kind.incomplete, len(list), max(room, 0)}
}

// appendADUUID appends the shortest form of a UUID: 2, 4 or 16 octets.
func appendADUUID(b []byte, u att.UUID) []byte {
	long := u[:]
	if v := binary.LittleEndian.Uint32(long[12:]); u == att.UUID32(v) && u.Len() == 16 {
		return binary.LittleEndian.AppendUint32(b, v)
	}
	return u.AppendTo(b)
}

// name puts the name where it fits, or as much of it where there is most room, whole characters only.
func (l layout) name(name string) {
	if name == "" || l.put(ADCompleteName, []byte(name)) {
		return
	}
	room := min(l.room(), len(name)) // less than the name, or it had fitted
	for room > 0 && room < len(name) && !utf8.RuneStart(name[room]) {
		room--
	}
	if room > 0 {
		l.put(ADShortName, []byte(name[:room]))
	}
}
