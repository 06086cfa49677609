package l2cap

// queue is a ring of PDUs whose octets are used again, so that a steady stream allocates nothing.
type queue struct {
	slots [][]byte
	head  int
	n     int
}

func newQueue(depth int) queue { return queue{slots: make([][]byte, depth)} }

func (q *queue) full() bool { return q.n == len(q.slots) }

// push copies a PDU's header and payload into the next slot; the caller has seen that there is one.
func (q *queue) push(cid uint16, payload []byte) {
	at := (q.head + q.n) % len(q.slots)
	b := append(q.slots[at][:0], byte(len(payload)), byte(len(payload)>>8), byte(cid), byte(cid>>8))
	q.slots[at] = append(b, payload...)
	q.n++
}

// front is the oldest PDU, header included; good until pop.
func (q *queue) front() []byte { return q.slots[q.head] }

// pop drops it. An empty queue begins anew, so that one that is hardly used stays in the processor's cache.
func (q *queue) pop() {
	q.head = (q.head + 1) % len(q.slots)
	if q.n--; q.n == 0 {
		q.head = 0
	}
}
