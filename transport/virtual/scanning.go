package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var scanningCommands = map[hci.Opcode]command{
	hci.OpLESetScanParameters: {length: 7, octet: 26, bit: 2, complete: (*Controller).setScanParameters},
	hci.OpLESetScanEnable:     {length: 2, octet: 26, bit: 3, complete: (*Controller).setScanEnable},
}

// maxSeen is how many reports the duplicate filter remembers; then it begins anew, as small hardware does.
const maxSeen = 256

// A scanner is a controller that reports what it hears.
type scanner struct {
	hci.LESetScanParameters
	listening
	on, filter bool
	seen       map[seen]struct{}
}

// seen is what makes a report a duplicate: data does not count (Vol 6, Part B, 4.4.3.5).
type seen struct {
	address hci.Address
	kind    hci.ReportType
}

// listening is when a scanner or an initiator has its ears open.
type listening struct {
	since            time.Duration
	interval, window time.Duration
}

// open tells whether it listens at that time.
func (l listening) open(now time.Duration) bool {
	return l.interval <= l.window || (now-l.since)%l.interval < l.window
}

func (c *Controller) setScanParameters(p, r []byte) ([]byte, hci.Status) {
	if c.scanner.on {
		return r, hci.CommandDisallowed
	}
	q, err := hci.ParseLESetScanParameters(p)
	if err != nil || p[0] > 1 || !inRange(q.Window, q.Interval, 0x0004, 0x4000) || q.OwnAddressType > 3 || q.FilterPolicy > 3 {
		return r, hci.InvalidHCICommandParameters
	}
	c.scanner.LESetScanParameters = q
	return r, hci.Success
}

func (c *Controller) setScanEnable(p, r []byte) ([]byte, hci.Status) {
	s := &c.scanner
	if p[0] > 1 || p[1] > 1 {
		return r, hci.InvalidHCICommandParameters
	}
	if p[0] == 0 {
		s.on = false
		return r, hci.Success
	}
	switch _, status := c.own(s.OwnAddressType); {
	case status != hci.Success:
		return r, status
	case !c.mayEnter(s.state()):
		return r, hci.CommandDisallowed
	}
	s.on, s.filter, s.seen = true, p[1] == 1, nil
	interval, window := s.Interval, s.Window
	if interval == 0 { // never set: the defaults (Vol 4, Part E, 7.8.10)
		interval, window = 0x0010, 0x0010
	}
	s.listening = listening{c.air.now, time.Duration(interval) * slot, time.Duration(window) * slot}
	c.air.wake()
	return r, hci.Success
}

// hears tells whether the controller scans and its window is open.
func (c *Controller) hears() bool {
	return c.scanner.on && c.onAir() && (c.air.config.Instant || c.scanner.open(c.air.now))
}

// hear is an advertisement that reaches a scanner (Vol 6, Part B, 4.3.3 and 4.4.3).
func (c *Controller) hear(from *Controller) {
	s, v := &c.scanner, &from.advertiser
	who, listen := c.identify(v.self)
	if !listen || s.FilterPolicy&1 != 0 && !c.accepts(who.address) {
		return
	}
	if v.directed() {
		if c.meant(v.target, s.OwnAddressType, who) {
			c.report(from, who, hci.ReportAdvDirectInd, nil)
		}
		return
	}
	kind := hci.ReportAdvInd
	switch v.Type {
	case hci.AdvScanInd:
		kind = hci.ReportAdvScanInd
	case hci.AdvNonconnInd:
		kind = hci.ReportAdvNonconnInd
	}
	c.report(from, who, kind, v.data)
	if !s.Active || !v.scannable() {
		return
	}
	self, _ := c.addressFor(s.OwnAddressType, who.address)
	if _, ok := from.admits(self, filterScanRequests); !ok {
		return
	}
	if c.air.traced() {
		c.air.trace(c, from, "SCAN_REQ", "%v", self.Text())
		c.air.trace(from, c, "SCAN_RSP", "% X", v.response)
	}
	c.report(from, who, hci.ReportScanRsp, v.response)
}

// report tells the host what was heard, unless it is a duplicate or the host is too slow.
func (c *Controller) report(from *Controller, who identified, kind hci.ReportType, data []byte) {
	s, key := &c.scanner, seen{who.address, kind}
	if _, known := s.seen[key]; s.filter && known {
		return
	}
	if c.conn.queue.octets() > maxUnreadReports {
		c.counters.ReportsDropped++
		return
	}
	if s.filter {
		if s.seen == nil || len(s.seen) >= maxSeen {
			s.seen = map[seen]struct{}{}
		}
		s.seen[key] = struct{}{}
	}
	c.give(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Type: kind, Address: who.address, Resolved: who.resolved, Data: data, RSSI: from.config.RSSI}}})
}
