package gap

import (
	"context"
	"iter"
	"sync"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// ScanConfig is how to scan; its zero value is active, without duplicates, 30 ms in every 100 ms.
type ScanConfig = driver.ScanParameters

// Advertisement is what was heard of a peer.
type Advertisement struct {
	Address      hci.Address // on air
	Identity     hci.Address // what Address resolves to by our bonds; Address itself where it does not
	Connectable  bool
	ScanResponse bool
	RSSI         int // dBm; 127: not known
	Data         ADStructures
}

// maxReports is how many advertisements wait for one Scan whose caller is slow; more are dropped.
const maxReports = 256

// scanners are the running Scans. The controller's loop puts reports in.
type scanners struct {
	mu      sync.Mutex
	changes chan struct{} // holds a token while the first begins or the last ends, and guards cfg
	cfg     ScanConfig    // the first one's
	all     map[*scanner]bool
}

type scanner struct{ reports chan Advertisement }

// Scan yields advertisements until ctx ends or the loop over it is left; then it stops scanning, unless
// another Scan goes on. Every Scan hears everything; of two at once, the first one's ScanConfig holds. The
// error, if the controller could not scan or is gone, is the last thing yielded; the end of ctx is none.
func (h *Host) Scan(ctx context.Context, cfg ScanConfig) iter.Seq2[Advertisement, error] {
	return func(yield func(Advertisement, error) bool) {
		s := &scanner{reports: make(chan Advertisement, maxReports)}
		if err := h.beginScan(ctx, s, cfg); err != nil {
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
			case <-ctx.Done():
				return
			case <-h.Done():
				yield(Advertisement{}, h.Err())
				return
			}
		}
	}
}

func (h *Host) beginScan(ctx context.Context, s *scanner, cfg ScanConfig) error {
	select {
	case h.scanners.changes <- struct{}{}:
		defer h.scanners.changed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if h.scanners.add(s) == 1 {
		h.scanners.cfg = cfg
	} else { // scanning begins anew, for whom the controller has reported is news to this one
		ctx = context.WithoutCancel(ctx) // not to be left half-way
		if err := h.Controller().StopScan(ctx); err != nil {
			h.logf("begin another scan: %v", err)
		}
	}
	err := h.Controller().StartScan(ctx, h.scanners.cfg)
	if err != nil && (h.Err() != nil || h.Controller().Err() == nil) {
		h.scanners.remove(s)
		return err
	}
	return nil // on a controller that is being recovered, which resumes
}

func (h *Host) endScan(s *scanner) {
	h.scanners.changes <- struct{}{}
	defer h.scanners.changed()
	if h.scanners.remove(s) > 0 {
		return
	}
	if err := h.Controller().StopScan(context.Background()); err != nil {
		h.logf("stop scanning: %v", err)
	}
}

// changed gives the token back.
func (s *scanners) changed() { <-s.changes }

func (s *scanners) add(one *scanner) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[*scanner]bool)
	}
	s.all[one] = true
	return len(s.all)
}

func (s *scanners) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (s *scanners) remove(one *scanner) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, one)
	return len(s.all)
}

// HandleAdvertisement implements driver.Handler: the controller's loop.
func (h *Host) HandleAdvertisement(r driver.Report) {
	s := &h.scanners
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 || h.security == nil {
		return
	}
	identity, _ := h.security.Resolve(r.Address)
	a := Advertisement{Address: r.Address, Identity: identity, RSSI: int(r.RSSI), Data: append(ADStructures(nil), r.Data...),
		Connectable: r.Type&hci.ReportConnectable != 0, ScanResponse: r.Type&hci.ReportScanResponse != 0}
	for one := range s.all {
		select {
		case one.reports <- a:
		default:
		}
	}
}
