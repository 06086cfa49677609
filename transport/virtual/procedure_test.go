package virtual

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// everything but the longer forms of LE Connection Complete.
const everything = ^(hci.LEEventMaskEnhancedConnectionComplete | hci.LEEventMaskEnhancedConnectionCompleteV2)

// linked is inBubble with every LE event.
func linked(t *testing.T, central, peripheral ControllerConfig, f func(t *testing.T, p *pair)) {
	t.Helper()
	inBubble(t, central, peripheral, func(t *testing.T, p *pair) {
		p.unmask()
		f(t, p)
	})
}

// aligned is linked where things wait for connection events, right after one.
func aligned(t *testing.T, central, peripheral ControllerConfig, f func(t *testing.T, p *pair)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, central, peripheral)
		p.unmask()
		settle()
		p.central.says(p.ch, p.peripheral, p.ph, "align")
		f(t, p)
		right(t, p.central, p.peripheral)
	})
}

func (p *pair) unmask() {
	p.central.do(hci.LESetEventMask{Mask: everything})
	p.peripheral.do(hci.LESetEventMask{Mask: everything})
}

// TestProcedureCollisions: of two that exclude each other the central's goes on; the peripheral's is refused with 0x23 if it
// is for the same purpose, with 0x2A if it is not (Vol 6, Part B, 5.3).
func TestProcedureCollisions(t *testing.T) {
	type begin func(h *host, handle uint16)
	update := func(h *host, handle uint16) { h.start(hci.LEConnectionUpdate{Handle: handle, Parameters: slower}) }
	phy := func(h *host, handle uint16) { h.start(setPHY(handle, hci.LE2M)) }
	classify := func(h *host, handle uint16) {
		h.do(hci.LESetHostChannelClassification{Channels: hci.ChannelMap{0xFF}})
	}
	updated := func(h *host, handle uint16, status hci.Status) {
		parameters := slower
		if status != hci.Success {
			parameters = usual
		}
		h.updated(handle, status, parameters)
	}
	changed := func(h *host, handle uint16, status hci.Status) {
		now := hci.LE2M
		if status != hci.Success {
			now = hci.LE1M
		}
		h.phy(handle, status, now, now)
	}
	quiet := func(*host, uint16, hci.Status) {}
	for _, c := range []struct {
		name                string
		central, peripheral begin
		granted, refused    func(h *host, handle uint16, status hci.Status)
		reason              hci.Status
	}{
		{"connection update, connection parameters request", update, update, updated, updated, hci.LLProcedureCollision},
		{"PHY update, PHY update", phy, phy, changed, changed, hci.LLProcedureCollision},
		{"connection update, PHY update", update, phy, updated, changed, hci.DifferentTransactionCollision},
		{"PHY update, connection parameters request", phy, update, changed, updated, hci.DifferentTransactionCollision},
		{"channel map update, PHY update", classify, phy, quiet, changed, hci.DifferentTransactionCollision},
	} {
		t.Run(c.name, func(t *testing.T) {
			aligned(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
				c.central(p.central, p.ch)
				c.peripheral(p.peripheral, p.ph)
				c.refused(p.peripheral, p.ph, c.reason)
				c.granted(p.central, p.ch, hci.Success)
				c.granted(p.peripheral, p.ph, hci.Success)
				pass(time.Second)
				c.peripheral(p.peripheral, p.ph) // and now there is nothing in its way
				pass(time.Second)
				if n := len(p.peripheral.packets) + len(p.central.packets); n == 0 {
					t.Error("no answer to a PHY update, or question for parameters")
				}
			})
		})
	}
}

// TestProceduresWaitForEachOther: a host may ask for several at once, and gets them one after the other.
func TestProceduresWaitForEachOther(t *testing.T) {
	aligned(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		p.central.start(setPHY(p.ch, hci.LE2M))
		p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower})
		p.central.do(hci.LESetHostChannelClassification{Channels: hci.ChannelMap{0xFF, 0xFF}})
		p.central.do(hci.LESetDataLength{Handle: p.ch, TX: hci.DataLength{Octets: 100, Time: 2120}})
		p.central.refused(setPHY(p.ch, hci.LE2M), hci.CommandDisallowed)
		p.central.refused(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower}, hci.CommandDisallowed)
		p.central.phy(p.ch, hci.Success, hci.LE2M, hci.LE2M)
		p.peripheral.phy(p.ph, hci.Success, hci.LE2M, hci.LE2M)
		p.central.updated(p.ch, hci.Success, slower)
		p.peripheral.updated(p.ph, hci.Success, slower)
		p.central.meta(hci.EvLEDataLengthChange)
		p.peripheral.meta(hci.EvLEDataLengthChange)
		pass(time.Second)
		equal(t, "channels", p.peripheral.do(hci.LEReadChannelMap(p.ph))[2:], []byte{0xFF, 0xFF, 0, 0, 0})
		p.peripheral.says(p.ph, p.central, p.ch, "still there")
	})
}

// TestInstantPassed: a peripheral that hears of a change when it has happened has lost the central (Vol 6, Part B, 5.1.1).
func TestInstantPassed(t *testing.T) {
	const nearlyAll = 0.999999 // not so much that the two are away: each event is tried
	for _, c := range []struct {
		name  string
		begin func(p *pair)
	}{
		{"connection update", func(p *pair) {
			p.central.c.SetLoss(nearlyAll)
			p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower})
		}},
		{"channel map update", func(p *pair) {
			p.central.c.SetLoss(nearlyAll)
			p.central.do(hci.LESetHostChannelClassification{Channels: hci.ChannelMap{0xFF}})
		}},
		{"PHY update", func(p *pair) { p.central.start(setPHY(p.ch, hci.LE2M)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p *pair // which its trace needs
				p = newPair(t, AirConfig{Trace: func(e Trace) {
					if e.PDU == "LL_PHY_RSP" {
						p.central.c.fault.loss = nearlyAll
					}
				}}, ControllerConfig{}, ControllerConfig{})
				settle()
				p.central.says(p.ch, p.peripheral, p.ph, "align")
				c.begin(p)
				pass(10 * interval)
				p.central.c.SetLoss(0)
				p.peripheral.disconnected(p.ph, hci.InstantPassed)
				p.central.disconnected(p.ch, hci.ConnectionTimeout)
				if n := p.air.alarms(); n != 0 {
					t.Errorf("%d alarms left", n)
				}
			})
		})
	}
}
