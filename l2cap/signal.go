package l2cap

import (
	"encoding/binary"
	"fmt"
)

// Code names a signalling command (Vol 3, Part A, 4).
type Code uint8

const (
	CommandReject                     Code = 0x01
	ConnectionParameterUpdateRequest  Code = 0x12
	ConnectionParameterUpdateResponse Code = 0x13
)

// signallingMTU is what every device takes on the signalling channel of LE (Vol 3, Part A, 4): a command
// is one C-frame.
const signallingMTU = 23

// RejectReason is the reason of a Command Reject (Vol 3, Part A, 4.1).
type RejectReason uint16

const (
	NotUnderstood      RejectReason = 0x0000
	SignallingMTU      RejectReason = 0x0001
	InvalidChannelInIt RejectReason = 0x0002
)

func (r RejectReason) Error() string {
	switch r {
	case NotUnderstood:
		return "command not understood (0x0000)"
	case SignallingMTU:
		return "signalling MTU exceeded (0x0001)"
	case InvalidChannelInIt:
		return "invalid CID in request (0x0002)"
	}
	return fmt.Sprintf("reject reason 0x%04X", uint16(r))
}

// Signal is a signalling command; Data aliases what was parsed.
type Signal struct {
	Code       Code
	Identifier uint8
	Data       []byte
}

// ParseSignal reads one command, which must fill the C-frame.
func ParseSignal(b []byte) (Signal, error) {
	if len(b) < 4 {
		return Signal{}, fmt.Errorf("l2cap: signalling: %d octets, want 4 of header", len(b))
	}
	if n := int(binary.LittleEndian.Uint16(b[2:])); n != len(b)-4 {
		return Signal{}, fmt.Errorf("l2cap: signalling: command 0x%02X: %d octets, its header says %d", b[0], len(b)-4, n)
	}
	return Signal{Code: Code(b[0]), Identifier: b[1], Data: b[4:]}, nil
}

// AppendTo appends header and data.
func (s Signal) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(append(b, byte(s.Code), s.Identifier), uint16(len(s.Data)))
	return append(b, s.Data...)
}

// Parameters are connection parameters as a peripheral asks for them (Vol 3, Part A, 4.20): intervals in
// units of 1.25 ms, latency in connection events, time-out in units of 10 ms.
type Parameters struct {
	IntervalMin, IntervalMax uint16
	Latency                  uint16
	Timeout                  uint16
}

// AppendTo appends the four fields.
func (p Parameters) AppendTo(b []byte) []byte {
	for _, v := range [...]uint16{p.IntervalMin, p.IntervalMax, p.Latency, p.Timeout} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

// ParseParameters reads the four fields; the length must be exact.
func ParseParameters(b []byte) (Parameters, error) {
	if len(b) != 8 {
		return Parameters{}, fmt.Errorf("l2cap: connection parameters: %d octets, want 8", len(b))
	}
	at := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	return Parameters{at(0), at(2), at(4), at(6)}, nil
}

// Valid tells whether the specification allows p (Vol 4, Part E, 7.8.18): intervals of 7.5 ms to 4 s,
// latency of up to 499, a time-out of 100 ms to 32 s that outlasts two missed events at that latency.
func (p Parameters) Valid() bool {
	return p.IntervalMin >= 6 && p.IntervalMin <= p.IntervalMax && p.IntervalMax <= 3200 && p.Latency <= 499 &&
		p.Timeout >= 10 && p.Timeout <= 3200 &&
		uint32(p.Timeout)*8 > (1+uint32(p.Latency))*uint32(p.IntervalMax)*2 // both sides in 1.25 ms
}
