package virtual

import (
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// ControllerConfig configures a Controller. The zero value works.
type ControllerConfig struct {
	// Name is what traces call the controller. If empty, its address.
	Name string
	// Address is the public device address, least significant octet first. If zero, one that no other
	// controller of the air has.
	Address [6]byte
	// Features are the LE features, as in hci.FeatureLEEncryption. If zero, encryption and the connection parameters
	// request procedure.
	Features uint64
	// Unsupported are commands that the controller does not know, beside those that this package does not.
	Unsupported []hci.Opcode
	// CommandPackets is how many commands the host may have in flight, at most 255. If zero, 1.
	CommandPackets int
	// ACLBuffers is how many ACL packets of its host the controller holds, at most 255. If zero, 8.
	ACLBuffers int
	// ACLLength is how much data each of them holds, 27 to 1021 octets; also the most that the host is given in
	// one packet. If zero, 251.
	ACLLength int
	// SharedBuffers makes LE Read Buffer Size answer zero, so that the host has to ask Read Buffer Size.
	SharedBuffers bool
	// PDULength is how much data one packet on air holds, 27 to 251 octets; a link takes the smaller of
	// both sides'. If zero, 27.
	PDULength int
	// AcceptListSize is how many devices the filter accept list holds. If zero, 8.
	AcceptListSize int
	// Links is how many connections there may be at once. If zero, 64.
	Links int
	// RSSI is how strongly others hear this controller, in dBm. If zero, -50.
	RSSI int8
}

// A Controller is an LE controller on an Air.
type Controller struct{}

// Address is the public device address.
func (c *Controller) Address() hci.Address { return hci.Address{} }

// Conn is the host's side. The first call powers the controller on; closing the Conn powers it off: its peers lose
// it without a word. A call after that powers it on afresh and returns a new Conn.
func (c *Controller) Conn() transport.Conn { return nil }

// SetSilent takes the controller out of everybody's range, in both directions, or brings it back. Links end
// by supervision time-out on both sides when that lasts.
func (c *Controller) SetSilent(silent bool) {}

// MissConnectRequests makes the controller not hear the next n connect requests: the central believes in a
// connection that then fails to be established (0x3E).
func (c *Controller) MissConnectRequests(n int) {}

// DropLinks ends every link of the controller at once, on both sides, with the reason.
func (c *Controller) DropLinks(reason hci.Status) {}

// Restart makes the controller forget everything, as when its power fails for a moment. Neither its host
// nor its peers are told.
func (c *Controller) Restart() {}

// Unplug ends the Conn from below: its reads and writes fail with an error that wraps transport.ErrGone.
func (c *Controller) Unplug() {}

// HoldCommands makes the controller answer no command until it is called again with false; those that have
// waited are done then, in order.
func (c *Controller) HoldCommands(hold bool) {}

// Refuse makes the controller answer the next command of that opcode with the status, and not do it.
func (c *Controller) Refuse(command hci.Opcode, status hci.Status) {}

// Inject gives the host a packet as if it came from the controller, type octet first, whatever the event masks say:
// hci.AppendEvent(nil, hci.HardwareError{Hardware: 1}).
func (c *Controller) Inject(packet []byte) {}

// Counters is what a controller has counted since it was made.
type Counters struct {
	// What the host did wrong. A host that is right leaves these at zero.
	CommandsOverCredit int // commands sent without a command credit
	ACLOverCredit      int // ACL packets sent without a buffer, dropped and answered by Data Buffer Overflow
	ACLUnknownHandle   int // ACL packets for a handle that never was, or whose end the host had been told
	Malformed          int // packets that are none, or that no host may send

	// What went on.
	Commands       int // commands taken
	ACLFromHost    int // ACL packets taken
	ACLCompleted   int // of those, acknowledged by the other side and given back by Number Of Completed Packets
	ACLFlushed     int // of those, lost with their link
	ACLToHost      int // ACL packets given to the host
	ReportsDropped int // advertising reports that found the host too slow
	EventsDropped  int // other events that found the host too slow

	// What there is now.
	Links       int // connections
	ACLBuffered int // ACL packets of the host that wait in the controller
	ACLUnread   int // ACL packets that the host has not read
}

// Counters is a snapshot.
func (c *Controller) Counters() Counters { return Counters{} }
