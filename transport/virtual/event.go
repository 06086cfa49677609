package virtual

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// A flight is the packet that an end sends again in each connection event until it is acknowledged.
type flight struct {
	on      bool
	arrived bool // the other side has it; its acknowledgement is what got lost
	control bool
	pdu     pdu
	octets  int // of payload
}

// event is a connection event: the two take turns until neither has more, the next event is near, or a packet gets
// lost, which ends it (Vol 6, Part B, 4.5.6).
func (l *link) event() {
	n := l.count(l.air.now)
	l.tried = n
	for spent := time.Duration(0); ; {
		took, heard := l.exchange(n)
		if !heard {
			l.missed()
			break
		}
		l.established = true
		l.heard()
		spent += took
		more := l.central.pending() || l.peripheral.pending()
		if l.broken() || !more || !l.air.config.Instant && spent+l.exchangeTime() > l.interval() {
			break
		}
	}
	l.central.giveCompleted()
	l.peripheral.giveCompleted()
	l.schedule()
}

// exchange is one turn of both. What the peripheral sends acknowledges what the central has sent. What it sends itself
// is taken for acknowledged once it is heard: that the acknowledgement, a turn later, may get lost too changes nothing
// that a host could see.
func (l *link) exchange(event int) (took time.Duration, heard bool) {
	c, p := &l.central, &l.peripheral
	down, data := c.load()
	if l.loses() {
		return 0, false // and a peripheral that hears nothing says nothing
	}
	l.last = max(l.last, event)
	c.arrive()
	up, back := p.load()
	if l.loses() {
		return 0, false
	}
	c.acknowledged()
	p.arrive()
	p.acknowledged()
	if data || back {
		l.subrate.active = event
	}
	return airtime(down, c.phy.tx) + airtime(up, p.phy.tx) + 2*interFrameSpace, true
}

// missed is a connection event that came to nothing.
func (l *link) missed() {
	if !l.losing && !l.supervision.on {
		l.losing = true
		l.air.set(&l.supervision, l.deadline())
	}
}

// heard ends what missed began.
func (l *link) heard() {
	if l.losing {
		l.losing = false
		l.air.unset(&l.supervision)
	}
}

// pending tells whether this side has something to send that may be sent.
func (e *end) pending() bool {
	return !e.gone && (e.flight.control || e.flight.arrived || e.nextControl() >= 0 || e.mayData())
}

// load chooses what this end sends, unless it has to send the last packet again. It returns the octets of its payload, and
// whether that is data.
func (e *end) load() (octets int, data bool) {
	if !e.flight.control && !e.flight.arrived {
		e.flight = flight{} // data that nobody has yet is cut anew, by what the other side has room for now
	}
	switch i := e.nextControl(); {
	case e.flight.on:
	case e.gone:
	case i >= 0:
		p := e.control[i]
		e.control = slices.Delete(e.control, i, i+1)
		e.sent(&p)
		e.flight = flight{on: true, control: true, pdu: p, octets: llKinds(p.op).length}
	case e.mayData():
		b := e.data.head
		e.flight = flight{on: true, octets: min(len(b.data)-b.sent, e.maxData(), e.peer().c.hostRoom())}
	}
	return e.flight.octets, e.flight.on && !e.flight.control
}

// arrive is the packet's coming to the other side, which happens once.
func (e *end) arrive() {
	if !e.flight.on || e.flight.arrived {
		return
	}
	e.flight.arrived = true
	if e.flight.control {
		e.arriveControl(e.flight.pdu)
		return
	}
	b := e.data.head
	first := b.first && b.sent == 0
	piece := b.data[b.sent : b.sent+e.flight.octets]
	if e.air().traced() {
		e.traceData(piece, first)
	}
	e.peer().receiveData(piece, first)
}

// acknowledged is this end's learning of that.
func (e *end) acknowledged() {
	f := e.flight
	if !f.arrived {
		return
	}
	e.flight = flight{}
	if f.control {
		if f.pdu.op == llTerminateInd { // Vol 6, Part B, 5.1.6
			e.leave(hci.ConnectionTerminatedByLocalHost)
		}
		return
	}
	b := e.data.head
	if b.sent += f.octets; b.sent == len(b.data) {
		e.c.release(e.data.pop())
		e.completed++
	}
}

// exchangeTime is the longest that one turn of both takes.
func (l *link) exchangeTime() time.Duration {
	c, p := &l.central, &l.peripheral
	return airtime(c.maxData(), c.phy.tx) + airtime(p.maxData(), p.phy.tx) + 2*interFrameSpace
}
