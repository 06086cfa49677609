package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestExtendedScanParameters is how one can't scan (Vol 4, Part E, 7.8.64 and 7.8.65).
func TestExtendedScanParameters(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		raw := func(p ...byte) hci.Command {
			return hci.Raw{Op: hci.OpLESetExtendedScanParameters, Parameters: p}
		}
		enable := func(p ...byte) hci.Command { return hci.Raw{Op: hci.OpLESetExtendedScanEnable, Parameters: p} }
		const invalid, unsupported, ok = hci.InvalidHCICommandParameters, hci.UnsupportedFeatureOrParameter, hci.Success
		h.answers([]refusal{
			{"no PHY", raw(0, 0, 0), invalid},
			{"LE 2M", raw(0, 0, 2, 0, 16, 0, 16, 0), unsupported},
			{"a PHY there is not", raw(0, 0, 8, 0, 16, 0, 16, 0), unsupported},
			{"own address type", raw(4, 0, 1, 0, 16, 0, 16, 0), invalid},
			{"filter policy", raw(0, 4, 1, 0, 16, 0, 16, 0), invalid},
			{"neither active nor passive", raw(0, 0, 1, 2, 16, 0, 16, 0), invalid},
			{"interval too short", raw(0, 0, 1, 0, 3, 0, 3, 0), invalid},
			{"window longer than the interval", raw(0, 0, 1, 0, 16, 0, 17, 0), invalid},
			{"the second PHY's too", raw(0, 0, 5, 0, 16, 0, 16, 0, 0, 16, 0, 17, 0), invalid},
			{"one PHY too few", raw(0, 0, 5, 0, 16, 0, 16, 0), invalid},
			{"one octet more", raw(0, 0, 1, 0, 16, 0, 16, 0, 0), invalid},
			{"both", raw(0, 3, 5, 0, 16, 0, 16, 0, 1, 0xFF, 0xFF, 4, 0), ok},
			{"neither on nor off", enable(2, 0, 0, 0, 0, 0), invalid},
			{"a filter there is not", enable(1, 3, 0, 0, 0, 0), invalid},
			{"a period without a duration to begin it anew", enable(1, 2, 0, 0, 1, 0), invalid},
			{"a duration as long as the period", enable(1, 0, 128, 0, 1, 0), invalid},
			{"a duration and a period", enable(1, 2, 127, 0, 1, 0), ok},
			{"while it scans", extendedScan, hci.CommandDisallowed},
			{"again, which begins anew", enable(1, 0, 0, 0, 0, 0), ok},
			{"off", enable(0, 0, 0, 0, 0, 0), ok},
			{"off again, whatever the rest says", enable(0, 9, 9, 9, 9, 9), ok},
			{"a random address", raw(1, 0, 1, 0, 16, 0, 16, 0), ok},
			{"that there is not", enable(1, 0, 0, 0, 0, 0), invalid},
		})
	})
	alone(t, ControllerConfig{Features: hci.FeatureLEExtendedAdvertising}, func(t *testing.T, h *host) {
		policy, coded := extendedScan, extendedScan
		policy.FilterPolicy = 2
		coded.Scan = []hci.PHYScan{{PHY: hci.LECoded, Interval: 16, Window: 16}}
		h.refused(policy, hci.UnsupportedFeatureOrParameter)
		h.refused(coded, hci.UnsupportedFeatureOrParameter)
		h.do(hci.LESetExtendedScanEnable{Enable: true}) // by the defaults
	})
}

// TestScanPHYs: who scans on LE Coded alone hears what begins there and nothing else, and the other way round.
func TestScanPHYs(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(set(1, 0))
		far := set(2, 0)
		far.PrimaryPHY, far.SecondaryPHY = hci.LECoded, hci.LECoded
		h[0].do(far)
		h[0].do(set(3, hci.LegacyAdvNonconnInd))
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1}, hci.EnabledSet{AdvertisingHandle: 2}, hci.EnabledSet{AdvertisingHandle: 3})
		coded := hci.PHYScan{PHY: hci.LECoded, Interval: 96, Window: 96}
		for _, c := range []struct {
			phys []hci.PHYScan
			want map[uint8]hci.PHY // SIDs, and the primary PHY of each
		}{
			{[]hci.PHYScan{extendedScan.Scan[0]}, map[uint8]hci.PHY{1: hci.LE1M, hci.UnknownSID: hci.LE1M}},
			{[]hci.PHYScan{coded}, map[uint8]hci.PHY{2: hci.LECoded}},
			{[]hci.PHYScan{extendedScan.Scan[0], coded}, map[uint8]hci.PHY{1: hci.LE1M, 2: hci.LECoded, hci.UnknownSID: hci.LE1M}},
		} {
			h[1].listen(hci.LESetExtendedScanParameters{Scan: c.phys}, hci.FilterDuplicates)
			for range len(c.want) {
				if r := h[1].extended(); c.want[r.SID] != r.PrimaryPHY {
					t.Errorf("%+v", r)
				}
			}
			h[1].silent(time.Second)
			h[1].deaf()
		}
	})
}

// TestScanDuration: LE Scan Timeout ends a scan with a duration; with a period it goes on, and its filter begins anew if that is
// wanted (Vol 4, Part E, 7.8.65).
func TestScanDuration(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, air *Air, h []*host) {
		h[0].do(set(1, 0))
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		h[1].do(extendedScan)
		start := time.Now()
		h[1].do(hci.LESetExtendedScanEnable{Enable: true, Duplicates: hci.FilterDuplicates, Duration: 100})
		h[1].extended()
		h[1].meta(hci.EvLEScanTimeout)
		if d := time.Since(start); d != time.Second {
			t.Errorf("after %v", d)
		}
		h[1].silent(time.Second)
		h[1].do(extendedScan) // which says that it is over
		for _, c := range []struct {
			filter hci.DuplicateFilter
			least  int
			most   int
		}{{hci.FilterDuplicates, 1, 1}, {hci.FilterWithinAPeriod, 4, 4}, {hci.ReportDuplicates, 20, 40}} {
			h[1].do(hci.LESetExtendedScanEnable{Enable: true, Duplicates: c.filter, Duration: 80, Period: 1})
			pass(4*1280*time.Millisecond - time.Millisecond)
			n := len(h[1].packets)
			for range n {
				h[1].extended()
			}
			if n < c.least || n > c.most {
				t.Errorf("filter %d: %d reports in four periods, want %d to %d", c.filter, n, c.least, c.most)
			}
			h[1].deaf()
		}
		h[0].do(hci.LESetExtendedAdvertisingEnable{})
		if n := air.alarms(); n != 0 {
			t.Errorf("%d alarms left", n)
		}
	})
}

// TestExtendedScanAcceptList: an anonymous advertiser is let in by its own kind of entry (Vol 4, Part E, 7.8.16).
func TestExtendedScanAcceptList(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(set(1, 0))
		h[0].do(set(2, hci.AdvertiseAnonymous))
		h[1].do(set(3, 0))
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1}, hci.EnabledSet{AdvertisingHandle: 2})
		h[1].enabled(hci.EnabledSet{AdvertisingHandle: 3})
		p := extendedScan
		p.FilterPolicy = 1
		for _, c := range []struct {
			entry hci.Address
			sid   uint8
		}{{h[0].c.Address(), 1}, {hci.Address{Type: anonymous}, 2}, {h[1].c.Address(), 3}} {
			h[2].do(hci.LEClearFilterAcceptList)
			h[2].do(hci.LEAddDeviceToFilterAcceptList(c.entry))
			h[2].listen(p, hci.FilterDuplicates)
			if r := h[2].extended(); r.SID != c.sid {
				t.Errorf("%+v", r)
			}
			h[2].silent(time.Second)
			h[2].refused(hci.LEClearFilterAcceptList, hci.CommandDisallowed)
			h[2].deaf()
		}
	})
}

// TestUnresolvedTarget: with the extended filter policies, what is directed to a private address that nobody knows is told too,
// as such (Vol 6, Part B, 4.3.3).
func TestUnresolvedTarget(t *testing.T) {
	target := hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0x46}}
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		p := set(1, hci.LegacyAdvDirectIndLow)
		p.Peer = target
		h[0].do(p)
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		q := extendedScan
		h[1].listen(q, hci.FilterDuplicates)
		h[1].silent(time.Second)
		h[1].deaf()
		q.FilterPolicy = 2
		h[1].listen(q, hci.FilterDuplicates)
		if r := h[1].extended(); r.Direct.Type != hci.UnresolvedAddress || r.Direct.Octets != target.Octets || r.Type != 0b10101 {
			t.Errorf("%+v", r)
		}
		h[1].do(hci.Reset)
		h[1].do(hci.SetEventMask{Mask: ^uint64(0)})
		h[1].do(hci.LESetEventMask{Mask: hci.LEEventMaskAdvertisingReport | hci.LEEventMaskDirectedAdvertisingReport})
		l := scan
		l.FilterPolicy = 2
		h[1].scan(l, true)
		e, err := hci.ParseLEDirectedAdvertisingReport(h[1].meta(hci.EvLEDirectedAdvertisingReport))
		if err != nil || len(e.Reports) != 1 || e.Reports[0].Direct != target || e.Reports[0].Address != h[0].c.Address() {
			t.Errorf("%+v (%v)", e, err)
		}
	})
}
