package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestConnectionComplete(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(hci.LESetRandomAddress{Octets: [6]byte{9, 9, 9, 9, 9, 0xC9}})
		h[1].advertise(advertised)
		c := createConnection(h[1].c.Address())
		c.OwnAddressType = 1
		c.Parameters = hci.ConnectionParameters{IntervalMin: 10, IntervalMax: 20, Latency: 3, SupervisionTimeout: 100}
		h[0].start(c)
		want := hci.LEConnectionComplete{Handle: 0x41, Role: hci.Central, Peer: h[1].c.Address(), Interval: 20, Latency: 3, SupervisionTimeout: 100}
		if e := h[0].connected(); e != want {
			t.Errorf("central: %+v, want %+v", e, want)
		}
		want.Handle, want.Role, want.Peer = 0x81, hci.Peripheral, hci.Address{Type: hci.Random, Octets: [6]byte{9, 9, 9, 9, 9, 0xC9}}
		if e := h[1].connected(); e != want {
			t.Errorf("peripheral: %+v, want %+v", e, want)
		}
	})
}

// TestEnhancedConnectionComplete comes instead of the other event to who has unmasked it.
func TestEnhancedConnectionComplete(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].do(hci.LESetEventMask{Mask: 0x3F | hci.LEEventMaskEnhancedConnectionComplete})
		h[1].advertise(advertised)
		h[0].start(createConnection(h[1].c.Address()))
		e, err := hci.ParseLEEnhancedConnectionComplete(h[0].meta(hci.EvLEEnhancedConnectionComplete))
		if err != nil || e.Peer != h[1].c.Address() || e.LocalResolvable != [6]byte{} || e.PeerResolvable != [6]byte{} {
			t.Errorf("%+v (%v)", e, err)
		}
		h[1].connected()
		h[0].silent(time.Second)
	})
}

// TestInitiatorWaits for the right advertiser, of the right address type, and for a connectable one.
func TestInitiatorWaits(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[1].advertise(advertised)
		wrong := h[2].c.Address()
		wrong.Type = hci.Random
		h[0].start(createConnection(wrong))
		q := advertised
		q.Type = hci.AdvScanInd
		h[2].advertise(q)
		h[0].silent(10 * time.Second)
		h[2].do(hci.LESetAdvertisingEnable{})
		h[2].advertise(advertised)
		h[0].silent(10 * time.Second)
		h[0].do(hci.LECreateConnectionCancel)
		h[0].meta(hci.EvLEConnectionComplete)
		h[0].start(createConnection(h[2].c.Address()))
		h[0].connected()
		h[2].connected()
	})
}

func TestCreateConnectionByAcceptList(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[1].advertise(advertised)
		c := createConnection(hci.Address{})
		c.UseAcceptList = true
		h[0].start(c) // nobody is in the list
		h[0].refused(hci.LEAddDeviceToFilterAcceptList(h[2].c.Address()), hci.CommandDisallowed)
		h[0].silent(time.Second)
		h[0].do(hci.LECreateConnectionCancel)
		h[0].meta(hci.EvLEConnectionComplete)
		h[0].do(hci.LEAddDeviceToFilterAcceptList(h[2].c.Address()))
		h[0].start(c)
		h[0].silent(time.Second)
		h[2].advertise(advertised)
		if e := h[0].connected(); e.Peer != h[2].c.Address() {
			t.Errorf("%+v", e)
		}
		h[2].connected()
		h[2].advertise(advertised)
		h[0].start(c) // it is connected already, and so is no candidate
		h[0].silent(time.Second)
	})
}

func TestCreateConnectionCancel(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, air *Air, h []*host) {
		h[0].refused(hci.LECreateConnectionCancel, hci.CommandDisallowed)
		h[0].start(createConnection(h[1].c.Address()))
		h[0].do(hci.LECreateConnectionCancel)
		e, err := hci.ParseLEConnectionComplete(h[0].meta(hci.EvLEConnectionComplete))
		if err != nil || e.Status != hci.UnknownConnectionIdentifier || e.Peer != h[1].c.Address() {
			t.Errorf("%+v (%v)", e, err)
		}
		h[1].advertise(advertised)
		h[0].silent(time.Second)
		h[0].start(createConnection(h[1].c.Address()))
		h[0].connected()
		h[1].connected()
		h[0].refused(hci.LECreateConnectionCancel, hci.CommandDisallowed) // too late
	})
}

// TestScanWhileInitiating: both hear the same advertisement.
func TestScanWhileInitiating(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].scan(scan, true)
		h[0].start(createConnection(h[1].c.Address()))
		h[0].refused(hci.LESetRandomAddress{Octets: [6]byte{1}}, hci.CommandDisallowed)
		h[1].advertise(advertised)
		h[0].report()
		h[0].connected()
		h[1].connected()
	})
}

func TestCreateConnectionRefused(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		good := createConnection(h[1].c.Address())
		for _, bad := range badParameters {
			c := good
			c.Parameters = bad.ConnectionParameters
			if s := h[0].status(c); s != hci.InvalidHCICommandParameters {
				t.Errorf("%s: %v", bad.name, s)
			}
		}
		for _, c := range []struct {
			name  string
			octet int
			value byte
		}{
			{"window longer than the interval", 2, 97},
			{"filter policy", 4, 2},
			{"peer address type", 5, 4},
			{"own address type", 12, 4},
			{"no random address", 12, 1},
		} {
			p := good.AppendTo(nil)
			p[c.octet] = c.value
			if s := h[0].status(hci.Raw{Op: hci.OpLECreateConnection, Parameters: p}); s != hci.InvalidHCICommandParameters {
				t.Errorf("%s: %v", c.name, s)
			}
		}
		h[0].start(good)
		h[0].refused(good, hci.CommandDisallowed)
		h[1].advertise(advertised)
		h[0].connected()
		h[1].connected()
		h[0].refused(good, hci.ConnectionAlreadyExists)
	})
}

// TestTwoWantTheSame: one of them gets it, the other goes on waiting.
func TestTwoWantTheSame(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[1].start(createConnection(h[0].c.Address()))
		h[2].start(createConnection(h[0].c.Address()))
		h[0].advertise(advertised)
		h[0].connected()
		time.Sleep(time.Second)
		if n := len(h[1].packets) + len(h[2].packets); n != 1 {
			t.Fatalf("%d of two have a connection, want one", n)
		}
		h[0].advertise(advertised)
		h[0].connected()
		h[1].connected()
		h[2].connected()
	})
}

// TestAcceptList is its commands.
func TestAcceptList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		h := newHost(t, air.NewController(ControllerConfig{AcceptListSize: 2}))
		a, b, c := hci.Address{Octets: [6]byte{1}}, hci.Address{Type: hci.Random, Octets: [6]byte{1}}, hci.Address{Octets: [6]byte{2}}
		equal(t, "size", h.do(hci.LEReadFilterAcceptListSize), []byte{2})
		h.do(hci.LEAddDeviceToFilterAcceptList(a))
		h.do(hci.LEAddDeviceToFilterAcceptList(a))
		h.do(hci.LEAddDeviceToFilterAcceptList(b))
		h.refused(hci.LEAddDeviceToFilterAcceptList(c), hci.MemoryCapacityExceeded)
		h.do(hci.LERemoveDeviceFromFilterAcceptList(b))
		h.do(hci.LERemoveDeviceFromFilterAcceptList(b))
		h.do(hci.LEAddDeviceToFilterAcceptList(c))
		if h.c.accepts(b) || !h.c.accepts(a) || !h.c.accepts(c) {
			t.Errorf("%v", h.c.accept)
		}
		h.do(hci.LEClearFilterAcceptList)
		if len(h.c.accept) != 0 {
			t.Errorf("%v", h.c.accept)
		}
		h.refused(hci.LEAddDeviceToFilterAcceptList(hci.Address{Type: 2}), hci.InvalidHCICommandParameters)
		h.do(hci.LEAddDeviceToFilterAcceptList(hci.Address{Type: anonymous, Octets: [6]byte{7}}))
		h.do(hci.LERemoveDeviceFromFilterAcceptList(hci.Address{Type: anonymous}))
		if len(h.c.accept) != 0 {
			t.Errorf("%v", h.c.accept)
		}
	})
}
