package l2cap

import "encoding/binary"

// recombiner puts fragments together (Vol 3, Part A, 7.2.2). It belongs to the controller's loop. What does
// not fit together is dropped and counted, and the link lives on.
type recombiner struct {
	buf   []byte // the open PDU, header included
	want  int    // its whole length; 0 while the header is not complete
	open  bool
	limit int // longest PDU, header included

	stats RecombinationStatistics
}

// RecombinationStatistics counts what was dropped while putting PDUs together.
type RecombinationStatistics struct {
	Unfinished uint64 // a PDU was open when another began
	Stray      uint64 // a continuing fragment, or an empty one, with no PDU open
	TooLong    uint64 // a PDU longer than any channel takes, or than its own length field
}

// add takes a fragment and returns a PDU's channel and payload when it completed one. The payload aliases
// data or the recombiner's buffer and is good until the next call.
func (r *recombiner) add(start bool, data []byte) (cid uint16, payload []byte, ok bool) {
	switch {
	case start:
		if r.open {
			r.stats.Unfinished++
		}
		r.open, r.want, r.buf = false, 0, r.buf[:0]
		if len(data) == 0 {
			r.stats.Stray++
			return 0, nil, false
		}
		if len(data) >= headerLength && len(data) == headerLength+int(binary.LittleEndian.Uint16(data)) && len(data) <= r.limit {
			return binary.LittleEndian.Uint16(data[2:]), data[headerLength:], true // whole: not copied
		}
		r.open = true
	case !r.open || len(data) == 0:
		r.stats.Stray++
		return 0, nil, false
	}
	if len(r.buf)+len(data) > r.limit {
		return r.drop()
	}
	r.buf = append(r.buf, data...)
	if r.want == 0 && len(r.buf) >= headerLength {
		r.want = headerLength + int(binary.LittleEndian.Uint16(r.buf))
	}
	switch {
	case r.want == 0 || len(r.buf) < r.want && r.want <= r.limit:
		return 0, nil, false
	case len(r.buf) != r.want:
		return r.drop()
	}
	r.open = false
	return binary.LittleEndian.Uint16(r.buf[2:]), r.buf[headerLength:], true
}

func (r *recombiner) drop() (uint16, []byte, bool) {
	r.open = false
	r.stats.TooLong++
	return 0, nil, false
}
