package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// An llOpcode names an LL control PDU (Vol 6, Part B, 2.4.2).
type llOpcode uint8

const (
	llConnectionUpdateInd  llOpcode = 0x00
	llChannelMapInd        llOpcode = 0x01
	llTerminateInd         llOpcode = 0x02
	llEncReq               llOpcode = 0x03
	llEncRsp               llOpcode = 0x04
	llStartEncReq          llOpcode = 0x05
	llStartEncRsp          llOpcode = 0x06
	llUnknownRsp           llOpcode = 0x07
	llFeatureReq           llOpcode = 0x08
	llFeatureRsp           llOpcode = 0x09
	llPauseEncReq          llOpcode = 0x0A
	llPauseEncRsp          llOpcode = 0x0B
	llVersionInd           llOpcode = 0x0C
	llPeripheralFeatureReq llOpcode = 0x0E
	llConnectionParamReq   llOpcode = 0x0F
	llRejectExtInd         llOpcode = 0x11
	llPeriodicSyncInd      llOpcode = 0x1C
	llLengthReq            llOpcode = 0x14
	llLengthRsp            llOpcode = 0x15
	llPHYReq               llOpcode = 0x16
	llPHYRsp               llOpcode = 0x17
	llPHYUpdateInd         llOpcode = 0x18
	llPowerControlReq      llOpcode = 0x23
	llPowerControlRsp      llOpcode = 0x24
	llSubrateReq           llOpcode = 0x26
	llSubrateInd           llOpcode = 0x27
)

// An llKind is what there is to know of an LL control PDU beside what its procedure does with it.
type llKind struct {
	name    string
	length  int                    // octets of payload, for the time on air
	receive func(e *end, p pdu)    // what the other end does with it
	detail  func(p pdu) (s string) // for traces; nil for none
	feature uint64                 // that the other end must have one of to know it; zero for none
	answer  bool                   // the other side owes one
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
	case llUnknownRsp:
		return llKind{name: "LL_UNKNOWN_RSP", length: 2, receive: (*end).receiveReject}
	case llFeatureReq:
		return llKind{name: "LL_FEATURE_REQ", length: 9, receive: (*end).receiveFeatureReq}
	case llPeripheralFeatureReq:
		return llKind{name: "LL_PERIPHERAL_FEATURE_REQ", length: 9, receive: (*end).receiveFeatureReq}
	case llFeatureRsp:
		return llKind{name: "LL_FEATURE_RSP", length: 9, receive: (*end).receiveFeatureRsp}
	case llVersionInd:
		return llKind{name: "LL_VERSION_IND", length: 6, receive: (*end).receiveVersion}
	case llConnectionParamReq:
		return llKind{name: "LL_CONNECTION_PARAM_REQ", length: 24, receive: (*end).receiveParamReq, detail: parametersText, answer: true}
	case llChannelMapInd:
		return llKind{name: "LL_CHANNEL_MAP_IND", length: 8, receive: (*end).receiveChannels, detail: channelsText}
	case llPeriodicSyncInd:
		return llKind{name: "LL_PERIODIC_SYNC_IND", length: 35, receive: (*end).receivePeriodicSync}
	case llLengthReq:
		return llKind{name: "LL_LENGTH_REQ", length: 9, receive: (*end).receiveLengthReq, detail: lengthsText, answer: true,
			feature: hci.FeatureLEDataPacketLengthExtension}
	case llLengthRsp:
		return llKind{name: "LL_LENGTH_RSP", length: 9, receive: (*end).receiveLengthRsp, detail: lengthsText}
	case llPHYReq:
		return llKind{name: "LL_PHY_REQ", length: 3, receive: (*end).receivePHYReq, detail: phyText, answer: true, feature: morePHYs}
	case llPHYRsp:
		return llKind{name: "LL_PHY_RSP", length: 3, receive: (*end).receivePHYRsp, detail: phyText}
	case llPHYUpdateInd:
		return llKind{name: "LL_PHY_UPDATE_IND", length: 5, receive: (*end).receivePHYUpdate, detail: phyText}
	case llPowerControlReq:
		return llKind{name: "LL_POWER_CONTROL_REQ", length: 4, receive: (*end).receivePowerReq, answer: true, feature: hci.FeatureLEPowerControlRequest}
	case llPowerControlRsp:
		return llKind{name: "LL_POWER_CONTROL_RSP", length: 5, receive: (*end).receivePowerRsp}
	case llSubrateReq:
		return llKind{name: "LL_SUBRATE_REQ", length: 11, receive: (*end).receiveSubrateReq, detail: subrateText, answer: true,
			feature: hci.FeatureConnectionSubrating}
	case llSubrateInd:
		return llKind{name: "LL_SUBRATE_IND", length: 11, receive: (*end).receiveSubrate, detail: subrateText}
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
	lengths    hci.DataLengths
	channels   hci.ChannelMap
	tx, rx     hci.PHYs // of its sender
	power      int8     // dBm
	phy        hci.PHY  // of power
	subrating  hci.Subrating
	train      *train // of periodic advertising
	service    uint16 // the host's word on it
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

// arriveControl is a PDU's coming to the other side. One that does not know it says so (Vol 6, Part B, 2.4.2.8).
func (e *end) arriveControl(p pdu) {
	kind, peer := llKinds(p.op), e.peer()
	if e.air().traced() {
		detail := ""
		if kind.detail != nil {
			detail = kind.detail(p)
		}
		e.air().trace(e.c, peer.c, kind.name, "%s", detail)
	}
	if kind.feature != 0 && !peer.c.has(kind.feature) {
		peer.queue(pdu{op: llUnknownRsp, rejected: p.op, reason: hci.UnsupportedRemoteFeature})
		return
	}
	kind.receive(peer, p)
}

// sent is what a PDU means for the one who sends it, when it does so first.
func (e *end) sent(p *pdu) {
	switch p.op {
	case llEncReq, llPauseEncReq:
		e.encryption.paused = true
		e.expectAnswer()
	case llStartEncRsp:
		if e.role == hci.Central {
			e.expectAnswer()
		}
	case llConnectionUpdateInd:
		e.link.announce(*p)
	case llChannelMapInd:
		p.channels = e.c.channels
		e.link.announce(*p)
	case llPHYUpdateInd:
		if p.tx|p.rx != 0 {
			e.link.announce(*p)
		}
	default:
		if llKinds(p.op).answer {
			e.expectAnswer()
		}
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
