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

// updateDelay is how many connection events lie between a connection update and its instant (Vol 6, Part B, 5.1.1).
const updateDelay = 6

// updateState is an end's part in changing the connection parameters.
type updateState struct {
	busy  bool // this host has asked for a change
	asked bool // the central's host owes an answer to the peripheral's wish
}

func (c *Controller) connectionUpdate(p []byte) hci.Status {
	q, err := hci.ParseLEConnectionUpdate(p)
	e := c.find(q.Handle)
	switch {
	case err != nil, !valid(q.Parameters):
		return hci.InvalidHCICommandParameters
	case e == nil:
		return hci.UnknownConnectionIdentifier
	case e.update.busy || e.leaving:
		return hci.CommandDisallowed
	case e.role == hci.Peripheral && c.config.Features&hci.FeatureConnectionParametersRequest == 0:
		return hci.UnsupportedFeatureOrParameter
	}
	e.update.busy = true
	switch {
	case e.role == hci.Central:
		e.queue(pdu{op: llConnectionUpdateInd, parameters: q.Parameters})
	case e.peer().c.config.Features&hci.FeatureConnectionParametersRequest == 0:
		c.afterwards(func() { e.updateRefused(hci.UnsupportedRemoteFeature) })
	default:
		e.queue(pdu{op: llConnectionParamReq, parameters: q.Parameters})
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
	case e.update.busy:
		e.refuseParameters(hci.LLProcedureCollision)
	case !e.c.allows(hci.AppendEvent(e.c.event[:0], request)):
		e.refuseParameters(hci.UnsupportedRemoteFeature) // Vol 4, Part E, 7.7.65.6
	default:
		e.update.asked = true
		e.c.give(request)
	}
}

func (e *end) refuseParameters(reason hci.Status) {
	e.queue(pdu{op: llRejectExtInd, rejected: llConnectionParamReq, reason: reason})
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
	e.update.asked = false
	e.queue(pdu{op: llConnectionUpdateInd, parameters: q.Parameters})
	return r, hci.Success
}

func (c *Controller) parameterNegativeReply(p, r []byte) ([]byte, hci.Status) {
	e, r, status := c.askedForParameters(p, r)
	if status == hci.Success {
		e.update.asked = false
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
	case !e.update.asked:
		return nil, r, hci.CommandDisallowed
	}
	return e, r, hci.Success
}

// receiveUpdate is the central's word that the parameters change, at an instant that both know from now on.
func (e *end) receiveUpdate(p pdu) {
	e.answered()
	l := e.link
	at := l.air.now
	if !l.air.config.Instant {
		at = l.timeOf(l.count(at) + updateDelay)
	}
	l.updated = p.parameters
	l.air.set(&l.update, at)
}

// updateInstant is the event from which on the new parameters hold. Both attend it.
func (l *link) updateInstant() {
	now, old, q := l.air.now, l.parameters, l.updated
	event := l.count(now)
	if !l.next.on || l.next.at != now { // nothing to send in it
		l.last = max(l.last, event)
	}
	l.anchor, l.first, l.parameters = now, event, q
	e := hci.LEConnectionUpdateComplete{Interval: q.IntervalMax, Latency: q.Latency, SupervisionTimeout: q.SupervisionTimeout}
	same := old.IntervalMax == q.IntervalMax && old.Latency == q.Latency && old.SupervisionTimeout == q.SupervisionTimeout
	for _, end := range l.ends() {
		asked := end.update.busy
		end.update.busy = false
		if !end.gone && (asked || !same) { // Vol 4, Part E, 7.7.65.3
			e.Handle = end.handle
			end.c.give(e)
		}
	}
	l.schedule()
}

// updateRefused tells the host that its wish was not granted; the parameters are what they were.
func (e *end) updateRefused(reason hci.Status) {
	if e.gone {
		return
	}
	e.update.busy = false
	q := e.link.parameters
	e.c.give(hci.LEConnectionUpdateComplete{Status: reason, Handle: e.handle, Interval: q.IntervalMax, Latency: q.Latency,
		SupervisionTimeout: q.SupervisionTimeout})
}
