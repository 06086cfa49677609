package driver

import (
	"context"
	"errors"
)

// still has the controller neither scan nor advertise nor initiate nor synchronize while f runs, and go on afterwards. It is the one place
// for what a controller refuses to change in use: its random address, its filter accept list, its resolving list
// (Vol 4, Part E, 7.8.4, 7.8.16 and 7.8.38). What was not going on costs no command. It may not be called by who holds
// the radio token.
//
// The order is that of those who initiate and synchronize: they take the radio while they do.
func (c *Controller) still(ctx context.Context, f func() error) error {
	for _, who := range []struct {
		busy  chan struct{}
		halts chan halt
	}{{c.creating, c.halts}, {c.synchronizing, c.syncHalts}} {
		resume, err := c.halt(ctx, who.busy, who.halts)
		if err != nil {
			return err
		}
		defer resume()
	}
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	scanning := c.scan.on
	if scanning {
		c.note(c.enableScan(false)) // if it does not stop, f is refused, and says so
	}
	advertising := c.pauseSets()
	err := f()
	for _, s := range advertising {
		err = errors.Join(err, s.enable(s.limits))
	}
	if scanning {
		err = errors.Join(err, c.applyScan())
	}
	return err
}

// pauseSets stops every set that advertises, and tells which are to go on.
func (c *Controller) pauseSets() (paused []*AdvertisingSet) {
	for h := range uint8(maxSets) {
		s := c.set(h)
		if s == nil {
			continue
		}
		on, err := s.pause()
		c.note(err)
		if on {
			paused = append(paused, s)
		}
	}
	return paused
}

// halt is a request to let go of what the controller initiates or synchronizes with: who does that closes halted when it
// is done, and begins anew once resume is closed.
type halt struct{ halted, resume chan struct{} }

// wait lets go until it may be begun anew, false when the controller has ended.
func (h halt) wait(c *Controller) bool {
	close(h.halted)
	select {
	case <-h.resume:
		return true
	case <-c.ended:
		return false
	}
}

// halt lets nobody have the token busy until resume is called, but for one who listens to halts and has let go.
func (c *Controller) halt(ctx context.Context, busy chan struct{}, halts chan halt) (resume func(), err error) {
	h := halt{make(chan struct{}), make(chan struct{})}
	select {
	case busy <- struct{}{}: // nobody does
		return func() { <-busy }, nil
	case halts <- h:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.ended:
		return nil, c.Err()
	}
	select { // soon: it is bounded by a command's time-out
	case <-h.halted:
		return func() { close(h.resume) }, nil
	case <-c.ended:
		return nil, c.Err()
	}
}
