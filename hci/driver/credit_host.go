package driver

import (
	"context"
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// HostBuffers is how many ACL packets a controller with flow control towards the host may have given it, of all
// connections together, before it hears that some have been dealt with.
const HostBuffers = 64

const (
	// hostReturn is how many packets are out before those that were dealt with are given back: fewer never hold
	// the controller up, and each return is a command.
	hostReturn = HostBuffers / 4
	// hostPacket is the longest ACL packet that the controller may give us, octets.
	hostPacket = maxFragment
	// hostPatience is how long throttled connections may hold every buffer while others wait, and hostRelief how
	// many packets of each then go back regardless.
	hostPatience = 100 * time.Millisecond
	hostRelief   = 4
	// hostIdle is how long packets that were dealt with are kept at the most: there are controllers that do not tell
	// of the end of a connection before they have all of its packets back.
	hostIdle = 50 * time.Millisecond
	// hostEntries is how many connections one Host Number Of Completed Packets gives back for (Vol 4, Part E, 7.3.40).
	hostEntries = (255 - 1) / 4
)

// hostAccount is the outbox's account of our own ACL buffers, for controller-to-host flow control (Vol 4, Part E, 4.2).
type hostAccount struct {
	on     bool // set before the first connection
	out    int  // packets that the controller has not been given back
	most   int  // of those, ever
	held   int  // of those, of throttled connections
	due    bool // the writer has some to give back
	owing  []*Conn
	ended  []hci.CompletedPackets // of connections that have ended, to give back too
	idle   *time.Timer            // runs while something is owed
	ticks  bool                   // idle does
	relief *time.Timer            // runs while throttled connections hold every buffer and others wait
}

// remove takes out a connection that has ended. A controller may take its buffers for free then, and needs no word
// of it (Vol 4, Part E, 4.3), but some do not, and would have ever fewer: they are told. Others answer by an error.
func (h *hostAccount) remove(c *Conn) {
	n := c.handled + c.withheld
	if n == 0 {
		return
	}
	h.out -= n
	h.held -= c.withheld
	c.handled, c.withheld = 0, 0
	h.owing = slices.DeleteFunc(h.owing, func(l *Conn) bool { return l == c })
	if len(h.ended) < hostEntries {
		h.ended = append(h.ended, hci.CompletedPackets{Handle: c.handle, Count: uint16(n)})
	}
	h.due = true
}

// add begins a connection: what was for one before with the handle is not for it.
func (h *hostAccount) add(c *Conn) {
	h.ended = slices.DeleteFunc(h.ended, func(e hci.CompletedPackets) bool { return e.Handle == c.handle })
}

// owe makes n packets of a connection ready to be given back.
func (h *hostAccount) owe(c *Conn, n int) {
	if n > 0 && c.handled == 0 {
		h.owing = append(h.owing, c)
	}
	c.handled += n
}

// startHostFlow has the controller wait for us where it can; one that refuses goes on without.
func (c *Controller) startHostFlow(ctx context.Context) error {
	for _, op := range []hci.Opcode{hci.OpHostBufferSize, hci.OpSetControllerToHostFlowControl, hci.OpHostNumberOfCompletedPackets} {
		if c.cfg.NoHostFlow || !c.info.Commands.Supports(op) {
			return nil
		}
	}
	for _, cmd := range []hci.Command{hci.HostBufferSize{ACLLength: hostPacket, ACLPackets: HostBuffers},
		hci.SetControllerToHostFlowControl{Enable: hci.FlowControlACL}} {
		if _, err := c.Do(ctx, cmd); err != nil {
			return refused(err)
		}
	}
	c.info.HostFlow, c.out.host.on = true, true
	return nil
}

// received notes that a packet of a connection has been dealt with, or that it waits in a throttled one.
func (o *outbox) received(c *Conn) {
	if !o.host.on {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	h := &o.host
	h.out++
	h.most = max(h.most, h.out)
	if c.throttled {
		c.withheld++
		h.held++
		o.relieve()
	} else {
		h.owe(c, 1)
	}
	o.giveBack()
}

// giveBack has the writer give back what may go, at once if so much is out that the controller could want it, or else
// in a while.
func (o *outbox) giveBack() {
	h := &o.host
	switch {
	case len(h.owing) == 0 || h.due:
	case h.out >= hostReturn:
		o.giveBackNow()
	case h.ticks || o.closed:
	case h.idle == nil:
		h.ticks, h.idle = true, time.AfterFunc(hostIdle, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			h.ticks = false
			o.giveBackNow()
		})
	default:
		h.ticks = true
		h.idle.Reset(hostIdle)
	}
}

func (o *outbox) giveBackNow() {
	o.host.due = true
	o.wake.Signal()
}

// letLeave lets go of what a connection holds, for good: nobody will deal with it, and its end may wait for it.
func (o *outbox) letLeave(c *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c.leaving = true
	o.setThrottled(c, false)
}

// throttle begins or ends that a connection's packets are withheld.
func (o *outbox) throttle(c *Conn, on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.setThrottled(c, on && !c.leaving)
}

func (o *outbox) setThrottled(c *Conn, on bool) {
	if c.throttled = on; !on {
		o.letGo(c, c.withheld)
		o.giveBack()
	}
}

// letGo gives n of the packets back that are withheld.
func (o *outbox) letGo(c *Conn, n int) {
	c.withheld -= n
	o.host.held -= n
	o.host.owe(c, n)
}

// relieve sees to it that throttled connections do not stop the others for good, which have the same buffers: a few
// packets of each go back in a while. One that is alone may stand still.
func (o *outbox) relieve() {
	h := &o.host
	if h.held < HostBuffers || len(o.links) < 2 || h.relief != nil || o.closed {
		return
	}
	h.relief = time.AfterFunc(hostPatience, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		h.relief = nil
		for _, c := range o.links {
			o.letGo(c, min(c.withheld, hostRelief))
		}
		o.giveBack()
	})
}

// appendReturns appends the command that gives back what was dealt with, if it is time for that.
func (o *outbox) appendReturns(b []byte) []byte {
	h := &o.host
	if !h.due || len(h.owing)+len(h.ended) == 0 {
		h.due = false
		return b
	}
	ended := len(h.ended)
	n := min(len(h.owing), hostEntries-ended)
	h.due = n < len(h.owing)
	b = append(b, hci.CommandPacket, byte(hci.OpHostNumberOfCompletedPackets&0xFF), byte(hci.OpHostNumberOfCompletedPackets>>8), byte(1+4*(ended+n)), byte(ended+n))
	for _, e := range h.ended {
		b = append(b, byte(e.Handle), byte(e.Handle>>8), byte(e.Count), byte(e.Count>>8))
	}
	for _, c := range h.owing[:n] {
		b = append(b, byte(c.handle), byte(c.handle>>8), byte(c.handled), byte(c.handled>>8))
		h.out -= c.handled
		c.handled = 0
	}
	h.ended, h.owing = h.ended[:0], slices.Delete(h.owing, 0, n)
	return b
}

// stop ends the timers: nothing is given back any more.
func (h *hostAccount) stop() {
	for _, t := range []*time.Timer{h.idle, h.relief} {
		if t != nil {
			t.Stop()
		}
	}
}
