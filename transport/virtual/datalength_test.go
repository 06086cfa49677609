package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// lengths reads LE Data Length Change.
func (h *host) lengths(handle uint16, tx, rx hci.DataLength) {
	h.t.Helper()
	e, err := hci.ParseLEDataLengthChange(h.meta(hci.EvLEDataLengthChange))
	want := hci.LEDataLengthChange{Handle: handle, DataLengths: hci.DataLengths{TX: tx, RX: rx}}
	if err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

var (
	short = hci.DataLength{Octets: 27, Time: 328}
	long  = hci.DataLength{Octets: 251, Time: 2120}
)

// TestDataLengthUpdate raises one direction, and then the other.
func TestDataLengthUpdate(t *testing.T) {
	linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		equal(t, "reply", p.central.do(hci.LESetDataLength{Handle: p.ch, TX: long}), le16(p.ch))
		p.central.lengths(p.ch, long, short)
		p.peripheral.lengths(p.ph, short, long)
		p.central.do(hci.LESetDataLength{Handle: p.ch, TX: long}) // nothing new, so nobody is told
		p.central.silent(time.Second)
		p.peripheral.do(hci.LESetDataLength{Handle: p.ph, TX: long})
		p.peripheral.lengths(p.ph, long, long)
		p.central.lengths(p.ch, long, long)
		p.central.sendACL(p.ch, hci.FirstNonFlushable, make([]byte, 251))
		if n := len(p.peripheral.acl().Data); n != 251 {
			t.Errorf("%d octets in one piece, want all 251", n)
		}
		p.central.completed(p.ch)
	})
}

// TestDataLengthByTime: as many octets as the time allows on the PHY in use.
func TestDataLengthByTime(t *testing.T) {
	linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		d := hci.DataLength{Octets: 251, Time: 400} // 36 octets, behind the 14 others (Vol 6, Part B, 4.5.10)
		p.central.do(hci.LESetDataLength{Handle: p.ch, TX: d})
		p.central.lengths(p.ch, d, short)
		p.peripheral.lengths(p.ph, short, d)
		p.central.sendACL(p.ch, hci.FirstNonFlushable, make([]byte, 72))
		for range 2 {
			if n := len(p.peripheral.acl().Data); n != 36 {
				t.Errorf("%d octets in a piece, want 36", n)
			}
		}
		p.central.completed(p.ch)
	})
}

// TestDataLengthCollision: both ask at once, and both are answered.
func TestDataLengthCollision(t *testing.T) {
	aligned(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.do(hci.LESetDataLength{Handle: p.ch, TX: long})
		p.peripheral.do(hci.LESetDataLength{Handle: p.ph, TX: long})
		p.central.lengths(p.ch, long, long)
		p.peripheral.lengths(p.ph, long, long)
		p.central.silent(2 * responseTimeout)
		p.central.says(p.ch, p.peripheral, p.ph, "still there")
	})
}

// TestSuggestedDataLength: the controller begins the procedure by itself on links to come.
func TestSuggestedDataLength(t *testing.T) {
	linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.do(hci.LEWriteSuggestedDefaultDataLength{TX: long})
		equal(t, "suggested", p.central.do(hci.LEReadSuggestedDefaultDataLength), long.AppendTo(nil))
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
		p.connect(usual)
		p.central.lengths(p.ch, long, short)
		p.peripheral.lengths(p.ph, short, long)
	})
}

// TestDataLengthOfAPeerWithout: nothing changes, and no event says so.
func TestDataLengthOfAPeerWithout(t *testing.T) {
	linked(t, ControllerConfig{}, ControllerConfig{Version: 0x07}, func(t *testing.T, p *pair) {
		p.central.do(hci.LESetDataLength{Handle: p.ch, TX: long})
		p.central.silent(time.Second)
		p.central.do(hci.LESetDataLength{Handle: p.ch, TX: long}) // the first has ended
		p.central.silent(2 * responseTimeout)
		p.peripheral.refused(hci.LESetDataLength{Handle: p.ph, TX: long}, hci.UnknownHCICommand)
	})
}

func TestDataLengthCommandsRefused(t *testing.T) {
	linked(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.refused(hci.LESetDataLength{Handle: 0x0ABC, TX: long}, hci.UnknownConnectionIdentifier)
		for _, bad := range []hci.DataLength{{Octets: 26, Time: 328}, {Octets: 252, Time: 328}, {Octets: 27, Time: 327}, {Octets: 27, Time: 17041}} {
			p.central.refused(hci.LESetDataLength{Handle: p.ch, TX: bad}, hci.InvalidHCICommandParameters)
			p.central.refused(hci.LEWriteSuggestedDefaultDataLength{TX: bad}, hci.InvalidHCICommandParameters)
		}
		most := hci.DataLength{Octets: 251, Time: 17040}
		equal(t, "maximum", p.central.do(hci.LEReadMaximumDataLength), hci.DataLengths{TX: most, RX: most}.AppendTo(nil))
	})
	without := ControllerConfig{Features: hci.FeatureLEDataPacketLengthExtension}
	alone(t, without, func(t *testing.T, h *host) {
		equal(t, "maximum on LE 1M", h.do(hci.LEReadMaximumDataLength), hci.DataLengths{TX: long, RX: long}.AppendTo(nil))
	})
}
