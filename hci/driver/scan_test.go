package driver_test

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
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
		var enables string
		for _, f := range ctl.Commands() {
			if f.Opcode == hci.OpLESetScanEnable {
				enables += string('0' + f.Parameters[0])
			}
		}
		if enables != "1010" {
			t.Errorf("scanning went %s, want on, off, on, off", enables)
		}
		if len(h.reports) != 1 || h.reports[0].Address != peer {
			t.Errorf("reports %+v", h.reports)
		}
	})
}
