package driver_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// What the legacy family calls it, and what comes nearest where it has no such thing (Vol 4, Part E, 7.8.5).
func TestLegacyTypes(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		for p, want := range map[hci.AdvertisingProperties]hci.AdvertisingType{
			hci.LegacyAdvInd: hci.AdvInd, hci.LegacyAdvDirectIndHigh: hci.AdvDirectIndHigh, hci.LegacyAdvScanInd: hci.AdvScanInd,
			hci.LegacyAdvNonconnInd: hci.AdvNonconnInd, hci.LegacyAdvDirectIndLow: hci.AdvDirectIndLow,
			0: hci.AdvNonconnInd, hci.AdvertiseConnectable: hci.AdvInd, hci.AdvertiseScannable: hci.AdvScanInd,
		} {
			n := len(ctl.Commands())
			s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: p, IntervalMin: 32, IntervalMax: 48}, nil)
			if err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			if got := ctl.Commands()[n]; got.Opcode != hci.OpLESetAdvertisingParameters || got.Parameters[4] != byte(want) || got.Parameters[0] != 32 || got.Parameters[2] != 48 {
				t.Errorf("%v: % X, want type %d", p, got.Parameters, want)
			}
			if err := s.Remove(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// What the controller refuses is told with its status, and leaves no set.
func TestLegacySetRefused(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLESetAdvertisingParameters, hcitest.Fail(hci.CommandDisallowed)) // it advertises already
		for range 2 {
			_, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
			var command *driver.CommandError
			if !errors.Is(err, hci.CommandDisallowed) || !errors.As(err, &command) || command.Opcode != hci.OpLESetAdvertisingParameters {
				t.Errorf("%v", err)
			}
		}
	})
}

// A controller without the extended family has one set.
func TestLegacySet(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		n := len(ctl.Commands())
		var handler set
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable}, &handler)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil); !errors.Is(err, hci.MemoryCapacityExceeded) {
			t.Errorf("a second set: %v", err)
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{MaxEvents: 1}); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
			t.Errorf("events are counted: %v", err)
		}
		for _, err := range []error{
			s.SetData(t.Context(), []byte{2, 1, 6}), s.SetScanResponse(t.Context(), []byte{1, 9}),
			s.Start(t.Context(), driver.AdvertisingLimits{}),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		ctl.Event(connected(64, hci.Peripheral))
		if n, e := handler.told(); n != 1 || e != (hci.LEAdvertisingSetTerminated{Handle: 64}) || s.Advertising() || len(h.links()) != 1 {
			t.Errorf("%d times, %+v", n, e)
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{Duration: time.Minute}); err != nil {
			t.Error(err)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if !s.Advertising() {
			t.Error("it ended too early")
		}
		time.Sleep(2 * time.Second)
		if n, e := handler.told(); n != 2 || e.Status != hci.AdvertisingTimeout || s.Advertising() {
			t.Errorf("%d times, %+v", n, e)
		}
		if err := s.SetParameters(t.Context(), driver.AdvertisingParameters{Properties: hci.LegacyAdvDirectIndHigh, Peer: peer}); err != nil {
			t.Error(err)
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{}); err != nil {
			t.Error(err)
		}
		ctl.Event(hci.LEConnectionComplete{Status: hci.AdvertisingTimeout, Role: hci.Peripheral})
		if n, e := handler.told(); n != 3 || e.Status != hci.AdvertisingTimeout || s.Advertising() {
			t.Errorf("%d times, %+v", n, e)
		}
		for _, p := range []driver.AdvertisingParameters{{Properties: hci.AdvertiseAnonymous}, {Properties: hci.AdvertiseTXPower}, {PrimaryPHY: hci.LECoded},
			{Properties: hci.AdvertiseDirected}} {
			if err := s.SetParameters(t.Context(), p); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
				t.Errorf("%+v: %v", p, err)
			}
		}
		if err := s.SetData(t.Context(), make([]byte, 32)); !errors.Is(err, hci.PacketTooLong) {
			t.Error(err)
		}
		if err := s.Remove(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil); err != nil {
			t.Errorf("another, once it is gone: %v", err)
		}
		for i, want := range []string{"2006 A0 00 A0 00 00 ", "2008 03 02 01 06 ", "2009 02 01 09 ", "200A 01", "200A 01", "200A 00", "2006 A0 00 A0 00 01 00 01 01 02 03 04 05 C6 07 00", "200A 01", "200A 00"} {
			if got := since(ctl, n)[i]; !strings.HasPrefix(got, want) {
				t.Errorf("%d: %s, want %s", i, got, want)
			}
		}
	})
}
