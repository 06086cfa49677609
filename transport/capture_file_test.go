package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// readFile returns the records of one file, and its size.
func readFile(t *testing.T, path string) ([]Record, int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return records(t, bytes.NewReader(b)), len(b)
}

// files lists a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// fill records ACL packets, numbered: fewer than the queue has room for, however slow the file is.
func fill(c *Capture, packets int) {
	for i := range packets {
		c.add(1, OpACLIn, fmt.Appendf(nil, "%06d", i), make([]byte, 994))
	}
}

// A series holds every packet once, in files of the size asked for, each of which says whose the packets are.
func TestCaptureSeries(t *testing.T) {
	for _, format := range []CaptureFormat{FormatMonitor, FormatH4} {
		t.Run(format.String(), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "c")
			c, err := CreateCapture(path, CaptureConfig{Format: format, Size: 100_000, Count: 10})
			if err != nil {
				t.Fatal(err)
			}
			c.add(1, OpNewIndex, newIndex(Adapter{Index: 1, Name: "hci1"}), nil)
			c.add(1, OpOpenIndex, nil, nil)
			c.add(1, OpIndexInfo, []byte{1, 2, 3, 4, 5, 6}, []byte{0x59, 0})
			const packets = 500
			fill(c, packets)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			names := files(t, dir)
			if want := []string{"c", "c.1", "c.2", "c.3", "c.4", "c.5"}; !slices.Equal(names, want) {
				t.Fatalf("files %v, want %v", names, want)
			}
			next := 0
			for i := len(names) - 1; i >= 0; i-- {
				all, size := readFile(t, filepath.Join(dir, names[i]))
				if size > 100_000 || i > 0 && size < 98_000 {
					t.Errorf("%s has %d octets", names[i], size)
				}
				if format == FormatMonitor {
					wantLines(t, all[:3], "1 new index 0000"+"000000000000"+"6863693100000000", "1 open index ", "1 index info 0102030405065900")
					if all[2].Time.After(all[3].Time) {
						t.Errorf("%s begins at %v, before it: %v", names[i], all[3].Time, all[2].Time)
					}
					all = all[3:]
				}
				for _, r := range all {
					if want := fmt.Sprintf("%06d", next); string(r.Data[:6]) != want || len(r.Data) != 1000 || r.Drops != 0 || r.Opcode != OpACLIn {
						t.Fatalf("%s: %v %.6q, want %s", names[i], r.Opcode, r.Data, want)
					}
					next++
				}
			}
			if next != packets {
				t.Errorf("%d packets, want %d", next, packets)
			}
		})
	}
}

func TestCaptureSeriesCount(t *testing.T) {
	for count, want := range map[int][]string{0: {"c", "c.1", "c.2", "c.3"}, 1: {"c"}, 2: {"c", "c.1"}} {
		dir := t.TempDir()
		c, err := CreateCapture(filepath.Join(dir, "c"), CaptureConfig{Size: 1, Count: count}) // raised to the least
		if err != nil {
			t.Fatal(err)
		}
		fill(c, 900)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if got := files(t, dir); !slices.Equal(got, want) {
			t.Errorf("count %d: %v, want %v", count, got, want)
		}
		all, size := readFile(t, filepath.Join(dir, "c"))
		if last := all[len(all)-1]; string(last.Data[:6]) != "000899" || size > MinCaptureSize {
			t.Errorf("count %d: the latest file ends with %.6q and has %d octets", count, last.Data, size)
		}
		for _, name := range want {
			if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
				t.Errorf("%s: %v, %v", name, st.Mode(), err)
			}
		}
	}
}

// What the last run left is kept as the file before: after a crash it is the one that matters.
func TestCaptureSeriesKeepsTheLastRun(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c")
	for i := range 3 {
		c, err := CreateCapture(path, CaptureConfig{Size: MinCaptureSize, Count: 3})
		if err != nil {
			t.Fatal(err)
		}
		c.add(0, OpEvent, []byte{byte(i), 0}, nil)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"c": "0 event 0200", "c.1": "0 event 0100", "c.2": "0 event 0000"} {
		all, _ := readFile(t, filepath.Join(dir, name))
		wantLines(t, all, want)
	}
}

// The next file tells of the controllers that there still are, as they are by then.
func TestCaptureSeriesAnnounces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	c, err := CreateCapture(path, CaptureConfig{Size: MinCaptureSize, Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint16(3) {
		c.add(i, OpNewIndex, newIndex(Adapter{Name: fmt.Sprintf("hci%d", i)}), nil)
		c.add(i, OpOpenIndex, nil, nil)
		c.add(i, OpIndexInfo, make([]byte, 6), []byte{0xFF, 0xFF})
	}
	c.add(0, OpDelIndex, nil, nil)
	c.add(1, OpCloseIndex, nil, nil)
	c.add(2, OpIndexInfo, []byte{6, 5, 4, 3, 2, 1}, []byte{0x59, 0})
	c.add(9, OpOpenIndex, nil, nil) // without a name
	fill(c, 100)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	all, _ := readFile(t, path)
	wantLines(t, all[:6], "1 new index 0000"+"000000000000"+"6863693100000000", "1 index info 000000000000ffff",
		"2 new index 0000"+"000000000000"+"6863693200000000", "2 open index ", "2 index info 0605040302015900", "9 open index ")
}

// However many controllers come, what is remembered of them is bounded.
func TestCaptureSeriesRemembersSoMany(t *testing.T) {
	s := &captureSeries{format: FormatMonitor, live: map[uint16]*announcement{}}
	for i := range uint16(1000) {
		s.note(appendRecord(nil, time.Now(), i, OpOpenIndex, 0, nil, nil))
	}
	if len(s.live) != maxAnnounced {
		t.Errorf("%d remembered", len(s.live))
	}
}

// A file that can't be begun ends the capture, and harms nobody else.
func TestCaptureSeriesFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c")
	var heard bytes.Buffer
	log := logrus.New()
	log.SetOutput(&heard)
	c, err := CreateCapture(path, CaptureConfig{Size: MinCaptureSize, Count: 2, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path+".1", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	fill(c, 200)
	if err := c.Close(); err == nil || !strings.Contains(err.Error(), path+".1") {
		t.Errorf("Close: %v", err)
	}
	if n := strings.Count(heard.String(), "capture ended: "); n != 1 {
		t.Errorf("log heard %d times: %s", n, heard.String())
	}
}

func TestCaptureSeriesRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none", "c")} {
		if c, err := CreateCapture(path, CaptureConfig{Size: 1 << 20}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", path, c, err)
		}
	}
}

// A file begun while Close gave up on the writer is not left open.
func TestCaptureSeriesClosedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	s := &captureSeries{path: path, format: FormatMonitor, size: MinCaptureSize, count: 2}
	if err := s.next(time.Now(), 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := createPrivate(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.use(f); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("use: %v", err)
	}
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the file was left open: %v", err)
	}
}

func TestCaptureFormat(t *testing.T) {
	for text, want := range map[string]CaptureFormat{"monitor": FormatMonitor, "2001": FormatMonitor, "h4": FormatH4, "1002": FormatH4} {
		if got, err := ParseCaptureFormat(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "H4", "1001", strings.Repeat("x", 1<<20)} {
		if got, err := ParseCaptureFormat(text); err == nil || got != 0 || len(err.Error()) > 100 {
			t.Errorf("%.20q: %v, %v", text, got, err)
		}
	}
	for f, want := range map[CaptureFormat]string{0: "monitor", FormatMonitor: "monitor", FormatH4: "h4", 7: "format 7"} {
		if f.String() != want {
			t.Errorf("%d: %v, want %s", int(f), f, want)
		}
	}
}

// An H4 file holds packets and nothing else, and what a tap tells of them comes back.
func TestCaptureH4(t *testing.T) {
	var out sink
	c := NewCapture(&out, CaptureConfig{Format: FormatH4})
	s := &script{in: [][]byte{resetDone, packet(ACL, 2), packet(SCO, 1), packet(ISO, 1), {0x07, 1}}}
	conn := Tap(s, c, Adapter{Index: 5})
	for _, p := range [][]byte{{Command, 0x03, 0x0C, 0}, packet(ACL, maxPacketData-aclHeader), packet(ACL, maxPacketData-aclHeader+1)} {
		if err := conn.WritePacket(p); err != nil {
			t.Error(err)
		}
	}
	drain(conn)
	conn.Close()
	c.add(0, OpISOIn, make([]byte, maxMonitorData), nil) // with its type too long for btmon
	c.add(0, OpEvent, []byte{1, 0}, nil)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if format := out.buf.Bytes()[12:16]; !bytes.Equal(format, []byte{0, 0, 0x03, 0xEA}) {
		t.Errorf("format % X", format)
	}
	all := records(t, &out.buf)
	for i, want := range []Opcode{OpCommand, OpACLOut, OpACLOut, OpACLOut, OpEvent, OpACLIn, OpSCOIn, OpISOIn, OpEvent} {
		if i >= len(all) || all[i].Opcode != want || len(all[i].Data) > maxPacketData {
			t.Fatalf("record %d of %d: %v", i, len(all), want)
		}
	}
	if len(all) != 9 || all[8].Drops != 1 || !bytes.Equal(all[4].Data, resetDone[1:]) {
		t.Errorf("%d records; %+v", len(all), all[8])
	}
}
