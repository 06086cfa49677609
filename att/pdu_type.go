package att

// ReadByTypeRequest asks for the values of the attributes of a type (ATT_READ_BY_TYPE_REQ; Vol 3, Part F, 3.4.4.1).
type ReadByTypeRequest struct {
	Start, End uint16 // the first and last handle
	Type       UUID
}

// Opcode is OpReadByTypeRequest.
func (ReadByTypeRequest) Opcode() Opcode { return OpReadByTypeRequest }

// AppendTo writes the PDU.
func (r ReadByTypeRequest) AppendTo(b []byte) []byte {
	return r.Type.AppendTo(appendHandles(b, OpReadByTypeRequest, r.Start, r.End))
}

// ParseReadByTypeRequest reads exactly 7 or 21 octets.
func ParseReadByTypeRequest(b []byte) (ReadByTypeRequest, error) {
	start, end, uuid, err := parseTypeRequest(b, OpReadByTypeRequest)
	return ReadByTypeRequest{Start: start, End: end, Type: uuid}, err
}

// AttributeData is one attribute in a [ReadByTypeResponse].
type AttributeData struct {
	Handle uint16
	Value  []byte // or its first min(ATT_MTU-4, 253) octets
}

// ReadByTypeResponse lists handles and values of one length in order of handle (ATT_READ_BY_TYPE_RSP; Vol 3, Part F, 3.4.4.2).
type ReadByTypeResponse struct {
	Attributes []AttributeData // at least one
}

// Opcode is OpReadByTypeResponse.
func (ReadByTypeResponse) Opcode() Opcode { return OpReadByTypeResponse }

// AppendTo writes the PDU. The values in one PDU are all of one length, so it stops before the first that is
// not as long as the first; values are cut at the 253 octets that the length octet can tell.
func (r ReadByTypeResponse) AppendTo(b []byte) []byte {
	b = append(b, byte(OpReadByTypeResponse), 2)
	length := len(b) - 1
	for i, a := range r.Attributes {
		if len(a.Value) != len(r.Attributes[0].Value) {
			break
		}
		v := a.Value[:min(len(a.Value), 255-2)]
		if i == 0 {
			b[length] = byte(2 + len(v))
		}
		b = append(le.AppendUint16(b, a.Handle), v...)
	}
	return b
}

// ParseReadByTypeResponse reads one or more attributes, and nothing left over.
func ParseReadByTypeResponse(b []byte) (ReadByTypeResponse, error) {
	list, size, err := parseList(b, OpReadByTypeResponse, 2)
	if err != nil {
		return ReadByTypeResponse{}, err
	}
	r := ReadByTypeResponse{Attributes: make([]AttributeData, 0, len(list)/size)}
	for ; len(list) > 0; list = list[size:] {
		r.Attributes = append(r.Attributes, AttributeData{Handle: le.Uint16(list), Value: list[2:size]})
	}
	return r, nil
}

// ReadByGroupTypeRequest asks for the values of the grouping attributes of a type (ATT_READ_BY_GROUP_TYPE_REQ; Vol 3, Part F, 3.4.4.9).
type ReadByGroupTypeRequest struct {
	Start, End uint16 // the first and last handle
	Type       UUID
}

// Opcode is OpReadByGroupTypeRequest.
func (ReadByGroupTypeRequest) Opcode() Opcode { return OpReadByGroupTypeRequest }

// AppendTo writes the PDU.
func (r ReadByGroupTypeRequest) AppendTo(b []byte) []byte {
	return r.Type.AppendTo(appendHandles(b, OpReadByGroupTypeRequest, r.Start, r.End))
}

// ParseReadByGroupTypeRequest reads exactly 7 or 21 octets.
func ParseReadByGroupTypeRequest(b []byte) (ReadByGroupTypeRequest, error) {
	start, end, uuid, err := parseTypeRequest(b, OpReadByGroupTypeRequest)
	return ReadByGroupTypeRequest{Start: start, End: end, Type: uuid}, err
}

// GroupData is one group in a [ReadByGroupTypeResponse].
type GroupData struct {
	Start uint16 // the grouping attribute
	End   uint16 // the last handle of the group
	Value []byte // or its first min(ATT_MTU-6, 251) octets
}

// ReadByGroupTypeResponse lists groups with values of one length in order of handle
// (ATT_READ_BY_GROUP_TYPE_RSP; Vol 3, Part F, 3.4.4.10).
type ReadByGroupTypeResponse struct {
	Groups []GroupData // at least one
}

// Opcode is OpReadByGroupTypeResponse.
func (ReadByGroupTypeResponse) Opcode() Opcode { return OpReadByGroupTypeResponse }

// AppendTo writes the PDU. The values in one PDU are all of one length, so it stops before the first that is
// not as long as the first; values are cut at the 251 octets that the length octet can tell.
func (r ReadByGroupTypeResponse) AppendTo(b []byte) []byte {
	b = append(b, byte(OpReadByGroupTypeResponse), 4)
	length := len(b) - 1
	for i, g := range r.Groups {
		if len(g.Value) != len(r.Groups[0].Value) {
			break
		}
		v := g.Value[:min(len(g.Value), 255-4)]
		if i == 0 {
			b[length] = byte(4 + len(v))
		}
		b = append(le.AppendUint16(le.AppendUint16(b, g.Start), g.End), v...)
	}
	return b
}

// ParseReadByGroupTypeResponse reads one or more groups, and nothing left over.
func ParseReadByGroupTypeResponse(b []byte) (ReadByGroupTypeResponse, error) {
	list, size, err := parseList(b, OpReadByGroupTypeResponse, 4)
	if err != nil {
		return ReadByGroupTypeResponse{}, err
	}
	r := ReadByGroupTypeResponse{Groups: make([]GroupData, 0, len(list)/size)}
	for ; len(list) > 0; list = list[size:] {
		r.Groups = append(r.Groups, GroupData{Start: le.Uint16(list), End: le.Uint16(list[2:]), Value: list[4:size]})
	}
	return r, nil
}

// parseTypeRequest reads a handle range and a type, the form of both requests in this file.
func parseTypeRequest(b []byte, op Opcode) (start, end uint16, uuid UUID, err error) {
	if err = check(b, op, 7, 21); err != nil {
		return 0, 0, UUID{}, err
	}
	if uuid, err = ParseUUID(b[5:]); err != nil {
		return 0, 0, UUID{}, malformed(b, op, "a type is neither 2 nor 16 octets")
	}
	return le.Uint16(b[1:]), le.Uint16(b[3:]), uuid, nil
}

// parseList finds the list in a response that tells the size of its elements, of which header octets are handles.
func parseList(b []byte, op Opcode, header int) (list []byte, size int, err error) {
	if err := check(b, op, 2+header, anyLen); err != nil {
		return nil, 0, err
	}
	list, size = b[2:], int(b[1])
	switch {
	case size < header:
		return nil, 0, malformed(b, op, "length too small")
	case len(list)%size != 0:
		return nil, 0, malformed(b, op, "an element is cut")
	}
	return list, size, nil
}
