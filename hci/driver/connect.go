package driver

import (
	"context"
	"errors"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// ConnectParameters are what LE Create Connection is told, in its units; zero fields get defaults that suit
// most peripherals: scanning half of every 60 ms, an interval of 30 to 50 ms, a time-out of 4.2 s.
type ConnectParameters struct {
	ScanInterval, ScanWindow uint16 // 0.625 ms
	hci.ConnectionParameters
}

func (p ConnectParameters) withDefaults() ConnectParameters {
	if p.ScanInterval == 0 {
		p.ScanInterval, p.ScanWindow = 0x60, 0x30
	}
	if p.IntervalMin == 0 {
		p.IntervalMin, p.IntervalMax = 24, 40
	}
	if p.SupervisionTimeout == 0 {
		p.SupervisionTimeout = 420
	}
	return p
}

// attempt is a connection being created, by a goroutine of its own, so that the caller can go.
type attempt struct {
	ctx     context.Context // the caller's: when it ends nobody waits any more
	event   chan creation   // from the loop, once: what the controller made of it
	outcome chan creation   // to the caller, once

	abandoned bool // the caller has gone: under the controller's mu
}

// creation is what came of it. With both a connection and an error, the connection is nobody's.
type creation struct {
	conn *Conn
	err  error
}

// Connect connects to an advertiser. Controllers create one connection at a time, so others wait their
// turn. When ctx ends the caller is freed at once, and the next attempt begins when the controller has
// confirmed the cancellation. The error is a *CommandError with the hci.Status, ctx's cause, or the end of
// the controller. It may not be called on the loop, which brings the connection.
func (c *Controller) Connect(ctx context.Context, peer hci.Address, p ConnectParameters) (*Conn, error) {
	select {
	case c.creating <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.ended:
		return nil, c.Err()
	}
	a := &attempt{ctx: ctx, event: make(chan creation, 1), outcome: make(chan creation, 1)}
	if !c.spawn(func() { c.create(a, peer, p.withDefaults()) }) {
		<-c.creating
		return nil, c.Err()
	}
	select {
	case r := <-a.outcome:
		return r.conn, r.err
	case <-ctx.Done():
		return c.abandon(a, context.Cause(ctx))
	}
}

// abandon ends an attempt for its caller; what came at the same moment is still the caller's.
func (c *Controller) abandon(a *attempt, cause error) (*Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case r := <-a.outcome:
		return r.conn, r.err
	default:
		a.abandoned = true
		return nil, cause
	}
}

// create is an attempt from its beginning until the next may begin. Scanning is paused meanwhile, since not
// every controller does both.
func (c *Controller) create(a *attempt, peer hci.Address, p ConnectParameters) {
	defer func() { <-c.creating }()
	r := creation{err: c.pauseScan(true)}
	if r.err == nil && a.ctx.Err() != nil {
		r.err = context.Cause(a.ctx)
	}
	if r.err == nil {
		r = c.initiate(a, peer, p)
	}
	delivered := c.deliver(a, r)
	c.note(c.pauseScan(false))
	if r.conn != nil && !delivered {
		r.conn.Disconnect(hci.RemoteUserTerminatedConnection)
		<-r.conn.Done() // until then there can be no other to that peer
	}
}

// deliver gives the caller the outcome, if there still is a caller, and tells whether it has a connection.
func (c *Controller) deliver(a *attempt, r creation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.abandoned {
		return false
	}
	if r.err != nil {
		r.conn = nil
	}
	a.outcome <- r
	return r.conn != nil
}

// initiate has the controller create a connection, and cancel that when nobody waits any more. For who wants the
// controller to be still it is cancelled too, and begun again.
func (c *Controller) initiate(a *attempt, peer hci.Address, p ConnectParameters) creation {
	for {
		r, h := c.initiateOnce(a, peer, p)
		if h != nil {
			close(h.halted)
			select {
			case <-h.resume:
			case <-c.ended:
				return creation{err: c.Err()}
			}
		}
		if h == nil || r.conn != nil {
			return r
		}
		if a.ctx.Err() != nil {
			return creation{err: context.Cause(a.ctx)}
		}
	}
}

// initiateOnce is initiate up to an outcome, or to a halt, which is not nil then.
func (c *Controller) initiateOnce(a *attempt, peer hci.Address, p ConnectParameters) (r creation, h *halt) {
	c.setAttempt(a)
	_, err := c.Do(context.Background(), c.createConnection(peer, p))
	switch {
	case errors.Is(err, hci.CommandDisallowed): // it may be at an attempt that we know nothing of
		r, _ = c.cancel(a)
		r.err = err
		return r, nil
	case err != nil:
		r = c.withdraw(a)
		r.err = err
		return r, nil
	}
	select {
	case r = <-a.event:
		return r, nil
	case <-c.ended:
		return creation{err: c.Err()}, nil
	case halted := <-c.halts:
		h = &halted
	case <-a.ctx.Done():
	}
	r, confirmed := c.cancel(a)
	if !confirmed {
		c.fail(&CommandError{hci.OpLECreateConnectionCancel, ErrCommandTimeout})
	}
	if r.conn == nil || r.err != nil {
		r.err = context.Cause(a.ctx)
	}
	return r, h
}

// cancel ends what the controller is at, and tells whether it confirmed. The cancellation is over only with
// the Connection Complete, which may still be a connection. It is refused when there is nothing to cancel:
// then the event has come already, or there is none.
func (c *Controller) cancel(a *attempt) (r creation, confirmed bool) {
	if _, err := c.Do(context.Background(), hci.LECreateConnectionCancel); err != nil {
		c.note(err)
		return c.withdraw(a), true
	}
	timer := time.NewTimer(c.cfg.CommandTimeout)
	defer timer.Stop()
	select {
	case r = <-a.event:
		return r, true
	case <-c.ended:
		return r, true
	case <-timer.C:
		return c.withdraw(a), false
	}
}

// withdraw takes an attempt back that the loop has given nothing for. If the loop has just taken it, that is
// about to come.
func (c *Controller) withdraw(a *attempt) creation {
	if c.takeAttempt() != nil {
		return creation{}
	}
	return <-a.event
}

func (c *Controller) setAttempt(a *attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempt = a
}

// takeAttempt is the attempt that there is, nil when there is none. The loop, which takes it for a
// Connection Complete, then gives its event.
func (c *Controller) takeAttempt() *attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.attempt
	c.attempt = nil
	return a
}

// handleConnection enters a new connection into the table: the loop.
func (c *Controller) handleConnection(e hci.LEEnhancedConnectionComplete) {
	if e.Status == hci.AdvertisingTimeout {
		return // of directed advertising
	}
	if e.Status != hci.Success {
		if a := c.takeAttempt(); a != nil {
			a.event <- creation{err: &CommandError{hci.OpLECreateConnection, e.Status}}
		}
		return
	}
	if old := c.conns[e.Handle]; old != nil {
		c.drop(old, &DisconnectedError{old.PeerAddress(), hci.UnspecifiedError}) // its end was lost
	}
	conn := &Conn{c: c, handle: e.Handle, complete: e, local: c.OwnAddress(), handler: unhandled{}, done: make(chan struct{})}
	if e.LocalResolvable != [6]byte{} {
		conn.local = hci.Address{Type: hci.Random, Octets: e.LocalResolvable}
	}
	var a *attempt
	unwanted := false
	if e.Role == hci.Central {
		a = c.takeAttempt()
		unwanted = a == nil || a.ctx.Err() != nil
	}
	if !unwanted {
		if handler := c.cfg.Handler.HandleConnection(conn); handler != nil {
			conn.handler = handler
		} else {
			unwanted = true
		}
	}
	c.conns[e.Handle] = conn
	c.out.addLink(conn)
	made := creation{conn: conn}
	if unwanted {
		made.err = &CommandError{hci.OpLECreateConnection, hci.ConnectionTerminatedByLocalHost}
	}
	if a != nil {
		a.event <- made
	} else if unwanted {
		conn.Disconnect(hci.RemoteUserTerminatedConnection)
	}
}
