package gap_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
)

func TestADStructures(t *testing.T) {
	for _, c := range []struct {
		name     string
		octets   string
		device   string
		services string
		company  int // -1: none
	}{
		{"nothing", "", "", "", -1},
		{"flags alone", "020106", "", "", -1},
		{"complete name", "020106 0509" + "61626364", "abcd", "", -1},
		{"shortened name", "0308" + "6162", "ab", "", -1},
		{"complete before shortened", "0308" + "6162" + "0409" + "616263", "abc", "", -1},
		{"control characters", "0609" + "611b5b0a62", "a[b", "", -1},
		{"16-bit services", "0503" + "2218" + "0d18", "", "1822 180d", -1},
		{"an octet too many", "0403" + "2218" + "0d", "", "1822", -1},
		{"32-bit", "0505" + "22180000", "", "1822", -1},
		{"128-bit", "1107" + "00112233445566778899aabbccddeeff", "", "ffeeddcc-bbaa-9988-7766-554433221100", -1},
		{"manufacturer", "05ff" + "4c00" + "0102", "", "", 0x4C},
		{"manufacturer too short", "02ff" + "4c", "", "", -1},
		{"early end", "00 0409" + "616263", "", "", -1},
		{"longer than what is there", "020106 0a09" + "6162", "", "", -1},
		{"length of one", "01ff 0409" + "616263", "abc", "", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gap.ADStructures(unhex(t, strings.ReplaceAll(c.octets, " ", "")))
			if got := s.Name(); got != c.device {
				t.Errorf("name %q, want %q", got, c.device)
			}
			var services []string
			for _, u := range s.Services() {
				services = append(services, u.String())
			}
			if got := strings.Join(services, " "); got != c.services {
				t.Errorf("services %q, want %q", got, c.services)
			}
			company, _, ok := s.Manufacturer()
			if ok != (c.company >= 0) || ok && int(company) != c.company {
				t.Errorf("manufacturer 0x%04X %v", company, ok)
			}
		})
	}
}

func TestPayload(t *testing.T) {
	long := strings.Repeat("é", 20) // 40 octets
	for _, c := range []struct {
		name     string
		payload  gap.Payload
		adv, rsp string
	}{
		{"empty", gap.Payload{}, "020106", ""},
		{"all in one", gap.Payload{Name: "ab", Services: []att.UUID{att.UUID16(0x1822)}, Appearance: 833, Manufacturer: []byte{0xFF, 0xFF, 1}},
			"020106 03032218 04ffffff01 03194103 03096162", ""},
		{"name in the response", gap.Payload{Name: strings.Repeat("n", 20), Services: []att.UUID{att.MustUUID("ffeeddcc-bbaa-9988-7766-554433221100")}},
			"020106 110700112233445566778899aabbccddeeff", "1509" + strings.Repeat("6e", 20)},
		{"name cut between characters", gap.Payload{Name: long}, "020106", "1d08" + strings.Repeat("c3a9", 14)},
		{"too many services", gap.Payload{Services: []att.UUID{att.MustUUID("ffeeddcc-bbaa-9988-7766-554433221100"), att.MustUUID("ffeeddcc-bbaa-9988-7766-554433221101")}},
			"020106 110600112233445566778899aabbccddeeff", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			adv, rsp := c.payload.Encode()
			if want := unhex(t, strings.ReplaceAll(c.adv, " ", "")); !bytes.Equal(adv, want) {
				t.Errorf("advertisement %x, want %x", adv, want)
			}
			if want := unhex(t, c.rsp); !bytes.Equal(rsp, want) {
				t.Errorf("response %x, want %x", rsp, want)
			}
		})
	}
}

func FuzzADStructures(f *testing.F) {
	f.Add([]byte{2, 1, 6, 3, 3, 0x22, 0x18})
	f.Add([]byte{0x11, 7, 1, 2, 3})
	f.Add([]byte{31, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := gap.ADStructures(b)
		total := 0
		for _, data := range s.All {
			total += 2 + len(data)
		}
		if total > len(b) {
			t.Errorf("%d octets of structures in %d", total, len(b))
		}
		readAll(s)
		if n := len(s.Services()); n > len(b)/2 {
			t.Errorf("%d services in %d octets", n, len(b))
		}
	})
}
