package gap

import (
	"context"
	"iter"
	"net"
	"sync/atomic"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// SyncConfig is whose periodic advertising to follow. Advertisement tells what there is: Identity, SID, and
// PeriodicInterval, which is not zero.
type SyncConfig struct {
	Advertiser  hci.Address // its identity, or its address on air
	SID         uint8
	Skip        uint16        // events that need not be heard, at most 499
	Timeout     time.Duration // 100 ms to 163.84 s without any event, and the sync is lost; if zero, 10 s
	ChangesOnly bool          // yield data only when they have changed, where the controller can tell
}

// PeriodicReport is what was heard of periodic advertising.
type PeriodicReport struct {
	Data      ADStructures
	RSSI      int // dBm; 127: not known
	TXPower   int // dBm; 127: not known
	Truncated bool
	// Event and Subevent are those of periodic advertising with responses; -1 without. Missed is a subevent that was not
	// heard.
	Event, Subevent int
	Missed          bool
}

// ErrSyncLost is why a Sync ended whose advertiser was not heard for its time-out.
var ErrSyncLost = driver.ErrSyncLost

// maxPeriodicReports is how many reports wait for one slow loop; more are dropped and counted.
const maxPeriodicReports = 64

// Sync is periodic advertising that the host follows. Its methods may be called from any goroutine, but not by handlers.
type Sync struct {
	host    *Host
	link    *driver.Sync // set before anything is heard
	reports chan PeriodicReport
	dropped atomic.Uint64
}

// NewSync follows periodic advertising; it waits until that is heard. The errors are a *driver.CommandError, with
// hci.UnsupportedFeatureOrParameter where the controller does not have it, ctx's cause, and the end of the controller.
func (h *Host) NewSync(ctx context.Context, cfg SyncConfig) (*Sync, error) {
	if err := h.awaitController(ctx); err != nil {
		return nil, err
	}
	onAir, err := h.locateTrain(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := h.newSync()
	s.link, err = h.Controller().Sync(ctx, driver.SyncParameters{Advertiser: onAir, SID: cfg.SID, Skip: cfg.Skip, Timeout: cfg.Timeout,
		FilterDuplicates: cfg.ChangesOnly}, syncHandler{s})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (h *Host) newSync() *Sync {
	return &Sync{host: h, reports: make(chan PeriodicReport, maxPeriodicReports)}
}

// locateTrain finds the address that an advertiser has on air today, where it is bonded, uses private ones and the controller
// does not know it.
func (h *Host) locateTrain(ctx context.Context, cfg SyncConfig) (hci.Address, error) {
	record, ok := h.security.Record(cfg.Advertiser)
	if !ok || record.Keys.PeerIRK == nil || cfg.Advertiser != record.Peer || h.Controller().Resolves(record.Peer) {
		return cfg.Advertiser, nil
	}
	scan := ScanConfig{Passive: true, PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded), Filter: ScanFilter{Peers: []hci.Address{cfg.Advertiser}}}
	for a, err := range h.Scan(ctx, scan) {
		if err != nil || a.SID == cfg.SID && a.PeriodicInterval > 0 {
			return a.Address, err
		}
	}
	return cfg.Advertiser, context.Cause(ctx)
}

// Sync follows periodic advertising and yields what is heard, until ctx ends or the loop over it is left. The error is the
// last thing yielded: those of NewSync, ErrSyncLost, and the end of the controller; the end of ctx is none.
func (h *Host) Sync(ctx context.Context, cfg SyncConfig) iter.Seq2[PeriodicReport, error] {
	return func(yield func(PeriodicReport, error) bool) {
		s, err := h.NewSync(ctx, cfg)
		if err != nil {
			if ctx.Err() == nil {
				yield(PeriodicReport{}, err)
			}
			return
		}
		defer s.Close()
		s.Reports(ctx)(yield)
	}
}

// Reports yields what is heard, as Host.Sync does. Of several loops over one Sync each report goes to one.
func (s *Sync) Reports(ctx context.Context) iter.Seq2[PeriodicReport, error] {
	return func(yield func(PeriodicReport, error) bool) {
		for {
			select {
			case r := <-s.reports:
				if !yield(r, nil) {
					return
				}
				continue
			default:
			}
			select { // the end is behind what came before it
			case r := <-s.reports:
				if !yield(r, nil) {
					return
				}
			case <-ctx.Done():
				return
			case <-s.Done():
				if len(s.reports) == 0 {
					yield(PeriodicReport{}, s.Err())
					return
				}
			}
		}
	}
}

// Advertiser is who advertises: the identity where that is known, and the address on air.
func (s *Sync) Advertiser() (identity, onAir hci.Address) {
	onAir = s.link.Train().Advertiser
	if s.link.Train().Resolved {
		return onAir, onAir
	}
	identity, _ = s.host.security.Resolve(onAir)
	return identity, onAir
}

// SID is the advertising set of the advertiser.
func (s *Sync) SID() uint8 { return s.link.Train().SID }

// PHY is the PHY that it uses.
func (s *Sync) PHY() hci.PHY { return s.link.Train().PHY }

// Interval is its periodic advertising interval.
func (s *Sync) Interval() time.Duration {
	return time.Duration(s.link.Train().Interval) * connectionUnit
}

// Dropped is how many reports had no room before a slow loop.
func (s *Sync) Dropped() uint64 { return s.dropped.Load() }

// Link is the driver's, for what gap has no verb for.
func (s *Sync) Link() *driver.Sync { return s.link }

// Done is closed when the host follows it no more.
func (s *Sync) Done() <-chan struct{} { return s.link.Done() }

// Err is why it has ended, nil while it has not: ErrSyncLost, or after Close and with the controller, what satisfies
// errors.Is for net.ErrClosed.
func (s *Sync) Err() error { return s.link.Err() }

// Close follows it no more.
func (s *Sync) Close() error { return s.link.Close(context.Background()) }

// syncHandler is what the driver tells of one sync: on the controller's loop.
type syncHandler struct{ s *Sync }

// HandlePeriodicReport implements driver.SyncHandler.
func (h syncHandler) HandlePeriodicReport(_ *driver.Sync, r driver.PeriodicReport) {
	report := PeriodicReport{Data: append(ADStructures(nil), r.Data...), RSSI: int(r.RSSI), TXPower: int(r.TXPower), Event: -1, Subevent: -1,
		Truncated: r.DataStatus == hci.DataStatusTruncated, Missed: r.DataStatus == hci.DataStatusFailed}
	const noSubevent = 0xFF
	if r.Subevent != noSubevent {
		report.Event, report.Subevent = int(r.EventCounter), int(r.Subevent)
	}
	select {
	case h.s.reports <- report:
	default:
		h.s.dropped.Add(1)
	}
}

// HandleSyncEnd implements driver.SyncHandler.
func (h syncHandler) HandleSyncEnd(*driver.Sync, error) {}

// TransferSync tells the peer where the periodic advertising is that we follow, so that it can follow it without looking for
// it (Vol 3, Part C, 9.5.4). ServiceData is for the peer's application.
func (c *Conn) TransferSync(ctx context.Context, s *Sync, serviceData uint16) error {
	return c.link.TransferSync(ctx, s.link, serviceData)
}

// TransferAdvertising tells the peer where our own periodic advertising is.
func (c *Conn) TransferAdvertising(ctx context.Context, a *Advertising, serviceData uint16) error {
	set := a.Set()
	if set == nil {
		if err := a.Err(); err != nil {
			return err
		}
		return net.ErrClosed
	}
	return c.link.TransferSet(ctx, set, serviceData)
}

// Transfer is periodic advertising that a peer told of, and what it told besides.
type Transfer struct {
	*Sync
	ServiceData uint16
}

// maxTransfers is how many syncs that a peer told of wait for a slow loop; more are ended.
const maxTransfers = 4

// Transfers yields the periodic advertising that the peer tells of, by TransferSync or TransferAdvertising, once the controller
// has found it, until ctx ends or the loop is left. Each is the caller's, who closes it. Of cfg, Advertiser and SID mean
// nothing. The error, if the controller does not have it or the connection has ended, is the last thing yielded.
func (c *Conn) Transfers(ctx context.Context, cfg SyncConfig) iter.Seq2[Transfer, error] {
	return func(yield func(Transfer, error) bool) {
		arrived := make(chan Transfer, maxTransfers)
		p := driver.TransferParameters{Skip: cfg.Skip, Timeout: cfg.Timeout, FilterDuplicates: cfg.ChangesOnly}
		err := c.link.AcceptSyncs(ctx, p, func(link *driver.Sync, serviceData uint16) driver.SyncHandler {
			s := c.host.newSync()
			s.link = link
			select {
			case arrived <- Transfer{s, serviceData}:
				return syncHandler{s}
			default:
				return nil
			}
		})
		if err != nil {
			if ctx.Err() == nil {
				yield(Transfer{}, err)
			}
			return
		}
		defer c.stopTransfers(arrived)
		for {
			select {
			case t := <-arrived:
				if !yield(t, nil) {
					return
				}
			case <-ctx.Done():
				return
			case <-c.Done():
				yield(Transfer{}, c.Err())
				return
			}
		}
	}
}

// stopTransfers ignores what the peer tells from now on, and ends what nobody has taken.
func (c *Conn) stopTransfers(arrived chan Transfer) {
	ctx := context.Background()
	if c.Err() == nil {
		if err := c.link.AcceptSyncs(ctx, driver.TransferParameters{}, nil); err != nil {
			c.logf("%v: %v", c.Peer(), err)
		}
	}
	for {
		select {
		case t := <-arrived:
			if err := t.link.Close(ctx); err != nil {
				c.logf("%v: %v", c.Peer(), err)
			}
		default:
			return
		}
	}
}
