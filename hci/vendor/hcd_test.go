package vendor

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

var (
	launch     = []byte{0x4E, 0xFC, 4, 0xFF, 0xFF, 0xFF, 0xFF}
	minidriver = []byte{0x2E, 0xFC, 0}
	write1     = []byte{0x4C, 0xFC, 5, 0x00, 0x20, 0x21, 0x00, 0xAB}
)

func TestParseHCD(t *testing.T) {
	full := slices.Concat([]byte{0x4C, 0xFC, 0xFF, 0x00, 0x20, 0x21, 0x00}, bytes.Repeat([]byte{7}, 251))
	for _, tt := range []struct {
		name string
		b    []byte
		want int // records; 0 is an error
		err  string
	}{
		{"one record", slices.Concat(write1, launch), 2, ""},
		{"a full record", slices.Concat(full, write1, full, launch), 4, ""},
		{"Download Minidriver first", slices.Concat(minidriver, write1, launch), 2, ""},
		{"empty", nil, 0, "at octet 0: it ends without Launch RAM"},
		{"no launch", slices.Concat(write1, write1), 0, "at octet 16: it ends without Launch RAM"},
		{"nothing but a launch", launch, 0, "at octet 0: Launch RAM with nothing written"},
		{"two launches", slices.Concat(write1, launch, launch), 0, "at octet 15: 7 octets behind Launch RAM"},
		{"a zero behind", slices.Concat(write1, launch, []byte{0}), 0, "at octet 15: 1 octets behind Launch RAM"},
		{"a launch of five octets", slices.Concat(write1, []byte{0x4E, 0xFC, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}), 0, "at octet 8: a record of command 0xFC4E with 5 octets"},
		{"a record without data", slices.Concat([]byte{0x4C, 0xFC, 4, 0, 0, 0, 0}, launch), 0, "at octet 0: a record of command 0xFC4C with 4 octets"},
		{"Download Minidriver later", slices.Concat(write1, minidriver, launch), 0, "at octet 8: Download Minidriver in the middle"},
		{"Download Minidriver with data", slices.Concat([]byte{0x2E, 0xFC, 1, 0}, write1, launch), 0, "at octet 0: a record of command 0xFC2E with 1 octets"},
		{"another command", slices.Concat(write1, []byte{0x01, 0xFC, 6, 1, 2, 3, 4, 5, 6}, launch), 0, "at octet 8: command 0xFC01, which does not belong into firmware"},
		{"HCI_Reset", []byte{0x03, 0x0C, 0}, 0, "at octet 0: command 0x0C03, which does not belong into firmware"},
		{"a packet type", slices.Concat([]byte{1}, write1, launch), 0, "at octet 0: command 0x4C01, which does not belong into firmware"},
		{"text", []byte("<!DOCTYPE html>"), 0, "at octet 0: command 0x213C, which does not belong into firmware"},
		{"zeros", make([]byte, 64), 0, "at octet 0: command 0x0000, which does not belong into firmware"},
		{"too long", bytes.Repeat(write1, maxFirmware/len(write1)+1), 0, "at octet 1048576: longer than any firmware"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records, err := ParseHCD(tt.b)
			if tt.err == "" && err != nil || len(records) != tt.want {
				t.Fatalf("%d records, %v", len(records), err)
			}
			if tt.err != "" && (err == nil || err.Error() != tt.err) {
				t.Errorf("%v, want %s", err, tt.err)
			}
		})
	}
}

func TestParseHCDRealFormat(t *testing.T) {
	b, err := os.ReadFile("testdata/BCM43430A1.hcd")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, hcd(romName, patchedName)) {
		t.Error("the file is not what the tests make")
	}
	records, err := ParseHCD(b)
	if err != nil || len(records) != 5 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if !bytes.Equal(join(records), b) {
		t.Error("the records together are not the file")
	}
	for n := range b {
		var e *HCDError
		if records, err := ParseHCD(b[:n]); !errors.As(err, &e) || records != nil || e.Offset > n {
			t.Errorf("the first %d octets: %v", n, err)
		}
	}
	for at := range b {
		// There is no checksum: a flipped bit is seen in the headers, and nowhere else.
		for bit := range 8 {
			flipped := bytes.Clone(b)
			flipped[at] ^= 1 << bit
			if records, err := ParseHCD(flipped); err == nil && !bytes.Equal(join(records), flipped) {
				t.Errorf("octet %d, bit %d: records that are not in the file", at, bit)
			} else if err == nil && header(b, at) {
				t.Errorf("octet %d, bit %d of a header: not seen", at, bit)
			}
		}
	}
}

// header tells whether an octet of a good file is in the header of a record.
func header(b []byte, at int) bool {
	for start := 0; start < len(b); start += 3 + int(b[start+2]) {
		if at >= start && at < start+3 {
			return true
		}
	}
	return false
}

// join is the way back from ParseHCD.
func join(records []Record) (b []byte) {
	for _, r := range records {
		b = append(b, hci.AppendCommand(nil, r)[1:]...)
	}
	return b
}

func TestRecordString(t *testing.T) {
	for _, tt := range []struct {
		r    Record
		want string
	}{
		{Record{bcmWriteRAM, write1[3:]}, "Write RAM at 0x00212000"},
		{Record{bcmWriteRAM, []byte{1, 2, 3}}, "command 0xFC4C"},
		{Record{bcmLaunchRAM, launch[3:]}, "Launch RAM"},
		{Record{}, "no command"},
	} {
		if got := tt.r.String(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// The parameters can't grow into the next record.
func TestRecordsAreApart(t *testing.T) {
	records, err := ParseHCD(slices.Concat(write1, launch))
	if err != nil {
		t.Fatal(err)
	}
	_ = append(records[0].Parameters, 0)
	if !bytes.Equal(records[1].Parameters, launch[3:]) {
		t.Error("appending to one record changed the next")
	}
}

func FuzzParseHCD(f *testing.F) {
	f.Add(hcd(romName, patchedName))
	f.Add(slices.Concat(write1, launch))
	f.Add(slices.Concat(minidriver, write1, launch))
	f.Add(slices.Concat(write1, minidriver, launch, launch))
	f.Add([]byte(strings.Repeat("\x4c\xfc\x05", 9)))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := ParseHCD(b)
		if err != nil {
			var e *HCDError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(b) || records != nil {
				t.Fatalf("%v, %d records", err, len(records))
			}
			return
		}
		if !bytes.Equal(join(records), bytes.TrimPrefix(b, minidriver)) {
			t.Error("the records together are not the file")
		}
		for i, r := range records {
			if last := i == len(records)-1; last != (r.Op == bcmLaunchRAM) || !last && r.Op != bcmWriteRAM {
				t.Errorf("record %d of %d is %v", i, len(records), r)
			}
		}
	})
}
