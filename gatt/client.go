package gatt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jelling-ble/jelling/att"
)

// DefaultQueue is how many octets of values wait for their handlers at most, if [Config] does not say otherwise.
const DefaultQueue = 256 << 10

const (
	// valueHeader is what stands before the value in a response to a read, in octets.
	valueHeader = 1
	// writeHeader is what stands before the value in a write, in octets.
	writeHeader = 3
	// prepareHeader is what stands before the value in a prepared write, in octets.
	prepareHeader = 5
)

// A Client asks the server of the peer. Its methods may be called from any goroutine. Cancelling a context frees the
// caller; the request stays open until its answer, and the bearer stays good.
//
// Errors are those of package att: an [*att.Error] when the server refuses, a [*att.ClosedError] when the link ends.
type Client struct {
	conn *Conn

	preparing chan struct{} // full while a long write goes on: the server has one queue for us
	prepared  bool          // parts may lie in that queue. Owned by whoever has preparing

	wake chan struct{} // one token when there is something to deliver

	mu    sync.Mutex // of what follows; held for moments only
	subs  map[uint16]*Subscription
	made  uint16 // subscriptions so far
	queue queue
	stats ClientStats
	slow  error // why the queue takes nothing more
	ended bool  // the last value has been delivered
}

func newClient(c *Conn) *Client {
	size := c.cfg.Queue
	if size == 0 {
		size = DefaultQueue
	}
	return &Client{
		conn:      c,
		preparing: make(chan struct{}, 1),
		wake:      make(chan struct{}, 1),
		subs:      map[uint16]*Subscription{},
		queue:     queue{max: max(size, recordHeader+att.MaxValueLen)},
	}
}

// ClientStats counts what arrived by itself, since the link began.
type ClientStats struct {
	Values   uint64 // notified and indicated values that were queued for their handlers
	Unwanted uint64 // values of a handle that nobody has subscribed to: dropped, and confirmed if indicated
	Lost     uint64 // values that found the queue full, or came after that; the link ends because of the first
}

// Stats are the counters now.
func (c *Client) Stats() ClientStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// MTU is the ATT_MTU now, in octets.
func (c *Client) MTU() int { return c.conn.att.MTU() }

// ExchangeMTU tells the server what we receive and returns the MTU that holds then, in octets (Vol 3, Part G, 4.3.1). It is asked once;
// later calls only return the MTU.
func (c *Client) ExchangeMTU(ctx context.Context) (int, error) { return c.conn.att.ExchangeMTU(ctx) }

// A valueBuffer has room for the longest value.
type valueBuffer [att.MaxValueLen]byte

var valueBuffers = sync.Pool{New: func() any { return new(valueBuffer) }}

// Read reads a whole value or descriptor by its handle, with as many requests as it takes (Vol 3, Part G, 4.8.1, 4.8.3).
func (c *Client) Read(ctx context.Context, handle uint16) ([]byte, error) {
	buf := valueBuffers.Get().(*valueBuffer)
	defer valueBuffers.Put(buf)
	n, err := c.ReadInto(ctx, handle, buf[:])
	if err != nil {
		return nil, err
	}
	return bytes.Clone(buf[:n]), nil
}

// ReadInto is [Client.Read] into buf, and allocates nothing. It returns how many octets of buf it has set, and an error that wraps
// [io.ErrShortBuffer] if there are more. No value is longer than 512 octets.
func (c *Client) ReadInto(ctx context.Context, handle uint16, buf []byte) (n int, err error) {
	full := c.MTU() - valueHeader
	err = c.secured(ctx, func() (err error) {
		n, err = c.conn.att.ReadInto(ctx, handle, buf)
		return err
	})
	for more := n >= full; more && err == nil && n < att.MaxValueLen; {
		full = c.MTU() - valueHeader
		var part int
		part, err = c.readOn(ctx, handle, n, buf[n:])
		n, more = n+part, part >= full
	}
	return n, err
}

// readOn reads what comes after the first offset octets of a value. A server that knows no long values, or has none here,
// has nothing there.
func (c *Client) readOn(ctx context.Context, handle uint16, offset int, buf []byte) (n int, err error) {
	err = c.secured(ctx, func() (err error) {
		n, err = c.conn.att.ReadBlobInto(ctx, handle, uint16(offset), buf)
		return err
	})
	if errors.Is(err, att.ErrAttributeNotLong) || errors.Is(err, att.ErrRequestNotSupported) {
		return 0, nil
	}
	return n, err
}

// Write writes a value or descriptor by its handle and waits until the server says so; one that does not fit one PDU is
// prepared in parts and then executed (Vol 3, Part G, 4.9.3, 4.9.4).
func (c *Client) Write(ctx context.Context, handle uint16, value []byte) error {
	switch {
	case len(value) > att.MaxValueLen:
		return fmt.Errorf("gatt: %d octets for handle 0x%04x: %w", len(value), handle, att.ErrInvalidAttributeValueLength)
	case len(value) > c.MTU()-writeHeader:
		return c.writeLong(ctx, handle, value)
	}
	return c.secured(ctx, func() error { return c.conn.att.Write(ctx, handle, value) })
}

// WriteCommand asks for a value to be written and waits only for room on the way out. Nobody tells whether it was
// (Vol 3, Part G, 4.9.1).
func (c *Client) WriteCommand(ctx context.Context, handle uint16, value []byte) error {
	return c.conn.att.WriteCommand(ctx, handle, value)
}

// SignedWrite is WriteCommand with a signature, so that the server knows on a plain link who it was; on an encrypted link it is no more than
// WriteCommand (Vol 3, Part G, 4.9.2; Part C, 10.4.1). It fails with [ErrNoSignature] where the host has no key to sign with.
func (c *Client) SignedWrite(ctx context.Context, handle uint16, value []byte) error {
	if c.conn.security().Encrypted {
		return c.WriteCommand(ctx, handle, value)
	}
	if c.conn.cfg.Sign == nil {
		return ErrNoSignature
	}
	return c.conn.att.SignedWriteCommand(ctx, handle, value, c.conn.cfg.Sign)
}

// writeLong prepares the parts of a value and executes them. Parts left by a long write whose caller has gone are cancelled first:
// executing them would write what nobody wants any more.
func (c *Client) writeLong(ctx context.Context, handle uint16, value []byte) error {
	select {
	case c.preparing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.conn.Done():
		return c.conn.Err()
	}
	defer func() { <-c.preparing }()
	if err := c.cancelPrepared(ctx); err != nil {
		return err
	}
	c.prepared = true
	if err := c.prepare(ctx, handle, value); err != nil {
		return errors.Join(err, c.cancelPrepared(ctx))
	}
	err := c.conn.att.ExecuteWrite(ctx, att.ExecuteCommit)
	if err == nil || isRefusal(err) {
		c.prepared = false // executed or not, the queue is empty
	}
	return err
}

// prepare sends the parts of a value.
func (c *Client) prepare(ctx context.Context, handle uint16, value []byte) error {
	for offset := 0; offset < len(value); {
		end := min(offset+c.MTU()-prepareHeader, len(value))
		err := c.secured(ctx, func() error {
			_, err := c.conn.att.PrepareWrite(ctx, handle, uint16(offset), value[offset:end])
			return err
		})
		if err != nil {
			return err
		}
		offset = end
	}
	return nil
}

// cancelPrepared empties the server's queue. A caller without time leaves that to the next long write.
func (c *Client) cancelPrepared(ctx context.Context) error {
	if !c.prepared || ctx.Err() != nil || c.conn.Err() != nil {
		return nil
	}
	if err := c.conn.att.ExecuteWrite(ctx, att.ExecuteCancel); err != nil {
		return err
	}
	c.prepared = false
	return nil
}

// isRefusal tells whether err is an answer of the server.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*att.Error](err)
	return ok
}
