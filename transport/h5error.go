package transport

import (
	"errors"
	"fmt"
)

// ErrPeerReset is in the error of an H5 whose peer began to establish the link anew: the controller was reset, or
// lost its power for a moment. All that it knew is gone. A new H5 and HCI_Reset are the way on.
var ErrPeerReset = errors.New("the controller was reset under our feet")

// H5Link is what both ends of a three-wire link agreed on (Vol 4, Part D, 8.8).
type H5Link struct {
	Window       int  // reliable packets that may be unacknowledged, 1 to 7
	CRC          bool // every packet carries a data integrity check
	SoftwareFlow bool // XON and XOFF hold up the other end
}

// H5Counters are what happened on a three-wire link since it was opened.
type H5Counters struct {
	Octets   int // octets received
	Frames   int // frames received undamaged
	Damaged  int // frames dropped: bad escape, length, checksum or data integrity check
	Repeated int // reliable packets dropped because they came again, or behind a lost one
	Refused  int // reliable packets not acknowledged, because nobody read or they contradict themselves
	Passed   int // packets passed over: of a vendor's type, in the wrong direction, or while the link was down
	BadAcks  int // acknowledgements of what was not sent
	Resent   int // packets sent again
	// Line is what the hardware and the driver of a serial line counted; zero on any other line.
	Line LineErrors
}

// An H5Error is the end of a three-wire link, or why there was none.
type H5Error struct {
	Cause    string // what happened
	Counters H5Counters
	// Err says what to make of it: ErrPeerReset; ErrGone, if the controller does not answer any more or the line
	// has ended; ErrOutOfStep, if what it sends makes no sense; the context's, if no link came about in time.
	Err error
}

// Error says in one line what happened, and what was seen on the line.
func (e *H5Error) Error() string {
	c := e.Counters
	text := fmt.Sprintf("H5 link: %s: %v (%d octets and %d frames received, %d damaged, %d packets sent again",
		e.Cause, e.Err, c.Octets, c.Frames, c.Damaged, c.Resent)
	if c.Line != (LineErrors{}) {
		text += "; " + c.Line.String()
	}
	return text + ")"
}

// Unwrap returns Err.
func (e *H5Error) Unwrap() error { return e.Err }
