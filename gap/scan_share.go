package gap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// together is what the controller has to do for all these Scans at once.
func (h *Host) together(c *driver.Controller, all []ScanConfig) driver.ScanParameters {
	if le1M := hci.PHYsOf(hci.LE1M); !c.Info().Coded() {
		all = slices.Clone(all)
		for i := range all {
			if all[i].PHYs.Has(hci.LE1M) { // which has all of the time then
				all[i].PHYs = le1M
			}
		}
	}
	busiest := slices.MaxFunc(all, func(a, b ScanConfig) int { return cmp.Compare(a.duty(), b.duty()) })
	p := driver.ScanParameters{Passive: true}
	accepted := true
	for _, one := range all {
		p.PHYs |= one.phys()
		p.Passive = p.Passive && one.Passive
		p.Duplicates = p.Duplicates || one.wantsDuplicates()
		accepted = accepted && one.Accepted
	}
	busiest.PHYs = p.PHYs
	p.Interval, p.Window = busiest.timing()
	if accepted && h.controllerAccepts(c) {
		p.FilterPolicy = driver.ScanAcceptList
	}
	return p
}

// Times of scanning, in units of 0.625 ms (Vol 4, Part E, 7.8.10), and the defaults.
const (
	minScanTime, maxScanTime = 0x0004, 0x4000
	defaultScanInterval      = 100 * time.Millisecond
	defaultScanWindow        = 30 * time.Millisecond
)

// timing is the interval and the window in units of 0.625 ms. By default two PHYs share the time that one has.
func (c *ScanConfig) timing() (interval, window uint16) {
	units := func(d, zero time.Duration) uint16 {
		if d == 0 {
			d = zero
		}
		return uint16(min(max(d/advertisingUnit, minScanTime), maxScanTime))
	}
	interval = units(c.Interval, max(defaultScanInterval*time.Duration(bits.OnesCount8(uint8(c.phys()))), c.Window))
	return interval, min(units(c.Window, defaultScanWindow), interval)
}

// duty is the part of the time that is spent listening.
func (c *ScanConfig) duty() float64 {
	interval, window := c.timing()
	return float64(window) / float64(interval)
}

// wantsDuplicates tells whether the controller has to report what it has reported: its own filter knows nothing of data
// that change, and of what ours wants to see first.
func (c *ScanConfig) wantsDuplicates() bool {
	return c.Duplicates != ReportOnce || c.Again != 0 || c.Filter.asksContent()
}

// valid refuses what no controller could do.
func (c *ScanConfig) valid() error {
	if left := c.phys() &^ hci.PHYsOf(hci.LE1M, hci.LECoded); left != 0 {
		return fmt.Errorf("scan: PHYs 0x%02X: advertising begins on LE 1M and LE Coded alone", uint8(c.PHYs))
	}
	return nil
}

// beginScan adds a Scan to those there are.
func (h *Host) beginScan(ctx context.Context, one *scanner) error {
	if err := one.cfg.valid(); err != nil {
		return err
	}
	select {
	case h.scanners.changes <- struct{}{}:
		defer h.scanners.changed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	before := h.scanners.configs()
	h.scanners.add(one)
	err := h.startScan(ctx, before, append(before, one.cfg))
	if err != nil && (h.Err() != nil || h.Controller().Err() == nil) {
		h.scanners.remove(one)
		if len(before) > 0 && h.Err() == nil {
			h.resumeScan(before, err)
		}
		return err
	}
	return nil // on a controller that is being recovered, which resumes
}

// startScan has the controller scan for those there are now. When it has filtered duplicates for those that there were
// before, it has to begin anew: whom it has reported is news to the others.
func (h *Host) startScan(ctx context.Context, before, now []ScanConfig) error {
	c := h.Controller()
	p := h.together(c, now)
	if len(before) == 0 {
		return c.StartScan(ctx, p)
	}
	ctx = context.WithoutCancel(ctx) // not to be left half-way
	if was := h.together(c, before); was == p && !was.Duplicates {
		if err := c.StopScan(ctx); err != nil {
			h.logf("begin another scan: %v", err)
		}
	}
	return c.StartScan(ctx, p)
}

// resumeScan goes on for those there were before another could not join them. When that fails too they end, with
// both errors.
func (h *Host) resumeScan(before []ScanConfig, cause error) {
	c := h.Controller()
	if err := c.StartScan(context.Background(), h.together(c, before)); err != nil && c.Err() == nil {
		h.scanners.failAll(fmt.Errorf("scanning was lost: %w", errors.Join(cause, err)))
	}
}

// endScan takes a Scan from those there are.
func (h *Host) endScan(one *scanner) {
	h.scanners.changes <- struct{}{}
	defer h.scanners.changed()
	h.scanners.remove(one)
	c, left := h.Controller(), h.scanners.configs()
	if len(left) == 0 {
		if err := c.StopScan(context.Background()); err != nil {
			h.logf("stop scanning: %v", err)
		}
		return
	}
	if err := c.StartScan(context.Background(), h.together(c, left)); err != nil && c.Err() == nil {
		h.scanners.failAll(fmt.Errorf("scanning was lost: %w", err))
	}
}

// HandleAdvertisement implements driver.Handler: the controller's loop.
func (h *Host) HandleAdvertisement(r driver.Report) {
	if h.security == nil || !h.scanners.any() {
		return
	}
	identity, listen := h.whose(r)
	if !listen {
		return
	}
	h.scanners.hear(Advertisement{Address: r.Address, Identity: identity, Connectable: r.Type&hci.ReportConnectable != 0,
		Scannable: r.Type&hci.ReportScannable != 0, Directed: r.Type&hci.ReportDirected != 0, Target: r.Direct,
		ScanResponse: r.Type&hci.ReportScanResponse != 0, Legacy: r.Type&hci.ReportLegacy != 0, Truncated: r.Truncated,
		RSSI: int(r.RSSI), TXPower: int(r.TXPower), PrimaryPHY: r.PrimaryPHY, SecondaryPHY: r.SecondaryPHY, SID: r.SID,
		PeriodicInterval: time.Duration(r.PeriodicInterval) * connectionUnit, Data: ADStructures(r.Data)}, h.accepted.accepts)
}
