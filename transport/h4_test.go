package transport

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
)

// A stream is the reading half of a ReadWriteCloser for tests.
type stream struct {
	io.Reader
	io.Writer
}

func (stream) Close() error { return nil }

// A chunked reader returns one chunk per Read, at most.
type chunked struct{ chunks [][]byte }

func (c *chunked) Read(b []byte) (int, error) {
	if len(c.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.chunks[0])
	if c.chunks[0] = c.chunks[0][n:]; len(c.chunks[0]) == 0 {
		c.chunks = c.chunks[1:]
	}
	return n, nil
}

// readAll returns the packets in r up to the error that ends them.
func readAll(r io.Reader) ([][]byte, error) {
	h := NewH4(stream{Reader: r})
	defer h.Close()
	var packets [][]byte
	b := make([]byte, MaxPacket)
	for {
		n, err := h.ReadPacket(b)
		if err != nil {
			return packets, err
		}
		packets = append(packets, bytes.Clone(b[:n]))
	}
}

func samePackets(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// Every way to cut a stream of three packets into chunks gives the same packets.
func TestH4EveryChunking(t *testing.T) {
	want := [][]byte{packet(Event, 1), packet(ACL, 1), packet(Event, 0)}
	all := bytes.Join(want, nil)
	for cuts := range 1 << (len(all) - 1) { // bit i cuts behind octet i
		var c chunked
		from := 0
		for i := range len(all) {
			if cuts>>i&1 == 1 || i == len(all)-1 {
				c.chunks = append(c.chunks, bytes.Clone(all[from:i+1]))
				from = i + 1
			}
		}
		got, err := readAll(&c)
		if !samePackets(got, want) || !errors.Is(err, io.EOF) || !errors.Is(err, ErrGone) {
			t.Fatalf("cuts %b: % X, %v", cuts, got, err)
		}
	}
}

func TestH4LongStreamInRandomChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	types := []byte{ACL, SCO, Event, ISO}
	var want [][]byte
	for range 300 {
		typ := types[r.IntN(len(types))]
		most := 256
		if headerOf(typ).wide {
			most = MaxPacket - 4
		}
		want = append(want, packet(typ, r.IntN(most)))
	}
	all := bytes.Join(want, nil)
	readers := map[string]func() io.Reader{
		"whole":     func() io.Reader { return bytes.NewReader(all) },
		"octets":    func() io.Reader { return iotest.OneByteReader(bytes.NewReader(all)) },
		"halves":    func() io.Reader { return iotest.HalfReader(bytes.NewReader(all)) },
		"early EOF": func() io.Reader { return iotest.DataErrReader(bytes.NewReader(all)) },
		"random": func() io.Reader {
			var c chunked
			for rest := all; len(rest) > 0; {
				n := min(1+r.IntN(3000), len(rest))
				c.chunks = append(c.chunks, bytes.Clone(rest[:n]))
				rest = rest[n:]
			}
			return &c
		},
	}
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(reader())
			if !samePackets(got, want) || !errors.Is(err, io.EOF) {
				t.Errorf("%d packets of %d, %v", len(got), len(want), err)
			}
		})
	}
}

// A stream that ends within a packet says so, and how far it got; no part of a packet comes out.
func TestH4TruncatedAtEveryOctet(t *testing.T) {
	first := packet(Event, 2)
	for _, typ := range []byte{ACL, SCO, Event, ISO} {
		second := packet(typ, 6)
		for n := range second {
			got, err := readAll(bytes.NewReader(append(bytes.Clone(first), second[:n]...)))
			if !samePackets(got, [][]byte{first}) || !errors.Is(err, ErrGone) {
				t.Fatalf("type %d cut to %d: % X, %v", typ, n, got, err)
			}
			want := "the controller is gone: EOF"
			if n > 0 {
				want = fmt.Sprintf("the controller is gone: unexpected EOF, %d octets into the packet at octet %d", n, len(first))
			}
			if err.Error() != want || errors.Is(err, io.ErrUnexpectedEOF) != (n > 0) {
				t.Errorf("type %d cut to %d: %q, want %q", typ, n, err, want)
			}
		}
	}
}

func TestH4OutOfStep(t *testing.T) {
	tests := []struct {
		name string
		then []byte // behind a good packet of 5 octets
		want FrameError
		text string
	}{
		{"type 0", []byte{0, 1, 2}, FrameError{Offset: 5, Type: 0}, "H4 out of step at octet 5: 0x00 is no packet type"},
		{"type 6", []byte{6}, FrameError{Offset: 5, Type: 6}, "H4 out of step at octet 5: 0x06 is no packet type"},
		{"type 255", []byte{0xFF, 4}, FrameError{Offset: 5, Type: 0xFF}, "H4 out of step at octet 5: 0xFF is no packet type"},
		{"command", packet(Command, 0), FrameError{Offset: 5, Type: Command}, "H4 out of step at octet 5: command packet in the wrong direction"},
		{"ACL length", []byte{ACL, 1, 0, 0xFC, 0x0F, 9}, FrameError{Offset: 5, Type: ACL, Length: MaxPacket - 4}, "H4 out of step at octet 5: ACL packet of 4097 octets, at most 4096"},
		{"longest ACL length", []byte{ACL, 1, 0, 0xFF, 0xFF, 9}, FrameError{Offset: 5, Type: ACL, Length: 65535}, "H4 out of step at octet 5: ACL packet of 65540 octets, at most 4096"},
		{"ISO length", []byte{ISO, 1, 0, 0xFF, 0xFF, 9}, FrameError{Offset: 5, Type: ISO, Length: 0x3FFF}, "H4 out of step at octet 5: ISO packet of 16388 octets, at most 4096"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := NewH4(stream{Reader: bytes.NewReader(append(packet(Event, 2), tt.then...))})
			b := make([]byte, MaxPacket)
			if n, err := h.ReadPacket(b); n != 5 || err != nil {
				t.Fatalf("first packet: %d, %v", n, err)
			}
			for range 2 { // and it stays so
				n, err := h.ReadPacket(b)
				var e *FrameError
				if n != 0 || !errors.As(err, &e) || err.Error() != tt.text {
					t.Fatalf("%d, %v; want %s", n, err, tt.text)
				}
				if tt.want.Cause = e.Cause; *e != tt.want {
					t.Errorf("%+v, want %+v", *e, tt.want)
				}
			}
			if err := h.WritePacket(packet(Command, 0)); !errors.As(err, new(*FrameError)) {
				t.Errorf("write on a stream out of step: %v", err)
			}
		})
	}
}

func TestH4LongestPackets(t *testing.T) {
	want := [][]byte{packet(ACL, MaxPacket-5), packet(ISO, MaxPacket-5), packet(Event, 255), packet(SCO, 255)}
	got, err := readAll(bytes.NewReader(bytes.Join(want, nil)))
	if !samePackets(got, want) {
		t.Errorf("%d packets, %v", len(got), err)
	}
}

func TestH4ReadErrors(t *testing.T) {
	broken := errors.New("line broken")
	_, err := readAll(iotest.ErrReader(broken))
	if !errors.Is(err, broken) || !errors.Is(err, ErrGone) {
		t.Errorf("%v", err)
	}
	_, err = readAll(io.MultiReader(bytes.NewReader([]byte{ACL, 1}), iotest.ErrReader(broken)))
	if want := "the controller is gone: line broken, 2 octets into the packet at octet 0"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	_, err = readAll(silent{})
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("reader that returns nothing for ever: %v", err)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

func TestH4ShortBuffer(t *testing.T) {
	h := NewH4(stream{Reader: bytes.NewReader(packet(Event, 0))})
	if _, err := h.ReadPacket(make([]byte, MaxPacket-1)); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("short buffer: %v", err)
	}
	if n, err := h.ReadPacket(make([]byte, MaxPacket)); n != 3 || err != nil { // nothing was lost
		t.Errorf("after it: %d, %v", n, err)
	}
}

func TestH4Ends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		host, controller := NewH4(a), NewH4Controller(b)
		defer host.Close()
		defer controller.Close()
		go func() {
			if err := host.WritePacket(packet(Command, 3)); err != nil {
				t.Error(err)
			}
		}()
		buf := make([]byte, MaxPacket)
		if n, err := controller.ReadPacket(buf); err != nil || !bytes.Equal(buf[:n], packet(Command, 3)) {
			t.Errorf("controller read % X, %v", buf[:n], err)
		}
		go controller.WritePacket(packet(Event, 9))
		if n, err := host.ReadPacket(buf); err != nil || !bytes.Equal(buf[:n], packet(Event, 9)) {
			t.Errorf("host read % X, %v", buf[:n], err)
		}
		go host.WritePacket(packet(Event, 0))
		if _, err := controller.ReadPacket(buf); !errors.As(err, new(*FrameError)) {
			t.Errorf("controller read an event: %v", err)
		}
	})
}

func TestH4WriteRefuses(t *testing.T) {
	var out bytes.Buffer
	h := NewH4(stream{Writer: &out})
	if err := h.WritePacket(packet(ACL, 3)[:6]); !errors.As(err, new(*PacketError)) {
		t.Errorf("half a packet: %v", err)
	}
	if err := h.WritePacket(packet(Command, 1)); err != nil || !bytes.Equal(out.Bytes(), packet(Command, 1)) {
		t.Errorf("a good one after it: % X, %v", out.Bytes(), err)
	}
}

// shortWriter takes n octets of each write, with the error err.
type shortWriter struct {
	n   int
	err error
}

func (w shortWriter) Write(p []byte) (int, error) { return min(w.n, len(p)), w.err }

// A packet half written leaves the stream out of step for good.
func TestH4WriteCutShort(t *testing.T) {
	broken := errors.New("line broken")
	for _, tt := range []struct {
		w    shortWriter
		want error
	}{{shortWriter{3, broken}, broken}, {shortWriter{3, nil}, io.ErrShortWrite}} {
		h := NewH4(stream{Reader: bytes.NewReader(packet(Event, 0)), Writer: tt.w})
		for range 2 {
			if err := h.WritePacket(packet(Command, 1)); !errors.Is(err, tt.want) || !errors.Is(err, ErrGone) {
				t.Errorf("write: %v, want %v", err, tt.want)
			}
		}
		if _, err := h.ReadPacket(make([]byte, MaxPacket)); !errors.Is(err, tt.want) {
			t.Errorf("read after it: %v", err)
		}
	}
}

// yielding writes each octet by itself, so that writers which did not wait for one another would mix.
type yielding struct{ w *io.PipeWriter }

func (y yielding) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := y.w.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestH4WritersDoNotMix(t *testing.T) {
	r, w := io.Pipe()
	host := NewH4(stream{Writer: yielding{w}})
	controller := NewH4Controller(stream{Reader: r})
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range each {
				if err := host.WritePacket(packet(ACL, 10+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	b := make([]byte, MaxPacket)
	for range writers * each {
		n, err := controller.ReadPacket(b)
		if err != nil || !bytes.Equal(b[:n], packet(ACL, n-5)) {
			t.Fatalf("% X, %v", b[:n], err)
		}
	}
	wg.Wait()
}

// Close from any state unblocks whoever is inside, and everything after it says net.ErrClosed.
func TestH4Close(t *testing.T) {
	states := map[string]func(h *H4, far net.Conn, errs chan<- error){
		"idle": func(*H4, net.Conn, chan<- error) {},
		"reading": func(h *H4, _ net.Conn, errs chan<- error) {
			go func() { _, err := h.ReadPacket(make([]byte, MaxPacket)); errs <- err }()
		},
		"reading within a packet": func(h *H4, far net.Conn, errs chan<- error) {
			go func() { _, err := h.ReadPacket(make([]byte, MaxPacket)); errs <- err }()
			far.Write([]byte{ACL, 1, 0})
		},
		"writing": func(h *H4, _ net.Conn, errs chan<- error) {
			go func() { errs <- h.WritePacket(packet(Command, 1)) }()
		},
		"two writers": func(h *H4, _ net.Conn, errs chan<- error) {
			go func() { errs <- h.WritePacket(packet(Command, 1)) }()
			go func() { errs <- h.WritePacket(packet(Command, 2)) }()
		},
		"both": func(h *H4, _ net.Conn, errs chan<- error) {
			go func() { _, err := h.ReadPacket(make([]byte, MaxPacket)); errs <- err }()
			go func() { errs <- h.WritePacket(packet(Command, 1)) }()
		},
		"gone": func(h *H4, far net.Conn, _ chan<- error) {
			far.Close()
			h.ReadPacket(make([]byte, MaxPacket))
		},
	}
	for name, enter := range states {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer far.Close()
				h := NewH4(near)
				errs := make(chan error, 2)
				enter(h, far, errs)
				synctest.Wait()
				for range 2 {
					if err := h.Close(); err != nil {
						t.Errorf("Close = %v", err)
					}
				}
				synctest.Wait()
				close(errs)
				for err := range errs {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("unblocked with %v", err)
					}
				}
				if _, err := h.ReadPacket(make([]byte, MaxPacket)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("read after Close: %v", err)
				}
				if err := h.WritePacket(packet(Command, 0)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("write after Close: %v", err)
				}
			})
		})
	}
}

// When the controller goes away, a writer that is stuck hears of it too.
func TestH4GoneUnblocksWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, rw := io.Pipe() // towards the host
		wr, w := io.Pipe() // towards a controller that does not read
		defer wr.Close()
		h := NewH4(pipes{r, w})
		errs := make(chan error, 1)
		go func() { errs <- h.WritePacket(packet(Command, 1)) }()
		synctest.Wait()
		go rw.Write([]byte{0x77})
		if _, err := h.ReadPacket(make([]byte, MaxPacket)); !errors.As(err, new(*FrameError)) {
			t.Errorf("read: %v", err)
		}
		if err := <-errs; !errors.As(err, new(*FrameError)) {
			t.Errorf("write: %v", err)
		}
	})
}

// pipes is two pipes as one ReadWriteCloser.
type pipes struct {
	*io.PipeReader
	*io.PipeWriter
}

func (p pipes) Close() error { return errors.Join(p.PipeReader.Close(), p.PipeWriter.Close()) }

// endless repeats a piece of stream for ever.
type endless struct {
	b  []byte
	at int
}

func (e *endless) Read(b []byte) (int, error) {
	n := copy(b, e.b[e.at:])
	e.at = (e.at + n) % len(e.b)
	return n, nil
}

func (e *endless) Write(b []byte) (int, error) { return len(b), nil }
func (e *endless) Close() error                { return nil }

func TestH4DoesNotAllocate(t *testing.T) {
	if raceEnabled {
		return
	}
	h := NewH4(&endless{b: bytes.Join([][]byte{packet(Event, 19), packet(ACL, 251), packet(ACL, 1000)}, nil)})
	b, out := make([]byte, MaxPacket), packet(ACL, 251)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := h.ReadPacket(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per packet read", n)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := h.WritePacket(out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per packet written", n)
	}
}

func BenchmarkH4Read(b *testing.B) {
	h := NewH4(&endless{b: packet(ACL, 251)})
	buf := make([]byte, MaxPacket)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.ReadPacket(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// Whatever comes, each packet that comes out is whole, and together they are the stream up to where it ends.
func FuzzFramer(f *testing.F) {
	f.Add([]byte{}, byte(1))
	f.Add(bytes.Join([][]byte{packet(Event, 4), packet(ACL, 20), packet(SCO, 1), packet(ISO, 3)}, nil), byte(3))
	f.Add([]byte{ACL, 1, 0, 0xFF, 0xFF}, byte(2))
	f.Add([]byte{0x7F}, byte(1))
	f.Add(packet(ACL, 300)[:200], byte(77))
	f.Fuzz(func(t *testing.T, in []byte, step byte) {
		var c chunked
		for rest := in; len(rest) > 0; {
			n := min(1+int(step), len(rest))
			c.chunks = append(c.chunks, bytes.Clone(rest[:n]))
			rest = rest[n:]
		}
		fr := framer{r: bufio.NewReaderSize(&c, streamBuffer), refused: Command}
		b := make([]byte, MaxPacket)
		at := 0
		for {
			n, err := fr.next(b)
			if err != nil {
				var e *FrameError
				if errors.As(err, &e) && (e.Offset != int64(at) || e.Type != in[at]) {
					t.Errorf("%+v, but the packet began at %d", e, at)
				}
				if !errors.As(err, &e) && !errors.Is(err, ErrGone) {
					t.Errorf("error of no kind: %v", err)
				}
				return
			}
			if err := checkPacket(b[:n], MaxPacket); err != nil {
				t.Errorf("% X: %v", b[:n], err)
			}
			if !bytes.Equal(b[:n], in[at:at+n]) {
				t.Errorf("packet % X from % X", b[:n], in[at:at+n])
			}
			at += n
		}
	})
}
