package att

import "fmt"

// An Opcode is the first octet of a PDU (Vol 3, Part F, 3.3.1): bits 0 to 5 the method, bit 6 the command flag,
// bit 7 the authentication signature flag.
type Opcode uint8

// The opcodes (Vol 3, Part F, 3.4.8).
const (
	OpErrorResponse                   Opcode = 0x01
	OpExchangeMTURequest              Opcode = 0x02
	OpExchangeMTUResponse             Opcode = 0x03
	OpFindInformationRequest          Opcode = 0x04
	OpFindInformationResponse         Opcode = 0x05
	OpFindByTypeValueRequest          Opcode = 0x06
	OpFindByTypeValueResponse         Opcode = 0x07
	OpReadByTypeRequest               Opcode = 0x08
	OpReadByTypeResponse              Opcode = 0x09
	OpReadRequest                     Opcode = 0x0A
	OpReadResponse                    Opcode = 0x0B
	OpReadBlobRequest                 Opcode = 0x0C
	OpReadBlobResponse                Opcode = 0x0D
	OpReadMultipleRequest             Opcode = 0x0E
	OpReadMultipleResponse            Opcode = 0x0F
	OpReadByGroupTypeRequest          Opcode = 0x10
	OpReadByGroupTypeResponse         Opcode = 0x11
	OpWriteRequest                    Opcode = 0x12
	OpWriteResponse                   Opcode = 0x13
	OpPrepareWriteRequest             Opcode = 0x16
	OpPrepareWriteResponse            Opcode = 0x17
	OpExecuteWriteRequest             Opcode = 0x18
	OpExecuteWriteResponse            Opcode = 0x19
	OpHandleValueNotification         Opcode = 0x1B
	OpHandleValueIndication           Opcode = 0x1D
	OpHandleValueConfirmation         Opcode = 0x1E
	OpReadMultipleVariableRequest     Opcode = 0x20
	OpReadMultipleVariableResponse    Opcode = 0x21
	OpMultipleHandleValueNotification Opcode = 0x23
	OpWriteCommand                    Opcode = 0x52
	OpSignedWriteCommand              Opcode = 0xD2
)

// commandFlag marks an opcode that is never answered, known or not (Vol 3, Part F, 3.3.1).
const commandFlag = 0x40

// A Kind is what a PDU is for (Vol 3, Part F, 3.3).
type Kind uint8

// The kinds of PDU.
const (
	// KindUnknown is a PDU with an opcode that Core 5.4 does not know: a request to be refused, or a command to be ignored.
	KindUnknown Kind = iota
	KindRequest
	KindResponse
	KindCommand
	KindNotification
	KindIndication
	KindConfirmation
)

// opcodes is what is known of each opcode.
var opcodes = [256]struct {
	kind Kind
	name string
}{
	OpErrorResponse:                   {KindResponse, "ATT_ERROR_RSP"},
	OpExchangeMTURequest:              {KindRequest, "ATT_EXCHANGE_MTU_REQ"},
	OpExchangeMTUResponse:             {KindResponse, "ATT_EXCHANGE_MTU_RSP"},
	OpFindInformationRequest:          {KindRequest, "ATT_FIND_INFORMATION_REQ"},
	OpFindInformationResponse:         {KindResponse, "ATT_FIND_INFORMATION_RSP"},
	OpFindByTypeValueRequest:          {KindRequest, "ATT_FIND_BY_TYPE_VALUE_REQ"},
	OpFindByTypeValueResponse:         {KindResponse, "ATT_FIND_BY_TYPE_VALUE_RSP"},
	OpReadByTypeRequest:               {KindRequest, "ATT_READ_BY_TYPE_REQ"},
	OpReadByTypeResponse:              {KindResponse, "ATT_READ_BY_TYPE_RSP"},
	OpReadRequest:                     {KindRequest, "ATT_READ_REQ"},
	OpReadResponse:                    {KindResponse, "ATT_READ_RSP"},
	OpReadBlobRequest:                 {KindRequest, "ATT_READ_BLOB_REQ"},
	OpReadBlobResponse:                {KindResponse, "ATT_READ_BLOB_RSP"},
	OpReadMultipleRequest:             {KindRequest, "ATT_READ_MULTIPLE_REQ"},
	OpReadMultipleResponse:            {KindResponse, "ATT_READ_MULTIPLE_RSP"},
	OpReadByGroupTypeRequest:          {KindRequest, "ATT_READ_BY_GROUP_TYPE_REQ"},
	OpReadByGroupTypeResponse:         {KindResponse, "ATT_READ_BY_GROUP_TYPE_RSP"},
	OpWriteRequest:                    {KindRequest, "ATT_WRITE_REQ"},
	OpWriteResponse:                   {KindResponse, "ATT_WRITE_RSP"},
	OpPrepareWriteRequest:             {KindRequest, "ATT_PREPARE_WRITE_REQ"},
	OpPrepareWriteResponse:            {KindResponse, "ATT_PREPARE_WRITE_RSP"},
	OpExecuteWriteRequest:             {KindRequest, "ATT_EXECUTE_WRITE_REQ"},
	OpExecuteWriteResponse:            {KindResponse, "ATT_EXECUTE_WRITE_RSP"},
	OpHandleValueNotification:         {KindNotification, "ATT_HANDLE_VALUE_NTF"},
	OpHandleValueIndication:           {KindIndication, "ATT_HANDLE_VALUE_IND"},
	OpHandleValueConfirmation:         {KindConfirmation, "ATT_HANDLE_VALUE_CFM"},
	OpReadMultipleVariableRequest:     {KindRequest, "ATT_READ_MULTIPLE_VARIABLE_REQ"},
	OpReadMultipleVariableResponse:    {KindResponse, "ATT_READ_MULTIPLE_VARIABLE_RSP"},
	OpMultipleHandleValueNotification: {KindNotification, "ATT_MULTIPLE_HANDLE_VALUE_NTF"},
	OpWriteCommand:                    {KindCommand, "ATT_WRITE_CMD"},
	OpSignedWriteCommand:              {KindCommand, "ATT_SIGNED_WRITE_CMD"},
}

// Kind tells what a PDU with this opcode is for.
func (o Opcode) Kind() Kind { return opcodes[o].kind }

// IsCommand tells whether the command flag is set: such a PDU is never answered, even if it is unknown.
func (o Opcode) IsCommand() bool { return o&commandFlag != 0 }

// String is the specification's name, or the number of an unknown opcode.
func (o Opcode) String() string {
	if name := opcodes[o].name; name != "" {
		return name
	}
	return fmt.Sprintf("ATT opcode 0x%02x", uint8(o))
}
