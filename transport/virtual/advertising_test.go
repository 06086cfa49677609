package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// onAir runs a test in a bubble with hosts on n controllers.
func onAir(t *testing.T, config AirConfig, n int, f func(t *testing.T, air *Air, h []*host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(config)
		defer air.Close()
		var hosts []*host
		for range n {
			hosts = append(hosts, newHost(t, air.NewController(ControllerConfig{})))
		}
		f(t, air, hosts)
		right(t, hosts...)
	})
}

// scan is always open.
var scan = hci.LESetScanParameters{Interval: 96, Window: 96}

func (h *host) scan(p hci.LESetScanParameters, filter bool) {
	h.t.Helper()
	h.do(p)
	h.do(hci.LESetScanEnable{Enable: true, FilterDuplicates: filter})
}

// report reads an advertising report, of which there is one in an event.
func (h *host) report() hci.AdvertisingReport {
	h.t.Helper()
	e, err := hci.ParseLEAdvertisingReport(h.meta(hci.EvLEAdvertisingReport))
	if err != nil || len(e.Reports) != 1 {
		h.t.Fatalf("%s: %+v (%v)", h.c.name, e, err)
	}
	return e.Reports[0]
}

// TestAdvertisingInterval: the interval and up to 10 ms of delay, which is not always the same (Vol 6, Part B, 4.4.2.2.1).
func TestAdvertisingInterval(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].scan(scan, false)
		h[1].advertise(advertised)
		h[0].report()
		last, different := time.Now(), map[time.Duration]bool{}
		for range 50 {
			h[0].report()
			d := time.Since(last)
			if d < 100*time.Millisecond || d >= 110*time.Millisecond {
				t.Errorf("%v between two advertising events", d)
			}
			different[d] = true
			last = time.Now()
		}
		if len(different) < 40 {
			t.Errorf("%d different intervals in 50", len(different))
		}
		h[1].do(hci.LESetAdvertisingEnable{Enable: false})
		h[0].silent(time.Second)
	})
}

// TestSeed: the same seed gives the same times, another one others.
func TestSeed(t *testing.T) {
	times := func(seed uint64) (all [20]time.Duration) {
		onAir(t, AirConfig{Seed: seed}, 2, func(t *testing.T, _ *Air, h []*host) {
			h[0].scan(scan, false)
			h[1].advertise(advertised)
			start := time.Now()
			for i := range all {
				h[0].report()
				all[i] = time.Since(start)
			}
		})
		return all
	}
	if times(0) != times(1) {
		t.Error("no seed is not seed 1")
	}
	one, again, another := times(7), times(7), times(8)
	if one != again || one == another {
		t.Error("times do not come from the seed")
	}
}

func TestAdvertisingTypes(t *testing.T) {
	for _, c := range []struct {
		kind     hci.AdvertisingType
		report   hci.ReportType
		response bool
	}{
		{hci.AdvInd, hci.ReportAdvInd, true},
		{hci.AdvScanInd, hci.ReportAdvScanInd, true},
		{hci.AdvNonconnInd, hci.ReportAdvNonconnInd, false},
	} {
		t.Run(advertisingNames[legacyKinds[c.kind]], func(t *testing.T) {
			onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
				active := scan
				active.Active = true
				h[0].scan(active, true)
				h[1].do(hci.LESetAdvertisingData{Data: []byte{2, 1, 6}})
				h[1].do(hci.LESetScanResponseData{Data: []byte{3, 9, 'J', 'l'}})
				p := advertised
				p.Type = c.kind
				h[1].advertise(p)
				r := h[0].report()
				if r.Type != c.report || r.Address != h[1].c.Address() || r.RSSI != -50 {
					t.Errorf("%+v", r)
				}
				equal(t, "data", r.Data, []byte{2, 1, 6})
				if c.response {
					r := h[0].report()
					if r.Type != hci.ReportScanRsp || r.Address != h[1].c.Address() {
						t.Errorf("%+v", r)
					}
					equal(t, "scan response", r.Data, []byte{3, 9, 'J', 'l'})
				}
				h[0].silent(time.Second)
			})
		})
	}
}

func TestDirectedAdvertising(t *testing.T) {
	for _, kind := range []hci.AdvertisingType{hci.AdvDirectIndHigh, hci.AdvDirectIndLow} {
		t.Run(advertisingNames[legacyKinds[kind]], func(t *testing.T) {
			onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
				active := scan
				active.Active = true
				h[0].scan(active, true)
				h[2].scan(active, true)
				p := advertised
				p.Type, p.Peer = kind, h[0].c.Address()
				h[2].start(createConnection(h[1].c.Address())) // it is not meant
				h[1].advertise(p)
				if r := h[0].report(); r.Type != hci.ReportAdvDirectInd || r.Address != h[1].c.Address() || len(r.Data) != 0 {
					t.Errorf("%+v", r)
				}
				h[0].start(createConnection(h[1].c.Address()))
				h[0].connected()
				h[1].connected()
				h[2].silent(2 * time.Second)
			})
		})
	}
}

// TestHighDutyAdvertisingTimesOut after 1.28 s, and says so (Vol 4, Part E, 7.8.9).
func TestHighDutyAdvertisingTimesOut(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, air *Air, h []*host) {
		h[0].scan(scan, false)
		start := time.Now()
		h[1].advertise(hci.LESetAdvertisingParameters{Type: hci.AdvDirectIndHigh, Peer: h[0].c.Address(), ChannelMap: 7})
		e, err := hci.ParseLEConnectionComplete(h[1].meta(hci.EvLEConnectionComplete))
		if err != nil || e.Status != hci.AdvertisingTimeout || e.Role != hci.Peripheral {
			t.Errorf("%+v (%v)", e, err)
		}
		if d := time.Since(start); d != 1280*time.Millisecond {
			t.Errorf("after %v", d)
		}
		if n := len(h[0].packets); n != 342 {
			t.Errorf("%d events, want one every 3.75 ms", n)
		}
		if n := air.alarms(); n != 0 {
			t.Errorf("%d alarms left", n)
		}
	})
}

// TestAdvertisingStopsWhenConnected, and may begin again beside the connection.
func TestAdvertisingStopsWhenConnected(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].advertise(advertised)
		h[1].start(createConnection(h[0].c.Address()))
		h[1].connected()
		h[0].connected()
		h[2].scan(scan, true)
		h[2].silent(time.Second)
		h[0].do(hci.LESetAdvertisingEnable{Enable: true})
		h[2].report()
		h[2].do(hci.LESetScanEnable{})
		h[2].start(createConnection(h[0].c.Address()))
		h[2].connected()
		h[0].connected()
	})
}

func TestAdvertisingFromARandomAddress(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		static := hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}
		p := advertised
		p.OwnAddressType = 1
		h[0].do(p)
		h[0].refused(hci.LESetAdvertisingEnable{Enable: true}, hci.InvalidHCICommandParameters) // there is none yet
		h[0].do(hci.LESetRandomAddress{Octets: static.Octets})
		h[0].do(hci.LESetAdvertisingEnable{Enable: true})
		h[0].refused(hci.LESetRandomAddress{Octets: [6]byte{1}}, hci.CommandDisallowed)
		h[1].scan(scan, true)
		if r := h[1].report(); r.Address != static {
			t.Errorf("%+v", r)
		}
		h[1].start(createConnection(static))
		if e := h[1].connected(); e.Peer != static {
			t.Errorf("%+v", e)
		}
		h[0].connected()
	})
}

// TestAdvertisingFilterPolicy: who is not in the accept list gets no scan response, and its connect request is not
// heard, which it finds out by 0x3E (Vol 6, Part B, 4.3.2).
func TestAdvertisingFilterPolicy(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(hci.LEAddDeviceToFilterAcceptList(h[1].c.Address()))
		p := advertised
		p.FilterPolicy = 3
		h[0].advertise(p)
		active := scan
		active.Active = true
		for i, reports := range []int{2, 1} {
			h[1+i].scan(active, true)
			for range reports {
				h[1+i].report()
			}
			h[1+i].silent(time.Second)
		}
		h[2].do(hci.LESetScanEnable{})
		h[2].start(createConnection(h[0].c.Address()))
		h[2].disconnected(h[2].connected().Handle, hci.ConnectionFailedToBeEstablished)
		h[1].start(createConnection(h[0].c.Address()))
		h[1].connected()
		h[0].connected()
	})
}

func TestAdvertisingCommandsRefused(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		for _, c := range []struct {
			name string
			bad  func(p *hci.LESetAdvertisingParameters)
		}{
			{"interval too short", func(p *hci.LESetAdvertisingParameters) { p.IntervalMin = 0x001F }},
			{"interval too long", func(p *hci.LESetAdvertisingParameters) { p.IntervalMax = 0x4001 }},
			{"intervals the wrong way round", func(p *hci.LESetAdvertisingParameters) { p.IntervalMin = 0x0101; p.IntervalMax = 0x0100 }},
			{"type", func(p *hci.LESetAdvertisingParameters) { p.Type = 5 }},
			{"own address type", func(p *hci.LESetAdvertisingParameters) { p.OwnAddressType = 4 }},
			{"no channel", func(p *hci.LESetAdvertisingParameters) { p.ChannelMap = 0 }},
			{"channels there are not", func(p *hci.LESetAdvertisingParameters) { p.ChannelMap = 8 }},
			{"filter policy", func(p *hci.LESetAdvertisingParameters) { p.FilterPolicy = 4 }},
			{"peer address type", func(p *hci.LESetAdvertisingParameters) { p.Peer.Type = 2 }},
		} {
			p := advertised
			c.bad(&p)
			if s, _ := h[0].complete(p); s != hci.InvalidHCICommandParameters {
				t.Errorf("%s: %v", c.name, s)
			}
		}
		long := hci.LESetAdvertisingData{}.AppendTo(nil)
		long[0] = 32
		h[0].refused(hci.Raw{Op: hci.OpLESetAdvertisingData, Parameters: long}, hci.InvalidHCICommandParameters)
		h[0].refused(hci.Raw{Op: hci.OpLESetScanResponseData, Parameters: long}, hci.InvalidHCICommandParameters)
		h[0].refused(hci.Raw{Op: hci.OpLESetAdvertisingEnable, Parameters: []byte{2}}, hci.InvalidHCICommandParameters)
		h[0].advertise(advertised)
		h[0].do(hci.LESetAdvertisingEnable{Enable: true}) // it does already
		h[0].refused(advertised, hci.CommandDisallowed)
	})
}

// TestAdvertisingAtTheLimit: with every connection taken, connectable advertising is refused.
func TestAdvertisingAtTheLimit(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{Links: 1}, func(t *testing.T, p *pair) {
		p.peripheral.refused(hci.LESetAdvertisingEnable{Enable: true}, hci.ConnectionLimitExceeded)
		p.peripheral.refused(createConnection(hci.Address{Octets: [6]byte{1}}), hci.ConnectionLimitExceeded)
		q := advertised
		q.Type = hci.AdvNonconnInd
		p.peripheral.advertise(q)
		p.central.scan(scan, true)
		p.central.report()
	})
}
