package l2cap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Bounds of a channel's queues, in PDUs.
const (
	maxWaiting = 16 // sent by Send and not yet pulled
	maxUrgent  = 16 // sent by SendUrgent and not yet pulled
)

// ErrQueueFull says that a peer makes us answer faster than it takes answers.
var ErrQueueFull = errors.New("l2cap: urgent queue full")

// ErrTooLong says that an SDU is longer than its channel's maximum.
var ErrTooLong = errors.New("l2cap: SDU longer than the channel's MTU")

// Config is what a Mux may be told.
type Config struct {
	// AcceptParameters decides, as central, whether a peripheral's wish for other connection parameters is
	// granted; if nil, every wish that the specification allows is. It is called on the controller's loop.
	AcceptParameters func(Parameters) bool
}

// Mux is the L2CAP of one connection. Its receiving side belongs to the controller's loop; its sending side
// is shared by senders and the controller's writer, under a lock that nobody holds while waiting.
type Mux struct {
	link Link
	cfg  Config

	in         recombiner  // the controller's loop
	channels   [3]*Channel // by CID from 4 on; set before the first fragment
	signalling *signalling
	unknown    uint64 // PDUs for channels that are not open: the controller's loop

	mu      sync.Mutex // guards all below, and every channel's queues
	err     error      // why the link ended
	partial []byte     // what is left of the PDU being sent
	from    *Channel   // and whose it is
	urgent  bool       // and from which of its queues
	turn    int        // the channel whose turn it is for ordinary PDUs

	done chan struct{}
}

// New makes the L2CAP of a connection, with its signalling channel open.
func New(link Link, cfg Config) *Mux {
	m := &Mux{link: link, cfg: cfg, done: make(chan struct{})}
	m.signalling = newSignalling(m)
	return m
}

// Channel is a fixed channel.
type Channel struct {
	mux     *Mux
	cid     uint16
	mtu     int
	receive func(sdu []byte)

	room    chan struct{} // a token for each free place in waiting
	waiting queue
	urgent  queue
}

// Open opens the fixed channel cid, for SDUs of up to mtu octets in either direction. It must be called
// before the first fragment arrives; receive is called on the controller's loop, must not wait, and has
// the SDU only during the call.
func (m *Mux) Open(cid uint16, mtu int, receive func(sdu []byte)) (*Channel, error) {
	i := int(cid) - int(CIDATT)
	if i < 0 || i >= len(m.channels) {
		return nil, fmt.Errorf("l2cap: channel 0x%04X is not a fixed channel of LE", cid)
	}
	if m.channels[i] != nil {
		return nil, fmt.Errorf("l2cap: channel 0x%04X is open already", cid)
	}
	c := &Channel{mux: m, cid: cid, mtu: mtu, receive: receive, room: make(chan struct{}, maxWaiting),
		waiting: newQueue(maxWaiting), urgent: newQueue(maxUrgent)}
	for range maxWaiting {
		c.room <- struct{}{}
	}
	m.channels[i] = c
	m.in.limit = max(m.in.limit, headerLength+mtu)
	return c, nil
}

// HandleFragment takes what the controller received; start tells a first fragment from a continuing one.
func (m *Mux) HandleFragment(start bool, data []byte) {
	cid, sdu, ok := m.in.add(start, data)
	if !ok {
		return
	}
	i := int(cid) - int(CIDATT)
	if i < 0 || i >= len(m.channels) || m.channels[i] == nil {
		m.unknown++
		return
	}
	c := m.channels[i]
	if len(sdu) > c.mtu {
		m.in.stats.TooLong++
		if cid == CIDSignalling {
			m.signalling.tooLong(sdu)
		}
		return
	}
	c.receive(sdu)
}

// Send queues an SDU, waiting for room; it does not keep it. It fails when ctx or the link ends.
func (c *Channel) Send(ctx context.Context, sdu []byte) error {
	if len(sdu) > c.mtu {
		return ErrTooLong
	}
	select {
	case <-c.room:
	default:
		select {
		case <-c.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.mux.done:
			return c.mux.Err()
		}
	}
	m := c.mux
	m.mu.Lock()
	if m.err != nil {
		m.mu.Unlock()
		return m.err
	}
	c.waiting.push(c.cid, sdu)
	m.mu.Unlock()
	m.link.Wake()
	return nil
}

// SendUrgent queues an SDU ahead of all that Send queued, and never waits. It fails with ErrQueueFull, or
// with the link's end.
func (c *Channel) SendUrgent(sdu []byte) error {
	if len(sdu) > c.mtu {
		return ErrTooLong
	}
	m := c.mux
	m.mu.Lock()
	err := m.err
	if err == nil && c.urgent.full() {
		err = ErrQueueFull
	}
	if err == nil {
		c.urgent.push(c.cid, sdu)
	}
	m.mu.Unlock()
	if err == nil {
		m.link.Wake()
	}
	return err
}

// NextFragment copies the next fragment to go out into b and tells its length, 0 when there is none, and
// whether it is the first of its PDU. The controller's writer calls it, with b as long as Link.MTU.
func (m *Mux) NextFragment(b []byte) (n int, start bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.from == nil {
		if !m.pick() {
			return 0, false
		}
		start = true
	}
	n = copy(b, m.partial)
	m.partial = m.partial[n:]
	if len(m.partial) == 0 {
		m.sent()
	}
	return n, start
}

// pick chooses the next PDU: what is urgent first, signalling and SMP before ATT, then the channels in turn.
func (m *Mux) pick() bool {
	if m.err != nil {
		return false
	}
	for i := len(m.channels) - 1; i >= 0; i-- {
		if c := m.channels[i]; c != nil && c.urgent.n > 0 {
			m.from, m.urgent, m.partial = c, true, c.urgent.front()
			return true
		}
	}
	for i := range m.channels {
		at := (m.turn + i) % len(m.channels)
		if c := m.channels[at]; c != nil && c.waiting.n > 0 {
			m.from, m.urgent, m.partial, m.turn = c, false, c.waiting.front(), at+1
			return true
		}
	}
	return false
}

// sent frees the place of the PDU whose last fragment went out.
func (m *Mux) sent() {
	c := m.from
	m.from, m.partial = nil, nil
	if m.urgent {
		c.urgent.pop()
		return
	}
	c.waiting.pop()
	c.room <- struct{}{} // never waits: there is one token for each place
}

// Close ends the Mux with the reason that its senders are told. Only the first call counts.
func (m *Mux) Close(reason error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return
	}
	if reason == nil {
		reason = net.ErrClosed
	}
	m.err = reason
	close(m.done)
}

// Done is closed when the link has ended.
func (m *Mux) Done() <-chan struct{} { return m.done }

// Err is why the link ended, nil while it has not.
func (m *Mux) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
