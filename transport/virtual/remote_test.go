package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func (h *host) features(handle uint16, status hci.Status, features uint64) {
	h.t.Helper()
	e, err := hci.ParseLEReadRemoteFeaturesComplete(h.meta(hci.EvLEReadRemoteFeaturesComplete))
	if want := (hci.LEReadRemoteFeaturesComplete{Status: status, Handle: handle, Features: features}); err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

func (h *host) version(handle uint16) {
	h.t.Helper()
	e, err := hci.ParseReadRemoteVersionInformationComplete(h.event(hci.EvReadRemoteVersionInformationComplete))
	want := hci.ReadRemoteVersionInformationComplete{Handle: handle, Version: 0x0D, Company: 0xFFFF, Subversion: 1}
	if err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

func TestRemoteFeatures(t *testing.T) {
	one := ControllerConfig{Features: hci.FeatureLEEncryption | hci.FeaturePeripheralInitiatedFeaturesExchange}
	two := ControllerConfig{Features: hci.FeatureLE2MPHY | hci.FeaturePeripheralInitiatedFeaturesExchange}
	inBubble(t, one, two, func(t *testing.T, p *pair) {
		p.central.start(hci.LEReadRemoteFeatures(p.ch))
		p.central.features(p.ch, hci.Success, two.Features)
		p.peripheral.start(hci.LEReadRemoteFeatures(p.ph))
		p.peripheral.features(p.ph, hci.Success, one.Features)
		p.central.refused(hci.LEReadRemoteFeatures(0x0ABC), hci.UnknownConnectionIdentifier)
	})
}

// TestRemoteFeaturesOfACentralThatCannot: only the central may ask, unless both know better (Vol 6, Part B, 5.1.4.2).
func TestRemoteFeaturesOfACentralThatCannot(t *testing.T) {
	old := ControllerConfig{Features: hci.FeatureLEEncryption}
	inBubble(t, old, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.peripheral.start(hci.LEReadRemoteFeatures(p.ph))
		p.peripheral.features(p.ph, hci.UnsupportedRemoteFeature, 0)
		p.central.start(hci.LEReadRemoteFeatures(p.ch))
		p.central.features(p.ch, hci.Success, featuresOf(version54))
	})
	inBubble(t, ControllerConfig{}, old, func(t *testing.T, p *pair) {
		p.peripheral.refused(hci.LEReadRemoteFeatures(p.ph), hci.UnsupportedFeatureOrParameter)
	})
}

func TestRemoteVersion(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		for range 2 { // the second time it is known
			p.central.start(hci.ReadRemoteVersionInformation(p.ch))
			p.central.version(p.ch)
			p.peripheral.start(hci.ReadRemoteVersionInformation(p.ph))
			p.peripheral.version(p.ph)
		}
		p.central.refused(hci.ReadRemoteVersionInformation(0x0ABC), hci.UnknownConnectionIdentifier)
	})
}

// TestRemoteWaitsForEncryption: nothing but its own PDUs goes while encryption starts.
func TestRemoteWaitsForEncryption(t *testing.T) {
	inBubble(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.encrypt(ltk)
		p.keyRequest()
		p.central.start(hci.LEReadRemoteFeatures(p.ch))
		p.central.refused(hci.LEReadRemoteFeatures(p.ch), hci.CommandDisallowed)
		p.central.start(hci.ReadRemoteVersionInformation(p.ch))
		p.central.refused(hci.ReadRemoteVersionInformation(p.ch), hci.CommandDisallowed)
		p.central.silent(time.Second)
		p.reply(ltk)
		p.peripheral.changed(p.ph, hci.Success, 1)
		p.central.changed(p.ch, hci.Success, 1)
		p.central.features(p.ch, hci.Success, featuresOf(version54))
		p.central.version(p.ch)
	})
}
