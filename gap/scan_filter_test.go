package gap

import (
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/hci"
)

func TestScanFilter(t *testing.T) {
	identity, private := hci.Address{Octets: [6]byte{1}}, hci.Address{Type: hci.Random, Octets: [6]byte{2, 0, 0, 0, 0, 0x40}}
	a := Advertisement{Address: private, Identity: identity, RSSI: -60, Connectable: true, Data: Payload{Name: "meter 7",
		Services: []att.UUID{att.UUID16(0x1822)}, ServiceData: []ServiceData{{att.UUID16(0x180F), []byte{9}}}, Manufacturer: []byte{0x4C, 0, 1}}.EncodeExtended(100)}
	unknown := a
	unknown.RSSI = int(hci.UnknownPower)
	beacon := Advertisement{Address: private, Identity: private, RSSI: -60}
	many := make([]hci.Address, maxFilterPeers)
	for _, c := range []struct {
		name   string
		filter ScanFilter
		a      Advertisement
		want   bool
	}{
		{"zero", ScanFilter{}, beacon, true},
		{"identity", ScanFilter{Peers: []hci.Address{{}, identity}}, a, true},
		{"on air", ScanFilter{Peers: []hci.Address{private}}, a, true},
		{"another type of address", ScanFilter{Peers: []hci.Address{{Type: hci.Random, Octets: identity.Octets}}}, a, false}, // complaint 25
		{"more peers than count", ScanFilter{Peers: append(many, identity)}, a, false},
		{"service", ScanFilter{Services: []att.UUID{att.UUID16(1), att.UUID16(0x1822)}}, a, true},
		{"service with data", ScanFilter{Services: []att.UUID{att.UUID16(0x180F)}}, a, true},
		{"no such service", ScanFilter{Services: []att.UUID{att.UUID16(0x180D)}}, a, false},
		{"name", ScanFilter{Name: "meter 7"}, a, true},
		{"a name with what a terminal should not see", ScanFilter{Name: "meter", NamePrefix: "met"}, Advertisement{Data: ADStructures("\x08\x09me\x1bt\x9ber")}, true},
		{"a part of the name", ScanFilter{Name: "meter"}, a, false},
		{"prefix", ScanFilter{NamePrefix: "meter"}, a, true},
		{"no such prefix", ScanFilter{NamePrefix: "metre"}, a, false},
		{"no name", ScanFilter{NamePrefix: "meter"}, beacon, false},
		{"company", ScanFilter{Companies: []uint16{1, 0x4C}}, a, true},
		{"no such company", ScanFilter{Companies: []uint16{1}}, a, false},
		{"near", ScanFilter{MinRSSI: -60}, a, true},
		{"far", ScanFilter{MinRSSI: -59}, a, false},
		{"nobody knows how far", ScanFilter{MinRSSI: -30}, unknown, true},
		{"connectable", ScanFilter{Connectable: true}, a, true},
		{"not connectable", ScanFilter{Connectable: true}, beacon, false},
		{"all of it", ScanFilter{Peers: []hci.Address{identity}, Services: []att.UUID{att.UUID16(0x1822)}, Name: "meter 7", NamePrefix: "m",
			Companies: []uint16{0x4C}, MinRSSI: -70, Connectable: true}, a, true},
		{"all but one", ScanFilter{Peers: []hci.Address{identity}, Services: []att.UUID{att.UUID16(0x1822)}, Name: "meter 7", Companies: []uint16{1}}, a, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.filter.matches(&c.a); got != c.want {
				t.Errorf("matches: %v", got)
			}
		})
	}
}
