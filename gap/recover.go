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
	// negative, there is no limit. One whose controller fails again within half a minute has failed.
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
	for attempts := 0; ; {
		c, began := h.Controller(), time.Now()
		<-c.Done()
		if h.closing() || len(h.cfg.Recovery.Rungs) == 0 {
			h.end(c.Err())
			return
		}
		h.events.tell(h.Identity(), ControllerLost{c.Err()})
		_ = c.Close() // or its transport is busy when it is opened again
		if time.Since(began) >= steadyTime {
			attempts = 0
		}
		var err error
		if attempts, err = h.recover(c.Err(), attempts); err != nil {
			h.end(err)
			return
		}
	}
}

// recover climbs the ladder, after so many attempts, until the controller is back, or there is an error to end
// with. It returns the attempts that there have been.
func (h *Host) recover(cause error, attempts int) (int, error) {
	r := h.cfg.Recovery
	limit := r.Limit
	if limit == 0 {
		limit = defaultAttempts
	}
	for err := cause; ; {
		if attempts == limit {
			return attempts, fmt.Errorf("%w after %d attempts: %w; it failed by: %w", ErrGivenUp, attempts, err, cause)
		}
		if attempts > 0 && !h.pause(r.Backoff.Delay(attempts)) {
			return attempts, &driver.ClosedError{}
		}
		attempts++
		rung := r.Rungs[min(attempts, len(r.Rungs))-1]
		if err = h.climb(rung); err == nil {
			h.events.tell(h.Identity(), ControllerRecovered{rung.Name, attempts})
			return attempts, nil
		}
		if h.closing() {
			return attempts, &driver.ClosedError{}
		}
		h.warn(fmt.Errorf("recovery, attempt %d, %s: %w", attempts, rung.Name, err))
	}
}

// pause waits, and tells whether the host is still to go on.
func (h *Host) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-h.closingContext.Done():
		return false
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
	h.scanners.changes <- struct{}{} // so that a scan begins before, or on c
	defer h.scanners.changed()
	if peers := h.accepted.list(); len(peers) > 0 {
		if err := h.acceptOn(ctx, c, peers); err != nil {
			return err
		}
	}
	if all := h.scanners.configs(); len(all) > 0 {
		if err := c.StartScan(ctx, h.together(c, all)); err != nil {
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
