package virtual

import (
	"github.com/jelling-ble/jelling/hci"
)

var advertisingCommands = map[hci.Opcode]command{
	hci.OpLESetAdvertisingParameters: {length: 15, octet: 25, bit: 5, family: legacyFamily, complete: (*Controller).setAdvertisingParameters},
	hci.OpLEReadAdvertisingPhysicalChannelTxPower: {length: 0, octet: 25, bit: 6, family: legacyFamily,
		complete: (*Controller).readAdvertisingPower},
	hci.OpLESetAdvertisingData:   {length: 32, octet: 25, bit: 7, family: legacyFamily, complete: (*Controller).setAdvertisingData},
	hci.OpLESetScanResponseData:  {length: 32, octet: 26, bit: 0, family: legacyFamily, complete: (*Controller).setScanResponseData},
	hci.OpLESetAdvertisingEnable: {length: 1, octet: 26, bit: 1, family: legacyFamily, complete: (*Controller).setAdvertisingEnable},
}

// legacyKinds are the types of legacy advertising as properties of a set.
var legacyKinds = [...]hci.AdvertisingProperties{hci.AdvInd: hci.LegacyAdvInd, hci.AdvDirectIndHigh: hci.LegacyAdvDirectIndHigh,
	hci.AdvScanInd: hci.LegacyAdvScanInd, hci.AdvNonconnInd: hci.LegacyAdvNonconnInd, hci.AdvDirectIndLow: hci.LegacyAdvDirectIndLow}

func (c *Controller) setAdvertisingParameters(p, r []byte) ([]byte, hci.Status) {
	v := c.advertiser
	if v.on {
		return r, hci.CommandDisallowed
	}
	q, err := hci.ParseLESetAdvertisingParameters(p)
	peerType := p[6]
	switch {
	case err != nil, q.Type > hci.AdvDirectIndLow, q.OwnAddressType > 3, peerType > 1, q.FilterPolicy > 3,
		q.ChannelMap == 0 || q.ChannelMap > 7,
		q.Type != hci.AdvDirectIndHigh && !inRange(q.IntervalMin, q.IntervalMax, 0x0020, 0x4000):
		return r, hci.InvalidHCICommandParameters
	}
	v.LESetExtendedAdvertisingParameters = hci.LESetExtendedAdvertisingParameters{Properties: legacyKinds[q.Type], IntervalMin: uint32(q.IntervalMin),
		OwnAddressType: q.OwnAddressType, Peer: q.Peer, FilterPolicy: q.FilterPolicy, PrimaryPHY: hci.LE1M, SecondaryPHY: hci.LE1M}
	return r, hci.Success
}

// inRange tells whether low and high are in order, and both within what a parameter may be.
func inRange[T uint16 | uint32](low, high, from, to T) bool {
	return from <= low && low <= high && high <= to
}

func (c *Controller) readAdvertisingPower(_, r []byte) ([]byte, hci.Status) {
	return append(r, byte(c.config.TXPower)), hci.Success
}

func (c *Controller) setAdvertisingData(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetAdvertisingData(p)
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	c.advertiser.data = append([]byte(nil), q.Data...)
	return r, hci.Success
}

func (c *Controller) setScanResponseData(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetScanResponseData(p)
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	c.advertiser.response = append([]byte(nil), q.Data...)
	return r, hci.Success
}

func (c *Controller) setAdvertisingEnable(p, r []byte) ([]byte, hci.Status) {
	v := c.advertiser
	switch {
	case p[0] > 1:
		return r, hci.InvalidHCICommandParameters
	case p[0] == 0:
		v.stop()
		return r, hci.Success
	case v.on:
		return r, hci.Success
	}
	if status := v.mayStart(); status != hci.Success {
		return r, status
	}
	v.start()
	if v.highDuty() {
		c.air.set(&v.timeout, c.air.now+highDutyTimeout)
	}
	return r, hci.Success
}

// mayStart is why a set can't be advertised, Success when it can.
func (v *advertiser) mayStart() hci.Status {
	switch c := v.c; {
	case !c.mayEnter(v.state()):
		return hci.CommandDisallowed
	case v.connectable() && !c.mayLink():
		return hci.ConnectionLimitExceeded
	}
	return v.hasAddress()
}

func (v *advertiser) start() {
	v.on, v.events = true, 0
	v.c.air.set(&v.event, v.c.air.now)
}

// stop ends advertising, and a chain of auxiliary packets where it is.
func (v *advertiser) stop() {
	v.on = false
	v.c.air.unset(&v.event)
	v.c.air.unset(&v.timeout)
	v.chain.cut()
}

// timedOut ends advertising for its duration: of a set that the legacy commands made, directed with a high duty cycle
// (Vol 4, Part E, 7.8.9 and 7.7.65.18).
func (v *advertiser) timedOut() {
	v.stop()
	if v.extended {
		v.terminated(hci.AdvertisingTimeout, 0)
		return
	}
	v.c.giveConnectionComplete(hci.LEConnectionComplete{Status: hci.AdvertisingTimeout, Role: hci.Peripheral, Peer: v.Peer})
}
