package driver

import (
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

// The outbox's account of the controller's ACL buffers: how many are free, and how many each connection has
// in use. What a connection takes comes back by Number Of Completed Packets, or all at once with its end.

// setBuffers tells how many ACL buffers the controller has.
func (o *outbox) setBuffers(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total, o.buffers = n, n
}

func (o *outbox) credits() (free, total int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffers, o.total
}

func (o *outbox) addLink(c *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.links = append(o.links, c)
	o.resting++
	c.added = true
	o.host.add(c)
	if c.ready { // its handler had something to send from the start
		o.queued = append(o.queued, c)
		o.wake.Signal()
	}
	o.relieve()
}

// linkedTo tells whether there is a connection with the device; whoever has been told of its end knows that there is none.
func (o *outbox) linkedTo(a hci.Address) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.links, func(c *Conn) bool { return c.isTo(a) && c.Err() == nil })
}

// removeLink takes a dead connection out and returns its commands that have not gone. Its buffers are free
// at once, since the controller flushes them and reports no completion (Vol 4, Part E, 4.3).
func (o *outbox) removeLink(c *Conn) []*command {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.unacknowledged == 0 {
		o.resting--
	}
	o.buffers += c.unacknowledged
	c.unacknowledged, c.ready, c.gone = 0, false, true
	isIt := func(l *Conn) bool { return l == c }
	o.links, o.queued = slices.DeleteFunc(o.links, isIt), slices.DeleteFunc(o.queued, isIt)
	if o.host.remove(c); o.host.due {
		o.wake.Signal()
	}
	return o.forget(func(cmd *command) bool { return cmd.link == c })
}

// completed gives back n buffers of a connection; more than it holds are a controller's mistake and not
// believed.
func (o *outbox) completed(c *Conn, n int) (excess int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	excess = max(0, n-c.unacknowledged)
	n -= excess
	if n == 0 {
		return excess
	}
	if c.unacknowledged -= n; c.unacknowledged == 0 {
		o.resting++
	}
	o.buffers += n
	o.wake.Signal()
	return excess
}

// setReady notes that a connection may have something to send: it stands in the queue for its turn, once.
func (o *outbox) setReady(c *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.ready || c.gone {
		return
	}
	if c.ready = true; c.added {
		o.queued = append(o.queued, c)
		o.wake.Signal()
	}
}

// ended tells whether a connection has ended and its handle may be another's.
func (o *outbox) ended(c *Conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return c.gone
}

// nextLink is the connection whose turn it is, with a buffer taken for it. The first buffer of each comes
// before the second of any, up to half of all, so that peers that do not answer can't hold every one.
func (o *outbox) nextLink() *Conn {
	if o.buffers == 0 {
		return nil
	}
	reserve := min(o.resting, (o.total+1)/2)
	for i, c := range o.queued {
		if c.unacknowledged > 0 && o.buffers <= reserve {
			continue
		}
		o.queued = slices.Delete(o.queued, i, i+1)
		c.ready = false // before its fragment is asked for, so that no wake is lost
		if c.unacknowledged++; c.unacknowledged == 1 {
			o.resting--
		}
		o.buffers--
		return c
	}
	return nil
}
