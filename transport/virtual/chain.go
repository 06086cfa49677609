package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// The secondary channels (Vol 6, Part B, 2.3.4 and 4.4.2.1).
const (
	maxAuxData    = 245                    // octets of data in one auxiliary packet, beside its extended header
	auxHeader     = 10                     // octets of that
	extIndOctets  = 9                      // payload of ADV_EXT_IND
	auxRequest    = 12                     // payload of AUX_SCAN_REQ
	minFrameSpace = 300 * time.Microsecond // to an auxiliary packet, T_MAFS
	primaries     = 3                      // ADV_EXT_IND goes out on each primary channel
)

// A chain is the auxiliary packets of one event of extended advertising, and who listens to them.
type chain struct {
	v         *advertiser
	next      alarm         // the next packet
	until     time.Duration // until then there is no other event
	followers []*follower
	begun     bool   // the first packet is out
	response  bool   // it is of the scan response
	rest      []byte // data that is not out
}

// A follower is a controller that has heard what points to the chain.
type follower struct {
	c               *Controller
	scans, connects bool
	since           time.Duration // when its scan began, which may be another by now
	report          hci.ExtendedAdvertisingReport
	told            bool // its host has parts, and waits for more
	deaf            bool // its host is told nothing of this
}

// auxTime is how long the packets for that much data take, with the spaces between them.
func auxTime(octets int, phy hci.PHY) (d time.Duration) {
	for {
		n := min(octets, maxAuxData)
		d += minFrameSpace + airtime(auxHeader+n, phy)
		if octets -= n; octets == 0 {
			return d
		}
	}
}

// tooLong tells whether a chain with so much data takes longer than the interval (Vol 4, Part E, 7.8.54).
func (v *advertiser) tooLong(octets int) bool {
	return !v.legacy() && auxTime(octets, v.SecondaryPHY) > time.Duration(v.IntervalMax)*slot
}

// fits tells whether data are short enough for connectable advertising, which has no chains (Vol 4, Part E, 7.8.56).
// The target's address and the power take of their room.
func (v *advertiser) fits(data []byte) bool {
	const target, power = 6, 1
	room := maxAuxData
	if v.directed() {
		room -= target
	}
	if v.is(hci.AdvertiseTXPower) {
		room -= power
	}
	return v.legacy() || !v.connectable() || len(data) <= room
}

// extendedEvent is an event of extended advertising up to its auxiliary packets.
func (v *advertiser) extendedEvent() {
	a, c, ch := v.c.air, v.c, &v.chain
	a.trace(c, nil, "ADV_EXT_IND", "SID %d", v.SID)
	ch.cut()
	for _, other := range a.controllers {
		if other == c {
			continue
		}
		f := &follower{c: other, scans: other.scanner.extended && other.hears(v.PrimaryPHY),
			connects: other.initiator.extended && other.listensFor(v.PrimaryPHY), since: other.scanner.since}
		if (f.scans || f.connects) && !a.loses(c, other) {
			ch.followers = append(ch.followers, f)
		}
	}
	if len(ch.followers) == 0 {
		return
	}
	ch.begun, ch.response, ch.rest = false, false, v.data
	first := primaries * airtime(extIndOctets, v.PrimaryPHY)
	if ch.until = a.now; !a.config.Instant {
		ch.until += first + auxTime(len(v.data), v.SecondaryPHY)
		if v.scannable() {
			ch.until += airtime(auxRequest, v.SecondaryPHY) + auxTime(len(v.response), v.SecondaryPHY)
		}
	}
	ch.after(first)
}

// after sets the next packet behind one that takes that long.
func (ch *chain) after(busy time.Duration) {
	a := ch.v.c.air
	at := a.now
	if !a.config.Instant {
		at += busy + minFrameSpace
	}
	a.set(&ch.next, at)
}

// cut ends the chain before its end: whoever was told a part is told that it was the last.
func (ch *chain) cut() {
	ch.v.c.air.unset(&ch.next)
	for _, f := range ch.followers {
		f.lost()
	}
	ch.followers, ch.until = nil, 0
}

// send is one auxiliary packet.
func (ch *chain) send() {
	v, a := ch.v, ch.v.c.air
	if !v.c.onAir() {
		ch.cut()
		return
	}
	data := ch.rest[:min(len(ch.rest), maxAuxData)]
	ch.rest = ch.rest[len(data):]
	a.trace(v.c, nil, ch.name(), "% X", data)
	first := !ch.begun
	ch.begun = true
	all := ch.followers
	ch.followers = nil
	for _, f := range all {
		switch {
		case !f.listening() || a.loses(v.c, f.c):
			f.lost()
			f.scans, f.connects = false, false
		case f.scans && ch.hand(f, first, data):
			ch.followers = append(ch.followers, f)
		}
	}
	for _, f := range all {
		if first && f.connects && f.c.initiates(v) && f.c.connect(v) {
			return
		}
	}
	switch busy := airtime(auxHeader+len(data), v.SecondaryPHY); {
	case len(ch.followers) == 0 || len(ch.rest) == 0 && !ch.asked():
		ch.end()
	case len(ch.rest) == 0:
		ch.begun, ch.response, ch.rest = false, true, v.response
		ch.after(busy)
	default:
		ch.after(busy)
	}
}

// name is what the next packet is called, for traces.
func (ch *chain) name() string {
	switch {
	case ch.begun:
		return "AUX_CHAIN_IND"
	case ch.response:
		return "AUX_SCAN_RSP"
	}
	return "AUX_ADV_IND"
}

// asked tells whether the scan response is still to come: whoever follows a scannable set has asked for it.
func (ch *chain) asked() bool { return ch.v.scannable() && !ch.response }

// end is the end of the event.
func (ch *chain) end() {
	ch.followers = nil
	if v := ch.v; v.maxEvents > 0 && v.events >= v.maxEvents {
		v.limitReached()
	}
}

// hand gives a packet to a scanner, and tells whether it goes on listening.
func (ch *chain) hand(f *follower, first bool, data []byte) (on bool) {
	v := ch.v
	if first && !ch.response {
		if !f.begin(v) {
			return false
		}
		f.c.synchronize(v)
	}
	last := len(ch.rest) == 0
	f.hear(v, data, last)
	if !ch.asked() {
		return !last
	}
	who, _ := f.c.follows(v)
	if scan := f.c.scanner.onPHY(v.PrimaryPHY); scan == nil || !scan.Active || !f.c.asks(v, who, "AUX_SCAN_REQ") {
		return false
	}
	f.report.Type |= hci.ReportScanResponse
	f.deaf = false
	return true
}

// listening tells whether the follower still does what it did when the event began.
func (f *follower) listening() bool {
	f.scans = f.scans && f.c.scanner.on && f.c.scanner.since == f.since
	f.connects = f.connects && f.c.initiator.on
	return f.c.onAir() && (f.scans || f.connects)
}

// begin makes the report that the follower's host gets, if it is to get one.
func (f *follower) begin(v *advertiser) bool {
	who, ok := f.c.follows(v)
	if !ok {
		return false
	}
	f.report = f.c.reportOf(v, who, v.kind())
	return true
}

// hear tells the host of the follower the data of a packet, in as many reports as they need; not what it knows already,
// nor what it is too slow for. Once it was told a part, it is told the rest.
func (f *follower) hear(v *advertiser, data []byte, last bool) {
	c, r := f.c, f.report
	if !f.told && !f.deaf {
		f.deaf = c.duplicate(v, r) || c.tooSlow()
	}
	for !f.deaf {
		r.Data = data[:min(len(data), hci.MaxExtendedReportData)]
		data = data[len(r.Data):]
		f.told = !last || len(data) > 0
		r.Type = r.Type.WithDataStatus(hci.DataStatusComplete)
		if f.told {
			r.Type = r.Type.WithDataStatus(hci.DataStatusMore)
		} else {
			c.note(v, r)
		}
		c.giveReport(r)
		if len(data) == 0 {
			return
		}
	}
}

// lost tells the host that no more comes of what it was told a part of.
func (f *follower) lost() {
	if !f.told || !f.c.scanner.on || f.c.scanner.since != f.since {
		return
	}
	f.told = false
	r := f.report
	r.Type = r.Type.WithDataStatus(hci.DataStatusTruncated)
	f.c.giveReport(r)
}
