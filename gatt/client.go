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

	preparing chan struct{} // full while a long write goes on: the server has one queue for us, whatever the bearer
	prepared  bool          // parts may lie in that queue. Owned by whoever has preparing
	learning  chan struct{} // full while somebody learns the server's database
	storing   chan struct{} // full while the store is changed

	wake chan struct{} // one token when there is something to deliver

	mu   sync.Mutex // of what follows; held for moments only
	subs map[uint16]*Subscription

	leaving map[uint32]*Subscription // abandoned, with values that wait

	made  uint16 // subscriptions so far
	queue queue
	stats ClientStats

	throttled bool // Config.Throttle was told true

	slow  error // why the queue takes nothing more
	ended bool  // the last value has been delivered

	server    string // whose it is, empty without an identity
	known     *known // of the server, or nil
	checked   bool   // known is of the database as it is
	changes   int    // of the server's database, as far as we have heard
	changedAt uint16 // the value of Service Changed, 0 if we have not subscribed
}

func newClient(c *Conn) *Client {
	size := c.cfg.Queue
	if size == 0 {
		size = DefaultQueue
	}
	return &Client{
		conn:      c,
		preparing: make(chan struct{}, 1),
		learning:  make(chan struct{}, 1),
		storing:   make(chan struct{}, 1),
		wake:      make(chan struct{}, 1),
		subs:      map[uint16]*Subscription{},
		leaving:   map[uint32]*Subscription{},
		queue:     queue{max: max(size, recordHeader+att.MaxValueLen)},
	}
}

// ClientStats counts what arrived by itself, since the link began.
type ClientStats struct {
	Values     uint64 // notified and indicated values that were queued for their handlers
	Unwanted   uint64 // values of a handle that nobody has subscribed to: dropped, and confirmed if indicated
	Unbelieved uint64 // values that Config.Believe does not believe: dropped, and confirmed if indicated
	Lost       uint64 // values that found the queue full, or came after that; the link ends because of the first
}

// Stats are the counters now.
func (c *Client) Stats() ClientStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// MTU is the ATT_MTU of the first bearer now, in octets.
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
	b := c.conn.take(request)
	defer b.done(request)
	n, err = c.readAll(ctx, b.att, handle, buf)
	if err != nil && b.att.Err() != nil && c.conn.Err() == nil {
		return c.readAll(ctx, c.conn.att, handle, buf) // a further bearer has ended, and the link has not
	}
	return n, err
}

func (c *Client) readAll(ctx context.Context, on *att.Conn, handle uint16, buf []byte) (n int, err error) {
	full := on.MTU() - valueHeader
	err = c.secured(ctx, func() (err error) {
		n, err = on.ReadInto(ctx, handle, buf)
		return err
	})
	for more := n >= full; more && err == nil && n < att.MaxValueLen; {
		full = on.MTU() - valueHeader
		var part int
		part, err = c.readOn(ctx, on, handle, n, buf[n:])
		n, more = n+part, part >= full
	}
	return n, err
}

// readOn reads what comes after the first offset octets of a value. A server that knows no long values, or has none here,
// has nothing there.
func (c *Client) readOn(ctx context.Context, on *att.Conn, handle uint16, offset int, buf []byte) (n int, err error) {
	err = c.secured(ctx, func() (err error) {
		n, err = on.ReadBlobInto(ctx, handle, uint16(offset), buf)
		return err
	})
	if errors.Is(err, att.ErrAttributeNotLong) || errors.Is(err, att.ErrRequestNotSupported) {
		return 0, nil
	}
	return n, err
}

// Write writes a value or descriptor by its handle and waits until the server says so; one that does not fit one PDU is
// prepared in parts and then executed, or none of it if the server does not queue exactly what it was sent: [ErrEcho] (Vol 3, Part G, 4.9.3, 4.9.4).
func (c *Client) Write(ctx context.Context, handle uint16, value []byte) error {
	if err := checkLen(handle, value); err != nil {
		return err
	}
	b := c.conn.take(request)
	defer b.done(request)
	if len(value) > b.att.MTU()-writeHeader {
		return c.writePrepared(ctx, b, []att.HandleValue{{Handle: handle, Value: value}})
	}
	return c.secured(ctx, func() error { return b.att.Write(ctx, handle, value) })
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

// ReliableWrite writes several values, or parts of them, in one step: all of them or, if the server does not queue exactly what it was sent, none
// (Vol 3, Part G, 4.9.5). It fails with [ErrEcho] then.
func (c *Client) ReliableWrite(ctx context.Context, values ...att.HandleValue) error {
	for _, v := range values {
		if err := checkLen(v.Handle, v.Value); err != nil {
			return err
		}
	}
	b := c.conn.take(request)
	defer b.done(request)
	return c.writePrepared(ctx, b, values)
}

// checkLen refuses what no attribute can hold.
func checkLen(handle uint16, value []byte) error {
	if len(value) > att.MaxValueLen {
		return fmt.Errorf("gatt: %d octets for handle 0x%04x: %w", len(value), handle, att.ErrInvalidAttributeValueLength)
	}
	return nil
}

// writePrepared prepares the parts of values, looks at what the server says it has queued, and executes them. Parts left by somebody who
// has gone are cancelled first: executing them would write what nobody wants any more.
func (c *Client) writePrepared(ctx context.Context, b *Bearer, values []att.HandleValue) error {
	select {
	case c.preparing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.att.Done():
		return b.att.Err()
	}
	defer func() { <-c.preparing }()
	if err := c.cancelPrepared(ctx, b); err != nil {
		return err
	}
	c.prepared = true
	for _, v := range values {
		if err := c.prepare(ctx, b, v); err != nil {
			return errors.Join(err, c.cancelPrepared(ctx, b))
		}
	}
	err := b.att.ExecuteWrite(ctx, att.ExecuteCommit)
	if err == nil || isRefusal(err) {
		c.prepared = false // executed or not, the queue is empty
		c.doubt(err)
	}
	return err
}

// prepare sends the parts of a value; one without octets has one.
func (c *Client) prepare(ctx context.Context, b *Bearer, v att.HandleValue) error {
	for offset := 0; offset == 0 || offset < len(v.Value); {
		end := min(offset+b.att.MTU()-prepareHeader, len(v.Value))
		sent := att.PrepareWriteResponse{Handle: v.Handle, Offset: uint16(offset), Value: v.Value[offset:end]}
		err := c.secured(ctx, func() error {
			queued, err := b.att.PrepareWrite(ctx, sent.Handle, sent.Offset, sent.Value)
			if err == nil {
				err = sameEcho(sent, queued)
			}
			return err
		})
		if err != nil {
			return err
		}
		if offset = end; end == 0 {
			return nil
		}
	}
	return nil
}

// sameEcho is nil if the server has queued what it was sent.
func sameEcho(sent, queued att.PrepareWriteResponse) error {
	if sent.Handle != queued.Handle || sent.Offset != queued.Offset || !bytes.Equal(sent.Value, queued.Value) {
		return fmt.Errorf("%w: handle 0x%04x, offset %d", ErrEcho, sent.Handle, sent.Offset)
	}
	return nil
}

// cancelPrepared empties the server's queue. A caller without time leaves that to the next long write.
func (c *Client) cancelPrepared(ctx context.Context, b *Bearer) error {
	if !c.prepared || ctx.Err() != nil || b.att.Err() != nil {
		return nil
	}
	if err := b.att.ExecuteWrite(ctx, att.ExecuteCancel); err != nil {
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
