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
	case <-c.room: // there is some, which is quick to see
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

// front and sent implement source, for what waits.
func (c *Channel) front() []byte {
	if c.waiting.n == 0 {
		return nil
	}
	return c.waiting.front()
}

func (c *Channel) sent() {
	c.waiting.pop()
	c.room <- struct{}{} // never waits: there is one token for each place
}

// urgent is a channel as the source of what is urgent.
type urgent struct{ *Channel }

func (u urgent) front() []byte {
	if u.Channel.urgent.n == 0 {
		return nil
	}
	return u.Channel.urgent.front()
}

func (u urgent) sent() { u.Channel.urgent.pop() }
