package att

import (
	"context"
	"sync"
)

// handleLen is what a notification, an indication or a write has before its value, in octets: opcode and handle.
const handleLen = 3

// Notify sends a value to the client and waits only for room in the bearer (Vol 3, Part F, 3.4.7.1). Of a value longer than ATT_MTU-3
// octets it sends the first ATT_MTU-3: a client reads the rest.
func (c *Conn) Notify(ctx context.Context, handle uint16, value []byte) error {
	return send(ctx, c, HandleValueNotification{Handle: handle, Value: c.cut(value)}, handle)
}

// NotifyMultiple sends two or more values in one notification, to a client that supports it (Vol 3, Part F, 3.4.7.4). They
// have to fit the MTU whole.
func (c *Conn) NotifyMultiple(ctx context.Context, values ...HandleValue) error {
	return send(ctx, c, MultipleHandleValueNotification{Values: values}, 0)
}

// Indicate sends a value to the client and waits for its confirmation (Vol 3, Part F, 3.4.7.2). One indication is outstanding at a time;
// callers take turns. Of a value longer than ATT_MTU-3 octets it sends the first ATT_MTU-3.
func (c *Conn) Indicate(ctx context.Context, handle uint16, value []byte) error {
	return c.IndicateThen(ctx, handle, value, nil)
}

// IndicateThen is Indicate, and calls confirmed when the confirmation arrives: on the goroutine that called [Conn.Receive], before
// anything that arrives later is looked at, also when ctx has ended. confirmed must not wait.
func (c *Conn) IndicateThen(ctx context.Context, handle uint16, value []byte, confirmed func()) error {
	t, i := &c.indications, HandleValueIndication{Handle: handle, Value: c.cut(value)}
	if err := t.acquire(ctx); err != nil {
		return failed(i.Opcode(), handle, err)
	}
	t.then = confirmed
	return transactNow(ctx, t, i, handle, func(b []byte) error {
		_, err := ParseHandleValueConfirmation(b)
		return err
	})
}

// cut is what of value fits one PDU after a handle.
func (c *Conn) cut(value []byte) []byte { return value[:min(len(value), c.MTU()-handleLen)] }

// A scratch is room to write a PDU in.
type scratch struct{ b []byte }

var scratchPool = sync.Pool{New: func() any { return new(scratch) }}

// send sends a PDU that nobody answers. handle is for the error.
func send[P PDU](ctx context.Context, c *Conn, p P, handle uint16) error {
	if err := c.Err(); err != nil {
		return failed(p.Opcode(), handle, err)
	}
	if ctx.Err() != nil {
		return failed(p.Opcode(), handle, context.Cause(ctx))
	}
	s := scratchPool.Get().(*scratch)
	defer scratchPool.Put(s)
	s.b = p.AppendTo(s.b[:0])
	if len(s.b) > c.MTU() {
		return failed(p.Opcode(), handle, ErrTooLong)
	}
	if err := c.bearer.Send(ctx, s.b); err != nil {
		return failed(p.Opcode(), handle, c.sendError(err))
	}
	return nil
}
