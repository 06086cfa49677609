package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestChannelMap: the central's host says which channels are good; the peripheral's, whatever it says, decides nothing.
func TestChannelMap(t *testing.T) {
	aligned(t, ControllerConfig{}, ControllerConfig{}, func(t *testing.T, p *pair) {
		all, few := hci.ChannelMap{0xFF, 0xFF, 0xFF, 0xFF, 0x1F}, hci.ChannelMap{0x03}
		use := func(want hci.ChannelMap) {
			t.Helper()
			equal(t, "central", p.central.do(hci.LEReadChannelMap(p.ch)), append(le16(p.ch), want[:]...))
			equal(t, "peripheral", p.peripheral.do(hci.LEReadChannelMap(p.ph)), append(le16(p.ph), want[:]...))
		}
		use(all)
		p.peripheral.do(hci.LESetHostChannelClassification{Channels: few})
		pass(time.Second)
		use(all)
		p.central.do(hci.LESetHostChannelClassification{Channels: few})
		use(all) // until the instant
		pass(time.Second)
		use(few)
		p.central.do(hci.LESetHostChannelClassification{Channels: all})
		p.central.do(hci.LESetHostChannelClassification{Channels: hci.ChannelMap{0x0F}})
		pass(time.Second)
		use(hci.ChannelMap{0x0F})
	})
}

func TestChannelCommandsRefused(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		for _, bad := range []hci.ChannelMap{{}, {1}, {0xFF, 0, 0, 0, 0x20}} {
			h.refused(hci.LESetHostChannelClassification{Channels: bad}, hci.InvalidHCICommandParameters)
		}
		h.refused(hci.LEReadChannelMap(0x0ABC), hci.UnknownConnectionIdentifier)
	})
}
