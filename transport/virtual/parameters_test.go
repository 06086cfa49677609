package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var slower = hci.ConnectionParameters{IntervalMin: 40, IntervalMax: 80, Latency: 2, SupervisionTimeout: 200}

// updated reads LE Connection Update Complete.
func (h *host) updated(handle uint16, status hci.Status, q hci.ConnectionParameters) {
	h.t.Helper()
	e, err := hci.ParseLEConnectionUpdateComplete(h.meta(hci.EvLEConnectionUpdateComplete))
	want := hci.LEConnectionUpdateComplete{Status: status, Handle: handle, Interval: q.IntervalMax, Latency: q.Latency, SupervisionTimeout: q.SupervisionTimeout}
	if err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

func TestConnectionUpdate(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower})
		p.central.updated(p.ch, hci.Success, slower)
		p.peripheral.updated(p.ph, hci.Success, slower)
		p.central.says(p.ch, p.peripheral, p.ph, "on")
	})
}

// TestConnectionUpdateTakesEffectAtItsInstant measures the intervals before and after.
func TestConnectionUpdateTakesEffectAtItsInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		p.central.says(p.ch, p.peripheral, p.ph, "align")
		start := time.Now()
		p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower})
		p.central.refused(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower}, hci.CommandDisallowed)
		p.central.says(p.ch, p.peripheral, p.ph, "before")
		if d := time.Since(start); d != interval {
			t.Errorf("before the instant data took %v", d)
		}
		p.central.updated(p.ch, hci.Success, slower)
		if d := time.Since(start); d != 7*interval {
			t.Errorf("the instant came after %v, want seven events", d)
		}
		p.peripheral.updated(p.ph, hci.Success, slower)
		start = time.Now()
		p.peripheral.says(p.ph, p.central, p.ch, "after")
		if d := time.Since(start); d != 100*time.Millisecond {
			t.Errorf("after the instant data took %v", d)
		}
		start = time.Now()
		p.central.c.SetSilent(true)
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
		if d := time.Since(start); d > 2*time.Second || d < 1600*time.Millisecond {
			t.Errorf("lost after %v, want the new time-out", d)
		}
	})
}

// TestConnectionUpdateToTheSame: a peripheral whose parameters did not change is not told (Vol 4, Part E, 7.7.65.3).
func TestConnectionUpdateToTheSame(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: usual})
		p.central.updated(p.ch, hci.Success, usual)
		p.peripheral.silent(time.Second)
	})
}

// TestConnectionParametersRequest is the peripheral's wish, and the central's host that has its say.
func TestConnectionParametersRequest(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.peripheral.start(hci.LEConnectionUpdate{Handle: p.ph, Parameters: slower})
		e, err := hci.ParseLERemoteConnectionParameterRequest(p.central.meta(hci.EvLERemoteConnectionParameterRequest))
		want := hci.LERemoteConnectionParameterRequest{Handle: p.ch, IntervalMin: 40, IntervalMax: 80, Latency: 2, SupervisionTimeout: 200}
		if err != nil || e != want {
			t.Fatalf("%+v (%v), want %+v", e, err, want)
		}
		equal(t, "reply", p.central.do(hci.LERemoteConnectionParameterRequestReply{Handle: p.ch, Parameters: slower}), le16(p.ch))
		p.central.updated(p.ch, hci.Success, slower)
		p.peripheral.updated(p.ph, hci.Success, slower)
		p.peripheral.silent(2 * responseTimeout)
		p.central.says(p.ch, p.peripheral, p.ph, "still there")
	})
}

func TestConnectionParametersRequestRefused(t *testing.T) {
	ask := func(p *pair) { p.peripheral.start(hci.LEConnectionUpdate{Handle: p.ph, Parameters: slower}) }
	t.Run("by the host", func(t *testing.T) {
		inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
			ask(p)
			p.central.meta(hci.EvLERemoteConnectionParameterRequest)
			p.central.do(hci.LERemoteConnectionParameterRequestNegativeReply{Handle: p.ch, Reason: hci.UnacceptableConnectionParameters})
			p.peripheral.updated(p.ph, hci.UnacceptableConnectionParameters, usual)
			p.central.silent(2 * responseTimeout)
		})
	})
	t.Run("by a host that masks the event", func(t *testing.T) {
		inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
			p.central.do(hci.LESetEventMask{Mask: defaultLEEventMask})
			ask(p)
			p.peripheral.updated(p.ph, hci.UnsupportedRemoteFeature, usual)
		})
	})
	t.Run("by a controller without the feature", func(t *testing.T) {
		inBubble(t, ControllerConfig{Features: hci.FeatureLEEncryption}, ControllerConfig{}, func(t *testing.T, p *pair) {
			ask(p)
			p.peripheral.updated(p.ph, hci.UnsupportedRemoteFeature, usual)
		})
	})
	t.Run("by its own controller", func(t *testing.T) {
		inBubble(t, ControllerConfig{}, ControllerConfig{Features: hci.FeatureLEEncryption}, func(t *testing.T, p *pair) {
			p.peripheral.refused(hci.LEConnectionUpdate{Handle: p.ph, Parameters: slower}, hci.UnsupportedFeatureOrParameter)
		})
	})
	t.Run("by nobody", func(t *testing.T) {
		inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
			ask(p)
			p.central.meta(hci.EvLERemoteConnectionParameterRequest)
			p.peripheral.disconnected(p.ph, hci.LLResponseTimeout)
			p.central.disconnected(p.ch, hci.ConnectionTimeout)
		})
	})
}

// TestConnectionUpdateCollision: the central's own update goes first, and ends the peripheral's wish.
func TestConnectionUpdateCollision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower})
		p.peripheral.start(hci.LEConnectionUpdate{Handle: p.ph, Parameters: usual})
		p.peripheral.updated(p.ph, hci.LLProcedureCollision, usual)
		p.central.updated(p.ch, hci.Success, slower)
		p.peripheral.updated(p.ph, hci.Success, slower)
	})
}

func TestParameterCommandsRefused(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		const nobody = 0x0ABC
		p.central.refused(hci.LEConnectionUpdate{Handle: nobody, Parameters: slower}, hci.UnknownConnectionIdentifier)
		p.central.refused(hci.LERemoteConnectionParameterRequestReply{Handle: nobody, Parameters: slower}, hci.UnknownConnectionIdentifier)
		p.central.refused(hci.LERemoteConnectionParameterRequestReply{Handle: p.ch, Parameters: slower}, hci.CommandDisallowed)
		p.central.refused(hci.LERemoteConnectionParameterRequestNegativeReply{Handle: p.ch}, hci.CommandDisallowed)
		for _, bad := range badParameters {
			p.central.refused(hci.LEConnectionUpdate{Handle: p.ch, Parameters: bad.ConnectionParameters}, hci.InvalidHCICommandParameters)
		}
		p.peripheral.start(hci.LEConnectionUpdate{Handle: p.ph, Parameters: slower})
		p.central.meta(hci.EvLERemoteConnectionParameterRequest)
		p.central.refused(hci.LERemoteConnectionParameterRequestReply{Handle: p.ch}, hci.InvalidHCICommandParameters)
		p.central.do(hci.LERemoteConnectionParameterRequestReply{Handle: p.ch, Parameters: slower})
		p.central.updated(p.ch, hci.Success, slower)
		p.peripheral.updated(p.ph, hci.Success, slower)
	})
}

// badParameters are each wrong in one way (Vol 4, Part E, 7.8.12).
var badParameters = []struct {
	name string
	hci.ConnectionParameters
}{
	{"interval too short", hci.ConnectionParameters{IntervalMin: 5, IntervalMax: 24, SupervisionTimeout: 42}},
	{"interval too long", hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 0x0C81, SupervisionTimeout: 0x0C80}},
	{"intervals the wrong way round", hci.ConnectionParameters{IntervalMin: 25, IntervalMax: 24, SupervisionTimeout: 42}},
	{"latency too high", hci.ConnectionParameters{IntervalMin: 6, IntervalMax: 6, Latency: 0x01F4, SupervisionTimeout: 0x0C80}},
	{"time-out too short", hci.ConnectionParameters{IntervalMin: 6, IntervalMax: 6, SupervisionTimeout: 9}},
	{"time-out too long", hci.ConnectionParameters{IntervalMin: 6, IntervalMax: 6, SupervisionTimeout: 0x0C81}},
	{"time-out of two intervals", hci.ConnectionParameters{IntervalMin: 80, IntervalMax: 80, SupervisionTimeout: 20}},
	{"time-out shorter than the latency", hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 24, Latency: 6, SupervisionTimeout: 42}},
	{"event lengths the wrong way round", hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 24, SupervisionTimeout: 42, MinCELength: 2, MaxCELength: 1}},
}
