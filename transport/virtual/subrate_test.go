package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// subrated reads LE Subrate Change.
func (h *host) subrated(handle uint16, status hci.Status, factor, latency, continuation, timeout uint16) {
	h.t.Helper()
	e, err := hci.ParseLESubrateChange(h.meta(hci.EvLESubrateChange))
	want := hci.LESubrateChange{Status: status, Handle: handle, Factor: factor, Latency: latency, Continuation: continuation, SupervisionTimeout: timeout}
	if err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

var fourth = hci.Subrating{Min: 1, Max: 4, Continuation: 1, SupervisionTimeout: 200}

// subratingPair is a pair whose hosts have said that they know of subrating, before there is a link.
func subratingPair(t *testing.T, f func(t *testing.T, p *pair)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := NewAir(AirConfig{})
		defer a.Close()
		p := &pair{air: a, central: newHost(t, a.NewController(ControllerConfig{Name: "central"})), peripheral: newHost(t, a.NewController(ControllerConfig{Name: "peripheral"}))}
		p.unmask()
		for _, h := range []*host{p.central, p.peripheral} {
			h.do(hci.LESetHostFeature{Bit: 38, Supported: true})
		}
		p.connect(usual)
		settle()
		f(t, p)
		right(t, p.central, p.peripheral)
	})
}

// TestSubrating: every fourth event is used, and one more behind one with data.
func TestSubrating(t *testing.T) {
	subratingPair(t, func(t *testing.T, p *pair) {
		p.central.start(hci.LESubrateRequest{Handle: p.ch, Subrating: fourth})
		p.central.subrated(p.ch, hci.Success, 4, 0, 1, 200)
		p.peripheral.subrated(p.ph, hci.Success, 4, 0, 1, 200)
		pass(4*interval + interval/2)
		start := time.Now()
		p.central.says(p.ch, p.peripheral, p.ph, "far")
		if d := time.Since(start); d < 3*interval || d > 4*interval {
			t.Errorf("%v to the next event, want four intervals", d)
		}
		start = time.Now()
		p.peripheral.says(p.ph, p.central, p.ch, "near")
		if d := time.Since(start); d != interval {
			t.Errorf("%v to the next event, want one interval", d)
		}
		p.peripheral.c.SetSilent(true)
		start = time.Now()
		p.central.disconnected(p.ch, hci.ConnectionTimeout)
		if d := time.Since(start); d > 2*time.Second || d < 2*time.Second-5*interval {
			t.Errorf("lost after %v", d)
		}
	})
}

// TestSubratingRequest is the peripheral's wish, within what the central's host has called acceptable.
func TestSubratingRequest(t *testing.T) {
	subratingPair(t, func(t *testing.T, p *pair) {
		wish := fourth
		wish.Min = 3
		p.peripheral.start(hci.LESubrateRequest{Handle: p.ph, Subrating: wish})
		p.peripheral.subrated(p.ph, hci.UnsupportedLLParameterValue, 1, 0, 0, 42) // the default is no subrating
		p.central.do(hci.LESetDefaultSubrate{Subrating: hci.Subrating{Min: 1, Max: 3, SupervisionTimeout: 300}})
		p.peripheral.start(hci.LESubrateRequest{Handle: p.ph, Subrating: wish})
		p.peripheral.subrated(p.ph, hci.Success, 3, 0, 1, 200)
		p.central.subrated(p.ch, hci.Success, 3, 0, 1, 200)
		p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower}) // ends it
		p.central.updated(p.ch, hci.Success, slower)
		p.peripheral.updated(p.ph, hci.Success, slower)
		p.central.silent(2 * responseTimeout)
	})
}

func TestSubratingRefused(t *testing.T) {
	subratingPair(t, func(t *testing.T, p *pair) {
		p.central.refused(hci.LESubrateRequest{Handle: 0x0ABC, Subrating: fourth}, hci.UnknownConnectionIdentifier)
		p.central.refused(hci.LESetHostFeature{Bit: 38}, hci.CommandDisallowed) // there is a link
		for name, bad := range map[string]hci.Subrating{
			"nothing":                    {SupervisionTimeout: 200},
			"the wrong way round":        {Min: 5, Max: 4, SupervisionTimeout: 200},
			"away for too many events":   {Min: 1, Max: 251, MaxLatency: 1, SupervisionTimeout: 3200},
			"more behind than between":   {Min: 1, Max: 4, Continuation: 4, SupervisionTimeout: 200},
			"a time-out below its range": {Min: 1, Max: 4, SupervisionTimeout: 9},
			"a time-out of two events":   {Min: 1, Max: 4, SupervisionTimeout: 24},
		} {
			if s := p.central.status(hci.LESubrateRequest{Handle: p.ch, Subrating: bad}); s != hci.InvalidHCICommandParameters {
				t.Errorf("%s: %v", name, s)
			}
		}
		p.central.refused(hci.LESetDefaultSubrate{}, hci.InvalidHCICommandParameters)
	})
	linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) { // no host has spoken
		p.central.refused(hci.LESubrateRequest{Handle: p.ch, Subrating: fourth}, hci.UnsupportedRemoteFeature)
		p.central.refused(hci.LESetHostFeature{Bit: 37, Supported: true}, hci.UnsupportedFeatureOrParameter)
		p.central.refused(hci.Raw{Op: hci.OpLESetHostFeature, Parameters: []byte{38, 2}}, hci.InvalidHCICommandParameters)
	})
}
