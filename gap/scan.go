package gap

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// ScanConfig is how to scan and what to yield. Its zero value is active, on LE 1M, 30 ms in every 100 ms, and yields
// everybody once.
type ScanConfig struct {
	// Passive does not ask for scan responses, and yields none.
	Passive bool
	// PHYs are those to listen on, LE1M and LECoded; if zero, LE1M.
	PHYs hci.PHYs
	// Interval and Window are how much of the time to listen: Window in every Interval, 2.5 ms to 10.24 s, on each PHY.
	// If zero, 30 ms in every 100 ms, which leaves the air to Wi-Fi on chips that share an antenna.
	Interval, Window time.Duration
	// Accepted yields the peers of Host.SetAcceptList alone; the controller drops the others, if every Scan there is says so.
	Accepted bool
	// Filter is what to yield; if zero, everybody.
	Filter ScanFilter
	// Duplicates is what to yield of a device that was yielded before; if zero, nothing.
	Duplicates Duplicates
	// Again is how long after it was yielded the same is news again; if zero, for ever.
	Again time.Duration
	// Merge yields an advertisement and its scan response as one, unless one of them was not heard: then it comes alone,
	// an advertisement 100 ms late.
	Merge bool
}

// Advertisement is what was heard of a peer.
type Advertisement struct {
	Address      hci.Address // on air, or Identity where the controller resolved it; of type hci.AnonymousAddress where the advertiser sends none
	Identity     hci.Address // what the address on air resolves to by our bonds; Address itself where it does not
	Connectable  bool
	Scannable    bool // an active scanner may ask for more
	Directed     bool // to Target
	Target       hci.Address
	ScanResponse bool
	Merged       bool // Data is the advertisement's, and behind it the scan response's
	Legacy       bool // by legacy PDUs
	Truncated    bool // there was more Data, which was not heard
	RSSI         int  // dBm; 127: not known
	TXPower      int  // dBm, of what was received; 127: not known
	PrimaryPHY   hci.PHY
	SecondaryPHY hci.PHY // of what the primary channels point to; zero without
	SID          uint8   // the advertising set; hci.UnknownSID without
	// PeriodicInterval is that of the periodic advertising which belongs to the set; zero without.
	PeriodicInterval time.Duration
	Data             ADStructures
}

// maxReports is how many advertisements wait for one Scan whose caller is slow; more are dropped.
const maxReports = 256

// scanner is one running Scan.
type scanner struct {
	cfg     ScanConfig
	reports chan Advertisement
	failed  chan error // one, when scanning was lost to all
	seen    *seenCache
	merger  merger
	timer   *time.Timer // runs while something waits to be merged; nil before
}

// Scan yields advertisements until ctx ends or the loop over it is left; then it stops scanning, unless another Scan goes
// on. Several at once share the controller, which does what each of them needs, and each yields what it asked for.
// Scanning is interrupted while the controller has something to do that it cannot do besides, and goes on by itself,
// on another controller after a recovery too. The error, if the controller could not scan or is gone, is the last thing
// yielded; the end of ctx is none.
func (h *Host) Scan(ctx context.Context, cfg ScanConfig) iter.Seq2[Advertisement, error] {
	return func(yield func(Advertisement, error) bool) {
		s := &scanner{cfg: cfg, reports: make(chan Advertisement, maxReports), failed: make(chan error, 1),
			seen: newSeenCache(cfg.Duplicates, cfg.Again, time.Now())}
		if err := h.beginScan(ctx, s); err != nil {
			if ctx.Err() == nil {
				yield(Advertisement{}, err)
			}
			return
		}
		defer h.endScan(s)
		for {
			select {
			case a := <-s.reports:
				if !yield(a, nil) {
					return
				}
			case err := <-s.failed:
				yield(Advertisement{}, err)
				return
			case <-ctx.Done():
				return
			case <-h.Done():
				yield(Advertisement{}, h.Err())
				return
			}
		}
	}
}

// DroppedAdvertisements is how many advertisements had no room before a slow loop over a Scan, since Open.
func (h *Host) DroppedAdvertisements() uint64 {
	h.scanners.mu.Lock()
	defer h.scanners.mu.Unlock()
	return h.scanners.dropped
}

// scanners are the running Scans. The controller's loop puts reports in.
type scanners struct {
	changes chan struct{} // holds a token while a Scan begins or ends
	mu      sync.Mutex    // guards all below, and each scanner
	all     map[*scanner]bool
	dropped uint64
}

// any tells whether anybody scans.
func (s *scanners) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) > 0
}

// changed gives the token back.
func (s *scanners) changed() { <-s.changes }

func (s *scanners) add(one *scanner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*scanner]bool)
	}
	s.all[one] = true
}

// remove takes a Scan out. Nothing of it runs afterwards.
func (s *scanners) remove(one *scanner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, one)
	if one.timer != nil {
		one.timer.Stop()
	}
}

// configs are what the running Scans ask for; with none, nil.
func (s *scanners) configs() (all []ScanConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.all {
		all = append(all, one.cfg)
	}
	return all
}

// failAll ends every Scan with an error.
func (s *scanners) failAll(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.all {
		select {
		case one.failed <- err:
		default:
		}
	}
}

// hear gives a report, whose data are good during the call, to every Scan that it is for; accepts tells whether it is of
// somebody in the accept list.
func (s *scanners) hear(a Advertisement, accepts func(identity, onAir hci.Address) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for one := range s.all {
		if !one.cfg.listens(&a) || one.cfg.Accepted && !accepts(a.Identity, a.Address) {
			continue
		}
		give := func(a Advertisement) { s.deliver(one, a, now) }
		if !one.cfg.Merge || one.cfg.Passive {
			give(a)
			continue
		}
		one.merger.hear(a, now, give)
		s.arm(one, mergeWait)
	}
}

// arm has what waits to be merged looked after in d, unless that is to happen anyway.
func (s *scanners) arm(one *scanner, d time.Duration) {
	if len(one.merger.waiting) > 0 && one.timer == nil {
		one.timer = time.AfterFunc(d, func() { s.flush(one) })
	}
}

// flush is the timer of a Scan.
func (s *scanners) flush(one *scanner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.timer = nil
	if !s.all[one] {
		return
	}
	now := time.Now()
	if next, more := one.merger.flush(now, func(a Advertisement) { s.deliver(one, a, now) }); more {
		s.arm(one, next)
	}
}

// listens tells whether a report is of a kind that the Scan asked for.
func (c *ScanConfig) listens(a *Advertisement) bool {
	return c.phys().Has(a.PrimaryPHY) && !(c.Passive && a.ScanResponse)
}

func (c *ScanConfig) phys() hci.PHYs {
	if c.PHYs == 0 {
		return hci.PHYsOf(hci.LE1M)
	}
	return c.PHYs
}

// deliver gives a Scan what it has not been given before.
func (s *scanners) deliver(one *scanner, a Advertisement, now time.Time) {
	key := seenKey{a.Identity, a.SID, a.ScanResponse || a.Merged}
	if !one.cfg.Filter.matches(&a) || !one.seen.isNews(key, a.Data, now) {
		return
	}
	a.Data = append(ADStructures(nil), a.Data...)
	select {
	case one.reports <- a:
	default:
		s.dropped++
	}
}
