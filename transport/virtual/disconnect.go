package virtual

import (
	"github.com/jelling-ble/jelling/hci"
)

var linkCommands = map[hci.Opcode]command{
	hci.OpDisconnect: {length: 3, octet: 0, bit: 5, status: (*Controller).disconnect},
}

// mayDisconnect tells the reasons that Disconnect takes (Vol 4, Part E, 7.1.6).
func mayDisconnect(reason hci.Status) bool {
	switch reason {
	case hci.AuthenticationFailure, hci.RemoteUserTerminatedConnection, hci.RemoteDeviceLowResources, hci.RemoteDevicePowerOff,
		hci.UnsupportedRemoteFeature, hci.PairingWithUnitKeyNotSupported, hci.UnacceptableConnectionParameters:
		return true
	}
	return false
}

func (c *Controller) disconnect(p []byte) hci.Status {
	q, err := hci.ParseDisconnect(p)
	e := c.find(q.Handle)
	switch {
	case err != nil, !mayDisconnect(q.Reason):
		return hci.InvalidHCICommandParameters
	case e == nil:
		return hci.UnknownConnectionIdentifier
	case e.leaving:
		return hci.CommandDisallowed
	}
	e.terminate(q.Reason)
	return hci.Success
}

// terminate asks the other side to end the link, behind the data that is in the controller. It does not wait for
// longer than the supervision time-out (Vol 6, Part B, 5.1.6).
func (e *end) terminate(reason hci.Status) {
	if e.leaving {
		return
	}
	e.leaving = true
	e.air().set(&e.response, e.air().now+e.link.timeout())
	e.queueBehindData(pdu{op: llTerminateInd, reason: reason})
}

// receiveTerminate ends the link on this side; its acknowledgement does so on the other (Vol 6, Part B, 5.1.6).
func (e *end) receiveTerminate(p pdu) { e.leave(p.reason) }
