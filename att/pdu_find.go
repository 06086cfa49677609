package att

// FindInformationRequest asks for the handles and types of attributes (ATT_FIND_INFORMATION_REQ; Vol 3, Part F, 3.4.3.1).
type FindInformationRequest struct {
	Start, End uint16 // the first and last handle
}

// Opcode is OpFindInformationRequest.
func (FindInformationRequest) Opcode() Opcode { return OpFindInformationRequest }

// AppendTo writes the PDU.
func (r FindInformationRequest) AppendTo(b []byte) []byte {
	return appendHandles(b, OpFindInformationRequest, r.Start, r.End)
}

// ParseFindInformationRequest reads exactly 5 octets.
func ParseFindInformationRequest(b []byte) (FindInformationRequest, error) {
	if err := check(b, OpFindInformationRequest, 5, 5); err != nil {
		return FindInformationRequest{}, err
	}
	return FindInformationRequest{Start: le.Uint16(b[1:]), End: le.Uint16(b[3:])}, nil
}

// Information is one attribute in a [FindInformationResponse].
type Information struct {
	Handle uint16
	Type   UUID
}

// The formats of a FindInformationResponse: how long each type is.
const (
	format16  = 0x01
	format128 = 0x02
)

// FindInformationResponse lists handles and types in order of handle (ATT_FIND_INFORMATION_RSP; Vol 3, Part F, 3.4.3.2).
type FindInformationResponse struct {
	Information []Information // at least one
}

// Opcode is OpFindInformationResponse.
func (FindInformationResponse) Opcode() Opcode { return OpFindInformationResponse }

// AppendTo writes the PDU. The types in one PDU are all of one length, so it stops before the first that is not as long as the first.
func (r FindInformationResponse) AppendTo(b []byte) []byte {
	b = append(b, byte(OpFindInformationResponse), format16)
	format := len(b) - 1
	for i, info := range r.Information {
		n := info.Type.Len()
		if n != r.Information[0].Type.Len() {
			break
		}
		if i == 0 && n != 2 {
			b[format] = format128
		}
		b = info.Type.AppendTo(le.AppendUint16(b, info.Handle))
	}
	return b
}

// ParseFindInformationResponse reads one or more pairs of either format, and nothing left over.
func ParseFindInformationResponse(b []byte) (FindInformationResponse, error) {
	const op = OpFindInformationResponse
	if err := check(b, op, 6, anyLen); err != nil {
		return FindInformationResponse{}, err
	}
	size := 4
	switch b[1] {
	case format16:
	case format128:
		size = 18
	default:
		return FindInformationResponse{}, malformed(b, op, "unknown format")
	}
	list := b[2:]
	if len(list)%size != 0 {
		return FindInformationResponse{}, malformed(b, op, "a pair is cut")
	}
	r := FindInformationResponse{Information: make([]Information, 0, len(list)/size)}
	for ; len(list) > 0; list = list[size:] {
		info := Information{Handle: le.Uint16(list)}
		if size == 4 {
			info.Type = UUID16(le.Uint16(list[2:]))
		} else {
			info.Type = UUID(list[2:size])
		}
		r.Information = append(r.Information, info)
	}
	return r, nil
}

// FindByTypeValueRequest asks for the attributes of a type with a value (ATT_FIND_BY_TYPE_VALUE_REQ; Vol 3, Part F, 3.4.3.3).
type FindByTypeValueRequest struct {
	Start, End uint16 // the first and last handle
	Type       uint16 // a 16-bit UUID: this request has no other
	Value      []byte
}

// Opcode is OpFindByTypeValueRequest.
func (FindByTypeValueRequest) Opcode() Opcode { return OpFindByTypeValueRequest }

// AppendTo writes the PDU.
func (r FindByTypeValueRequest) AppendTo(b []byte) []byte {
	return append(appendHandles(b, OpFindByTypeValueRequest, r.Start, r.End, r.Type), r.Value...)
}

// ParseFindByTypeValueRequest reads at least 7 octets.
func ParseFindByTypeValueRequest(b []byte) (FindByTypeValueRequest, error) {
	if err := check(b, OpFindByTypeValueRequest, 7, anyLen); err != nil {
		return FindByTypeValueRequest{}, err
	}
	return FindByTypeValueRequest{
		Start: le.Uint16(b[1:]),
		End:   le.Uint16(b[3:]),
		Type:  le.Uint16(b[5:]),
		Value: b[7:],
	}, nil
}

// A HandleRange is one attribute of a [FindByTypeValueResponse] and the end of its group.
type HandleRange struct {
	Start uint16 // the attribute found
	End   uint16 // the last handle of its group, or Start if the type does not group
}

// FindByTypeValueResponse lists what was found in order of handle (ATT_FIND_BY_TYPE_VALUE_RSP; Vol 3, Part F, 3.4.3.4).
type FindByTypeValueResponse struct {
	Ranges []HandleRange // at least one
}

// Opcode is OpFindByTypeValueResponse.
func (FindByTypeValueResponse) Opcode() Opcode { return OpFindByTypeValueResponse }

// AppendTo writes the PDU.
func (r FindByTypeValueResponse) AppendTo(b []byte) []byte {
	b = append(b, byte(OpFindByTypeValueResponse))
	for _, h := range r.Ranges {
		b = le.AppendUint16(le.AppendUint16(b, h.Start), h.End)
	}
	return b
}

// ParseFindByTypeValueResponse reads one or more ranges, and nothing left over.
func ParseFindByTypeValueResponse(b []byte) (FindByTypeValueResponse, error) {
	const op, size = OpFindByTypeValueResponse, 4
	if err := check(b, op, 1+size, anyLen); err != nil {
		return FindByTypeValueResponse{}, err
	}
	list := b[1:]
	if len(list)%size != 0 {
		return FindByTypeValueResponse{}, malformed(b, op, "a range is cut")
	}
	r := FindByTypeValueResponse{Ranges: make([]HandleRange, 0, len(list)/size)}
	for ; len(list) > 0; list = list[size:] {
		r.Ranges = append(r.Ranges, HandleRange{Start: le.Uint16(list), End: le.Uint16(list[2:])})
	}
	return r, nil
}
