package virtual

import (
	"encoding/binary"

	"github.com/jelling-ble/jelling/hci"
)

// hostFlow is the controller's account of its host's ACL buffers, for controller-to-host flow control (Vol 4, Part E,
// 4.2). What goes to the host takes a buffer; it is free again by Host Number Of Completed Packets, or with the end of
// its link (4.3). While there is none the link layer acknowledges nothing, so that data waits at its sender.
type hostFlow struct {
	on      bool
	length  int // octets that one buffer holds
	buffers int // none before Host Buffer Size
	used    int
}

var hostFlowCommands = map[hci.Opcode]command{
	hci.OpSetControllerToHostFlowControl: {length: 1, octet: 10, bit: 5, complete: (*Controller).setHostFlow},
	hci.OpHostBufferSize:                 {length: 7, octet: 10, bit: 6, complete: (*Controller).hostBufferSize},
	hci.OpHostNumberOfCompletedPackets:   {octet: 10, bit: 7, unanswered: (*Controller).hostCompleted},
}

// setHostFlow is refused while there is a connection (Vol 4, Part E, 7.3.38). Synchronous data there is none.
func (c *Controller) setHostFlow(p, r []byte) ([]byte, hci.Status) {
	switch {
	case p[0] > byte(hci.FlowControlACLSynchronous):
		return r, hci.InvalidHCICommandParameters
	case len(c.ends) > 0:
		return r, hci.CommandDisallowed
	}
	c.hostFlow.on = p[0]&byte(hci.FlowControlACL) != 0
	return r, hci.Success
}

func (c *Controller) hostBufferSize(p, r []byte) ([]byte, hci.Status) {
	size, err := hci.ParseHostBufferSize(p)
	if err != nil || size.ACLLength < minACLLength || size.ACLPackets == 0 {
		return r, hci.InvalidHCICommandParameters
	}
	c.hostFlow.length, c.hostFlow.buffers = int(size.ACLLength), int(size.ACLPackets)
	return r, hci.Success
}

// hostCompleted takes buffers back. For a link that is over there are none: the host may not know yet.
func (c *Controller) hostCompleted(p []byte) hci.Status {
	if len(p) < 1 || len(p) != 1+4*int(p[0]) {
		return hci.InvalidHCICommandParameters
	}
	status := hci.Success
	for entry := p[1:]; len(entry) > 0; entry = entry[4:] {
		handle, n := binary.LittleEndian.Uint16(entry), int(binary.LittleEndian.Uint16(entry[2:]))
		e := c.find(handle)
		if e == nil {
			continue
		}
		if n > e.hostBuffers {
			c.counters.HostExcess++
			status = hci.InvalidHCICommandParameters
			continue
		}
		e.freeHostBuffers(n)
		c.counters.HostCompleted += n
	}
	if c.stalled {
		c.resume()
	}
	return status
}

func (e *end) freeHostBuffers(n int) {
	e.hostBuffers -= n
	e.c.hostFlow.used -= n
}

// pieceLength is the most that the host takes in one packet.
func (c *Controller) pieceLength() int {
	if c.hostFlow.on {
		return min(c.config.ACLLength, c.hostFlow.length)
	}
	return c.config.ACLLength
}

// hostRoom is how many octets of one link the host takes now, none while it has not said what buffers it has.
func (c *Controller) hostRoom() int {
	if !c.hostFlow.on {
		return maxPDULength
	}
	return max(0, c.hostFlow.buffers-c.hostFlow.used) * c.pieceLength()
}
