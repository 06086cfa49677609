package virtual

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestExtendedReport is every field of a report (Vol 4, Part E, 7.7.65.13), for each kind of advertising.
func TestExtendedReport(t *testing.T) {
	for _, c := range []struct {
		name       string
		properties hci.AdvertisingProperties
		kind       hci.ExtendedReportType
	}{
		{"neither", 0, 0},
		{"connectable", hci.AdvertiseConnectable, hci.ReportConnectable},
		{"scannable", hci.AdvertiseScannable, hci.ReportScannable},
		{"directed", hci.AdvertiseDirected, hci.ReportDirected},
		{"connectable and directed", hci.AdvertiseConnectable | hci.AdvertiseDirected, hci.ReportConnectable | hci.ReportDirected},
		{"anonymous", hci.AdvertiseAnonymous, 0},
		{"with its power", hci.AdvertiseTXPower, 0},
		{"ADV_IND", hci.LegacyAdvInd, 0b10011},
		{"ADV_SCAN_IND", hci.LegacyAdvScanInd, 0b10010},
		{"ADV_NONCONN_IND", hci.LegacyAdvNonconnInd, 0b10000},
		{"ADV_DIRECT_IND", hci.LegacyAdvDirectIndLow, 0b10101},
	} {
		for _, instant := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, instant), func(t *testing.T) {
				extendedOnAir(t, AirConfig{Instant: instant}, 3, func(t *testing.T, _ *Air, h []*host) {
					p := set(5, c.properties)
					p.Peer, p.SecondaryPHY = h[0].c.Address(), hci.LE2M
					h[1].do(p)
					want := hci.ExtendedAdvertisingReport{Type: c.kind, Address: h[1].c.Address(), PrimaryPHY: hci.LE1M, SecondaryPHY: hci.LE2M, SID: 5,
						TXPower: hci.UnknownPower, RSSI: -50}
					switch {
					case c.properties&hci.AdvertiseLegacy != 0:
						want.SecondaryPHY, want.SID = 0, hci.UnknownSID
					case c.properties&hci.AdvertiseAnonymous != 0:
						want.Address = hci.Address{Type: hci.AnonymousAddress}
					case c.properties&hci.AdvertiseTXPower != 0:
						want.TXPower = 0
					}
					takesData := c.properties&hci.AdvertiseScannable == 0 || c.properties&hci.AdvertiseLegacy != 0
					if c.properties&hci.AdvertiseDirected != 0 {
						want.Direct = h[0].c.Address()
						takesData = takesData && c.properties&hci.AdvertiseLegacy == 0
					}
					if takesData {
						want.Data = []byte{2, 1, 6}
						h[1].put(5, want.Data, false)
					}
					if c.properties&hci.AdvertiseScannable != 0 {
						h[1].put(5, []byte{1, 9}, true)
					}
					h[1].enabled(hci.EnabledSet{AdvertisingHandle: 5})
					h[0].listen(extendedScan, hci.FilterDuplicates)
					if got := h[0].extended(); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
						t.Errorf("%+v\nwant %+v", got, want)
					}
					h[0].silent(time.Second)
					h[2].listen(extendedScan, hci.FilterDuplicates)
					if want.Direct.IsZero() {
						h[2].extended()
					}
					h[2].silent(time.Second) // what is directed is not for it
				})
			})
		}
	}
}

// TestLegacyScannerHearsLegacyAlone: of sets made by the extended commands it hears those that advertise by legacy PDUs, in its own
// kind of report.
func TestLegacyScannerHearsLegacyAlone(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(set(0, hci.AdvertiseConnectable))
		h[0].do(set(1, hci.LegacyAdvInd))
		h[0].put(1, []byte{2, 1, 6}, false)
		h[0].put(1, []byte{1, 9}, true)
		h[0].enabled(hci.EnabledSet{}, hci.EnabledSet{AdvertisingHandle: 1})
		active := scan
		active.Active = true
		h[1].scan(active, true)
		if r := h[1].report(); r.Type != hci.ReportAdvInd || r.Address != h[0].c.Address() || !bytes.Equal(r.Data, []byte{2, 1, 6}) {
			t.Errorf("%+v", r)
		}
		if r := h[1].report(); r.Type != hci.ReportScanRsp || !bytes.Equal(r.Data, []byte{1, 9}) {
			t.Errorf("%+v", r)
		}
		h[1].silent(time.Second)
	})
}

// TestChain: data of every length come whole, in reports of at most 229 octets, and over more packets the more they are.
func TestChain(t *testing.T) {
	for _, instant := range []bool{false, true} {
		var pdus []string
		trace := func(e Trace) { pdus = append(pdus, e.PDU) }
		extendedOnAir(t, AirConfig{Instant: instant, Trace: trace}, 2, func(t *testing.T, _ *Air, h []*host) {
			for _, c := range []struct{ octets, packets, reports int }{{0, 1, 1}, {1, 1, 1}, {229, 1, 1}, {230, 1, 2}, {245, 1, 2}, {246, 2, 3}, {490, 2, 4}, {1650, 7, 13}} {
				h[1].do(set(1, 0))
				h[1].put(1, pattern(c.octets), false)
				h[0].listen(extendedScan, hci.FilterDuplicates)
				pdus = nil
				h[1].enabled(hci.EnabledSet{AdvertisingHandle: 1, MaxEvents: 1})
				r, parts := h[0].whole()
				if !bytes.Equal(r.Data, pattern(c.octets)) || parts != c.reports || r.Type.DataStatus() != hci.DataStatusComplete {
					t.Errorf("%d octets: %d in %d reports, %02b", c.octets, len(r.Data), parts, r.Type.DataStatus())
				}
				h[1].terminated()
				want := append([]string{"ADV_EXT_IND", "AUX_ADV_IND"}, slices.Repeat([]string{"AUX_CHAIN_IND"}, c.packets-1)...)
				if !slices.Equal(pdus, want) {
					t.Errorf("%d octets: %v", c.octets, pdus)
				}
				h[0].deaf()
			}
		})
	}
}

// TestChainLongerThanInterval: an event does not begin before the chain of the one before is over, however short the interval.
func TestChainLongerThanInterval(t *testing.T) {
	coded := hci.LESetExtendedScanParameters{Scan: []hci.PHYScan{{PHY: hci.LECoded, Active: true, Interval: 96, Window: 96}}}
	for _, p := range []hci.AdvertisingProperties{0, hci.AdvertiseScannable} {
		extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
			q := set(1, p)
			q.PrimaryPHY, q.SecondaryPHY, q.IntervalMin, q.IntervalMax = hci.LECoded, hci.LECoded, 32, 1600
			h[1].do(q)
			h[1].put(1, pattern(1650), p != 0)
			h[0].listen(coded, hci.ReportDuplicates)
			h[1].enabled(hci.EnabledSet{AdvertisingHandle: 1})
			for range 10 {
				r, _ := h[0].whole()
				if p != 0 && r.Type&hci.ReportScanResponse == 0 {
					r, _ = h[0].whole()
				}
				if len(r.Data) != 1650 || r.Type.DataStatus() != hci.DataStatusComplete {
					t.Fatalf("%d octets, %02b", len(r.Data), r.Type.DataStatus())
				}
			}
		})
	}
}

// TestChainCut: who has heard the beginning and hears no more is told that the data are truncated, whichever side went
// away or stopped.
func TestChainCut(t *testing.T) {
	for name, cut := range map[string]func(advertiser, scanner *host){
		"the advertiser is out of range": func(a, _ *host) { a.c.SetSilent(true) },
		"the scanner is out of range":    func(_, s *host) { s.c.SetSilent(true) },
		"the set stops":                  func(a, _ *host) { a.do(hci.LESetExtendedAdvertisingEnable{}) },
		"the advertiser is reset":        func(a, _ *host) { a.do(hci.Reset) },
		"everything gets lost":           func(a, _ *host) { a.c.SetLoss(1) },
	} {
		t.Run(name, func(t *testing.T) {
			extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, air *Air, h []*host) {
				p := set(1, 0)
				p.PrimaryPHY, p.SecondaryPHY, p.IntervalMin, p.IntervalMax = hci.LECoded, hci.LECoded, 1600, 1600
				h[1].do(p)
				h[1].put(1, pattern(1650), false)
				h[0].listen(hci.LESetExtendedScanParameters{Scan: []hci.PHYScan{{PHY: hci.LECoded, Interval: 96, Window: 96}}}, hci.FilterDuplicates)
				h[1].enabled(hci.EnabledSet{AdvertisingHandle: 1})
				if r := h[0].extended(); r.Type.DataStatus() != hci.DataStatusMore {
					t.Fatalf("%+v", r)
				}
				cut(h[1], h[0])
				r, _ := h[0].whole()
				if r.Type.DataStatus() != hci.DataStatusTruncated || r.SID != 1 || r.Address != h[1].c.Address() || len(r.Data) >= 1650 {
					t.Errorf("%02b, %d octets", r.Type.DataStatus(), len(r.Data))
				}
				if name == "the scanner is out of range" {
					h[0].c.SetSilent(false)
					if r, _ := h[0].whole(); r.Type.DataStatus() != hci.DataStatusComplete || len(r.Data) != 1650 {
						t.Errorf("what was truncated is told again, whole: %02b, %d octets", r.Type.DataStatus(), len(r.Data))
					}
				}
			})
		})
	}
}

// TestChainWithoutScanner: who stops scanning, or begins anew, in the middle of a chain is told nothing more of it.
func TestChainWithoutScanner(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		p := set(1, 0)
		p.PrimaryPHY, p.SecondaryPHY, p.IntervalMin, p.IntervalMax = hci.LECoded, hci.LECoded, 16000, 16000
		h[1].do(p)
		h[1].put(1, pattern(1650), false)
		coded := hci.LESetExtendedScanParameters{Scan: []hci.PHYScan{{PHY: hci.LECoded, Interval: 96, Window: 96}}}
		h[0].listen(coded, hci.ReportDuplicates)
		h[1].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		h[0].extended()
		h[0].extended()
		h[0].deaf()
		h[0].do(hci.LESetExtendedScanEnable{Enable: true})
		h[0].silent(time.Second)
	})
}

// TestChainLoss: with every fifth packet lost some advertisements come truncated, and none comes wrong.
func TestChainLoss(t *testing.T) {
	extendedOnAir(t, AirConfig{Loss: 0.2}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[1].do(set(1, 0))
		h[1].put(1, pattern(1000), false)
		h[0].listen(extendedScan, hci.ReportDuplicates)
		h[1].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		whole, truncated := 0, 0
		for range 100 {
			r, _ := h[0].whole()
			if !bytes.Equal(r.Data, pattern(1000)[:len(r.Data)]) {
				t.Fatalf("% X", r.Data)
			}
			if r.Type.DataStatus() == hci.DataStatusComplete && len(r.Data) == 1000 {
				whole++
			} else if r.Type.DataStatus() == hci.DataStatusTruncated && len(r.Data) < 1000 {
				truncated++
			}
		}
		if whole+truncated != 100 || whole < 20 || truncated < 20 {
			t.Errorf("%d whole, %d truncated of 100", whole, truncated)
		}
	})
}

// TestExtendedScanResponse: AUX_SCAN_RSP and its chain, for who scans actively and is let in (Vol 6, Part B, 4.4.2.4).
func TestExtendedScanResponse(t *testing.T) {
	var pdus []string
	trace := func(e Trace) { pdus = append(pdus, e.PDU) }
	extendedOnAir(t, AirConfig{Trace: trace}, 4, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(hci.LEAddDeviceToFilterAcceptList(h[1].c.Address()))
		h[0].do(hci.LEAddDeviceToFilterAcceptList(h[3].c.Address()))
		p := set(2, hci.AdvertiseScannable)
		p.FilterPolicy, p.NotifyScanRequests = 1, true
		h[0].do(p)
		h[0].put(2, pattern(300), true)
		active := hci.LESetExtendedScanParameters{Scan: []hci.PHYScan{{PHY: hci.LE1M, Active: true, Interval: 96, Window: 96}}}
		h[1].listen(active, hci.FilterDuplicates)
		h[2].listen(active, hci.FilterDuplicates)
		h[3].listen(extendedScan, hci.FilterDuplicates)
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 2, MaxEvents: 3})
		for i := range 3 {
			if r, _ := h[1+i].whole(); r.Type != hci.ReportScannable || len(r.Data) != 0 {
				t.Errorf("%d: %+v", i, r)
			}
		}
		if r, n := h[1].whole(); r.Type != hci.ReportScannable|hci.ReportScanResponse || !bytes.Equal(r.Data, pattern(300)) || n != 3 {
			t.Errorf("%+v", r)
		}
		for range 3 {
			e, err := hci.ParseLEScanRequestReceived(h[0].meta(hci.EvLEScanRequestReceived))
			if err != nil || e.AdvertisingHandle != 2 || e.Scanner != h[1].c.Address() {
				t.Errorf("%+v (%v)", e, err)
			}
		}
		h[0].terminated()
		for _, quiet := range h[1:] {
			quiet.silent(time.Second) // the second event is no news
		}
		if got := strings.Join(pdus[:6], " "); got != "ADV_EXT_IND AUX_ADV_IND AUX_SCAN_REQ AUX_SCAN_RSP AUX_CHAIN_IND ADV_EXT_IND" {
			t.Error(got)
		}
	})
}

// TestExtendedDuplicates: what has other data is no duplicate, nor what is of another set (Vol 6, Part B, 4.4.3.5).
func TestExtendedDuplicates(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(set(1, 0))
		h[0].do(set(2, 0))
		h[0].put(1, []byte{1, 1}, false)
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1}, hci.EnabledSet{AdvertisingHandle: 2})
		h[1].listen(extendedScan, hci.FilterDuplicates)
		if a, b := h[1].extended(), h[1].extended(); a.SID+b.SID != 3 {
			t.Errorf("%+v, %+v", a, b)
		}
		h[1].silent(time.Second)
		h[0].put(1, []byte{1, 2}, false)
		if r := h[1].extended(); !bytes.Equal(r.Data, []byte{1, 2}) {
			t.Errorf("%+v", r)
		}
		h[0].do(hci.LESetExtendedAdvertisingData{AdvertisingHandle: 1, Operation: hci.DataUnchanged}) // but with another ID
		h[1].extended()
		h[1].silent(time.Second)
	})
}

// TestExtendedSlowHost: what a host has no room for is dropped whole: nothing that began goes without its end.
func TestExtendedSlowHost(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 1, func(t *testing.T, air *Air, h []*host) {
		p := set(1, 0)
		p.IntervalMin, p.IntervalMax = 64, 64
		h[0].do(p)
		h[0].put(1, pattern(1650), false)
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		c := air.NewController(ControllerConfig{})
		conn, b := c.Conn(), make([]byte, 4096)
		for _, cmd := range []hci.Command{hci.SetEventMask{Mask: ^uint64(0)}, hci.LESetEventMask{Mask: extendedEvents}, extendedScan,
			hci.LESetExtendedScanEnable{Enable: true}} {
			conn.WritePacket(hci.AppendCommand(nil, cmd))
			if _, err := conn.ReadPacket(b); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		if n := c.Counters(); n.ReportsDropped == 0 || n.EventsDropped != 0 {
			t.Errorf("%+v", n)
		}
		conn.WritePacket(hci.AppendCommand(nil, hci.LESetExtendedScanEnable{}))
		octets, whole := 0, 0
		for {
			n, err := conn.ReadPacket(b)
			if err != nil {
				t.Fatal(err)
			}
			if hci.EventCode(b[1]) == hci.EvCommandComplete {
				break
			}
			e, err := hci.ParseLEExtendedAdvertisingReport(b[4:n])
			if err != nil {
				t.Fatal(err)
			}
			octets += len(e.Reports[0].Data)
			if e.Reports[0].Type.DataStatus() == hci.DataStatusComplete {
				if octets != 1650 {
					t.Fatalf("%d octets", octets)
				}
				octets, whole = 0, whole+1
			}
		}
		if whole < 100 {
			t.Errorf("%d advertisements were kept", whole)
		}
	})
}

// TestManySets: eight sets of one controller, each in its time.
func TestManySets(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		var all []hci.EnabledSet
		for i := range uint8(8) {
			p := set(i, hci.AdvertisingProperties(0))
			p.OwnAddressType, p.IntervalMin, p.IntervalMax = 1, 160*(1+uint32(i)), 160*(1+uint32(i))
			h[0].do(p)
			h[0].do(hci.LESetAdvertisingSetRandomAddress{AdvertisingHandle: i, Octets: [6]byte{i, 2, 3, 4, 5, 0xC6}})
			all = append(all, hci.EnabledSet{AdvertisingHandle: i})
		}
		h[0].enabled(all...)
		h[1].listen(extendedScan, hci.ReportDuplicates)
		pass(time.Minute)
		var n [8]int
		for len(h[1].packets) > 0 {
			r := h[1].extended()
			if r.Address != (hci.Address{Type: hci.Random, Octets: [6]byte{r.SID, 2, 3, 4, 5, 0xC6}}) {
				t.Fatalf("%+v", r)
			}
			n[r.SID]++
		}
		for i, got := range n {
			if every := 100 * (i + 1); got < 60000/(every+10)-1 || got > 60000/every+1 {
				t.Errorf("set %d: %d events in a minute, want one every %d ms", i, got, every)
			}
		}
		synctest.Wait()
	})
}
