package gatt

import (
	"bytes"
	"context"
	"errors"

	"github.com/jelling-ble/jelling/att"
	"github.com/sirupsen/logrus"
)

// An exchange is one request or command while it is served.
type exchange struct {
	*ServerConn
	on  *Bearer
	ctx context.Context
	db  *database
	sec att.Security
	mtu int
}

// ServeATT answers one request. Package att calls it, for one at a time.
func (b *Bearer) ServeATT(ctx context.Context, req *att.Request, rsp []byte) ([]byte, error) {
	c := b.conn.server
	if c.aware.behind.Load() {
		if err := c.sync(b, req.PDU); err != nil {
			return nil, err
		}
	}
	x := exchange{ServerConn: c, on: b, ctx: ctx, db: c.server.database(), sec: req.Security, mtu: req.Conn.MTU()}
	switch p := req.PDU.(type) {
	case *att.FindInformationRequest:
		return x.findInformation(p, rsp)
	case *att.FindByTypeValueRequest:
		return x.findByTypeValue(p, rsp)
	case *att.ReadByTypeRequest:
		return x.readByType(p, rsp)
	case *att.ReadByGroupTypeRequest:
		return x.readByGroupType(p, rsp)
	case *att.ReadRequest:
		return x.read(p, rsp)
	case *att.ReadBlobRequest:
		return x.readBlob(p, rsp)
	case *att.ReadMultipleRequest:
		return x.readMultiple(p.Handles, rsp)
	case *att.ReadMultipleVariableRequest:
		return x.readMultipleVariable(p.Handles, rsp)
	case *att.WriteRequest:
		return append(rsp, byte(att.OpWriteResponse)), x.write(p.Handle, p.Value)
	case *att.WriteCommand:
		return nil, x.write(p.Handle, p.Value)
	case *att.SignedWriteCommand:
		return nil, x.signedWrite(p, req.Raw)
	case *att.PrepareWriteRequest:
		return x.prepareWrite(p, rsp)
	case *att.ExecuteWriteRequest:
		return append(rsp, byte(att.OpExecuteWriteResponse)), x.executeWrite(p.Flags)
	}
	return nil, att.ErrRequestNotSupported
}

// blame says that a is the reason for the refusal because of err.
func (x *exchange) blame(a *attribute, err error) error {
	code, ok := errors.AsType[att.ErrorCode](err)
	if !ok {
		code = att.ErrUnlikelyError
		if log := x.conn.cfg.Log; log != nil && log.IsLevelEnabled(logrus.WarnLevel) {
			log.WithError(err).WithField("handle", a.handle).Warn("gatt: a function of the database failed")
		}
	}
	return &att.Error{Handle: a.handle, Code: code}
}

// mayRead is nil if the client may read a.
func (x *exchange) mayRead(a *attribute) error {
	if err := a.read.refusal(x.sec, x.conn.cfg.HasKey, att.ErrReadNotPermitted); err != nil {
		return err
	}
	return x.authorized(a, a.read, false)
}

// mayWrite is nil if the client may write a.
func (x *exchange) mayWrite(a *attribute) error {
	if err := a.write.refusal(x.sec, x.conn.cfg.HasKey, att.ErrWriteNotPermitted); err != nil {
		return err
	}
	return x.authorized(a, a.write, true)
}

// authorized asks whoever decides, if r says so (Vol 3, Part C, 10.5).
func (x *exchange) authorized(a *attribute, r requirement, write bool) error {
	ask := x.server.authorize
	if r.access&Authorized == 0 || ask != nil && ask(x.ctx, x.ServerConn, a.handle, write) {
		return nil
	}
	return att.ErrInsufficientAuthorization
}

// checkRange refuses what is no range of handles (Vol 3, Part F, 3.4.3.1).
func checkRange(start, end uint16) error {
	if start == 0 || start > end {
		return att.ErrInvalidHandle
	}
	return nil
}

// findInformation lists handles and types of one length (Vol 3, Part F, 3.4.3.2).
func (x *exchange) findInformation(p *att.FindInformationRequest, rsp []byte) ([]byte, error) {
	if err := checkRange(p.Start, p.End); err != nil {
		return nil, err
	}
	const header, format16, format128 = 2, 1, 2
	list := x.db.between(p.Start, p.End)
	if len(list) == 0 {
		return nil, att.ErrAttributeNotFound
	}
	size, format := list[0].typ.Len(), byte(format16)
	if size != 2 {
		format = format128
	}
	rsp = append(rsp, byte(att.OpFindInformationResponse), format)
	for _, a := range list[:min(len(list), (x.mtu-header)/(2+size))] {
		if a.typ.Len() != size {
			break
		}
		rsp = a.typ.AppendTo(le.AppendUint16(rsp, a.handle))
	}
	return rsp, nil
}

// findByTypeValue lists the attributes with a type and value that the client may read, and the groups they begin
// (Vol 3, Part F, 3.4.3.4). Nobody is asked to authorize a comparison.
func (x *exchange) findByTypeValue(p *att.FindByTypeValueRequest, rsp []byte) ([]byte, error) {
	if err := checkRange(p.Start, p.End); err != nil {
		return nil, err
	}
	const size = 4
	typ := att.UUID16(p.Type)
	rsp = append(rsp, byte(att.OpFindByTypeValueResponse))
	for _, a := range x.db.between(p.Start, p.End) {
		if len(rsp)+size > x.mtu {
			break
		}
		if a.typ != typ || a.read.access&Authorized != 0 || x.mayRead(a) != nil {
			continue
		}
		value, err := x.value(a)
		if err == nil && bytes.Equal(value, p.Value) {
			rsp = le.AppendUint16(le.AppendUint16(rsp, a.handle), a.end)
		}
	}
	if len(rsp) == 1 {
		return nil, att.ErrAttributeNotFound
	}
	return rsp, nil
}

// value is the value of a, until the next one is asked for.
func (x *exchange) value(a *attribute) ([]byte, error) {
	value, err := x.appendValue(x.on.scratch[:0], a)
	if err != nil {
		return nil, err
	}
	x.on.scratch = value
	return value, nil
}

// appendValue appends the value of a, whoever has it.
func (x *exchange) appendValue(to []byte, a *attribute) ([]byte, error) {
	switch {
	case a.configures != nil:
		return le.AppendUint16(to, x.configuration(a.configures)), nil
	case a.onRead != nil:
		value, err := a.onRead(x.ctx, x.ServerConn)
		if err != nil {
			return nil, err
		}
		if len(value) > att.MaxValueLen {
			return nil, errTooLongValue
		}
		return append(to, value...), nil
	}
	x.server.mu.RLock()
	defer x.server.mu.RUnlock()
	return append(to, a.value...), nil
}

// errTooLongValue is why the value of a Read function can't be told.
var errTooLongValue = errors.New("gatt: a Read function gave more than 512 octets")
