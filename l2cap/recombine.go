package l2cap

import (
	"encoding/binary"
	"sync/atomic"
)

// recombiner puts fragments together (Vol 3, Part A, 7.2.2). It belongs to the controller's loop. What does
// not fit together is dropped and counted, and the link lives on.
type recombiner struct {
	buf   []byte // the open PDU, header included
	open  bool
	skip  bool         // what follows is of a PDU that was dropped
	limit atomic.Int64 // longest PDU, header included; raised from anywhere

	unfinished, stray, long atomic.Uint64 // as in RecombinationStatistics
}

// RecombinationStatistics counts what was dropped while putting PDUs together.
type RecombinationStatistics struct {
	Unfinished uint64 // a PDU was open when another began
	Stray      uint64 // a continuing fragment with no PDU open, or an empty fragment
	TooLong    uint64 // a PDU longer than its channel takes, or than its own length field
}

// outcome is what a fragment led to.
type outcome uint8

const (
	nothing outcome = iota
	whole           // a PDU is complete
	tooLong         // a PDU was dropped that no channel takes; the payload is how it begins
)

// add takes a fragment. The payload aliases data or the recombiner's buffer and is good until the next call.
func (r *recombiner) add(start bool, data []byte) (cid uint16, payload []byte, got outcome) {
	if start {
		if r.open {
			r.unfinished.Add(1)
		}
		r.open, r.skip, r.buf = len(data) > 0, false, r.buf[:0]
		if len(data) >= headerLength && len(data) == pduLength(data) && len(data) <= int(r.limit.Load()) {
			r.open = false
			return pduChannel(data), data[headerLength:], whole // not copied
		}
	}
	if r.skip {
		return 0, nil, nothing
	}
	if !r.open || len(data) == 0 {
		r.stray.Add(1)
		return 0, nil, nothing
	}
	if n := min(max(0, headerLength-len(r.buf)), len(data)); n > 0 {
		r.buf, data = append(r.buf, data[:n]...), data[n:]
	}
	if len(r.buf) < headerLength {
		return 0, nil, nothing
	}
	length := pduLength(r.buf)
	switch {
	case length > int(r.limit.Load()):
		r.drop()
		return pduChannel(r.buf), data, tooLong
	case len(r.buf)+len(data) > length:
		r.drop()
		return 0, nil, nothing
	}
	if r.buf = append(r.buf, data...); len(r.buf) < length {
		return 0, nil, nothing
	}
	r.open = false
	return pduChannel(r.buf), r.buf[headerLength:], whole
}

// raise lets PDUs of n octets in, header included.
func (r *recombiner) raise(n int) {
	for {
		old := r.limit.Load()
		if int64(n) <= old || r.limit.CompareAndSwap(old, int64(n)) {
			return
		}
	}
}

func (r *recombiner) drop() {
	r.open, r.skip = false, true
	r.long.Add(1)
}

// pduLength is the length of the PDU whose header b begins with, header included.
func pduLength(b []byte) int { return headerLength + int(binary.LittleEndian.Uint16(b)) }

func pduChannel(b []byte) uint16 { return binary.LittleEndian.Uint16(b[2:]) }
