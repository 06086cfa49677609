package l2cap

import "slices"

// source is who has PDUs to send. Its methods are called under Mux.mu.
type source interface {
	// front is the next PDU that may go, header included, good until sent; nil when there is none.
	front() []byte
	// sent tells that the last fragment of front has gone out.
	sent()
}

// schedule is the order in which PDUs go out. It is guarded by Mux.mu.
type schedule struct {
	urgent  []source // first, in this order
	waiting []source // then, in turn
	turn    int
	from    source // whose PDU is being sent
	partial []byte // what is left of it
}

// pick chooses the next PDU.
func (s *schedule) pick() bool {
	if slices.ContainsFunc(s.urgent, s.begin) {
		return true
	}
	for i := range s.waiting {
		at := (s.turn + i) % len(s.waiting)
		if s.begin(s.waiting[at]) {
			s.turn = at + 1
			return true
		}
	}
	return false
}

func (s *schedule) begin(from source) bool {
	pdu := from.front()
	if pdu == nil {
		return false
	}
	s.from, s.partial = from, pdu
	return true
}

// add gives a source its turn among those that wait.
func (s *schedule) add(from source) { s.waiting = append(s.waiting, from) }

// remove takes a source out; what of it is being sent goes on to its end.
func (s *schedule) remove(from source) {
	for i, w := range s.waiting {
		if w == from {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return
		}
	}
}

// NextFragment copies the next fragment to go out into b and tells its length, 0 when there is none, and
// whether it is the first of its PDU. The controller's writer calls it, with b as long as Link.MTU.
func (m *Mux) NextFragment(b []byte) (n int, start bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return 0, false
	}
	s := &m.schedule
	if s.from == nil {
		if !s.pick() {
			return 0, false
		}
		start = true
	}
	n = copy(b, s.partial)
	s.partial = s.partial[n:]
	if len(s.partial) == 0 {
		done := s.from
		s.from, s.partial = nil, nil
		done.sent()
	}
	return n, start
}
