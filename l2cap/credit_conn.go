package l2cap

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// ErrProtocol is why a channel ended whose peer broke the rules of its flow control or segmentation.
var ErrProtocol = errors.New("l2cap: the peer broke the rules of the channel")

// Addr is a channel's address: its SPSM.
type Addr struct{ SPSM uint16 }

// Network is "l2cap".
func (Addr) Network() string { return "l2cap" }

func (a Addr) String() string { return fmt.Sprintf("0x%04X", a.SPSM) }

var _ net.Conn = (*CreditChannel)(nil)

// LocalAddr is the channel's SPSM.
func (c *CreditChannel) LocalAddr() net.Addr { return Addr{c.spsm} }

// RemoteAddr is the channel's SPSM.
func (c *CreditChannel) RemoteAddr() net.Addr { return Addr{c.spsm} }

// SPSM is what the channel was opened for.
func (c *CreditChannel) SPSM() uint16 { return c.spsm }

// MTU is the longest SDU that we receive, in octets.
func (c *CreditChannel) MTU() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mtu
}

// PeerMTU is the longest SDU that the peer receives, in octets.
func (c *CreditChannel) PeerMTU() int {
	c.mux.mu.Lock()
	defer c.mux.mu.Unlock()
	return c.peerMTU
}

// Done is closed when nothing more can be sent.
func (c *CreditChannel) Done() <-chan struct{} { return c.done }

// Err is why nothing can be sent, once Done is closed; it satisfies errors.Is for net.ErrClosed where the link or we have ended it.
func (c *CreditChannel) Err() error {
	if !isClosed(c.done) {
		return nil
	}
	return c.writeError()
}

// Read reads octets of one SDU, as many as there are or fit; the rest of it is read next. At the end it is
// io.EOF if the peer disconnected the channel, else the reason for the link's end.
func (c *CreditChannel) Read(b []byte) (int, error) {
	n, _, err := c.read(b, false)
	return n, err
}

// ReadSDU reads one SDU, which may be empty. One that does not fit in b stays, and the error is
// io.ErrShortBuffer.
func (c *CreditChannel) ReadSDU(b []byte) (int, error) {
	n, _, err := c.read(b, true)
	return n, err
}

func (c *CreditChannel) read(b []byte, whole bool) (n int, took bool, err error) {
	for {
		if c.readDeadline.passed() {
			return 0, false, os.ErrDeadlineExceeded
		}
		c.mu.Lock()
		n, took, grant, err := c.tryRead(b, whole)
		more := len(c.in) > 0 || c.err != nil
		c.mu.Unlock()
		if more {
			signal(c.readable) // for the next reader
		}
		c.grant(grant)
		if took || err != nil {
			return n, took, err
		}
		select {
		case <-c.readable:
		case <-c.readDeadline.wait():
		}
	}
}

// tryRead reads what is there: c.mu is held.
func (c *CreditChannel) tryRead(b []byte, whole bool) (n int, took bool, grant int, err error) {
	for len(c.in) > 0 {
		rest := c.in[0].sdu[c.rest:]
		switch {
		case whole && len(rest) > len(b):
			return 0, false, grant, io.ErrShortBuffer
		case !whole && len(rest) == 0:
			grant += c.consumed() // an empty SDU is nothing in a stream
			continue
		case !whole && len(b) == 0:
			return 0, true, grant, nil
		}
		n = copy(b, rest)
		if c.rest += n; c.rest == len(c.in[0].sdu) {
			grant += c.consumed()
		}
		return n, true, grant, nil
	}
	if c.err == nil && !whole && len(b) == 0 {
		return 0, true, grant, nil
	}
	return 0, false, grant, c.err
}

// Write writes octets, in SDUs as long as the peer takes.
func (c *CreditChannel) Write(b []byte) (n int, err error) {
	if err := c.takeTurn(); err != nil {
		return 0, err
	}
	defer func() { <-c.writing }()
	mtu := c.PeerMTU()
	for n < len(b) {
		part := b[n:min(len(b), n+mtu)]
		if err := c.push(part); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// WriteSDU writes one SDU, which may be empty; ErrTooLong if it is longer than the peer takes.
func (c *CreditChannel) WriteSDU(sdu []byte) error {
	if len(sdu) > c.PeerMTU() {
		return ErrTooLong
	}
	if err := c.takeTurn(); err != nil {
		return err
	}
	defer func() { <-c.writing }()
	return c.push(sdu)
}

// TryWriteSDU is WriteSDU that never waits: without room it fails with ErrQueueFull. An SDU of Write may be on both sides of it.
func (c *CreditChannel) TryWriteSDU(sdu []byte) error {
	if len(sdu) > c.PeerMTU() {
		return ErrTooLong
	}
	if isClosed(c.done) {
		return c.writeError()
	}
	select {
	case <-c.room:
	default:
		return ErrQueueFull
	}
	c.queue(sdu)
	return nil
}

// takeTurn makes the caller the one who writes.
func (c *CreditChannel) takeTurn() error {
	if c.writeDeadline.passed() {
		return os.ErrDeadlineExceeded
	}
	select {
	case c.writing <- struct{}{}:
		return nil
	case <-c.done:
		return c.writeError()
	case <-c.writeDeadline.wait():
		return os.ErrDeadlineExceeded
	}
}

// push queues an SDU when there is room.
func (c *CreditChannel) push(sdu []byte) error {
	if c.writeDeadline.passed() {
		return os.ErrDeadlineExceeded
	}
	select {
	case <-c.done:
		return c.writeError()
	default:
	}
	select {
	case <-c.room:
	case <-c.done:
		return c.writeError()
	case <-c.writeDeadline.wait():
		return os.ErrDeadlineExceeded
	}
	c.queue(sdu)
	return nil
}

// queue queues an SDU for which there is room.
func (c *CreditChannel) queue(sdu []byte) {
	m := c.mux
	m.mu.Lock()
	at := (c.head + c.n) % len(c.out)
	c.out[at] = append(c.out[at][:0], sdu...)
	c.n++
	m.mu.Unlock()
	m.link.Wake()
}

// writeError is why nothing can be written.
func (c *CreditChannel) writeError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || c.err == io.EOF {
		return io.ErrClosedPipe
	}
	return c.err
}

// SetDeadline implements net.Conn.
func (c *CreditChannel) SetDeadline(t time.Time) error {
	c.readDeadline.set(t)
	c.writeDeadline.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *CreditChannel) SetReadDeadline(t time.Time) error {
	c.readDeadline.set(t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *CreditChannel) SetWriteDeadline(t time.Time) error {
	c.writeDeadline.set(t)
	return nil
}
