package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestScanFilterDuplicates(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].advertise(advertised)
		h[1].advertise(advertised)
		h[2].scan(scan, true)
		if a, b := h[2].report().Address, h[2].report().Address; a == b {
			t.Errorf("%v twice", a)
		}
		h[2].silent(10 * time.Second)
		h[0].do(hci.LESetAdvertisingData{Data: []byte{2, 1, 4}}) // other data is no other device
		h[2].silent(10 * time.Second)
		h[2].do(hci.LESetScanEnable{Enable: true, FilterDuplicates: true}) // the filter begins anew
		h[2].report()
		h[2].report()
		h[2].do(hci.LESetScanEnable{Enable: true})
		for range 40 {
			h[2].report()
		}
		h[2].do(hci.LESetScanEnable{})
		h[2].silent(time.Second)
	})
}

// TestScanFilterForgets: the duplicate filter does not grow with every address that it hears.
func TestScanFilterForgets(t *testing.T) {
	onAir(t, AirConfig{Instant: true}, 2, func(t *testing.T, _ *Air, h []*host) {
		p := advertised
		p.OwnAddressType = 1
		h[0].do(p)
		h[1].scan(scan, true)
		for i := range 2 * maxSeen {
			h[0].do(hci.LESetRandomAddress{Octets: [6]byte{byte(i), byte(i >> 8), 3, 4, 5, 0xC6}})
			h[0].do(hci.LESetAdvertisingEnable{Enable: true})
			h[1].report()
			h[0].do(hci.LESetAdvertisingEnable{})
		}
		if n := len(h[1].c.scanner.seen); n > maxSeen {
			t.Errorf("%d addresses are kept", n)
		}
	})
}

// TestScanWindow: with a window of a tenth of the interval, about a tenth is heard.
func TestScanWindow(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].advertise(advertised)
		h[1].scan(hci.LESetScanParameters{Interval: 160, Window: 16}, false)
		start := time.Now()
		pass(time.Minute)
		heard := len(h[1].packets)
		if heard < 30 || heard > 90 {
			t.Errorf("%d of some 570 events heard in %v", heard, time.Since(start))
		}
	})
}

func TestScanAcceptList(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].advertise(advertised)
		h[1].advertise(advertised)
		h[2].do(hci.LEAddDeviceToFilterAcceptList(h[1].c.Address()))
		p := scan
		p.FilterPolicy = 1
		h[2].scan(p, true)
		if r := h[2].report(); r.Address != h[1].c.Address() {
			t.Errorf("%+v", r)
		}
		h[2].silent(time.Second)
		h[2].refused(hci.LEClearFilterAcceptList, hci.CommandDisallowed)
	})
}

func TestScanOutOfRange(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, air *Air, h []*host) {
		h[0].advertise(advertised)
		h[1].scan(scan, false)
		h[1].report()
		for _, c := range []*Controller{h[0].c, h[1].c} {
			c.SetSilent(true)
			for len(h[1].packets) > 0 {
				h[1].report()
			}
			h[1].silent(time.Second)
			c.SetSilent(false)
			h[1].report()
		}
	})
}

// TestScanRSSI: how strongly somebody is heard is the sender's property.
func TestScanRSSI(t *testing.T) {
	onAir(t, AirConfig{}, 1, func(t *testing.T, air *Air, h []*host) {
		far := newHost(t, air.NewController(ControllerConfig{RSSI: -91}))
		far.advertise(advertised)
		h[0].scan(scan, true)
		if r := h[0].report(); r.RSSI != -91 {
			t.Errorf("%+v", r)
		}
	})
}

// TestScanSlowHost: reports that a host does not read are dropped and counted, and answers to commands are not.
func TestScanSlowHost(t *testing.T) {
	onAir(t, AirConfig{}, 1, func(t *testing.T, air *Air, h []*host) {
		h[0].do(hci.LESetAdvertisingData{Data: make([]byte, 31)})
		p := advertised
		p.IntervalMin, p.IntervalMax = 32, 32
		h[0].advertise(p)
		c := air.NewController(ControllerConfig{})
		conn, b := c.Conn(), make([]byte, 4096)
		for _, cmd := range []hci.Command{hci.SetEventMask{Mask: ^uint64(0)}, scan, hci.LESetScanEnable{Enable: true}} {
			conn.WritePacket(hci.AppendCommand(nil, cmd))
			if _, err := conn.ReadPacket(b); err != nil {
				t.Fatal(err)
			}
		}
		pass(5 * time.Minute)
		n := c.Counters()
		if n.ReportsDropped == 0 || n.EventsDropped != 0 {
			t.Errorf("%+v", n)
		}
		conn.WritePacket(hci.AppendCommand(nil, hci.LESetScanEnable{}))
		reports := 0
		for {
			if _, err := conn.ReadPacket(b); err != nil {
				t.Fatal(err)
			}
			if hci.EventCode(b[1]) == hci.EvCommandComplete {
				break
			}
			reports++
		}
		if reports < 1000 {
			t.Errorf("%d reports were kept", reports)
		}
	})
}

func TestScanCommandsRefused(t *testing.T) {
	onAir(t, AirConfig{}, 1, func(t *testing.T, _ *Air, h []*host) {
		for _, bad := range [][]byte{
			{2, 16, 0, 16, 0, 0, 0}, // type
			{0, 3, 0, 3, 0, 0, 0},   // interval and window too short
			{0, 1, 0x40, 16, 0, 0, 0},
			{0, 16, 0, 17, 0, 0, 0}, // window longer than the interval
			{0, 16, 0, 16, 0, 4, 0}, // own address type
			{0, 16, 0, 16, 0, 0, 4}, // filter policy
		} {
			h[0].refused(hci.Raw{Op: hci.OpLESetScanParameters, Parameters: bad}, hci.InvalidHCICommandParameters)
		}
		h[0].refused(hci.Raw{Op: hci.OpLESetScanEnable, Parameters: []byte{2, 0}}, hci.InvalidHCICommandParameters)
		h[0].refused(hci.Raw{Op: hci.OpLESetScanEnable, Parameters: []byte{1, 2}}, hci.InvalidHCICommandParameters)
		p := scan
		p.OwnAddressType = 1
		h[0].do(p)
		h[0].refused(hci.LESetScanEnable{Enable: true}, hci.InvalidHCICommandParameters) // no random address
		h[0].scan(scan, false)
		h[0].refused(scan, hci.CommandDisallowed)
		h[0].refused(hci.LESetRandomAddress{Octets: [6]byte{1}}, hci.CommandDisallowed)
	})
}

// TestScanByDefault works without parameters having been set.
func TestScanByDefault(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(hci.LESetAdvertisingEnable{Enable: true})
		h[1].do(hci.LESetScanEnable{Enable: true})
		h[1].report()
		start := time.Now()
		h[1].report()
		if d := time.Since(start); d < 1280*time.Millisecond || d > 1290*time.Millisecond {
			t.Errorf("%v between two events, want the default of 1.28 s", d)
		}
	})
}
