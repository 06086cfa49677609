package l2cap

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Signalling of credit-based channels (Vol 3, Part A, 4).
const (
	DisconnectionRequest       Code = 0x06
	DisconnectionResponse      Code = 0x07
	CreditConnectionRequest    Code = 0x14
	CreditConnectionResponse   Code = 0x15
	FlowControlCredit          Code = 0x16
	EnhancedConnectionRequest  Code = 0x17
	EnhancedConnectionResponse Code = 0x18
	ReconfigureRequest         Code = 0x19
	ReconfigureResponse        Code = 0x1A
)

// Result is the answer to a request for a channel (Vol 3, Part A, 4.23 and 4.26). Every value but Success is
// an error.
type Result uint16

const (
	Success                    Result = 0x0000
	SPSMNotSupported           Result = 0x0002
	NoResources                Result = 0x0004 // for an enhanced request: some of the channels
	InsufficientAuthentication Result = 0x0005
	InsufficientAuthorization  Result = 0x0006
	InsufficientKeySize        Result = 0x0007
	InsufficientEncryption     Result = 0x0008
	InvalidSourceCID           Result = 0x0009
	SourceCIDAllocated         Result = 0x000A
	UnacceptableParameters     Result = 0x000B
	InvalidParameters          Result = 0x000C
)

var resultNames = map[Result]string{
	Success:                    "success",
	SPSMNotSupported:           "SPSM not supported",
	NoResources:                "no resources available",
	InsufficientAuthentication: "insufficient authentication",
	InsufficientAuthorization:  "insufficient authorization",
	InsufficientKeySize:        "encryption key size too short",
	InsufficientEncryption:     "insufficient encryption",
	InvalidSourceCID:           "invalid source CID",
	SourceCIDAllocated:         "source CID already allocated",
	UnacceptableParameters:     "unacceptable parameters",
	InvalidParameters:          "invalid parameters",
}

func (r Result) Error() string {
	name := resultNames[r]
	if name == "" {
		name = "result"
	}
	return fmt.Sprintf("%s (0x%04X)", name, uint16(r))
}

// ErrMalformed is in the error of a signalling command that has not the length it should have.
var ErrMalformed = errors.New("l2cap: malformed signalling")

// words reads octets as 16-bit fields; the length has to be between least and most of them.
func words(what string, b []byte, least, most int) ([]uint16, error) {
	if len(b)%2 != 0 || len(b) < 2*least || len(b) > 2*most {
		return nil, fmt.Errorf("%w: %s: %d octets, want %d to %d", ErrMalformed, what, len(b), 2*least, 2*most)
	}
	all := make([]uint16, len(b)/2)
	for i := range all {
		all[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return all, nil
}

func appendWords(b []byte, all ...uint16) []byte {
	for _, w := range all {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	return b
}

// maxEnhanced is how many channels one enhanced request may ask for (Vol 3, Part A, 4.25).
const maxEnhanced = 5

// channelRequest is either kind of request for channels: of one, or of up to five enhanced ones.
type channelRequest struct {
	spsm, mtu, mps, credits uint16
	sources                 []uint16
}

func parseCreditConnectionRequest(b []byte) (channelRequest, error) {
	w, err := words("credit-based connection request", b, 5, 5)
	if err != nil {
		return channelRequest{}, err
	}
	return channelRequest{spsm: w[0], sources: w[1:2], mtu: w[2], mps: w[3], credits: w[4]}, nil
}

func parseEnhancedRequest(b []byte) (channelRequest, error) {
	w, err := words("enhanced connection request", b, 5, 4+maxEnhanced)
	if err != nil {
		return channelRequest{}, err
	}
	return channelRequest{spsm: w[0], mtu: w[1], mps: w[2], credits: w[3], sources: w[4:]}, nil
}

// channelResponse is the answer to either; destinations of refused channels are 0.
type channelResponse struct {
	mtu, mps, credits uint16
	result            Result
	destinations      []uint16
}

func parseCreditConnectionResponse(b []byte) (channelResponse, error) {
	w, err := words("credit-based connection response", b, 5, 5)
	if err != nil {
		return channelResponse{}, err
	}
	return channelResponse{destinations: w[:1], mtu: w[1], mps: w[2], credits: w[3], result: Result(w[4])}, nil
}

func parseEnhancedResponse(b []byte) (channelResponse, error) {
	w, err := words("enhanced connection response", b, 4, 4+maxEnhanced)
	if err != nil {
		return channelResponse{}, err
	}
	return channelResponse{mtu: w[0], mps: w[1], credits: w[2], result: Result(w[3]), destinations: w[4:]}, nil
}

func (r channelResponse) appendCreditConnection(b []byte) []byte {
	destination := uint16(0)
	if len(r.destinations) > 0 {
		destination = r.destinations[0]
	}
	return appendWords(b, destination, r.mtu, r.mps, r.credits, uint16(r.result))
}

func (r channelResponse) appendEnhanced(b []byte) []byte {
	return appendWords(appendWords(b, r.mtu, r.mps, r.credits, uint16(r.result)), r.destinations...)
}
