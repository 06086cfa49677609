package gap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// ads reads reports: a device's letter, upper case for its scan response, "!" for one that cannot be asked for more.
func ads(text string) (all []Advertisement) {
	for i, r := range text {
		if r == '!' {
			all[len(all)-1].Scannable = false
			continue
		}
		lower := strings.ToLower(string(r))
		a := Advertisement{Address: hci.Address{Octets: [6]byte{lower[0]}}, ScanResponse: string(r) != lower, RSSI: -i, Data: ADStructures{2, 9, byte(r), 0, 0}}
		a.Scannable = !a.ScanResponse
		all = append(all, a)
	}
	return all
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ name, heard, given, flushed string }{
		{"advertisement and response", "aA", "aA-1", ""},
		{"of two devices, mixed", "abBA", "bB-2 aA-3", ""},
		{"the response was lost", "aaA", "a0 aA-2", ""},
		{"no response comes", "ab", "", "a0 b-1"},
		{"a response alone", "A", "A0", ""},
		{"no response to come", "a!A", "a0 A-2", ""},
		{"responses twice", "aAA", "aA-1 A-2", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m merger
			var given []string
			give := func(a Advertisement) {
				var letters strings.Builder
				for _, data := range a.Data.All {
					letters.WriteString(string(data))
				}
				if a.Merged != (len(letters.String()) == 2) {
					t.Errorf("%q is merged: %v", letters.String(), a.Merged)
				}
				given = append(given, letters.String()+fmt.Sprint(a.RSSI))
			}
			now := time.Now()
			for _, a := range ads(c.heard) {
				m.hear(a, now, give)
			}
			if got := strings.Join(given, " "); got != c.given {
				t.Errorf("given %q, want %q", got, c.given)
			}
			given = nil
			if next, more := m.flush(now.Add(mergeWait-1), give); more != (c.flushed != "") || more && next != 1 || given != nil {
				t.Errorf("before the time: %q, %v %v", given, next, more)
			}
			if _, more := m.flush(now.Add(mergeWait), give); more || strings.Join(given, " ") != c.flushed {
				t.Errorf("flushed %q, more %v; want %q", given, more, c.flushed)
			}
		})
	}
}

// The data that wait are the merger's own: those of a report are good during the call alone.
func TestMergeKeepsData(t *testing.T) {
	var m merger
	all := ads("aA")
	m.hear(all[0], time.Time{}, nil)
	all[0].Data[2] = 'x'
	m.hear(all[1], time.Time{}, func(a Advertisement) {
		if got := a.Data.Name(); got != "a" {
			t.Errorf("name %q", got)
		}
	})
}

// Advertisements without responses do not pile up.
func TestMergeIsBounded(t *testing.T) {
	var m merger
	given := 0
	for i := range 10 * maxMerging {
		a := ads("a")[0]
		a.Address.Octets[1] = byte(i)
		a.SID = uint8(i >> 8)
		m.hear(a, time.Time{}, func(first Advertisement) {
			if first.Address.Octets[1] != byte(given) {
				t.Errorf("%v out of order", first.Address)
			}
			given++
		})
	}
	if len(m.waiting) != maxMerging || given != 9*maxMerging {
		t.Errorf("%d wait, %d were given", len(m.waiting), given)
	}
}
