package driver

import "github.com/jelling-ble/jelling/hci"

// handleCommandComplete ends a command, and tells how many more the controller takes.
func (c *Controller) handleCommandComplete(b []byte) error {
	e, err := hci.ParseCommandComplete(b)
	if err != nil {
		return err
	}
	if c.phase == resetting {
		if e.Opcode != hci.OpReset {
			return nil
		}
		c.phase = starting
	}
	cmd := c.out.answered(e.Opcode, int(e.NumPackets), true)
	if cmd == nil {
		c.countUnexpected(e.Opcode)
		return nil
	}
	status, err := hci.ReturnStatus(e.Opcode, e.Return)
	switch {
	case err != nil:
		cmd.done(nil, &CommandError{e.Opcode, err})
		return err
	case status != hci.Success:
		cmd.done(nil, &CommandError{e.Opcode, status})
	default:
		cmd.done(e.Return[1:], nil)
	}
	return nil
}

// handleCommandStatus takes an error as the answer to any command, since controllers answer unknown ones so.
// Success ends a command whose result comes by an event, or of which we do not know better; others still
// need their Command Complete.
func (c *Controller) handleCommandStatus(b []byte) error {
	e, err := hci.ParseCommandStatus(b)
	if err != nil {
		return err
	}
	if c.phase == resetting && e.Opcode != hci.OpReset {
		return nil
	}
	final := e.Status != hci.Success || hci.AnsweredByStatus(e.Opcode) || !e.Opcode.Known()
	cmd := c.out.answered(e.Opcode, int(e.NumPackets), final)
	switch {
	case cmd == nil:
		c.countUnexpected(e.Opcode)
	case e.Status != hci.Success:
		cmd.done(nil, &CommandError{e.Opcode, e.Status})
	case final:
		cmd.done(nil, nil)
	}
	return nil
}

// countUnexpected counts an answer that nobody asked for, unless it only tells the room for commands. Host Number Of
// Completed Packets is answered where the controller does not like it, as when a connection ends in that moment.
func (c *Controller) countUnexpected(op hci.Opcode) {
	switch op {
	case hci.OpNone:
	case hci.OpHostNumberOfCompletedPackets:
		c.stats.ReturnsRefused++
	default:
		c.stats.UnexpectedAnswers++
	}
}
