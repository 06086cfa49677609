package gap

import (
	"context"
	"errors"
	"sync"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
)

// An errand is something that a connection has to do for GATT, and that waits for a disk or for the peer.
type errand uint8

// The errands; of those that are to be done at once, the first comes first.
const (
	errandForget    errand = 1 << iota // what was kept belongs to somebody else
	errandKnow                         // the peer is who it says: it gets what is kept for it
	errandRenew                        // the peer is to be told again what it was told on this link
	errandSubscribe                    // the peer is to be told what we wish of it
)

// errands does the errands of one kind of a connection on a goroutine of its own, so that neither the Security Manager nor
// the controller's loop waits for them. One that is to be done already is not done twice.
type errands struct {
	do    func(errand)
	wake  chan struct{} // capacity 1
	ended chan struct{} // closed when run has returned

	mu     sync.Mutex // guards what follows
	todo   errand     // a bit for each
	busy   bool
	closed bool
	idle   chan struct{} // closed when there is nothing left to do; nil while nobody waits for that
}

func newErrands(do func(errand)) *errands {
	e := &errands{do: do, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go e.run()
	return e
}

// add adds an errand, and never waits.
func (e *errands) add(what errand) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.todo |= what
	e.signal()
}

func (e *errands) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// wait waits until there is nothing left to do, or for ctx or the end of the link.
func (e *errands) wait(ctx context.Context, done <-chan struct{}) error {
	e.mu.Lock()
	if e.todo == 0 && !e.busy {
		e.mu.Unlock()
		return nil
	}
	if e.idle == nil {
		e.idle = make(chan struct{})
	}
	idle := e.idle
	e.mu.Unlock()
	select {
	case <-idle:
	case <-done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// close has the goroutine end after what is there, and waits for it.
func (e *errands) close() {
	e.mu.Lock()
	e.closed = true
	e.signal()
	e.mu.Unlock()
	<-e.ended
}

// run is the goroutine.
func (e *errands) run() {
	defer close(e.ended)
	for {
		what, closed := e.next()
		switch {
		case what != 0:
			e.do(what)
		case closed:
			return
		default:
			<-e.wake
		}
	}
}

// next is the next errand, 0 without one, and whether there will be no more.
func (e *errands) next() (what errand, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	what = e.todo & -e.todo // the lowest bit
	e.todo &^= what
	e.busy = what != 0
	if !e.busy && e.idle != nil {
		close(e.idle)
		e.idle = nil
	}
	return what, e.closed
}

// remember tells GATT who the peer is, which reads and writes its store: the goroutine of errands.
func (c *Conn) remember(what errand) {
	peer := c.Peer()
	if what == errandForget {
		if c.forgetPeer(peer); !c.bonded() { // else there is more to come
			c.chores.add(errandRenew)
		}
		return
	}
	if c.Client().Server() != peer.Text() && c.bonded() { // by now it may not be any more
		c.know(peer)
		c.chores.add(errandRenew) // it may have forgotten us; and its database is to be known, for the next connection
	}
	c.taken.resume()
	c.gate.handOn()
	c.chores.add(errandSubscribe)
}

// know tells GATT who the peer is.
func (c *Conn) know(peer hci.Address) {
	if server := c.Server(); server != nil {
		c.warnUnlessEnded(server.SetClient(peer.Text()))
	}
	c.warnUnlessEnded(c.Client().SetServer(peer.Text()))
}

// forgetPeer drops what is kept for the peer: its subscriptions, what it knows of our database and what we know of its own
// belong to whoever had the bond before.
func (c *Conn) forgetPeer(peer hci.Address) {
	if c.host.cfg.Server != nil {
		c.warnUnlessEnded(c.host.cfg.Server.Forget(peer.Text()))
	}
	c.warnUnlessEnded(c.Client().Forget(peer.Text()))
}

// Forget removes the bond of a peer, by its identity address, and what GATT keeps with it: subscriptions, and what each side
// knows of the other's database. A connection that there is goes on, as one to somebody whom we do not know. Without a bond
// what is left of one is removed. The error joins those of the stores.
func (h *Host) Forget(peer hci.Address) error {
	errs := []error{h.Bonds().Delete(h.Identity(), peer)}
	h.bondsChanged()
	for _, c := range h.Conns() {
		if c.Peer() == peer {
			errs = append(errs, c.Client().Forget(peer.Text()))
		}
	}
	if h.cfg.Server != nil {
		errs = append(errs, h.cfg.Server.Forget(peer.Text()))
	}
	return errors.Join(append(errs, gatt.ForgetPeer(h.cfg.GATTStore, peer.Text()))...)
}

// warnUnlessEnded warns of an error that is not only the link's end.
func (c *Conn) warnUnlessEnded(err error) {
	if c.Err() == nil {
		c.host.warn(err)
	}
}

// verify tells whether a signature is the peer's, and for which security its key stands.
func (c *Conn) verify(message []byte, signature [att.SignatureLen]byte) (att.Security, bool) {
	if err := c.session.Verify(message, signature); err != nil {
		c.logf("%v: signed write: %v", c.Peer(), err)
		return att.Security{}, false
	}
	record, _ := c.session.Record()
	return securityOf(record.Keys.Security()), true
}
