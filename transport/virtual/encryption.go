package virtual

import (
	"fmt"
	"io"

	"github.com/jelling-ble/jelling/hci"
)

var encryptionCommands = map[hci.Opcode]command{
	hci.OpLEEnableEncryption:                {length: 28, octet: 28, bit: 0, status: (*Controller).enableEncryption},
	hci.OpLELongTermKeyRequestReply:         {length: 18, octet: 28, bit: 1, complete: (*Controller).longTermKey},
	hci.OpLELongTermKeyRequestNegativeReply: {length: 2, octet: 28, bit: 2, complete: (*Controller).noLongTermKey},
}

// A secret is a key, which nothing prints.
type secret [16]byte

// Format implements fmt.Formatter.
func (secret) Format(f fmt.State, _ rune) { io.WriteString(f, "(key)") }

// encryption is an end's part in encrypting the link (Vol 6, Part B, 5.1.3). Nothing on this air is really enciphered; the
// two keys are compared where a real link would find that its MICs are wrong.
type encryption struct {
	on      bool // the link is encrypted
	busy    bool // a procedure runs
	refresh bool // it began by pausing
	paused  bool // nothing but the procedure's own PDUs is sent
	asked   bool // the host owes a key
	request pdu  // the central's LL_ENC_REQ, which waits for the pause
	key     secret
}

func (c *Controller) enableEncryption(p []byte) hci.Status {
	q, err := hci.ParseLEEnableEncryption(p)
	e := c.find(q.Handle)
	switch {
	case err != nil:
		return hci.InvalidHCICommandParameters
	case e == nil:
		return hci.UnknownConnectionIdentifier
	case e.role != hci.Central || e.encryption.busy || e.leaving:
		return hci.CommandDisallowed
	case !c.has(hci.FeatureLEEncryption):
		return hci.UnsupportedFeatureOrParameter
	}
	n := &e.encryption
	request := pdu{op: llEncReq, random: q.Random, ediv: q.EDIV}
	*n = encryption{on: n.on, busy: true, refresh: n.on, key: q.Key, request: request}
	if n.refresh {
		request = pdu{op: llPauseEncReq}
	}
	e.queueBehindData(request)
	return hci.Success
}

// receivePauseEncReq begins a refresh at the peripheral (Vol 6, Part B, 5.1.3.2).
func (e *end) receivePauseEncReq(pdu) {
	e.encryption = encryption{busy: true, refresh: true, paused: true}
	e.queue(pdu{op: llPauseEncRsp})
}

// receivePauseEncRsp at the central ends the old encryption; from here on the procedure is as for a first one. At
// the peripheral there is nothing more to do.
func (e *end) receivePauseEncRsp(pdu) {
	if e.role == hci.Peripheral {
		return
	}
	e.encryption.on = false
	e.queue(pdu{op: llPauseEncRsp})
	e.queue(e.encryption.request)
}

// receiveEncReq asks the peripheral's host for the key.
func (e *end) receiveEncReq(p pdu) {
	n := &e.encryption
	n.busy, n.paused = true, true
	request := hci.LELongTermKeyRequest{Handle: e.handle, Random: p.random, EDIV: p.ediv}
	switch {
	case !e.c.has(hci.FeatureLEEncryption):
		e.refuseEncryption(hci.UnsupportedRemoteFeature)
	case !e.c.allows(hci.AppendEvent(e.c.event[:0], request)):
		e.refuseEncryption(hci.PINOrKeyMissing) // there is nobody to ask
	default:
		n.asked = true
		e.queue(pdu{op: llEncRsp})
		e.c.give(request)
	}
}

func (c *Controller) longTermKey(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLELongTermKeyRequestReply(p)
	e, r, status := c.asked(q.Handle, r, err)
	if status == hci.Success {
		e.encryption.asked, e.encryption.key = false, q.Key
		e.queue(pdu{op: llStartEncReq})
	}
	return r, status
}

func (c *Controller) noLongTermKey(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseHandleCommand(hci.OpLELongTermKeyRequestNegativeReply, p)
	e, r, status := c.asked(q.Handle, r, err)
	if status == hci.Success {
		e.encryption.asked = false
		e.refuseEncryption(hci.PINOrKeyMissing)
	}
	return r, status
}

// asked is the end whose host owes a key, for the two answers that it may give; the return parameters are the handle.
func (c *Controller) asked(handle uint16, r []byte, err error) (*end, []byte, hci.Status) {
	e := c.find(handle)
	r = append(r, byte(handle), byte(handle>>8))
	switch {
	case err != nil:
		return nil, r, hci.InvalidHCICommandParameters
	case e == nil:
		return nil, r, hci.UnknownConnectionIdentifier
	case !e.encryption.asked:
		return nil, r, hci.CommandDisallowed
	}
	return e, r, hci.Success
}

// refuseEncryption is a peripheral that can't. A link that was encrypted must not go on in the clear, so a refresh
// without a key ends it (Vol 6, Part B, 5.1.3.1).
func (e *end) refuseEncryption(reason hci.Status) {
	if e.encryption.refresh {
		e.terminate(reason)
		return
	}
	e.encryption = encryption{}
	e.queue(pdu{op: llRejectExtInd, rejected: llEncReq, reason: reason})
}

// encryptionRefused is the central's side of it: the link stays as it was, in the clear.
func (e *end) encryptionRefused(reason hci.Status) {
	e.encryption = encryption{}
	e.c.give(hci.EncryptionChange{Status: reason, Handle: e.handle})
}

// receiveEncRsp tells the central that the peripheral's host has been asked.
func (e *end) receiveEncRsp(pdu) { e.expectAnswer() }

// receiveStartEncReq at the central: both have a key, and from here on the central uses its own.
func (e *end) receiveStartEncReq(pdu) { e.queue(pdu{op: llStartEncRsp}) }

// receiveStartEncRsp is the first encrypted packet from the other side. With another key its MIC is wrong.
func (e *end) receiveStartEncRsp(pdu) {
	if e.encryption.key != e.peer().encryption.key {
		e.link.leave(hci.ConnectionTerminatedMICFailure)
		return
	}
	if e.role == hci.Peripheral {
		e.queue(pdu{op: llStartEncRsp})
	} else {
		e.answered()
	}
	e.encrypted()
}

// encrypted ends the procedure on this side: the host is told, and data flows again.
func (e *end) encrypted() {
	n := &e.encryption
	refresh := n.refresh
	*n = encryption{on: true, key: n.key}
	if refresh {
		e.c.give(hci.EncryptionKeyRefreshComplete{Handle: e.handle})
		return
	}
	e.c.give(hci.EncryptionChange{Handle: e.handle, Enabled: 1})
}
