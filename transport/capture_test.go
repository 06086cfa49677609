package transport

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

// A sink collects what is written. While gate is not nil, a Write waits for it, or for Close.
type sink struct {
	gate   chan struct{}
	closed chan struct{} // if nil, Close frees nobody

	mu  sync.Mutex
	buf bytes.Buffer
	err error // of writes
}

func (s *sink) Write(p []byte) (int, error) {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-s.closed:
			return 0, os.ErrClosed
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.buf.Write(p)
}

func (s *sink) Close() error {
	if s.closed != nil {
		close(s.closed)
	}
	return nil
}

// records reads a whole capture.
func records(t testing.TB, r io.Reader) []Record {
	t.Helper()
	c, err := NewCaptureReader(r)
	if err != nil {
		t.Fatal(err)
	}
	var all []Record
	for {
		rec, err := c.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("record %d: %v", len(all), err)
		}
		rec.Data = bytes.Clone(rec.Data)
		all = append(all, rec)
	}
}

func TestCaptureWritesWhatIsAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		c := NewCapture(&s, CaptureConfig{})
		for i := range 1000 {
			c.add(3, OpEvent, []byte{byte(i)}, []byte{byte(i >> 8)})
			if i%10 == 0 {
				time.Sleep(time.Second)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		c.add(3, OpEvent, []byte{1}, nil) // too late
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		all := records(t, &s.buf)
		if len(all) != 1000 {
			t.Fatalf("%d records", len(all))
		}
		start := all[0].Time
		for i, r := range all {
			if r.Index != 3 || r.Opcode != OpEvent || r.Drops != 0 || !bytes.Equal(r.Data, []byte{byte(i), byte(i >> 8)}) {
				t.Fatalf("record %d: %+v", i, r)
			}
			if at := r.Time.Sub(start); at != time.Duration((i+9)/10)*time.Second {
				t.Fatalf("record %d at %v", i, at)
			}
		}
	})
}

// What is recorded is in the file without Close, so that it is there after a crash.
func TestCaptureDoesNotKeepRecordsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		c := NewCapture(&s, CaptureConfig{})
		defer c.Close()
		c.add(0, OpCommand, []byte{3, 0x0C, 0}, nil)
		synctest.Wait()
		if n := len(records(t, bytes.NewReader(s.buf.Bytes()))); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}

// A file that takes nothing costs records, which are counted, and never time or memory.
func TestCaptureStalledWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{gate: make(chan struct{})}
		c := NewCapture(s, CaptureConfig{})
		synctest.Wait() // the header is stuck in Write, the queue is empty
		data := make([]byte, 1000)
		const added = 3 * captureQueue / (recordHeaderSize + 1000)
		start := time.Now()
		for range added {
			c.add(0, OpACLIn, data, nil)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("recording took %v", took)
		}
		if len(c.queue) > captureQueue || cap(c.queue) > 2*captureQueue {
			t.Errorf("queue of %d octets, room for %d", len(c.queue), cap(c.queue))
		}
		close(s.gate)
		synctest.Wait()
		c.add(0, OpEvent, []byte{1}, nil)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		all := records(t, &s.buf)
		last := all[len(all)-1]
		if kept := len(all) - 1; last.Opcode != OpEvent || last.Drops == 0 || kept+int(last.Drops) != added {
			t.Errorf("%d records, then %v after %d drops; %d were added", kept, last.Opcode, last.Drops, added)
		}
		for _, r := range all[:len(all)-1] {
			if r.Drops != 0 {
				t.Fatal("drops before any was dropped")
			}
		}
	})
}

func TestCaptureCloseWhileStuck(t *testing.T) {
	for _, tt := range []struct {
		name    string
		freeing bool // closing the file frees its writer
		wait    time.Duration
	}{{"freed by Close", true, captureFlush}, {"not even by Close", false, 2 * captureFlush}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sink{gate: make(chan struct{})}
				if tt.freeing {
					s.closed = make(chan struct{})
				}
				c := NewCapture(s, CaptureConfig{})
				start := time.Now()
				for range 2 {
					if err := c.Close(); !errors.Is(err, errCaptureStuck) {
						t.Errorf("Close = %v", err)
					}
				}
				if took := time.Since(start); took != tt.wait {
					t.Errorf("Close took %v, want %v", took, tt.wait)
				}
				close(s.gate)
			})
		})
	}
}

func TestCaptureFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		s := &sink{}
		log := logrus.New()
		var heard bytes.Buffer
		log.SetOutput(&heard)
		c := NewCapture(s, CaptureConfig{Log: log})
		c.add(0, OpEvent, []byte{1}, nil)
		synctest.Wait()
		s.mu.Lock()
		s.err = full
		s.mu.Unlock()
		for range 5 {
			c.add(0, OpEvent, []byte{2}, nil)
			synctest.Wait()
		}
		s.mu.Lock()
		s.err = nil // space again: but half a record may be in the file
		s.mu.Unlock()
		c.add(0, OpEvent, []byte{3}, nil)
		if err := c.Close(); !errors.Is(err, full) {
			t.Errorf("Close = %v", err)
		}
		if n := strings.Count(heard.String(), "capture ended: no space left on device"); n != 1 {
			t.Errorf("log heard %d times: %s", n, heard.String())
		}
		if all := records(t, &s.buf); len(all) != 1 || c.drops != 5 {
			t.Errorf("%d records, %d drops", len(all), c.drops)
		}
	})
}

func TestCaptureRecordTooLong(t *testing.T) {
	var s sink
	c := NewCapture(&s, CaptureConfig{})
	c.add(0, OpISOIn, make([]byte, maxMonitorData), []byte{0})
	c.add(0, OpISOIn, make([]byte, maxMonitorData), nil)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if all := records(t, &s.buf); len(all) != 1 || all[0].Drops != 1 || len(all[0].Data) != maxMonitorData {
		t.Errorf("%d records", len(all))
	}
}

func TestCreateCapture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.btsnoop")
	private := func() {
		t.Helper()
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && st.Mode() != 0o600 {
			t.Errorf("mode %v", st.Mode())
		}
	}
	capture := func(n int) {
		t.Helper()
		c, err := CreateCapture(path, CaptureConfig{})
		if err != nil {
			t.Fatal(err)
		}
		private()
		for range n {
			c.add(0, OpEvent, []byte{1, 0}, nil)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(records(t, bytes.NewReader(b))); got != n {
			t.Errorf("%d records, want %d", got, n)
		}
	}
	capture(3)
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	capture(1) // shorter than what was there, and private again
}

// Whoever has the old file open sees nothing of what is captured now.
func TestCreateCaptureLeavesOldReadersBehind(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which does not replace an open file
	}
	path := filepath.Join(t.TempDir(), "c.btsnoop")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	spy, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer spy.Close()
	c, err := CreateCapture(path, CaptureConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c.add(0, OpEvent, []byte("secret"), nil)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(spy); string(b) != "old" {
		t.Errorf("the old file now holds %q", b)
	}
}

func TestCreateCaptureRefuses(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused := []string{dir, filepath.Join(dir, "none", "c"), filepath.Join(target, "c")}
	if os.Symlink(target, link) == nil {
		refused = append(refused, link)
	}
	for _, path := range refused {
		if c, err := CreateCapture(path, CaptureConfig{}); err == nil {
			c.Close()
			t.Errorf("%s accepted", path)
		} else if !strings.HasPrefix(err.Error(), "capture: ") || !strings.Contains(err.Error(), path) {
			t.Errorf("error %q", err)
		}
	}
	if b, _ := os.ReadFile(target); string(b) != "precious" {
		t.Errorf("the link's target holds %q", b)
	}
}

func TestCaptureDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		return
	}
	c := NewCapture(nopCloser{io.Discard}, CaptureConfig{})
	defer c.Close()
	data := make([]byte, 251)
	for range 20000 { // let both buffers grow
		c.add(0, OpACLIn, data, nil)
	}
	if n := testing.AllocsPerRun(1000, func() { c.add(0, OpACLIn, data, nil) }); n != 0 {
		t.Errorf("%v allocations per record", n)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
