package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// remote is what a peer said of itself, or why it did not.
type remote[T any] struct {
	value T
	err   error
}

// RemoteVersion asks for the peer's version. One may ask at a time, of this and of each of the others: another gets a
// *CommandError with hci.ControllerBusy. A question whose asker has gone holds the place until its answer comes.
func (c *Conn) RemoteVersion(ctx context.Context) (hci.ReadRemoteVersionInformationComplete, error) {
	return ask(ctx, c, &c.version, hci.ReadRemoteVersionInformation(c.handle))
}

// RemoteFeatures asks for the peer's LE features. One may ask at a time.
func (c *Conn) RemoteFeatures(ctx context.Context) (hci.LEReadRemoteFeaturesComplete, error) {
	return ask(ctx, c, &c.features, hci.LEReadRemoteFeatures(c.handle))
}

// ask sends a command whose answer comes by an event that the loop hands to *slot.
func ask[T any](ctx context.Context, c *Conn, slot *chan remote[T], cmd hci.Command) (value T, err error) {
	if ctx.Err() != nil {
		return value, context.Cause(ctx)
	}
	answer := make(chan remote[T], 1)
	c.mu.Lock()
	busy := *slot != nil
	if !busy {
		*slot = answer
	}
	c.mu.Unlock()
	if busy {
		return value, &CommandError{cmd.Opcode(), hci.ControllerBusy}
	}
	err = c.c.enqueue(newCommand(c, cmd, func(_ []byte, err error) {
		if err != nil { // refused, so there is no event to come
			settle(c, slot, remote[T]{err: err})
		}
	}))
	if err != nil {
		settle(c, slot, remote[T]{err: err})
		return value, err
	}
	select {
	case r := <-answer:
		return r.value, r.err
	case <-c.done:
		return value, c.Err()
	case <-ctx.Done():
		return value, context.Cause(ctx) // the slot is freed by the answer, which is still to come
	}
}

// settle gives the answer to who asked, if anybody did.
func settle[T any](c *Conn, slot *chan remote[T], r remote[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *slot != nil {
		*slot <- r // has room for one, and is settled once
		*slot = nil
	}
}
