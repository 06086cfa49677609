package driver_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport"
)

// A set that advertises is stopped for what a controller does not change in use, and goes on with its limits; what does not
// advertise is not started by that, nor what ended by itself meanwhile.
func TestSetChangesWhileItAdvertises(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable}, nil)
		if err != nil {
			t.Fatal(err)
		}
		own := func(b byte) hci.Address {
			return hci.Address{Type: hci.Random, Octets: [6]byte{b, 2, 3, 4, 5, 0xC6}}
		}
		n := len(ctl.Commands())
		if err := s.SetRandomAddress(t.Context(), own(1)); err != nil || s.Address() != own(1) {
			t.Errorf("%v, %v", s.Address(), err)
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{Duration: time.Second, MaxEvents: 3}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetRandomAddress(t.Context(), own(2)); err != nil || s.Address() != own(2) {
			t.Errorf("%v, %v", s.Address(), err)
		}
		var got []string
		for _, line := range since(ctl, n) {
			got = append(got, line[:min(len(line), 25)])
		}
		want := []string{"2036 00 01 00 A0 00 00 A0", "2035 00 01 02 03 04 05 C6", "2039 01 01 00 64 00 03", "2039 00 01 00 00 00 00", "2036 00 01 00 A0 00 00 A0",
			"2035 00 02 02 03 04 05 C6", "2039 01 01 00 64 00 03"}
		if !slices.Equal(got, want) {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		ctl.Handle(hci.OpLESetExtendedAdvertisingEnable, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Event(connected(64, hci.Peripheral)) // at the same moment
			ctl.Event(hci.LEAdvertisingSetTerminated{Handle: 64})
			ctl.Complete(f.Opcode)
		})
		n = len(ctl.Commands())
		if err := s.SetData(t.Context(), make([]byte, 600)); err != nil || s.Advertising() {
			t.Errorf("%v, advertising %v", err, s.Advertising())
		}
		if got := since(ctl, n); len(got) != 4 || got[0] != "2039 00 01 00 00 00 00" {
			t.Errorf("%d commands, %s", len(got), got[0])
		}
	})
}

// What the controller refuses is told, and leaves the set as it was as far as that goes.
func TestSetRefused(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLESetExtendedAdvertisingParameters, hcitest.Fail(hci.MemoryCapacityExceeded))
		if _, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil); !errors.Is(err, hci.MemoryCapacityExceeded) {
			t.Errorf("a set too many: %v", err)
		}
		ctl.Handle(hci.OpLESetExtendedAdvertisingParameters, hcitest.Return()) // which does not tell the power
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil || s.Handle() != 0 {
			t.Fatal(err)
		}
		if p, err := s.TXPower(t.Context()); err != nil || p != hci.NoPreference {
			t.Errorf("%d dBm, %v", p, err)
		}
		for _, d := range []time.Duration{-1, 656 * time.Second} {
			if err := s.Start(t.Context(), driver.AdvertisingLimits{Duration: d}); !errors.Is(err, hci.InvalidHCICommandParameters) {
				t.Errorf("%v: %v", d, err)
			}
		}
		fail := func(op hci.Opcode, f func() error) {
			t.Helper()
			ctl.Handle(op, hcitest.Fail(hci.HardwareFailure))
			if err := f(); !errors.Is(err, hci.HardwareFailure) {
				t.Errorf("%v was refused: %v", op, err)
			}
			ctl.Handle(op, hcitest.Return())
		}
		fail(hci.OpLESetExtendedAdvertisingEnable, func() error { return s.Start(t.Context(), driver.AdvertisingLimits{}) })
		if s.Advertising() {
			t.Error("it advertises")
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{}); err != nil {
			t.Fatal(err)
		}
		fail(hci.OpLESetExtendedAdvertisingEnable, func() error { return s.SetParameters(t.Context(), driver.AdvertisingParameters{}) })
		fail(hci.OpLESetExtendedAdvertisingData, func() error { return s.SetData(t.Context(), make([]byte, 300)) })
		fail(hci.OpLESetExtendedScanResponseData, func() error { return s.SetScanResponse(t.Context(), []byte{1, 2}) })
		if !s.Advertising() {
			t.Error("it does not go on")
		}
		fail(hci.OpLERemoveAdvertisingSet, func() error { return s.Remove(t.Context()) })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if err := s.Remove(t.Context()); err != nil {
			t.Error(err)
		}
		ctl.Break(transport.ErrGone)
		<-c.Done()
		if _, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("on a controller that is gone: %v", err)
		}
	})
}

// Nobody need listen to a set, nor to periodic advertising.
func TestNobodyListens(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSync, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(established(7))
		})
		sync, err := c.Sync(t.Context(), driver.SyncParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{}); err != nil {
			t.Fatal(err)
		}
		ctl.Event(hci.LEScanRequestReceived{Scanner: peer})
		ctl.Inject([]byte{4, 0x3E, 3, 0x27, 0, 1})
		ctl.Event(hci.LEAdvertisingSetTerminated{Status: hci.LimitReached})
		ctl.Event(periodic(hci.DataStatusComplete, "a"))
		ctl.Event(hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 7})
		<-sync.Done()
		if s.Advertising() || !errors.Is(sync.Err(), driver.ErrSyncLost) {
			t.Errorf("advertising %v, %v", s.Advertising(), sync.Err())
		}
	})
}

// How a controller can't scan it is not asked to.
func TestScanUnsupported(t *testing.T) {
	coded, policy := driver.ScanParameters{PHYs: hci.PHYsOf(hci.LECoded)}, driver.ScanParameters{FilterPolicy: driver.ScanAcceptListPlus}
	check := func(t *testing.T, ctl *hcitest.Controller, c *driver.Controller, op hci.Opcode) {
		n := len(ctl.Commands())
		for _, p := range []driver.ScanParameters{coded, policy, {PHYs: hci.PHYsOf(hci.LE2M)}} {
			var command *driver.CommandError
			if err := c.StartScan(t.Context(), p); !errors.Is(err, hci.UnsupportedFeatureOrParameter) || !errors.As(err, &command) || command.Opcode != op {
				t.Errorf("%+v: %v", p, err)
			}
		}
		if len(ctl.Commands()) != n {
			t.Error("it was asked")
		}
	}
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		check(t, ctl, c, hci.OpLESetScanParameters)
	})
	bubble(t, hcitest.Settings{}, func(t *testing.T, _ *hcitest.Controller, _ *host, first *driver.Controller) {
		_ = first.Close()
		ctl := extended(hci.FeatureLEExtendedAdvertising)
		c := open(t, ctl, &host{})
		check(t, ctl, c, hci.OpLESetExtendedScanParameters)
		_ = c.Close()
	})
}

// A controller with the feature and not all of the commands has the legacy family.
func TestHalfAFamily(t *testing.T) {
	bubble(t, hcitest.Settings{Features: extendedFeatures}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		if i := c.Info(); i.Extended() || i.Coded() || i.Periodic() || i.PeriodicADI() || i.AdvertisingSets != 1 || i.MaxAdvertisingData != hci.MaxAdvertisingData {
			t.Errorf("%+v", i)
		}
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseScannable}, nil)
		if err != nil || command(ctl, hci.OpLESetAdvertisingParameters).Parameters[4] != byte(hci.AdvScanInd) || s.Handle() != 0 {
			t.Errorf("%v", err)
		}
	})
}
