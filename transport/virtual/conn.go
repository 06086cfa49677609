package virtual

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// errClosed is why a Conn ended that its host, or its air, closed.
var errClosed = net.ErrClosed

// A conn is the host's side of a controller, from power on to power off. The air's mutex guards it.
type conn struct {
	c     *Controller
	ready sync.Cond // something is queued, or err is set
	queue hostQueue
	late  alarm // the first packet may be read, if that has to wait
	err   error // why it ended
}

var _ transport.Conn = (*conn)(nil)

func newConn(c *Controller) *conn {
	h := &conn{c: c}
	h.ready.L = &c.air.mu
	h.late.fire = h.ready.Signal
	return h
}

// Format implements fmt.Formatter: what is queued may hold keys.
func (h *conn) Format(f fmt.State, _ rune) { io.WriteString(f, "virtual:"+h.c.name) }

// end makes reads and writes fail from now on.
func (h *conn) end(why error) {
	h.err = fmt.Errorf("virtual controller %s: %w", h.c.name, why)
	h.queue = hostQueue{}
	h.c.air.unset(&h.late)
	h.ready.Broadcast()
}

// ReadPacket implements transport.Conn.
func (h *conn) ReadPacket(b []byte) (int, error) {
	h.c.air.mu.Lock()
	defer h.c.air.mu.Unlock()
	for h.err == nil && !h.readable() {
		h.ready.Wait()
	}
	if h.err != nil {
		return 0, h.err
	}
	p := h.queue.pop()
	if len(p) > len(b) {
		return 0, fmt.Errorf("virtual controller %s: a packet of %d octets: %w", h.c.name, len(p), io.ErrShortBuffer)
	}
	n := copy(b, p)
	h.c.ledger.read(b[:n])
	h.c.drained()
	return n, nil
}

// readable tells whether there is a packet that may be read. For one that has to wait, the alarm is set.
func (h *conn) readable() bool {
	a := h.c.air
	if h.queue.octets() > 0 && h.queue.readable() > a.now {
		a.catchUp()
		if h.queue.octets() > 0 && h.queue.readable() > a.now {
			a.set(&h.late, h.queue.readable())
			a.arm()
			return false
		}
	}
	return h.queue.octets() > 0
}

// postpone sets when what is queued next may be read.
func (c *Controller) postpone() {
	if a, q := c.air, &c.conn.queue; a.config.Latency > 0 {
		q.due = max(q.due, a.now+a.later(a.config.Latency))
	}
}

// A PacketError is a packet that no controller could take for one: of no type that a host sends, or of another
// length than it says itself.
type PacketError struct {
	Packet []byte // its first octets
	Err    error
}

func (e *PacketError) Error() string { return fmt.Sprintf("virtual: packet % X: %v", e.Packet, e.Err) }

// Unwrap returns Err.
func (e *PacketError) Unwrap() error { return e.Err }

// packetShown is how much of a bad packet its error keeps, in octets.
const packetShown = 8

// WritePacket implements transport.Conn. It refuses what is no packet with a *PacketError; everything else is the
// controller's to judge.
func (h *conn) WritePacket(p []byte) error {
	a := h.c.air
	a.enter()
	defer a.leave()
	if h.err != nil {
		return h.err
	}
	if err := h.c.take(p); err != nil {
		h.c.counters.Malformed++
		return &PacketError{Packet: append([]byte(nil), p[:min(len(p), packetShown)]...), Err: err}
	}
	return nil
}

// Close implements transport.Conn: the controller is powered off.
func (h *conn) Close() error {
	h.c.air.enter()
	defer h.c.air.leave()
	if h.err == nil {
		h.c.powerOff(errClosed)
	}
	return nil
}

// take gives a packet of the host to the part of the controller that it is for.
func (c *Controller) take(p []byte) error {
	if len(p) == 0 || len(p) > transport.MaxPacket {
		return fmt.Errorf("%d octets", len(p))
	}
	switch p[0] {
	case hci.CommandPacket:
		f, err := hci.ParseCommand(p[1:])
		if err == nil {
			c.takeCommand(f)
		}
		return err
	case hci.ACLPacket:
		f, err := hci.ParseACL(p[1:])
		if err == nil {
			err = c.takeACL(f)
		}
		return err
	case hci.SCOPacket, hci.ISOPacket:
		c.counters.Malformed++ // there is no link that they could be for
		return nil
	}
	return errors.New("no packet type of a host")
}

// push queues a packet for the host.
func (c *Controller) push(p []byte) {
	h := c.conn
	if h == nil {
		return
	}
	if h.queue.octets()+headOctets+len(p) > maxUnread {
		c.counters.EventsDropped++
		return
	}
	c.postpone()
	h.queue.push(p)
	h.ready.Signal()
}

// drained lets the links go on that had waited for the host to read.
func (c *Controller) drained() {
	if !c.stalled || c.conn.queue.acl > maxUnreadACL/2 {
		return
	}
	c.air.catchUp()
	c.resume()
	c.air.run(c.air.now)
	c.air.arm()
}

// resume lets the links try again that had to wait for the host.
func (c *Controller) resume() {
	c.stalled = false
	for _, e := range c.ends {
		e.link.schedule()
	}
}
