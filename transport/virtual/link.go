package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// Times of a connection (Vol 6, Part B, 4.5).
const (
	intervalUnit        = 1250 * time.Microsecond
	timeoutUnit         = 10 * time.Millisecond
	transmitWindowDelay = 1250 * time.Microsecond
	interFrameSpace     = 150 * time.Microsecond
	establishWithin     = 6 // connection intervals for the first packet (Vol 6, Part B, 4.5.2)
)

// allChannels are the 37 data channels.
var allChannels = hci.ChannelMap{0xFF, 0xFF, 0xFF, 0xFF, 0x1F}

// A link is a connection. It is idle, without an alarm, while neither side has anything to send and both
// are there: connection events without data happen in theory only.
type link struct {
	air        *Air
	central    end
	peripheral end
	parameters hci.ConnectionParameters // IntervalMax is the interval
	channels   hci.ChannelMap
	subrate    subrate

	created     time.Duration
	established bool          // a packet has come across
	anchor      time.Duration // of connection event first
	first       int           // event counter at the anchor, the first or that of the last update
	last        int           // the last event in which the peripheral is known to have listened
	tried       int           // the last event in which anything was sent
	next        alarm         // the next event in which there is something to do

	supervision alarm // set while the two don't hear each other
	losing      bool  // since packets get lost, and not since one of them is away
	instant     instant
}

// An end is one controller's side of a link.
type end struct {
	link    *link
	c       *Controller
	role    hci.Role
	address hci.Address // its own, on air

	generated bool       // address was made by the resolving list
	who       identified // the peer, as this controller knows it
	handle    uint16
	gone      bool // the controller knows no such connection, any more or at all

	data      aclQueue
	completed int // ACL packets acknowledged in this connection event
	// hostBuffers is how many ACL packets the host has not given back, with flow control towards it.
	hostBuffers int
	control     []pdu
	flight      flight
	response    alarm // the peer owes an answer (Vol 6, Part B, 5.2)
	leaving     bool  // the host has asked for the end
	encryption  encryption
	procedures  procedures
	asked       bool // the central's host owes an answer to the peripheral's wish for parameters
	remote      remoteState
	length      lengthState
	phy         phyState
	power       powerState
	transfer    transferMode
}

func newLink(central, peripheral *Controller, centralAddress, peripheralAddress hci.Address, p hci.ConnectionParameters) *link {
	a := central.air
	l := &link{air: a, parameters: p, created: a.now, last: -1, tried: -1, channels: central.channels, subrate: subrate{factor: 1}}
	l.anchor = a.now + transmitWindowDelay + a.later(l.interval())
	l.central = end{link: l, c: central, role: hci.Central, address: centralAddress, gone: true}
	l.peripheral = end{link: l, c: peripheral, role: hci.Peripheral, address: peripheralAddress, gone: true}
	l.next.fire, l.supervision.fire, l.instant.fire = l.event, l.lost, l.atInstant
	for _, e := range l.ends() {
		e.response.fire = e.unanswered
		e.transfer = e.c.transfer
		e.phy = phyState{tx: hci.LE1M, wish: e.c.phyWish}
		e.length = e.c.newLength(min(central.config.PDULength, peripheral.config.PDULength))
	}
	return l
}

func (l *link) ends() [2]*end { return [2]*end{&l.central, &l.peripheral} }

func (e *end) peer() *end {
	if e.role == hci.Central {
		return &e.link.peripheral
	}
	return &e.link.central
}

func (e *end) peerAddress() hci.Address { return e.peer().address }

// Interval and timeout of the connection.
func (l *link) interval() time.Duration {
	return time.Duration(l.parameters.IntervalMax) * intervalUnit
}
func (l *link) timeout() time.Duration {
	return time.Duration(l.parameters.SupervisionTimeout) * timeoutUnit
}

// broken tells whether the two don't hear each other.
func (l *link) broken() bool {
	return l.central.gone || l.peripheral.gone || !l.central.c.onAir() || !l.peripheral.c.onAir() || l.loss() >= 1
}

// over tells whether nobody is left.
func (l *link) over() bool { return l.central.gone && l.peripheral.gone }

// schedule sets the link's alarms by what there is to do. It is called after everything that changes that.
func (l *link) schedule() {
	a := l.air
	switch {
	case l.over():
		a.unset(&l.next)
		a.unset(&l.supervision)
		a.unset(&l.instant.alarm)
	case l.broken():
		a.unset(&l.next)
		if !l.supervision.on {
			a.set(&l.supervision, l.deadline())
		}
	default:
		fromCentral, fromPeripheral := l.central.pending(), l.peripheral.pending()
		idle := l.established && !fromCentral && !fromPeripheral
		if l.supervision.on && (!l.losing || idle) { // both are back in time: the next event is heard
			a.unset(&l.supervision)
			l.last, l.losing = max(l.last, l.count(a.now)), false
		}
		if idle {
			a.unset(&l.next)
			return
		}
		a.set(&l.next, l.nextEvent(fromPeripheral))
	}
}

// count is the connection event at or before that time; -1 before the first.
func (l *link) count(at time.Duration) int {
	if at < l.anchor {
		return l.first - 1
	}
	return l.first + int((at-l.anchor)/l.interval())
}

// timeOf is when a connection event is.
func (l *link) timeOf(event int) time.Duration {
	return l.anchor + time.Duration(event-l.first)*l.interval()
}

// nextEvent is the time of the next event that both attend. A peripheral with latency that has nothing to
// send itself attends only some of those that subrating leaves.
func (l *link) nextEvent(peripheralAttends bool) time.Duration {
	if l.air.config.Instant {
		return l.air.now
	}
	n := l.subrate.next(max(l.count(l.air.now-1), l.last, l.tried) + 1)
	if every := (int(l.parameters.Latency) + 1) * l.subrate.factor; !peripheralAttends && l.last >= 0 && !l.losing {
		n = l.last + (n-l.last+every-1)/every*every
	}
	return l.timeOf(n)
}

// deadline is when a link is lost whose ends have stopped hearing each other now.
func (l *link) deadline() time.Duration {
	a := l.air
	if !l.established {
		return max(l.created+establishWithin*l.interval(), a.now)
	}
	heard := a.now
	if !a.config.Instant {
		every := (int(l.parameters.Latency) + 1) * l.subrate.factor
		n := l.count(a.now)
		heard = l.timeOf(n - (n-l.last)%every)
	}
	return max(heard+l.timeout(), a.now)
}

// lost ends the link at whoever still believes in it.
func (l *link) lost() {
	if l.established {
		l.leave(hci.ConnectionTimeout)
		return
	}
	l.leave(hci.ConnectionFailedToBeEstablished)
}

// leave ends the link on both sides, with the same reason.
func (l *link) leave(reason hci.Status) {
	l.central.leave(reason)
	l.peripheral.leave(reason)
}

// leave ends the link on this side. The other finds out by its supervision time-out, unless it was told.
func (e *end) leave(reason hci.Status) {
	if e.gone {
		return
	}
	e.giveCompleted()
	e.vanish()
	e.c.give(hci.DisconnectionComplete{Handle: e.handle, Reason: reason})
}

// vanish is leave without a word to the host.
func (e *end) vanish() {
	e.gone = true
	e.flush()
	e.control, e.flight, e.procedures = nil, flight{}, procedures{}
	e.air().unset(&e.response)
	for i, other := range e.c.ends {
		if other == e {
			e.c.ends = append(e.c.ends[:i], e.c.ends[i+1:]...)
			break
		}
	}
	e.link.schedule()
}

func (e *end) air() *Air { return e.link.air }
