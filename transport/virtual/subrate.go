package virtual

import (
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var subrateCommands = map[hci.Opcode]command{
	hci.OpLESetDefaultSubrate: {length: 10, octet: 46, bit: 0, feature: hci.FeatureConnectionSubrating, complete: (*Controller).setDefaultSubrate},
	hci.OpLESubrateRequest:    {length: 12, octet: 46, bit: 1, feature: hci.FeatureConnectionSubrating, status: (*Controller).requestSubrate},
}

// maxSkipped is the most connection events that a peripheral may be away, latency and subrating together (Vol 4, Part E,
// 7.8.123).
const maxSkipped = 500

// subrate is which connection events a link uses: every factor-th from base on, and continuation more behind one with
// data.
type subrate struct {
	factor, base, continuation int
	active                     int // the last event with data
}

// next is the first event in use from n on.
func (s subrate) next(n int) int {
	if s.factor <= 1 || n <= s.active+s.continuation {
		return n
	}
	return s.base + (n-s.base+s.factor-1)/s.factor*s.factor
}

// acceptableSubrate is what a central's host takes, before it says otherwise (Vol 4, Part E, 7.8.123).
var acceptableSubrate = hci.Subrating{Min: 1, Max: 1, SupervisionTimeout: 0x0C80}

// validSubrating tells whether its parts are within their ranges and fit each other (Vol 4, Part E, 7.8.124).
func validSubrating(q hci.Subrating) bool {
	return inRange(q.Min, q.Max, 1, maxSkipped) && q.MaxLatency < maxSkipped && int(q.Max)*(int(q.MaxLatency)+1) <= maxSkipped &&
		q.Continuation < maxSkipped && (q.Continuation < q.Max || q.Continuation == 0) && inRange(q.SupervisionTimeout, q.SupervisionTimeout, 0x000A, 0x0C80)
}

func (c *Controller) setDefaultSubrate(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetDefaultSubrate(p)
	if err != nil || !validSubrating(q.Subrating) {
		return r, hci.InvalidHCICommandParameters
	}
	c.subrating = q.Subrating
	return r, hci.Success
}

func (c *Controller) requestSubrate(p []byte) hci.Status {
	q, err := hci.ParseLESubrateRequest(p)
	e := c.find(q.Handle)
	switch {
	case err != nil, !validSubrating(q.Subrating):
		return hci.InvalidHCICommandParameters
	case e == nil:
		return hci.UnknownConnectionIdentifier
	case !e.link.lasts(q.Subrating):
		return hci.InvalidHCICommandParameters
	case e.at(subrateUpdate) || e.at(subrateRequest) || e.leaving:
		return hci.CommandDisallowed
	case !e.peer().c.has(hci.FeatureConnectionSubratingHostSupport) || !c.has(hci.FeatureConnectionSubratingHostSupport):
		return hci.UnsupportedRemoteFeature
	}
	if e.role == hci.Central {
		e.begin(subrateUpdate, func() { e.queue(pdu{op: llSubrateInd, subrating: q.Subrating}) })
	} else {
		e.begin(subrateRequest, func() { e.queue(pdu{op: llSubrateReq, subrating: q.Subrating}) })
	}
	return hci.Success
}

// lasts tells whether a link's time-out is longer than twice what its peripheral may stay away.
func (l *link) lasts(q hci.Subrating) bool {
	return time.Duration(q.SupervisionTimeout)*timeoutUnit > 2*l.interval()*time.Duration(q.Max)*time.Duration(q.MaxLatency+1)
}

func subrateText(p pdu) string {
	q := p.subrating
	return fmt.Sprintf("%d to %d, latency %d, continuation %d", q.Min, q.Max, q.MaxLatency, q.Continuation)
}

// receiveSubrateReq is a peripheral's wish. The central grants what its host has called acceptable (Vol 6, Part B,
// 5.1.20).
func (e *end) receiveSubrateReq(p pdu) {
	if !e.meets(subrateRequest, p.op) {
		return
	}
	q, own := p.subrating, e.c.subrating
	if !e.c.has(hci.FeatureConnectionSubratingHostSupport) {
		e.refuseSubrate(hci.UnsupportedRemoteFeature)
		return
	}
	q.Min, q.Max = max(q.Min, own.Min), min(q.Max, own.Max)
	q.MaxLatency, q.Continuation = min(q.MaxLatency, own.MaxLatency), max(q.Continuation, own.Continuation)
	q.SupervisionTimeout = min(q.SupervisionTimeout, own.SupervisionTimeout)
	if q.Min > q.Max || !e.link.lasts(q) {
		e.refuseSubrate(hci.UnsupportedLLParameterValue)
		return
	}
	q.Continuation = min(q.Continuation, q.Max-1)
	e.queue(pdu{op: llSubrateInd, subrating: q})
}

func (e *end) refuseSubrate(reason hci.Status) {
	e.reject(llSubrateReq, reason)
	e.otherFinished()
}

// receiveSubrate is the central's word. From here on both use the fewest of the events that it allows, beginning with
// this one.
func (e *end) receiveSubrate(p pdu) {
	e.answered()
	l, q := e.link, p.subrating
	if e.procedures.own != subrateRequest || e.peer().procedures.own == subrateUpdate {
		e.meets(subrateUpdate, p.op)
	}
	old, latency, timeout := l.subrate, l.parameters.Latency, l.parameters.SupervisionTimeout
	l.subrate = subrate{factor: int(q.Max), base: l.count(l.air.now), continuation: int(q.Continuation), active: l.count(l.air.now)}
	l.parameters.Latency, l.parameters.SupervisionTimeout = q.MaxLatency, q.SupervisionTimeout
	same := old.factor == l.subrate.factor && old.continuation == l.subrate.continuation && latency == q.MaxLatency && timeout == q.SupervisionTimeout
	for _, e := range l.ends() {
		if own := e.procedures.own; own == subrateUpdate || own == subrateRequest || !same { // Vol 4, Part E, 7.7.65.35
			e.giveSubrate(hci.Success)
		}
	}
	l.procedureOver()
}

func (e *end) subrateRefused(reason hci.Status) {
	e.giveSubrate(reason)
	e.finish()
}

func (e *end) giveSubrate(status hci.Status) {
	l := e.link
	e.c.give(hci.LESubrateChange{Status: status, Handle: e.handle, Factor: uint16(l.subrate.factor), Latency: l.parameters.Latency,
		Continuation: uint16(l.subrate.continuation), SupervisionTimeout: l.parameters.SupervisionTimeout})
}
