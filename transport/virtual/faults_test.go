package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestDropLinks(t *testing.T) {
	onAir(t, AirConfig{}, 3, func(t *testing.T, air *Air, h []*host) {
		var handles [3][]uint16
		for _, to := range h[1:] {
			to.advertise(advertised)
			h[0].start(createConnection(to.c.Address()))
			handles[0] = append(handles[0], h[0].connected().Handle)
			to.connected()
		}
		h[0].c.DropLinks(hci.ConnectionTimeout)
		for _, handle := range handles[0] {
			h[0].disconnected(handle, hci.ConnectionTimeout)
		}
		for _, to := range h[1:] {
			if e, err := hci.ParseDisconnectionComplete(to.event(hci.EvDisconnectionComplete)); err != nil || e.Reason != hci.ConnectionTimeout {
				t.Errorf("%+v (%v)", e, err)
			}
		}
		if n := air.alarms(); n != 0 {
			t.Errorf("%d alarms left", n)
		}
	})
}

func TestInject(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		h.do(hci.SetEventMask{}) // masks do not matter
		h.c.Inject(hci.AppendEvent(nil, hci.HardwareError{Hardware: 0x42}))
		equal(t, "Hardware Error", h.event(hci.EvHardwareError), []byte{0x42})
		h.c.Inject([]byte{4, 0xFF, 1, 7})
		equal(t, "a vendor's event", h.event(0xFF), []byte{7})
		h.c.Unplug()
		h.c.Inject([]byte{4, 0xFF, 1, 7}) // nobody is there
	})
}

// TestRestart: the controller forgets, the host is not told, and begins again with Reset.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		p.central.c.Restart()
		p.central.silent(time.Minute)
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
		p.central.refused(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection}, hci.UnknownConnectionIdentifier)
		p.central.setMasks()
		p.connect(usual)
	})
}

// TestSilentControllerIsNotPoweredOff: its host still gets answers.
func TestSilentControllerIsNotPoweredOff(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].c.SetSilent(true)
		h[0].advertise(advertised)
		h[1].start(createConnection(h[0].c.Address()))
		h[1].silent(time.Minute)
		h[0].do(hci.ReadBDADDR)
		h[0].c.SetSilent(false)
		h[0].connected()
		h[1].connected()
	})
}

func TestFaultsWhilePoweredOff(t *testing.T) {
	c := NewAir(AirConfig{}).NewController(ControllerConfig{})
	c.Unplug()
	c.Restart()
	c.DropLinks(hci.ConnectionTimeout)
	c.SetSilent(true)
	c.HoldCommands(true)
	c.HoldCommands(false)
	c.MissConnectRequests(1)
	if n := (c.Counters()); n != (Counters{}) {
		t.Errorf("%+v", n)
	}
}
