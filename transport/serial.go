package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrOutOfStep is in the error of a Conn whose stream can't be cut into packets any more. One that is a
// Resyncer stays open, and may be brought back.
var ErrOutOfStep = errors.New("out of step")

// A Resyncer is a Conn that can be brought back into step with its controller: the one over a UART.
//
// After an error with ErrOutOfStep such a Conn is stopped, not closed: reads and writes return that error until
// Resync has succeeded. Resync also helps where nothing was read at all: the controller was reset, or has
// another rate.
type Resyncer interface {
	Conn
	// Resync resets the controller until its answer is recognised in what comes, at the rate there is and at
	// others. Reads and writes that are under way fail with ErrOutOfStep. When it returns nil the Conn works
	// again, Serial.Baud says at which rate, and everything about the controller is as after HCI_Reset: all
	// connections are lost. The error is a *ResyncError, which leaves the Conn stopped; or, with
	// ErrGone or net.ErrClosed, final.
	Resync(ctx context.Context) error
}

// A Serial is a Conn over a serial line, with what the bring-up of a chip needs to do to it.
type Serial interface {
	Conn
	// Baud returns the line's rate, in bits per second.
	Baud() int
	// SetBaud changes the line's rate once all that was written has left. It tells the controller nothing. A
	// rate that the line can't have is a *BaudError. ctx bounds the draining.
	SetBaud(ctx context.Context, baud int) error
	// Discard drops what is received for d, and what was received and not yet read; the next octet after that
	// begins a packet. It is for the time in which a controller starts anew or changes its rate. A
	// ReadPacket under way goes on waiting.
	Discard(ctx context.Context, d time.Duration) error
	// Break holds the line in the break condition for d.
	Break(ctx context.Context, d time.Duration) error
	// SetChip says what the controller turned out to be, and so which packet types of its vendor may come.
	// They are passed over.
	SetChip(c Chip)
	// Counters returns what went wrong on the line since it was opened.
	Counters() Counters
}

// As returns the Conn below conn, through any Tap, that is a T: As[Serial](conn), As[Resyncer](conn).
func As[T Conn](conn Conn) (T, bool) {
	for conn != nil {
		if t, ok := conn.(T); ok {
			return t, true
		}
		below, ok := conn.(interface{ Unwrap() Conn })
		if !ok {
			break
		}
		conn = below.Unwrap()
	}
	var none T
	return none, false
}

// Unwrap returns the Conn that is tapped.
func (t *tap) Unwrap() Conn { return t.Conn }

// Counters are what went wrong on a serial line since it was opened.
type Counters struct {
	Losses int // how often the stream came out of step
	Resets int // how often Resync brought it back
	Vendor int // packets of a vendor's own types that were passed over
	Line   LineErrors
}

// report says in brackets how often the stream was lost and what the line counted, or nothing before the first loss.
func (c Counters) report() string {
	if c.Losses == 0 {
		return ""
	}
	return fmt.Sprintf(" (loss %d of this line; %v)", c.Losses, c.Line)
}

// LineErrors are the errors that the hardware and its driver counted. Lines that do not count, as pseudo-terminals
// and some USB adapters, leave all of them zero.
type LineErrors struct {
	Overrun  int // octets lost in the hardware: the processor was late
	Overflow int // octets lost in the kernel: this process was late
	Framing  int // octets without a stop bit: wrong rate or noise
	Parity   int // octets with a wrong parity bit
	Break    int // break conditions: the other end was reset, or has no power
}

// Sub returns e without what was counted in before.
func (e LineErrors) Sub(before LineErrors) LineErrors {
	return LineErrors{
		Overrun:  e.Overrun - before.Overrun,
		Overflow: e.Overflow - before.Overflow,
		Framing:  e.Framing - before.Framing,
		Parity:   e.Parity - before.Parity,
		Break:    e.Break - before.Break,
	}
}

// String lists what is not zero, as in "2 overruns, 1 framing error", or says "no line errors".
func (e LineErrors) String() string {
	var list []string
	add := func(n int, name string) {
		switch {
		case n == 1:
			list = append(list, "1 "+name)
		case n != 0:
			list = append(list, fmt.Sprintf("%d %ss", n, name))
		}
	}
	add(e.Overrun, "overrun")
	add(e.Overflow, "buffer overflow")
	add(e.Framing, "framing error")
	add(e.Parity, "parity error")
	add(e.Break, "break")
	if list == nil {
		return "no line errors"
	}
	return strings.Join(list, ", ")
}

// A BaudError is a rate that a serial line can't have.
type BaudError struct {
	Want int   // what was asked for, in bits per second
	Got  int   // what the line has now; 0 if that is not known
	Err  error // the kernel's refusal; nil if it took the rate and kept another
}

// Error says in one line what was asked for and what there is.
func (e *BaudError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%d baud refused: %v", e.Want, e.Err)
	}
	return fmt.Sprintf("the line does not do %d baud, and is at %d", e.Want, e.Got)
}

// Unwrap returns Err.
func (e *BaudError) Unwrap() error { return e.Err }

// A StuckError is a packet of which nothing more could be written. The controller has part of it, so that the
// stream is out of step.
type StuckError struct {
	Written  int           // octets of the packet that the line took
	Length   int           // octets of the packet
	Waited   time.Duration // for how long
	Held     bool          // the controller does not raise CTS, and RTS/CTS is in use
	Counters Counters      // of the line, this loss included
}

// Error says in one line how far the packet got, and what may hold it up.
func (e *StuckError) Error() string {
	why := "the line takes no more"
	if e.Held {
		why = "the controller does not raise CTS"
	}
	return fmt.Sprintf("write packet: %v: %d of %d octets in %v: %s%s",
		ErrOutOfStep, e.Written, e.Length, e.Waited.Round(time.Millisecond), why, e.Counters.report())
}

// Unwrap returns ErrOutOfStep.
func (e *StuckError) Unwrap() error { return ErrOutOfStep }
