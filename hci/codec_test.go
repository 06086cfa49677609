package hci

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// appender is what every codec type is.
type appender interface{ AppendTo([]byte) []byte }

// A codecCase is a packet's parameters laid out by hand as the specification has them, and what they are.
type codecCase struct {
	name   string // the specification's, as errors have it
	layout string // "Status:00 Connection_Handle:4000", each field with its octets in order
	value  appender
	parse  func([]byte) (any, error)
	prefix string // in hex, what AppendTo puts before the layout: the subevent code
}

// parser makes a Parse function comparable.
func parser[T any](parse func([]byte) (T, error)) func([]byte) (any, error) {
	return func(b []byte) (any, error) { return parse(b) }
}

// fields splits a layout.
func fields(t *testing.T, layout string) (octets []byte, ends []field) {
	t.Helper()
	for f := range strings.FieldsSeq(layout) {
		name, digits, ok := strings.Cut(f, ":")
		b, err := hex.DecodeString(digits)
		if !ok || err != nil {
			t.Fatalf("layout %q: %v", f, err)
		}
		octets = append(octets, b...)
		ends = append(ends, field{name, len(octets)})
	}
	return octets, ends
}

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run checks a case: octets to value, value to octets, longer, and cut at every octet.
func (c codecCase) run(t *testing.T) {
	octets, ends := fields(t, c.layout)
	want := append(unhex(t, c.prefix), octets...)
	if got := c.value.AppendTo(nil); !bytes.Equal(got, want) {
		t.Errorf("AppendTo gives % X, want % X", got, want)
	}
	if got := c.value.AppendTo([]byte{0xAA, 0xBB}); !bytes.Equal(got, append([]byte{0xAA, 0xBB}, want...)) {
		t.Errorf("AppendTo does not append: % X", got)
	}
	if got, err := c.parse(octets); err != nil || !reflect.DeepEqual(got, any(c.value)) {
		t.Errorf("parsed as %+v, %v, want %+v", got, err, c.value)
	}
	if got, err := c.parse(append(bytes.Clone(octets), 1, 2, 3)); err != nil || !reflect.DeepEqual(got, any(c.value)) {
		t.Errorf("longer: parsed as %+v, %v", got, err)
	}
	wantCut(t, c.name, octets, ends, c.parse)
}

// wantCut parses octets cut at every place and wants an error that names the field that is missing.
func wantCut(t *testing.T, name string, octets []byte, ends []field, parse func([]byte) (any, error)) {
	t.Helper()
	for n := range octets {
		var cut field
		for _, f := range ends {
			if n < f.end {
				cut = f
				break
			}
		}
		_, err := parse(octets[:n:n])
		var short *ShortError
		if !errors.As(err, &short) {
			t.Errorf("%d octets: %v, want a *ShortError", n, err)
			continue
		}
		if want := (ShortError{What: name + ": " + cut.name, Length: n, Want: cut.end}); *short != want {
			t.Errorf("%d octets: %+v, want %+v", n, *short, want)
		}
		if !strings.Contains(err.Error(), cut.name) {
			t.Errorf("%d octets: %q does not name %s", n, err, cut.name)
		}
	}
}

func runCodec(t *testing.T, cases []codecCase) {
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}

// Names of fields that several tables share.
const (
	octets8  = "0102030405060708"
	octets16 = "000102030405060708090A0B0C0D0E0F"
)

var (
	array8  = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	array16 = [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	device  = Address{Type: Random, Octets: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0xC0}}
)
