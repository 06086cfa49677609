package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// Times of the advertiser (Vol 6, Part B, 4.4.2).
const (
	slot             = 625 * time.Microsecond  // the unit of intervals
	advertisingDelay = 10 * time.Millisecond   // the most that is added to each interval
	highDutyInterval = 3750 * time.Microsecond // of directed advertising with a high duty cycle
	highDutyTimeout  = 1280 * time.Millisecond
	defaultInterval  = 1280 * time.Millisecond // where the host has not said any (Vol 4, Part E, 7.8.5)
)

// Bits of the advertising filter policy (Vol 4, Part E, 7.8.5).
const (
	filterScanRequests    = 1 << 0
	filterConnectRequests = 1 << 1
)

// An advertiser is an advertising set: the one of the legacy commands, or one of those that the extended commands made.
type advertiser struct {
	c        *Controller
	extended bool // by the extended commands
	// What it is; the parameters of the legacy commands are put in the same words.
	hci.LESetExtendedAdvertisingParameters
	random         [6]byte // the set's own random address
	data, response []byte  // never changed in place
	partial        partial
	dataID         uint16 // changes with the data
	on             bool
	self, target   hci.Address // on air, in the last event; target is for whom directed advertising is
	generated      bool        // self was made by the resolving list
	event          alarm       // the next advertising event, where anybody listens
	timeout        alarm       // the end of its duration
	events         int         // that there were since it was enabled
	maxEvents      int         // after which it stops; zero for no such limit
	chain          chain       // the auxiliary packets of an event
	train          *train      // its periodic advertising, nil for none
}

// newAdvertiser makes a set that advertises nothing yet.
func newAdvertiser(c *Controller, extended bool) *advertiser {
	v := &advertiser{c: c, extended: extended}
	v.Properties, v.PrimaryPHY = hci.LegacyAdvInd, hci.LE1M
	v.event.fire, v.timeout.fire = v.advertise, v.timedOut
	v.chain.v = v
	v.chain.next.fire = v.chain.send
	return v
}

// sets are all that the controller may advertise.
func (c *Controller) allSets() []*advertiser {
	return append(c.sets[:len(c.sets):len(c.sets)], c.advertiser)
}

// advertises tells whether it advertises any set of a kind.
func (c *Controller) advertises(kind func(*advertiser) bool) bool {
	for _, v := range c.allSets() {
		if v.on && kind(v) {
			return true
		}
	}
	return false
}

var advertisingNames = map[hci.AdvertisingProperties]string{hci.LegacyAdvInd: "ADV_IND", hci.LegacyAdvDirectIndHigh: "ADV_DIRECT_IND",
	hci.LegacyAdvScanInd: "ADV_SCAN_IND", hci.LegacyAdvNonconnInd: "ADV_NONCONN_IND", hci.LegacyAdvDirectIndLow: "ADV_DIRECT_IND"}

// What its properties say.
func (v *advertiser) is(p hci.AdvertisingProperties) bool { return v.Properties&p != 0 }
func (v *advertiser) legacy() bool                        { return v.is(hci.AdvertiseLegacy) }
func (v *advertiser) directed() bool                      { return v.is(hci.AdvertiseDirected) }
func (v *advertiser) highDuty() bool                      { return v.is(hci.AdvertiseHighDutyDirected) }
func (v *advertiser) connectable() bool                   { return v.is(hci.AdvertiseConnectable) }
func (v *advertiser) scannable() bool                     { return v.is(hci.AdvertiseScannable) }

// kind is what a report of it is of.
func (v *advertiser) kind() (kind hci.ExtendedReportType) {
	for _, k := range []struct {
		property hci.AdvertisingProperties
		bit      hci.ExtendedReportType
	}{{hci.AdvertiseConnectable, hci.ReportConnectable}, {hci.AdvertiseScannable, hci.ReportScannable},
		{hci.AdvertiseDirected, hci.ReportDirected}, {hci.AdvertiseLegacy, hci.ReportLegacy}} {
		if v.is(k.property) {
			kind |= k.bit
		}
	}
	return kind
}

// interval is the time between two advertising events, without the delay.
func (v *advertiser) interval() time.Duration {
	switch {
	case v.highDuty():
		return highDutyInterval
	case v.IntervalMin == 0:
		return defaultInterval
	}
	return time.Duration(v.IntervalMin) * slot
}

// advertise is one advertising event: everybody who listens hears it, and one of them may connect. It is the last
// while nobody listens, unless events are counted; wake begins again.
func (v *advertiser) advertise() {
	a, c := v.c.air, v.c
	heard := c.onAir() && a.anyoneListens(c)
	if !heard && v.maxEvents == 0 {
		return
	}
	v.dress()
	switch {
	case !heard:
	case v.legacy():
		v.legacyEvent()
	default:
		v.extendedEvent()
	}
	if !v.on {
		return
	}
	if v.events++; v.maxEvents > 0 && v.events >= v.maxEvents && !v.chain.next.on {
		v.limitReached()
		return
	}
	next := a.now + v.interval()
	if !v.highDuty() {
		next += a.later(advertisingDelay)
	}
	a.set(&v.event, max(next, v.chain.until))
}

// legacyEvent is an event by legacy advertisements.
func (v *advertiser) legacyEvent() {
	a, c := v.c.air, v.c
	switch {
	case !a.traced():
	case v.directed():
		a.trace(c, nil, advertisingNames[v.Properties], "%v to %v", v.self.Text(), v.target.Text())
	default:
		a.trace(c, nil, advertisingNames[v.Properties], "%v, % X", v.self.Text(), v.data)
	}
	for _, scanner := range a.controllers {
		if scanner != c && scanner.hears(hci.LE1M) && !a.loses(c, scanner) {
			scanner.hear(v)
		}
	}
	for _, initiator := range a.controllers {
		if initiator != c && initiator.listensFor(hci.LE1M) && initiator.initiates(v) && !a.loses(c, initiator) {
			initiator.connect(v)
			break
		}
	}
}

// limitReached ends a set that has had its events.
func (v *advertiser) limitReached() {
	v.stop()
	v.terminated(hci.LimitReached, 0)
}

// terminated tells the host that a set stopped by itself.
func (v *advertiser) terminated(why hci.Status, handle uint16) {
	if v.extended {
		v.c.give(hci.LEAdvertisingSetTerminated{Status: why, AdvertisingHandle: v.AdvertisingHandle, Handle: handle, CompletedEvents: uint8(v.events)})
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
		if !c.onAir() || !a.anyoneListens(c) {
			continue
		}
		for _, v := range c.allSets() {
			switch {
			case !v.on:
			case a.config.Instant:
				a.set(&v.event, a.now)
			case !v.event.on:
				a.set(&v.event, a.now+a.later(v.interval()))
			}
		}
	}
}
