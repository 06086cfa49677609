package hcitest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestParseRecording(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Packet
		err        string // part of the error
	}{
		{"nothing", "", nil, ""},
		{"a command", "59.296413 < 01030c00  # Reset", []Packet{{At: 59296413 * time.Microsecond, FromHost: true, Data: []byte{1, 3, 0x0C, 0}, Comment: "Reset", Line: 1}}, ""},
		{"an event without comment", "0 > 040f0400020d20", []Packet{{Data: []byte{4, 0x0F, 4, 0, 2, 0x0D, 0x20}, Line: 1}}, ""},
		{"comments, empty lines and CRLF", "# all\r\n\r\n  1.5 > 02100001000a # ACL # data \r\n", []Packet{{At: 1500 * time.Millisecond, Data: []byte{2, 0x10, 0, 1, 0, 0x0A}, Comment: "ACL # data", Line: 3}}, ""},
		{"nine decimals", "0.000000001 < 01030c00", []Packet{{At: 1, FromHost: true, Data: []byte{1, 3, 0x0C, 0}, Line: 1}}, ""},
		{"at the same time", "1 < 01030c00\n1.0 < 01030c00", []Packet{
			{At: time.Second, FromHost: true, Data: []byte{1, 3, 0x0C, 0}, Line: 1},
			{At: time.Second, FromHost: true, Data: []byte{1, 3, 0x0C, 0}, Line: 2},
		}, ""},
		{"backwards", "2 < 01030c00\n1 < 01030c00", nil, "line 2: earlier"},
		{"no direction", "1 01030c00", nil, "line 1: want"},
		{"another direction", "1 = 01030c00", nil, "line 1: want"},
		{"only a comment behind the time", "1 < # 01030c00", nil, "line 1: want"},
		{"too many words", "1 < 0103 0c00", nil, "line 1: want"},
		{"not hex", "1 < 01030cxx", nil, "line 1: "},
		{"half an octet", "1 < 01030c0", nil, "line 1: "},
		{"a negative time", "-1 < 01030c00", nil, `"-1" is no time`},
		{"an exponent", "1e3 < 01030c00", nil, `"1e3" is no time`},
		{"ten decimals", "1.0000000001 < 01030c00", nil, "is no time"},
		{"decimals that are not", "1.-2 < 01030c00", nil, "is no time"},
		{"longer than a year", "31622401 < 01030c00", nil, "is no time"},
		{"an event from the host", "1 < 040f0400020d20", nil, "does not go this way"},
		{"a command from the controller", "1 > 01030c00", nil, "does not go this way"},
		{"audio", "1 > 0301000100", nil, "does not go this way"},
		{"a command cut", "1 < 01030c", nil, "line 1: hci: "},
		{"an event with more than its length", "1 > 040f0400020d2000", nil, "line 1: hci: "},
		{"ACL data cut", "1 > 021000020000", nil, "line 1: hci: "},
		{"longer than any packet", "1 > 021000ffff" + strings.Repeat("00", 0xFFFF), nil, "a packet of 65540 octets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseRecording([]byte(c.text))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Fatalf("%v, %v, want %v", got, err, c.want)
			}
			for i := range got {
				if got[i].At != c.want[i].At {
					t.Errorf("packet %d at %v, want %v", i, got[i].At, c.want[i].At)
				}
			}
		})
	}
}

func TestRecordings(t *testing.T) {
	for _, c := range []struct {
		name       string
		host, ours int
		last       string
	}{
		{"paired", 5, 13, "SMP Central Identification: EDIV 0x5256, Rand 0xa38007f54be58be6"},
		{"key-missing", 3, 7, "Disconnection Complete: Connection Terminated By Local Host (0x16)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			packets := recording(t, c.name)
			host := 0
			for _, p := range packets {
				if p.FromHost {
					host++
				}
			}
			if host != c.host || len(packets)-host != c.ours {
				t.Errorf("%d packets of the host, %d of the controller, want %d and %d", host, len(packets)-host, c.host, c.ours)
			}
			if got := packets[len(packets)-1].Comment; got != c.last {
				t.Errorf("ends with %q, want %q", got, c.last)
			}
		})
	}
	if _, err := Recording("../script"); err == nil {
		t.Error("a recording that is none was found")
	}
}

func recording(t testing.TB, name string) []Packet {
	t.Helper()
	packets, err := Recording(name)
	if err != nil {
		t.Fatal(err)
	}
	return packets
}

// TestParseRecordingCut cuts a recording at every octet: what is left is refused or is a beginning of it.
func TestParseRecordingCut(t *testing.T) {
	text, err := recordings.ReadFile("testdata/paired.txt")
	if err != nil {
		t.Fatal(err)
	}
	whole := recording(t, "paired")
	for n := range text {
		got, err := ParseRecording(text[:n])
		if err != nil {
			continue
		}
		for i, p := range got {
			if !bytes.Equal(p.Data, whole[i].Data) || p.At != whole[i].At {
				t.Fatalf("cut after %d octets: packet %d is %v, want %v", n, i, p, whole[i])
			}
		}
	}
}

func FuzzParseRecording(f *testing.F) {
	for _, name := range []string{"paired", "key-missing"} {
		text, err := recordings.ReadFile("testdata/" + name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("1 < 01030c00"))
	f.Add([]byte("#\n1.5 > 0210000100ff # x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		packets, err := ParseRecording(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, p := range packets {
			direction := ">"
			if p.FromHost {
				direction = "<"
			}
			fmt.Fprintf(&again, "%d.%09d %s %x\n", p.At/time.Second, p.At%time.Second, direction, p.Data)
		}
		second, err := ParseRecording([]byte(again.String()))
		if err != nil || len(second) != len(packets) {
			t.Fatalf("written again: %d packets, %v, want %d\n%s", len(second), err, len(packets), &again)
		}
		for i, p := range packets {
			q := second[i]
			if p.At != q.At || p.FromHost != q.FromHost || !bytes.Equal(p.Data, q.Data) {
				t.Errorf("written again: %v, want %v", q, p)
			}
		}
	})
}
