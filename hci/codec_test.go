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
	layout string // "Status 00 Connection_Handle 4000", each field with its octets in order
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
	words := strings.Fields(layout)
	if len(words)%2 != 0 {
		t.Fatalf("layout %q", layout)
	}
	for i := 0; i < len(words); i += 2 {
		octets = append(octets, unhex(t, words[i+1])...)
		ends = append(ends, field{words[i], len(octets)})
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
	c.everyBitCounts(t, octets, ends)
}

// lenient are the fields in which the specification defines fewer values than there are octets: those that
// are on or off, those whose type is folded into two, and what is reserved.
var lenient = map[string]bool{
	"LE_Supported_Host": true, "Unused": true, "Advertising_Enable": true, "LE_Scan_Type": true, "LE_Scan_Enable": true, "Filter_Duplicates": true,
	"Initiator_Filter_Policy": true, "Peer_Address_Type": true, "Address_Type": true,
	"Scan_Request_Notification_Enable": true, "Enable": true, "Scan_Type": true, "Direct_Address_Type": true, "Scanner_Address_Type": true,
	"Peer_Identity_Address_Type": true, "Advertiser_Address_Type": true, "Address_Resolution_Enable": true, "Bit_Value": true, "Type": true,
	"CTE_Enable": true, "Sampling_Enable": true, "Local_Enable": true, "Remote_Enable": true, "Key_Type": true,
}

// everyBitCounts turns each bit over: it must be seen in the value, and come out again. What is reserved in
// a handle must not be seen.
func (c codecCase) everyBitCounts(t *testing.T, octets []byte, ends []field) {
	at := 0
	for _, f := range ends {
		for ; at < f.end; at++ {
			for bit := range 8 {
				turned := bytes.Clone(octets)
				turned[at] ^= 1 << bit
				got, err := c.parse(turned)
				same := err == nil && reflect.DeepEqual(got, any(c.value))
				reserved := (f.name == "Connection_Handle" || f.name == "Sync_Handle") && at == f.end-1 && bit >= 4
				switch {
				case reserved && !same:
					t.Errorf("%s, octet %d: reserved bit %d was taken for something: %+v, %v", f.name, at, bit, got, err)
				case reserved || lenient[f.name]:
				case same:
					t.Errorf("%s, octet %d: bit %d is not looked at", f.name, at, bit)
				case err == nil && !bytes.Equal(got.(appender).AppendTo(nil)[len(c.prefix)/2:], turned) && len(c.value.AppendTo(nil)) == len(got.(appender).AppendTo(nil)):
					t.Errorf("%s, octet %d, bit %d: % X became % X", f.name, at, bit, turned, got.(appender).AppendTo(nil))
				}
			}
		}
	}
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
