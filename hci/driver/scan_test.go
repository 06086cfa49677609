package driver_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport"
)

// Scanning is paused while a connection is created, since not every controller does both.
func TestScanPausesForConnect(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		for _, op := range []hci.Opcode{hci.OpLESetScanParameters, hci.OpLESetScanEnable} {
			ctl.Handle(op, hcitest.Return())
		}
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		ctl.Event(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Address: peer, Data: []byte{2, 1, 6}, RSSI: -40}}})
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.LEConnectionComplete{Status: hci.ConnectionFailedToBeEstablished})
		})
		_, _ = c.Connect(t.Context(), peer, driver.ConnectParameters{})
		if err := c.StopScan(t.Context()); err != nil {
			t.Fatal(err)
		}
		var enables strings.Builder
		for _, f := range ctl.Commands() {
			if f.Opcode == hci.OpLESetScanEnable {
				enables.WriteString(string('0' + f.Parameters[0]))
			}
		}
		if enables.String() != "1010" {
			t.Errorf("scanning went %s, want on, off, on, off", enables.String())
		}
		if len(h.reports) != 1 || h.reports[0].Address != peer {
			t.Errorf("reports %+v", h.reports)
		}
	})
}

// scans is a controller that takes scan commands, and tells how scanning went: "1" on, "0" off.
func scans(ctl *hcitest.Controller) (history func() string) {
	for _, op := range []hci.Opcode{hci.OpLESetScanParameters, hci.OpLESetScanEnable} {
		ctl.Handle(op, hcitest.Return())
	}
	return func() (s string) {
		synctest.Wait()
		for _, f := range ctl.Commands() {
			if f.Opcode == hci.OpLESetScanEnable {
				s += string('0' + f.Parameters[0])
			}
		}
		return s
	}
}

// The defaults leave most of the air to others (facts of combo chips: full-time scanning kills Wi-Fi).
func TestScanParameters(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		history := scans(ctl)
		for _, s := range []struct {
			p          driver.ScanParameters
			parameters string
			enable     string
		}{
			{driver.ScanParameters{}, "LE Set Scan Parameters [01 A0 00 30 00 00 00]", "LE Set Scan Enable [01 01]"},
			{driver.ScanParameters{Interval: 16, Window: 16, Passive: true, Duplicates: true}, "LE Set Scan Parameters [00 10 00 10 00 00 00]", "LE Set Scan Enable [01 00]"},
		} {
			if err := c.StartScan(t.Context(), s.p); err != nil {
				t.Fatal(err)
			}
			if got := command(ctl, hci.OpLESetScanParameters).String(); got != s.parameters {
				t.Errorf("%s, want %s", got, s.parameters)
			}
			if got := command(ctl, hci.OpLESetScanEnable).String(); got != s.enable {
				t.Errorf("%s, want %s", got, s.enable)
			}
			if err := c.StartScan(t.Context(), s.p); err != nil { // the same again is nothing to do
				t.Fatal(err)
			}
		}
		if got := history(); got != "101" {
			t.Errorf("scanning went %s, want on, off and on with the new parameters", got)
		}
		for range 2 {
			if err := c.StopScan(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := history(); got != "1010" {
			t.Errorf("scanning went %s", got)
		}
	})
}

// A scan that could not be started is not started later, behind the caller's back.
func TestScanRefused(t *testing.T) {
	for _, op := range []hci.Opcode{hci.OpLESetScanParameters, hci.OpLESetScanEnable} {
		bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
			history := scans(ctl)
			ctl.Handle(op, hcitest.Fail(hci.CommandDisallowed))
			if err := c.StartScan(t.Context(), driver.ScanParameters{}); !errors.Is(err, hci.CommandDisallowed) {
				t.Errorf("StartScan: %v", err)
			}
			ctl.Handle(op, hcitest.Return())
			before := history()
			ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.ConnectionLimitExceeded))
			_, _ = c.Connect(t.Context(), peer, driver.ConnectParameters{})
			if got := history(); got != before {
				t.Errorf("scanning went %s, was %s", got, before)
			}
			if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
				t.Errorf("StartScan: %v", err)
			}
		})
	}
}

// Stopping that is refused does not keep connections from being made (complaint 3), nor scanning from being
// started again.
func TestScanStopRefused(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		history := scans(ctl)
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		ctl.Handle(hci.OpLESetScanEnable, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			if f.Parameters[0] == 0 {
				hcitest.Fail(hci.CommandDisallowed)(ctl, f)
				return
			}
			ctl.Complete(f.Opcode)
		})
		ctl.Handle(hci.OpLECreateConnection, creates(64))
		if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); err != nil {
			t.Errorf("Connect: %v", err)
		}
		if got := history(); got != "101" {
			t.Errorf("scanning went %s", got)
		}
		if err := c.StopScan(t.Context()); !errors.Is(err, hci.CommandDisallowed) {
			t.Errorf("StopScan: %v", err)
		}
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Errorf("StartScan: %v", err)
		}
		if got := history(); got != "10101" {
			t.Errorf("scanning went %s", got)
		}
	})
}

// Scanning that is asked for while a connection is being created begins when that is over.
func TestScanStartsAfterConnect(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		history := scans(ctl)
		ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.Success))
		done := start(func() error { _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); return err })
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil || history() != "" {
			t.Errorf("scanning went %s, %v", history(), err)
		}
		ctl.Event(connected(64, hci.Central))
		if err := <-done; err != nil || history() != "1" {
			t.Errorf("scanning went %s, %v", history(), err)
		}
	})
}

// Waiting for the radio ends with the context, and with the controller.
func TestScanWaits(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		scans(ctl)
		ctl.Handle(hci.OpLESetScanEnable, hcitest.Silent)
		first := start(func() error { return c.StartScan(t.Context(), driver.ScanParameters{}) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for name, f := range map[string]func() error{
			"StartScan": func() error { return c.StartScan(ctx, driver.ScanParameters{}) },
			"StopScan":  func() error { return c.StopScan(ctx) },
			"NewAdvertisingSet": func() error {
				_, err := c.NewAdvertisingSet(ctx, driver.AdvertisingParameters{}, nil)
				return err
			},
		} {
			if err := f(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		second := start(func() error { return c.StopScan(t.Context()) })
		ctl.Break(transport.ErrGone)
		for _, done := range []<-chan error{first, second} {
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("the controller ended: %v", err)
			}
		}
	})
}
