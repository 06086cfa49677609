package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func setPHY(handle uint16, phys ...hci.PHY) hci.LESetPHY {
	s := hci.PHYsOf(phys...)
	return hci.LESetPHY{Handle: handle, PHYPreference: hci.PHYPreference{TX: s, RX: s}}
}

// phy reads LE PHY Update Complete.
func (h *host) phy(handle uint16, status hci.Status, tx, rx hci.PHY) {
	h.t.Helper()
	e, err := hci.ParseLEPHYUpdateComplete(h.meta(hci.EvLEPHYUpdateComplete))
	want := hci.LEPHYUpdateComplete{Status: status, ConnectionPHY: hci.ConnectionPHY{Handle: handle, TX: tx, RX: rx}}
	if err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

func TestPHYUpdate(t *testing.T) {
	for _, c := range []struct {
		name   string
		wish   hci.PHYPreference
		tx, rx hci.PHY
	}{
		{"2M", hci.PHYPreference{TX: hci.PHYsOf(hci.LE2M), RX: hci.PHYsOf(hci.LE2M)}, hci.LE2M, hci.LE2M},
		{"coded", hci.PHYPreference{TX: hci.PHYsOf(hci.LECoded), RX: hci.PHYsOf(hci.LECoded)}, hci.LECoded, hci.LECoded},
		{"one way each", hci.PHYPreference{TX: hci.PHYsOf(hci.LE2M), RX: hci.PHYsOf(hci.LECoded)}, hci.LE2M, hci.LECoded},
		{"the fastest of several", hci.PHYPreference{TX: 7, RX: 7}, hci.LE2M, hci.LE2M},
		{"anything", hci.PHYPreference{AllPHYs: 3}, hci.LE2M, hci.LE2M},
		{"what it has", hci.PHYPreference{TX: hci.PHYsOf(hci.LE1M), RX: hci.PHYsOf(hci.LE1M)}, hci.LE1M, hci.LE1M},
	} {
		t.Run(c.name, func(t *testing.T) {
			linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
				p.central.start(hci.LESetPHY{Handle: p.ch, PHYPreference: c.wish})
				p.central.phy(p.ch, hci.Success, c.tx, c.rx)
				if c.tx != hci.LE1M {
					p.peripheral.phy(p.ph, hci.Success, c.rx, c.tx)
				}
				equal(t, "LE Read PHY", p.peripheral.do(hci.LEReadPHY(p.ph)), append(le16(p.ph), byte(c.rx), byte(c.tx)))
				p.central.says(p.ch, p.peripheral, p.ph, "on")
				p.peripheral.says(p.ph, p.central, p.ch, "and on")
			})
			linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
				p.peripheral.start(hci.LESetPHY{Handle: p.ph, PHYPreference: c.wish})
				p.peripheral.phy(p.ph, hci.Success, c.tx, c.rx)
				if c.tx != hci.LE1M {
					p.central.phy(p.ch, hci.Success, c.rx, c.tx)
				}
				p.central.silent(2 * responseTimeout)
			})
		})
	}
}

// TestPHYUpdateWithoutCommonGround leaves the PHYs as they are; the host that asked is told so.
func TestPHYUpdateWithoutCommonGround(t *testing.T) {
	linked(t, ControllerConfig{}, ControllerConfig{Features: featuresOf(version54) &^ hci.FeatureLE2MPHY}, func(t *testing.T, p *pair) {
		p.central.start(setPHY(p.ch, hci.LE2M))
		p.central.phy(p.ch, hci.Success, hci.LE1M, hci.LE1M)
		p.peripheral.silent(time.Second)
	})
	linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) { // its host wants no other
		p.peripheral.start(setPHY(p.ph, hci.LE1M))
		p.peripheral.phy(p.ph, hci.Success, hci.LE1M, hci.LE1M)
		p.central.start(setPHY(p.ch, hci.LE2M))
		p.central.phy(p.ch, hci.Success, hci.LE1M, hci.LE1M)
	})
}

// TestDefaultPHY is what a host wants of links to come.
func TestDefaultPHY(t *testing.T) {
	linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.peripheral.do(hci.LESetDefaultPHY{PHYPreference: hci.PHYPreference{TX: 1, RX: 1}})
		p.central.start(setPHY(p.ch, hci.LE2M))
		p.central.phy(p.ch, hci.Success, hci.LE2M, hci.LE2M) // of this link it says nothing
		p.peripheral.phy(p.ph, hci.Success, hci.LE2M, hci.LE2M)
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
		p.connect(usual)
		p.central.start(setPHY(p.ch, hci.LE2M))
		p.central.phy(p.ch, hci.Success, hci.LE1M, hci.LE1M)
	})
}

// TestPHYOfAPeerWithout: it does not know the PDU.
func TestPHYOfAPeerWithout(t *testing.T) {
	old := ControllerConfig{Version: 0x08}
	linked(t, ControllerConfig{}, old, func(t *testing.T, p *pair) {
		p.central.start(setPHY(p.ch, hci.LE2M))
		p.central.phy(p.ch, hci.UnsupportedRemoteFeature, hci.LE1M, hci.LE1M)
		p.peripheral.refused(setPHY(p.ph, hci.LE2M), hci.UnknownHCICommand)
	})
}

func TestPHYCommandsRefused(t *testing.T) {
	const nobody = 0x0ABC
	linked(t, ControllerConfig{Features: featuresOf(version54) &^ hci.FeatureLECodedPHY}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.refused(setPHY(nobody, hci.LE2M), hci.UnknownConnectionIdentifier)
		p.central.refused(setPHY(p.ch), hci.InvalidHCICommandParameters)
		p.central.refused(setPHY(p.ch, 4), hci.InvalidHCICommandParameters)
		p.central.refused(setPHY(p.ch, hci.LECoded), hci.UnsupportedFeatureOrParameter)
		p.central.refused(hci.LEReadPHY(nobody), hci.UnknownConnectionIdentifier)
		p.central.refused(hci.LEReadPHY(0x0FFF), hci.InvalidHCICommandParameters)
		p.central.refused(hci.LESetDefaultPHY{PHYPreference: hci.PHYPreference{TX: 8, AllPHYs: 2}}, hci.InvalidHCICommandParameters)
		p.central.refused(hci.LESetDefaultPHY{PHYPreference: hci.PHYPreference{TX: 4, AllPHYs: 2}}, hci.UnsupportedFeatureOrParameter)
	})
}

// TestAirtime is the table of packet times with MIC (Vol 6, Part B, 4.5.10).
func TestAirtime(t *testing.T) {
	for _, c := range []struct {
		phy    hci.PHY
		octets int
		want   time.Duration
	}{
		{hci.LE1M, 0, 80}, {hci.LE1M, 27, 328}, {hci.LE1M, 251, 2120}, {hci.LE2M, 0, 44}, {hci.LE2M, 251, 1064},
		{hci.LECoded, 27, 2704}, {hci.LECoded, 251, 17040},
	} {
		if got := airtime(c.octets, c.phy); got != c.want*time.Microsecond {
			t.Errorf("%d octets on %v: %v, want %v", c.octets, c.phy, got, c.want*time.Microsecond)
		}
	}
}
