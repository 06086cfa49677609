package att

import "sync/atomic"

// Stats counts what was not as it should be on one bearer, since it began.
type Stats struct {
	Malformed     uint64 // PDUs against their definition or longer than the MTU; an answer is its caller's error instead
	Unsupported   uint64 // PDUs with an unknown opcode, whether refused or ignored
	Unexpected    uint64 // responses and confirmations that nobody asked for, indications before a confirmation
	Dropped       uint64 // requests and commands for which the queue had no room
	Unwanted      uint64 // notifications and indications with no callback to go to
	RepliesLost   uint64 // responses and confirmations that the bearer refused
	HandlerFaults uint64 // answers of a Handler that were no response to the request, or too long
}

// counters are the Stats while they change.
type counters struct {
	malformed, unsupported, unexpected, dropped, unwanted, repliesLost, handlerFaults atomic.Uint64
}

// Stats are the counters now.
func (c *Conn) Stats() Stats {
	n := &c.counters
	return Stats{
		Malformed:     n.malformed.Load(),
		Unsupported:   n.unsupported.Load(),
		Unexpected:    n.unexpected.Load(),
		Dropped:       n.dropped.Load(),
		Unwanted:      n.unwanted.Load(),
		RepliesLost:   n.repliesLost.Load(),
		HandlerFaults: n.handlerFaults.Load(),
	}
}
