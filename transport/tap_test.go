package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
)

// A script is a Conn that reads the packets given, then ends, and remembers what is written.
type script struct {
	in      [][]byte
	out     [][]byte
	refuse  error // of writes
	closing int
}

func (s *script) ReadPacket(b []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, ErrGone
	}
	n := copy(b, s.in[0])
	s.in = s.in[1:]
	return n, nil
}

func (s *script) WritePacket(p []byte) error {
	s.out = append(s.out, bytes.Clone(p))
	return s.refuse
}

func (s *script) Close() error { s.closing++; return nil }

// tapped runs f on a tap over s and returns the capture.
func tapped(t *testing.T, s *script, a Adapter, f func(Conn)) []Record {
	t.Helper()
	var out sink
	c := NewCapture(&out, CaptureConfig{})
	f(Tap(s, c, a))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return records(t, &out.buf)
}

// drain reads a Conn to its end.
func drain(c Conn) {
	b := make([]byte, MaxPacket)
	for {
		if _, err := c.ReadPacket(b); err != nil {
			return
		}
	}
}

// lines writes records as text: index, opcode, data.
func lines(all []Record) []string {
	text := make([]string, len(all))
	for i, r := range all {
		text[i] = fmt.Sprintf("%d %v %x", r.Index, r.Opcode, r.Data)
	}
	return text
}

func wantLines(t *testing.T, got []Record, want ...string) {
	t.Helper()
	have := lines(got)
	for i := range max(len(have), len(want)) {
		switch {
		case i >= len(have):
			t.Errorf("record %d missing: %s", i, want[i])
		case i >= len(want):
			t.Errorf("record %d too many: %s", i, have[i])
		case have[i] != want[i]:
			t.Errorf("record %d: %s\nwant: %s", i, have[i], want[i])
		}
	}
}

var (
	resetDone   = []byte{Event, 0x0E, 4, 1, 0x03, 0x0C, 0}
	addressDone = []byte{Event, 0x0E, 10, 1, 0x09, 0x10, 0, 0x13, 0x71, 0xDA, 0x7D, 0x1A, 0x00}
	versionDone = []byte{Event, 0x0E, 12, 1, 0x01, 0x10, 0, 0x0D, 0, 0, 0x0D, 0x59, 0x00, 0, 0}
)

func TestTap(t *testing.T) {
	acl := packet(ACL, 2)
	s := &script{in: [][]byte{resetDone, addressDone, addressDone, versionDone, acl, packet(SCO, 1), packet(ISO, 1)}}
	reset := []byte{Command, 0x03, 0x0C, 0}
	got := tapped(t, s, Adapter{Index: 2, Bus: 1}, func(c Conn) {
		for _, p := range [][]byte{reset, acl, packet(SCO, 0), packet(ISO, 0)} {
			if err := c.WritePacket(p); err != nil {
				t.Error(err)
			}
		}
		b := make([]byte, MaxPacket)
		for _, want := range [][]byte{resetDone, addressDone, addressDone, versionDone, acl} {
			if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], want) {
				t.Errorf("read % X, %v", b[:n], err)
			}
		}
		drain(c)
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	wantLines(t, got,
		"2 new index 0001"+"000000000000"+"6863693200000000",
		"2 open index ",
		"2 index info 000000000000ffff",
		"2 command 030c00",
		"2 ACL out 420002000001",
		"2 SCO out 420000",
		"2 ISO out 42000000",
		"2 event 0e0401030c00",
		"2 event 0e0a01091000"+"1371da7d1a00",
		"2 index info 1371da7d1a00ffff", // learnt, and once
		"2 event 0e0a01091000"+"1371da7d1a00",
		"2 event 0e0c010110000d00000d59000000",
		"2 index info 1371da7d1a005900",
		"2 ACL in 420002000001",
		"2 SCO in 42000100",
		"2 ISO in 4200010000",
		"2 close index ",
		"2 delete index ",
	)
	if len(s.out) != 4 || s.closing != 2 {
		t.Errorf("%d packets out, closed %d times", len(s.out), s.closing)
	}
}

func TestTapKnownAdapter(t *testing.T) {
	a := Adapter{Index: 0, Name: "a-long-name", Address: [6]byte{1, 2, 3, 4, 5, 6}, Bus: 3}
	got := tapped(t, &script{in: [][]byte{{Event, 0x0E, 10, 1, 0x09, 0x10, 0, 1, 2, 3, 4, 5, 6}}}, a, drain)
	wantLines(t, got,
		"0 new index 0003"+"010203040506"+"612d6c6f6e672d00", // a name always ends with a zero
		"0 open index ",
		"0 index info 010203040506ffff",
		"0 event 0e0a01091000010203040506",
	)
}

// What only looks like an answer teaches nothing.
func TestTapLearnsNothing(t *testing.T) {
	failed := bytes.Clone(addressDone)
	failed[6] = 0x0C
	other := bytes.Clone(addressDone)
	other[1] = 0x3E
	asACL := bytes.Clone(addressDone)
	asACL[0] = ACL
	for _, p := range [][]byte{failed, other, asACL, resetDone, {Event, 0x0E, 0}, {Event}} {
		if got := tapped(t, &script{in: [][]byte{p}}, Adapter{}, drain); len(got) != 4 {
			t.Errorf("% X: %q", p, lines(got))
		}
	}
	for _, whole := range [][]byte{addressDone[:13], versionDone[:13]} {
		for n := range whole {
			if got := tapped(t, &script{in: [][]byte{whole[:n]}}, Adapter{}, drain); len(got) > 4 {
				t.Errorf("% X: %q", whole[:n], lines(got))
			}
		}
	}
}

// A packet that is too long for btmon becomes fragments, which say together what it said.
func TestTapLongACL(t *testing.T) {
	for _, size := range []int{maxMonitorData - 4, maxMonitorData - 3, 2 * (maxMonitorData - 4), MaxPacket - 5} {
		p := packet(ACL, size)
		p[2] = 0x20 // a complete or first fragment, for handle 0x042
		got := tapped(t, &script{in: [][]byte{p}}, Adapter{}, drain)[3:]
		var data []byte
		for i, r := range got {
			if len(r.Data) > maxMonitorData || r.Opcode != OpACLIn {
				t.Fatalf("size %d: %v of %d octets", size, r.Opcode, len(r.Data))
			}
			flags := byte(0x10)
			if i == 0 {
				flags = 0x20
			}
			want := []byte{0x42, flags, byte(len(r.Data) - 4), byte((len(r.Data) - 4) >> 8)}
			if !bytes.Equal(r.Data[:4], want) {
				t.Errorf("size %d, fragment %d: header % X, want % X", size, i, r.Data[:4], want)
			}
			data = append(data, r.Data[4:]...)
		}
		if !bytes.Equal(data, p[5:]) {
			t.Errorf("size %d: %d octets in %d fragments", size, len(data), len(got))
		}
	}
}

func TestTapPassesErrors(t *testing.T) {
	refused := errors.New("refused")
	s := &script{refuse: refused}
	got := tapped(t, s, Adapter{}, func(c Conn) {
		if err := c.WritePacket(packet(Command, 0)); err != refused {
			t.Errorf("write: %v", err)
		}
		if err := c.WritePacket(nil); err != refused {
			t.Errorf("write of nothing: %v", err)
		}
		if _, err := c.ReadPacket(make([]byte, MaxPacket)); err != ErrGone {
			t.Errorf("read: %v", err)
		}
	})
	if len(got) != 4 { // the command is there, the nothing is not
		t.Errorf("%q", lines(got))
	}
}

func TestTapWithoutCapture(t *testing.T) {
	s := &script{}
	if Tap(s, nil, Adapter{}) != Conn(s) {
		t.Error("a tap without a capture")
	}
}

// The reader goes on at full speed while the file takes nothing, and Close unblocks as ever.
func TestTapOnStalledCapture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sink{gate: make(chan struct{})}
		c := NewCapture(out, CaptureConfig{})
		near, far := net.Pipe()
		defer far.Close()
		conn := Tap(NewH4(near), c, Adapter{})
		const packets = 2 * captureQueue / 1000
		go func() {
			for range packets {
				far.Write(packet(ACL, 1000))
			}
		}()
		b := make([]byte, MaxPacket)
		for i := range packets {
			if _, err := conn.ReadPacket(b); err != nil {
				t.Fatalf("packet %d: %v", i, err)
			}
		}
		read := make(chan error, 1)
		go func() { _, err := conn.ReadPacket(b); read <- err }()
		synctest.Wait()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := <-read; !errors.Is(err, net.ErrClosed) {
			t.Errorf("reader unblocked with %v", err)
		}
		close(out.gate)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if all := records(t, &out.buf); len(all) >= packets || c.drops == 0 {
			t.Errorf("%d records and %d drops", len(all), c.drops)
		}
	})
}

// Two controllers in one file are told apart by their numbers.
func TestTapShared(t *testing.T) {
	var out sink
	c := NewCapture(&out, CaptureConfig{})
	for i := range 2 {
		drain(Tap(&script{in: [][]byte{resetDone}}, c, Adapter{Index: i}))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	all := records(t, &out.buf)
	for i, r := range all {
		if r.Index != i/4 {
			t.Errorf("record %d: index %d", i, r.Index)
		}
	}
	if len(all) != 8 {
		t.Errorf("%d records", len(all))
	}
}

func TestTapDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		return
	}
	c := NewCapture(nopCloser{io.Discard}, CaptureConfig{})
	defer c.Close()
	conn := Tap(NewH4(&endless{b: packet(ACL, 251)}), c, Adapter{})
	b, p := make([]byte, MaxPacket), packet(ACL, 251)
	step := func() {
		if _, err := conn.ReadPacket(b); err != nil {
			t.Fatal(err)
		}
		if err := conn.WritePacket(p); err != nil {
			t.Fatal(err)
		}
	}
	for range 20000 { // let both buffers grow
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations per packet read and written", n)
	}
}
