package driver_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// What a set says, octet for octet, in an order that a controller takes.
func TestAdvertisingSet(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		n, power := len(ctl.Commands()), int8(-7)
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable, IntervalMin: 0x012345,
			IntervalMax: 0x012346, TXPower: &power, PrimaryPHY: hci.LECoded, SecondaryPHY: hci.LE2M, SID: 5, SecondaryMaxSkip: 1,
			Address: hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}, NotifyScanRequests: true, FilterPolicy: 2}, nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := s.TXPower(t.Context()); p != -12 || err != nil || s.Address() != peer || second.Address() != c.OwnAddress() {
			t.Errorf("%d dBm, %v, %v", p, err, s.Address())
		}
		for _, err := range []error{
			s.SetData(t.Context(), []byte{2, 1, 6}),
			s.Start(t.Context(), driver.AdvertisingLimits{Duration: 25 * time.Millisecond, MaxEvents: 9}),
			second.SetScanResponse(t.Context(), []byte{1, 2}),
			second.Start(t.Context(), driver.AdvertisingLimits{}),
			s.Stop(t.Context()), s.Remove(t.Context()),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{}); !errors.Is(err, hci.UnknownAdvertisingIdentifier) {
			t.Errorf("a set that was removed: %v", err)
		}
		want := []string{
			"2036 00 01 00 45 23 01 46 23 01 07 01 00 00 00 00 00 00 00 02 F9 03 01 02 05 01",
			"2035 00 01 02 03 04 05 C6",
			"2036 01 00 00 A0 00 00 A0 00 00 07 00 00 00 00 00 00 00 00 00 7F 01 00 01 00 00",
			"2037 00 03 01 03 02 01 06",
			"2039 01 01 00 03 00 09",
			"2038 01 03 01 02 01 02",
			"2039 01 01 01 00 00 00",
			"2039 00 01 00 00 00 00",
			"2039 00 01 00 00 00 00",
			"203C 00",
		}
		if got := since(ctl, n); !slices.Equal(got, want) {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Data of more than 251 octets go in several commands, which a controller takes only while the set does not
// advertise (Vol 4, Part E, 7.8.54): so it stops for them and goes on.
func TestAdvertisingSetLongData(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context(), driver.AdvertisingLimits{MaxEvents: 7}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			length int
			want   string
		}{
			{0, "[data 3:0]"},
			{251, "[data 3:251]"},
			{252, "[enable 0 data 1:251 data 2:1 enable 1]"},
			{502, "[enable 0 data 1:251 data 2:251 enable 1]"},
			{1650, "[enable 0 data 1:251 data 0:251 data 0:251 data 0:251 data 0:251 data 0:251 data 2:144 enable 1]"},
			{1651, "[]"},
		} {
			n, data := len(ctl.Commands()), bytes.Repeat([]byte{7}, c.length)
			if err := s.SetData(t.Context(), data); (err != nil) != (c.length > 1650) || err != nil && !errors.Is(err, hci.PacketTooLong) {
				t.Errorf("%d: %v", c.length, err)
			}
			got := []string{}
			for _, f := range ctl.Commands()[n:] {
				switch f.Opcode {
				case hci.OpLESetExtendedAdvertisingEnable:
					got = append(got, fmt.Sprintf("enable %d", f.Parameters[0]))
				case hci.OpLESetExtendedAdvertisingData:
					got = append(got, fmt.Sprintf("data %d:%d", f.Parameters[1], f.Parameters[3]))
				}
			}
			if c.length <= 1650 && fmt.Sprint(got) != c.want {
				t.Errorf("%d octets: %v, want %s", c.length, got, c.want)
			}
		}
		if !s.Advertising() {
			t.Error("it advertises no more")
		}
	})
}

// The owner of a set is told how it ended, with the connection that it led to.
func TestAdvertisingSetTerminated(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		var handlers [2]set
		var sets [2]*driver.AdvertisingSet
		for i := range sets {
			var err error
			if sets[i], err = c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable}, &handlers[i]); err != nil {
				t.Fatal(err)
			}
			if err := sets[i].Start(t.Context(), driver.AdvertisingLimits{}); err != nil {
				t.Fatal(err)
			}
		}
		ctl.Event(connected(64, hci.Peripheral))
		want := hci.LEAdvertisingSetTerminated{AdvertisingHandle: 1, Handle: 64, CompletedEvents: 3}
		ctl.Event(want)
		if n, e := handlers[1].told(); n != 1 || e != want || sets[1].Advertising() || len(h.links()) != 1 {
			t.Errorf("%d times, %+v", n, e)
		}
		if n, _ := handlers[0].told(); n != 0 || !sets[0].Advertising() {
			t.Error("the other set was told")
		}
		ctl.Event(hci.LEAdvertisingSetTerminated{Status: hci.LimitReached, CompletedEvents: 9})
		if n, e := handlers[0].told(); n != 1 || e.Status != hci.LimitReached || e.CompletedEvents != 9 {
			t.Errorf("%d times, %+v", n, e)
		}
		ctl.Event(hci.LEScanRequestReceived{AdvertisingHandle: 1, Scanner: peer})
		ctl.Inject([]byte{4, 0x3E, 5, 0x27, 1, 2, 3, 4}, []byte{4, 0x3E, 6, 0x28, 1, 2, 3, 4, 5})
		handlers[1].told()
		if r := handlers[1].requests; len(r) != 1 || r[0].Scanner != peer {
			t.Errorf("scan requests %+v", r)
		}
		if got := fmt.Sprint(handlers[1].raw); got != "[27: 01 02 03 04 28: 01 02 03 04 05]" {
			t.Error(got)
		}
		ctl.Event(hci.LEAdvertisingSetTerminated{AdvertisingHandle: 9})
		ctl.Inject([]byte{4, 0x3E, 2, 0x12, 0}, []byte{4, 0x3E, 4, 0x12, 0, 0, 0}, []byte{4, 0x3E, 4, 0x13, 1, 0, 0})
		handlers[1].told()
		if s, err := c.Statistics(); err != nil || s.UnknownHandles != 1 || s.Malformed != 3 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// Some controllers tell the end of directed advertising with a high duty cycle by a Connection Complete, instead of the event of the
// set or beside it, in either order (Vol 4, Part E, 7.8.56); its owner is told once.
func TestHighDutyTimedOut(t *testing.T) {
	complete := hci.LEConnectionComplete{Status: hci.AdvertisingTimeout, Role: hci.Peripheral}
	terminated := hci.LEAdvertisingSetTerminated{Status: hci.AdvertisingTimeout, AdvertisingHandle: 1}
	for name, events := range map[string][]hci.EventParameters{"set": {terminated}, "connection": {complete}, "both": {complete, terminated}, "the other way round": {terminated, complete}} {
		t.Run(name, func(t *testing.T) {
			extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				var handlers [2]set
				for i, p := range []hci.AdvertisingProperties{hci.LegacyAdvInd, hci.LegacyAdvDirectIndHigh} {
					s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: p, Peer: peer}, &handlers[i])
					if err != nil {
						t.Fatal(err)
					}
					if err := s.Start(t.Context(), driver.AdvertisingLimits{}); err != nil {
						t.Fatal(err)
					}
				}
				for _, e := range events {
					ctl.Event(e)
				}
				if n, e := handlers[1].told(); n != 1 || e != terminated {
					t.Errorf("told %d times, %+v", n, e)
				}
				if n, _ := handlers[0].told(); n != 0 {
					t.Error("the other set was told")
				}
			})
		})
	}
}

// One family between resets: a controller that has the extended one never hears of the other.
func TestOneFamily(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		n := len(ctl.Commands())
		if err := c.StartScan(t.Context(), driver.ScanParameters{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded), CodedInterval: 300, CodedWindow: 100, FilterPolicy: driver.ScanAcceptList}); err != nil {
			t.Fatal(err)
		}
		if err := c.StartScan(t.Context(), driver.ScanParameters{PHYs: hci.PHYsOf(hci.LECoded), Passive: true, Duplicates: true}); err != nil {
			t.Fatal(err)
		}
		for _, p := range []driver.AdvertisingParameters{{Properties: hci.LegacyAdvInd}, {Properties: hci.LegacyAdvDirectIndHigh, Peer: peer}} {
			s, err := c.NewAdvertisingSet(t.Context(), p, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p.Peer.IsZero() {
				err = s.SetData(t.Context(), []byte{2, 1, 6})
			}
			if err := errors.Join(err, s.Start(t.Context(), driver.AdvertisingLimits{}), s.Stop(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.StopScan(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctl.Handle(hci.OpLEExtendedCreateConnection, hcitest.Refuse(hci.ConnectionLimitExceeded))
		if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, hci.ConnectionLimitExceeded) {
			t.Errorf("Connect: %v", err)
		}
		want := []string{
			"2041 00 01 05 01 40 01 30 00 01 2C 01 64 00", "2042 01 01 00 00 00 00",
			"2042 00 01 00 00 00 00", "2041 00 00 04 00 A0 00 30 00", "2042 01 00 00 00 00 00",
			"2036 00 13 00 A0 00 00 A0 00 00 07 00 00 00 00 00 00 00 00 00 7F 01 00 01 00 00", "2037 00 03 01 03 02 01 06", "2039 01 01 00 00 00 00", "2039 00 01 00 00 00 00",
			"2036 01 1D 00 A0 00 00 A0 00 00 07 00 01 01 02 03 04 05 C6 00 7F 01 00 01 00 00", "2039 01 01 01 80 00 00", "2039 00 01 01 00 00 00",
			"2042 00 00 00 00 00 00",
		}
		got := since(ctl, n)
		if len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) || !strings.HasPrefix(got[len(want)], "2043 00 00 01 01 02 03 04 05 C6 01 60 00 30 00 18 00") {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
