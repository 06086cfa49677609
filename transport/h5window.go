package transport

import "time"

// An h5sender keeps the reliable packets that were submitted and not yet acknowledged, in order
// (Vol 4, Part D, 6). Those that were sent before come first. Owner: its h5link.
type h5sender struct {
	queue [h5MaxWindow][]byte // a ring
	first int                 // where in it the oldest stands
	count int                 // how many there are
	seq   byte                // the sequence number of the oldest
	flown int                 // how many were sent at least once
	sent  int                 // how many were sent since the last time-out
	// resend is when all of them are sent again; zero while none is on its way.
	resend time.Time
}

func (s *h5sender) add(slot []byte) {
	s.queue[(s.first+s.count)%len(s.queue)] = slot
	s.count++
}

// next returns the packet to send now if the window has room, its number, and whether it was sent before.
func (s *h5sender) next(window int) (slot []byte, seq byte, again bool) {
	if s.sent == s.count || s.sent >= window {
		return nil, 0, false
	}
	i := s.sent
	s.sent++
	again = i < s.flown
	s.flown = max(s.flown, s.sent)
	return s.queue[(s.first+i)%len(s.queue)], (s.seq + byte(i)) & 7, again
}

// arm sets the time at which what has been sent is sent again.
func (s *h5sender) arm(t time.Time) {
	if s.flown > 0 {
		s.resend = t
	}
}

// tick goes back to the oldest packet when its time has come.
func (s *h5sender) tick(now time.Time) {
	if !s.resend.IsZero() && !now.Before(s.resend) {
		s.sent, s.resend = 0, time.Time{}
	}
}

// acknowledge releases what a peer that expects number ack next has received. It returns how many packets that were, or
// -1 if they were never sent.
func (s *h5sender) acknowledge(ack byte, release func([]byte)) int {
	n := int(ack-s.seq) & 7
	if n > s.flown {
		return -1
	}
	for range n {
		release(s.queue[s.first])
		s.queue[s.first] = nil
		s.first = (s.first + 1) % len(s.queue)
	}
	s.seq = ack
	s.count -= n
	s.flown -= n
	s.sent = max(0, s.sent-n)
	if s.flown == 0 {
		s.resend = time.Time{}
	}
	return n
}

// receive takes octets as they come from the line, in pieces of any length.
func (l *h5link) receive(octets []byte, now time.Time) error {
	l.counters.Octets += len(octets)
	for len(octets) > 0 {
		var frame []byte
		if frame, octets = l.slip.next(octets); frame == nil {
			continue
		}
		p, err := parseH5(frame)
		if err != nil || p.typ == h5Ack && len(p.payload) > 0 {
			l.counters.Damaged++
			continue
		}
		l.counters.Frames++
		if p.typ == h5LinkControl {
			err = l.message(p.payload, now)
		} else {
			err = l.packet(p, now)
		}
		if err != nil {
			return err
		}
	}
	l.counters.Damaged += l.slip.damaged
	l.slip.damaged = 0
	return nil
}

// message handles a link control packet. Its header's numbers mean nothing.
func (l *h5link) message(m []byte, now time.Time) error {
	if len(m) < len(h5message{}) {
		l.counters.Passed++
		return nil
	}
	active := l.state == h5Active
	switch config := m[2:]; h5message(m) {
	case h5Sync:
		if active {
			return l.failure(ErrPeerReset, "SYNC while active")
		}
		l.answerSync = true
		l.forget()
	case h5SyncRsp:
		if l.state == h5Uninitialized {
			l.state, l.beat = h5Initialized, now
		}
	case h5Conf:
		if l.state != h5Uninitialized {
			l.hear(config)
			l.answerConf, l.confOctet = true, len(config) > 0
		}
	case h5ConfRsp:
		if l.state == h5Initialized {
			l.hear(config)
			l.state, l.quiet = h5Active, now
		}
	case h5Wakeup:
		l.asleep, l.answerWake, l.quiet = false, active, now
	case h5Woken:
		l.asleep, l.quiet = false, now
	case h5Sleep:
		if active { // whoever sleeps does without the acknowledgement
			l.asleep, l.ackDue, l.beat = true, false, now
		}
	default:
		l.counters.Passed++
	}
	return nil
}

// packet handles anything else.
func (l *h5link) packet(p h5packet, now time.Time) error {
	if l.state != h5Active {
		l.counters.Passed++
		return nil
	}
	l.asleep = false
	switch n := l.sender.acknowledge(p.ack, l.release); {
	case n < 0:
		l.counters.BadAcks++
	case n > 0:
		l.sender.arm(l.later(now))
		l.progress(now)
	}
	if p.typ == h5Ack && !p.reliable {
		return nil
	}
	l.quiet = now
	if p.reliable && p.seq != l.expected {
		l.counters.Repeated++
		l.ackDue = true
		return nil
	}
	if cause := l.take(p); cause != "" {
		return l.refuse(p, cause)
	}
	if p.reliable {
		l.expected = (l.expected + 1) & 7
		l.ackDue, l.refused = true, 0
	}
	return nil
}

// caughtUp says that the reader is late no more. What was held back is acknowledged, and the peer goes on.
func (l *h5link) caughtUp() { l.ackDue = l.ackDue || l.ack != l.expected }

// take delivers a packet of HCI, and passes over what is none of ours. It returns why it did neither.
func (l *h5link) take(p h5packet) (cause string) {
	h := headerOf(p.typ)
	switch {
	case h.size == 0 || p.typ == l.ours:
		l.counters.Passed++
	case len(p.payload) < h.size:
		return "shorter than its header"
	case len(p.payload) != h.size+h.rest(p.payload):
		return "not as long as its header says"
	case !l.deliver(p.typ, p.payload):
		return h5NoRoom
	}
	return ""
}

const h5NoRoom = "nobody reads"

// refuse drops a packet. If it is reliable it is not acknowledged, and so comes again: whole, if it was damaged on
// the way, and when there is room. One that never comes right ends the link.
func (l *h5link) refuse(p h5packet, cause string) error {
	switch {
	case !p.reliable:
		l.counters.Passed++
		return nil
	case cause != h5NoRoom:
		l.refused++
	}
	l.counters.Refused++
	if l.refused == h5MaxRefused {
		return l.failure(ErrOutOfStep, "a packet of type %d came %d times and is %s", p.typ, l.refused, cause)
	}
	return nil
}
