package virtual

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// morePHYs are the features of a controller that knows how to change PHYs.
const morePHYs = hci.FeatureLE2MPHY | hci.FeatureLECodedPHY

var phyCommands = map[hci.Opcode]command{
	hci.OpLEReadPHY:       {length: 2, octet: 35, bit: 4, feature: morePHYs, complete: (*Controller).readPHY},
	hci.OpLESetDefaultPHY: {length: 3, octet: 35, bit: 5, feature: morePHYs, complete: (*Controller).setDefaultPHY},
	hci.OpLESetPHY:        {length: 7, octet: 35, bit: 6, feature: morePHYs, status: (*Controller).setPHY},
}

// phyState is an end's part in the PHYs of the link.
type phyState struct {
	tx   hci.PHY // that it sends by
	wish phyWish
}

// phyWish is what the host wants; none of a direction stands for any.
type phyWish struct{ tx, rx hci.PHYs }

// phys are those that the controller can.
func (c *Controller) phys() hci.PHYs {
	all := hci.PHYsOf(hci.LE1M)
	if c.has(hci.FeatureLE2MPHY) {
		all |= hci.PHYsOf(hci.LE2M)
	}
	if c.has(hci.FeatureLECodedPHY) {
		all |= hci.PHYsOf(hci.LECoded)
	}
	return all
}

// wished reads a preference (Vol 4, Part E, 7.8.48).
func (c *Controller) wished(q hci.PHYPreference) (w phyWish, status hci.Status) {
	const known = 1<<hci.LECoded - 1
	for i, d := range []struct {
		from hci.PHYs
		to   *hci.PHYs
	}{{q.TX, &w.tx}, {q.RX, &w.rx}} {
		switch {
		case q.AllPHYs>>i&1 != 0:
			continue
		case d.from == 0 || d.from > known:
			return w, hci.InvalidHCICommandParameters
		case d.from&^c.phys() != 0:
			return w, hci.UnsupportedFeatureOrParameter
		}
		*d.to = d.from
	}
	return w, hci.Success
}

// any is a wish in which no preference has become all that the controller can.
func (c *Controller) any(w phyWish) (tx, rx hci.PHYs) {
	if tx = w.tx; tx == 0 {
		tx = c.phys()
	}
	if rx = w.rx; rx == 0 {
		rx = c.phys()
	}
	return tx, rx
}

func (c *Controller) readPHY(p, r []byte) ([]byte, hci.Status) {
	e, r, status := c.endOf(p, r)
	if status != hci.Success {
		return append(r, 0, 0), status
	}
	return append(r, byte(e.phy.tx), byte(e.peer().phy.tx)), hci.Success
}

// endOf finds the link that a command with more than a handle is for; its return parameters begin with the handle.
func (c *Controller) endOf(p, r []byte) (*end, []byte, hci.Status) {
	r = append(r, p[:2]...)
	handle := binary.LittleEndian.Uint16(p)
	if e := c.find(handle); e != nil {
		return e, r, hci.Success
	}
	if handle > hci.MaxHandle {
		return nil, r, hci.InvalidHCICommandParameters
	}
	return nil, r, hci.UnknownConnectionIdentifier
}

func (c *Controller) setDefaultPHY(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetDefaultPHY(p)
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	wish, status := c.wished(q.PHYPreference)
	if status == hci.Success {
		c.phyWish = wish
	}
	return r, status
}

func (c *Controller) setPHY(p []byte) hci.Status {
	q, err := hci.ParseLESetPHY(p)
	wish, status := c.wished(q.PHYPreference)
	e := c.find(q.Handle)
	switch {
	case err != nil:
		return hci.InvalidHCICommandParameters
	case e == nil:
		return hci.UnknownConnectionIdentifier
	case status != hci.Success:
		return status
	case e.at(phyUpdate) || e.leaving:
		return hci.CommandDisallowed
	}
	e.phy.wish = wish
	e.begin(phyUpdate, func() {
		tx, rx := c.any(wish)
		e.queue(pdu{op: llPHYReq, tx: tx, rx: rx})
	})
	return hci.Success
}

func phyText(p pdu) string { return fmt.Sprintf("TX %03b, RX %03b", byte(p.tx), byte(p.rx)) }

// receivePHYReq is the other side's wish. The central decides; the peripheral tells its own first (Vol 6, Part B, 5.1.10).
func (e *end) receivePHYReq(p pdu) {
	if !e.meets(phyUpdate, p.op) {
		return
	}
	if e.role == hci.Central {
		e.decidePHY(p)
		return
	}
	tx, rx := e.c.any(e.phy.wish)
	e.queue(pdu{op: llPHYRsp, tx: tx, rx: rx})
}

func (e *end) receivePHYRsp(p pdu) {
	e.answered()
	e.decidePHY(p)
}

// decidePHY is the central's choice among what both want, given the peripheral's part: nothing, where they want nothing
// of the same or have it.
func (e *end) decidePHY(p pdu) {
	tx, rx := e.c.any(e.phy.wish)
	e.queue(pdu{op: llPHYUpdateInd, tx: choosePHY(tx&p.rx, e.phy.tx), rx: choosePHY(rx&p.tx, e.peer().phy.tx)})
}

// choosePHY is the fastest of all, as a set of one, or none where that is the one in use.
func choosePHY(all hci.PHYs, now hci.PHY) hci.PHYs {
	for _, p := range []hci.PHY{hci.LE2M, hci.LE1M, hci.LECoded} {
		if all.Has(p) {
			if p == now {
				return 0
			}
			return hci.PHYsOf(p)
		}
	}
	return 0
}

// receivePHYUpdate is the central's choice.
func (e *end) receivePHYUpdate(p pdu) {
	if p.tx|p.rx == 0 {
		e.answered()
		e.link.updatePHY(p)
		e.link.procedureOver()
		return
	}
	e.receiveInstant(p)
}

// updatePHY is at the instant. Each host is told that has asked, or has another PHY now (Vol 4, Part E, 7.7.65.12).
func (l *link) updatePHY(p pdu) {
	l.central.phy.change(p.tx)
	l.peripheral.phy.change(p.rx)
	for _, e := range l.ends() {
		if !e.gone && (e.procedures.own == phyUpdate || p.tx|p.rx != 0) {
			e.givePHY(hci.Success)
		}
	}
}

// change sets the one PHY of a set, if there is one in it.
func (s *phyState) change(to hci.PHYs) {
	for p := hci.LE1M; p <= hci.LECoded; p++ {
		if to.Has(p) {
			s.tx = p
		}
	}
}

func (e *end) phyRefused(reason hci.Status) {
	e.givePHY(reason)
	e.finish()
}

func (e *end) givePHY(status hci.Status) {
	e.c.give(hci.LEPHYUpdateComplete{Status: status, ConnectionPHY: hci.ConnectionPHY{Handle: e.handle, TX: e.phy.tx, RX: e.peer().phy.tx}})
}

// airtime is how long a packet with n octets of payload takes (Vol 6, Part B, 2.1 and 2.2): preamble, access address,
// header and CRC, and for what is not empty a MIC.
func airtime(n int, phy hci.PHY) time.Duration {
	const header, crc, mic = 2, 3, 4
	if n > 0 {
		n += mic
	}
	switch phy {
	case hci.LE2M: // two octets of preamble and four of address, 4 µs each
		return time.Duration(2+4+header+n+crc) * 4 * time.Microsecond
	case hci.LECoded: // preamble, address, coding indicator, term 1; then 8 µs a bit, with three of term 2
		return 376*time.Microsecond + time.Duration((header+n+crc)*8+3)*8*time.Microsecond
	}
	return time.Duration(1+4+header+n+crc) * 8 * time.Microsecond
}
