package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// H5Config are the choices that NewH5 leaves to its caller. The zero value works.
type H5Config struct {
	// Window is how many reliable packets may be unacknowledged, 1 to 7. If zero, 4. The peer may lower it.
	Window int
	// NoCRC does without a data integrity check. If false, it is used with a peer that can do it too; without it
	// nothing tells that a packet's content was damaged on the line. Link establishment is never checked, so that
	// noise in just these octets may turn the check off.
	NoCRC bool
	// SoftwareFlow offers to be held up by XOFF. If false, these octets are data. This end never sends them.
	SoftwareFlow bool
	// LinkTimeout is how long packets may go unacknowledged, and octets unwritten, until the link is given up. If
	// zero, 5 s.
	LinkTimeout time.Duration
	// Sleep is how long nothing comes or goes until this end says that it sleeps. If zero, it never does. Either
	// way the peer may sleep, and is woken.
	Sleep time.Duration
	// Baud is the line's rate in bits per second, from which follows when what was written has left. If zero, it
	// has left when Write returns.
	Baud int
	// Log hears what was agreed on. If nil, silence.
	Log *logrus.Logger
}

const (
	h5ReadSize   = 4096 // octets taken from the line at once
	h5Unread     = 32   // packets kept for a reader that is late
	h5Late       = 20   // from so many on they are not acknowledged, which leaves room for what the window allows
	h5EmptyReads = 100  // reads in a row that may return nothing
)

// An H5 is a Conn over a three-wire UART: packets in frames that are numbered, acknowledged and sent again
// (Vol 4, Part D). It is made for lines that lose octets.
//
// When the peer is reset, the H5 ends with ErrPeerReset. Nothing of the old link is of any use then: a new H5 over the
// line, opened again, and HCI_Reset are the way on, as after any other error.
type H5 struct {
	ending
	rw   io.ReadWriteCloser
	link h5link // owner: run

	chunks    chan h5chunk  // from read to run
	frames    chan []byte   // from run to write, one at a time
	written   chan error    // from write to run, an answer for each
	slots     chan []byte   // memory for packets to send: from run to WritePacket
	submitted chan []byte   // and back, filled
	packets   chan []byte   // from run to ReadPacket
	spare     chan []byte   // and back, read
	caughtUp  chan struct{} // from ReadPacket to run: not late any more
	up        chan struct{} // closed once the link is active
	quit      chan struct{} // closed at the end
	running   sync.WaitGroup

	mu       sync.Mutex // guards what follows, which run writes
	terms    H5Link
	counters H5Counters
}

// An h5chunk is what one Read returned.
type h5chunk struct {
	b   []byte
	err error
}

// NewH5 establishes a link as the host, over a line that it owns from then on; closing rw must unblock its Read and
// Write. ctx bounds the establishing, not the life of the Conn. The error is an *H5Error, with the context's
// if the controller does not answer; rw is closed then.
func NewH5(ctx context.Context, rw io.ReadWriteCloser, cfg H5Config) (*H5, error) {
	return newH5(ctx, rw, cfg, Command)
}

// NewH5Controller establishes a link as the controller, for whoever serves one.
func NewH5Controller(ctx context.Context, rw io.ReadWriteCloser, cfg H5Config) (*H5, error) {
	return newH5(ctx, rw, cfg, Event)
}

func newH5(ctx context.Context, rw io.ReadWriteCloser, cfg H5Config, ours byte) (*H5, error) {
	h := &H5{
		rw:        rw,
		chunks:    make(chan h5chunk),
		frames:    make(chan []byte, 1),
		written:   make(chan error, 1),
		slots:     make(chan []byte, h5MaxWindow),
		submitted: make(chan []byte, h5MaxWindow),
		packets:   make(chan []byte, h5Unread),
		spare:     make(chan []byte, h5Unread),
		caughtUp:  make(chan struct{}, 1),
		up:        make(chan struct{}),
		quit:      make(chan struct{}),
	}
	h.ending.shut = func() error { close(h.quit); return rw.Close() }
	for range h5MaxWindow {
		h.slots <- nil
	}
	h.link = cfg.link()
	h.link.ours, h.link.deliver, h.link.late = ours, h.deliver, h.late
	h.link.release = func(slot []byte) { h.slots <- slot }
	h.link.lineErrors = h.lineErrors
	h.running.Go(func() { h.run(ctx) })
	h.running.Go(h.read)
	h.running.Go(h.write)

	select {
	case <-h.up:
		if cfg.Log != nil && cfg.Log.IsLevelEnabled(logrus.DebugLevel) {
			cfg.Log.WithField("terms", fmt.Sprintf("%+v", h.Link())).Debug("H5 link established")
		}
		return h, nil
	case <-h.quit:
		h.running.Wait()
		return nil, h.over()
	}
}

// link returns a link's first state, the zero values replaced.
func (c H5Config) link() h5link {
	l := h5link{
		offer:   H5Link{Window: c.Window, CRC: !c.NoCRC, SoftwareFlow: c.SoftwareFlow},
		timeout: c.LinkTimeout,
		sleep:   c.Sleep,
		baud:    c.Baud,
	}
	if l.offer.Window == 0 {
		l.offer.Window = h5UsualWindow
	}
	l.offer.Window = min(max(l.offer.Window, 1), h5MaxWindow)
	if l.timeout == 0 {
		l.timeout = h5Timeout
	}
	return l
}

// ReadPacket implements Conn. Packets that came before the end of the link are returned before its error.
func (h *H5) ReadPacket(b []byte) (int, error) {
	if err := checkBuffer(b); err != nil {
		return 0, err
	}
	p, err := h.next()
	if err != nil {
		return 0, err
	}
	n := copy(b, p)
	select {
	case h.spare <- p:
	default:
	}
	if len(h.packets) == h5Late-1 { // on the way down no number is left out
		select {
		case h.caughtUp <- struct{}{}:
		default:
		}
	}
	return n, nil
}

// next waits for a packet.
func (h *H5) next() ([]byte, error) {
	if err := h.over(); errors.Is(err, net.ErrClosed) {
		return nil, err
	}
	select {
	case p := <-h.packets:
		return p, nil
	case <-h.quit:
	}
	select { // nothing is added any more
	case p := <-h.packets:
		return p, nil
	default:
		return nil, h.over()
	}
}

// WritePacket implements Conn. It returns when the packet waits for its turn to be sent, for which there is room for as
// many packets as the largest window has; otherwise it waits for acknowledgements, LinkTimeout for each at most.
func (h *H5) WritePacket(p []byte) error {
	if err := checkPacket(p, MaxPacket); err != nil {
		return err
	}
	if err := h.over(); err != nil {
		return err
	}
	select {
	case slot := <-h.slots:
		h.submitted <- append(slot[:0], p...) // has room for all the slots there are
		return nil
	case <-h.quit:
		return h.over()
	}
}

// Close implements Conn. Packets that were not sent are dropped.
func (h *H5) Close() error {
	err := h.ending.Close()
	h.running.Wait()
	return err
}

// Link returns what both ends agreed on.
func (h *H5) Link() H5Link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.terms
}

// Counters returns what happened so far.
func (h *H5) Counters() H5Counters {
	h.mu.Lock()
	c := h.counters
	h.mu.Unlock()
	c.Line = h.lineErrors()
	return c
}

// lineErrors returns what a serial line counted.
func (h *H5) lineErrors() LineErrors {
	if l, ok := h.rw.(interface{ lineErrors() LineErrors }); ok {
		return l.lineErrors()
	}
	return LineErrors{}
}

// run owns the link. It waits for nothing but what comes to it. ctx bounds the establishing.
func (h *H5) run(ctx context.Context) {
	h.link.start(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	up := h.up
	var err error
	for out := []byte(nil); err == nil; err = h.await(ctx, timer) {
		now := time.Now()
		if out = h.link.output(out[:0], now); len(out) > 0 {
			h.frames <- out // has room: the link gives nothing out before this was written
		}
		h.publish()
		if up != nil && h.link.state == h5Active {
			close(up)
			up, ctx = nil, context.Background()
		}
		if d := h.link.deadline(); d.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(d.Sub(now))
		}
	}
	h.publish()
	h.fail(err)
}

// await hands the link what happens next.
func (h *H5) await(ctx context.Context, timer *time.Timer) (err error) {
	select {
	case c := <-h.chunks:
		if err = h.link.receive(c.b, time.Now()); err == nil && c.err != nil {
			err = h.link.failure(fmt.Errorf("%w: %w", ErrGone, c.err), "read")
		}
	case slot := <-h.submitted:
		h.link.submit(slot, time.Now())
	case err = <-h.written:
		h.link.wrote(time.Now())
		if err != nil {
			err = h.link.failure(fmt.Errorf("%w: %w", ErrGone, err), "write")
		}
	case <-h.caughtUp:
		h.link.caughtUp()
	case <-timer.C:
	case <-ctx.Done():
		return h.link.failure(ctx.Err(), "%s", h.link.silence())
	case <-h.quit:
		return errClosed
	}
	if err == nil {
		err = h.link.tick(time.Now())
	}
	return err
}

// publish shows the link's state to others.
func (h *H5) publish() {
	h.mu.Lock()
	h.terms, h.counters = h.link.terms(), h.link.counters
	h.mu.Unlock()
}

// deliver queues a packet for ReadPacket, if there is room. It is run's alone, so that the room stays.
func (h *H5) deliver(typ byte, payload []byte) bool {
	if len(h.packets) == cap(h.packets) {
		return false
	}
	var b []byte
	select {
	case b = <-h.spare:
	default:
	}
	h.packets <- append(append(b[:0], typ), payload...)
	return true
}

func (h *H5) late() bool { return len(h.packets) >= h5Late }

// read hands over what comes. The octets of a chunk are run's until it takes the next one.
func (h *H5) read() {
	var buffers [2][h5ReadSize]byte
	for i, empty := 0, 0; empty < h5EmptyReads; {
		n, err := h.rw.Read(buffers[i][:])
		if n == 0 && err == nil {
			if empty++; empty < h5EmptyReads {
				continue
			}
			err = io.ErrNoProgress
		} else {
			empty = 0
		}
		select {
		case h.chunks <- h5chunk{buffers[i][:n], err}:
		case <-h.quit:
			return
		}
		if err != nil {
			return
		}
		i ^= 1
	}
}

// write writes what it is given. It may wait for as long as the line lets it.
func (h *H5) write() {
	for {
		select {
		case b := <-h.frames:
			n, err := h.rw.Write(b)
			if err == nil && n < len(b) {
				err = io.ErrShortWrite
			}
			h.written <- err // has room: one at a time
		case <-h.quit:
			return
		}
	}
}
