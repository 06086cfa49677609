package vendor

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jelling-ble/jelling/hci"
)

func TestParseStringList(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want []string
	}{
		{"raspberrypi,4-model-b\x00brcm,bcm2711\x00", []string{"raspberrypi,4-model-b", "brcm,bcm2711"}},
		{"one\x00", []string{"one"}},
		{"", nil},
		{"\x00", nil},
		{"not ended", nil},
		{"one\x00not ended", nil},
		{"one\x00\x00two\x00", nil},
		{"a space\x00", nil},
		{"a\nline\x00", nil},
		{"caf\xc3\xa9\x00", nil},
		{strings.Repeat("a", 64) + "\x00", []string{strings.Repeat("a", 64)}},
		{strings.Repeat("a", 65) + "\x00", nil},
	} {
		if got := parseStringList([]byte(tt.raw)); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.raw, got, tt.want)
		}
	}
}

func TestBoardName(t *testing.T) {
	for raw, want := range map[string]string{
		"raspberrypi,4-model-b\x00brcm,bcm2711\x00": "raspberrypi,4-model-b",
		"vendor,a/b/../c\x00":                       "vendor,a-b-..-c",
		"":                                          "",
		strings.Repeat("abc\x00", 1025):             "", // more than a property has
	} {
		if got := boardName(fstest.MapFS{compatibleFile: {Data: []byte(raw)}}); got != want {
			t.Errorf("%.40q: %q, want %q", raw, got, want)
		}
	}
	if got := boardName(fstest.MapFS{}); got != "" {
		t.Errorf("%q without a device tree", got)
	}
}

func TestPiAddress(t *testing.T) {
	const pi3, pi4 = "raspberrypi,3-model-b\x00brcm,bcm2837\x00", "raspberrypi,4-model-b\x00brcm,bcm2711\x00"
	for _, tt := range []struct {
		name, compatible, serial string
		want, err                string
	}{
		{"a Pi 3", pi3, "00000000a1f1e7a4\x00", "B8:27:EB:5B:4D:0E", ""},
		{"in upper case, with a line's end", pi3, "00000000A1F1E7A4\n", "B8:27:EB:5B:4D:0E", ""},
		{"a Zero W", "raspberrypi,model-zero-w\x00brcm,bcm2835\x00", "0000000000000001\x00", "B8:27:EB:AA:AA:AB", ""},
		{"a Pi 2", "raspberrypi,2-model-b\x00brcm,bcm2836\x00", "00000000ffffffff\x00", "B8:27:EB:55:55:55", ""},
		{"a Pi 4", pi4, "00000000a1f1e7a4\x00", "", ErrNotPi.Error()},
		{"another board with its chip", "somebody,else\x00brcm,bcm2837\x00", "00000000a1f1e7a4\x00", "", ErrNotPi.Error()},
		{"no list", "raspberrypi,3-model-b\x00brcm,bcm2837", "00000000a1f1e7a4\x00", "", ErrNotPi.Error()},
		{"serial too short", pi3, "a1f1e7a4\x00", "", "serial number: 8 octets, want 16 digits"},
		{"serial too long", pi3, "00000000a1f1e7a4a\x00", "", "serial number: 17 octets, want 16 digits"},
		{"serial empty", pi3, "", "", "serial number: 0 octets, want 16 digits"},
		{"serial no number", pi3, "00000000a1f1e7ag\x00", "", "serial number: encoding/hex: invalid byte: U+0067 'g'"},
		{"serial zero", pi3, "0000000000000000\x00", "", "serial number: it is zero, which many boards would share"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{compatibleFile: {Data: []byte(tt.compatible)}, serialFile: {Data: []byte(tt.serial)}}
			a, err := PiAddress(files)(t.Context())
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || !a.IsZero() {
					t.Errorf("%v, %v, want %s", a, err, tt.err)
				}
				return
			}
			if err != nil || a.String() != tt.want || a.Type != hci.Public || !UsablePublic(a) {
				t.Errorf("%v, %v, want %s", a, err, tt.want)
			}
		})
	}
	if _, err := PiAddress(fstest.MapFS{})(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := PiAddress(fstest.MapFS{compatibleFile: {Data: []byte(pi3)}})(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzDeviceTree(f *testing.F) {
	f.Add([]byte("raspberrypi,3-model-b\x00brcm,bcm2837\x00"), []byte("00000000a1f1e7a4\x00"))
	f.Add([]byte("raspberrypi,../brcm,bcm2835\x00brcm,bcm2835\x00"), []byte("0000000000000000"))
	f.Add([]byte("\x00\x00"), []byte("\x00"))
	f.Fuzz(func(t *testing.T, compatible, serial []byte) {
		files := fstest.MapFS{compatibleFile: {Data: compatible}, serialFile: {Data: serial}}
		for _, p := range candidates(romName, boardName(files), "") {
			if !fs.ValidPath(p) || strings.Count(p, "/") > 4 {
				t.Errorf("path %q", p)
			}
		}
		if a, err := PiAddress(files)(t.Context()); err == nil && (!UsablePublic(a) || a.Octets[5] != 0xB8) {
			t.Errorf("address %v", a)
		}
	})
}
