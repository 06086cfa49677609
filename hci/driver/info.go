package driver

import "github.com/jelling-ble/jelling/hci"

// Info is what a controller says of itself at start-up.
type Info struct {
	Address    hci.Address // public; zero where it has none
	Version    hci.LocalVersion
	Commands   hci.SupportedCommands
	Features   uint64 // LE features
	States     uint64 // what it does at once, as in hci.StateInitiatingAndCentral; 0 where it does not say
	ACLLength  int    // octets of one fragment
	ACLBuffers int
	AcceptList int  // entries of the filter accept list
	HostFlow   bool // the controller waits for us; see Conn.Throttle

	ResolvingList int // entries of the resolving list; 0 where there is none, or no device privacy mode

	AdvertisingSets    int // that the controller has room for; 1 in the legacy family
	MaxAdvertisingData int // octets of one set's data; 31 in the legacy family
}

// Statistics counts what was dropped and why.
type Statistics struct {
	Malformed         uint64 // packets and events that could not be parsed
	UnknownEvents     uint64
	UnknownPackets    uint64 // packet types that are not for us
	UnknownHandles    uint64 // ACL, completions and events for connections that are not there
	Early             uint64 // ACL packets that waited for their connection to be announced
	UnexpectedAnswers uint64 // answers to commands that nobody sent
	ExcessCompletions uint64 // more completed packets than were sent
	BufferOverflows   uint64 // the controller says that we sent too much
}

// Statistics reports the counters. It may not be called on the loop, which it waits for.
func (c *Controller) Statistics() (s Statistics, err error) {
	err = c.onLoop(func() {
		s = c.stats
		s.UnknownHandles += c.early.dropped
	})
	return s, err
}

// Connections is how many connections are in the table. It may not be called on the loop, which it waits
// for.
func (c *Controller) Connections() (n int, err error) {
	err = c.onLoop(func() { n = len(c.conns) })
	return n, err
}

// Credits tells how many ACL buffers the controller has free, by our account, and how many it has.
func (c *Controller) Credits() (free, total int) { return c.out.credits() }
