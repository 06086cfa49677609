package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A line is a serial line as the system gives it. One goroutine may read while another writes, and the rest may
// be called by any at any time. Close unblocks both. A deadline in the past unblocks with os.ErrDeadlineExceeded.
type line interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	dropInput() error                // what was received and is still in the kernel
	dropOutput() error               // what was written and is still in the kernel
	drain(ctx context.Context) error // waits until all that was written is on the wire
	setBaud(baud int) error          // at once; a *BaudError if it can't be had
	baud() int                       //
	setBreak(on bool) error          //
	lineErrors() LineErrors          // since it was opened
	held() bool                      // the other end holds up what is written
}

// errHalted is what a read or write hears that was called off by gate.halt.
var errHalted = errors.New("halted")

// errGap is the silence of a line within a packet.
var errGap = errors.New("silence within a packet")

// past is a deadline that is over.
var past = time.Unix(1, 0)

// A gate is passed by whoever sets a deadline on a line, so that none of them is lost to another: once it is
// halted, the deadlines stay in the past.
type gate struct {
	line line

	mu     sync.Mutex    // guards what follows
	halted chan struct{} // closed when the gate opens again; nil while it is open
	writes bool          // halted for writes too
	closed bool          // for good
}

// readBy sets the deadline of reads; the zero time is none.
func (g *gate) readBy(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.halted != nil || g.closed {
		return errHalted
	}
	return g.line.SetReadDeadline(t)
}

// writeBy sets the deadline of writes.
func (g *gate) writeBy(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.writes || g.closed {
		return errHalted
	}
	return g.line.SetWriteDeadline(t)
}

func (g *gate) isHalted() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.halted != nil || g.closed
}

// halt calls off the read that is under way, and all that come until open is called; writes too, if asked. At any
// time there is one who may.
func (g *gate) halt(writes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.halted, g.writes = make(chan struct{}), writes
	g.line.SetReadDeadline(past)
	if writes {
		g.line.SetWriteDeadline(past)
	}
}

// open undoes halt.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.halted)
	g.halted, g.writes = nil, false
}

// shut halts for good.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.line.SetReadDeadline(past)
	g.line.SetWriteDeadline(past)
}

// wait returns once the gate is not halted any more.
func (g *gate) wait() {
	g.mu.Lock()
	halted := g.halted
	g.mu.Unlock()
	if halted != nil {
		<-halted
	}
}

// An intake reads from a line for a framer, and notices when it falls silent within a packet.
// Owner: the goroutine that reads.
type intake struct {
	gate    *gate
	gap     time.Duration // how long a packet may pause
	within  bool          // part of a packet has come
	pending []byte        // octets that come before those of the line

	chip       atomic.Pointer[Chip]
	passedOver atomic.Int64 // packets of the vendor's
}

// Read implements io.Reader. Besides errors of the line there are errHalted and, within a packet, errGap.
func (i *intake) Read(b []byte) (int, error) {
	if len(i.pending) > 0 {
		n := copy(b, i.pending)
		i.pending = i.pending[n:]
		return n, nil
	}
	for {
		var by time.Time
		if i.within {
			by = time.Now().Add(i.gap)
		}
		if err := i.gate.readBy(by); err != nil {
			return 0, err
		}
		n, err := i.gate.line.Read(b)
		switch {
		case n > 0:
			return n, nil // an error comes again
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, err
		case i.gate.isHalted():
			return 0, errHalted
		case i.within:
			return 0, errGap
		}
	}
}

// vendor says whether a packet type is one of the chip's own, and how many octets follow it.
func (i *intake) vendor(typ byte) (rest int, ok bool) {
	c := i.chip.Load()
	if c == nil {
		return 0, false
	}
	return c.vendorPacket(typ)
}

// vendorPacket says whether a packet type is one of the chip's own, and how many octets follow it.
//
// Broadcom's are diagnostics, and three without a name that Linux knows as well. Those of Texas Instruments ask
// to be let sleep (eHCILL). They get no answer, and so the chip stays awake.
func (c Chip) vendorPacket(typ byte) (rest int, ok bool) {
	switch c {
	case ChipBroadcom:
		switch typ {
		case 0x07:
			return 63, true
		case 0x00, 0x31, 0x34:
			return 0, true
		}
	case ChipTI:
		return 0, typ >= 0x30 && typ <= 0x33
	}
	return 0, false
}

// rates returns at which rates a chip may be found that does not answer at the usual one, in bits per second:
// those that firmware and other hosts leave them at.
func (c Chip) rates() []int {
	switch c {
	case ChipBroadcom:
		return []int{3_000_000, 921_600, 460_800}
	case ChipNone:
		return nil
	}
	return []int{921_600, 1_000_000, 3_000_000, 460_800}
}
