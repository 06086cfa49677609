package att

// ReadRequest asks for a value (ATT_READ_REQ; Vol 3, Part F, 3.4.4.3).
type ReadRequest struct {
	Handle uint16
}

// Opcode is OpReadRequest.
func (ReadRequest) Opcode() Opcode { return OpReadRequest }

// AppendTo writes the PDU.
func (r ReadRequest) AppendTo(b []byte) []byte { return appendHandles(b, OpReadRequest, r.Handle) }

// ParseReadRequest reads exactly 3 octets.
func ParseReadRequest(b []byte) (ReadRequest, error) {
	if err := check(b, OpReadRequest, 3, 3); err != nil {
		return ReadRequest{}, err
	}
	return ReadRequest{Handle: le.Uint16(b[1:])}, nil
}

// ReadResponse is a value, or its first ATT_MTU-1 octets (ATT_READ_RSP; Vol 3, Part F, 3.4.4.4).
type ReadResponse struct {
	Value []byte
}

// Opcode is OpReadResponse.
func (ReadResponse) Opcode() Opcode { return OpReadResponse }

// AppendTo writes the PDU.
func (r ReadResponse) AppendTo(b []byte) []byte {
	return append(append(b, byte(OpReadResponse)), r.Value...)
}

// ParseReadResponse reads at least 1 octet.
func ParseReadResponse(b []byte) (ReadResponse, error) {
	if err := check(b, OpReadResponse, 1, anyLen); err != nil {
		return ReadResponse{}, err
	}
	return ReadResponse{Value: b[1:]}, nil
}

// ReadBlobRequest asks for a value from an offset on (ATT_READ_BLOB_REQ; Vol 3, Part F, 3.4.4.5).
type ReadBlobRequest struct {
	Handle uint16
	Offset uint16 // octets
}

// Opcode is OpReadBlobRequest.
func (ReadBlobRequest) Opcode() Opcode { return OpReadBlobRequest }

// AppendTo writes the PDU.
func (r ReadBlobRequest) AppendTo(b []byte) []byte {
	return appendHandles(b, OpReadBlobRequest, r.Handle, r.Offset)
}

// ParseReadBlobRequest reads exactly 5 octets.
func ParseReadBlobRequest(b []byte) (ReadBlobRequest, error) {
	if err := check(b, OpReadBlobRequest, 5, 5); err != nil {
		return ReadBlobRequest{}, err
	}
	return ReadBlobRequest{Handle: le.Uint16(b[1:]), Offset: le.Uint16(b[3:])}, nil
}

// ReadBlobResponse is a part of a value (ATT_READ_BLOB_RSP; Vol 3, Part F, 3.4.4.6).
type ReadBlobResponse struct {
	Value []byte
}

// Opcode is OpReadBlobResponse.
func (ReadBlobResponse) Opcode() Opcode { return OpReadBlobResponse }

// AppendTo writes the PDU.
func (r ReadBlobResponse) AppendTo(b []byte) []byte {
	return append(append(b, byte(OpReadBlobResponse)), r.Value...)
}

// ParseReadBlobResponse reads at least 1 octet.
func ParseReadBlobResponse(b []byte) (ReadBlobResponse, error) {
	if err := check(b, OpReadBlobResponse, 1, anyLen); err != nil {
		return ReadBlobResponse{}, err
	}
	return ReadBlobResponse{Value: b[1:]}, nil
}

// ReadMultipleRequest asks for the values of several attributes, put end to end (ATT_READ_MULTIPLE_REQ; Vol 3, Part F, 3.4.4.7).
type ReadMultipleRequest struct {
	Handles []uint16 // at least two
}

// Opcode is OpReadMultipleRequest.
func (ReadMultipleRequest) Opcode() Opcode { return OpReadMultipleRequest }

// AppendTo writes the PDU.
func (r ReadMultipleRequest) AppendTo(b []byte) []byte {
	return appendHandles(b, OpReadMultipleRequest, r.Handles...)
}

// ParseReadMultipleRequest reads two or more handles.
func ParseReadMultipleRequest(b []byte) (ReadMultipleRequest, error) {
	handles, err := parseHandles(b, OpReadMultipleRequest)
	return ReadMultipleRequest{Handles: handles}, err
}

// ReadMultipleResponse is the values end to end, cut at ATT_MTU-1 octets (ATT_READ_MULTIPLE_RSP; Vol 3, Part F, 3.4.4.8).
type ReadMultipleResponse struct {
	Values []byte
}

// Opcode is OpReadMultipleResponse.
func (ReadMultipleResponse) Opcode() Opcode { return OpReadMultipleResponse }

// AppendTo writes the PDU.
func (r ReadMultipleResponse) AppendTo(b []byte) []byte {
	return append(append(b, byte(OpReadMultipleResponse)), r.Values...)
}

// ParseReadMultipleResponse reads at least 1 octet.
func ParseReadMultipleResponse(b []byte) (ReadMultipleResponse, error) {
	if err := check(b, OpReadMultipleResponse, 1, anyLen); err != nil {
		return ReadMultipleResponse{}, err
	}
	return ReadMultipleResponse{Values: b[1:]}, nil
}

// ReadMultipleVariableRequest asks for the values of several attributes, each with its length
// (ATT_READ_MULTIPLE_VARIABLE_REQ; Vol 3, Part F, 3.4.4.11).
type ReadMultipleVariableRequest struct {
	Handles []uint16 // at least two
}

// Opcode is OpReadMultipleVariableRequest.
func (ReadMultipleVariableRequest) Opcode() Opcode { return OpReadMultipleVariableRequest }

// AppendTo writes the PDU.
func (r ReadMultipleVariableRequest) AppendTo(b []byte) []byte {
	return appendHandles(b, OpReadMultipleVariableRequest, r.Handles...)
}

// ParseReadMultipleVariableRequest reads two or more handles.
func ParseReadMultipleVariableRequest(b []byte) (ReadMultipleVariableRequest, error) {
	handles, err := parseHandles(b, OpReadMultipleVariableRequest)
	return ReadMultipleVariableRequest{Handles: handles}, err
}

// A LengthValue is one value of a [ReadMultipleVariableResponse].
type LengthValue struct {
	Length uint16 // of the whole value, in octets; more than len(Value) if the last value was cut at the MTU
	Value  []byte
}

// ReadMultipleVariableResponse is the values in the order of the request, cut at ATT_MTU octets
// (ATT_READ_MULTIPLE_VARIABLE_RSP; Vol 3, Part F, 3.4.4.12).
type ReadMultipleVariableResponse struct {
	Values []LengthValue // at least one
}

// Opcode is OpReadMultipleVariableResponse.
func (ReadMultipleVariableResponse) Opcode() Opcode { return OpReadMultipleVariableResponse }

// AppendTo writes the PDU.
func (r ReadMultipleVariableResponse) AppendTo(b []byte) []byte {
	b = append(b, byte(OpReadMultipleVariableResponse))
	for _, v := range r.Values {
		b = append(le.AppendUint16(b, v.Length), v.Value...)
	}
	return b
}

// ParseReadMultipleVariableResponse reads one or more values, of which the last may be cut.
func ParseReadMultipleVariableResponse(b []byte) (ReadMultipleVariableResponse, error) {
	const op = OpReadMultipleVariableResponse
	if err := check(b, op, 3, anyLen); err != nil {
		return ReadMultipleVariableResponse{}, err
	}
	var r ReadMultipleVariableResponse
	for list := b[1:]; len(list) > 0; {
		if len(list) < 2 {
			return ReadMultipleVariableResponse{}, malformed(b, op, "a length is cut")
		}
		length := le.Uint16(list)
		n := min(int(length), len(list)-2)
		r.Values = append(r.Values, LengthValue{Length: length, Value: list[2 : 2+n]})
		list = list[2+n:]
	}
	return r, nil
}

// parseHandles reads the two or more handles of the requests that read several values.
func parseHandles(b []byte, op Opcode) ([]uint16, error) {
	if err := check(b, op, 5, anyLen); err != nil {
		return nil, err
	}
	list := b[1:]
	if len(list)%2 != 0 {
		return nil, malformed(b, op, "a handle is cut")
	}
	handles := make([]uint16, 0, len(list)/2)
	for ; len(list) > 0; list = list[2:] {
		handles = append(handles, le.Uint16(list))
	}
	return handles, nil
}
