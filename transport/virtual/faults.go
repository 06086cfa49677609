package virtual

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// faults is what a test has done to a controller. It outlives resets.
type faults struct {
	silent bool
	loss   float64 // the part of packets that get lost
	miss   int     // connect requests not to hear
	hold   bool    // answer no command
	held   []heldCommand
	refuse map[hci.Opcode]hci.Status
}

// SetSilent takes the controller out of everybody's range, in both directions, or brings it back. Links end
// by supervision time-out on both sides when that lasts.
func (c *Controller) SetSilent(silent bool) {
	c.air.enter()
	defer c.air.leave()
	c.fault.silent = silent
	for _, e := range c.ends {
		e.link.schedule()
	}
	c.air.wake()
}

// MissConnectRequests makes the controller not hear the next n connect requests: the central believes in a
// connection that then fails to be established (0x3E).
func (c *Controller) MissConnectRequests(n int) {
	c.air.enter()
	defer c.air.leave()
	c.fault.miss = n
}

// DropLinks ends every link of the controller at once, on both sides, with the reason.
func (c *Controller) DropLinks(reason hci.Status) {
	c.air.enter()
	defer c.air.leave()
	for len(c.ends) > 0 {
		c.ends[0].link.leave(reason)
	}
}

// Restart makes the controller forget everything, as when its power fails for a moment. Neither its host
// nor its peers are told.
func (c *Controller) Restart() {
	c.air.enter()
	defer c.air.leave()
	c.reset()
}

// Unplug ends the Conn from below: its reads and writes fail with an error that wraps transport.ErrGone.
func (c *Controller) Unplug() {
	c.air.enter()
	defer c.air.leave()
	c.powerOff(transport.ErrGone)
}

// HoldCommands makes the controller answer no command until it is called again with false; those that have
// waited are done then, in order.
func (c *Controller) HoldCommands(hold bool) {
	c.air.enter()
	defer c.air.leave()
	c.fault.hold = hold
	for !c.fault.hold && len(c.fault.held) > 0 {
		h := c.fault.held[0]
		c.fault.held = c.fault.held[1:]
		c.do(h.op, h.parameters)
	}
}

// Refuse makes the controller answer the next command of that opcode with the status, and not do it.
func (c *Controller) Refuse(command hci.Opcode, status hci.Status) {
	c.air.enter()
	defer c.air.leave()
	if c.fault.refuse == nil {
		c.fault.refuse = map[hci.Opcode]hci.Status{}
	}
	c.fault.refuse[command] = status
}

// Inject gives the host a packet as if it came from the controller, type octet first, whatever the event masks say:
// hci.AppendEvent(nil, hci.HardwareError{Hardware: 1}). A packet that is empty or longer than transport.MaxPacket
// is not given.
func (c *Controller) Inject(packet []byte) {
	c.air.enter()
	defer c.air.leave()
	if len(packet) > 0 && len(packet) <= transport.MaxPacket {
		c.push(packet)
	}
}
