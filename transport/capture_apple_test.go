package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"
)

// appleFile is a packet log as computers write it: a note, a command, its event, data each way, ISO data by either
// number, and a type that nobody knows.
const appleFile = "0000000c" + "386d4380" + "00000000" + "fc" + "686900" +
	"0000000c" + "386d4380" + "00000001" + "00" + "030c00" +
	"0000000f" + "386d4380" + "000f423f" + "01" + "0e0401030c00" +
	"0000000e" + "386d4381" + "00000000" + "02" + "40000100aa" +
	"0000000e" + "386d4381" + "00000000" + "03" + "40200100bb" +
	"0000000c" + "386d4381" + "00000000" + "08" + "400000" +
	"0000000c" + "386d4381" + "00000000" + "09" + "400000" +
	"0000000d" + "386d4381" + "00000000" + "0c" + "40000000" +
	"0000000d" + "386d4381" + "00000000" + "13" + "40000000" +
	"0000000a" + "386d4381" + "00000000" + "0b" + "99" +
	"00000009" + "386d4381" + "00000000" + "fb"

// swapApple turns a packet log into one of the other order.
func swapApple(file []byte) []byte {
	var b []byte
	for len(file) > 0 {
		n := 4 + int(binary.BigEndian.Uint32(file))
		for i := range 3 {
			b = binary.LittleEndian.AppendUint32(b, binary.BigEndian.Uint32(file[4*i:]))
		}
		b = append(b, file[12:n]...)
		file = file[n:]
	}
	return b
}

func TestCaptureReaderApple(t *testing.T) {
	file := unhex(t, appleFile)
	for name, file := range map[string][]byte{"big-endian": file, "little-endian": swapApple(file)} {
		t.Run(name, func(t *testing.T) {
			got := records(t, iotest.OneByteReader(bytes.NewReader(file)))
			wantLines(t, got, "0 system note 686900", "0 command 030c00", "0 event 0e0401030c00", "0 ACL out 40000100aa", "0 ACL in 40200100bb",
				"0 SCO out 400000", "0 SCO in 400000", "0 ISO out 40000000", "0 ISO in 40000000", "0 vendor diagnostics 99", "0 opcode 65535 ")
			start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, want := range []time.Duration{0, time.Microsecond, 999999 * time.Microsecond, time.Second} {
				if at := got[i].Time.Sub(start); at != want || got[i].Original != len(got[i].Data) {
					t.Errorf("record %d at %v, want %v", i, at, want)
				}
			}
		})
	}
}

// What could be a packet log in one order only by accident is none.
func TestAppleOrder(t *testing.T) {
	tests := []struct {
		name, header string
		order        binary.ByteOrder
	}{
		{"big-endian", "00000009" + "00000000" + "00000000" + "01", binary.BigEndian},
		{"little-endian", "09000000" + "00000000" + "00000000" + "01", binary.LittleEndian},
		{"the longest", "00010009" + "00000000" + "000f423f" + "03", binary.BigEndian},
		{"too long", "0001000a" + "00000000" + "00000000" + "03", nil},
		{"too short", "00000008" + "00000000" + "00000000" + "03", nil},
		{"a second of 1,000,000 microseconds", "00000009" + "00000000" + "000f4240" + "03", nil},
		{"unknown type first", "00000009" + "00000000" + "00000000" + "77", nil},
		{"cut", "00000009" + "00000000" + "00000000", nil},
	}
	for _, tt := range tests {
		if order, ok := appleOrder(unhex(t, tt.header)); order != tt.order || ok != (tt.order != nil) {
			t.Errorf("%s: %v, %v", tt.name, order, ok)
		}
	}
}

func TestCaptureReaderAppleRefuses(t *testing.T) {
	const good = "00000009" + "00000000" + "00000000" + "01"
	for _, tt := range []struct{ name, rest, text string }{
		{"too long", "ffffffff" + "00000000" + "00000000" + "01", "capture: octet 13: record of 4294967295 octets, want 9 to 65545"},
		{"too short", "00000008" + "00000000" + "00000000" + "01", "capture: octet 13: record of 8 octets, want 9 to 65545"},
		{"cut", "0000000b" + "00000000" + "00000000" + "01" + "aa", "capture: octet 13: record data: unexpected EOF"},
		{"cut before the data", "0000000b" + "00000000" + "00000000" + "01", "capture: octet 13: record data: unexpected EOF"},
		{"cut in the header", "0000000b" + "00", "capture: octet 13: record header: unexpected EOF"},
	} {
		c, err := NewCaptureReader(bytes.NewReader(unhex(t, good+tt.rest)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Next(); err != nil {
			t.Fatal(err)
		}
		if r, err := c.Next(); !errors.As(err, new(*CaptureError)) || err.Error() != tt.text || r.Data != nil {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.text)
		}
	}
}

// A log cut at every octet gives whole records and then an error, or io.EOF between two.
func TestCaptureReaderAppleTruncated(t *testing.T) {
	file := unhex(t, appleFile)
	for n := appleHeaderSize; n < len(file); n++ {
		c, err := NewCaptureReader(bytes.NewReader(file[:n]))
		for err == nil {
			_, err = c.Next()
		}
		at := 0
		for at < n {
			at += 4 + int(binary.BigEndian.Uint32(file[at:]))
		}
		if clean := at == n; clean != (err == io.EOF) || !clean && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
}
