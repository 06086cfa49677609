package gap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport"
)

// Recovery is what a host does when its controller fails: a command without an answer, a hardware error, a
// stream out of step, an unplugged device. It climbs a ladder of rungs, the later the rougher, one at each
// attempt, with a growing wait between them; the last rung is tried again until Limit. Connections are
// reported as lost, with the cause; scans, advertising and Keep go on when the controller is back.
type Recovery struct {
	// Rungs are tried in this order; without any the host ends with its controller.
	Rungs []Rung
	// Backoff is the wait between attempts; the first is made at once.
	Backoff Backoff
	// Limit is how many attempts in a row may fail before the host gives up and ends; if zero, 10; if
	// negative, there is no limit.
	Limit int
}

// Rung is one way to get the controller back. The host resets what it opens and starts it up.
type Rung struct {
	Name string // for the log: "reopen", "power"
	Open func(ctx context.Context) (transport.Conn, error)
}

// ControllerLost tells that the controller has failed, and with it every connection.
type ControllerLost struct{ Err error }

// ControllerRecovered tells that it is back.
type ControllerRecovered struct {
	Rung    string
	Attempt int
}

// ErrGivenUp is in the host's end when the last attempt to recover its controller has failed.
var ErrGivenUp = errors.New("the controller was given up")

// startTimeout is how long a controller may take to start up again.
const startTimeout = 30 * time.Second

// defaultAttempts is Recovery.Limit if it is zero.
const defaultAttempts = 10

// supervise waits for the controller's end, and ends the host with it or gets it back. It is a goroutine of
// the host's, and owns the change of controllers.
func (h *Host) supervise() {
	defer close(h.supervised)
	for {
		c := h.Controller()
		<-c.Done()
		if h.closing() || len(h.cfg.Recovery.Rungs) == 0 {
			h.end(c.Err())
			return
		}
		h.events.tell(h.Identity(), ControllerLost{c.Err()})
		if err := h.recover(c.Err()); err != nil {
			h.end(err)
			return
		}
	}
}

// recover climbs the ladder until the controller is back, or there is an error to end with.
func (h *Host) recover(cause error) error {
	r := h.cfg.Recovery
	limit := r.Limit
	if limit == 0 {
		limit = defaultAttempts
	}
	for attempt := 1; ; attempt++ {
		rung := r.Rungs[min(attempt, len(r.Rungs))-1]
		err := h.climb(rung)
		if err == nil {
			h.events.tell(h.Identity(), ControllerRecovered{rung.Name, attempt})
			return nil
		}
		if h.closing() {
			return &driver.ClosedError{}
		}
		if attempt == limit {
			return fmt.Errorf("%w after %d attempts: %w; it failed by: %w", ErrGivenUp, attempt, err, cause)
		}
		h.warn(fmt.Errorf("recovery, attempt %d, %s: %w", attempt, rung.Name, err))
		select {
		case <-time.After(r.Backoff.Delay(attempt)):
		case <-h.closingContext.Done():
		}
	}
}

// climb makes one attempt.
func (h *Host) climb(rung Rung) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	stop := context.AfterFunc(h.closingContext, cancel)
	defer stop()
	conn, err := rung.Open(ctx)
	if err != nil {
		return err
	}
	c, err := h.startController(ctx, conn)
	if err != nil {
		return err
	}
	if err := h.useIdentity(ctx, c); err != nil {
		_ = c.Close()
		return err
	}
	if err := h.install(ctx, c); err != nil {
		_ = c.Close()
		return err
	}
	return nil
}

// install makes c the host's controller, doing what the one before it did.
func (h *Host) install(ctx context.Context, c *driver.Controller) error {
	h.scanners.changes.Lock() // so that a scan begins before, or on c
	defer h.scanners.changes.Unlock()
	if h.scanners.count() > 0 {
		if err := c.StartScan(ctx, h.scanners.cfg); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing() { // Close ends the controller that it finds
		return &driver.ClosedError{}
	}
	h.controller = c
	close(h.changed)
	h.changed = make(chan struct{})
	return nil
}

// awaitController waits until there is a controller that works, or that the host has ended.
func (h *Host) awaitController(ctx context.Context) error {
	for {
		h.mu.Lock()
		c, changed := h.controller, h.changed
		h.mu.Unlock()
		if c.Err() == nil {
			return nil
		}
		select {
		case <-changed:
		case <-h.Done():
			return h.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// end ends the host.
func (h *Host) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
	close(h.done)
}

func (h *Host) closing() bool { return h.closingContext.Err() != nil }
