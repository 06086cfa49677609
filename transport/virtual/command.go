package virtual

import (
	"maps"
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

// A command is how the controller does one. Exactly one of its functions is there: it says whether the command is
// answered by Command Complete, by Command Status, or not at all.
type command struct {
	length     int    // of the parameters
	longer     bool   // they are at least that long
	family     family // which others it must not be mixed with
	octet, bit int    // in Supported Commands (Vol 4, Part E, 6.27)
	feature    uint64 // a controller without any of these does not know it; zero for none

	// complete does the command and appends its return parameters, without the status, to r.
	complete func(c *Controller, p []byte, r []byte) ([]byte, hci.Status)
	// status begins the command; an event ends it.
	status func(c *Controller, p []byte) hci.Status
	// unanswered does a command that takes no credit, is of any length, and is answered only if it fails.
	unanswered func(c *Controller, p []byte) hci.Status
}

// commands is every command there is. Each part of the controller has its own in a table beside it.
var commands = merge(basicCommands, advertisingCommands, scanningCommands, connectingCommands, acceptListCommands,
	resolvingCommands, linkCommands, hostFlowCommands, parameterCommands, remoteCommands, encryptionCommands, featureCommands,
	phyCommands, dataLengthCommands, channelCommands, subrateCommands, powerCommands,
	extendedAdvertisingCommands, extendedScanningCommands, extendedConnectingCommands,
	periodicAdvertisingCommands, periodicSyncCommands, periodicListCommands, periodicTransferCommands)

func merge(tables ...map[hci.Opcode]command) map[hci.Opcode]command {
	all := map[hci.Opcode]command{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// A heldCommand waits for HoldCommands(false).
type heldCommand struct {
	op         hci.Opcode
	parameters []byte
}

// takeCommand does a command of the host, or keeps it.
func (c *Controller) takeCommand(f hci.CommandFrame) {
	if cmd := c.commands[f.Opcode]; cmd.unanswered != nil {
		c.counters.Commands++
		if status := cmd.unanswered(c, f.Parameters); status != hci.Success {
			c.give(hci.CommandComplete{NumPackets: c.commandCredit(), Opcode: f.Opcode, Return: []byte{byte(status)}})
		}
		return
	}
	if c.ledger.commands <= 0 {
		c.counters.CommandsOverCredit++
		return
	}
	c.ledger.commands--
	c.counters.Commands++
	if c.fault.hold {
		c.fault.held = append(c.fault.held, heldCommand{f.Opcode, slices.Clone(f.Parameters)})
		return
	}
	c.do(f.Opcode, f.Parameters)
}

// do does a command and answers it.
func (c *Controller) do(op hci.Opcode, p []byte) {
	cmd, known := c.commands[op]
	status, r := hci.Success, []byte(nil)
	refused, refuse := c.fault.refuse[op]
	delete(c.fault.refuse, op)
	switch {
	case refuse:
		status = refused
	case !known:
		status = hci.UnknownHCICommand
	case len(p) < cmd.length || len(p) > cmd.length && !cmd.longer:
		status = hci.InvalidHCICommandParameters
	case !c.inFamily(cmd.family):
		status = hci.CommandDisallowed
	case cmd.complete != nil:
		r, status = cmd.complete(c, p, nil)
	default:
		status = cmd.status(c, p)
	}
	if known && cmd.status != nil || !known {
		c.give(hci.CommandStatus{Status: status, NumPackets: c.commandCredit(), Opcode: op})
	} else {
		c.give(hci.CommandComplete{NumPackets: c.commandCredit(), Opcode: op, Return: append([]byte{byte(status)}, r...)})
	}
	after := c.after
	c.after = nil
	for _, f := range after {
		f()
	}
}

// commandCredit is how many commands there is room for.
func (c *Controller) commandCredit() uint8 {
	return uint8(max(c.config.CommandPackets-len(c.fault.held), 0))
}

// afterwards does f once the command that is being done has been answered.
func (c *Controller) afterwards(f func()) { c.after = append(c.after, f) }

// give tells the host an event, if its masks let it.
func (c *Controller) give(e hci.EventParameters) { c.giveEvent(hci.AppendEvent(c.event[:0], e)) }

// giveEvent is give for an event in octets, which may lie in c.event.
func (c *Controller) giveEvent(p []byte) {
	if c.allows(p) {
		c.push(p)
	}
}

// allows tells whether the host wants the event.
func (c *Controller) allows(p []byte) bool {
	switch code := hci.EventCode(p[1]); code {
	case hci.EvCommandComplete, hci.EvCommandStatus, hci.EvNumberOfCompletedPackets:
		return true // no mask has a bit for them
	case hci.EvLEMeta:
		return c.eventMask&hci.EventMaskLEMeta != 0 && c.wants(hci.Subevent(p[3]))
	default:
		return c.eventMask>>(code-1)&1 != 0
	}
}

// wants tells whether the host wants an LE event.
func (c *Controller) wants(s hci.Subevent) bool { return c.leEventMask>>(s-1)&1 != 0 }
