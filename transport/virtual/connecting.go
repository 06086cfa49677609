package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var connectingCommands = map[hci.Opcode]command{
	hci.OpLECreateConnection:       {length: 25, octet: 26, bit: 4, family: legacyFamily, status: (*Controller).createConnection},
	hci.OpLECreateConnectionCancel: {length: 0, octet: 26, bit: 5, complete: (*Controller).cancelConnection},
}

// An initiator is a controller that connects to whom it hears.
type initiator struct {
	hci.LEExtendedCreateConnection // the parameters of the legacy command are put in the same words
	extended                       bool
	since                          time.Duration
	on                             bool
}

// mayLink tells whether there is room for another connection.
func (c *Controller) mayLink() bool {
	return len(c.ends) < c.config.Links && len(c.ledger.handles) < maxLinks
}

func (c *Controller) createConnection(p []byte) hci.Status {
	q, err := hci.ParseLECreateConnection(p)
	filter, peerType := p[4], p[5]
	switch {
	case c.initiator.on:
		return hci.CommandDisallowed
	case err != nil, !inRange(q.ScanWindow, q.ScanInterval, 0x0004, 0x4000), filter > 1, filter == 0 && peerType > 3, !valid(q.Parameters):
		return hci.InvalidHCICommandParameters
	}
	return c.initiate(hci.LEExtendedCreateConnection{UseAcceptList: q.UseAcceptList, OwnAddressType: q.OwnAddressType, Peer: q.Peer,
		Connect: []hci.PHYConnect{{PHY: hci.LE1M, ScanInterval: q.ScanInterval, ScanWindow: q.ScanWindow, Parameters: q.Parameters}}}, false)
}

// initiate begins to connect to whom it hears.
func (c *Controller) initiate(q hci.LEExtendedCreateConnection, extended bool) hci.Status {
	_, status := c.own(q.OwnAddressType)
	switch {
	case !c.mayEnter(initiating):
		return hci.CommandDisallowed
	case status != hci.Success && (q.UseAcceptList || c.hasAddressFor(q.OwnAddressType, q.Peer) != hci.Success):
		return status
	case !c.mayLink() && extended:
		return hci.ConnectionRejectedLimitedResources // Vol 4, Part E, 7.8.66
	case !c.mayLink():
		return hci.ConnectionLimitExceeded
	case !q.UseAcceptList && c.connectedTo(q.Peer):
		return hci.ConnectionAlreadyExists
	}
	c.initiator = initiator{LEExtendedCreateConnection: q, extended: extended, since: c.air.now, on: true}
	c.air.wake()
	return hci.Success
}

// valid tells whether connection parameters are within their ranges and fit each other (Vol 4, Part E, 7.8.12).
func valid(q hci.ConnectionParameters) bool {
	timeout := time.Duration(q.SupervisionTimeout) * timeoutUnit
	slowest := time.Duration(q.Latency+1) * time.Duration(q.IntervalMax) * intervalUnit
	return inRange(q.IntervalMin, q.IntervalMax, 0x0006, 0x0C80) && q.Latency <= 0x01F3 &&
		inRange(q.SupervisionTimeout, q.SupervisionTimeout, 0x000A, 0x0C80) && timeout > 2*slowest && q.MinCELength <= q.MaxCELength
}

func (c *Controller) cancelConnection(_, r []byte) ([]byte, hci.Status) {
	if !c.initiator.on {
		return r, hci.CommandDisallowed
	}
	peer := c.initiator.Peer
	c.initiator.on = false
	c.afterwards(func() {
		c.giveConnectionComplete(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier, Peer: peer})
	})
	return r, hci.Success
}

// connectedTo tells whether there is a connection with the device.
func (c *Controller) connectedTo(a hci.Address) bool {
	for _, e := range c.ends {
		if e.peerAddress() == a || e.who.address == a {
			return true
		}
	}
	return false
}

// initiates tells whether the controller answers the advertisement with a connect request.
func (c *Controller) initiates(v *advertiser) bool {
	i := &c.initiator
	if !v.connectable() {
		return false
	}
	who, listen := c.identify(v.self)
	switch {
	case !listen, v.directed() && !c.meant(v.target, i.OwnAddressType, who), c.connectedTo(who.address):
		return false
	case i.UseAcceptList:
		return c.accepts(who.address)
	}
	return i.Peer == who.address
}

// connect sends a connect request. By CONNECT_IND the central takes it for heard; whether it was shows when the first
// connection event comes, or does not. AUX_CONNECT_REQ is answered, and without an answer the central goes on initiating.
func (c *Controller) connect(v *advertiser) (connected bool) {
	i, to := &c.initiator, v.c
	advertiser, _ := c.identify(v.self)
	self, generated := c.addressFor(i.OwnAddressType, advertiser.address)
	initiator, heard := v.admits(self, filterConnectRequests)
	heard = heard && to.mayLink() && !to.connectedTo(initiator.address) && !c.air.loses(c, to) // Vol 6, Part B, 4.5
	if to.fault.miss > 0 {
		to.fault.miss--
		heard = false
	}
	phy, name := hci.LE1M, "CONNECT_IND"
	if !v.legacy() {
		phy, name = v.SecondaryPHY, "AUX_CONNECT_REQ"
	}
	parameters := i.parameters(phy)
	c.air.trace(c, to, name, "%v, interval %v", self.Text(), time.Duration(parameters.IntervalMax)*intervalUnit)
	if !v.legacy() {
		if !heard {
			return false
		}
		c.air.trace(to, c, "AUX_CONNECT_RSP", "")
	}
	i.on = false
	l := newLink(c, to, self, v.self, parameters)
	l.central.phy.tx, l.peripheral.phy.tx = phy, phy
	l.central.who, l.central.generated = advertiser, generated
	l.peripheral.who, l.peripheral.generated = initiator, v.generated
	l.central.open()
	if heard {
		v.stop()
		l.peripheral.open()
		v.terminated(hci.Success, l.peripheral.handle)
		for _, e := range l.ends() {
			if e.c.suggested.Octets > e.length.now.TX.Octets {
				e.updateLength() // Vol 4, Part E, 7.8.35
			}
		}
	}
	l.schedule()
	return true
}

// open puts the end into its controller and tells the host.
func (e *end) open() {
	e.gone = false
	e.handle = e.c.newHandle()
	e.c.ends = append(e.c.ends, e)
	e.c.ledger.open(e.handle)
	l := e.link
	complete := hci.LEConnectionComplete{Handle: e.handle, Role: e.role, Peer: e.peerAddress(),
		Interval: l.parameters.IntervalMax, Latency: l.parameters.Latency, SupervisionTimeout: l.parameters.SupervisionTimeout}
	if !e.c.wants(hci.EvLEEnhancedConnectionComplete) {
		e.c.give(complete)
		return
	}
	enhanced := hci.LEEnhancedConnectionComplete{LEConnectionComplete: complete, PeerResolvable: e.who.resolvedOctets()}
	enhanced.Peer, enhanced.PeerResolved = e.who.address, e.who.resolved
	if e.generated {
		enhanced.LocalResolvable = e.address.Octets
	}
	e.c.give(enhanced)
}

// giveConnectionComplete tells the host that there is no connection, in the form that its mask asks for.
func (c *Controller) giveConnectionComplete(e hci.LEConnectionComplete) {
	if c.wants(hci.EvLEEnhancedConnectionComplete) {
		c.give(hci.LEEnhancedConnectionComplete{LEConnectionComplete: e})
		return
	}
	c.give(e)
}
