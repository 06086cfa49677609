package virtual

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var parameterCommands = map[hci.Opcode]command{
	hci.OpLEConnectionUpdate:                              {length: 14, octet: 27, bit: 2, status: (*Controller).connectionUpdate},
	hci.OpLERemoteConnectionParameterRequestReply:         {length: 14, octet: 33, bit: 4, complete: (*Controller).parameterReply},
	hci.OpLERemoteConnectionParameterRequestNegativeReply: {length: 3, octet: 33, bit: 5, complete: (*Controller).parameterNegativeReply},
}

func (c *Controller) connectionUpdate(p []byte) hci.Status {
	q, err := hci.ParseLEConnectionUpdate(p)
	e := c.find(q.Handle)
	switch {
	case err != nil, !valid(q.Parameters):
		return hci.InvalidHCICommandParameters
	case e == nil:
		return hci.UnknownConnectionIdentifier
	case e.at(connectionUpdate) || e.at(connectionParameters) || e.leaving:
		return hci.CommandDisallowed
	case e.role == hci.Peripheral && !c.has(hci.FeatureConnectionParametersRequest):
		return hci.UnsupportedFeatureOrParameter
	}
	switch {
	case e.role == hci.Central:
		e.begin(connectionUpdate, func() { e.queue(pdu{op: llConnectionUpdateInd, parameters: q.Parameters}) })
	case !e.peer().c.has(hci.FeatureConnectionParametersRequest):
		c.afterwards(func() { e.giveParameters(hci.UnsupportedRemoteFeature) })
	default:
		e.begin(connectionParameters, func() { e.queue(pdu{op: llConnectionParamReq, parameters: q.Parameters}) })
	}
	return hci.Success
}

func parametersText(p pdu) string {
	q := p.parameters
	return fmt.Sprintf("interval %v to %v, latency %d, time-out %v", time.Duration(q.IntervalMin)*intervalUnit,
		time.Duration(q.IntervalMax)*intervalUnit, q.Latency, time.Duration(q.SupervisionTimeout)*timeoutUnit)
}

// receiveParamReq asks the central's host whether the peripheral may have what it wishes (Vol 6, Part B, 5.1.7).
func (e *end) receiveParamReq(p pdu) {
	q := p.parameters
	request := hci.LERemoteConnectionParameterRequest{Handle: e.handle, IntervalMin: q.IntervalMin, IntervalMax: q.IntervalMax,
		Latency: q.Latency, SupervisionTimeout: q.SupervisionTimeout}
	switch {
	case !e.meets(connectionParameters, p.op):
	case !e.c.allows(hci.AppendEvent(e.c.event[:0], request)):
		e.refuseParameters(hci.UnsupportedRemoteFeature) // Vol 4, Part E, 7.7.65.6
	default:
		e.asked = true
		e.c.give(request)
	}
}

func (e *end) refuseParameters(reason hci.Status) {
	e.reject(llConnectionParamReq, reason)
	e.otherFinished()
}

func (c *Controller) parameterReply(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLEConnectionUpdate(p)
	e, r, status := c.askedForParameters(p, r)
	switch {
	case status != hci.Success:
		return r, status
	case err != nil, !valid(q.Parameters):
		return r, hci.InvalidHCICommandParameters
	}
	e.asked = false
	e.queue(pdu{op: llConnectionUpdateInd, parameters: q.Parameters})
	return r, hci.Success
}

func (c *Controller) parameterNegativeReply(p, r []byte) ([]byte, hci.Status) {
	e, r, status := c.askedForParameters(p, r)
	if status == hci.Success {
		e.asked = false
		e.refuseParameters(hci.Status(p[2]))
	}
	return r, status
}

// askedForParameters is the end whose host owes an answer; the return parameters are the handle, with which p begins.
func (c *Controller) askedForParameters(p, r []byte) (*end, []byte, hci.Status) {
	r = append(r, p[:2]...)
	e := c.find(binary.LittleEndian.Uint16(p))
	switch {
	case e == nil:
		return nil, r, hci.UnknownConnectionIdentifier
	case !e.asked:
		return nil, r, hci.CommandDisallowed
	}
	return e, r, hci.Success
}

// receiveUpdate is the central's word that the parameters change. It ends a wish of the peripheral's, or begins a
// procedure of the central's own.
func (e *end) receiveUpdate(p pdu) {
	if e.procedures.own != connectionParameters || e.peer().procedures.own == connectionUpdate {
		e.meets(connectionUpdate, p.op)
	}
	e.receiveInstant(p)
}

// updateParameters is at the event from which on the new parameters hold. Both attend it.
func (l *link) updateParameters(q hci.ConnectionParameters) {
	now, old := l.air.now, l.parameters
	event := l.count(now)
	if !l.next.on || l.next.at != now { // nothing to send in it
		l.last = max(l.last, event)
	}
	l.anchor, l.first, l.parameters = now, event, q
	l.subrate = subrate{factor: 1} // Vol 6, Part B, 5.1.1
	same := old.IntervalMax == q.IntervalMax && old.Latency == q.Latency && old.SupervisionTimeout == q.SupervisionTimeout
	for _, e := range l.ends() {
		own := e.procedures.own
		asked := own == connectionUpdate || own == connectionParameters && e.peer().procedures.own != connectionUpdate
		if !e.gone && (asked || !same) { // Vol 4, Part E, 7.7.65.3
			e.giveParameters(hci.Success)
		}
	}
}

// updateRefused tells the host that its wish was not granted; the parameters are what they were.
func (e *end) updateRefused(reason hci.Status) {
	e.giveParameters(reason)
	e.finish()
}

func (e *end) giveParameters(status hci.Status) {
	q := e.link.parameters
	e.c.give(hci.LEConnectionUpdateComplete{Status: status, Handle: e.handle, Interval: q.IntervalMax, Latency: q.Latency,
		SupervisionTimeout: q.SupervisionTimeout})
}
