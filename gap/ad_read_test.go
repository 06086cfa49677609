package gap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
)

// adReaders are the typed accessors, by name, each with what it makes of structures, "-" for nothing.
var adReaders = map[string]func(gap.ADStructures) string{
	"Flags":         func(s gap.ADStructures) string { v, ok := s.Flags(); return shown(ok, "%02x", v) },
	"Name":          func(s gap.ADStructures) string { return shown(s.Name() != "", "%s", s.Name()) },
	"BroadcastName": func(s gap.ADStructures) string { return shown(s.BroadcastName() != "", "%s", s.BroadcastName()) },
	"Services":      func(s gap.ADStructures) string { return shown(len(s.Services()) > 0, "%v", s.Services()) },
	"Solicited":     func(s gap.ADStructures) string { return shown(len(s.Solicited()) > 0, "%v", s.Solicited()) },
	"AllServices":   func(s gap.ADStructures) string { return shown(!s.AllServices(), "not all") },
	"ServiceData": func(s gap.ADStructures) string {
		var all []string
		for u, data := range s.AllServiceData {
			all = append(all, fmt.Sprintf("%v %x", u, data))
		}
		return shown(all != nil, "%s", strings.Join(all, ", "))
	},
	"Manufacturer": func(s gap.ADStructures) string {
		var all []string
		for company, data := range s.AllManufacturers {
			all = append(all, fmt.Sprintf("%04x %x", company, data))
		}
		return shown(all != nil, "%s", strings.Join(all, ", "))
	},
	"TXPower":    func(s gap.ADStructures) string { v, ok := s.TXPower(); return shown(ok, "%d", v) },
	"Appearance": func(s gap.ADStructures) string { v, ok := s.Appearance(); return shown(ok, "%d", v) },
	"IntervalRange": func(s gap.ADStructures) string {
		least, most, ok := s.IntervalRange()
		return shown(ok, "%v %v", least, most)
	},
	"AdvertisingInterval": func(s gap.ADStructures) string { v, ok := s.AdvertisingInterval(); return shown(ok, "%v", v) },
	"SupportedFeatures":   func(s gap.ADStructures) string { v, ok := s.SupportedFeatures(); return shown(ok, "%x", v) },
	"Targets":             func(s gap.ADStructures) string { return shown(len(s.Targets()) > 0, "%v", texts(s.Targets())) },
	"LERole":              func(s gap.ADStructures) string { v, ok := s.LERole(); return shown(ok, "%d", v) },
	"DeviceAddress":       func(s gap.ADStructures) string { v, ok := s.DeviceAddress(); return shown(ok, "%s", v.Text()) },
	"OutOfBand": func(s gap.ADStructures) string {
		tk, confirmation, random := s.OutOfBand()
		var text strings.Builder
		for _, v := range []*[16]byte{tk, confirmation, random} {
			if v == nil {
				text.WriteString(".")
			} else {
				text.WriteString(fmt.Sprintf("%x", v[0]))
			}
		}
		return shown(text.String() != "...", "%s", text.String())
	},
	"SecurityManagerFlags": func(s gap.ADStructures) string { v, ok := s.SecurityManagerFlags(); return shown(ok, "%02x", v) },
	"EncryptedData": func(s gap.ADStructures) string {
		e, ok := s.EncryptedData()
		return shown(ok, "%x %x %x", e.Randomizer, e.Payload, e.MIC)
	},
	"ResponseTiming": func(s gap.ADStructures) string {
		v, ok := s.ResponseTiming()
		return shown(ok, "%x %d %v %v %v", v.AccessAddress, v.Subevents, v.SubeventInterval, v.SlotDelay, v.SlotSpacing)
	},
	"URI": func(s gap.ADStructures) string { v, ok := s.URI(); return shown(ok, "%s", v) },
}

func shown(ok bool, format string, v ...any) string {
	if !ok {
		return "-"
	}
	return fmt.Sprintf(format, v...)
}

func texts(all []hci.Address) (s []string) {
	for _, a := range all {
		s = append(s, a.Text())
	}
	return s
}

// read is what the accessors find, those that find something.
func readAll(s gap.ADStructures) (all []string) {
	for name, read := range adReaders {
		if v := read(s); v != "-" {
			all = append(all, name+" "+v)
		}
	}
	slices.Sort(all)
	return all
}

// adCases are AD structures as the Supplement has them, by its sections, and all that the accessors find there.
var adCases = []struct{ name, octets, found string }{
	{"1.1 16-bit UUIDs", "05032218 0d18", "Services [1822 180d]"},
	{"1.1 more 16-bit UUIDs", "05020f180d18", "AllServices not all; Services [180f 180d]"},
	{"1.1 32-bit UUIDs", "050578563412", "Services [12345678-0000-1000-8000-00805f9b34fb]"},
	{"1.1 128-bit UUIDs", "1107 00112233445566778899aabbccddeeff", "Services [ffeeddcc-bbaa-9988-7766-554433221100]"},
	{"1.2 local name", "0509 61626364", "Name abcd"},
	{"1.2 shortened", "0308 6162", "Name ab"},
	{"1.3 flags", "020106", "Flags 06"},
	{"1.3 no octet of flags", "0101", "Flags 00"},
	{"1.3 two octets of flags", "03010680", "Flags 06"},
	{"1.4 manufacturer", "05ff4c000102 03ffffff", "Manufacturer 004c 0102, ffff "},
	{"1.5 TX power", "020aec", "TXPower -20"},
	{"1.5 of two octets", "030aec00", ""},
	{"1.6 Secure Connections", "1122 01000000000000000000000000000000 1123 02000000000000000000000000000000", "OutOfBand .12"},
	{"1.7 Security Manager OOB flags", "02110b", "SecurityManagerFlags 0b"},
	{"1.8 TK", "1110 03000000000000000000000000000000", "OutOfBand 3.."},
	{"1.8 Device ID in its place", "0910 0102030405060708", ""},
	{"1.9 interval range", "051206008c00", "IntervalRange 7.5ms 175ms"},
	{"1.9 no maximum", "05120600ffff", "IntervalRange 7.5ms 0s"},
	{"1.9 no limits", "0512ffffffff", "IntervalRange 0s 0s"},
	{"1.9 below 7.5 ms", "051205008c00", ""},
	{"1.9 above 4 s", "05120600810c", ""},
	{"1.9 the wrong way", "05128c000600", ""},
	{"1.10 solicitation", "03140a18 051f78563412 1115 00112233445566778899aabbccddeeff",
		"Solicited [180a 12345678-0000-1000-8000-00805f9b34fb ffeeddcc-bbaa-9988-7766-554433221100]"},
	{"1.11 service data", "04160f1862 0620785634120a 1221 00112233445566778899aabbccddeeff 0b",
		"ServiceData 180f 62, 12345678-0000-1000-8000-00805f9b34fb 0a, ffeeddcc-bbaa-9988-7766-554433221100 0b"},
	{"1.12 appearance", "03194103", "Appearance 833"},
	{"1.13 public target", "0717 30f0ff051c00", "Targets [00:1C:05:FF:F0:30/public]"},
	{"1.14 random targets", "0d18 010203040506 0a0b0c0d0ec0", "Targets [06:05:04:03:02:01/random C0:0E:0D:0C:0B:0A/random]"},
	{"1.15 advertising interval", "031aa000", "AdvertisingInterval 100ms"},
	{"1.15 long, 3 octets", "042f000001", "AdvertisingInterval 40.96s"},
	{"1.15 long, 4 octets", "052f00000001", "AdvertisingInterval 2h54m45.76s"},
	{"1.16 device address", "081b 30f0ff051cc0 01", "DeviceAddress C0:1C:05:FF:F0:30/random"},
	{"1.17 role", "021c02", "LERole 2"},
	{"1.17 no role", "021c04", ""},
	{"1.18 URI", "0a2417 2f2f612e6578616d", "URI https://a.exam"},
	{"1.18 URI written out", "062401 783a79 00", "URI x:y"},
	{"1.18 a scheme of two octets, not known", "0424 c2bb61", ""},
	{"1.19 LE supported features", "032701 40", "SupportedFeatures 4001"},
	{"1.19 more than eight octets", "0a27 ff00000000000000 01", "SupportedFeatures ff"},
	{"1.21 broadcast name", "0530 6c6f626f", "BroadcastName lobo"},
	{"1.23 encrypted data", "0d31 0102030405 aabbcc 11121314", "EncryptedData 0102030405 aabbcc 11121314"},
	{"1.24 response timing", "0932 01020304 0a 10 04 08", "ResponseTiming 01020304 10 20ms 5ms 1ms"},
}

func TestADTypes(t *testing.T) {
	for _, c := range adCases {
		t.Run(c.name, func(t *testing.T) {
			octets := unhex(t, strings.ReplaceAll(c.octets, " ", ""))
			got := strings.Join(readAll(octets), "; ")
			if got != c.found {
				t.Errorf("found %q, want %q", got, c.found)
			}
			// Cut anywhere, it tells of the structures before the cut, and of nothing else.
			for n := range octets {
				whole := 0
				for _, data := range gap.ADStructures(octets[:n]).All {
					whole += 2 + len(data)
				}
				if cut, before := readAll(octets[:n]), readAll(octets[:whole]); !slices.Equal(cut, before) {
					t.Errorf("the first %d octets: %q, want %q", n, cut, before)
				}
			}
		})
	}
}

// A data length that the type does not have is as if the structure were not there.
func TestADLengths(t *testing.T) {
	for _, c := range []struct {
		name   string
		t      gap.ADType
		length []int
	}{
		{"TXPower", gap.ADTxPower, []int{1}}, {"Appearance", gap.ADAppearance, []int{2}}, {"IntervalRange", gap.ADIntervalRange, []int{4}},
		{"AdvertisingInterval", gap.ADAdvertisingInterval, []int{2}}, {"AdvertisingInterval", gap.ADLongAdvertisingInterval, []int{3, 4}},
		{"LERole", gap.ADLERole, []int{1}}, {"DeviceAddress", gap.ADDeviceAddress, []int{7}}, {"OutOfBand", gap.ADSecurityManagerTK, []int{16}},
		{"OutOfBand", gap.ADSCConfirmation, []int{16}}, {"OutOfBand", gap.ADSCRandom, []int{16}},
		{"SecurityManagerFlags", gap.ADSecurityManagerFlags, []int{1}}, {"ResponseTiming", gap.ADResponseTiming, []int{8}},
	} {
		for n := range 40 {
			data := make([]byte, n)
			if n == 4 && c.t == gap.ADIntervalRange {
				data = []byte{6, 0, 6, 0}
			}
			s, _ := gap.AppendAD(nil, c.t, data)
			if got, want := adReaders[c.name](s) != "-", slices.Contains(c.length, n); got != want {
				t.Errorf("%v of %d octets is read: %v, want %v", c.t, n, got, want)
			}
		}
	}
}

func TestADTypeNames(t *testing.T) {
	if got := fmt.Sprint(gap.ADFlags, gap.ADManufacturer, gap.ADType(0x7E)); got != "Flags Manufacturer Specific Data AD type 0x7E" {
		t.Error(got)
	}
}

// A payload that is encoded reads as it was meant.
func TestPayloadRoundTrip(t *testing.T) {
	power := int8(-7)
	p := gap.Payload{Name: "a name", Services: []att.UUID{att.UUID16(0x1822), att.UUID32(0x12345678), att.MustUUID("ffeeddcc-bbaa-9988-7766-554433221100")},
		Appearance: 833, Manufacturer: []byte{0x4C, 0, 9}, Discoverable: gap.LimitedDiscoverable, Solicited: []att.UUID{att.UUID16(0x180A), att.UUID32(0x10000)},
		ServiceData: []gap.ServiceData{{att.UUID16(0x180F), []byte{98}}, {att.UUID32(0x12345678), nil}, {att.MustUUID("ffeeddcc-bbaa-9988-7766-554433221100"), []byte{1}}},
		TXPower:     &power, IntervalMin: 7500 * time.Microsecond, IntervalMax: 30 * time.Millisecond,
		Targets: []hci.Address{{Type: hci.Random, Octets: [6]byte{1}}, {Octets: [6]byte{2}}}, URI: "https://jelling.example/", BroadcastName: "radio",
		More: gap.ADStructures{2, byte(gap.ADLERole), 0}}
	octets := p.EncodeExtended(hci.MaxExtendedFragment)
	want := []string{"Appearance 833", "BroadcastName radio", "Flags 05", "IntervalRange 7.5ms 30ms", "LERole 0", "Manufacturer 004c 09", "Name a name",
		"ServiceData 180f 62, 12345678-0000-1000-8000-00805f9b34fb , ffeeddcc-bbaa-9988-7766-554433221100 01",
		"Services [1822 12345678-0000-1000-8000-00805f9b34fb ffeeddcc-bbaa-9988-7766-554433221100]",
		"Solicited [180a 00010000-0000-1000-8000-00805f9b34fb]",
		"TXPower -7", "Targets [00:00:00:00:00:02/public 00:00:00:00:00:01/random]", "URI https://jelling.example/"}
	if got := readAll(octets); !slices.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	if again := p.EncodeExtended(hci.MaxExtendedFragment); !slices.Equal(again, octets) {
		t.Errorf("encoded again it is % X, was % X", again, octets)
	}
}

// With less room a payload loses its name first, then the end of its lists, and never goes over the limit; what it
// still says reads as it was meant.
func TestPayloadInLessRoom(t *testing.T) {
	p := gap.Payload{Name: "a näme", Services: []att.UUID{att.UUID16(0x1822), att.UUID16(0x180D)}, TXPower: new(int8)}
	for _, c := range []struct {
		limit int
		want  string
	}{
		{21, "Flags 06; Name a näme; Services [1822 180d]; TXPower 0"},
		{20, "Flags 06; Name a näm; Services [1822 180d]; TXPower 0"},
		{19, "Flags 06; Name a nä; Services [1822 180d]; TXPower 0"},
		{18, "Flags 06; Name a n; Services [1822 180d]; TXPower 0"},
		{15, "Flags 06; Name a; Services [1822 180d]; TXPower 0"},
		{14, "Flags 06; Services [1822 180d]; TXPower 0"},
		{12, "Flags 06; Services [1822 180d]; TXPower 0"},
		{11, "Flags 06; Services [1822 180d]"},
		{8, "AllServices not all; Flags 06; Services [1822]"},
		{6, "Flags 06; TXPower 0"},
		{3, "Flags 06"},
		{2, ""},
	} {
		octets := p.EncodeExtended(c.limit)
		if got := strings.Join(readAll(octets), "; "); len(octets) > c.limit || got != c.want {
			t.Errorf("%d octets: %q in %d, want %q", c.limit, got, len(octets), c.want)
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add("name", "http://x", []byte{1, 0, 2}, uint16(0x1822), 3, 31)
	f.Add("é", ":", []byte{}, uint16(0), 40, 0)
	f.Add(strings.Repeat("n", 300), "\x00", make([]byte, 260), uint16(1), 200, 1650)
	f.Fuzz(func(t *testing.T, name, uri string, manufacturer []byte, service uint16, services, limit int) {
		limit %= 2000
		p := gap.Payload{Name: name, URI: uri, Manufacturer: manufacturer}
		for i := range services % 256 {
			p.Services = append(p.Services, att.UUID32(uint32(service)+uint32(i)*0x4000))
		}
		adv, rsp := p.Encode()
		for _, c := range []struct {
			octets gap.ADStructures
			limit  int
		}{{adv, hci.MaxAdvertisingData}, {rsp, hci.MaxAdvertisingData}, {p.EncodeExtended(limit), max(limit, 0)}} {
			whole := 0
			for at, data := range c.octets.All {
				whole += 2 + len(data)
				if at == gap.ADCompleteName && string(data) != name || at == gap.ADShortName && !strings.HasPrefix(name, string(data)) {
					t.Errorf("name %q of %q", data, name)
				}
			}
			if whole != len(c.octets) || whole > c.limit {
				t.Errorf("%d octets, %d of them whole structures, at most %d", len(c.octets), whole, c.limit)
			}
		}
	})
}
