package att

// Receive takes one PDU from the bearer. Its owner calls it for each PDU in order, with the link's security at that time.
// It never waits, does not keep pdu, and allocates nothing for a notification.
func (c *Conn) Receive(pdu []byte, sec Security) {
	if len(pdu) == 0 {
		c.counters.malformed.Add(1)
		return
	}
	op := Opcode(pdu[0])
	if len(pdu) > c.MTU() {
		c.receiveTooLong(op)
		return
	}
	switch op.Kind() {
	case KindNotification:
		c.receiveNotification(op, pdu, sec)
	case KindIndication:
		c.receiveIndication(pdu, sec)
	case KindResponse:
		c.receiveResponse(op, pdu)
	case KindConfirmation:
		c.settle(&c.indications, op, pdu)
	case KindRequest:
		if op == OpExchangeMTURequest {
			c.receiveMTURequest(pdu)
			return
		}
		c.enqueue(pdu, sec, queueLen)
	case KindCommand:
		c.enqueue(pdu, sec, queueLen-requestRoom)
	default:
		c.receiveUnknown(op)
	}
}

// receiveUnknown refuses an unknown request and ignores an unknown command (Vol 3, Part F, 3.3, 3.4.1.1).
func (c *Conn) receiveUnknown(op Opcode) {
	c.counters.unsupported.Add(1)
	c.debug(op, "unknown opcode")
	if !op.IsCommand() {
		c.refuse(op, ErrRequestNotSupported)
	}
}

// receiveTooLong answers for a PDU longer than the MTU as for any other that is malformed.
func (c *Conn) receiveTooLong(op Opcode) {
	switch op.Kind() {
	case KindResponse:
		c.settle(&c.requests, op, nil)
		return
	case KindConfirmation:
		c.settle(&c.indications, op, nil)
		return
	}
	c.malformed(op)
	if op.Kind() == KindRequest {
		c.refuse(op, ErrInvalidPDU)
	}
}

// receiveResponse brings a response to the request that waits for one. What it says of the MTU holds from the next PDU on,
// so that is seen to here and not by the caller (Vol 3, Part F, 3.4.2.2).
func (c *Conn) receiveResponse(op Opcode, pdu []byte) {
	if c.requests.openFor(OpExchangeMTURequest) {
		c.receiveMTUResponse(pdu)
	}
	c.settle(&c.requests, op, pdu)
}

// settle brings an answer to t, or counts it if nobody asked.
func (c *Conn) settle(t *transaction, op Opcode, pdu []byte) {
	if !t.deliver(pdu) {
		c.counters.unexpected.Add(1)
		c.debug(op, "nobody asked")
	}
}

// receiveNotification hands every value of a notification on, or none of them. Multiple may be one: BlueZ (5.66) tells even
// a single value in that way to a client that takes several, and to refuse it would be to lose it.
func (c *Conn) receiveNotification(op Opcode, pdu []byte, sec Security) {
	if op == OpMultipleHandleValueNotification {
		list, err := checkHandleValues(pdu, 1)
		if err != nil {
			c.malformed(op)
			return
		}
		for len(list) > 0 {
			var v HandleValue
			v, list = nextHandleValue(list)
			c.notified(v.Handle, v.Value, sec)
		}
		return
	}
	n, err := ParseHandleValueNotification(pdu)
	if err != nil {
		c.malformed(op)
		return
	}
	c.notified(n.Handle, n.Value, sec)
}

// notified hands one value to the consumer.
func (c *Conn) notified(handle uint16, value []byte, sec Security) {
	if c.cfg.Notify == nil {
		c.counters.unwanted.Add(1)
		return
	}
	c.cfg.Notify(handle, value, sec)
}

// receiveIndication hands an indication on. One that comes before the last is confirmed breaks the sequence
// (Vol 3, Part F, 3.3.2): it is dropped, and never confirmed.
func (c *Conn) receiveIndication(pdu []byte, sec Security) {
	i, err := ParseHandleValueIndication(pdu)
	if err != nil {
		c.malformed(OpHandleValueIndication)
		return
	}
	if !c.unconfirmed.CompareAndSwap(false, true) {
		c.counters.unexpected.Add(1)
		c.debug(OpHandleValueIndication, "the last one is not confirmed yet")
		return
	}
	if c.cfg.Indicate == nil {
		c.counters.unwanted.Add(1)
		c.confirm()
		return
	}
	c.cfg.Indicate(i.Handle, i.Value, sec, c.confirmOnce)
}

// confirmation is the one there is; bearers do not keep it.
var confirmation = HandleValueConfirmation{}.AppendTo(nil)

// confirm confirms the indication the peer waits for, if it does.
func (c *Conn) confirm() {
	if c.unconfirmed.CompareAndSwap(true, false) {
		c.reply(confirmation)
	}
}

// malformed counts a PDU that is against its definition.
func (c *Conn) malformed(op Opcode) {
	c.counters.malformed.Add(1)
	c.debug(op, "malformed")
}

// refuse answers a request that no Handler sees. Receive calls it.
func (c *Conn) refuse(op Opcode, code ErrorCode) {
	c.reply(ErrorResponse{Request: op, Code: code}.AppendTo(c.refusal[:0]))
}

// reply sends a response or confirmation.
func (c *Conn) reply(pdu []byte) {
	if err := c.bearer.Reply(pdu); err != nil {
		c.counters.repliesLost.Add(1)
		c.debug(Opcode(pdu[0]), "the bearer refused a reply")
	}
}
