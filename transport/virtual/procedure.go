package virtual

import (
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

// A procedure is one of the link layer's that a host can have begun.
type procedure uint8

const (
	noProcedure procedure = iota
	// Those with an instant, or what is as good as one, exclude each other (Vol 6, Part B, 5.3).
	connectionUpdate
	connectionParameters
	phyUpdate
	channelMapUpdate
	subrateUpdate
	subrateRequest
	// Those without.
	dataLengthUpdate
	powerControl
)

func (p procedure) exclusive() bool { return p != noProcedure && p < dataLengthUpdate }

// sameAs tells the procedures for one purpose, of which the peripheral's asks for the central's.
func (p procedure) sameAs(q procedure) bool {
	return p == q || p == connectionUpdate && q == connectionParameters || p == subrateUpdate && q == subrateRequest
}

// procedures is what an end is at. It runs one procedure of its own at a time (Vol 6, Part B, 5).
type procedures struct {
	own     procedure
	other   procedure // the other side's, if it is an exclusive one
	waiting []waiting // of the own, one of each at the most
}

type waiting struct {
	procedure procedure
	start     func()
}

// at tells whether the end is at a procedure of its own, or will be.
func (e *end) at(p procedure) bool {
	q := &e.procedures
	return q.own == p || slices.ContainsFunc(q.waiting, func(w waiting) bool { return w.procedure == p })
}

// begin starts a procedure of this end's as soon as may be.
func (e *end) begin(p procedure, start func()) {
	e.procedures.waiting = append(e.procedures.waiting, waiting{p, start})
	e.goOn()
}

// goOn starts the next procedure, if it may.
func (e *end) goOn() {
	q := &e.procedures
	if e.gone || q.own != noProcedure || len(q.waiting) == 0 {
		return
	}
	w := q.waiting[0]
	if w.procedure.exclusive() && q.other != noProcedure {
		return
	}
	q.waiting = slices.Delete(q.waiting, 0, 1)
	q.own = w.procedure
	w.start()
}

// finish ends the procedure that this end has begun.
func (e *end) finish() {
	e.procedures.own = noProcedure
	e.goOn()
}

// otherFinished ends the procedure that the other side has begun.
func (e *end) otherFinished() {
	e.procedures.other = noProcedure
	e.goOn()
}

// meets tells whether the other side may begin an exclusive procedure. A central that is at one of its own refuses; a
// peripheral gives way, and hears the refusal of its own next (Vol 6, Part B, 5.3).
func (e *end) meets(p procedure, op llOpcode) bool {
	own := e.procedures.own
	if e.role == hci.Central && own.exclusive() {
		reason := hci.DifferentTransactionCollision
		if own.sameAs(p) {
			reason = hci.LLProcedureCollision
		}
		e.reject(op, reason)
		return false
	}
	e.procedures.other = p
	return true
}

func (e *end) reject(op llOpcode, reason hci.Status) {
	e.queue(pdu{op: llRejectExtInd, rejected: op, reason: reason})
}

// receiveReject is the end of a procedure that the other side refused, or does not know.
func (e *end) receiveReject(p pdu) {
	e.answered()
	switch p.rejected {
	case llConnectionParamReq:
		e.updateRefused(p.reason)
	case llPHYReq:
		e.phyRefused(p.reason)
	case llSubrateReq:
		e.subrateRefused(p.reason)
	case llPowerControlReq:
		e.powerRefused(p.reason)
	case llLengthReq:
		e.finish()
	default:
		e.encryptionRefused(p.reason)
	}
}

// instantDelay is how many connection events lie between a change and its announcement (Vol 6, Part B, 5.1.1).
const instantDelay = 6

// An instant is the connection event from which on something is as the central has announced. The two change it by
// themselves, each for itself, so one that hears of it too late has lost the other.
type instant struct {
	alarm
	pdu    pdu
	heard  bool // by the peripheral
	passed bool
}

// announce sets the instant of what the central sends for the first time. Where nobody waits for events, it is when
// the peripheral hears of it.
func (l *link) announce(p pdu) {
	n := &l.instant
	n.pdu, n.heard, n.passed = p, false, false
	if !l.air.config.Instant {
		l.air.set(&n.alarm, l.timeOf(l.count(l.air.now)+instantDelay))
	}
}

// receiveInstant is the peripheral's hearing of it.
func (e *end) receiveInstant(pdu) {
	e.answered()
	n := &e.link.instant
	if n.passed {
		e.leave(hci.InstantPassed)
		return
	}
	n.heard = true
	if e.air().config.Instant {
		e.air().set(&n.alarm, e.air().now)
	}
}

// atInstant changes what was announced.
func (l *link) atInstant() {
	n := &l.instant
	if n.passed = !n.heard; n.passed {
		return
	}
	switch n.pdu.op {
	case llConnectionUpdateInd:
		l.updateParameters(n.pdu.parameters)
	case llPHYUpdateInd:
		l.updatePHY(n.pdu)
	case llChannelMapInd:
		l.updateMap(n.pdu.channels)
	}
	l.procedureOver()
	l.schedule()
}

// procedureOver ends the exclusive procedure of the two.
func (l *link) procedureOver() {
	for _, e := range l.ends() {
		if e.procedures.other != noProcedure {
			e.procedures.other = noProcedure
			if peer := e.peer(); peer.procedures.own.exclusive() {
				peer.procedures.own = noProcedure
			}
			break
		}
	}
	l.central.goOn()
	l.peripheral.goOn()
}
