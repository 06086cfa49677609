package virtual

import (
	"github.com/jelling-ble/jelling/hci"
)

var extendedConnectingCommands = map[hci.Opcode]command{
	hci.OpLEExtendedCreateConnection: {length: 10, longer: true, octet: 37, bit: 7, feature: extendedFeature, family: extendedFamily,
		status: (*Controller).createExtendedConnection},
}

// createExtendedConnection initiates on the primary channels of one or two PHYs (Vol 4, Part E, 7.8.66).
func (c *Controller) createExtendedConnection(p []byte) hci.Status {
	q, err := hci.ParseLEExtendedCreateConnection(p)
	filter, own, peerType, phys := p[0], p[1], p[2], hci.PHYs(p[9])
	const each = 16 // octets
	switch {
	case c.initiator.on:
		return hci.CommandDisallowed
	case err != nil, len(p) != 10+each*len(q.Connect), filter > 1, own > 3, filter == 0 && peerType > 3, phys&primaryPHYs == 0:
		return hci.InvalidHCICommandParameters
	case phys&^c.phys() != 0:
		return hci.UnsupportedFeatureOrParameter
	}
	for _, s := range q.Connect {
		if s.PHY != hci.LE2M && !inRange(s.ScanWindow, s.ScanInterval, 0x0004, 0xFFFF) || !valid(s.Parameters) {
			return hci.InvalidHCICommandParameters
		}
	}
	return c.initiate(q, true)
}

// listensFor tells whether the controller initiates on that PHY and its window is open.
func (c *Controller) listensFor(phy hci.PHY) bool {
	i := &c.initiator
	if !i.on || !c.onAir() {
		return false
	}
	for _, s := range i.Connect {
		if s.PHY == phy {
			return c.air.config.Instant || open(c.air.now, i.since, s.ScanInterval, s.ScanWindow)
		}
	}
	return false
}

// parameters are those for a connection that begins on that PHY; of another where the host has given none for it.
func (i *initiator) parameters(phy hci.PHY) hci.ConnectionParameters {
	for _, s := range i.Connect {
		if s.PHY == phy {
			return s.Parameters
		}
	}
	return i.Connect[0].Parameters
}
