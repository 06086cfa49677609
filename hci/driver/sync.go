package driver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// SyncParameters are whose periodic advertising to follow, and how.
type SyncParameters struct {
	Advertiser hci.Address
	SID        uint8
	// AdvertiserList follows whoever of the periodic advertiser list is heard first, and not Advertiser and
	// SID. Commands for the list go by Controller.Do.
	AdvertiserList   bool
	Skip             uint16        // events that the controller may skip, at most 499
	Timeout          time.Duration // without any event the sync is lost: 100 ms to 163.84 s; if zero, 10 s
	NoReports        bool          // begin without reports, until SetReports
	FilterDuplicates bool          // report data only when it has changed, where Info.PeriodicADI
}

// Bounds of the time-out (Vol 4, Part E, 7.8.67).
const (
	minSyncTimeout, maxSyncTimeout = 100 * time.Millisecond, 163840 * time.Millisecond
	defaultSyncTimeout             = 10 * time.Second
)

// SyncHandler is what the host hangs on periodic advertising that is followed. Its methods are called on the
// controller's loop and must not wait.
type SyncHandler interface {
	// HandlePeriodicReport is given what was heard, the parts of long data joined; its data is good during the call.
	HandlePeriodicReport(*Sync, PeriodicReport)
	// HandleSyncEnd is the last call: the sync was lost (ErrSyncLost), ended by Close (net.ErrClosed), or the
	// controller is gone.
	HandleSyncEnd(*Sync, error)
}

// PeriodicReport is what was heard of periodic advertising. EventCounter and Subevent are there with
// responses only: 0 and 0xFF elsewhere. DataStatus is hci.DataStatusComplete, DataStatusTruncated, or
// DataStatusFailed for a subevent that was not heard.
type PeriodicReport = hci.LEPeriodicAdvertisingReportV2

// noSubevent is the subevent of a report without any.
const noSubevent = 0xFF

// ErrSyncLost says that periodic advertising that was followed was not heard for the time-out.
var ErrSyncLost = errors.New("periodic advertising is heard no more")

// errSyncEnded is why a sync ended that was closed.
var errSyncEnded = fmt.Errorf("periodic advertising is followed no more: %w", net.ErrClosed)

// Sync is periodic advertising that is followed. It may be used from anywhere.
type Sync struct {
	c         *Controller
	train     hci.PeriodicTrain
	subevents hci.Subevents
	handler   SyncHandler

	// The loop's.
	data []byte // parts of the report that is coming
	over bool   // there were more than data may have

	done chan struct{}
	err  error // why it ended; set before done is closed
}

// Handle is the sync handle, good while it lasts.
func (s *Sync) Handle() uint16 { return s.train.SyncHandle }

// Train is what is known of the periodic advertising: who, which set, the PHY, the interval.
func (s *Sync) Train() hci.PeriodicTrain { return s.train }

// Subevents is how it divides its interval, zero for advertising without responses.
func (s *Sync) Subevents() hci.Subevents { return s.subevents }

// Done is closed when the sync has ended.
func (s *Sync) Done() <-chan struct{} { return s.done }

// Err is why it ended, nil while it has not: ErrSyncLost, or what satisfies errors.Is for net.ErrClosed.
func (s *Sync) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Close ends the sync; it does nothing when it has ended. It may not be called on the loop.
func (s *Sync) Close(ctx context.Context) error {
	if s.Err() != nil {
		return nil
	}
	_, err := s.c.Do(ctx, hci.LEPeriodicAdvertisingTerminateSync{SyncHandle: s.Handle()})
	if errors.Is(err, hci.UnknownAdvertisingIdentifier) { // it was lost at the same moment
		err = nil
	}
	if err != nil {
		return err
	}
	return s.c.onLoop(func() { s.c.endSync(s, errSyncEnded) })
}

// SetReports turns the reports on and off, and with filter, reports data only when it has changed, where Info.PeriodicADI.
func (s *Sync) SetReports(ctx context.Context, on, filter bool) error {
	if s.Err() != nil {
		return &CommandError{hci.OpLESetPeriodicAdvertisingReceiveEnable, s.Err()}
	}
	_, err := s.c.Do(ctx, hci.LESetPeriodicAdvertisingReceiveEnable{SyncHandle: s.Handle(), Enable: bit(on, 0) | bit(filter && s.c.info.PeriodicADI(), 1)})
	return err
}

func bit(on bool, n int) byte {
	if on {
		return 1 << n
	}
	return 0
}

// syncAttempt is one attempt to synchronize, by a goroutine of its own, so that its caller can go.
type syncAttempt struct {
	ctx     context.Context
	handler SyncHandler
	event   chan syncOutcome // from the loop, once
	outcome chan syncOutcome // to the caller, once

	abandoned bool // the caller has gone: under the controller's mu
}

type syncOutcome struct {
	sync *Sync
	err  error
}

// Sync follows periodic advertising, once it is heard: scanning goes on for that meanwhile, as StartScan said, or where
// it has not been asked for, passively on every PHY; an advertiser that begins on a PHY which is not scanned is not
// found. Controllers synchronize with one at a time, so others wait their turn. When ctx ends the caller is freed at once. The error is a *CommandError with the hci.Status, ctx's cause, or the end of the
// controller. It may not be called on the loop.
func (c *Controller) Sync(ctx context.Context, p SyncParameters, handler SyncHandler) (*Sync, error) {
	cmd, err := c.createSync(p)
	if err != nil {
		return nil, err
	}
	select {
	case c.synchronizing <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.ended:
		return nil, c.Err()
	}
	a := &syncAttempt{ctx: ctx, handler: handler, event: make(chan syncOutcome, 1), outcome: make(chan syncOutcome, 1)}
	if !c.spawn(func() { c.synchronize(a, cmd) }) {
		<-c.synchronizing
		return nil, c.Err()
	}
	select {
	case r := <-a.outcome:
		return r.sync, r.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case r := <-a.outcome: // it came at the same moment
		return r.sync, r.err
	default:
		a.abandoned = true
		return nil, context.Cause(ctx)
	}
}

// createSync is the command, in its units.
func (c *Controller) createSync(p SyncParameters) (cmd hci.LEPeriodicAdvertisingCreateSync, err error) {
	if !c.info.Periodic() {
		return cmd, unsupported(hci.OpLEPeriodicAdvertisingCreateSync)
	}
	options, err := syncOptions(hci.OpLEPeriodicAdvertisingCreateSync, p.Skip, p.Timeout)
	return hci.LEPeriodicAdvertisingCreateSync{Options: bit(p.AdvertiserList, 0) | bit(p.NoReports, 1) | bit(p.FilterDuplicates && c.info.PeriodicADI(), 2),
		SID: p.SID, Advertiser: p.Advertiser, Sync: options}, err
}

func syncOptions(op hci.Opcode, skip uint16, timeout time.Duration) (hci.SyncOptions, error) {
	if timeout == 0 {
		timeout = defaultSyncTimeout
	}
	if timeout < minSyncTimeout || timeout > maxSyncTimeout {
		return hci.SyncOptions{}, &CommandError{op, hci.InvalidHCICommandParameters}
	}
	return hci.SyncOptions{Skip: skip, Timeout: uint16(timeout / (10 * time.Millisecond))}, nil
}

// synchronize is an attempt from its beginning until the next may begin.
func (c *Controller) synchronize(a *syncAttempt, cmd hci.Command) {
	defer func() { <-c.synchronizing }()
	r := syncOutcome{err: c.scanForSync(1)}
	if r.err == nil {
		r = c.awaitSync(a, cmd)
	}
	c.note(c.scanForSync(-1))
	c.mu.Lock()
	abandoned := a.abandoned
	if !abandoned {
		a.outcome <- r
	}
	c.mu.Unlock()
	if abandoned && r.sync != nil {
		c.note(r.sync.Close(context.Background()))
	}
}

// scanForSync has one more or one less attempt that needs scanning.
func (c *Controller) scanForSync(change int) error {
	if err := c.takeRadio(context.Background()); err != nil {
		return err
	}
	defer c.freeRadio()
	s := &c.scan
	s.syncing += change
	if !s.wanted && !s.on { // nobody has said how
		p, err := c.scannable(ScanParameters{Passive: true, PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded)})
		if err != nil {
			return err
		}
		s.parameters = p
	}
	return c.applyScan()
}

// awaitSync has the controller synchronize, and cancel that when nobody waits any more. For who wants the controller to be
// still it is cancelled too, and begun again.
func (c *Controller) awaitSync(a *syncAttempt, cmd hci.Command) syncOutcome {
	for {
		r, h := c.awaitSyncOnce(a, cmd)
		switch {
		case h == nil:
			return r
		case !h.wait(c):
			return syncOutcome{err: c.Err()}
		case r.sync != nil: // at the last moment
			return r
		case a.ctx.Err() != nil:
			return syncOutcome{err: context.Cause(a.ctx)}
		}
	}
}

// awaitSyncOnce is awaitSync up to an outcome, or to a halt, which is not nil then.
func (c *Controller) awaitSyncOnce(a *syncAttempt, cmd hci.Command) (r syncOutcome, h *halt) {
	c.mu.Lock()
	c.syncAttempt = a
	c.mu.Unlock()
	if _, err := c.Do(context.Background(), cmd); err != nil {
		if c.takeSyncAttempt() == nil {
			return <-a.event, nil
		}
		return syncOutcome{err: err}, nil
	}
	select {
	case r = <-a.event:
		return r, nil
	case <-c.ended:
		return syncOutcome{err: c.Err()}, nil
	case asked := <-c.syncHalts:
		h = &asked
	case <-a.ctx.Done():
	}
	if _, err := c.Do(context.Background(), hci.LEPeriodicAdvertisingCreateSyncCancel); err != nil {
		c.note(err) // there is nothing to cancel: the event has come, or there is none
		if c.takeSyncAttempt() == nil {
			return <-a.event, h
		}
		return syncOutcome{err: context.Cause(a.ctx)}, h
	}
	timer := time.NewTimer(c.cfg.CommandTimeout)
	defer timer.Stop()
	select {
	case r = <-a.event:
		if r.sync == nil {
			r.err = context.Cause(a.ctx)
		}
		return r, h
	case <-c.ended:
		return syncOutcome{err: c.Err()}, h
	case <-timer.C:
		c.fail(&CommandError{hci.OpLEPeriodicAdvertisingCreateSyncCancel, ErrCommandTimeout})
		return syncOutcome{err: c.Err()}, h
	}
}

// takeSyncAttempt is the attempt that there is, nil when there is none. The loop, which takes it for an event,
// then gives its outcome.
func (c *Controller) takeSyncAttempt() *syncAttempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.syncAttempt
	c.syncAttempt = nil
	return a
}
