package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var scanningCommands = map[hci.Opcode]command{
	hci.OpLESetScanParameters: {length: 7, octet: 26, bit: 2, family: legacyFamily, complete: (*Controller).setScanParameters},
	hci.OpLESetScanEnable:     {length: 2, octet: 26, bit: 3, family: legacyFamily, complete: (*Controller).setScanEnable},
}

// maxSeen is how many reports the duplicate filter remembers; then it begins anew, as small hardware does.
const maxSeen = 256

// defaultScan is how to scan where the host has not said (Vol 4, Part E, 7.8.10).
var defaultScan = []hci.PHYScan{{PHY: hci.LE1M, Interval: 0x0010, Window: 0x0010}}

// A scanner is a controller that reports what it hears.
type scanner struct {
	hci.LESetExtendedScanParameters // the parameters of the legacy commands are put in the same words
	since                           time.Duration
	extended                        bool // it was begun by the extended commands
	on, filter                      bool
	seen                            map[seen]struct{}
	timer                           alarm // the end of a duration, or of a period
	duration, period                time.Duration
	resting                         bool // between a duration and the end of its period
	anew                            bool // the duplicate filter begins anew with each period
}

// seen is what makes a report a duplicate. The data of legacy advertisements do not count, of others the data ID does
// (Vol 6, Part B, 4.4.3.5).
type seen struct {
	address hci.Address
	kind    hci.ExtendedReportType
	sid     uint8
	dataID  uint16
}

// open tells whether a window of a scan that began at since is open.
func open(now, since time.Duration, interval, window uint16) bool {
	return interval <= window || (now-since)%(time.Duration(interval)*slot) < time.Duration(window)*slot
}

func (c *Controller) setScanParameters(p, r []byte) ([]byte, hci.Status) {
	if c.scanner.on {
		return r, hci.CommandDisallowed
	}
	q, err := hci.ParseLESetScanParameters(p)
	if err != nil || p[0] > 1 || !inRange(q.Window, q.Interval, 0x0004, 0x4000) || q.OwnAddressType > 3 || q.FilterPolicy > 3 {
		return r, hci.InvalidHCICommandParameters
	}
	c.scanner.LESetExtendedScanParameters = hci.LESetExtendedScanParameters{OwnAddressType: q.OwnAddressType, FilterPolicy: q.FilterPolicy,
		Scan: []hci.PHYScan{{PHY: hci.LE1M, Active: q.Active, Interval: q.Interval, Window: q.Window}}}
	return r, hci.Success
}

func (c *Controller) setScanEnable(p, r []byte) ([]byte, hci.Status) {
	switch {
	case p[0] > 1 || p[1] > 1:
		return r, hci.InvalidHCICommandParameters
	case p[0] == 0:
		c.stopScanning()
		return r, hci.Success
	}
	status := c.startScanning(p[1] == 1)
	return r, status
}

// startScanning begins, or begins anew, with what the parameters say.
func (c *Controller) startScanning(filter bool) hci.Status {
	s := &c.scanner
	switch _, status := c.own(s.OwnAddressType); {
	case status != hci.Success:
		return status
	case !c.mayEnter(s.state()):
		return hci.CommandDisallowed
	}
	if s.Scan == nil {
		s.Scan = defaultScan
	}
	s.on, s.filter, s.seen, s.since, s.resting = true, filter, nil, c.air.now, false
	c.air.wake()
	return hci.Success
}

func (c *Controller) stopScanning() {
	c.scanner.on = false
	c.air.unset(&c.scanner.timer)
}

// on is how the scanner scans on a PHY, nil where it does not.
func (s *scanner) onPHY(phy hci.PHY) *hci.PHYScan {
	for i := range s.Scan {
		if s.Scan[i].PHY == phy {
			return &s.Scan[i]
		}
	}
	return nil
}

// hears tells whether the controller scans on that PHY and its window is open.
func (c *Controller) hears(phy hci.PHY) bool {
	s := &c.scanner
	if !s.on || !c.onAir() || s.resting {
		return false
	}
	p := s.onPHY(phy)
	return p != nil && (c.air.config.Instant || open(c.air.now, s.since, p.Interval, p.Window))
}

// follows tells whether a scanner is to report an advertiser, and who that is: not against its filter policy, and not
// what is directed to another (Vol 6, Part B, 4.3.3).
func (c *Controller) follows(v *advertiser) (who identified, ok bool) {
	s := &c.scanner
	if v.is(hci.AdvertiseAnonymous) {
		who = identified{address: hci.Address{Type: anonymous}, onAir: hci.Address{Type: anonymous}}
		return who, s.FilterPolicy&scanAcceptList == 0 || c.accepts(who.address)
	}
	who, listen := c.identify(v.self)
	if !listen || s.FilterPolicy&scanAcceptList != 0 && !c.accepts(who.address) {
		return who, false
	}
	return who, !v.directed() || c.meant(v.target, s.OwnAddressType, who) || s.FilterPolicy&scanUnresolved != 0 && v.target.IsResolvable()
}

// Bits of the scanning filter policy (Vol 4, Part E, 7.8.10).
const (
	scanAcceptList = 1 << 0
	scanUnresolved = 1 << 1
)

// hear is a legacy advertisement that reaches a scanner (Vol 6, Part B, 4.4.3).
func (c *Controller) hear(v *advertiser) {
	s := &c.scanner
	who, ok := c.follows(v)
	if !ok {
		return
	}
	heard := c.reportOf(v, who, v.kind())
	if !v.directed() {
		heard.Data = v.data
	}
	c.report(v, heard)
	if !s.onPHY(hci.LE1M).Active || !v.scannable() || !c.asks(v, who, "SCAN_REQ") {
		return
	}
	if c.air.traced() {
		c.air.trace(v.c, c, "SCAN_RSP", "% X", v.response)
	}
	heard.Type, heard.Data = heard.Type|hci.ReportScanResponse, v.response
	c.report(v, heard)
}

// asks sends a scan request, and tells whether it is answered.
func (c *Controller) asks(v *advertiser, who identified, pdu string) bool {
	self, _ := c.addressFor(c.scanner.OwnAddressType, who.address)
	scanner, ok := v.admits(self, filterScanRequests)
	if !ok || c.air.loses(c, v.c) {
		return false
	}
	c.air.trace(c, v.c, pdu, "%v", self.Text())
	if v.NotifyScanRequests {
		v.c.give(hci.LEScanRequestReceived{AdvertisingHandle: v.AdvertisingHandle, Scanner: scanner.address, Resolved: scanner.resolved})
	}
	return true
}
