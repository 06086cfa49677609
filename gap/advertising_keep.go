package gap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// setHandler is what the driver tells of one set.
type setHandler struct {
	a     *Advertising
	ended chan hci.LEAdvertisingSetTerminated
}

// HandleAdvertisingTerminated implements driver.AdvertisingHandler: the controller's loop.
func (s setHandler) HandleAdvertisingTerminated(e hci.LEAdvertisingSetTerminated) {
	if e.Status == hci.Success {
		s.a.host.arrivals.claim(s.a, e.Handle)
		s.a.mu.Lock()
		s.a.ends++
		s.a.mu.Unlock()
	}
	select {
	case s.ended <- e:
	default: // it has ended already
	}
}

// HandleScanRequest implements driver.AdvertisingHandler.
func (s setHandler) HandleScanRequest(e hci.LEScanRequestReceived) {
	identity, _ := s.a.host.security.Resolve(e.Scanner)
	s.a.host.events.tell(identity, ScanRequested{})
}

// HandleSubevent implements driver.AdvertisingHandler.
func (s setHandler) HandleSubevent(hci.Subevent, []byte) {}

// run keeps the advertising going, by its policy. It is a goroutine of its own.
func (a *Advertising) run(ended chan hci.LEAdvertisingSetTerminated) {
	err := a.keep(ended)
	a.remove()
	a.end(err)
}

func (a *Advertising) end(err error) {
	a.close()
	a.host.arrivals.remove(a)
	a.err = err
	close(a.done)
}

// keep returns why the advertising has ended.
func (a *Advertising) keep(ended chan hci.LEAdvertisingSetTerminated) error {
	var restart <-chan struct{} // when it may go on; nil while it does, or will not
	overdue := time.NewTimer(claimTime)
	defer overdue.Stop()
	for {
		select {
		case <-a.closing.Done():
			return net.ErrClosed
		case <-a.on.Done():
			restart = nil
			var err error
			if ended, err = a.begin(a.closing); err != nil {
				if a.closing.Err() != nil {
					return net.ErrClosed
				}
				return err
			}
		case e := <-ended:
			if e.Status != hci.Success {
				return fmt.Errorf("advertising has ended by itself: %w", e.Status)
			}
			restart = a.mayRestart(restart)
		case <-a.led:
			overdue.Reset(claimTime)
		case <-overdue.C:
			if a.endWasLost() {
				a.host.warn(unless(a.on, a.Set().Stop(context.Background())))
				restart = a.mayRestart(restart)
			}
		case <-a.again:
			restart = closedChannel
		case <-restart:
			restart = nil
			fewer := a.host.fewerConns() // before it is tried, or an end is missed
			err := a.start(context.Background())
			switch {
			case err == nil || a.on.Err() != nil:
			case isBusy(err) && len(a.host.Conns()) > 0:
				a.host.logf("advertise again: %v", err)
				restart = fewer
			default:
				return fmt.Errorf("advertise again: %w", err)
			}
		}
	}
}

// hasLed notes a connection that it led to.
func (a *Advertising) hasLed(c *Conn) {
	a.mu.Lock()
	a.last = c
	a.leads++
	a.mu.Unlock()
	select {
	case a.led <- struct{}{}:
	default:
	}
}

// endWasLost tells whether the set has led to a connection and was not reported to have stopped, which it has: the event is
// not to come any more.
func (a *Advertising) endWasLost() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	lost := a.leads > a.ends
	a.ends = a.leads
	return lost
}

var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// mayRestart is closed when the policy has it advertise again after a connection. By RestartNever it is what it was: nil, or
// Accept has found its connection gone, and may have said so before the set's end was looked at.
func (a *Advertising) mayRestart(restart <-chan struct{}) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.cfg.Restart == RestartNever:
		return restart
	case a.cfg.Restart == RestartWhenFree && a.last != nil:
		return a.last.Ended()
	}
	return closedChannel
}

// isBusy tells whether the controller may do later what it refuses now.
func isBusy(err error) bool {
	for _, status := range []hci.Status{hci.CommandDisallowed, hci.ConnectionLimitExceeded, hci.MemoryCapacityExceeded} {
		if errors.Is(err, status) {
			return true
		}
	}
	return false
}
