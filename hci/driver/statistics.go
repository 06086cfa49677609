package driver

import "sync/atomic"

// Statistics is what a controller and its driver have done since it was opened, what was dropped and why, and what
// there is now.
type Statistics struct {
	// What went over the transport.
	Commands uint64  // sent; of those,
	Returns  uint64  // Host Number Of Completed Packets
	Events   uint64  // received
	Sent     Traffic // ACL data
	Received Traffic // ACL data

	// What was heard.
	Reports          uint64 // advertisements, the parts of each joined; of those,
	ReportsTruncated uint64 // that lack a part
	PeriodicReports  uint64 // of periodic advertising, joined likewise

	// What there is now, and the most there has been.
	Connections  int
	Syncs        int // periodic advertising that is followed
	Buffers      int // ACL buffers of the controller
	BuffersFree  int // of those, by our account
	Waiting      int // commands that wait for the controller's room
	MostWaiting  int
	Withheld     int // ACL packets that the controller has not been told are dealt with, with Info.HostFlow
	MostWithheld int
	MostUnread   int // packets that waited for the loop, of those that were read

	// What was not as it should be.
	Malformed         uint64 // packets and events that could not be parsed
	UnknownEvents     uint64
	UnknownPackets    uint64 // packet types that are not for us
	UnknownHandles    uint64 // ACL, completions and events for connections that are not there
	Early             uint64 // ACL packets that waited for their connection to be announced
	UnexpectedAnswers uint64 // answers to commands that nobody sent
	ReturnsRefused    uint64 // Host Number Of Completed Packets that the controller answered
	ExcessCompletions uint64 // more completed packets than were sent
	BufferOverflows   uint64 // the controller says that we sent too much
}

// Traffic is ACL data: packets, and the octets in them without their headers.
type Traffic struct{ Packets, Octets uint64 }

func (t *Traffic) add(octets int) {
	t.Packets++
	t.Octets += uint64(octets)
}

// written is what the writer has sent; only it writes here.
type written struct{ commands, returns, packets, octets atomic.Uint64 }

// Statistics reports the counters. It may not be called on the loop, which it waits for.
func (c *Controller) Statistics() (s Statistics, err error) {
	err = c.onLoop(func() {
		s = c.stats
		s.UnknownHandles += c.early.dropped
		s.Connections, s.Syncs = len(c.conns), len(c.syncs)
	})
	w := &c.written
	s.Commands, s.Returns = w.commands.Load(), w.returns.Load()
	s.Sent = Traffic{w.packets.Load(), w.octets.Load()}
	c.out.describe(&s)
	return s, err
}

// describe says what the outbox holds.
func (o *outbox) describe(s *Statistics) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.Buffers, s.BuffersFree = o.total, o.buffers
	s.Waiting, s.MostWaiting = len(o.queue), o.mostQueued
	s.Withheld, s.MostWithheld = o.host.out, o.host.most
}

// Connections is how many connections are in the table. It may not be called on the loop, which it waits
// for.
func (c *Controller) Connections() (n int, err error) {
	err = c.onLoop(func() { n = len(c.conns) })
	return n, err
}

// Credits tells how many ACL buffers the controller has free, by our account, and how many it has.
func (c *Controller) Credits() (free, total int) { return c.out.credits() }
