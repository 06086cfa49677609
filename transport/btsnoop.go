package transport

import (
	"encoding/binary"
	"fmt"
	"time"
)

// A btsnoop file is a header and then records, all numbers with their most significant octet first. It is
// described with BlueZ (doc/btsnoop.txt), after RFC 1761.
const (
	btsnoopMagic   = "btsnoop\x00"
	btsnoopVersion = 1
	btsnoopHCI     = 1001 // each record is a packet without its type; flags say direction and kind
	btsnoopH4      = 1002 // each record is a packet with its type; flags say the direction
	btsnoopMonitor = 2001 // flags are a controller's index and an Opcode

	btsnoopHeaderSize = len(btsnoopMagic) + 4 + 4
	recordHeaderSize  = 4 + 4 + 4 + 4 + 8

	// maxMonitorData is the longest record that btmon accepts, in octets: at a longer one it stops
	// reading the file.
	maxMonitorData = 1490
	// maxPacketData is the longest packet without its type that goes into a record of any format.
	maxPacketData = maxMonitorData - 1
	// maxRecordData is the longest record that a CaptureReader accepts, in octets.
	maxRecordData = 1 << 16

	// btsnoopEpoch is 1970 in btsnoop's microseconds, which count from the year 0.
	btsnoopEpoch = 0x00dcddb30f2f8000

	// Flags of a record in a btsnoopHCI or btsnoopH4 file.
	flagReceived = 1 << 0 // from the controller
	flagControl  = 1 << 1 // a command or an event, no data
)

// An Opcode says what a Record is, in the numbers of the Linux monitor channel.
type Opcode uint16

// Opcodes of the Linux monitor. "Out" is from the host to its controller.
const (
	OpNewIndex   Opcode = 0
	OpDelIndex   Opcode = 1
	OpCommand    Opcode = 2
	OpEvent      Opcode = 3
	OpACLOut     Opcode = 4
	OpACLIn      Opcode = 5
	OpSCOOut     Opcode = 6
	OpSCOIn      Opcode = 7
	OpOpenIndex  Opcode = 8
	OpCloseIndex Opcode = 9
	OpIndexInfo  Opcode = 10
	OpVendorDiag Opcode = 11
	OpSystemNote Opcode = 12
	OpUserLog    Opcode = 13
	OpISOOut     Opcode = 18
	OpISOIn      Opcode = 19

	opUnknown Opcode = 0xFFFF // a packet of a type that the monitor has no number for
)

// opcodes has a packet type's Opcode on its way out and in.
var opcodes = [...][2]Opcode{
	0:       {opUnknown, opUnknown},
	Command: {OpCommand, OpCommand},
	ACL:     {OpACLOut, OpACLIn},
	SCO:     {OpSCOOut, OpSCOIn},
	Event:   {OpEvent, OpEvent},
	ISO:     {OpISOOut, OpISOIn},
}

func opcodeOf(typ byte, received bool) Opcode {
	switch {
	case int(typ) >= len(opcodes):
		return opUnknown
	case received:
		return opcodes[typ][1]
	}
	return opcodes[typ][0]
}

// PacketType returns the type of the packet that the record holds (Command, ACL, ...), or 0 if it holds none.
func (o Opcode) PacketType() byte {
	for typ, pair := range opcodes {
		if o != opUnknown && (o == pair[0] || o == pair[1]) {
			return byte(typ)
		}
	}
	return 0
}

// Received reports whether the record is a packet from the controller to the host.
func (o Opcode) Received() bool {
	switch o {
	case OpEvent, OpACLIn, OpSCOIn, OpISOIn:
		return true
	}
	return false
}

var opcodeNames = map[Opcode]string{
	OpNewIndex: "new index", OpDelIndex: "delete index", OpCommand: "command", OpEvent: "event",
	OpACLOut: "ACL out", OpACLIn: "ACL in", OpSCOOut: "SCO out", OpSCOIn: "SCO in",
	OpOpenIndex: "open index", OpCloseIndex: "close index", OpIndexInfo: "index info",
	OpVendorDiag: "vendor diagnostics", OpSystemNote: "system note", OpUserLog: "user log",
	OpISOOut: "ISO out", OpISOIn: "ISO in",
}

// String returns the opcode's name.
func (o Opcode) String() string {
	if name, ok := opcodeNames[o]; ok {
		return name
	}
	return fmt.Sprintf("opcode %d", uint16(o))
}

// appendHeader appends a file's header.
func appendHeader(b []byte, format uint32) []byte {
	b = append(b, btsnoopMagic...)
	b = binary.BigEndian.AppendUint32(b, btsnoopVersion)
	return binary.BigEndian.AppendUint32(b, format)
}

// appendRecord appends a monitor record whose data is head and body.
func appendRecord(b []byte, now time.Time, index uint16, op Opcode, drops uint32, head, body []byte) []byte {
	b = appendRecordHeader(b, now, len(head)+len(body), uint32(index)<<16|uint32(op), drops)
	b = append(b, head...)
	return append(b, body...)
}

// appendH4Record appends a packet to a btsnoopH4 file. Its type is not 0.
func appendH4Record(b []byte, now time.Time, op Opcode, drops uint32, head, body []byte) []byte {
	var flags uint32
	typ := op.PacketType()
	if op.Received() {
		flags |= flagReceived
	}
	if typ == Command || typ == Event {
		flags |= flagControl
	}
	b = appendRecordHeader(b, now, 1+len(head)+len(body), flags, drops)
	b = append(b, typ)
	b = append(b, head...)
	return append(b, body...)
}

// appendRecordHeader appends what stands before a record's data. It says the same for the original and the included
// length, because btmon takes the one for the other.
func appendRecordHeader(b []byte, now time.Time, size int, flags, drops uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = binary.BigEndian.AppendUint32(b, flags)
	b = binary.BigEndian.AppendUint32(b, drops)
	return binary.BigEndian.AppendUint64(b, uint64(now.UnixMicro()+btsnoopEpoch))
}
