package gatt

import "encoding/binary"

const (
	// firstQueue is how large the queue of a client is made, in octets, when the first value arrives.
	firstQueue = 4 << 10
	// recordHeader is what stands before a value in the queue, in octets: its subscription's number, its length.
	recordHeader = 8
)

var le = binary.LittleEndian

// A queue is a ring of octets that holds values in order, each in one piece behind its header. It doubles when it is full, up to
// max, and allocates nothing otherwise. Its user has a lock around it.
type queue struct {
	buf     []byte
	head    int  // the oldest record
	tail    int  // where the next one goes
	end     int  // of the records before the seam, while wrapped
	wrapped bool // records lie in [head, end) and then in [0, tail), else in [head, tail)
	len     int  // records
	used    int  // octets of them
	max     int  // octets
}

// push puts a value in, and tells whether there was room.
func (q *queue) push(sub uint32, value []byte) bool {
	need := recordHeader + len(value)
	for !q.room(need) {
		if !q.grow(need) {
			return false
		}
	}
	r := q.buf[q.tail : q.tail+need]
	le.PutUint32(r, sub)
	le.PutUint32(r[4:], uint32(len(value)))
	copy(r[recordHeader:], value)
	q.tail += need
	q.len++
	q.used += need
	return true
}

// front is the oldest value. It stays good until pop, also when the queue grows.
func (q *queue) front() (sub uint32, value []byte, ok bool) {
	if q.len == 0 {
		return 0, nil, false
	}
	r := q.buf[q.head:]
	n := int(le.Uint32(r[4:]))
	return le.Uint32(r), r[recordHeader : recordHeader+n], true
}

// pop drops the oldest value.
func (q *queue) pop() {
	size := recordHeader + int(le.Uint32(q.buf[q.head+4:]))
	q.head += size
	q.len--
	q.used -= size
	switch {
	case q.len == 0:
		q.head, q.tail, q.wrapped = 0, 0, false
	case q.wrapped && q.head == q.end:
		q.head, q.wrapped = 0, false
	}
}

// room makes tail a place for need octets in one piece, if there is one.
func (q *queue) room(need int) bool {
	if q.wrapped {
		return q.tail+need <= q.head
	}
	if q.tail+need <= len(q.buf) {
		return true
	}
	if need > q.head {
		return false
	}
	q.end, q.tail, q.wrapped = q.tail, 0, true
	return true
}

// grow makes the ring larger, and tells whether it may. A record that is being read keeps the octets it has.
func (q *queue) grow(need int) bool {
	if len(q.buf) >= q.max || need > q.max {
		return false
	}
	buf := make([]byte, min(max(2*len(q.buf), firstQueue, need), q.max))
	var n int
	if q.wrapped {
		n = copy(buf, q.buf[q.head:q.end])
		n += copy(buf[n:], q.buf[:q.tail])
	} else {
		n = copy(buf, q.buf[q.head:q.tail])
	}
	q.buf, q.head, q.tail, q.wrapped = buf, 0, n, false
	return true
}
