package driver

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// maxPackets is how many packets wait between the reader and the loop; then the reader waits, and what
// comes waits in the kernel.
const maxPackets = 128

// packet is what one read gave: n octets, or the end of reading.
type packet struct {
	b   [transport.MaxPacket]byte
	n   int
	err error
}

// phase is how far the start-up has come.
type phase uint8

const (
	resetting phase = iota // whatever comes before the answer to HCI_Reset is of whoever had the controller before
	starting               // answers to commands; nothing else can be meant for us yet
	running
)

// read is the reader goroutine: nothing but reading and handing over. The end of reading is handed over too,
// so that the loop has seen all that came before it.
func (c *Controller) read() {
	for {
		p := c.buffer()
		p.n, p.err = c.conn.ReadPacket(p.b[:])
		over := p.err != nil
		select {
		case c.in <- p:
		case <-c.ended:
			return
		}
		if over {
			return
		}
	}
}

// buffer is a packet that the loop is done with, or a new one: so there are never more than were needed.
func (c *Controller) buffer() *packet {
	select {
	case p := <-c.free:
		return p
	default:
		return new(packet)
	}
}

// loop owns the connection table and calls the host.
func (c *Controller) loop() {
	for {
		select {
		case p := <-c.in:
			if p.err != nil {
				c.fail(p.err)
				continue
			}
			if c.handlePacket(p) {
				continue // kept
			}
			select {
			case c.free <- p:
			default:
			}
		case call := <-c.calls:
			call()
		case <-c.ended:
			c.endAll()
			return
		}
	}
}

// endAll ends every connection and every command that has no answer.
func (c *Controller) endAll() {
	for _, conn := range c.conns {
		c.drop(conn, c.Err())
	}
	for _, s := range c.syncs {
		c.endSync(s, c.Err())
	}
	for _, cmd := range c.out.leave() {
		cmd.done(nil, &CommandError{cmd.opcode, c.Err()})
	}
}

// onLoop runs f on the loop and waits for it, unless the controller is gone.
func (c *Controller) onLoop(f func()) error {
	done := make(chan struct{})
	select {
	case c.calls <- func() { f(); close(done) }:
		<-done
		return nil
	case <-c.ended:
		return c.Err()
	}
}

// handlePacket handles what was read, and tells whether it keeps it.
func (c *Controller) handlePacket(received *packet) (kept bool) {
	b := received.b[:received.n]
	c.stats.MostUnread = max(c.stats.MostUnread, 1+len(c.in))
	if len(b) == 0 {
		c.stats.Malformed++
		return false
	}
	switch b[0] {
	case hci.EventPacket:
		c.stats.Events++
		e, err := hci.ParseEvent(b[1:])
		if err == nil {
			err = c.handleEvent(e)
		}
		c.check(err)
	case hci.ACLPacket:
		p, err := hci.ParseACL(b[1:])
		c.stats.Received.add(len(p.Data))
		switch {
		case err != nil:
			c.check(err)
		case c.phase == running && c.conns[p.Handle] == nil && c.early.hold(received, p.Handle):
			c.stats.Early++
			return true
		default:
			c.handleACL(p)
		}
	default:
		c.stats.UnknownPackets++
	}
	return false
}

// check counts and notes what could not be parsed; link and controller are kept.
func (c *Controller) check(err error) {
	if err != nil {
		c.stats.Malformed++
		c.logf("dropped: %v", err)
	}
}

func (c *Controller) handleACL(p hci.ACL) {
	conn := c.conns[p.Handle]
	if conn == nil || p.Broadcast != 0 {
		c.stats.UnknownHandles++
		return
	}
	switch p.Boundary {
	case hci.FirstFlushable, hci.FirstNonFlushable:
		conn.handler.HandleFragment(true, p.Data)
	case hci.Continuing:
		conn.handler.HandleFragment(false, p.Data)
	default: // 0b11 is a complete L2CAP PDU of BR/EDR
		c.stats.Malformed++
	}
	c.out.received(conn)
}
