package l2cap

import (
	"context"
	"errors"
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

func newChannel(m *Mux, cid uint16, mtu int, receive func([]byte)) *Channel {
	c := &Channel{mux: m, cid: cid, mtu: mtu, receive: receive, room: make(chan struct{}, maxWaiting),
		waiting: newQueue(maxWaiting), urgent: newQueue(maxUrgent)}
	for range maxWaiting {
		c.room <- struct{}{}
	}
	return c
}

// Send queues an SDU, waiting for room; it does not keep it. It fails when ctx or the link ends.
func (c *Channel) Send(ctx context.Context, sdu []byte) error {
	if len(sdu) > c.mtu {
		return ErrTooLong
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // nothing is sent for a context that is over
	}
	select {
	case <-c.room:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.mux.done:
		return c.mux.Err()
	}
	m := c.mux
	m.mu.Lock()
	err := m.err
	if err == nil {
		c.waiting.push(c.cid, sdu)
	}
	m.mu.Unlock()
	if err == nil {
		m.link.Wake()
	}
	return err
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
	if m.err != nil {
		return 0, false
	}
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
