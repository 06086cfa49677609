package virtual

import (
	"encoding/binary"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

// An aclPacket is one of the host's ACL packets in a buffer of its controller.
type aclPacket struct {
	next  *aclPacket
	data  []byte
	sent  int // octets that the other side has
	first bool
	order uint64 // among all of its end
}

// An aclQueue is an end's ACL packets in order.
type aclQueue struct {
	head, tail *aclPacket
	order      uint64 // of the last packet that came
}

func (q *aclQueue) push(p *aclPacket) {
	q.order++
	p.order = q.order
	if q.tail == nil {
		q.head = p
	} else {
		q.tail.next = p
	}
	q.tail = p
}

func (q *aclQueue) pop() *aclPacket {
	p := q.head
	if q.head = p.next; q.head == nil {
		q.tail = nil
	}
	p.next = nil
	return p
}

// dataBufferOverflow tells the host that it sent more than there was room for (Vol 4, Part E, 7.7.26).
var dataBufferOverflow = []byte{hci.EventPacket, byte(hci.EvDataBufferOverflow), 1, 0x01}

// takeACL takes an ACL packet of the host.
func (c *Controller) takeACL(p hci.ACL) error {
	switch {
	case p.Boundary > hci.Continuing || p.Broadcast != 0:
		return errors.New("flags that an LE host may not use")
	case len(p.Data) > c.config.ACLLength:
		return errors.New("longer than a buffer of the controller")
	case c.ledger.acl >= c.config.ACLBuffers:
		c.counters.ACLOverCredit++
		c.giveEvent(dataBufferOverflow)
		return nil
	case !c.ledger.spend(p.Handle):
		c.counters.ACLUnknownHandle++
		return nil
	}
	c.counters.ACLFromHost++
	e := c.find(p.Handle)
	if e == nil { // the host does not know yet that the link is over
		c.counters.ACLFlushed++
		return nil
	}
	b := c.buffer()
	b.data, b.first = append(b.data[:0], p.Data...), p.Boundary == hci.FirstNonFlushable
	e.data.push(b)
	e.link.schedule()
	return nil
}

// buffer is an ACL buffer that is free. The host's credits bound how many there are.
func (c *Controller) buffer() *aclPacket {
	c.buffered++
	b := c.free
	if b == nil {
		return &aclPacket{data: make([]byte, 0, c.config.ACLLength)}
	}
	c.free, b.next, b.sent = b.next, nil, 0
	return b
}

func (c *Controller) release(b *aclPacket) {
	c.buffered--
	b.next = c.free
	c.free = b
}

// mayData tells whether there is data that may be sent now. A receiver whose host does not read, or has no room, takes
// none, as a link layer does that acknowledges nothing; resume goes on.
func (e *end) mayData() bool {
	if e.data.head == nil || e.encryption.paused {
		return false
	}
	peer := e.peer()
	if peer.gone || peer.c.conn == nil {
		return false
	}
	if peer.c.conn.queue.acl >= maxUnreadACL || peer.c.hostRoom() == 0 {
		peer.c.stalled = true
		return false
	}
	return true
}

func (e *end) traceData(piece []byte, first bool) {
	name := "LL Data continuation"
	if first {
		name = "LL Data start"
	}
	e.air().trace(e.c, e.peer().c, name, "%d octets", len(piece))
}

// receiveData gives the host what came, in packets that it can take.
func (e *end) receiveData(piece []byte, first bool) {
	for len(piece) > 0 {
		n := min(len(piece), e.c.pieceLength())
		boundary := hci.Continuing
		if first {
			boundary = hci.FirstFlushable
		}
		e.giveACL(hci.ACL{Handle: e.handle, Boundary: boundary, Data: piece[:n]})
		piece, first = piece[n:], false
	}
}

func (e *end) giveACL(p hci.ACL) {
	c := e.c
	q := &c.conn.queue
	n := 1 + hci.ACLHeaderLength + len(p.Data)
	if q.octets()+headOctets+n > maxUnread {
		c.counters.EventsDropped++
		return
	}
	c.postpone()
	q.end(hci.AppendACL(q.begin(n), p))
	c.counters.ACLToHost++
	if c.hostFlow.on {
		e.freeHostBuffers(-1)
	}
	c.conn.ready.Signal()
}

// giveCompleted gives the host the credits of what was acknowledged (Vol 4, Part E, 7.7.19).
func (e *end) giveCompleted() {
	n := e.completed
	if n == 0 || e.gone {
		return
	}
	e.completed = 0
	e.c.counters.ACLCompleted += n
	b := append(e.c.event[:0], hci.EventPacket, byte(hci.EvNumberOfCompletedPackets), 5, 1)
	b = binary.LittleEndian.AppendUint16(b, e.handle)
	e.c.giveEvent(binary.LittleEndian.AppendUint16(b, uint16(n)))
}

// flush loses what the host still had in the controller, whose credits come back with Disconnection Complete, and frees
// what the host had of the link.
func (e *end) flush() {
	e.freeHostBuffers(e.hostBuffers)
	if e.c.stalled {
		e.c.resume()
	}
	for e.data.head != nil {
		e.c.release(e.data.pop())
		e.c.counters.ACLFlushed++
	}
}
