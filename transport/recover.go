package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const (
	// resyncTries is how often the controller is reset at each rate. The last try is a volley: a controller that
	// lost octets of ours may wait for the rest of a packet, and takes our resets for it.
	resyncTries = 3
	// volleyResets are enough to fill up any command, and data of a kilooctet.
	volleyResets = 260
	// volleyPause is how long the answer is waited for between two resets of a volley.
	volleyPause = 5 * time.Millisecond
	// resetPatience is how long a controller may take to reset.
	resetPatience = time.Second
	// resyncWrite is how long a reset may take to be written.
	resyncWrite = 500 * time.Millisecond
	// resyncQuiet is the silence after which no further answer to a reset is on its way.
	resyncQuiet = 100 * time.Millisecond
	// resyncStep is how late a context that is over may be noticed.
	resyncStep = 50 * time.Millisecond
	// maxLeftover bounds what is kept of what comes behind the answer, in octets.
	maxLeftover = 2 * MaxPacket
)

// resetCommand is HCI_Reset (Vol 4, Part E, 7.3.2).
var resetCommand = []byte{Command, 0x03, 0x0C, 0x00}

// resetAnswer is its Command Complete event without an error. Octet 3 is how many commands may follow, and is not
// compared (Vol 4, Part E, 7.7.14).
var resetAnswer = [7]byte{Event, 0x0E, 0x04, 0, 0x03, 0x0C, 0x00}

// anyCredits is the octet of resetAnswer that is not compared.
const anyCredits = 3

// isResetAnswer reports whether b begins with the answer to a reset.
func isResetAnswer(b []byte) bool {
	if len(b) < len(resetAnswer) {
		return false
	}
	for i, want := range resetAnswer {
		if i != anyCredits && b[i] != want {
			return false
		}
	}
	return true
}

// A window slides over a stream until the answer to a reset is in it.
type window struct {
	last [len(resetAnswer)]byte
}

// feed takes what came next. Once the answer was there it returns what follows it, and true.
func (w *window) feed(b []byte) (rest []byte, found bool) {
	for i, octet := range b {
		copy(w.last[:], w.last[1:])
		w.last[len(w.last)-1] = octet
		if isResetAnswer(w.last[:]) {
			return b[i+1:], true
		}
	}
	return nil, false
}

// A resync is one attempt to come back into step, by the one who has the line to himself.
type resync struct {
	line   line
	window window
	report ResyncError
	rest   []byte // what came behind the answer: whole packets, but for the last
}

// errNoAnswer is a reset without an answer.
var errNoAnswer = errors.New("no answer")

// run resets the controller at one rate after the other until it answers. An error that is not a *ResyncError is
// one of the line.
func (r *resync) run(ctx context.Context, rates []int) error {
	before, first := r.line.lineErrors(), r.line.baud()
	for _, rate := range rates {
		err := r.at(ctx, rate)
		if err == nil {
			return nil
		}
		r.report.Line, r.report.Held = r.line.lineErrors().Sub(before), r.line.held()
		switch {
		case errors.Is(err, errNoAnswer):
		case ctx.Err() != nil:
			r.report.Err = ctx.Err()
			r.line.setBaud(first)
			return &r.report
		default:
			return err
		}
	}
	r.line.setBaud(first) // it was possible before
	return &r.report
}

// at resets the controller at a rate. A rate that the line can't have is passed over.
func (r *resync) at(ctx context.Context, rate int) error {
	if r.line.baud() != rate {
		if err := r.line.dropOutput(); err != nil {
			return err
		}
		if err := r.line.setBaud(rate); err != nil {
			if _, ok := errors.AsType[*BaudError](err); ok {
				return errNoAnswer
			}
			return err
		}
	}
	r.report.Rates = append(r.report.Rates, rate)
	for try := range resyncTries {
		if err := errors.Join(r.line.dropOutput(), r.line.dropInput()); err != nil {
			return err
		}
		r.window = window{}
		resets := 1
		if try == resyncTries-1 {
			resets = volleyResets
		}
		if err := r.try(ctx, resets); !errors.Is(err, errNoAnswer) {
			return err
		}
	}
	return errNoAnswer
}

// try sends so many resets, and waits for the answer to one.
func (r *resync) try(ctx context.Context, resets int) error {
	for left := resets; left > 0; left-- {
		r.line.SetWriteDeadline(time.Now().Add(resyncWrite))
		_, err := r.line.Write(resetCommand)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errNoAnswer // the next try flushes what is stuck
		}
		if err != nil {
			return err
		}
		r.report.Resets++
		wait := resetPatience
		if left > 1 {
			wait = volleyPause
		}
		if err := r.await(ctx, wait); !errors.Is(err, errNoAnswer) {
			return err
		}
	}
	return errNoAnswer
}

// await looks for the answer in what comes within d.
func (r *resync) await(ctx context.Context, d time.Duration) error {
	var b [512]byte
	for end := time.Now().Add(d); ; {
		n, err := r.read(ctx, b[:], end)
		if err != nil {
			return err
		}
		if rest, found := r.window.feed(b[:n]); found {
			r.rest = slices.Clone(rest)
			return r.settle(ctx)
		}
	}
}

// settle waits until the line is quiet, and takes out further answers to resets: whoever sends the next command
// would take one for its own.
func (r *resync) settle(ctx context.Context) error {
	var b [512]byte
	for len(r.rest) < maxLeftover {
		n, err := r.read(ctx, b[:], time.Now().Add(resyncQuiet))
		if errors.Is(err, errNoAnswer) {
			break
		}
		if err != nil {
			return err
		}
		r.rest = append(r.rest, b[:n]...)
	}
	for isResetAnswer(r.rest) {
		r.rest = r.rest[len(resetAnswer):]
	}
	return nil
}

// read reads until end, and then says errNoAnswer.
func (r *resync) read(ctx context.Context, b []byte, end time.Time) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		now := time.Now()
		if !now.Before(end) {
			return 0, errNoAnswer
		}
		step := now.Add(resyncStep)
		if step.After(end) {
			step = end
		}
		r.line.SetReadDeadline(step)
		n, err := r.line.Read(b)
		if n > 0 {
			r.report.Received += n
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
	}
}

// resyncRates lists the rates to try: the one there is, the one that chips start with, the one they are to have,
// and those that their family is found at.
func resyncRates(now, wanted int, c Chip) []int {
	var list []int
	for _, rate := range append([]int{now, DefaultBaud, wanted}, c.rates()...) {
		if rate != 0 && !slices.Contains(list, rate) {
			list = append(list, rate)
		}
	}
	return list
}

// A ResyncError is a Resync that did not succeed. The Conn stays stopped, and Resync may be tried again, after
// the controller's power was cut for example.
type ResyncError struct {
	Rates    []int      // the rates tried, in bits per second
	Resets   int        // HCI_Resets sent
	Received int        // octets that came back
	Held     bool       // the controller does not raise CTS, and RTS/CTS is in use
	Line     LineErrors // since Resync began
	Err      error      // what ended it before everything was tried: of the context mostly; nil otherwise
}

// Error says in one line what was tried and what came of it.
func (e *ResyncError) Error() string {
	rates := make([]string, len(e.Rates))
	for i, r := range e.Rates {
		rates[i] = fmt.Sprint(r)
	}
	came := "nothing came back"
	if e.Received > 0 {
		came = fmt.Sprintf("%d octets came back, none of them the answer", e.Received)
	}
	if e.Held {
		came += "; the controller does not raise CTS"
	}
	text := fmt.Sprintf("%v: no answer to %d resets at %s baud: %s; %v", ErrOutOfStep, e.Resets, strings.Join(rates, ", "), came, e.Line)
	if e.Err != nil {
		text += "; " + e.Err.Error()
	}
	return text
}

// Unwrap returns ErrOutOfStep and, if there is one, Err.
func (e *ResyncError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrOutOfStep}
	}
	return []error{ErrOutOfStep, e.Err}
}
