package att

// errorResponseLen is the length of an ErrorResponse in octets, the longest PDU that Receive answers with.
const errorResponseLen = 5

// ErrorResponse refuses a request (ATT_ERROR_RSP; Vol 3, Part F, 3.4.1.1).
type ErrorResponse struct {
	Request Opcode    // the request
	Handle  uint16    // the attribute that is to blame, or 0
	Code    ErrorCode // why
}

// Opcode is OpErrorResponse.
func (ErrorResponse) Opcode() Opcode { return OpErrorResponse }

// AppendTo writes the PDU.
func (r ErrorResponse) AppendTo(b []byte) []byte {
	b = append(b, byte(OpErrorResponse), byte(r.Request))
	return append(le.AppendUint16(b, r.Handle), byte(r.Code))
}

// ParseErrorResponse reads exactly 5 octets.
func ParseErrorResponse(b []byte) (ErrorResponse, error) {
	if err := check(b, OpErrorResponse, 5, 5); err != nil {
		return ErrorResponse{}, err
	}
	return ErrorResponse{Request: Opcode(b[1]), Handle: le.Uint16(b[2:]), Code: ErrorCode(b[4])}, nil
}

// ExchangeMTURequest tells the server how much the client receives (ATT_EXCHANGE_MTU_REQ; Vol 3, Part F, 3.4.2.1).
type ExchangeMTURequest struct {
	ClientRxMTU uint16 // octets
}

// Opcode is OpExchangeMTURequest.
func (ExchangeMTURequest) Opcode() Opcode { return OpExchangeMTURequest }

// AppendTo writes the PDU.
func (r ExchangeMTURequest) AppendTo(b []byte) []byte {
	return appendHandles(b, OpExchangeMTURequest, r.ClientRxMTU)
}

// ParseExchangeMTURequest reads exactly 3 octets.
func ParseExchangeMTURequest(b []byte) (ExchangeMTURequest, error) {
	if err := check(b, OpExchangeMTURequest, 3, 3); err != nil {
		return ExchangeMTURequest{}, err
	}
	return ExchangeMTURequest{ClientRxMTU: le.Uint16(b[1:])}, nil
}

// ExchangeMTUResponse tells the client how much the server receives (ATT_EXCHANGE_MTU_RSP; Vol 3, Part F, 3.4.2.2).
type ExchangeMTUResponse struct {
	ServerRxMTU uint16 // octets
}

// Opcode is OpExchangeMTUResponse.
func (ExchangeMTUResponse) Opcode() Opcode { return OpExchangeMTUResponse }

// AppendTo writes the PDU.
func (r ExchangeMTUResponse) AppendTo(b []byte) []byte {
	return appendHandles(b, OpExchangeMTUResponse, r.ServerRxMTU)
}

// ParseExchangeMTUResponse reads exactly 3 octets.
func ParseExchangeMTUResponse(b []byte) (ExchangeMTUResponse, error) {
	if err := check(b, OpExchangeMTUResponse, 3, 3); err != nil {
		return ExchangeMTUResponse{}, err
	}
	return ExchangeMTUResponse{ServerRxMTU: le.Uint16(b[1:])}, nil
}
