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
	wanted, paused, on bool
	parameters         ScanParameters
}

// StartScan starts scanning; reports go to Handler.HandleAdvertisement. It is paused while a connection is
// being created.
func (c *Controller) StartScan(ctx context.Context, p ScanParameters) error {
	if p.Interval == 0 {
		p.Interval, p.Window = 160, 48
	}
	return c.changeScan(ctx, func(s *scanState) { s.wanted, s.parameters = true, p })
}

// StopScan ends scanning.
func (c *Controller) StopScan(ctx context.Context) error {
	return c.changeScan(ctx, func(s *scanState) { s.wanted = false })
}

func (c *Controller) pauseScan(pause bool) error {
	return c.changeScan(context.Background(), func(s *scanState) { s.paused = pause })
}

// changeScan notes what is wanted and brings the controller to it.
func (c *Controller) changeScan(ctx context.Context, change func(*scanState)) error {
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	s := &c.scan
	change(s)
	on := s.wanted && !s.paused
	if on == s.on {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // not to be left half-way
	if on {
		_, err := c.Do(ctx, hci.LESetScanParameters{Active: !s.parameters.Passive, Interval: s.parameters.Interval, Window: s.parameters.Window,
			OwnAddressType: byte(c.OwnAddress().Type)})
		if err != nil {
			return err
		}
	}
	if _, err := c.Do(ctx, hci.LESetScanEnable{Enable: on, FilterDuplicates: !s.parameters.Duplicates}); err != nil {
		return err
	}
	s.on = on
	return nil
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
