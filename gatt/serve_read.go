package gatt

import "github.com/jelling-ble/jelling/att"

// readable is the attribute with a handle, if the client may read it.
func (x *exchange) readable(handle uint16) (*attribute, error) {
	a := x.db.at(handle)
	if a == nil {
		return nil, &att.Error{Handle: handle, Code: att.ErrInvalidHandle}
	}
	if err := x.mayRead(a); err != nil {
		return nil, x.blame(a, err)
	}
	return a, nil
}

// readHandle is the attribute with a handle and its value, until the next one is asked for.
func (x *exchange) readHandle(handle uint16) (*attribute, []byte, error) {
	a, err := x.readable(handle)
	if err != nil {
		return nil, nil, err
	}
	value, err := x.value(a)
	if err != nil {
		return nil, nil, x.blame(a, err)
	}
	return a, value, nil
}

// cut is what fits one PDU.
func (x *exchange) cut(rsp []byte) []byte { return rsp[:min(len(rsp), x.mtu)] }

// read tells a value, or its beginning (Vol 3, Part F, 3.4.4.4).
func (x *exchange) read(p *att.ReadRequest, rsp []byte) ([]byte, error) {
	a, value, err := x.readHandle(p.Handle)
	if err != nil {
		return nil, err
	}
	x.observe(ValueRead, a, value)
	return x.cut(append(append(rsp, byte(att.OpReadResponse)), value...)), nil
}

// readBlob tells a part of a value. At its very end the part is empty (Vol 3, Part F, 3.4.4.6).
func (x *exchange) readBlob(p *att.ReadBlobRequest, rsp []byte) ([]byte, error) {
	a, value, err := x.readHandle(p.Handle)
	if err != nil {
		return nil, err
	}
	if int(p.Offset) > len(value) {
		return nil, att.ErrInvalidOffset
	}
	if p.Offset == 0 {
		x.observe(ValueRead, a, value)
	}
	return x.cut(append(append(rsp, byte(att.OpReadBlobResponse)), value[p.Offset:]...)), nil
}

// readMultiple tells several values, end to end. The first that can't be read is the error (Vol 3, Part F, 3.4.4.8).
func (x *exchange) readMultiple(handles []uint16, rsp []byte) ([]byte, error) {
	rsp = append(rsp, byte(att.OpReadMultipleResponse))
	for _, h := range handles {
		a, value, err := x.readHandle(h)
		if err != nil {
			return nil, err
		}
		x.observe(ValueRead, a, value)
		rsp = x.cut(append(rsp, value...))
	}
	return rsp, nil
}

// readMultipleVariable tells several values, each behind its whole length; the last one told may be cut (Vol 3, Part F, 3.4.4.12).
func (x *exchange) readMultipleVariable(handles []uint16, rsp []byte) ([]byte, error) {
	const length = 2
	rsp = append(rsp, byte(att.OpReadMultipleVariableResponse))
	for _, h := range handles {
		a, value, err := x.readHandle(h)
		if err != nil {
			return nil, err
		}
		x.observe(ValueRead, a, value)
		if len(rsp)+length <= x.mtu {
			rsp = x.cut(append(le.AppendUint16(rsp, uint16(len(value))), value...))
		}
	}
	return rsp, nil
}

// A list is a response that lists attributes with values of one length: a header, and before each value its handles.
type list struct {
	rsp       []byte
	begin     int // where the response begins
	handles   int // octets before each value
	mtu       int
	valueLen  int // of the first value, whole
	elementAt int // where the length of an element is told
}

// newList begins a list.
func (x *exchange) newList(rsp []byte, op att.Opcode, handles int) list {
	l := list{begin: len(rsp), handles: handles, mtu: x.mtu, elementAt: len(rsp) + 1}
	l.rsp = append(rsp, byte(op), 0)
	return l
}

// add adds an attribute, and tells whether there may be another. The first value is cut to what fits, or to what one octet of length can tell.
func (l *list) add(value []byte, handles ...uint16) bool {
	const header, longest = 2, 255
	first := l.empty()
	if first {
		l.valueLen = len(value)
	}
	told := value[:min(len(value), l.mtu-header-l.handles, longest-l.handles)]
	size := l.handles + len(told)
	if len(value) != l.valueLen || len(l.rsp)-l.begin+size > l.mtu {
		return false
	}
	for _, h := range handles {
		l.rsp = le.AppendUint16(l.rsp, h)
	}
	l.rsp = append(l.rsp, told...)
	l.rsp[l.elementAt] = byte(size)
	return true
}

// empty tells whether nothing has been added.
func (l *list) empty() bool { return l.rsp[l.elementAt] == 0 }

// readByType lists the values of the attributes of a type. The first that can't be read is the error, a later one
// ends the list (Vol 3, Part F, 3.4.4.2).
func (x *exchange) readByType(p *att.ReadByTypeRequest, rsp []byte) ([]byte, error) {
	if err := checkRange(p.Start, p.End); err != nil {
		return nil, err
	}
	l := x.newList(rsp, att.OpReadByTypeResponse, 2)
	for _, a := range x.db.between(p.Start, p.End) {
		if a.typ != p.Type {
			continue
		}
		_, value, err := x.readHandle(a.handle)
		if err != nil && l.empty() {
			return nil, err
		}
		if err != nil || !l.add(value, a.handle) {
			break
		}
		x.observe(ValueRead, a, value)
	}
	if l.empty() {
		return nil, att.ErrAttributeNotFound
	}
	if p.Type == DatabaseHash {
		x.hashRead()
	}
	return l.rsp, nil
}

// readByGroupType lists services. No other type groups for this request (Vol 3, Part F, 3.4.4.10; Part G, 2.5.3).
func (x *exchange) readByGroupType(p *att.ReadByGroupTypeRequest, rsp []byte) ([]byte, error) {
	if err := checkRange(p.Start, p.End); err != nil {
		return nil, err
	}
	if p.Type != PrimaryService && p.Type != SecondaryService {
		return nil, att.ErrUnsupportedGroupType
	}
	l := x.newList(rsp, att.OpReadByGroupTypeResponse, 4)
	for _, a := range x.db.between(p.Start, p.End) {
		if a.typ != p.Type {
			continue
		}
		value, err := x.value(a)
		if err != nil || !l.add(value, a.handle, a.end) {
			break
		}
	}
	if l.empty() {
		return nil, att.ErrAttributeNotFound
	}
	return l.rsp, nil
}
