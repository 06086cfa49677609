package driver_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// What a controller can't do at once it refuses; by its LE Read Supported States the error says which two.
func TestStateError(t *testing.T) {
	const all = 0x3FF_FFFF_FFFF
	advertise := func(t *testing.T, c *driver.Controller) error {
		return advertising(t, c, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd})
	}
	beacon := func(t *testing.T, c *driver.Controller) error {
		return advertising(t, c, driver.AdvertisingParameters{Properties: hci.LegacyAdvNonconnInd})
	}
	scan := func(t *testing.T, c *driver.Controller) error {
		return c.StartScan(t.Context(), driver.ScanParameters{})
	}
	passive := func(t *testing.T, c *driver.Controller) error {
		return c.StartScan(t.Context(), driver.ScanParameters{Passive: true})
	}
	for _, s := range []struct {
		name          string
		missing       uint64
		begin, refuse func(*testing.T, *driver.Controller) error
		op            hci.Opcode
		role          hci.Role
		linked        bool
		want          string // what it can't do, beside what; empty: nothing is said
	}{
		{"advertising while scanning", hci.StateConnectableAndActiveScanning, scan, advertise, hci.OpLESetAdvertisingEnable, 0, false, "connectable advertising, active scanning"},
		{"advertising while scanning passively", hci.StateConnectableAndPassiveScanning, passive, advertise, hci.OpLESetAdvertisingEnable, 0, false, "connectable advertising, passive scanning"},
		{"it could, by what it says", 0, scan, advertise, hci.OpLESetAdvertisingEnable, 0, false, ""},
		{"it says nothing", all, scan, advertise, hci.OpLESetAdvertisingEnable, 0, false, ""},
		{"a beacon", hci.StateConnectableAndActiveScanning, scan, beacon, hci.OpLESetAdvertisingEnable, 0, false, ""},
		{"scanning while advertising", hci.StateConnectableAndPassiveScanning, advertise, passive, hci.OpLESetScanEnable, 0, false, "passive scanning, connectable advertising"},
		{"scanning beside a beacon", hci.StateConnectableAndPassiveScanning, beacon, passive, hci.OpLESetScanEnable, 0, false, ""},
		{"advertising as a peripheral", hci.StateConnectableAndPeripheral, nil, advertise, hci.OpLESetAdvertisingEnable, hci.Peripheral, true, "connectable advertising, a connection as peripheral"},
		{"scanning as a peripheral", hci.StateActiveScanningAndPeripheral, nil, scan, hci.OpLESetScanEnable, hci.Peripheral, true, "active scanning, a connection as peripheral"},
	} {
		t.Run(s.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, _ *hcitest.Controller, _ *host, first *driver.Controller) {
				_ = first.Close()
				ctl, h := hcitest.NewController(hcitest.Settings{}), &host{}
				ctl.Handle(hci.OpLEReadSupportedStates, hcitest.Return(binary.LittleEndian.AppendUint64(nil, all&^s.missing)...))
				c := open(t, ctl, h)
				defer c.Close()
				if s.linked {
					linked(t, ctl, h, 64)
				}
				if s.begin != nil {
					if err := s.begin(t, c); err != nil {
						t.Fatal(err)
					}
				}
				ctl.Handle(s.op, hcitest.Fail(hci.CommandDisallowed))
				err := s.refuse(t, c)
				var state *driver.StateError
				got := ""
				if errors.As(err, &state) {
					got = state.Doing + ", " + state.Beside
					if !strings.HasSuffix(err.Error(), "this controller can't do "+state.Doing+" beside "+state.Beside) {
						t.Error(err)
					}
				}
				if !errors.Is(err, hci.CommandDisallowed) || got != s.want {
					t.Errorf("%v: %q, want %q", err, got, s.want)
				}
			})
		})
	}
}
