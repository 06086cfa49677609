package driver_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// What periodic advertising says, octet for octet; data of more than 252 octets stop it and start it again, since a controller
// takes parts only then (Vol 4, Part E, 7.8.62).
func TestPeriodic(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := len(ctl.Commands())
		for _, err := range []error{
			s.SetPeriodic(t.Context(), driver.PeriodicParameters{}),
			s.SetPeriodic(t.Context(), driver.PeriodicParameters{IntervalMin: 6, IntervalMax: 7, TXPower: true}),
			s.StopPeriodic(t.Context()),
			s.SetPeriodicData(t.Context(), []byte{1, 2}),
			s.StartPeriodic(t.Context()),
			s.SetPeriodicData(t.Context(), bytes.Repeat([]byte{7}, 252)),
			s.SetPeriodicData(t.Context(), bytes.Repeat([]byte{7}, 600)),
			s.Remove(t.Context()),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		var got []string
		for _, line := range since(ctl, n) {
			got = append(got, line[:min(len(line), 32)])
		}
		want := []string{"203E 00 50 00 50 00 00 00", "203E 00 06 00 07 00 40 00", "203F 00 03 02 01 02", "2040 01 00", "203F 00 03 FC 07 07 07 07 07 07 ",
			"2040 00 00", "203F 00 01 FC 07 07 07 07 07 07 ", "203F 00 00 FC 07 07 07 07 07 07 ", "203F 00 02 60 07 07 07 07 07 07 ", "2040 01 00",
			"2039 00 01 00 00 00 00", "2040 00 00", "203C 00"}
		if !slices.Equal(got, want) {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestPeriodicRefused(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetPeriodicData(t.Context(), make([]byte, 1651)); !errors.Is(err, hci.PacketTooLong) {
			t.Errorf("too long: %v", err)
		}
		if err := s.SetPeriodic(t.Context(), driver.PeriodicParameters{Subevents: hci.Subevents{Count: 1}}); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
			t.Errorf("with responses: %v", err)
		}
		ctl.Handle(hci.OpLESetPeriodicAdvertisingEnable, hcitest.Fail(hci.CommandDisallowed))
		if err := s.StartPeriodic(t.Context()); !errors.Is(err, hci.CommandDisallowed) {
			t.Errorf("refused: %v", err)
		}
	})
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := len(ctl.Commands())
		for i, err := range []error{s.SetPeriodic(t.Context(), driver.PeriodicParameters{}), s.SetPeriodicData(t.Context(), nil), s.StartPeriodic(t.Context())} {
			if !errors.Is(err, hci.UnsupportedFeatureOrParameter) || len(ctl.Commands()) != n {
				t.Errorf("%d: %v", i, err)
			}
		}
		if err := s.StopPeriodic(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// With responses the parameters are those of version 2, where the controller has them.
func TestPeriodicWithResponses(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, _ *hcitest.Controller, _ *host, first *driver.Controller) {
		_ = first.Close()
		ctl := extended(extendedFeatures | hci.FeaturePAwRAdvertiser | hci.FeaturePAwRScanner)
		ctl.Handle(hci.OpLESetPeriodicAdvertisingParametersV2, hcitest.Return(0))
		c := open(t, ctl, &host{})
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := len(ctl.Commands())
		err = s.SetPeriodic(t.Context(), driver.PeriodicParameters{IntervalMin: 255, Subevents: hci.Subevents{Count: 5, Interval: 44, SlotDelay: 20, SlotSpacing: 32}, ResponseSlots: 5})
		if got := fmt.Sprint(since(ctl, n)); err != nil || got != "[2086 00 FF 00 FF 00 00 00 05 2C 14 20 05]" {
			t.Errorf("%s, %v", got, err)
		}
		mask := command(ctl, hci.OpLESetEventMask)
		if got := fmt.Sprintf("% X", mask.Parameters[4:]); mask.Parameters[4]&0xF8 != 0xF8 {
			t.Errorf("event mask %s", got)
		}
		_ = c.Close()
	})
}
