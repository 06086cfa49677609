package driver_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// wire is a transport that allocates nothing: commands are answered as at any start-up, and ACL data goes to
// and from a test.
type wire struct {
	answer hcitest.Responder
	in     chan []byte // to the host
	out    chan int    // lengths of ACL packets of the host
	closed chan struct{}
	once   sync.Once
}

func newWire(s hcitest.Settings) *wire {
	return &wire{answer: hcitest.StartUp(s), in: make(chan []byte, 16), out: make(chan int, 16), closed: make(chan struct{})}
}

func (w *wire) ReadPacket(b []byte) (int, error) {
	select {
	case p := <-w.in:
		return copy(b, p), nil
	case <-w.closed:
		return 0, net.ErrClosed
	}
}

func (w *wire) WritePacket(p []byte) error {
	if p[0] == hci.ACLPacket {
		w.out <- len(p)
		return nil
	}
	f, err := hci.ParseCommand(p[1:])
	if err != nil {
		return err
	}
	answers, _ := w.answer(f)
	for _, a := range answers {
		w.in <- a
	}
	return nil
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// hotLink is a handler that only counts.
type hotLink struct {
	link
	waiting  atomic.Int64
	received chan int
}

func (l *hotLink) HandleFragment(_ bool, data []byte) { l.received <- len(data) }

func (l *hotLink) NextFragment(b []byte) (int, bool) {
	if l.waiting.Load() == 0 {
		return 0, false
	}
	l.waiting.Add(-1)
	return copy(b, "a fragment of 27 octets...."), true
}

type hotHost struct {
	host
	made chan *hotLink
}

func (h *hotHost) HandleConnection(c *driver.Conn) driver.ConnHandler {
	l := &hotLink{link: link{conn: c}, received: make(chan int, 16)}
	h.made <- l
	return l
}

// hot is a started controller with one connection of handle 64, and how data goes in and out of it.
func hot(t testing.TB, s hcitest.Settings) (in, out func()) {
	t.Helper()
	s.ACLBuffers = 4
	w, h := newWire(s), &hotHost{made: make(chan *hotLink, 1)}
	c, err := driver.Open(t.Context(), w, driver.Config{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	w.in <- hci.AppendEvent(nil, connected(64, hci.Peripheral))
	l := <-h.made
	packet := hci.AppendACL(nil, hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: make([]byte, 27)})
	completed := hci.AppendEvent(nil, hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 1}))
	in = func() {
		w.in <- packet
		if n := <-l.received; n != 27 {
			t.Errorf("%d octets", n)
		}
	}
	out = func() {
		l.waiting.Add(1)
		l.conn.Wake()
		if n := <-w.out; n != 32 {
			t.Errorf("%d octets", n)
		}
		w.in <- completed
	}
	return in, out
}

// ACL data goes from the transport to the handler, and from the handler to the transport, without an
// allocation in steady state.
func TestHotPathAllocatesNothing(t *testing.T) {
	for _, s := range []hcitest.Settings{{}, {HostFlow: true}} {
		in, out := hot(t, s)
		for name, f := range map[string]func(){"in": in, "out": out, "both": func() { in(); out() }} {
			for range 2000 { // until every buffer is there
				f()
			}
			if n := testing.AllocsPerRun(500, f); n != 0 && !raceEnabled {
				t.Errorf("%s, %+v: %v allocations for each packet", name, s, n)
			}
		}
	}
}

func BenchmarkACLIn(b *testing.B) {
	in, _ := hot(b, hcitest.Settings{})
	b.ReportAllocs()
	for b.Loop() {
		in()
	}
}

func BenchmarkACLOut(b *testing.B) {
	_, out := hot(b, hcitest.Settings{})
	b.ReportAllocs()
	for b.Loop() {
		out()
	}
}
