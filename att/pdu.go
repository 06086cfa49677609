package att

import (
	"encoding/binary"
	"fmt"
)

// DefaultMTU is the ATT_MTU in octets before, or without, an exchange (Vol 3, Part G, 5.2.1).
const DefaultMTU = 23

// MaxValueLen is the longest attribute value in octets (Vol 3, Part F, 3.2.9).
const MaxValueLen = 512

// A PDU is any of the PDUs of Vol 3, Part F, 3.4. Each type has a ParseX beside it; slices in what it returns alias its input.
type PDU interface {
	Opcode() Opcode
	AppendTo(b []byte) []byte
}

// A RawPDU is a PDU with an opcode that this package does not know, whole.
type RawPDU []byte

// Opcode is the first octet, or 0 if there is none.
func (p RawPDU) Opcode() Opcode {
	if len(p) == 0 {
		return 0
	}
	return Opcode(p[0])
}

// AppendTo writes the PDU.
func (p RawPDU) AppendTo(b []byte) []byte { return append(b, p...) }

// Parse reads any PDU. One with an unknown opcode comes back as a [RawPDU].
func Parse(b []byte) (PDU, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: no octets", ErrMalformed)
	}
	switch Opcode(b[0]) {
	case OpErrorResponse:
		return parsed(ParseErrorResponse(b))
	case OpExchangeMTURequest:
		return parsed(ParseExchangeMTURequest(b))
	case OpExchangeMTUResponse:
		return parsed(ParseExchangeMTUResponse(b))
	case OpFindInformationRequest:
		return parsed(ParseFindInformationRequest(b))
	case OpFindInformationResponse:
		return parsed(ParseFindInformationResponse(b))
	case OpFindByTypeValueRequest:
		return parsed(ParseFindByTypeValueRequest(b))
	case OpFindByTypeValueResponse:
		return parsed(ParseFindByTypeValueResponse(b))
	case OpReadByTypeRequest:
		return parsed(ParseReadByTypeRequest(b))
	case OpReadByTypeResponse:
		return parsed(ParseReadByTypeResponse(b))
	case OpReadRequest:
		return parsed(ParseReadRequest(b))
	case OpReadResponse:
		return parsed(ParseReadResponse(b))
	case OpReadBlobRequest:
		return parsed(ParseReadBlobRequest(b))
	case OpReadBlobResponse:
		return parsed(ParseReadBlobResponse(b))
	case OpReadMultipleRequest:
		return parsed(ParseReadMultipleRequest(b))
	case OpReadMultipleResponse:
		return parsed(ParseReadMultipleResponse(b))
	case OpReadByGroupTypeRequest:
		return parsed(ParseReadByGroupTypeRequest(b))
	case OpReadByGroupTypeResponse:
		return parsed(ParseReadByGroupTypeResponse(b))
	case OpReadMultipleVariableRequest:
		return parsed(ParseReadMultipleVariableRequest(b))
	case OpReadMultipleVariableResponse:
		return parsed(ParseReadMultipleVariableResponse(b))
	case OpWriteRequest:
		return parsed(ParseWriteRequest(b))
	case OpWriteResponse:
		return parsed(ParseWriteResponse(b))
	case OpWriteCommand:
		return parsed(ParseWriteCommand(b))
	case OpSignedWriteCommand:
		return parsed(ParseSignedWriteCommand(b))
	case OpPrepareWriteRequest:
		return parsed(ParsePrepareWriteRequest(b))
	case OpPrepareWriteResponse:
		return parsed(ParsePrepareWriteResponse(b))
	case OpExecuteWriteRequest:
		return parsed(ParseExecuteWriteRequest(b))
	case OpExecuteWriteResponse:
		return parsed(ParseExecuteWriteResponse(b))
	case OpHandleValueNotification:
		return parsed(ParseHandleValueNotification(b))
	case OpHandleValueIndication:
		return parsed(ParseHandleValueIndication(b))
	case OpHandleValueConfirmation:
		return parsed(ParseHandleValueConfirmation(b))
	case OpMultipleHandleValueNotification:
		return parsed(ParseMultipleHandleValueNotification(b))
	}
	return RawPDU(b), nil
}

// parsed makes a PDU of what a ParseX returns, and nil of what it refuses.
func parsed[P PDU](p P, err error) (PDU, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

var le = binary.LittleEndian

// anyLen is the max of a PDU bounded by the MTU alone.
const anyLen = 1<<16 - 1

// check refuses a PDU that is not an op of minLen to maxLen octets, opcode included.
func check(b []byte, op Opcode, minLen, maxLen int) error {
	switch {
	case len(b) < minLen:
		return malformed(b, op, "too short")
	case len(b) > maxLen:
		return malformed(b, op, "too long")
	case Opcode(b[0]) != op:
		return malformed(b, op, "another opcode")
	}
	return nil
}

// malformed is the error for a PDU b that should have been an op.
func malformed(b []byte, op Opcode, reason string) error {
	return &MalformedError{Op: op, Len: len(b), Reason: reason}
}

// appendHandles writes an opcode and handles or other 16-bit values.
func appendHandles(b []byte, op Opcode, values ...uint16) []byte {
	b = append(b, byte(op))
	for _, v := range values {
		b = le.AppendUint16(b, v)
	}
	return b
}
