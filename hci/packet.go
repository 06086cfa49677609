package hci

import (
	"encoding/binary"
	"fmt"
)

// Packet types, the first octet of a packet (Vol 4, Part A, 2).
const (
	CommandPacket byte = 0x01
	ACLPacket     byte = 0x02
	SCOPacket     byte = 0x03
	EventPacket   byte = 0x04
	ISOPacket     byte = 0x05
)

// Lengths of packets' headers, without the type octet.
const (
	CommandHeaderLength = 3
	ACLHeaderLength     = 4
	EventHeaderLength   = 2
)

// MaxHandle is the largest connection handle (Vol 4, Part E, 5.3.1).
const MaxHandle = 0x0EFF

// ShortError says that a packet ended before one of its fields.
type ShortError struct {
	What   string // the packet and the field: "LE Connection Complete: Peer_Address"
	Length int    // octets that there were
	Want   int    // octets up to the end of the field
}

func (e *ShortError) Error() string {
	return fmt.Sprintf("hci: %s: %d octets, want %d", e.What, e.Length, e.Want)
}

// handleAt loads a connection handle, which is 12 bits wide; the rest is reserved (Vol 4, Part E, 5.3.1).
func handleAt(b []byte) uint16 { return binary.LittleEndian.Uint16(b) & 0x0FFF }

// field is a parameter and the offset of its end, by which shorter refuses a packet.
type field struct {
	name string
	end  int
}

// shorter is nil when b holds every field, and otherwise names the first that is cut.
func shorter(packet string, b []byte, fields []field) error {
	if len(b) >= fields[len(fields)-1].end {
		return nil
	}
	for _, f := range fields {
		if len(b) < f.end {
			return &ShortError{What: packet + ": " + f.name, Length: len(b), Want: f.end}
		}
	}
	return nil
}

// Boundary is the packet boundary flag of an ACL packet (Vol 4, Part E, 5.4.2).
type Boundary uint8

const (
	FirstNonFlushable Boundary = 0b00 // first fragment, from the host
	Continuing        Boundary = 0b01 // continuing fragment
	FirstFlushable    Boundary = 0b10 // first fragment, from the controller
)

// ACL is an ACL data packet behind its type octet (Vol 4, Part E, 5.4.2). Data aliases what was parsed.
type ACL struct {
	Handle    uint16
	Boundary  Boundary
	Broadcast uint8
	Data      []byte
}

// ParseACL reads a packet without its type octet. The length must be exact.
func ParseACL(b []byte) (ACL, error) {
	if len(b) < ACLHeaderLength {
		return ACL{}, &ShortError{What: "ACL data: header", Length: len(b), Want: ACLHeaderLength}
	}
	head, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
	if len(b)-ACLHeaderLength != n {
		return ACL{}, fmt.Errorf("hci: ACL data: %d octets, its header says %d", len(b)-ACLHeaderLength, n)
	}
	return ACL{Handle: handleAt(b), Boundary: Boundary(head >> 12 & 3), Broadcast: uint8(head >> 14), Data: b[ACLHeaderLength:len(b):len(b)]}, nil
}

// AppendTo appends header and data, without the type octet.
func (p ACL) AppendTo(b []byte) []byte {
	head := p.Handle&0x0FFF | uint16(p.Boundary&3)<<12 | uint16(p.Broadcast&3)<<14
	b = binary.LittleEndian.AppendUint16(b, head)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(p.Data)))
	return append(b, p.Data...)
}

// CommandFrame is a command packet behind its type octet; Parameters aliases what was parsed.
type CommandFrame struct {
	Opcode     Opcode
	Parameters []byte
}

// ParseCommand reads a command packet without its type octet. The length must be exact.
func ParseCommand(b []byte) (CommandFrame, error) {
	if len(b) < CommandHeaderLength {
		return CommandFrame{}, &ShortError{What: "command: header", Length: len(b), Want: CommandHeaderLength}
	}
	if len(b)-CommandHeaderLength != int(b[2]) {
		return CommandFrame{}, fmt.Errorf("hci: command: %d octets of parameters, its header says %d", len(b)-CommandHeaderLength, b[2])
	}
	return CommandFrame{Opcode: Opcode(binary.LittleEndian.Uint16(b)), Parameters: b[CommandHeaderLength:len(b):len(b)]}, nil
}

// EventFrame is an event packet behind its type octet; Parameters aliases what was parsed.
type EventFrame struct {
	Code       EventCode
	Parameters []byte
}

// ParseEvent reads an event packet without its type octet. The length must be exact.
func ParseEvent(b []byte) (EventFrame, error) {
	if len(b) < EventHeaderLength {
		return EventFrame{}, &ShortError{What: "event: header", Length: len(b), Want: EventHeaderLength}
	}
	if len(b)-EventHeaderLength != int(b[1]) {
		return EventFrame{}, fmt.Errorf("hci: event 0x%02X: %d octets of parameters, its header says %d", b[0], len(b)-EventHeaderLength, b[1])
	}
	return EventFrame{Code: EventCode(b[0]), Parameters: b[EventHeaderLength:len(b):len(b)]}, nil
}

// A Command is a command's parameters.
type Command interface {
	Opcode() Opcode
	AppendTo(b []byte) []byte // the parameters alone
}

// AppendCommand appends the whole packet, its type octet first. Parameters are at most 255 octets, which
// every command of this package keeps to.
func AppendCommand(b []byte, c Command) []byte {
	b = append(b, CommandPacket)
	b = binary.LittleEndian.AppendUint16(b, uint16(c.Opcode()))
	at := len(b)
	b = c.AppendTo(append(b, 0))
	b[at] = byte(len(b) - at - 1)
	return b
}

// An EventParameters is an event's parameters; LE meta events begin with their subevent code.
type EventParameters interface {
	Code() EventCode
	AppendTo(b []byte) []byte
}

// AppendEvent appends the whole packet, its type octet first.
func AppendEvent(b []byte, e EventParameters) []byte {
	b = append(b, EventPacket, byte(e.Code()))
	at := len(b)
	b = e.AppendTo(append(b, 0))
	b[at] = byte(len(b) - at - 1)
	return b
}

// AppendACL appends the whole packet, its type octet first.
func AppendACL(b []byte, p ACL) []byte { return p.AppendTo(append(b, ACLPacket)) }
