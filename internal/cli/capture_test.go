package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/transport"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]struct {
		octets size
		back   string
	}{
		"1": {1, "1"}, "65536": {65536, "64K"}, "64K": {65536, "64K"}, "64k": {65536, "64K"}, "64kB": {65536, "64K"}, "10M": {10 << 20, "10M"}, "1G": {1 << 30, "1G"},
		"1500K": {1500 << 10, "1500K"}, "1024G": {1 << 40, "1024G"}, "100B": {100, "100"},
	} {
		var s size
		if err := s.Set(text); err != nil || s != want.octets || s.String() != want.back {
			t.Errorf("%s: %d, %v, %v", text, int64(s), &s, err)
		}
	}
	for _, text := range []string{"", "0", "K", "-1", "+1", "1.5M", "10T", "10MM", "10KM", "1B1", "1025G", "99999999999999999999"} {
		var s size
		if err := s.Set(text); err == nil {
			t.Errorf("%q: %d", text, int64(s))
		}
	}
	if s := new(size); s.String() != "" || s.Type() != "size" {
		t.Errorf("%q", s)
	}
}

// captured reads a capture.
func captured(t *testing.T, path string) map[transport.Opcode]int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := transport.NewCaptureReader(f)
	if err != nil {
		t.Fatal(err)
	}
	count := map[transport.Opcode]int{}
	for {
		record, err := r.Next()
		if err == io.EOF {
			return count
		}
		if err != nil {
			t.Fatal(err)
		}
		count[record.Opcode]++
	}
}

// The log stands in the capture between the packets, where the format has a place for it.
func TestCaptureFlags(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"monitor", "h4"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "c")
		r := jelling(t, dir, "subscribe", address, "2a5f", "--count", "1", "-v", "--capture", path, "--capture-format", format, "--capture-size", "1M", "--capture-count", "2")
		if r.status != 0 {
			t.Fatalf("%+v", r)
		}
		got := captured(t, path)
		if got[transport.OpCommand] < 5 || got[transport.OpEvent] < 5 || got[transport.OpACLIn] < 5 || got[transport.OpACLOut] < 5 {
			t.Errorf("%s: %v", format, got)
		}
		if monitor := format == "monitor"; (got[transport.OpNewIndex] == 1) != monitor || (got[transport.OpUserLog] > 0) != monitor {
			t.Errorf("%s: %v", format, got)
		}
	}
}

func TestCaptureUsage(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"scan --capture-format h4":                              "of no use without --capture FILE",
		"scan --capture-size 1M":                                "of no use without --capture FILE",
		"scan --capture-count 2":                                "of no use without --capture FILE",
		"scan --capture c --capture-count 2":                    "of no use without --capture-size",
		"scan --capture c --capture-size 1M --capture-count -1": "--capture-count -1",
		"scan --capture c --capture-size 1X":                    "like 500K or 10M",
		"scan --capture c --capture-format pcap":                "want monitor or h4",
		"doctor --transport usb:0":                              "no such kind",
		"adapters hci0":                                         "usage: jelling adapters",
		"doctor now":                                            "usage: jelling doctor",
	} {
		r := jelling(t, t.TempDir(), strings.Fields(args)...)
		if r.status != 2 || !strings.Contains(r.stderr, says) || strings.Count(r.stderr, "\n") != 1 || r.stdout != "" {
			t.Errorf("%s: %+v, want %q", args, r, says)
		}
	}
}
