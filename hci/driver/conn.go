package driver

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// maxSupervisionTimeout is the longest that a link lasts without its peer (Vol 4, Part E, 7.8.12), and so
// the longest that its termination takes.
const maxSupervisionTimeout = 32 * time.Second

// Conn is one connection. What it says of itself does not change, but for what the methods name; it may be
// used from anywhere, and its methods that only queue never wait. Nothing is sent for it once it has ended:
// they fail then, with the reason.
type Conn struct {
	c        *Controller
	handle   uint16
	complete hci.LEEnhancedConnectionComplete
	handler  ConnHandler                     // set before anything arrives
	ending   *time.Timer                     // the loop's: runs once Disconnect was sent
	accept   func(*Sync, uint16) SyncHandler // the loop's: of periodic advertising that the peer tells of

	// The outbox's, under its lock.
	ready          bool // NextFragment may have something
	unacknowledged int  // fragments that the controller holds
	added, gone    bool
	handled        int // fragments dealt with that the controller has not been told of
	withheld       int // fragments that came while throttled
	throttled      bool
	leaving        bool // Disconnect was called: nothing is withheld any more

	done     chan struct{}
	mu       sync.Mutex // guards all below
	err      error      // why it ended
	local    hci.Address
	state    LinkState
	version  chan remote[hci.ReadRemoteVersionInformationComplete]
	features chan remote[hci.LEReadRemoteFeaturesComplete]
	updated  chan remote[hci.LEConnectionUpdateComplete]
	phy      chan remote[hci.LEPHYUpdateComplete]
	subrate  chan remote[hci.LESubrateChange]
	power    chan remote[hci.LETransmitPowerReporting]
}

func (c *Controller) newConn(e hci.LEEnhancedConnectionComplete) *Conn {
	conn := &Conn{c: c, handle: e.Handle, complete: e, local: c.OwnAddress(), handler: unhandled{}, done: make(chan struct{})}
	if e.LocalResolvable != [6]byte{} {
		conn.local = hci.Address{Type: hci.Random, Octets: e.LocalResolvable}
	}
	conn.state = stateOf(e.LEConnectionComplete)
	return conn
}

// isTo tells whether the peer goes by that address, on air or by its identity.
func (c *Conn) isTo(a hci.Address) bool { return a == c.PeerAddress() || a == c.complete.Peer }

// Handle is the connection's handle, good while it lasts.
func (c *Conn) Handle() uint16 { return c.handle }

// Role is our role.
func (c *Conn) Role() hci.Role { return c.complete.Role }

// LocalAddress is our address, as used on air.
func (c *Conn) LocalAddress() hci.Address {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.local
}

// ledFrom notes the address of the advertising set that led to the connection, which the controller tells of right behind
// it: a set may have one of its own. One that the controller has made was in the connection's event.
func (c *Conn) ledFrom(set hci.Address) {
	if c.complete.LocalResolvable != [6]byte{} {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.local = set
}

// do sends a command for the connection and waits for its answer, like Controller.Do.
func (c *Conn) do(ctx context.Context, cmd hci.Command) ([]byte, error) {
	return c.c.doFor(ctx, c, cmd)
}

// PeerAddress is the peer's address, as used on air.
func (c *Conn) PeerAddress() hci.Address {
	if c.complete.PeerResolvable != [6]byte{} {
		return hci.Address{Type: hci.Random, Octets: c.complete.PeerResolvable}
	}
	return c.complete.Peer
}

// PeerIdentity is the identity that the controller resolved the peer's address to, if it did.
func (c *Conn) PeerIdentity() (hci.Address, bool) { return c.complete.Peer, c.complete.PeerResolved }

// Parameters are the connection parameters that it began with; see State for those of now.
func (c *Conn) Parameters() hci.LEConnectionComplete { return c.complete.LEConnectionComplete }

// MTU is the longest ACL fragment that the controller takes, in octets.
func (c *Conn) MTU() int { return c.c.info.ACLLength }

// Wake tells the writer that the handler's NextFragment has something.
func (c *Conn) Wake() { c.c.out.setReady(c) }

// Throttle tells that what the peer sent has not been dealt with, or, with false, that it has: while it is on,
// the controller is told of nothing that was received, so that it makes the peer wait. Only a controller with
// Info.HostFlow does; up to HostBuffers fragments come before it has an effect, and on others all do. It holds
// everything of the connection, answers too, so that whoever waits for one has to end it. It never waits, and may
// be called anywhere and more than once.
//
// The controller has the same buffers for all connections: where there are others, those that are throttled get
// a little all the time, so that the others are slowed and not stopped.
func (c *Conn) Throttle(on bool) { c.c.out.throttle(c, on) }

// Handler is what HandleConnection gave for the connection. It is there once that has returned, and so for every connection
// that Connect returns, whether that has ended meanwhile or not.
func (c *Conn) Handler() ConnHandler { return c.handler }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection ended, nil while it has not: a *DisconnectedError or a *ClosedError.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// fail notes why the connection has ended: the loop, once.
func (c *Conn) fail(err error) {
	if c.ending != nil {
		c.ending.Stop()
	}
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
}

// Disconnect asks for the end of the connection, with a reason for the peer. The end comes later, by Done,
// and comes in any case: a controller that does not report it within 32 s and a command's time-out is asked
// again, and either knows nothing of the connection or is taken for dead.
func (c *Conn) Disconnect(reason hci.Status) { c.disconnect(reason, false) }

// disconnect is Disconnect; overdue, when the controller has taken one already and its time is over.
func (c *Conn) disconnect(reason hci.Status, overdue bool) {
	c.c.out.letLeave(c)
	_ = c.post(hci.Disconnect{Handle: c.handle, Reason: reason}, func(err error) { // not queued: it has ended
		switch {
		case errors.Is(err, hci.UnknownConnectionIdentifier): // the event got lost
			c.c.drop(c, &DisconnectedError{c.PeerAddress(), hci.ConnectionTerminatedByLocalHost})
		case overdue:
			c.c.fail(&CommandError{hci.OpDisconnect, ErrCommandTimeout})
		default:
			if c.ending != nil {
				c.ending.Stop()
			}
			c.ending = time.AfterFunc(maxSupervisionTimeout+c.c.cfg.CommandTimeout, func() { c.disconnect(reason, err == nil) })
		}
	})
}

// Encrypt starts encryption, or refreshes its key, as central; the outcome comes by HandleEncryption.
func (c *Conn) Encrypt(key [16]byte, rand [8]byte, ediv uint16) error {
	return c.c.enqueue(newCommand(c, hci.LEEnableEncryption{Handle: c.handle, Random: rand, EDIV: ediv, Key: key}, func(_ []byte, err error) {
		if status, ok := commandStatus(err); ok && c.Err() == nil {
			c.handler.HandleEncryption(status, false, false) // it was refused, so there is no event to come
		}
	}))
}

// UpdateParameters asks the controller, as central, for other connection parameters. A wish that has not
// been sent gives way to the next.
func (c *Conn) UpdateParameters(p hci.ConnectionParameters) error {
	return c.post(hci.LEConnectionUpdate{Handle: c.handle, Parameters: p}, nil)
}

// answerKeyRequest answers at once: a request without an answer costs the peer 40 s and the link.
func (c *Conn) answerKeyRequest(e hci.LELongTermKeyRequest) {
	var answer hci.Command = hci.LELongTermKeyRequestNegativeReply(e.Handle)
	if key, ok := c.handler.HandleKeyRequest(e.Random, e.EDIV); ok {
		answer = hci.LELongTermKeyRequestReply{Handle: e.Handle, Key: key}
	}
	c.c.note(c.post(answer, nil))
}

func (c *Conn) answerParameterRequest(e hci.LERemoteConnectionParameterRequest) {
	var answer hci.Command = hci.LERemoteConnectionParameterRequestNegativeReply{Handle: e.Handle, Reason: hci.UnacceptableConnectionParameters}
	if granted, ok := c.grant(e); ok {
		answer = hci.LERemoteConnectionParameterRequestReply{Handle: e.Handle, Parameters: granted}
	}
	c.c.note(c.post(answer, nil))
}

// grant asks the handler.
func (c *Conn) grant(e hci.LERemoteConnectionParameterRequest) (hci.ConnectionParameters, bool) {
	if h, ok := c.handler.(GrantHandler); ok {
		return h.GrantParameters(e)
	}
	return hci.ConnectionParameters{IntervalMin: e.IntervalMin, IntervalMax: e.IntervalMax, Latency: e.Latency, SupervisionTimeout: e.SupervisionTimeout},
		c.handler.HandleParameterRequest(e)
}

// post sends a command whose outcome comes by events, in place of one of its kind that still waits. If then
// is not nil it is told the controller's answer, on the loop, unless the connection has ended.
func (c *Conn) post(cmd hci.Command, then func(err error)) error {
	posted := newCommand(c, cmd, func(_ []byte, err error) {
		if c.Err() != nil {
			return
		}
		if err != nil {
			c.c.logf("%v: %v", c.PeerAddress(), err)
		}
		if then != nil {
			then(err)
		}
	})
	posted.newest = true
	return c.c.enqueue(posted)
}
