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

// A link is a connection. It is idle, without an alarm, while neither side has anything to send and both
// are there: connection events without data happen in theory only.
type link struct {
	air        *Air
	central    end
	peripheral end
	parameters hci.ConnectionParameters // IntervalMax is the interval
	pduLength  int                      // data in one packet on air

	created     time.Duration
	established bool          // a packet has come across
	anchor      time.Duration // of connection event first
	first       int           // event counter at the anchor, the first or that of the last update
	last        int           // the last event in which the peripheral is known to have listened
	next        alarm         // the next event in which there is something to do

	supervision alarm // set while the two don't hear each other
	update      alarm // the instant of a connection update
	updated     hci.ConnectionParameters
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
	response    alarm // the peer owes an answer (Vol 6, Part B, 5.2)
	leaving     bool  // the host has asked for the end
	encryption  encryption
	update      updateState
	remote      remoteState
}

func newLink(central, peripheral *Controller, centralAddress, peripheralAddress hci.Address, p hci.ConnectionParameters) *link {
	a := central.air
	l := &link{air: a, parameters: p, created: a.now, first: 0, last: -1,
		pduLength: min(central.config.PDULength, peripheral.config.PDULength)}
	l.anchor = a.now + transmitWindowDelay + a.later(l.interval())
	l.central = end{link: l, c: central, role: hci.Central, address: centralAddress, gone: true}
	l.peripheral = end{link: l, c: peripheral, role: hci.Peripheral, address: peripheralAddress, gone: true}
	l.next.fire, l.supervision.fire, l.update.fire = l.event, l.lost, l.updateInstant
	for _, e := range l.ends() {
		e.response.fire = e.unanswered
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
	return l.central.gone || l.peripheral.gone || !l.central.c.onAir() || !l.peripheral.c.onAir()
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
		a.unset(&l.update)
	case l.broken():
		a.unset(&l.next)
		if !l.supervision.on {
			a.set(&l.supervision, l.deadline())
		}
	default:
		if l.supervision.on { // both are back in time: the next event is heard
			a.unset(&l.supervision)
			l.last = max(l.last, l.count(a.now))
		}
		fromCentral, fromPeripheral := l.central.pending(), l.peripheral.pending()
		if l.established && !fromCentral && !fromPeripheral {
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
// send itself attends only some of them.
func (l *link) nextEvent(peripheralAttends bool) time.Duration {
	if l.air.config.Instant {
		return l.air.now
	}
	n := max(l.count(l.air.now-1), l.last) + 1
	if every := int(l.parameters.Latency) + 1; !peripheralAttends && l.last >= 0 {
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
		every := int(l.parameters.Latency) + 1
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
	e.control = nil
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

// event is a connection event: the two take turns until neither has more, or the next event is near.
func (l *link) event() {
	l.established = true
	l.last = max(l.last, l.count(l.air.now))
	for spent := time.Duration(0); ; {
		spent += airtime(l.central.send()) + airtime(l.peripheral.send()) + 2*interFrameSpace
		more := l.central.pending() || l.peripheral.pending()
		if l.broken() || !more || !l.air.config.Instant && spent+exchangeTime(l.pduLength) > l.interval() {
			break
		}
	}
	l.central.giveCompleted()
	l.peripheral.giveCompleted()
	l.schedule()
}

// airtime is how long a packet with n octets of payload takes at 1 Mbit/s (Vol 6, Part B, 2.1): preamble, access
// address, header and CRC, and for what is not empty a MIC.
func airtime(n int) time.Duration {
	const frame, mic, octet = 10, 4, 8 * time.Microsecond
	if n > 0 {
		n += mic
	}
	return time.Duration(n+frame) * octet
}

// exchangeTime is the longest that one turn of both takes.
func exchangeTime(pduLength int) time.Duration {
	return 2*airtime(pduLength) + 2*interFrameSpace
}

// pending tells whether this side has something to send that may be sent.
func (e *end) pending() bool {
	return !e.gone && (e.nextControl() >= 0 || e.mayData())
}

// send sends one packet, and returns the octets of its payload.
func (e *end) send() int {
	if e.link.broken() {
		return 0
	}
	if i := e.nextControl(); i >= 0 {
		return e.sendControl(i)
	}
	if e.mayData() {
		return e.sendData()
	}
	return 0
}
