package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

const (
	// frameGap is how long a packet may pause on a serial line. A controller sends packets whole, and USB
	// adapters hold octets back for 16 ms.
	frameGap = 200 * time.Millisecond
	// writeGrace is how long a packet may wait for the line to take it, beyond the time that it needs at the
	// line's rate: as long as a command may wait for its answer.
	writeGrace = 2 * time.Second
	// queueSize is what the kernel may hold of what was written before, in octets.
	queueSize = 4096
	// bitsPerOctet counts the start and the stop bit.
	bitsPerOctet = 10
)

// errResyncing is why a Conn is stopped that was in step when Resync was called.
var errResyncing = fmt.Errorf("%w: resynchronising", ErrOutOfStep)

// An h4Line is H4 over a serial line: a Serial and a Resyncer.
type h4Line struct {
	ending // for good: closed, or the line is gone
	line   line
	gate   gate
	log    *logrus.Logger // nil is silence
	name   string         // for the log
	wanted int            // the rate to come to, in bits per second

	in     intake // owner: who has reading
	framer framer // owner: who has reading

	reading chan struct{} // a token while somebody reads
	writing chan struct{} // a token while somebody writes or changes the rate
	mending chan struct{} // a token while Resync or Discard has halted the gate
	done    chan struct{} // closed when the Conn has ended for good

	mu       sync.Mutex // guards what follows
	stopped  error      // why the stream can't be used; nil while it is in step
	epoch    int        // how often it was resynchronised
	counters Counters   // Losses and Resets
}

// newH4Line owns l from then on.
func newH4Line(l line, s Spec, log *logrus.Logger) *h4Line {
	c := &h4Line{
		line:    l,
		gate:    gate{line: l},
		log:     log,
		name:    s.String(),
		wanted:  s.Baud,
		reading: make(chan struct{}, 1),
		writing: make(chan struct{}, 1),
		mending: make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	c.ending.shut = c.shutLine
	c.in.gate, c.in.gap = &c.gate, frameGap
	c.framer = framer{r: bufio.NewReaderSize(&c.in, streamBuffer), refused: Command, line: &c.in}
	c.SetChip(s.Chip)
	return c
}

func (c *h4Line) shutLine() error {
	c.gate.shut()
	close(c.done)
	return c.line.Close()
}

// state returns why the Conn can't be used, or nil and its epoch.
func (c *h4Line) state() (epoch int, err error) {
	if err := c.over(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch, c.stopped
}

// enter takes a token for reading or writing. Who has waited for it while the stream was resynchronised is late:
// what he wants to say belongs to before.
func (c *h4Line) enter(token chan struct{}) error {
	before, err := c.state()
	if err != nil {
		return err
	}
	token <- struct{}{}
	after, err := c.state()
	if err == nil && after != before {
		err = errResyncing
	}
	if err != nil {
		<-token
	}
	return err
}

// ReadPacket implements Conn. A stream out of step is a *FrameError, and the Conn stopped, as a Resyncer is. A line
// that was hung up satisfies errors.Is(err, ErrGone).
func (c *h4Line) ReadPacket(b []byte) (int, error) {
	if err := checkBuffer(b); err != nil {
		return 0, err
	}
	for {
		n, err := c.read(b)
		if !errors.Is(err, errHalted) {
			return n, err
		}
		c.gate.wait() // for Discard
	}
}

// read is ReadPacket, but for errHalted, after which it has to be tried again.
func (c *h4Line) read(b []byte) (int, error) {
	if err := c.enter(c.reading); err != nil {
		return 0, err
	}
	defer func() { <-c.reading }()
	n, err := c.framer.next(b)
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, errHalted):
		return 0, c.end(err)
	}
	if _, why := c.state(); why != nil {
		return 0, why
	}
	return 0, err
}

// WritePacket implements Conn. What is not exactly one packet is refused with a *PacketError. A packet that the line
// does not take is a *StuckError, and the Conn stopped.
func (c *h4Line) WritePacket(p []byte) error {
	if err := checkPacket(p, MaxPacket); err != nil {
		return err
	}
	if err := c.enter(c.writing); err != nil {
		return err
	}
	defer func() { <-c.writing }()
	limit := c.patience(len(p))
	n, err := 0, c.gate.writeBy(time.Now().Add(limit))
	if err == nil {
		n, err = c.line.Write(p)
	}
	if err == nil {
		return nil
	}
	if _, why := c.state(); why != nil { // Resync or Close called it off
		return why
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return c.end(&StuckError{Written: n, Length: len(p), Waited: limit, Held: c.line.held()})
	}
	return c.end(fmt.Errorf("write packet: %w: %w", ErrGone, err))
}

// patience is how long the line may take for what it holds and n octets more.
func (c *h4Line) patience(n int) time.Duration {
	return writeGrace + lineTime(queueSize+n, c.line.baud())
}

// lineTime is how long n octets take at a rate. One that is not known is taken for the lowest.
func lineTime(n, baud int) time.Duration {
	return time.Duration(n*bitsPerOctet) * time.Second / time.Duration(max(baud, minBaud))
}

// end stops the Conn when it is out of step, and ends it for any other error. It returns what to tell.
func (c *h4Line) end(err error) error {
	if !errors.Is(err, ErrOutOfStep) {
		return c.fail(err)
	}
	if over := c.over(); over != nil {
		return over
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped != nil {
		return c.stopped
	}
	c.counters.Losses++
	switch e := err.(type) {
	case *FrameError:
		e.Counters = c.countersLocked()
	case *StuckError:
		e.Counters = c.countersLocked()
	}
	c.stopped = err
	if c.log != nil {
		c.log.Warnf("%s: %v", c.name, err)
	}
	return err
}

// Counters implements Serial.
func (c *h4Line) Counters() Counters {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.countersLocked()
}

func (c *h4Line) countersLocked() Counters {
	n := c.counters
	n.Vendor = int(c.in.passedOver.Load())
	n.Line = c.line.lineErrors()
	return n
}

// Resync implements Resyncer.
func (c *h4Line) Resync(ctx context.Context) error {
	if err := c.take(ctx, c.mending); err != nil {
		return err
	}
	defer func() { <-c.mending }()
	c.mu.Lock()
	if c.stopped == nil {
		c.stopped = errResyncing
	}
	c.epoch++
	c.mu.Unlock()
	c.gate.halt(true)
	defer c.gate.open()
	c.reading <- struct{}{} // at once: the gate is halted
	defer func() { <-c.reading }()
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	return c.resync(ctx)
}

// resync does it, with the line to itself.
func (c *h4Line) resync(ctx context.Context) error {
	if err := c.over(); err != nil {
		return err
	}
	r := resync{line: c.line}
	err := r.run(ctx, resyncRates(c.line.baud(), c.wanted, c.chip()))
	failed, ok := errors.AsType[*ResyncError](err)
	switch {
	case ok:
		c.mu.Lock()
		c.stopped = failed
		c.mu.Unlock()
	case err != nil:
		return c.fail(fmt.Errorf("resynchronise: %w: %w", ErrGone, err))
	default:
		c.in.pending = r.rest
		c.framer.restart()
		c.mu.Lock()
		c.stopped = nil
		c.counters.Resets++
		c.mu.Unlock()
	}
	if c.log != nil {
		if err != nil {
			c.log.Errorf("%s: %v", c.name, err)
		} else {
			c.log.Infof("%s: in step again at %d baud", c.name, c.line.baud())
		}
	}
	return err
}

// take takes a token, unless the context is over first.
func (c *h4Line) take(ctx context.Context, token chan struct{}) error {
	if err := c.over(); err != nil {
		return err
	}
	select {
	case token <- struct{}{}:
		return nil
	case <-c.done:
		return c.over()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause waits for d, unless the context or the Conn is over first.
func (c *h4Line) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.done:
		return c.over()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Baud implements Serial.
func (c *h4Line) Baud() int { return c.line.baud() }

// SetBaud implements Serial.
func (c *h4Line) SetBaud(ctx context.Context, baud int) error {
	if err := c.take(ctx, c.writing); err != nil {
		return err
	}
	defer func() { <-c.writing }()
	ctx, cancel := context.WithTimeout(ctx, c.patience(0))
	defer cancel()
	if err := c.line.drain(ctx); err != nil {
		return c.told("set baud", err)
	}
	return c.told("set baud", c.line.setBaud(baud))
}

// Discard implements Serial.
func (c *h4Line) Discard(ctx context.Context, d time.Duration) error {
	if err := c.take(ctx, c.mending); err != nil {
		return err
	}
	defer func() { <-c.mending }()
	c.gate.halt(false)
	defer c.gate.open()
	c.reading <- struct{}{} // at once: the gate is halted
	defer func() { <-c.reading }()
	err := c.pause(ctx, d)
	c.in.pending = nil
	c.framer.restart()
	return c.told("discard", errors.Join(err, c.line.dropInput()))
}

// Break implements Serial.
func (c *h4Line) Break(ctx context.Context, d time.Duration) error {
	if err := c.take(ctx, c.writing); err != nil {
		return err
	}
	defer func() { <-c.writing }()
	if err := c.line.setBreak(true); err != nil {
		return c.told("break", err)
	}
	err := c.pause(ctx, d)
	return c.told("break", errors.Join(err, c.line.setBreak(false)))
}

// told returns what to tell of an error of the line: that the Conn is over, if it is.
func (c *h4Line) told(what string, err error) error {
	if err == nil {
		return nil
	}
	if over := c.over(); over != nil {
		return over
	}
	return fmt.Errorf("%s: %w", what, err)
}

// SetChip implements Serial.
func (c *h4Line) SetChip(chip Chip) { c.in.chip.Store(&chip) }

func (c *h4Line) chip() Chip { return *c.in.chip.Load() }
