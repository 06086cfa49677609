package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

// h5Pair connects two ends of ours over a line without faults, and closes them at the end of the test.
func h5Pair(t testing.TB, host, controller H5Config) (h, c *H5) {
	t.Helper()
	near, far := net.Pipe()
	return h5Connect(t, near, far, host, controller)
}

// h5Connect establishes a link between two ends of a line.
func h5Connect(t testing.TB, near, far io.ReadWriteCloser, host, controller H5Config) (h, c *H5) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if c, err = NewH5Controller(ctx, far, controller); err != nil {
			t.Errorf("controller: %v", err)
		}
	})
	h, err := NewH5(ctx, near, host)
	wg.Wait()
	if err != nil {
		t.Errorf("host: %v", err)
	}
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() { h.Close(); c.Close() })
	return h, c
}

// A rawPeer is the far end of a line, in the hands of a test.
type rawPeer struct {
	t    testing.TB
	line net.Conn
	slip slipDecoder
	rest []byte
	b    [8192]byte
}

func (r *rawPeer) send(packets ...h5packet) {
	for _, p := range packets {
		r.line.Write(p.appendTo(nil, false))
	}
}

// receive waits for a packet. It returns false at the end of the line.
func (r *rawPeer) receive() (h5packet, bool) {
	for {
		for len(r.rest) > 0 {
			var frame []byte
			if frame, r.rest = r.slip.next(r.rest); frame == nil {
				continue
			}
			p, err := parseH5(frame)
			if err != nil {
				r.t.Errorf("% X: %v", frame, err)
			}
			return p, true
		}
		n, err := r.line.Read(r.b[:])
		if err != nil {
			return h5packet{}, false
		}
		r.rest = r.b[:n]
	}
}

// establish answers as a controller would that waits to be asked.
func (r *rawPeer) establish(config ...byte) {
	for {
		p, ok := r.receive()
		if !ok {
			return
		}
		switch brief([]h5packet{p}) {
		case "SYNC":
			r.send(control(h5SyncRsp))
		default:
			r.send(control(h5ConfRsp, config...))
			return
		}
	}
}

// drain reads until the end of the line.
func (r *rawPeer) drain() {
	for {
		if _, ok := r.receive(); !ok {
			return
		}
	}
}

// h5Raw establishes a host's link with a raw peer.
func h5Raw(t testing.TB, cfg H5Config, config ...byte) (*H5, *rawPeer) {
	t.Helper()
	near, far := net.Pipe()
	r := &rawPeer{t: t, line: far}
	var wg sync.WaitGroup
	wg.Go(func() { r.establish(config...) })
	h, err := NewH5(t.Context(), near, cfg)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(); far.Close() })
	return h, r
}

// Packets of every type and length go both ways at once and arrive in order, with every window.
func TestH5Carries(t *testing.T) {
	for window := 1; window <= h5MaxWindow; window++ {
		synctest.Test(t, func(t *testing.T) {
			h, c := h5Pair(t, H5Config{Window: window, NoCRC: window%2 == 0}, H5Config{Window: 7})
			if h.Link() != (H5Link{Window: window, CRC: window%2 == 1}) || h.Link() != c.Link() {
				t.Errorf("%+v and %+v", h.Link(), c.Link())
			}
			lengths := []int{0, 1, 2, 11, 16, 19, 27, 192, 219, 250, 251, 255}
			long := []int{256, 1000, 1023, h5MaxPayload - 4}
			var down, up [][]byte
			for _, n := range lengths {
				down = append(down, packet(Command, n), packet(ACL, n), packet(ISO, n))
				up = append(up, packet(Event, n), packet(ACL, n))
			}
			for _, n := range long {
				down = append(down, packet(ACL, n))
				up = append(up, packet(ACL, n), packet(ISO, n))
			}
			var wg sync.WaitGroup
			exchange := func(from, to *H5, packets [][]byte) {
				wg.Go(func() {
					for _, p := range packets {
						if err := from.WritePacket(p); err != nil {
							t.Error(err)
						}
					}
				})
				wg.Go(func() {
					b := make([]byte, MaxPacket)
					for i, p := range packets {
						if n, err := to.ReadPacket(b); err != nil || !bytes.Equal(b[:n], p) {
							t.Errorf("packet %d: %d octets of %d, %v", i, n, len(p), err)
							return
						}
					}
				})
			}
			begin := time.Now()
			exchange(h, c, down)
			exchange(c, h, up)
			wg.Wait()
			if d := time.Since(begin); d != 0 {
				t.Errorf("something waited for %v", d)
			}
			if got := h.Counters(); got.Resent+got.Damaged+got.Repeated+got.BadAcks != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestH5WritersDoNotMix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := h5Pair(t, H5Config{}, H5Config{})
		const writers, each = 5, 40
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				p := packet(ACL, 10+i)
				for range each {
					if err := h.WritePacket(p); err != nil {
						t.Error(err)
					}
				}
				clear(p) // WritePacket does not keep it
			})
		}
		b, seen := make([]byte, MaxPacket), [writers]int{}
		for range writers * each {
			n, err := c.ReadPacket(b)
			if err != nil || !bytes.Equal(b[:n], packet(ACL, n-5)) {
				t.Fatalf("% X, %v", b[:n], err)
			}
			seen[n-5-10]++
		}
		wg.Wait()
		for i, n := range seen {
			if n != each {
				t.Errorf("writer %d: %d packets", i, n)
			}
		}
	})
}

// A reader that is late gets everything all the same. The peer is held up, and goes on at once when it is read again.
func TestH5LateReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := h5Pair(t, H5Config{}, H5Config{Window: 7})
		const packets = 5 * h5Unread
		var written atomic.Int32
		go func() {
			for i := range packets {
				if err := c.WritePacket(packet(ACL, i)); err != nil {
					t.Error(err)
				}
				written.Add(1)
			}
		}()
		time.Sleep(3100 * time.Millisecond) // not when the peer tries again
		if n := written.Load(); n > h5Late+h5MaxWindow+h5MaxWindow {
			t.Errorf("%d packets written, though nobody reads", n)
		}
		before := time.Now()
		b := make([]byte, MaxPacket)
		for i := range packets {
			if n, err := h.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(ACL, i)) {
				t.Fatalf("packet %d: % X, %v", i, b[:n], err)
			}
		}
		if d := time.Since(before); d != 0 {
			t.Errorf("reading took %v", d)
		}
		if got := h.Counters(); got.Refused != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// Both ends sleep and wake as they have something to say, and nothing is lost or sent twice.
func TestH5BothSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := h5Pair(t, H5Config{Sleep: time.Second}, H5Config{Sleep: 700 * time.Millisecond})
		b := make([]byte, MaxPacket)
		say := func(from, to *H5, i int) {
			t.Helper()
			if err := from.WritePacket(packet(ACL, i)); err != nil {
				t.Fatal(err)
			}
			if n, err := to.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(ACL, i)) {
				t.Fatalf("packet %d: % X, %v", i, b[:n], err)
			}
		}
		for i := range 60 {
			begin := time.Now()
			switch i % 3 {
			case 0:
				say(h, c, i)
			case 1:
				say(c, h, i)
			case 2: // both at once
				go h.WritePacket(packet(ACL, i))
				say(c, h, i)
				if n, err := c.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(ACL, i)) {
					t.Fatalf("packet %d: % X, %v", i, b[:n], err)
				}
			}
			if d := time.Since(begin); d > h5WakeBeat {
				t.Errorf("packet %d took %v", i, d)
			}
			time.Sleep(time.Duration(i%7) * 300 * time.Millisecond)
		}
		for _, end := range []*H5{h, c} {
			if got := end.Counters(); got.Resent+got.Repeated+got.BadAcks+got.Damaged != 0 {
				t.Errorf("%+v", got)
			}
		}
	})
}

func TestH5Refuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, c := h5Pair(t, H5Config{}, H5Config{})
		if err := h.WritePacket(packet(ACL, 3)[:6]); !errors.As(err, new(*PacketError)) {
			t.Errorf("half a packet: %v", err)
		}
		if err := h.WritePacket(nil); !errors.As(err, new(*PacketError)) {
			t.Errorf("nothing: %v", err)
		}
		go c.WritePacket(packet(Event, 0))
		if _, err := h.ReadPacket(make([]byte, MaxPacket-1)); !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("short buffer: %v", err)
		}
		if n, err := h.ReadPacket(make([]byte, MaxPacket)); n != 3 || err != nil { // nothing was lost
			t.Errorf("after it: %d, %v", n, err)
		}
	})
}

func TestH5Log(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		log := logrus.New()
		log.Out, log.Level = &text, logrus.DebugLevel
		h5Pair(t, H5Config{Log: log}, H5Config{})
		if !strings.Contains(text.String(), "Window:4 CRC:true") {
			t.Errorf("%s", text.String())
		}
	})
}
