package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// ScanParameters are how to scan, in units of 0.625 ms; zero fields get a window of 30 ms in every 100 ms,
// which leaves the air to Wi-Fi on chips that share an antenna.
type ScanParameters struct {
	Interval, Window uint16
	Passive          bool // do not ask for scan responses
	Duplicates       bool // report what was reported before
}

// scanState is what is wanted of scanning and what is; guarded by the radio token.
type scanState struct {
	wanted bool
	paused bool
	on     bool
	// What is wanted, and while on, also what is; a change turns scanning off and on.
	parameters ScanParameters
}

// StartScan starts scanning, or goes on with other parameters; reports go to Handler.HandleAdvertisement. It
// is paused while a connection is being created. When it fails there is no scanning.
func (c *Controller) StartScan(ctx context.Context, p ScanParameters) error {
	if p.Interval == 0 {
		p.Interval, p.Window = 160, 48
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
	err := c.applyScan()
	s.wanted = err == nil
	return err
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
	on := s.wanted && !s.paused
	if on == s.on {
		return nil
	}
	if on {
		_, err := c.Do(context.Background(), hci.LESetScanParameters{Active: !s.parameters.Passive, Interval: s.parameters.Interval,
			Window: s.parameters.Window, OwnAddressType: c.ownAddressType()})
		if err != nil {
			return err
		}
	}
	return c.enableScan(on)
}

// enableScan turns scanning on or off. What the controller refuses to turn off is taken for off, so that
// scanning can be started again.
func (c *Controller) enableScan(on bool) error {
	_, err := c.Do(context.Background(), hci.LESetScanEnable{Enable: on, FilterDuplicates: !c.scan.parameters.Duplicates})
	c.scan.on = on && err == nil
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
