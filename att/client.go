package att

import (
	"bytes"
	"context"
	"io"
)

// ExchangeMTU tells the server what we receive, once in the life of a bearer, and returns the MTU that holds then, in octets. Later calls, and
// calls on an enhanced bearer, only return it. A server that does not support the request leaves it at 23, without an error
// (Vol 3, Part F, 3.4.2).
func (c *Conn) ExchangeMTU(ctx context.Context) (int, error) {
	if c.bearer.Enhanced() {
		return c.MTU(), nil
	}
	t := &c.requests
	if err := t.acquire(ctx); err != nil {
		return c.MTU(), failed(OpExchangeMTURequest, 0, err)
	}
	if c.weAsked {
		t.release()
		return c.MTU(), nil
	}
	req := ExchangeMTURequest{ClientRxMTU: uint16(c.rxMTU)}
	err := transactNow(ctx, t, req, 0, func(b []byte) error {
		_, err := ParseExchangeMTUResponse(b)
		return err
	})
	if isCode(err, ErrRequestNotSupported) {
		err = nil
	}
	return c.MTU(), err
}

// FindInformation asks for handles and types from start to end (Vol 3, Part F, 3.4.3.1).
func (c *Conn) FindInformation(ctx context.Context, start, end uint16) ([]Information, error) {
	var r FindInformationResponse
	req := FindInformationRequest{Start: start, End: end}
	err := transact(ctx, &c.requests, req, start, func(b []byte) (err error) {
		r, err = ParseFindInformationResponse(b)
		return err
	})
	return r.Information, err
}

// FindByTypeValue asks for the attributes of a type with a value from start to end, with the groups they begin
// (Vol 3, Part F, 3.4.3.3). The type is a 16-bit UUID.
func (c *Conn) FindByTypeValue(ctx context.Context, start, end, attributeType uint16, value []byte) ([]HandleRange, error) {
	var r FindByTypeValueResponse
	req := FindByTypeValueRequest{Start: start, End: end, Type: attributeType, Value: value}
	err := transact(ctx, &c.requests, req, start, func(b []byte) (err error) {
		r, err = ParseFindByTypeValueResponse(b)
		return err
	})
	return r.Ranges, err
}

// ReadByType asks for the values of the attributes of a type from start to end: as many as fit one PDU and are of one length
// (Vol 3, Part F, 3.4.4.1).
func (c *Conn) ReadByType(ctx context.Context, start, end uint16, attributeType UUID) ([]AttributeData, error) {
	var r ReadByTypeResponse
	req := ReadByTypeRequest{Start: start, End: end, Type: attributeType}
	err := transact(ctx, &c.requests, req, start, func(b []byte) (err error) {
		r, err = ParseReadByTypeResponse(bytes.Clone(b))
		return err
	})
	return r.Attributes, err
}

// ReadByGroupType asks for the groups that attributes of a type begin from start to end: as many as fit one PDU and have
// values of one length (Vol 3, Part F, 3.4.4.9).
func (c *Conn) ReadByGroupType(ctx context.Context, start, end uint16, groupType UUID) ([]GroupData, error) {
	var r ReadByGroupTypeResponse
	req := ReadByGroupTypeRequest{Start: start, End: end, Type: groupType}
	err := transact(ctx, &c.requests, req, start, func(b []byte) (err error) {
		r, err = ParseReadByGroupTypeResponse(bytes.Clone(b))
		return err
	})
	return r.Groups, err
}

// Read asks for a value. What comes back is at most ATT_MTU-1 octets; one of exactly that length may be the beginning of
// a longer value, see [Conn.ReadBlob] (Vol 3, Part F, 3.4.4.3).
func (c *Conn) Read(ctx context.Context, handle uint16) ([]byte, error) {
	var value []byte
	err := transact(ctx, &c.requests, ReadRequest{Handle: handle}, handle, func(b []byte) error {
		r, err := ParseReadResponse(b)
		value = bytes.Clone(r.Value)
		return err
	})
	return value, err
}

// ReadInto is [Conn.Read] into buf, and allocates nothing. It returns how many octets of buf it has set, and
// [io.ErrShortBuffer] if there were more.
func (c *Conn) ReadInto(ctx context.Context, handle uint16, buf []byte) (n int, err error) {
	err = transact(ctx, &c.requests, ReadRequest{Handle: handle}, handle, func(b []byte) error {
		r, err := ParseReadResponse(b)
		if err != nil {
			return err
		}
		n, err = copyInto(buf, r.Value)
		return err
	})
	return n, err
}

// ReadBlob asks for a value from an offset on, in octets. What comes back is at most ATT_MTU-1 octets (Vol 3, Part F, 3.4.4.5).
func (c *Conn) ReadBlob(ctx context.Context, handle, offset uint16) ([]byte, error) {
	var value []byte
	req := ReadBlobRequest{Handle: handle, Offset: offset}
	err := transact(ctx, &c.requests, req, handle, func(b []byte) error {
		r, err := ParseReadBlobResponse(b)
		value = bytes.Clone(r.Value)
		return err
	})
	return value, err
}

// ReadBlobInto is [Conn.ReadBlob] into buf, as [Conn.ReadInto] is Read.
func (c *Conn) ReadBlobInto(ctx context.Context, handle, offset uint16, buf []byte) (n int, err error) {
	req := ReadBlobRequest{Handle: handle, Offset: offset}
	err = transact(ctx, &c.requests, req, handle, func(b []byte) error {
		r, err := ParseReadBlobResponse(b)
		if err != nil {
			return err
		}
		n, err = copyInto(buf, r.Value)
		return err
	})
	return n, err
}

// ReadMultiple asks for the values of two or more attributes, put end to end (Vol 3, Part F, 3.4.4.7).
func (c *Conn) ReadMultiple(ctx context.Context, handles ...uint16) ([]byte, error) {
	var values []byte
	err := transact(ctx, &c.requests, ReadMultipleRequest{Handles: handles}, first(handles), func(b []byte) error {
		r, err := ParseReadMultipleResponse(b)
		values = bytes.Clone(r.Values)
		return err
	})
	return values, err
}

// ReadMultipleVariable asks for the values of two or more attributes, each with its length (Vol 3, Part F, 3.4.4.11).
func (c *Conn) ReadMultipleVariable(ctx context.Context, handles ...uint16) ([]LengthValue, error) {
	var r ReadMultipleVariableResponse
	err := transact(ctx, &c.requests, ReadMultipleVariableRequest{Handles: handles}, first(handles), func(b []byte) (err error) {
		r, err = ParseReadMultipleVariableResponse(bytes.Clone(b))
		return err
	})
	return r.Values, err
}

// Write writes a value and waits until the server says so (Vol 3, Part F, 3.4.5.1).
func (c *Conn) Write(ctx context.Context, handle uint16, value []byte) error {
	req := WriteRequest{Handle: handle, Value: value}
	return transact(ctx, &c.requests, req, handle, func(b []byte) error {
		_, err := ParseWriteResponse(b)
		return err
	})
}

// PrepareWrite queues a part of a value at an offset in octets. It returns what the server says it has queued, which a
// reliable write compares with what it sent (Vol 3, Part F, 3.4.6.1).
func (c *Conn) PrepareWrite(ctx context.Context, handle, offset uint16, value []byte) (PrepareWriteResponse, error) {
	var r PrepareWriteResponse
	req := PrepareWriteRequest{Handle: handle, Offset: offset, Value: value}
	err := transact(ctx, &c.requests, req, handle, func(b []byte) (err error) {
		r, err = ParsePrepareWriteResponse(bytes.Clone(b))
		return err
	})
	return r, err
}

// ExecuteWrite writes or forgets what was queued (Vol 3, Part F, 3.4.6.3).
func (c *Conn) ExecuteWrite(ctx context.Context, flags ExecuteFlags) error {
	return transact(ctx, &c.requests, ExecuteWriteRequest{Flags: flags}, 0, func(b []byte) error {
		_, err := ParseExecuteWriteResponse(b)
		return err
	})
}

// WriteCommand asks for a value to be written and waits only for room in the bearer; the server does not answer
// (Vol 3, Part F, 3.4.5.3).
func (c *Conn) WriteCommand(ctx context.Context, handle uint16, value []byte) error {
	return send(ctx, c, WriteCommand{Handle: handle, Value: value}, handle)
}

// copyInto copies value to buf, and says whether it fits.
func copyInto(buf, value []byte) (int, error) {
	n := copy(buf, value)
	if n < len(value) {
		return n, io.ErrShortBuffer
	}
	return n, nil
}

// first is the first of handles, for the error.
func first(handles []uint16) uint16 {
	if len(handles) == 0 {
		return 0
	}
	return handles[0]
}
