package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var advertisingCommands = map[hci.Opcode]command{
	hci.OpLESetAdvertisingParameters: {length: 15, octet: 25, bit: 5, complete: (*Controller).setAdvertisingParameters},
	hci.OpLESetAdvertisingData:       {length: 32, octet: 25, bit: 7, complete: (*Controller).setAdvertisingData},
	hci.OpLESetScanResponseData:      {length: 32, octet: 26, bit: 0, complete: (*Controller).setScanResponseData},
	hci.OpLESetAdvertisingEnable:     {length: 1, octet: 26, bit: 1, complete: (*Controller).setAdvertisingEnable},
}

// Times of the advertiser (Vol 6, Part B, 4.4.2).
const (
	slot             = 625 * time.Microsecond  // the unit of intervals
	advertisingDelay = 10 * time.Millisecond   // the most that is added to each interval
	highDutyInterval = 3750 * time.Microsecond // of directed advertising with a high duty cycle
	highDutyTimeout  = 1280 * time.Millisecond
)

// Bits of the advertising filter policy (Vol 4, Part E, 7.8.5).
const (
	filterScanRequests    = 1 << 0
	filterConnectRequests = 1 << 1
)

// An advertiser is a controller's one legacy advertising set.
type advertiser struct {
	hci.LESetAdvertisingParameters
	data, response []byte
	on             bool
	self, target   hci.Address // on air, in the last event; target is for whom directed advertising is
	generated      bool        // self was made by the resolving list
	event          alarm       // the next advertising event, where anybody listens
	timeout        alarm       // of directed advertising with a high duty cycle
}

var advertisingNames = map[hci.AdvertisingType]string{hci.AdvInd: "ADV_IND", hci.AdvDirectIndHigh: "ADV_DIRECT_IND",
	hci.AdvScanInd: "ADV_SCAN_IND", hci.AdvNonconnInd: "ADV_NONCONN_IND", hci.AdvDirectIndLow: "ADV_DIRECT_IND"}

// directed, connectable and scannable are what its type says.
func (a *advertiser) directed() bool {
	return a.Type == hci.AdvDirectIndHigh || a.Type == hci.AdvDirectIndLow
}
func (a *advertiser) connectable() bool { return a.Type == hci.AdvInd || a.directed() }
func (a *advertiser) scannable() bool   { return a.Type == hci.AdvInd || a.Type == hci.AdvScanInd }

// interval is the time between two advertising events, without the delay.
func (a *advertiser) interval() time.Duration {
	switch {
	case a.Type == hci.AdvDirectIndHigh:
		return highDutyInterval
	case a.IntervalMin == 0: // never set: the default (Vol 4, Part E, 7.8.5)
		return 1280 * time.Millisecond
	}
	return time.Duration(a.IntervalMin) * slot
}

func (c *Controller) setAdvertisingParameters(p, r []byte) ([]byte, hci.Status) {
	if c.advertiser.on {
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
	c.advertiser.LESetAdvertisingParameters = q
	return r, hci.Success
}

// inRange tells whether low and high are in order, and both within what a parameter may be.
func inRange(low, high, from, to uint16) bool { return from <= low && low <= high && high <= to }

func (c *Controller) setAdvertisingData(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetAdvertisingData(p)
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	c.advertiser.data = append(c.advertiser.data[:0], q.Data...)
	return r, hci.Success
}

func (c *Controller) setScanResponseData(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetScanResponseData(p)
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	c.advertiser.response = append(c.advertiser.response[:0], q.Data...)
	return r, hci.Success
}

func (c *Controller) setAdvertisingEnable(p, r []byte) ([]byte, hci.Status) {
	v := &c.advertiser
	switch {
	case p[0] > 1:
		return r, hci.InvalidHCICommandParameters
	case p[0] == 0:
		c.stopAdvertising()
		return r, hci.Success
	case v.on:
		return r, hci.Success
	case !c.mayEnter(v.state()):
		return r, hci.CommandDisallowed
	case v.connectable() && !c.mayLink():
		return r, hci.ConnectionLimitExceeded
	}
	if status := c.hasAddressFor(v.OwnAddressType, v.Peer); status != hci.Success {
		return r, status
	}
	v.on = true
	c.air.set(&v.event, c.air.now)
	if v.Type == hci.AdvDirectIndHigh {
		c.air.set(&v.timeout, c.air.now+highDutyTimeout)
	}
	return r, hci.Success
}

func (c *Controller) stopAdvertising() {
	c.advertiser.on = false
	c.air.unset(&c.advertiser.event)
	c.air.unset(&c.advertiser.timeout)
}

// advertisingTimedOut ends directed advertising with a high duty cycle (Vol 4, Part E, 7.8.9).
func (c *Controller) advertisingTimedOut() {
	c.stopAdvertising()
	c.giveConnectionComplete(hci.LEConnectionComplete{Status: hci.AdvertisingTimeout, Role: hci.Peripheral, Peer: c.advertiser.Peer})
}

// advertise is one advertising event: everybody who listens hears it, and one of them may connect. It is the last
// while nobody listens; wake begins again.
func (c *Controller) advertise() {
	a, v := c.air, &c.advertiser
	if !c.onAir() || !a.anyoneListens(c) {
		return
	}
	c.dress()
	switch {
	case !a.traced():
	case v.directed():
		a.trace(c, nil, advertisingNames[v.Type], "%v to %v", v.self.Text(), v.target.Text())
	default:
		a.trace(c, nil, advertisingNames[v.Type], "%v, % X", v.self.Text(), v.data)
	}
	for _, scanner := range a.controllers {
		if scanner != c && scanner.hears() && !a.loses(c, scanner) {
			scanner.hear(c)
		}
	}
	for _, initiator := range a.controllers {
		if initiator != c && initiator.initiates(c) && !a.loses(c, initiator) {
			initiator.connect(c)
			break
		}
	}
	if v.on {
		next := a.now + v.interval()
		if v.Type != hci.AdvDirectIndHigh {
			next += a.later(advertisingDelay)
		}
		a.set(&v.event, next)
	}
}

// anyoneListens tells whether somebody beside c may hear an advertisement.
func (a *Air) anyoneListens(c *Controller) bool {
	for _, other := range a.controllers {
		if other != c && other.onAir() && (other.scanner.on || other.initiator.on) {
			return true
		}
	}
	return false
}

// wake goes on with advertising that nobody heard, once somebody may. How far each advertiser had come in
// its interval is anybody's guess.
func (a *Air) wake() {
	for _, c := range a.controllers {
		v := &c.advertiser
		switch {
		case !v.on || !c.onAir() || !a.anyoneListens(c):
		case a.config.Instant:
			a.set(&v.event, a.now)
		case !v.event.on:
			a.set(&v.event, a.now+a.later(v.interval()))
		}
	}
}
