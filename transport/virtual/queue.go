package virtual

import (
	"encoding/binary"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// How much a host may leave unread. A controller that runs into them does as hardware does: data stays with
// its sender, advertising reports are lost, and in the end events are.
const (
	maxUnread        = 1 << 20       // octets
	maxUnreadReports = maxUnread / 4 // octets, beyond which advertising reports are dropped
	maxUnreadACL     = 64            // ACL packets, beyond which the link layer takes no more data
)

// A hostQueue is what the host has not read: packets, each behind its length and the time from which on it may be read.
// The memory is used again.
type hostQueue struct {
	buf  []byte
	head int           // where the first packet begins
	acl  int           // ACL packets among them
	due  time.Duration // of the packet that is put in next; never less than that of the one before
}

// headOctets is what there is before each packet.
const headOctets = 2 + 8

// octets is how much is queued.
func (q *hostQueue) octets() int { return len(q.buf) - q.head }

// begin makes room for a packet of up to n octets and returns the slice to append it to, which end takes.
func (q *hostQueue) begin(n int) []byte {
	if q.head > len(q.buf)/2 && len(q.buf)+headOctets+n > cap(q.buf) {
		q.buf = q.buf[:copy(q.buf, q.buf[q.head:])]
		q.head = 0
	}
	return binary.LittleEndian.AppendUint64(append(q.buf, 0, 0), uint64(q.due))
}

// end takes what begin returned with the packet behind it.
func (q *hostQueue) end(b []byte) {
	p := b[len(q.buf)+headOctets:]
	binary.LittleEndian.PutUint16(b[len(q.buf):], uint16(len(p)))
	if p[0] == hci.ACLPacket {
		q.acl++
	}
	q.buf = b
}

// push appends a packet.
func (q *hostQueue) push(p []byte) { q.end(append(q.begin(len(p)), p...)) }

// readable is when the first packet may be read; there is one.
func (q *hostQueue) readable() time.Duration {
	return time.Duration(binary.LittleEndian.Uint64(q.buf[q.head+2:]))
}

// pop returns the first packet, valid until the next is queued, or nil.
func (q *hostQueue) pop() []byte {
	if q.octets() == 0 {
		return nil
	}
	at := q.head + headOctets
	p := q.buf[at : at+int(binary.LittleEndian.Uint16(q.buf[q.head:]))]
	q.head = at + len(p)
	if q.head == len(q.buf) {
		q.buf, q.head = q.buf[:0], 0
	}
	if p[0] == hci.ACLPacket {
		q.acl--
	}
	return p
}
