package virtual

import (
	"github.com/jelling-ble/jelling/hci"
)

var powerCommands = map[hci.Opcode]command{
	hci.OpReadRSSI:                         {length: 2, octet: 15, bit: 5, complete: (*Controller).readRSSI},
	hci.OpReadTransmitPowerLevel:           {length: 3, octet: 10, bit: 2, complete: (*Controller).readPower},
	hci.OpLEReadTransmitPower:              {length: 0, octet: 38, bit: 7, complete: (*Controller).readPowerRange},
	hci.OpLEEnhancedReadTransmitPowerLevel: {length: 3, octet: 44, bit: 3, feature: hci.FeatureLEPowerControlRequest, complete: (*Controller).readOwnPower},
	hci.OpLEReadRemoteTransmitPowerLevel:   {length: 3, octet: 44, bit: 4, feature: hci.FeatureLEPowerControlRequest, status: (*Controller).readRemotePower},
}

// minPower is the least that a controller can send with, in dBm; the most is what it is configured for, and does.
const minPower = -20

// remoteRead is the reason in LE Transmit Power Reporting that answers LE Read Remote Transmit Power Level.
const remoteRead = 0x02

// powerState is what an end wants to know of the other.
type powerState struct{ phy hci.PHY }

func (c *Controller) readRSSI(p, r []byte) ([]byte, hci.Status) {
	e, r, status := c.endOf(p, r)
	if status != hci.Success {
		return append(r, 0), status
	}
	return append(r, byte(e.peer().c.config.RSSI)), hci.Success
}

func (c *Controller) readPower(p, r []byte) ([]byte, hci.Status) {
	_, r, status := c.endOf(p, r)
	if p[2] > 1 {
		status = hci.InvalidHCICommandParameters
	}
	return append(r, byte(c.config.TXPower)), status
}

func (c *Controller) readPowerRange(_, r []byte) ([]byte, hci.Status) {
	return hci.TransmitPower{Min: min(minPower, c.config.TXPower), Max: c.config.TXPower}.AppendTo(r), hci.Success
}

// sends tells whether a PHY of a command on power is one that the controller has.
func (c *Controller) sends(phy hci.PHY) hci.Status {
	switch {
	case phy < hci.LE1M || phy > hci.LECodedS2:
		return hci.InvalidHCICommandParameters
	case !c.phys().Has(min(phy, hci.LECoded)):
		return hci.UnsupportedFeatureOrParameter
	}
	return hci.Success
}

func (c *Controller) readOwnPower(p, r []byte) ([]byte, hci.Status) {
	_, r, status := c.endOf(p, r)
	if phy := c.sends(hci.PHY(p[2])); phy != hci.Success {
		status = phy
	}
	return append(r, p[2], byte(c.config.TXPower), byte(c.config.TXPower)), status
}

func (c *Controller) readRemotePower(p []byte) hci.Status {
	q, err := hci.ParsePHYCommand(hci.OpLEReadRemoteTransmitPowerLevel, p)
	e := c.find(q.Handle)
	switch {
	case err != nil:
		return hci.InvalidHCICommandParameters
	case e == nil:
		return hci.UnknownConnectionIdentifier
	case c.sends(q.PHY) != hci.Success:
		return c.sends(q.PHY)
	case e.at(powerControl) || e.leaving:
		return hci.CommandDisallowed
	}
	e.power.phy = q.PHY
	e.begin(powerControl, func() { e.queue(pdu{op: llPowerControlReq, phy: q.PHY}) })
	return hci.Success
}

// receivePowerReq tells the other side how strongly this one sends (Vol 6, Part B, 5.1.17).
func (e *end) receivePowerReq(p pdu) {
	if e.c.sends(p.phy) != hci.Success {
		e.reject(p.op, hci.UnsupportedLLParameterValue)
		return
	}
	e.queue(pdu{op: llPowerControlRsp, phy: p.phy, power: e.c.config.TXPower})
}

func (e *end) receivePowerRsp(p pdu) {
	const atMost = 1 << 1
	e.answered()
	e.c.give(hci.LETransmitPowerReporting{Handle: e.handle, Reason: remoteRead, PHY: p.phy, Power: p.power, Limits: atMost})
	e.finish()
}

func (e *end) powerRefused(reason hci.Status) {
	e.c.give(hci.LETransmitPowerReporting{Status: reason, Handle: e.handle, Reason: remoteRead, PHY: e.power.phy})
	e.finish()
}
