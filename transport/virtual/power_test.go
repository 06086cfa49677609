package virtual

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func TestRSSIAndPower(t *testing.T) {
	linked(t, ControllerConfig{RSSI: -61, TXPower: 8}, ControllerConfig{RSSI: -40, TXPower: -4}, func(t *testing.T, p *pair) {
		rssi := int8(-40)
		equal(t, "RSSI", p.central.do(hci.ReadRSSI(p.ch)), append(le16(p.ch), byte(rssi)))
		equal(t, "power", p.central.do(hci.ReadTransmitPowerLevel{Handle: p.ch}), append(le16(p.ch), 8))
		equal(t, "powers", p.central.do(hci.LEReadTransmitPower), hci.TransmitPower{Min: -20, Max: 8}.AppendTo(nil))
		equal(t, "power on 2M", p.central.do(hci.LEEnhancedReadTransmitPowerLevel(p.ch, hci.LE2M)), append(le16(p.ch), 2, 8, 8))
		p.central.start(hci.LEReadRemoteTransmitPowerLevel(p.ch, hci.LECodedS2))
		e, err := hci.ParseLETransmitPowerReporting(p.central.meta(hci.EvLETransmitPowerReporting))
		if want := (hci.LETransmitPowerReporting{Handle: p.ch, Reason: 2, PHY: hci.LECodedS2, Power: -4, Limits: 2}); err != nil || e != want {
			t.Errorf("%+v (%v), want %+v", e, err, want)
		}
	})
}

func TestPowerRefused(t *testing.T) {
	const nobody = 0x0ABC
	without := ControllerConfig{Features: featuresOf(version54) &^ (hci.FeatureLEPowerControlRequest | hci.FeatureLECodedPHY)}
	linked(t, ControllerConfig{}, without, func(t *testing.T, p *pair) {
		p.central.start(hci.LEReadRemoteTransmitPowerLevel(p.ch, hci.LE1M))
		e, err := hci.ParseLETransmitPowerReporting(p.central.meta(hci.EvLETransmitPowerReporting))
		if err != nil || e.Status != hci.UnsupportedRemoteFeature {
			t.Errorf("%+v (%v)", e, err)
		}
		p.central.refused(hci.ReadRSSI(nobody), hci.UnknownConnectionIdentifier)
		p.central.refused(hci.ReadTransmitPowerLevel{Handle: nobody}, hci.UnknownConnectionIdentifier)
		p.central.refused(hci.Raw{Op: hci.OpReadTransmitPowerLevel, Parameters: append(le16(p.ch), 2)}, hci.InvalidHCICommandParameters)
		p.central.refused(hci.LEEnhancedReadTransmitPowerLevel(p.ch, 5), hci.InvalidHCICommandParameters)
		p.central.refused(hci.LEReadRemoteTransmitPowerLevel(nobody, hci.LE1M), hci.UnknownConnectionIdentifier)
		p.central.refused(hci.LEReadRemoteTransmitPowerLevel(p.ch, 0), hci.InvalidHCICommandParameters)
		p.peripheral.refused(hci.LEEnhancedReadTransmitPowerLevel(p.ph, hci.LE1M), hci.UnknownHCICommand)
	})
	coded := ControllerConfig{Features: featuresOf(version54) &^ hci.FeatureLECodedPHY}
	linked(t, ControllerConfig{}, coded, func(t *testing.T, p *pair) {
		p.central.start(hci.LEReadRemoteTransmitPowerLevel(p.ch, hci.LECoded))
		e, err := hci.ParseLETransmitPowerReporting(p.central.meta(hci.EvLETransmitPowerReporting))
		if err != nil || e.Status != hci.UnsupportedLLParameterValue {
			t.Errorf("%+v (%v)", e, err)
		}
		p.peripheral.refused(hci.LEEnhancedReadTransmitPowerLevel(p.ph, hci.LECoded), hci.UnsupportedFeatureOrParameter)
	})
}
