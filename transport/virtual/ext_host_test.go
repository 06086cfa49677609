package virtual

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

// extendedEvents are the events of extended and periodic advertising.
const extendedEvents = hci.LEEventMaskExtendedAdvertisingReport | hci.LEEventMaskPeriodicAdvertisingSyncEstablished |
	hci.LEEventMaskPeriodicAdvertisingReport | hci.LEEventMaskPeriodicAdvertisingSyncLost | hci.LEEventMaskScanTimeout |
	hci.LEEventMaskAdvertisingSetTerminated | hci.LEEventMaskScanRequestReceived | hci.LEEventMaskPeriodicAdvertisingSyncTransferReceived

// extendedOnAir runs a test in a bubble with hosts on n controllers, who have all these events.
func extendedOnAir(t *testing.T, config AirConfig, n int, f func(t *testing.T, air *Air, h []*host)) {
	t.Helper()
	onAir(t, config, n, func(t *testing.T, air *Air, h []*host) {
		for _, one := range h {
			one.do(hci.LESetEventMask{Mask: 0x3F | extendedEvents})
		}
		f(t, air, h)
	})
}

// extendedScan is always open, and tells everything.
var extendedScan = hci.LESetExtendedScanParameters{Scan: []hci.PHYScan{{PHY: hci.LE1M, Interval: 96, Window: 96}}}

// set is an advertising set with a good set of parameters: extended, neither connectable nor scannable, every 100 ms.
func set(handle uint8, p hci.AdvertisingProperties) hci.LESetExtendedAdvertisingParameters {
	return hci.LESetExtendedAdvertisingParameters{AdvertisingHandle: handle, Properties: p, IntervalMin: 160, IntervalMax: 160, ChannelMap: 7,
		TXPower: hci.NoPreference, PrimaryPHY: hci.LE1M, SecondaryPHY: hci.LE1M, SID: handle & 0x0F}
}

// listen scans by the extended commands.
func (h *host) listen(p hci.LESetExtendedScanParameters, d hci.DuplicateFilter) {
	h.t.Helper()
	h.do(p)
	h.do(hci.LESetExtendedScanEnable{Enable: true, Duplicates: d})
}

// deaf ends that.
func (h *host) deaf() { h.t.Helper(); h.do(hci.LESetExtendedScanEnable{}) }

// enabled starts a set that has been made.
func (h *host) enabled(sets ...hci.EnabledSet) {
	h.t.Helper()
	h.do(hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: sets})
}

// put gives a set its data, in parts where it is long.
func (h *host) put(handle uint8, data []byte, response bool) {
	h.t.Helper()
	operation := hci.DataFirst
	if len(data) <= hci.MaxExtendedFragment {
		operation = hci.DataComplete
	}
	for {
		n := min(len(data), hci.MaxExtendedFragment)
		d := hci.LESetExtendedAdvertisingData{AdvertisingHandle: handle, Operation: operation, Data: data[:n]}
		if response {
			h.do(hci.LESetExtendedScanResponseData(d))
		} else {
			h.do(d)
		}
		if data = data[n:]; len(data) == 0 {
			return
		}
		if operation = hci.DataIntermediate; len(data) <= hci.MaxExtendedFragment {
			operation = hci.DataLast
		}
	}
}

// extended reads an extended report, of which there is one in an event.
func (h *host) extended() hci.ExtendedAdvertisingReport {
	h.t.Helper()
	e, err := hci.ParseLEExtendedAdvertisingReport(h.meta(hci.EvLEExtendedAdvertisingReport))
	if err != nil || len(e.Reports) != 1 {
		h.t.Fatalf("%s: %+v (%v)", h.c.name, e, err)
	}
	return e.Reports[0]
}

// whole reads reports up to one that is complete or truncated, and joins their data. Type is the last one's.
func (h *host) whole() (r hci.ExtendedAdvertisingReport, parts int) {
	h.t.Helper()
	var data []byte
	for {
		r = h.extended()
		parts++
		if len(r.Data) > hci.MaxExtendedReportData {
			h.t.Errorf("a report of %d octets", len(r.Data))
		}
		data = append(data, r.Data...)
		if r.Type.DataStatus() != hci.DataStatusMore {
			r.Data = data
			return r, parts
		}
	}
}

// terminated reads LE Advertising Set Terminated.
func (h *host) terminated() hci.LEAdvertisingSetTerminated {
	h.t.Helper()
	e, err := hci.ParseLEAdvertisingSetTerminated(h.meta(hci.EvLEAdvertisingSetTerminated))
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func createExtended(to hci.Address, phys ...hci.PHY) hci.LEExtendedCreateConnection {
	c := hci.LEExtendedCreateConnection{Peer: to}
	for _, p := range phys {
		c.Connect = append(c.Connect, hci.PHYConnect{PHY: p, ScanInterval: 96, ScanWindow: 96, Parameters: usual})
	}
	return c
}

// A refusal is a command and what it is answered with.
type refusal struct {
	name string
	c    hci.Command
	want hci.Status
}

// answers checks every one, in order.
func (h *host) answers(all []refusal) {
	h.t.Helper()
	for _, r := range all {
		h.send(r.c)
		p := h.next()
		f, err := hci.ParseEvent(p[1:])
		if err != nil {
			h.t.Fatal(err)
		}
		var got hci.Status
		switch f.Code {
		case hci.EvCommandComplete:
			got = hci.Status(f.Parameters[3])
		case hci.EvCommandStatus:
			got = hci.Status(f.Parameters[0])
		default:
			h.t.Fatalf("%s: % X", r.name, p)
		}
		if got != r.want {
			h.t.Errorf("%s: %v, want %v", r.name, got, r.want)
		}
	}
}

// TestFamilies: a host that has begun with the commands of one family is refused those of the other, until a reset, and
// what belongs to neither is not (Vol 4, Part E, 3.1.1).
func TestFamilies(t *testing.T) {
	legacy := []hci.Command{advertised, hci.LEReadAdvertisingPhysicalChannelTxPower, hci.LESetAdvertisingData{}, hci.LESetScanResponseData{},
		hci.LESetAdvertisingEnable{}, scan, hci.LESetScanEnable{}, createConnection(numbered(1))}
	extended := []hci.Command{set(0, 0), hci.LESetExtendedAdvertisingData{Operation: hci.DataComplete}, hci.LESetExtendedScanResponseData{Operation: hci.DataComplete},
		hci.LESetExtendedAdvertisingEnable{}, hci.LEReadMaximumAdvertisingDataLength, hci.LEReadNumberOfSupportedAdvertisingSets,
		hci.LERemoveAdvertisingSet{}, hci.LEClearAdvertisingSets, hci.LESetPeriodicAdvertisingParameters{IntervalMin: 6, IntervalMax: 6},
		hci.LESetPeriodicAdvertisingData{Operation: hci.DataComplete}, hci.LESetPeriodicAdvertisingEnable{}, extendedScan,
		hci.LESetExtendedScanEnable{}, createExtended(numbered(1), hci.LE1M), hci.LEPeriodicAdvertisingCreateSync{},
		hci.LEPeriodicAdvertisingCreateSyncCancel}
	neither := []hci.Command{hci.LESetRandomAddress{Octets: someone.Octets}, hci.LEClearFilterAcceptList, hci.LERand, hci.LEReadFilterAcceptListSize}
	for i, families := range [][2][]hci.Command{{legacy, extended}, {extended, legacy}} {
		for _, first := range families[0] {
			t.Run(fmt.Sprint(i, first.Opcode()), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					air := NewAir(AirConfig{})
					defer air.Close()
					h := newHost(t, air.NewController(ControllerConfig{}))
					h.send(first) // whether it is of use or not
					h.next()
					for _, c := range families[1] {
						h.refused(c, hci.CommandDisallowed)
					}
					for _, c := range neither {
						if first.Opcode() != hci.OpLECreateConnection && first.Opcode() != hci.OpLEExtendedCreateConnection {
							h.do(c)
						}
					}
					h.do(hci.Reset)
					h.send(families[1][1])
					if p := h.next(); hci.Status(p[6]) == hci.CommandDisallowed {
						t.Errorf("after a reset: % X", p)
					}
				})
			})
		}
	}
}

// TestLegacyController: one of Core 4.2, or without the feature, knows nothing of the extended family.
func TestLegacyController(t *testing.T) {
	for name, config := range map[string]ControllerConfig{"version": {Version: 0x08}, "features": {Features: hci.FeatureLEEncryption}} {
		t.Run(name, func(t *testing.T) {
			alone(t, config, func(t *testing.T, h *host) {
				for _, c := range []hci.Command{set(0, 0), extendedScan, hci.LESetExtendedScanEnable{}, createExtended(numbered(1), hci.LE1M),
					hci.LEPeriodicAdvertisingCreateSync{}, hci.LEReadPeriodicAdvertiserListSize, hci.LESetDefaultPeriodicAdvertisingSyncTransferParameters{}} {
					h.refused(c, hci.UnknownHCICommand)
				}
				h.advertise(advertised)
				h.do(hci.LESetScanEnable{Enable: true})
			})
		})
	}
}
