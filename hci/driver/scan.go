package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// ScanParameters are how to scan, in units of 0.625 ms; zero fields get a window of 30 ms in every 100 ms, or on two PHYs
// one on each in every 200 ms, which leaves the air to Wi-Fi on chips that share an antenna.
type ScanParameters struct {
	Interval, Window uint16 // on LE 1M
	Passive          bool   // do not ask for scan responses
	Duplicates       bool   // report what was reported before
	// PHYs are those of the primary channels to scan on, LE 1M and LE Coded. If zero, LE 1M. A controller
	// that has no LE Coded scans on LE 1M; where only LE Coded is wanted it is an error.
	PHYs                       hci.PHYs
	CodedInterval, CodedWindow uint16 // on LE Coded; if zero, as on LE 1M
	FilterPolicy               ScanFilterPolicy
}

// ScanFilterPolicy is whose advertisements are reported (Vol 4, Part E, 7.8.10).
type ScanFilterPolicy uint8

const (
	ScanAll              ScanFilterPolicy = 0 // but what is directed to others
	ScanAcceptList       ScanFilterPolicy = 1
	ScanAllResolved      ScanFilterPolicy = 2 // and what is directed to a resolvable address that is not known
	ScanAcceptListPlus   ScanFilterPolicy = 3 // both
	scanExtendedPolicies                  = 2 // a bit: they need hci.FeatureExtendedScanningFilterPolicies
)

// scanState is what is wanted of scanning and what is; guarded by the radio token.
type scanState struct {
	wanted  bool
	syncing int // attempts to synchronize, which need scanning too
	paused  bool
	on      bool
	// What is wanted, and while on, also what is; a change turns scanning off and on.
	parameters ScanParameters
}

// StartScan starts scanning, or goes on with other parameters; reports go to Handler.HandleAdvertisement. It
// is paused while a connection is being created. When it fails there is no scanning.
func (c *Controller) StartScan(ctx context.Context, p ScanParameters) error {
	p, err := c.scannable(p)
	if err != nil {
		return err
	}
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	s := &c.scan
	if s.on && s.parameters != p {
		if err := c.enableScan(false); err != nil {
			return err
		}
	}
	s.wanted, s.parameters = true, p
	err = c.applyScan()
	s.wanted = err == nil
	if p.Passive {
		return c.explain(err, passiveScanning)
	}
	return c.explain(err, activeScanning)
}

// scannable fills in what is zero, and leaves out what the controller does not have.
func (c *Controller) scannable(p ScanParameters) (ScanParameters, error) {
	if p.PHYs == 0 {
		p.PHYs = hci.PHYsOf(hci.LE1M)
	}
	if !c.info.Coded() {
		p.PHYs &^= hci.PHYsOf(hci.LECoded)
	}
	if p.Interval == 0 {
		p.Interval, p.Window = 160, 48
		if p.PHYs.Has(hci.LE1M) && p.PHYs.Has(hci.LECoded) {
			p.Interval *= 2
		}
	}
	if p.CodedInterval == 0 {
		p.CodedInterval, p.CodedWindow = p.Interval, p.Window
	}
	extended := p.FilterPolicy&scanExtendedPolicies != 0 && c.info.Features&hci.FeatureExtendedScanningFilterPolicies == 0
	if p.PHYs&hci.PHYsOf(hci.LE1M, hci.LECoded) == 0 || extended {
		return p, unsupported(c.scanOpcode())
	}
	return p, nil
}

func (c *Controller) scanOpcode() hci.Opcode {
	if c.info.Extended() {
		return hci.OpLESetExtendedScanParameters
	}
	return hci.OpLESetScanParameters
}

// StopScan ends scanning; it does nothing where there is none.
func (c *Controller) StopScan(ctx context.Context) error {
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	c.scan.wanted = false
	return c.applyScan()
}

// pauseScan interrupts scanning and lets it go on. A controller that refuses to stop will say the same of
// what it was to stop for.
func (c *Controller) pauseScan(pause bool) error {
	if err := c.takeRadio(context.Background()); err != nil {
		return err
	}
	defer c.freeRadio()
	c.scan.paused = pause
	err := c.applyScan()
	if pause {
		return refused(err)
	}
	return err
}

// applyScan brings the controller to what is wanted, to the end, since it is not to be left half-way.
func (c *Controller) applyScan() error {
	s := &c.scan
	on := (s.wanted || s.syncing > 0) && !s.paused
	if on == s.on {
		return nil
	}
	if on {
		if err := c.sequence(c.scanCommand()); err != nil {
			return err
		}
	}
	return c.enableScan(on)
}

// scanCommand is how to scan, in the words of the controller's family.
func (c *Controller) scanCommand() hci.Command {
	p := c.scan.parameters
	own := c.ownAddressType()
	if !c.info.Extended() {
		return hci.LESetScanParameters{Active: !p.Passive, Interval: p.Interval, Window: p.Window, OwnAddressType: own, FilterPolicy: uint8(p.FilterPolicy)}
	}
	cmd := hci.LESetExtendedScanParameters{OwnAddressType: own, FilterPolicy: uint8(p.FilterPolicy)}
	if p.PHYs.Has(hci.LE1M) {
		cmd.Scan = append(cmd.Scan, hci.PHYScan{PHY: hci.LE1M, Active: !p.Passive, Interval: p.Interval, Window: p.Window})
	}
	if p.PHYs.Has(hci.LECoded) {
		cmd.Scan = append(cmd.Scan, hci.PHYScan{PHY: hci.LECoded, Active: !p.Passive, Interval: p.CodedInterval, Window: p.CodedWindow})
	}
	return cmd
}

// enableScan turns scanning on or off. What the controller refuses to turn off is taken for off, so that
// scanning can be started again.
func (c *Controller) enableScan(on bool) error {
	duplicates := c.scan.parameters.Duplicates
	var cmd hci.Command = hci.LESetScanEnable{Enable: on, FilterDuplicates: !duplicates}
	if c.info.Extended() {
		filter := hci.FilterDuplicates
		if duplicates {
			filter = hci.ReportDuplicates
		}
		cmd = hci.LESetExtendedScanEnable{Enable: on, Duplicates: filter}
	}
	err := c.sequence(cmd)
	c.scan.on = on && err == nil
	if !c.scan.on {
		c.note(c.onLoop(c.chains.flush))
	}
	return err
}

func (c *Controller) takeRadio(ctx context.Context) error {
	select {
	case c.radio <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ended:
		return c.Err()
	}
}

func (c *Controller) freeRadio() { <-c.radio }
