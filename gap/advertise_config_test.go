package gap

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

func TestAdvertiseConfigRefused(t *testing.T) {
	peer := hci.Address{Octets: [6]byte{1}}
	for _, c := range []struct {
		name string
		cfg  AdvertiseConfig
		what string // "": it is good
	}{
		{"zero", AdvertiseConfig{}, ""},
		{"high duty for all", AdvertiseConfig{HighDuty: true}, "high duty"},
		{"extended high duty", AdvertiseConfig{HighDuty: true, Peer: peer, Extended: true}, "high duty"},
		{"high duty", AdvertiseConfig{HighDuty: true, Peer: peer}, ""},
		{"directed broadcast", AdvertiseConfig{Peer: peer, NonConnectable: true}, "connectable"},
		{"extended directed broadcast", AdvertiseConfig{Peer: peer, NonConnectable: true, Extended: true}, ""},
		{"legacy anonymous", AdvertiseConfig{Anonymous: true, NonConnectable: true}, "only extended"},
		{"legacy power", AdvertiseConfig{IncludePower: true}, "only extended"},
		{"legacy periodic", AdvertiseConfig{Periodic: &PeriodicConfig{}, NonConnectable: true}, "only extended"},
		{"legacy on LE Coded", AdvertiseConfig{PrimaryPHY: hci.LECoded}, "LE 1M"},
		{"legacy on LE 1M", AdvertiseConfig{PrimaryPHY: hci.LE1M}, ""},
		{"extended on LE 2M", AdvertiseConfig{Extended: true, PrimaryPHY: hci.LE2M}, "begins"},
		{"extended that goes on on LE 2M", AdvertiseConfig{Extended: true, SecondaryPHY: hci.LE2M}, ""},
		{"anonymous connectable", AdvertiseConfig{Extended: true, Anonymous: true}, "anonymous"},
		{"anonymous scannable", AdvertiseConfig{Extended: true, NonConnectable: true, Scannable: true, Anonymous: true}, "anonymous"},
		{"connectable and scannable", AdvertiseConfig{Extended: true, Scannable: true}, "not scannable"},
		{"periodic connectable", AdvertiseConfig{Extended: true, Periodic: &PeriodicConfig{}}, "periodic"},
		{"periodic scannable", AdvertiseConfig{Extended: true, NonConnectable: true, Scannable: true, Periodic: &PeriodicConfig{}}, "periodic"},
		{"periodic anonymous", AdvertiseConfig{Extended: true, NonConnectable: true, Anonymous: true, Periodic: &PeriodicConfig{}}, "periodic"},
		{"periodic", AdvertiseConfig{Extended: true, NonConnectable: true, Periodic: &PeriodicConfig{}}, ""},
		{"SID", AdvertiseConfig{Extended: true, SID: 16}, "SID"},
		{"duration", AdvertiseConfig{Duration: -1}, "duration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.cfg.valid()
			var config *ConfigError
			if c.what == "" && err != nil || c.what != "" && (!errors.As(err, &config) || !strings.Contains(err.Error(), c.what)) {
				t.Errorf("%v, want %q", err, c.what)
			}
		})
	}
}

// What the controller is told (Vol 4, Part E, 7.8.53).
func TestAdvertisingParameters(t *testing.T) {
	peer := hci.Address{Octets: [6]byte{1}}
	power := int8(4)
	for _, c := range []struct {
		name     string
		cfg      AdvertiseConfig
		response bool
		want     driver.AdvertisingParameters
	}{
		{"ADV_IND", AdvertiseConfig{}, true, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd}},
		{"ADV_NONCONN_IND", AdvertiseConfig{NonConnectable: true}, false, driver.AdvertisingParameters{Properties: hci.LegacyAdvNonconnInd}},
		{"ADV_SCAN_IND", AdvertiseConfig{NonConnectable: true}, true, driver.AdvertisingParameters{Properties: hci.LegacyAdvScanInd}},
		{"ADV_SCAN_IND without a response", AdvertiseConfig{NonConnectable: true, Scannable: true}, false, driver.AdvertisingParameters{Properties: hci.LegacyAdvScanInd}},
		{"ADV_DIRECT_IND", AdvertiseConfig{Peer: peer}, false, driver.AdvertisingParameters{Properties: hci.LegacyAdvDirectIndLow, Peer: peer}},
		{"ADV_DIRECT_IND, high duty", AdvertiseConfig{Peer: peer, HighDuty: true}, false, driver.AdvertisingParameters{Properties: hci.LegacyAdvDirectIndHigh, Peer: peer}},
		{"too short an interval", AdvertiseConfig{Interval: time.Millisecond}, false, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd, IntervalMin: 0x20, IntervalMax: 0x20}},
		{"too long an interval", AdvertiseConfig{Interval: time.Hour}, false, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd, IntervalMin: 0x4000, IntervalMax: 0x4000}},
		{"extended", AdvertiseConfig{Extended: true, Interval: time.Hour, SID: 3, PrimaryPHY: hci.LECoded, SecondaryPHY: hci.LE2M, Power: &power,
			Accepted: true, ScanRequests: true, Address: peer}, false, driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable, IntervalMin: 0x10000,
			IntervalMax: 0x10000, SID: 3, PrimaryPHY: hci.LECoded, SecondaryPHY: hci.LE2M, TXPower: &power, FilterPolicy: 3, NotifyScanRequests: true, Address: peer}},
		{"extended scannable", AdvertiseConfig{Extended: true, NonConnectable: true, Scannable: true}, true, driver.AdvertisingParameters{Properties: hci.AdvertiseScannable}},
		{"extended anonymous, with its power", AdvertiseConfig{Extended: true, NonConnectable: true, Anonymous: true, IncludePower: true}, false,
			driver.AdvertisingParameters{Properties: hci.AdvertiseAnonymous | hci.AdvertiseTXPower}},
		{"extended directed", AdvertiseConfig{Extended: true, Peer: peer}, false, driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable | hci.AdvertiseDirected, Peer: peer}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.cfg.parameters(c.response); got != c.want {
				t.Errorf("%+v\nwant %+v", got, c.want)
			}
		})
	}
}

// Where the payload goes, and how long it may be.
func TestAdvertiseEncode(t *testing.T) {
	peer := hci.Address{Octets: [6]byte{1}}
	long := Payload{Name: "n"} // with structures of 22 octets and then of 31
	long.More, _ = AppendAD(nil, ADManufacturer, make([]byte, 20))
	for range 80 {
		long.More, _ = AppendAD(long.More, ADManufacturer, make([]byte, 29))
	}
	for _, c := range []struct {
		name           string
		cfg            AdvertiseConfig
		p              Payload
		data, response int // octets
		full           bool
		alone          bool
	}{
		{"legacy", AdvertiseConfig{}, Payload{Name: "a name of twenty-nine octets.", Appearance: 1}, 7, 31, false, false},
		{"legacy, too long", AdvertiseConfig{}, long, 28, 31, true, false},
		{"legacy directed", AdvertiseConfig{Peer: peer}, Payload{Name: "n"}, 0, 0, false, false},
		{"extended broadcast", AdvertiseConfig{Extended: true, NonConnectable: true}, long, 3 + 22 + 52*31 + 3, 0, true, false},
		{"extended connectable", AdvertiseConfig{Extended: true}, long, 3 + 22 + 7*31 + 3, 0, true, false},
		{"extended connectable directed, with its power", AdvertiseConfig{Extended: true, Peer: peer, IncludePower: true}, Payload{More: long.More[:22+7*31]}, 3 + 22 + 6*31, 0, true, false},
		{"extended scannable", AdvertiseConfig{Extended: true, NonConnectable: true, Scannable: true}, Payload{Name: "n"}, 0, 3, false, false},
		{"legacy without a response", AdvertiseConfig{NonConnectable: true}, Payload{Name: "a name of twenty-nine octets.", Appearance: 1}, 31, 0, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, response, err := c.cfg.encode(c.p, 1650, c.alone)
			var payload *PayloadError
			if len(data) != c.data || len(response) != c.response || errors.As(err, &payload) != c.full || (err != nil) != c.full {
				t.Errorf("%d and %d octets, %v; want %d and %d", len(data), len(response), err, c.data, c.response)
			}
		})
	}
}

func TestPayloadError(t *testing.T) {
	err := &PayloadError{ADManufacturer, 40, 26}
	if got := fmt.Sprint(err); got != "Manufacturer Specific Data of 40 octets does not fit: there is room for 26" {
		t.Error(got)
	}
}
