package virtual

// Counters is what a controller has counted since it was made.
type Counters struct {
	// What the host did wrong. A host that is right leaves these at zero.
	CommandsOverCredit int // commands sent without a command credit, and lost
	ACLOverCredit      int // ACL packets sent without a buffer, lost and answered by Data Buffer Overflow
	HostExcess         int // Host Number Of Completed Packets for more than it was given
	ACLUnknownHandle   int // ACL packets for a handle that never was, or whose end the host had been told
	Malformed          int // packets that are none, or that no host may send

	// What went on.
	Commands       int // commands taken
	ACLFromHost    int // ACL packets taken
	ACLCompleted   int // of those, acknowledged by the other side and given back by Number Of Completed Packets
	ACLFlushed     int // of those, lost with their link
	ACLToHost      int // ACL packets given to the host
	HostCompleted  int // of those, given back by Host Number Of Completed Packets
	ReportsDropped int // advertising reports that found the host too slow
	EventsDropped  int // other packets that found the host too slow

	// What there is now.
	Links       int // connections
	ACLBuffered int // ACL packets of the host that wait in the controller
	ACLUnread   int // ACL packets that the host has not read
	HostHeld    int // ACL packets that the host has not given back, with flow control towards it
}

// Counters is a snapshot.
func (c *Controller) Counters() Counters {
	c.air.enter()
	defer c.air.leave()
	n := c.counters
	n.Links, n.ACLBuffered, n.HostHeld = len(c.ends), c.buffered, c.hostFlow.used
	if c.conn != nil {
		n.ACLUnread = c.conn.queue.acl
	}
	return n
}
