package driver

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// initiation is what the controller is at when it creates a connection.
type initiation struct {
	attempts []*attempt
	event    chan creation // from the loop, once: what the controller made of it
}

// whose is the attempt that a connection to the peer is for: of a single one whatever the peer is, since it may go by
// another address. Under the controller's mu.
func (i *initiation) whose(conn *Conn) *attempt {
	for _, a := range i.attempts {
		if len(i.attempts) == 1 || conn.isTo(a.peer) {
			return a
		}
	}
	return nil
}

// named is whose attempt has failed, of several, nil where the controller does not say.
func (i *initiation) named(e hci.LEEnhancedConnectionComplete) *attempt {
	for _, a := range i.attempts {
		if len(i.attempts) > 1 && (a.peer == e.Peer || a.peer == hci.Address{Type: hci.Random, Octets: e.PeerResolvable}) {
			return a
		}
	}
	return nil
}

// dial creates the connections that are wanted, until there is none: a goroutine of its own, so that callers can go.
func (c *Controller) dial() {
	for {
		select {
		case c.creating <- struct{}{}:
		case <-c.ended:
			return
		}
		batch := c.next()
		if batch != nil {
			c.serve(batch)
		}
		over := c.idle()
		<-c.creating
		switch {
		case over:
			return
		case batch != nil:
			continue
		}
		select { // until a peer can be tried again
		case <-c.wishes.changed:
		case <-c.ended:
			return
		}
	}
}

// serve has the controller wait for peers until it has one, or until it is others' turn. Where the controller can't do
// both, scanning is paused meanwhile.
func (c *Controller) serve(batch []*attempt) {
	if !c.scansWhileInitiating() {
		if err := c.pauseFor(); err != nil {
			c.refuse(batch, creation{}, err)
			return
		}
	}
	for batch != nil {
		batch = c.initiate(batch)
	}
	if c.wishes.paused {
		c.wishes.paused = false
		c.note(c.pauseScan(false))
	}
}

// pauseFor pauses scanning until serve is through.
func (c *Controller) pauseFor() error {
	err := c.pauseScan(true)
	c.wishes.paused = err == nil
	return err
}

// scansWhileInitiating tells whether the controller says that it does both, and has not refused to.
func (c *Controller) scansWhileInitiating() bool {
	const both = hci.StatePassiveScanningAndInitiating | hci.StateActiveScanningAndInitiating
	return c.info.States&both == both && !c.wishes.noScan
}

// scans tells whether the controller scans now.
func (c *Controller) scans() bool {
	if err := c.takeRadio(context.Background()); err != nil {
		return false
	}
	defer c.freeRadio()
	return c.scan.on
}

// initiate has the controller wait for peers. It returns those to go on with at once, if what is wanted has changed or
// somebody wanted the controller to be still.
func (c *Controller) initiate(batch []*attempt) []*attempt {
	if len(batch) > 1 {
		switch err := c.listAccepted(batch); {
		case errors.Is(err, errAcceptListTaken):
			batch = batch[:1]
		case err != nil:
			c.doWithoutList(err)
			return c.next()
		}
	}
	i := &initiation{attempts: batch, event: make(chan creation, 1)}
	c.setInitiation(i)
	_, err := c.Do(context.Background(), c.createConnection(batch))
	switch {
	case errors.Is(err, hci.CommandDisallowed) && !c.wishes.paused && c.scans(): // it says more than it can
		if r := c.withdraw(i); r.conn != nil {
			c.conclude(batch, r)
		}
		c.wishes.noScan = true
		if err := c.pauseFor(); err != nil {
			c.note(err)
			return nil
		}
		return c.next()
	case errors.Is(err, hci.CommandDisallowed): // it may be at an attempt that we know nothing of
		r, _ := c.cancel(i)
		c.refuse(batch, r, err)
		return nil
	case err != nil && len(batch) > 1 && !errors.Is(err, hci.ConnectionLimitExceeded) && c.Err() == nil:
		if r := c.withdraw(i); r.conn != nil {
			c.conclude(batch, r)
		}
		c.doWithoutList(err)
		return c.next()
	case err != nil:
		c.refuse(batch, c.withdraw(i), err)
		return nil
	}
	began := time.Now()
	again := c.await(i, began)
	c.spend(batch, time.Since(began))
	if again {
		return c.next()
	}
	return nil
}

// await waits for what becomes of an initiation, and tells whether to go on at once.
func (c *Controller) await(i *initiation, began time.Time) (again bool) {
	batch := i.attempts
	timer := time.NewTimer(c.atMost(batch))
	defer timer.Stop()
	for {
		select {
		case r := <-i.event:
			if r.conn == nil && r.to == nil && len(batch) > 1 {
				c.doWithoutList(r.err)
				return true
			}
			c.conclude(batch, r)
			return false
		case <-c.ended:
			return false
		case h := <-c.halts:
			c.stop(i)
			return h.wait(c)
		case <-timer.C:
			c.stop(i)
			c.rotate(batch)
			return false
		case <-c.wishes.changed:
			if slices.Equal(c.next(), batch) || !c.cancels() && c.wanted(batch[0]) {
				timer.Reset(max(0, c.atMost(batch)-time.Since(began)))
				continue
			}
			c.stop(i)
			return true
		}
	}
}

// atMost is how long peers are waited for at a time: for ever, if there is nobody else and enough patience.
func (c *Controller) atMost(batch []*attempt) time.Duration {
	d, ok := soonest(batch)
	switch crowded := c.crowded(batch) && c.cancels(); {
	case crowded && (!ok || d > turn):
		return turn
	case ok:
		return d
	}
	return math.MaxInt64
}

// refuse gives an error to all, and ends the connection that has come nevertheless, if one has.
func (c *Controller) refuse(batch []*attempt, r creation, err error) {
	for _, a := range batch {
		c.deliver(a, creation{err: err})
	}
	if r.conn != nil {
		c.discard(r.conn)
	}
}

// conclude gives the outcome to whom it is for. A connection that nobody wants any more is ended; until that has happened
// there can be no other to its peer.
func (c *Controller) conclude(batch []*attempt, r creation) {
	switch {
	case r.conn == nil && r.to != nil:
		c.deliver(r.to, r)
	case r.conn == nil:
		c.refuse(batch, r, r.err)
	case r.to == nil || !c.deliver(r.to, r):
		c.discard(r.conn)
	}
}

// discard ends a connection that nobody wants.
func (c *Controller) discard(conn *Conn) {
	c.mu.Lock()
	c.wishes.ending = append(c.wishes.ending, conn)
	c.mu.Unlock()
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	c.spawn(func() {
		<-conn.Done()
		c.mu.Lock()
		defer c.mu.Unlock()
		w := &c.wishes
		w.ending = slices.DeleteFunc(w.ending, func(other *Conn) bool { return other == conn })
		w.tell()
	})
}

// stop ends what the controller is at. A connection that comes nevertheless is whose it is.
func (c *Controller) stop(i *initiation) {
	r, confirmed := c.cancel(i)
	if !confirmed {
		c.fail(&CommandError{hci.OpLECreateConnectionCancel, ErrCommandTimeout})
	}
	if r.conn != nil {
		c.conclude(i.attempts, r)
	}
}

// cancel ends what the controller is at, and tells whether it confirmed. The cancellation is over only with
// the Connection Complete, which may still be a connection. It is refused when there is nothing to cancel:
// then the event has come already, or there is none.
func (c *Controller) cancel(i *initiation) (r creation, confirmed bool) {
	if _, err := c.Do(context.Background(), hci.LECreateConnectionCancel); err != nil {
		c.note(err)
		return c.withdraw(i), true
	}
	timer := time.NewTimer(c.cfg.CommandTimeout)
	defer timer.Stop()
	select {
	case r = <-i.event:
		return r, true
	case <-c.ended:
		return r, true
	case <-timer.C:
		return c.withdraw(i), false
	}
}

// withdraw takes back what the loop has given nothing for. If the loop has just taken it, that is about to come.
func (c *Controller) withdraw(i *initiation) creation {
	if c.takeInitiation() != nil {
		return creation{}
	}
	return <-i.event
}

func (c *Controller) setInitiation(i *initiation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wishes.creating = i
}

// takeInitiation is what the controller is at, nil when that is nothing. The loop, which takes it for a
// Connection Complete, then gives its event.
func (c *Controller) takeInitiation() *initiation {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.wishes.creating
	c.wishes.creating = nil
	return i
}

// claim is the attempt that a new connection of ours is for, nil when nobody wants it any more.
func (c *Controller) claim(i *initiation, conn *Conn) *attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := i.whose(conn)
	if a == nil || a.ctx.Err() != nil || !slices.Contains(c.wishes.all, a) {
		return nil
	}
	a.claimed = true
	return a
}

// handleConnection enters a new connection into the table: the loop.
func (c *Controller) handleConnection(e hci.LEEnhancedConnectionComplete) {
	if e.Status == hci.AdvertisingTimeout {
		return // of directed advertising
	}
	if e.Status != hci.Success {
		if i := c.takeInitiation(); i != nil {
			i.event <- creation{to: i.named(e), err: &CommandError{hci.OpLECreateConnection, e.Status}}
		}
		return
	}
	if old := c.conns[e.Handle]; old != nil {
		c.drop(old, &DisconnectedError{old.PeerAddress(), hci.UnspecifiedError}) // its end was lost
	}
	conn := c.newConn(e)
	var i *initiation
	var a *attempt
	unwanted := false
	if e.Role == hci.Central {
		if i = c.takeInitiation(); i != nil {
			a = c.claim(i, conn)
		}
		unwanted = a == nil
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
	conn.learnPHY()
	made := creation{to: a, conn: conn}
	if unwanted {
		made.err = &CommandError{hci.OpLECreateConnection, hci.ConnectionTerminatedByLocalHost}
	}
	switch {
	case i != nil:
		i.event <- made
	case unwanted:
		conn.Disconnect(hci.RemoteUserTerminatedConnection)
	default:
		c.wishes.tell() // the peer may be one that is waited for
	}
}
