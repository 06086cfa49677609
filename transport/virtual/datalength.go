package virtual

import (
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var dataLengthCommands = map[hci.Opcode]command{
	hci.OpLESetDataLength: {length: 6, octet: 33, bit: 6, feature: hci.FeatureLEDataPacketLengthExtension, complete: (*Controller).setDataLength},
	hci.OpLEReadSuggestedDefaultDataLength: {length: 0, octet: 33, bit: 7, feature: hci.FeatureLEDataPacketLengthExtension,
		complete: (*Controller).readSuggestedDataLength},
	hci.OpLEWriteSuggestedDefaultDataLength: {length: 4, octet: 34, bit: 0, feature: hci.FeatureLEDataPacketLengthExtension,
		complete: (*Controller).writeSuggestedDataLength},
	hci.OpLEReadMaximumDataLength: {length: 0, octet: 35, bit: 3, feature: hci.FeatureLEDataPacketLengthExtension, complete: (*Controller).readMaximumDataLength},
}

// lengthState is how much data an end puts into one packet on air.
type lengthState struct {
	now  hci.DataLengths
	wish hci.DataLength // to send
}

// maxLength is the longest packet of a controller on this radio. Its time is that on the slowest PHY that it has.
func (c *Controller) maxLength() hci.DataLength {
	if c.has(hci.FeatureLECodedPHY) {
		return hci.DataLength{Octets: hci.MaxDataOctets, Time: hci.MaxDataTime}
	}
	return hci.DataLength{Octets: hci.MaxDataOctets, Time: timeOf(hci.MaxDataOctets, hci.LE1M)}
}

// timeOf is the time of a packet with that much data, in microseconds.
func timeOf(octets int, phy hci.PHY) uint16 {
	return uint16(airtime(octets, phy) / time.Microsecond)
}

// newLength is that of a link which begins with n octets in each direction.
func (c *Controller) newLength(n int) lengthState {
	d := hci.DataLength{Octets: uint16(n), Time: timeOf(n, hci.LE1M)}
	return lengthState{now: hci.DataLengths{TX: d, RX: d}, wish: most(c.suggested, d)}
}

// maxData is how much data the end puts into one packet.
func (e *end) maxData() int { return within(e.length.now.TX, e.phy.tx) }

// validLength tells whether a length is within its range (Vol 4, Part E, 7.8.33).
func validLength(d hci.DataLength) bool {
	return inRange(d.Octets, d.Octets, hci.MinDataOctets, hci.MaxDataOctets) && inRange(d.Time, d.Time, hci.MinDataTime, hci.MaxDataTime)
}

func (c *Controller) setDataLength(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetDataLength(p)
	e, r, status := c.endOf(p, r)
	switch {
	case err != nil, !validLength(q.TX):
		return r, hci.InvalidHCICommandParameters
	case status != hci.Success:
		return r, status
	}
	e.length.wish = q.TX
	c.afterwards(e.updateLength)
	return r, hci.Success
}

// updateLength tells the other side of this one's lengths, unless it is about to.
func (e *end) updateLength() {
	if e.gone || e.at(dataLengthUpdate) {
		return
	}
	e.begin(dataLengthUpdate, func() { e.queue(pdu{op: llLengthReq, lengths: e.lengths()}) })
}

// lengths are what an end wants to send and can receive.
func (e *end) lengths() hci.DataLengths {
	longest := e.c.maxLength()
	return hci.DataLengths{TX: least(e.length.wish, longest), RX: longest}
}

func lengthsText(p pdu) string {
	return fmt.Sprintf("TX %d octets in %d µs, RX %d in %d", p.lengths.TX.Octets, p.lengths.TX.Time, p.lengths.RX.Octets, p.lengths.RX.Time)
}

func (e *end) receiveLengthReq(p pdu) {
	e.queue(pdu{op: llLengthRsp, lengths: e.lengths()})
	e.agree(p.lengths)
}

func (e *end) receiveLengthRsp(p pdu) {
	e.answered()
	e.agree(p.lengths)
	e.finish()
}

// agree takes the smaller of both sides' in each direction, and tells the host of a change (Vol 6, Part B, 5.1.9).
func (e *end) agree(peer hci.DataLengths) {
	own := e.lengths()
	now := hci.DataLengths{TX: least(own.TX, peer.RX), RX: least(own.RX, peer.TX)}
	if now == e.length.now {
		return
	}
	e.length.now = now
	e.c.give(hci.LEDataLengthChange{Handle: e.handle, DataLengths: now})
}

func most(a, b hci.DataLength) hci.DataLength {
	return hci.DataLength{Octets: max(a.Octets, b.Octets), Time: max(a.Time, b.Time)}
}

func least(a, b hci.DataLength) hci.DataLength {
	return hci.DataLength{Octets: min(a.Octets, b.Octets), Time: min(a.Time, b.Time)}
}

// within is how much data fits into a length on a PHY; 27 octets do on any (Vol 6, Part B, 4.5.10).
func within(d hci.DataLength, phy hci.PHY) int {
	n := int(d.Octets)
	for n > hci.MinDataOctets && timeOf(n, phy) > d.Time {
		n--
	}
	return n
}

func (c *Controller) readSuggestedDataLength(_, r []byte) ([]byte, hci.Status) {
	return c.suggested.AppendTo(r), hci.Success
}

func (c *Controller) writeSuggestedDataLength(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLEWriteSuggestedDefaultDataLength(p)
	if err != nil || !validLength(q.TX) {
		return r, hci.InvalidHCICommandParameters
	}
	c.suggested = q.TX
	return r, hci.Success
}

func (c *Controller) readMaximumDataLength(_, r []byte) ([]byte, hci.Status) {
	return hci.DataLengths{TX: c.maxLength(), RX: c.maxLength()}.AppendTo(r), hci.Success
}
