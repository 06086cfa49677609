package driver_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// What is advertised, octet for octet, and in an order that a controller takes.
func TestAdvertise(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		for _, op := range []hci.Opcode{hci.OpLESetAdvertisingParameters, hci.OpLESetAdvertisingData, hci.OpLESetScanResponseData, hci.OpLESetAdvertisingEnable} {
			ctl.Handle(op, hcitest.Return())
		}
		before := len(ctl.Commands())
		if err := c.StartAdvertising(t.Context(), driver.AdvertiseParameters{Data: []byte{2, 1, 6}, ScanResponse: []byte{1, 2}}); err != nil {
			t.Fatal(err)
		}
		directed := driver.AdvertiseParameters{IntervalMin: 32, IntervalMax: 48, Type: hci.AdvDirectIndLow, Peer: peer}
		for _, p := range []driver.AdvertiseParameters{directed, {IntervalMin: 32}} {
			if err := c.StartAdvertising(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.StopAdvertising(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range ctl.Commands()[before:] {
			got = append(got, fmt.Sprintf("%04X % X", uint16(f.Opcode), bytes.TrimRight(f.Parameters, "\x00")))
		}
		want := []string{
			"2006 A0 00 A0 00 00 00 00 00 00 00 00 00 00 07", "2008 03 02 01 06", "2009 02 01 02", "200A 01",
			"2006 20 00 30 00 04 00 01 01 02 03 04 05 C6 07", "2008 ", "2009 ", "200A 01",
			"2006 20 00 20 00 00 00 00 00 00 00 00 00 00 07", "2008 ", "2009 ", "200A 01",
			"200A ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q\nwant %q", got, want)
		}
	})
}

// What does not fit is refused here, and what the controller refuses is told with its status.
func TestAdvertiseRefused(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		sent := len(ctl.Sent())
		for _, p := range []driver.AdvertiseParameters{{Data: make([]byte, 32)}, {ScanResponse: make([]byte, 32)}} {
			if err := c.StartAdvertising(t.Context(), p); !errors.Is(err, hci.PacketTooLong) || len(ctl.Sent()) != sent {
				t.Errorf("StartAdvertising: %v", err)
			}
		}
		ctl.Handle(hci.OpLESetAdvertisingParameters, hcitest.Fail(hci.CommandDisallowed)) // it advertises already
		err := c.StartAdvertising(t.Context(), driver.AdvertiseParameters{})
		var command *driver.CommandError
		if !errors.Is(err, hci.CommandDisallowed) || !errors.As(err, &command) || command.Opcode != hci.OpLESetAdvertisingParameters {
			t.Errorf("StartAdvertising: %v", err)
		}
		if count(ctl, hci.OpLESetAdvertisingEnable) != 0 {
			t.Error("it was enabled all the same")
		}
	})
}
