package virtual

import (
	"fmt"
	"io"
	"maps"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// ControllerConfig configures a Controller. The zero value works.
type ControllerConfig struct {
	// Name is what traces and errors call the controller. If empty, its address.
	Name string
	// Address is the public device address, least significant octet first. If zero, one that no other
	// controller of the air has.
	Address [6]byte
	// Version is the Core Specification's that the controller keeps to, as HCI numbers them: 0x06 is 4.0, 0x0D is
	// 5.4. If zero, 5.4.
	Version uint8
	// Features are the LE features, as in hci.FeatureLEEncryption; a command that is of no use without a feature is
	// not known without. If zero, all those of the version that this package has.
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
	// SharedBuffers makes the controller a dual-mode one whose LE Read Buffer Size answers zero, so that the
	// host has to ask Read Buffer Size.
	SharedBuffers bool
	// PDULength is how much data one packet on air holds when a link begins, 27 to 251 octets; a link takes the
	// smaller of both sides'. If zero, 27. A host may raise it by LE Set Data Length.
	PDULength int
	// AcceptListSize is how many devices the filter accept list holds, at most 255. If zero, 8.
	AcceptListSize int
	// ResolvingListSize is how many devices the resolving list holds, at most 255. If zero, 8; if negative, or without
	// hci.FeatureLLPrivacy in Features, there is no such list, as before Core 4.2.
	ResolvingListSize int
	// AdvertisingSets is how many advertising sets the extended commands can make, at most 240. If zero, 8.
	AdvertisingSets int
	// MaxAdvertisingData is how much data each of them holds, 31 to 1650 octets. If zero, 1650.
	MaxAdvertisingData int
	// Links is how many connections there may be at once. If zero, 64.
	Links int
	// RSSI is how strongly others hear this controller, in dBm. If zero, -50.
	RSSI int8
	// TXPower is how strongly the controller sends, in dBm.
	TXPower int8
	// States are the combinations of states that the controller can be in, as LE Read Supported States tells them.
	// If zero, every one. It refuses to enter any other (0x0C).
	States uint64
}

const (
	minPDULength, maxPDULength         = 27, 251
	minACLLength, maxACLLength         = minPDULength, 1021
	defaultACLLength, defaultACLBuffer = 251, 8
)

// withDefaults fills in what is zero and brings the rest into its range.
func (f ControllerConfig) withDefaults() ControllerConfig {
	between := func(v *int, low, high, zero int) {
		if *v == 0 {
			*v = zero
		}
		*v = min(max(*v, low), high)
	}
	if f.Version == 0 {
		f.Version = version54
	}
	if f.Features == 0 {
		f.Features = featuresOf(f.Version)
	}
	if f.States == 0 {
		f.States = supportedStates
	}
	between(&f.CommandPackets, 1, 255, 1)
	between(&f.ACLBuffers, 1, 255, defaultACLBuffer)
	between(&f.ACLLength, minACLLength, maxACLLength, defaultACLLength)
	between(&f.PDULength, minPDULength, maxPDULength, minPDULength)
	between(&f.AcceptListSize, 1, 255, 8)
	if f.ResolvingListSize < 0 {
		f.Features &^= hci.FeatureLLPrivacy
	}
	between(&f.ResolvingListSize, 0, 255, 8)
	between(&f.AdvertisingSets, 1, maxAdvertisingHandle+1, 8)
	between(&f.MaxAdvertisingData, hci.MaxAdvertisingData, maxAdvertisingData, maxAdvertisingData)
	between(&f.Links, 1, maxLinks, 64)
	if f.RSSI == 0 {
		f.RSSI = -50
	}
	return f
}

// maxLinks is fewer than there are handles, so that none is used again soon.
const maxLinks = 1024

// A Controller is an LE controller on an Air. The air's mutex guards it.
type Controller struct {
	air      *Air
	config   ControllerConfig
	commands map[hci.Opcode]command // those that it knows
	name     string
	address  hci.Address // public
	conn     *conn       // nil while powered off
	counters Counters
	handle   uint16 // the last one given

	dataID, syncHandle uint16 // the last ones given

	fault  faults
	ledger ledger
	after  []func() // what the command being done wants done once it is answered
	event  [258]byte

	state
}

// state is what HCI_Reset and the loss of power take away.
type state struct {
	eventMask, leEventMask uint64
	hostFeatures           uint64  // that the host has spoken for
	random                 [6]byte // the random address
	channels               hci.ChannelMap
	phyWish                phyWish        // of new links
	suggested              hci.DataLength // of new links
	subrating              hci.Subrating  // that peripherals may ask for
	accept                 []hci.Address
	resolving              resolving
	family                 family
	advertiser             *advertiser   // of the legacy commands
	sets                   []*advertiser // of the extended ones
	scanner                scanner
	syncs                  []*synced
	syncAttempt            syncAttempt
	periodicList           []periodicEntry
	transfer               transferMode // of new links
	initiator              initiator
	ends                   []*end
	buffered               int        // ACL packets of the host, in all links' queues
	free                   *aclPacket // buffers not in use
	stalled                bool       // the host leaves too much data unread, or has no room
	hostFlow               hostFlow
}

// Default event masks (Vol 4, Part E, 7.3.1 and 7.8.1).
const (
	defaultEventMask   uint64 = 0x0000_1FFF_FFFF_FFFF
	defaultLEEventMask uint64 = 0x1F
)

// NewController puts a controller on the air, powered off until Conn is called.
func (a *Air) NewController(config ControllerConfig) *Controller {
	a.enter()
	defer a.leave()
	c := &Controller{air: a, config: config.withDefaults(), commands: maps.Clone(commands)}
	n := len(a.controllers) + 1
	c.address = hci.Address{Type: hci.Public, Octets: config.Address}
	if c.address.IsZero() {
		c.address.Octets = [6]byte{byte(n), byte(n >> 8), byte(n >> 16), 'L', 'J', 0x02}
	}
	if c.name = config.Name; c.name == "" {
		c.name = c.address.String()
	}
	maps.DeleteFunc(c.commands, func(_ hci.Opcode, cmd command) bool { return cmd.feature != 0 && c.config.Features&cmd.feature == 0 })
	if c.config.Version < version50 {
		delete(c.commands, hci.OpLESetPrivacyMode) // the resolving list is older
	}
	for _, op := range config.Unsupported {
		delete(c.commands, op)
	}
	c.handle = uint16(n*0x40) % hci.MaxHandle // so that two controllers' handles are hardly ever equal
	c.ledger = newLedger()
	c.setUp()
	a.controllers = append(a.controllers, c)
	return c
}

// setUp makes the alarms and the state that a controller begins with.
func (c *Controller) setUp() {
	c.advertiser = newAdvertiser(c, false)
	c.scanner.timer.fire = c.scanTimer
	c.eventMask, c.leEventMask = defaultEventMask, defaultLEEventMask
	c.channels, c.subrating = allChannels, acceptableSubrate
	c.suggested = hci.DataLength{Octets: hci.MinDataOctets, Time: hci.MinDataTime}
}

// reset loses the state. Peers are not told.
func (c *Controller) reset() {
	for len(c.ends) > 0 {
		c.ends[0].vanish()
	}
	for _, v := range c.allSets() {
		v.stop()
		v.train.stop()
	}
	c.stopScanning()
	for len(c.syncs) > 0 {
		c.syncs[0].drop()
	}
	free := c.free
	c.state = state{free: free}
	c.ledger.closeAll()
	c.setUp()
}

// Format implements fmt.Formatter: a controller prints as its name. What is in it may hold keys.
func (c *Controller) Format(f fmt.State, _ rune) { io.WriteString(f, c.name) }

// Address is the public device address.
func (c *Controller) Address() hci.Address { return c.address }

// Conn is the host's side. The first call powers the controller on; closing the Conn powers it off: its peers lose
// it without a word. A call after that powers it on afresh and returns a new Conn.
func (c *Controller) Conn() transport.Conn {
	c.air.enter()
	defer c.air.leave()
	if c.conn != nil {
		return c.conn
	}
	c.conn = newConn(c)
	c.ledger = newLedger()
	if h := c.conn; c.air.closed {
		c.powerOff(errClosed)
		return h
	}
	return c.conn
}

// powerOff ends the Conn, if there is one, and everything that the controller did.
func (c *Controller) powerOff(why error) {
	if c.conn == nil {
		return
	}
	c.reset()
	c.fault.held = nil
	c.conn.end(why)
	c.conn = nil
}

// onAir tells whether anybody could hear the controller, and it anybody.
func (c *Controller) onAir() bool { return c.conn != nil && !c.fault.silent }

// find is the end of the link with that handle, or nil.
func (c *Controller) find(handle uint16) *end {
	for _, e := range c.ends {
		if e.handle == handle {
			return e
		}
	}
	return nil
}

// newHandle is a handle that has not been used for long.
func (c *Controller) newHandle() uint16 {
	for {
		c.handle = (c.handle + 1) % (hci.MaxHandle + 1)
		if _, used := c.ledger.handles[c.handle]; !used {
			return c.handle
		}
	}
}
