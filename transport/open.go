package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
)

// Options are the choices that Open leaves to its caller. The zero value works.
type Options struct {
	// TakeOver brings a controller down that is up, although bluetoothd runs and may be using it. If
	// false, such a controller is answered with EBUSY. One that is up while no bluetoothd runs is brought
	// down either way. User only.
	TakeOver bool
	// BusyWait is how long a controller that the kernel is still preparing, mostly by loading its firmware,
	// is tried again. If zero, 10 s; if negative, it is tried once. User only.
	BusyWait time.Duration
	// Wait waits, as long as ctx lets it, for a controller that is not there yet. If false, such a one is
	// answered with ENODEV at once. User only.
	Wait bool
	// Log hears what Open waits for, and what it could not have. If nil, silence.
	Log *logrus.Logger
}

// ErrGone is in the error of reads and writes once the controller has gone: unplugged, taken down,
// or its stream ended by the other side.
var ErrGone = errors.New("the controller is gone")

// ErrVirtual is in the error of Open for a virtual controller.
var ErrVirtual = errors.New("virtual controllers are opened by package transport/virtual")

// Open opens the controller that s names. ctx bounds the waiting, not the life of the Conn. The error is an
// *OpenError, also for a virtual controller (ErrVirtual), which package transport/virtual opens, and for
// the user channel where there is none (errors.ErrUnsupported).
func Open(ctx context.Context, s Spec, o Options) (Conn, error) {
	k := kindOf(s.Kind)
	if k == nil {
		return nil, &OpenError{Op: opOpen, Spec: s, Err: errors.ErrUnsupported,
			Cause: "no such kind of transport", Remedy: "write " + forms()}
	}
	if err := ctx.Err(); err != nil {
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: "not tried"}
	}
	return k.open(ctx, s, o)
}

// What an OpenError's Op can be.
const (
	opOpen = "open"
	opList = "list"
)

// An OpenError is why a controller could not be had, for programs (errors.Is with the errno), for a log
// (Error) and for the person who has to change something (Remedy).
type OpenError struct {
	Op     string // what failed: "open", or "list" for Adapters
	Spec   Spec   // what was to be opened; its zero value for "list"
	Err    error  // the error below, mostly an errno
	Cause  string // what it means here
	Remedy string // what to do about it, one line, with the command where there is one; may be empty
}

// Error returns one line: what failed and why.
func (e *OpenError) Error() string {
	what := e.Op + " " + e.Spec.String()
	if e.Op == opList {
		what = "list controllers"
	}
	if e.Cause == "" {
		return fmt.Sprintf("%s: %v", what, e.Err)
	}
	return fmt.Sprintf("%s: %s (%v)", what, e.Cause, e.Err)
}

// Unwrap returns Err, so that errors.Is(err, unix.EBUSY) holds.
func (e *OpenError) Unwrap() error { return e.Err }
