package driver

import (
	"context"
	"sync"

	"github.com/jelling-ble/jelling/hci"
)

// Conn is one connection. What it says of itself does not change, but for what the methods name; it may be
// used from anywhere, and its methods that only queue never wait.
type Conn struct {
	c        *Controller
	handle   uint16
	complete hci.LEEnhancedConnectionComplete
	local    hci.Address
	handler  ConnHandler // the loop's, set before anything arrives

	// The outbox's, under its lock.
	ready          bool // NextFragment may have something
	unacknowledged int  // fragments that the controller holds
	gone           bool

	mu      sync.Mutex
	err     error // why it ended
	done    chan struct{}
	version chan remote[hci.ReadRemoteVersionInformationComplete]
	feature chan remote[hci.LEReadRemoteFeaturesComplete]
}

type remote[T any] struct {
	value T
	err   error
}

// Handle is the connection's handle, good while it lasts.
func (c *Conn) Handle() uint16 { return c.handle }

// Role is our role.
func (c *Conn) Role() hci.Role { return c.complete.Role }

// LocalAddress is our address, as used on air.
func (c *Conn) LocalAddress() hci.Address { return c.local }

// PeerAddress is the peer's address, as used on air.
func (c *Conn) PeerAddress() hci.Address {
	if c.complete.PeerResolvable != [6]byte{} {
		return hci.Address{Type: hci.Random, Octets: c.complete.PeerResolvable}
	}
	return c.complete.Peer
}

// PeerIdentity is the identity that the controller resolved the peer's address to, if it did.
func (c *Conn) PeerIdentity() (hci.Address, bool) { return c.complete.Peer, c.complete.PeerResolved }

// Parameters are the connection parameters that it began with.
func (c *Conn) Parameters() hci.LEConnectionComplete { return c.complete.LEConnectionComplete }

// MTU is the longest ACL fragment that the controller takes, in octets.
func (c *Conn) MTU() int { return c.c.info.ACLLength }

// Wake tells the writer that the handler's NextFragment has something.
func (c *Conn) Wake() { c.c.out.setReady(c) }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection ended, nil while it has not: a *DisconnectedError or a *ClosedError.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Disconnect asks for the end of the connection, with a reason for the peer. The end comes later, by Done.
func (c *Conn) Disconnect(reason hci.Status) {
	c.post(hci.Disconnect{Handle: c.handle, Reason: reason})
}

// Encrypt starts encryption, or refreshes its key, as central; the outcome comes by HandleEncryption.
func (c *Conn) Encrypt(key [16]byte, rand [8]byte, ediv uint16) error {
	return c.c.send(hci.LEEnableEncryption{Handle: c.handle, Random: rand, EDIV: ediv, Key: key}, func(_ []byte, err error) {
		if status, ok := commandStatus(err); ok && c.Err() == nil {
			c.handler.HandleEncryption(status, false, false) // it was refused, so there is no event to come
		}
	})
}

// UpdateParameters asks the controller, as central, for other connection parameters.
func (c *Conn) UpdateParameters(p hci.ConnectionParameters) error {
	return c.post(hci.LEConnectionUpdate{Handle: c.handle, Parameters: p})
}

// RemoteVersion asks for the peer's version.
func (c *Conn) RemoteVersion(ctx context.Context) (hci.ReadRemoteVersionInformationComplete, error) {
	return ask(ctx, c, &c.version, hci.ReadRemoteVersionInformation(c.handle))
}

// RemoteFeatures asks for the peer's LE features.
func (c *Conn) RemoteFeatures(ctx context.Context) (hci.LEReadRemoteFeaturesComplete, error) {
	return ask(ctx, c, &c.feature, hci.LEReadRemoteFeatures(c.handle))
}

// ask sends a command whose answer comes by an event that the loop hands to *slot. One may wait at a time.
func ask[T any](ctx context.Context, c *Conn, slot *chan remote[T], cmd hci.Command) (value T, err error) {
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
	if _, err := c.c.Do(ctx, cmd); err != nil {
		answered(c, slot, remote[T]{err: err})
		return value, err
	}
	select {
	case r := <-answer:
		return r.value, r.err
	case <-c.done:
		return value, c.Err()
	case <-ctx.Done():
		return value, context.Cause(ctx) // the slot is freed by the event, which is still to come
	}
}

func answered[T any](c *Conn, slot *chan remote[T], r remote[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *slot != nil {
		*slot <- r
		*slot = nil
	}
}

// post sends a command whose outcome comes by events.
func (c *Conn) post(cmd hci.Command) error {
	return c.c.send(cmd, func(_ []byte, err error) {
		if err != nil && c.Err() == nil {
			c.c.logf("%v: %v", c.PeerAddress(), err)
		}
	})
}

// end marks the connection as ended: the loop.
func (c *Conn) end(err error) {
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	close(c.done)
	c.handler.HandleDisconnect(err)
}
