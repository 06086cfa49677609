package gatt

import (
	"bytes"

	"github.com/jelling-ble/jelling/att"
)

const (
	// maxPrepared bounds the parts in a client's prepare queue: two of the longest values at the smallest MTU.
	maxPrepared = 64
	// maxPreparedOctets bounds the values in it.
	maxPreparedOctets = 4 * att.MaxValueLen
)

// A part is one prepared write.
type part struct {
	attribute *attribute
	offset    int
	value     []byte
}

// A prepareQueue holds the parts that a client has prepared, on whichever of its bearers (Vol 3, Part F, 3.4.6).
type prepareQueue struct {
	parts  []part
	octets int
}

// writable is the attribute with a handle, if the client may write it.
func (x *exchange) writable(handle uint16) (*attribute, error) {
	a := x.db.at(handle)
	if a == nil {
		return nil, &att.Error{Handle: handle, Code: att.ErrInvalidHandle}
	}
	if err := x.mayWrite(a); err != nil {
		return nil, x.blame(a, err)
	}
	return a, nil
}

// write writes a whole value (Vol 3, Part F, 3.4.5).
func (x *exchange) write(handle uint16, value []byte) error {
	a, err := x.writable(handle)
	if err != nil {
		return err
	}
	if err := x.setValue(a, value); err != nil {
		return x.blame(a, err)
	}
	return nil
}

// signedWrite writes a value whose signature is good: it stands for a link with the security of the key that made it. Any other
// is ignored (Vol 3, Part F, 3.4.5.4; Part C, 10.4.2).
func (x *exchange) signedWrite(p *att.SignedWriteCommand, pdu []byte) error {
	verify := x.conn.cfg.Verify
	if verify == nil || x.db.at(p.Handle) == nil || x.on.att.Bearer().Enhanced() {
		return att.ErrRequestNotSupported
	}
	sec, ok := verify(pdu[:len(pdu)-att.SignatureLen], p.Signature)
	if !ok {
		return att.ErrInsufficientAuthentication
	}
	if !x.sec.Encrypted {
		x.sec = sec
	}
	return x.write(p.Handle, p.Value)
}

// setValue gives a value to whoever has it.
func (x *exchange) setValue(a *attribute, value []byte) error {
	if a.configures != nil {
		return x.writeConfiguration(a.configures, value)
	}
	if len(value) > a.maxLen {
		return att.ErrInvalidAttributeValueLength
	}
	if a.onWrite != nil {
		if err := a.onWrite(x.ctx, x.ServerConn, value); err != nil {
			return err
		}
	}
	if a.onRead == nil {
		x.server.mu.Lock()
		a.value = append(a.value[:0], value...)
		x.server.mu.Unlock()
	}
	x.observe(ValueWritten, a, value)
	return nil
}

// prepareWrite queues a part of a value and echoes it. Offset and length are looked at when the queue is executed (Vol 3, Part F, 3.4.6.1).
func (x *exchange) prepareWrite(p *att.PrepareWriteRequest, rsp []byte) ([]byte, error) {
	a, err := x.writable(p.Handle)
	if err != nil {
		return nil, err
	}
	x.preparing.Lock()
	defer x.preparing.Unlock()
	q := &x.queue
	if len(q.parts) >= maxPrepared || q.octets+len(p.Value) > maxPreparedOctets {
		return nil, att.ErrPrepareQueueFull
	}
	q.parts = append(q.parts, part{attribute: a, offset: int(p.Offset), value: bytes.Clone(p.Value)})
	q.octets += len(p.Value)
	return att.PrepareWriteResponse(*p).AppendTo(rsp), nil
}

// executeWrite writes or forgets what is queued. Every value is looked at before the first is written, and every attribute for whether
// it is there still (Vol 3, Part F, 3.4.6.3).
func (x *exchange) executeWrite(flags att.ExecuteFlags) error {
	x.preparing.Lock()
	parts := x.queue.parts
	x.queue = prepareQueue{}
	x.preparing.Unlock()
	if flags == att.ExecuteCancel {
		return nil
	}
	values, err := x.assemble(parts)
	if err != nil {
		return err
	}
	for _, v := range values {
		if err := x.setValue(v.attribute, v.value); err != nil {
			return x.blame(v.attribute, err)
		}
	}
	return nil
}

// assemble makes whole values of parts, in order of their first parts. A part ends the value it is written to: it stays as long as the part reaches.
func (x *exchange) assemble(parts []part) ([]part, error) {
	var values []part
	for _, p := range parts {
		if x.db.at(p.attribute.handle) != p.attribute {
			return nil, x.blame(p.attribute, att.ErrDatabaseOutOfSync)
		}
		v := x.valueOf(&values, p.attribute)
		if p.offset > len(v.value) {
			return nil, x.blame(p.attribute, att.ErrInvalidOffset)
		}
		v.value = append(v.value[:p.offset], p.value...)
		if len(v.value) > p.attribute.maxLen {
			return nil, x.blame(p.attribute, att.ErrInvalidAttributeValueLength)
		}
	}
	return values, nil
}

// valueOf is the value of a in values, which begins with what it is now. One that a Read function gives begins empty.
func (x *exchange) valueOf(values *[]part, a *attribute) *part {
	for i := range *values {
		if v := &(*values)[i]; v.attribute == a {
			return v
		}
	}
	v := part{attribute: a}
	if a.onRead == nil {
		v.value, _ = x.appendValue(nil, a)
	}
	*values = append(*values, v)
	return &(*values)[len(*values)-1]
}
