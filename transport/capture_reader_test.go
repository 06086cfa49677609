package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"
)

// h4File is a capture of format 1002: a command and its event, an ACL packet each way, one cut short, and a
// packet of a type that nobody knows.
const h4File = "6274736e6f6f7000" + "00000001" + "000003ea" +
	"00000004" + "00000004" + "00000002" + "00000000" + "00e03ab44a676000" + "01030c00" +
	"00000007" + "00000007" + "00000003" + "00000000" + "00e03ab44a676001" + "040e0401030c00" +
	"00000006" + "00000006" + "00000000" + "00000000" + "00e03ab44a676002" + "0240000100aa" +
	"00000006" + "00000006" + "00000001" + "00000005" + "00e03ab44a676003" + "0240200100bb" +
	"00000400" + "00000005" + "00000001" + "00000005" + "00e03ab44a676004" + "024020fb03" +
	"00000002" + "00000002" + "00000001" + "00000005" + "00e03ab44a676005" + "07ff"

func TestCaptureReaderH4(t *testing.T) {
	got := records(t, iotest.OneByteReader(bytes.NewReader(unhex(t, h4File))))
	wantLines(t, got, "0 command 030c00", "0 event 0e0401030c00", "0 ACL out 40000100aa", "0 ACL in 40200100bb",
		"0 ACL in 4020fb03", "0 opcode 65535 ff")
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, r := range got {
		if at := r.Time.Sub(start); at != time.Duration(i)*time.Microsecond {
			t.Errorf("record %d at %v", i, at)
		}
	}
	if got[3].Drops != 5 || got[3].Original != 5 || got[4].Original != 0x3FF {
		t.Errorf("%+v\n%+v", got[3], got[4])
	}
}

// hciFile is a capture of format 1001: the types are in the flags.
const hciFile = "6274736e6f6f7000" + "00000001" + "000003e9" +
	"00000003" + "00000003" + "00000002" + "00000000" + "00e03ab44a676000" + "030c00" +
	"00000006" + "00000006" + "00000003" + "00000000" + "00e03ab44a676001" + "0e0401030c00" +
	"00000005" + "00000005" + "00000000" + "00000000" + "00e03ab44a676002" + "40000100aa" +
	"00000400" + "00000005" + "00000001" + "00000005" + "00e03ab44a676003" + "402001fbbb" +
	"00000000" + "00000000" + "00000001" + "00000005" + "00e03ab44a676004"

func TestCaptureReaderHCI(t *testing.T) {
	got := records(t, iotest.OneByteReader(bytes.NewReader(unhex(t, hciFile))))
	wantLines(t, got, "0 command 030c00", "0 event 0e0401030c00", "0 ACL out 40000100aa", "0 ACL in 402001fbbb", "0 ACL in ")
	if got[3].Drops != 5 || got[3].Original != 0x400 {
		t.Errorf("%+v", got[3])
	}
}

func TestCaptureReaderHeader(t *testing.T) {
	tests := []struct{ name, file, text string }{
		{"empty", "", "capture: octet 0: no btsnoop header: EOF"},
		{"short", "6274736e6f6f700000000001000003", "capture: octet 0: no btsnoop header: unexpected EOF"},
		{"magic", "6274736e6f6f700100000001000007d1", "capture: octet 0: neither a btsnoop file nor Apple's packet log"},
		{"version", "6274736e6f6f700000000002000007d1", "capture: octet 8: btsnoop version 2, not 1"},
		{"format", "6274736e6f6f700000000001000003ec", "capture: octet 12: btsnoop format 1004, not 1001, 1002 or 2001"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewCaptureReader(bytes.NewReader(unhex(t, tt.file)))
			if !errors.As(err, new(*CaptureError)) || err.Error() != tt.text {
				t.Errorf("%v, want %s", err, tt.text)
			}
		})
	}
}

func TestCaptureReaderRecord(t *testing.T) {
	const monitor, h4 = "6274736e6f6f700000000001000007d1", "6274736e6f6f700000000001000003ea"
	const rest = "00000000" + "00000000" + "00e03ab44a676000"
	tests := []struct{ name, file, text string }{
		{"too long", monitor + "00010001" + "00000001" + rest, "capture: octet 16: record of 65537 octets, at most 65536"},
		{"far too long", monitor + "00000001" + "ffffffff" + rest, "capture: octet 16: record of 4294967295 octets, at most 65536"},
		{"more than there was", monitor + "00000001" + "00000002" + rest + "0102", "capture: octet 16: record holds 2 octets of 1"},
		{"no type", h4 + "00000000" + "00000000" + rest, "capture: octet 16: record without a packet type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := NewCaptureReader(bytes.NewReader(unhex(t, tt.file)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := c.Next()
			if !errors.As(err, new(*CaptureError)) || err.Error() != tt.text || r.Data != nil {
				t.Errorf("%+v, %v, want %s", r, err, tt.text)
			}
		})
	}
}

// A file cut at every octet gives the whole records before the cut, and says that it was cut.
func TestCaptureReaderTruncated(t *testing.T) {
	file := unhex(t, h4File)
	ends := map[int]int{} // where a record ends, and how many have by then
	at := btsnoopHeaderSize
	ends[at] = 0
	for _, size := range []int{4, 7, 6, 6, 5, 2} {
		at += recordHeaderSize + size
		ends[at] = len(ends)
	}
	if at != len(file) {
		t.Fatalf("the last record ends at %d of %d", at, len(file))
	}
	whole := 0
	for n := btsnoopHeaderSize; n <= len(file); n++ {
		if k, ok := ends[n]; ok {
			whole = k
		}
		c, err := NewCaptureReader(bytes.NewReader(file[:n]))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for ; err == nil; got++ {
			_, err = c.Next()
		}
		got--
		_, clean := ends[n]
		if got != whole || clean != (err == io.EOF) || clean == errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d: %d records of %d, %v", n, got, whole, err)
		}
	}
}

func TestCaptureReaderPassesErrors(t *testing.T) {
	broken := errors.New("disk broken")
	file := unhex(t, h4File)
	for n := range len(file) {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken))
		c, err := NewCaptureReader(r)
		for err == nil {
			_, err = c.Next()
		}
		if !errors.Is(err, broken) {
			t.Fatalf("after %d octets: %v", n, err)
		}
	}
}

func FuzzCaptureReader(f *testing.F) {
	f.Add(unhex(f, h4File))
	f.Add(appendRecord(appendHeader(nil, btsnoopMonitor), time.Unix(1, 0), 1, OpNewIndex, 0, newIndex(Adapter{}), nil))
	f.Add(appendHeader(nil, 1001))
	f.Add(unhex(f, hciFile))
	f.Add(unhex(f, appleFile))
	f.Add(swapApple(unhex(f, appleFile)))
	f.Add([]byte("btsnoop"))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := NewCaptureReader(bytes.NewReader(file))
		if err != nil {
			if !errors.As(err, new(*CaptureError)) {
				t.Errorf("error of no kind: %v", err)
			}
			return
		}
		back := appendHeader(nil, btsnoopMonitor)
		cut := false
		for {
			r, err := c.Next()
			if err != nil {
				if err != io.EOF && !errors.As(err, new(*CaptureError)) {
					t.Errorf("error of no kind: %v", err)
				}
				break
			}
			if len(r.Data) > r.Original || len(r.Data) > maxRecordData {
				t.Errorf("%d octets of %d", len(r.Data), r.Original)
			}
			cut = cut || len(r.Data) != r.Original
			back = appendRecord(back, r.Time, uint16(r.Index), r.Opcode, r.Drops, r.Data, nil)
		}
		// What was read of a monitor file writes back octet for octet.
		if c.format == btsnoopMonitor && !cut && !bytes.HasPrefix(file, back) {
			t.Errorf("% X\nwrites back % X", file, back)
		}
	})
}
