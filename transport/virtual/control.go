package virtual

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// An llOpcode names an LL control PDU (Vol 6, Part B, 2.4.2).
type llOpcode uint8

const (
	llConnectionUpdateInd  llOpcode = 0x00
	llTerminateInd         llOpcode = 0x02
	llEncReq               llOpcode = 0x03
	llEncRsp               llOpcode = 0x04
	llStartEncReq          llOpcode = 0x05
	llStartEncRsp          llOpcode = 0x06
	llFeatureReq           llOpcode = 0x08
	llFeatureRsp           llOpcode = 0x09
	llPauseEncReq          llOpcode = 0x0A
	llPauseEncRsp          llOpcode = 0x0B
	llVersionInd           llOpcode = 0x0C
	llPeripheralFeatureReq llOpcode = 0x0E
	llConnectionParamReq   llOpcode = 0x0F
	llRejectExtInd         llOpcode = 0x11
)

// An llKind is what there is to know of an LL control PDU beside what its procedure does with it.
type llKind struct {
	name    string
	length  int                    // octets of payload, for the time on air
	receive func(e *end, p pdu)    // what the other end does with it
	detail  func(p pdu) (s string) // for traces; nil for none
	// encrypting PDUs are the only ones that go while encryption starts or pauses (Vol 6, Part B, 5.1.3.1).
	encrypting bool
}

// llKinds is a function because what receives PDUs sends some.
func llKinds(op llOpcode) llKind {
	switch op {
	case llConnectionUpdateInd:
		return llKind{name: "LL_CONNECTION_UPDATE_IND", length: 12, receive: (*end).receiveUpdate, detail: parametersText}
	case llTerminateInd:
		return llKind{name: "LL_TERMINATE_IND", length: 2, receive: (*end).receiveTerminate, detail: reasonText, encrypting: true}
	case llEncReq:
		return llKind{name: "LL_ENC_REQ", length: 23, receive: (*end).receiveEncReq, encrypting: true}
	case llEncRsp:
		return llKind{name: "LL_ENC_RSP", length: 13, receive: (*end).receiveEncRsp, encrypting: true}
	case llStartEncReq:
		return llKind{name: "LL_START_ENC_REQ", length: 1, receive: (*end).receiveStartEncReq, encrypting: true}
	case llStartEncRsp:
		return llKind{name: "LL_START_ENC_RSP", length: 1, receive: (*end).receiveStartEncRsp, encrypting: true}
	case llPauseEncReq:
		return llKind{name: "LL_PAUSE_ENC_REQ", length: 1, receive: (*end).receivePauseEncReq, encrypting: true}
	case llPauseEncRsp:
		return llKind{name: "LL_PAUSE_ENC_RSP", length: 1, receive: (*end).receivePauseEncRsp, encrypting: true}
	case llFeatureReq:
		return llKind{name: "LL_FEATURE_REQ", length: 9, receive: (*end).receiveFeatureReq}
	case llPeripheralFeatureReq:
		return llKind{name: "LL_PERIPHERAL_FEATURE_REQ", length: 9, receive: (*end).receiveFeatureReq}
	case llFeatureRsp:
		return llKind{name: "LL_FEATURE_RSP", length: 9, receive: (*end).receiveFeatureRsp}
	case llVersionInd:
		return llKind{name: "LL_VERSION_IND", length: 6, receive: (*end).receiveVersion}
	case llConnectionParamReq:
		return llKind{name: "LL_CONNECTION_PARAM_REQ", length: 24, receive: (*end).receiveParamReq, detail: parametersText}
	default:
		return llKind{name: "LL_REJECT_EXT_IND", length: 3, receive: (*end).receiveReject, detail: reasonText, encrypting: true}
	}
}

// responseTimeout is how long a procedure waits for its answer (Vol 6, Part B, 5.2).
const responseTimeout = 40 * time.Second

// A pdu is an LL control PDU. Of the fields only those are set that its opcode has.
type pdu struct {
	op         llOpcode
	behind     uint64 // the last ACL packet of this end that goes before it
	reason     hci.Status
	rejected   llOpcode
	random     [8]byte
	ediv       uint16
	features   uint64
	parameters hci.ConnectionParameters
}

func reasonText(p pdu) string { return p.reason.Error() }

// queue sends the PDU as soon as may be. Who sends what, and how often, bounds the queue: each procedure runs once
// at a time, and each PDU of the other side is answered once.
func (e *end) queue(p pdu) {
	e.control = append(e.control, p)
	e.link.schedule()
}

// queueBehindData sends the PDU once the data is out that the host has given so far.
func (e *end) queueBehindData(p pdu) {
	p.behind = e.data.order
	e.queue(p)
}

// nextControl is the index of the first control PDU that may be sent now, or -1.
func (e *end) nextControl() int {
	for i, p := range e.control {
		if e.encryption.paused {
			if llKinds(p.op).encrypting {
				return i
			}
			continue
		}
		if e.data.head == nil || e.data.head.order > p.behind {
			return i
		}
	}
	return -1
}

// sendControl sends the control PDU of that index, and returns the octets of its payload.
func (e *end) sendControl(i int) int {
	p := e.control[i]
	e.control = slices.Delete(e.control, i, i+1)
	kind := llKinds(p.op)
	if e.air().traced() {
		detail := ""
		if kind.detail != nil {
			detail = kind.detail(p)
		}
		e.air().trace(e.c, e.peer().c, kind.name, "%s", detail)
	}
	e.sent(p.op)
	kind.receive(e.peer(), p)
	return kind.length
}

// sent is what a PDU means for the one who has sent it.
func (e *end) sent(op llOpcode) {
	switch op {
	case llEncReq, llPauseEncReq:
		e.encryption.paused = true
		e.expectAnswer()
	case llStartEncRsp:
		if e.role == hci.Central {
			e.expectAnswer()
		}
	case llConnectionParamReq:
		e.expectAnswer()
	}
}

// expectAnswer begins, or begins again, the time in which the other side has to answer. Once the link is to end, no
// other answer counts.
func (e *end) expectAnswer() {
	if !e.leaving {
		e.air().set(&e.response, e.air().now+responseTimeout)
	}
}

// answered ends it.
func (e *end) answered() {
	if !e.leaving {
		e.air().unset(&e.response)
	}
}

// unanswered ends the link on this side only (Vol 6, Part B, 5.1.6 and 5.2).
func (e *end) unanswered() {
	if e.leaving {
		e.leave(hci.ConnectionTerminatedByLocalHost)
		return
	}
	e.leave(hci.LLResponseTimeout)
}

// receiveReject is the end of a procedure that the other side refused.
func (e *end) receiveReject(p pdu) {
	e.answered()
	if p.rejected == llConnectionParamReq {
		e.updateRefused(p.reason)
		return
	}
	e.encryptionRefused(p.reason)
}
