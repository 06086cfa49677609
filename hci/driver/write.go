package driver

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// write is the writer goroutine. It may be stuck in the transport for as long as the controller likes; the
// loop does not wait for it, and the time-out of whatever command comes next ends it.
func (c *Controller) write() {
	var b [transport.MaxPacket]byte
	for {
		e := c.out.next(b[:])
		var err error
		switch {
		case len(e.returns) > 0:
			c.written.commands.Add(1)
			c.written.returns.Add(1)
			err = c.conn.WritePacket(e.returns)
		case e.command != nil:
			c.written.commands.Add(1)
			err = c.conn.WritePacket(e.command.packet)
			clear(e.command.packet) // keys among them
		case e.link != nil:
			err = c.writeFragment(e.link, b[:])
		default:
			return
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// writeFragment sends a connection's next fragment; the buffer for it has been taken.
func (c *Controller) writeFragment(link *Conn, b []byte) error {
	const head = 1 + hci.ACLHeaderLength
	n, start := link.handler.NextFragment(b[head : head+c.info.ACLLength])
	if n == 0 {
		c.out.completed(link, 1)
		return nil
	}
	boundary := hci.Continuing
	if start {
		boundary = hci.FirstNonFlushable
	}
	c.out.setReady(link) // there may be more
	if c.out.ended(link) {
		return nil // its buffers came back with its end, this one too, and its handle may be another's
	}
	c.written.packets.Add(1)
	c.written.octets.Add(uint64(n))
	hci.AppendACL(b[:0], hci.ACL{Handle: link.handle, Boundary: boundary, Data: b[head : head+n]}) // the data is in its place
	return c.conn.WritePacket(b[:head+n])
}
