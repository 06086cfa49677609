package driver

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// On USB, events and ACL data come by separate ways, and data has been seen up to 10 ms before the event that
// announces its connection.
const (
	earlyPatience = 100 * time.Millisecond // how long data waits to be announced
	maxEarly      = HostBuffers            // how many packets wait
	maxEnded      = 16                     // how many ended connections are remembered for that
)

// earlyData is ACL data for connections that have not been announced; the loop's.
type earlyData struct {
	packets []earlyPacket
	ended   []endedHandle // the latest, oldest first
	dropped uint64        // packets that waited in vain
}

type earlyPacket struct {
	packet *packet
	handle uint16
	at     time.Time
}

type endedHandle struct {
	handle uint16
	at     time.Time
}

// hold keeps a packet for a connection that may be about to be announced, and tells whether it did. What comes
// right behind the end of a connection is a remainder of it, and not of the next with that handle.
func (e *earlyData) hold(p *packet, handle uint16) bool {
	now := time.Now()
	waiting := len(e.packets)
	e.packets = slices.DeleteFunc(e.packets, func(w earlyPacket) bool { return now.Sub(w.at) > earlyPatience })
	e.dropped += uint64(waiting - len(e.packets))
	if len(e.packets) >= maxEarly || slices.ContainsFunc(e.ended, func(d endedHandle) bool { return d.handle == handle && now.Sub(d.at) <= earlyPatience }) {
		return false
	}
	e.packets = append(e.packets, earlyPacket{p, handle, now})
	return true
}

// end notes the end of a connection.
func (e *earlyData) end(handle uint16) {
	if len(e.ended) == maxEnded {
		e.ended = slices.Delete(e.ended, 0, 1)
	}
	e.ended = append(e.ended, endedHandle{handle, time.Now()})
}

// deliverEarly hands on what came before its connection was announced.
func (c *Controller) deliverEarly(handle uint16) {
	if len(c.early.packets) == 0 || c.conns[handle] == nil {
		return
	}
	now := time.Now()
	c.early.packets = slices.DeleteFunc(c.early.packets, func(w earlyPacket) bool {
		if w.handle != handle {
			return false
		}
		if p, err := hci.ParseACL(w.packet.b[1:w.packet.n]); err == nil && now.Sub(w.at) <= earlyPatience {
			c.handleACL(p)
		} else {
			c.early.dropped++
		}
		return true
	})
}
