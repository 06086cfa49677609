package hci

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	octets := [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}
	for _, c := range []struct {
		text  string
		typ   AddressType
		typed bool
	}{
		{"00:1C:05:FF:F0:30", Public, false},
		{"00:1c:05:ff:f0:30", Public, false},
		{"00:1c:05:FF:f0:30/public", Public, true},
		{"00:1C:05:FF:F0:30/random", Random, true},
	} {
		a, typed, err := ParseAddress(c.text)
		if err != nil || a != (Address{c.typ, octets}) || typed != c.typed {
			t.Errorf("%q: %v, typed %v, %v", c.text, a.Text(), typed, err)
		}
	}
}

// Hostile and mistaken input: an error that shows it, and no address.
func TestParseAddressRefuses(t *testing.T) {
	for _, text := range []string{
		"", "/", "/public", ":", ":::::", "00", "00:1C:05:FF:F0", "00:1C:05:FF:F0:3", "00:1C:05:FF:F0:300", "00:1C:05:FF:F0:30:", "00:1C:05:FF:F0:30:11",
		"00-1C-05-FF-F0-30", "001C05FFF030", "00:1C:05:FF:F0:3G", "00:1C:05:FF:F0: 3", "0x:1C:05:FF:F0:30", "+0:1C:05:FF:F0:30", "-1:1C:05:FF:F0:30",
		" 00:1C:05:FF:F0:30", "00:1C:05:FF:F0:30 ", "00:1C:05:FF:F0:30\n", "00:1C:05:FF:F0:30\x00", "00:1C:05:FF:F0\x00:30", "00:1C:05:FF:F0;30",
		"00:1C:05:FF:F0:30/", "00:1C:05:FF:F0:30/Public", "00:1C:05:FF:F0:30/static", "00:1C:05:FF:F0:30/public/", "00:1C:05:FF:F0:30/public/random",
		"00:1C:05:FF:F0:30/public ", "00:1C:05:FF:F0:30 /public", "00:1C:05:FF:F0:30/0",
		"０0:1C:05:FF:F0:30", "٠٠:١C:05:FF:30", "é0:1C:05:FF:F0:3", strings.Repeat("00:", 1<<16) + "00",
	} {
		a, typed, err := ParseAddress(text)
		if err == nil || a != (Address{}) || typed {
			t.Errorf("%.40q was taken: %v, typed %v", text, a.Text(), typed)
			continue
		}
		if want := fmt.Sprintf("%q", text); !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not show %s", err, want)
		}
	}
}

func TestAddressText(t *testing.T) {
	a := Address{Random, [6]byte{1, 2, 3, 4, 5, 0xC6}}
	if a.String() != "C6:05:04:03:02:01" || a.Text() != "C6:05:04:03:02:01/random" || fmt.Sprint(a) != a.String() {
		t.Errorf("%v %v", a.String(), a.Text())
	}
	if b, typed, err := ParseAddress(a.Text()); b != a || !typed || err != nil {
		t.Errorf("%v, %v, %v", b, typed, err)
	}
}

func TestAddressMarshalsAsText(t *testing.T) {
	a := Address{Random, [6]byte{1, 2, 3, 4, 5, 0xC6}}
	text, err := json.Marshal(map[string]Address{"peer": a})
	if err != nil || string(text) != `{"peer":"C6:05:04:03:02:01/random"}` {
		t.Errorf("%s, %v", text, err)
	}
	var back map[string]Address
	if err := json.Unmarshal(text, &back); err != nil || back["peer"] != a {
		t.Errorf("%v, %v", back, err)
	}
	// What can't be read leaves what was there.
	for _, bad := range []string{"", "C6:05:04:03:02:01", "C6:05:04:03:02:01/x", "C6:05"} {
		b := a
		if err := b.UnmarshalText([]byte(bad)); err == nil || b != a {
			t.Errorf("%q: %v, %v", bad, b.Text(), err)
		}
	}
}

// The sub-types of random addresses, by their two most significant bits (Vol 6, Part B, 1.3.2).
func TestAddressKinds(t *testing.T) {
	for _, c := range []struct {
		text                                        string
		static, resolvable, nonResolvable, identity bool
	}{
		{text: "00:00:00:00:00:00/public"},
		{text: "00:1C:05:FF:F0:30/public", identity: true},
		{text: "FF:FF:FF:FF:FF:FF/public", identity: true},
		{text: "C0:00:00:00:00:01/random", static: true, identity: true},
		{text: "FE:FF:FF:FF:FF:FF/random", static: true, identity: true},
		{text: "C0:00:00:00:00:00/random", static: true},
		{text: "FF:FF:FF:FF:FF:FF/random", static: true},
		{text: "40:00:00:00:00:01/random", resolvable: true},
		{text: "7F:FF:FF:FF:FF:FF/random", resolvable: true},
		{text: "00:00:00:00:00:01/random", nonResolvable: true},
		{text: "3F:FF:FF:FF:FF:FF/random", nonResolvable: true},
		{text: "80:00:00:00:00:01/random"},
	} {
		a, _, err := ParseAddress(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if a.IsStatic() != c.static || a.IsResolvable() != c.resolvable || a.IsNonResolvable() != c.nonResolvable || a.IsIdentity() != c.identity {
			t.Errorf("%s: static %v, resolvable %v, non-resolvable %v, identity %v", c.text, a.IsStatic(), a.IsResolvable(), a.IsNonResolvable(), a.IsIdentity())
		}
		if a.IsZero() != (c.text == "00:00:00:00:00:00/public") {
			t.Errorf("%s: zero %v", c.text, a.IsZero())
		}
	}
	// A type that the specification does not have is no kind of anything.
	if odd := (Address{Type: 4, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}); odd.IsStatic() || odd.IsIdentity() || odd.Text() != "C6:05:04:03:02:01/type 0x04" {
		t.Errorf("%v", odd.Text())
	}
}

// Public and random addresses of the same octets are two devices: complaint 25.
func TestAddressTypeIsPartOfIt(t *testing.T) {
	public, random := Address{Type: Public, Octets: device.Octets}, Address{Type: Random, Octets: device.Octets}
	if public == random || len(map[Address]bool{public: true, random: true}) != 2 {
		t.Error("they are equal")
	}
	if got := random.AppendTo([]byte{9}); string(got) != "\x09\x01\x30\xF0\xFF\x05\x1C\xC0" {
		t.Errorf("% X", got)
	}
}

func TestRoleNames(t *testing.T) {
	for role, want := range map[Role]string{Central: "central", Peripheral: "peripheral", 7: "role 0x07"} {
		if role.String() != want {
			t.Errorf("%q, want %q", role, want)
		}
	}
}

func ExampleParseAddress() {
	a, typed, err := ParseAddress("c6:05:04:03:02:01/random")
	fmt.Println(a, typed, err)
	fmt.Println(a.Text(), a.IsStatic())
	// Output:
	// C6:05:04:03:02:01 true <nil>
	// C6:05:04:03:02:01/random true
}
