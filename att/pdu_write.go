package att

// WriteRequest asks for a value to be written, and for an answer (ATT_WRITE_REQ; Vol 3, Part F, 3.4.5.1).
type WriteRequest struct {
	Handle uint16
	Value  []byte
}

// Opcode is OpWriteRequest.
func (WriteRequest) Opcode() Opcode { return OpWriteRequest }

// AppendTo writes the PDU.
func (r WriteRequest) AppendTo(b []byte) []byte {
	return append(appendHandles(b, OpWriteRequest, r.Handle), r.Value...)
}

// ParseWriteRequest reads at least 3 octets.
func ParseWriteRequest(b []byte) (WriteRequest, error) {
	if err := check(b, OpWriteRequest, 3, anyLen); err != nil {
		return WriteRequest{}, err
	}
	return WriteRequest{Handle: le.Uint16(b[1:]), Value: b[3:]}, nil
}

// WriteResponse tells that a value was written (ATT_WRITE_RSP; Vol 3, Part F, 3.4.5.2).
type WriteResponse struct{}

// Opcode is OpWriteResponse.
func (WriteResponse) Opcode() Opcode { return OpWriteResponse }

// AppendTo writes the PDU.
func (WriteResponse) AppendTo(b []byte) []byte { return append(b, byte(OpWriteResponse)) }

// ParseWriteResponse reads exactly 1 octet.
func ParseWriteResponse(b []byte) (WriteResponse, error) {
	return WriteResponse{}, check(b, OpWriteResponse, 1, 1)
}

// WriteCommand asks for a value to be written, without an answer (ATT_WRITE_CMD; Vol 3, Part F, 3.4.5.3).
type WriteCommand struct {
	Handle uint16
	Value  []byte
}

// Opcode is OpWriteCommand.
func (WriteCommand) Opcode() Opcode { return OpWriteCommand }

// AppendTo writes the PDU.
func (c WriteCommand) AppendTo(b []byte) []byte {
	return append(appendHandles(b, OpWriteCommand, c.Handle), c.Value...)
}

// ParseWriteCommand reads at least 3 octets.
func ParseWriteCommand(b []byte) (WriteCommand, error) {
	if err := check(b, OpWriteCommand, 3, anyLen); err != nil {
		return WriteCommand{}, err
	}
	return WriteCommand{Handle: le.Uint16(b[1:]), Value: b[3:]}, nil
}

// SignatureLen is the length of an authentication signature in octets: a counter of 4, a MAC of 8 (Vol 3, Part F, 3.3.1).
const SignatureLen = 12

// SignedWriteCommand is a [WriteCommand] with a signature over opcode, handle and value (ATT_SIGNED_WRITE_CMD; Vol 3, Part F, 3.4.5.4).
type SignedWriteCommand struct {
	Handle    uint16
	Value     []byte
	Signature [SignatureLen]byte // least significant octet first
}

// Opcode is OpSignedWriteCommand.
func (SignedWriteCommand) Opcode() Opcode { return OpSignedWriteCommand }

// AppendTo writes the PDU.
func (c SignedWriteCommand) AppendTo(b []byte) []byte {
	b = append(appendHandles(b, OpSignedWriteCommand, c.Handle), c.Value...)
	return append(b, c.Signature[:]...)
}

// ParseSignedWriteCommand reads at least 15 octets.
func ParseSignedWriteCommand(b []byte) (SignedWriteCommand, error) {
	if err := check(b, OpSignedWriteCommand, 3+SignatureLen, anyLen); err != nil {
		return SignedWriteCommand{}, err
	}
	end := len(b) - SignatureLen
	return SignedWriteCommand{
		Handle:    le.Uint16(b[1:]),
		Value:     b[3:end],
		Signature: [SignatureLen]byte(b[end:]),
	}, nil
}

// PrepareWriteRequest asks for a part of a value to be queued (ATT_PREPARE_WRITE_REQ; Vol 3, Part F, 3.4.6.1).
type PrepareWriteRequest struct {
	Handle uint16
	Offset uint16 // octets
	Value  []byte
}

// Opcode is OpPrepareWriteRequest.
func (PrepareWriteRequest) Opcode() Opcode { return OpPrepareWriteRequest }

// AppendTo writes the PDU.
func (r PrepareWriteRequest) AppendTo(b []byte) []byte {
	return append(appendHandles(b, OpPrepareWriteRequest, r.Handle, r.Offset), r.Value...)
}

// ParsePrepareWriteRequest reads at least 5 octets.
func ParsePrepareWriteRequest(b []byte) (PrepareWriteRequest, error) {
	if err := check(b, OpPrepareWriteRequest, 5, anyLen); err != nil {
		return PrepareWriteRequest{}, err
	}
	return PrepareWriteRequest{Handle: le.Uint16(b[1:]), Offset: le.Uint16(b[3:]), Value: b[5:]}, nil
}

// PrepareWriteResponse echoes what was queued (ATT_PREPARE_WRITE_RSP; Vol 3, Part F, 3.4.6.2).
type PrepareWriteResponse struct {
	Handle uint16
	Offset uint16 // octets
	Value  []byte
}

// Opcode is OpPrepareWriteResponse.
func (PrepareWriteResponse) Opcode() Opcode { return OpPrepareWriteResponse }

// AppendTo writes the PDU.
func (r PrepareWriteResponse) AppendTo(b []byte) []byte {
	return append(appendHandles(b, OpPrepareWriteResponse, r.Handle, r.Offset), r.Value...)
}

// ParsePrepareWriteResponse reads at least 5 octets.
func ParsePrepareWriteResponse(b []byte) (PrepareWriteResponse, error) {
	if err := check(b, OpPrepareWriteResponse, 5, anyLen); err != nil {
		return PrepareWriteResponse{}, err
	}
	return PrepareWriteResponse{Handle: le.Uint16(b[1:]), Offset: le.Uint16(b[3:]), Value: b[5:]}, nil
}

// ExecuteFlags tells what becomes of a prepare queue.
type ExecuteFlags uint8

// The flags of an [ExecuteWriteRequest].
const (
	ExecuteCancel ExecuteFlags = 0x00 // forget the queue
	ExecuteCommit ExecuteFlags = 0x01 // write everything in it
)

// ExecuteWriteRequest writes or forgets the prepare queue (ATT_EXECUTE_WRITE_REQ; Vol 3, Part F, 3.4.6.3).
type ExecuteWriteRequest struct {
	Flags ExecuteFlags
}

// Opcode is OpExecuteWriteRequest.
func (ExecuteWriteRequest) Opcode() Opcode { return OpExecuteWriteRequest }

// AppendTo writes the PDU.
func (r ExecuteWriteRequest) AppendTo(b []byte) []byte {
	return append(b, byte(OpExecuteWriteRequest), byte(r.Flags))
}

// ParseExecuteWriteRequest reads exactly 2 octets and refuses flags other than the two there are.
func ParseExecuteWriteRequest(b []byte) (ExecuteWriteRequest, error) {
	if err := check(b, OpExecuteWriteRequest, 2, 2); err != nil {
		return ExecuteWriteRequest{}, err
	}
	flags := ExecuteFlags(b[1])
	if flags > ExecuteCommit {
		return ExecuteWriteRequest{}, malformed(b, OpExecuteWriteRequest, "unknown flags")
	}
	return ExecuteWriteRequest{Flags: flags}, nil
}

// ExecuteWriteResponse tells that it is done (ATT_EXECUTE_WRITE_RSP; Vol 3, Part F, 3.4.6.4).
type ExecuteWriteResponse struct{}

// Opcode is OpExecuteWriteResponse.
func (ExecuteWriteResponse) Opcode() Opcode { return OpExecuteWriteResponse }

// AppendTo writes the PDU.
func (ExecuteWriteResponse) AppendTo(b []byte) []byte { return append(b, byte(OpExecuteWriteResponse)) }

// ParseExecuteWriteResponse reads exactly 1 octet.
func ParseExecuteWriteResponse(b []byte) (ExecuteWriteResponse, error) {
	return ExecuteWriteResponse{}, check(b, OpExecuteWriteResponse, 1, 1)
}
