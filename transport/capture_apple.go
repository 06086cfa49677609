package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Apple's packet log has no header. Each record begins with the length of what follows, the time in seconds and
// microseconds since 1970, and a type. Computers write the most significant octet first, other devices the least.
const (
	appleHeaderSize = 4 + 4 + 4 + 1
	appleCounted    = appleHeaderSize - 4 // what the length counts of the header
)

// appleOpcodes says what the types are. ISO data has two numbers, according to who wrote the log.
var appleOpcodes = map[byte]Opcode{
	0x00: OpCommand, 0x01: OpEvent, 0x02: OpACLOut, 0x03: OpACLIn, 0x08: OpSCOOut, 0x09: OpSCOIn, 0x0B: OpVendorDiag,
	0x0C: OpISOOut, 0x0D: OpISOIn, 0x12: OpISOOut, 0x13: OpISOIn, 0xFC: OpSystemNote,
}

// appleOrder tells from the first record's header whether a file is a packet log, and in which order its octets are.
func appleOrder(h []byte) (binary.ByteOrder, bool) {
	if len(h) < appleHeaderSize {
		return nil, false
	}
	if _, known := appleOpcodes[h[12]]; !known {
		return nil, false
	}
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		size, micros := order.Uint32(h), order.Uint32(h[8:])
		if size >= appleCounted && size <= appleCounted+maxRecordData && micros < 1e6 {
			return order, true
		}
	}
	return nil, false
}

// nextApple reads one record of a packet log.
func (c *CaptureReader) nextApple() (Record, error) {
	start := c.offset
	var h [appleHeaderSize]byte
	if err := c.fill(h[:]); err != nil {
		if c.offset == start && errors.Is(err, io.EOF) {
			return Record{}, io.EOF
		}
		return Record{}, &CaptureError{start, "record header", err}
	}
	size := c.order.Uint32(h[:])
	if size < appleCounted || size > appleCounted+maxRecordData {
		return Record{}, &CaptureError{start, fmt.Sprintf("record of %d octets, want %d to %d", size, appleCounted, appleCounted+maxRecordData), nil}
	}
	data, err := c.data(int(size) - appleCounted)
	if err != nil {
		return Record{}, &CaptureError{start, "record data", err}
	}
	op, known := appleOpcodes[h[12]]
	if !known {
		op = opUnknown
	}
	at := time.Unix(int64(c.order.Uint32(h[4:])), int64(c.order.Uint32(h[8:]))*int64(time.Microsecond))
	return Record{Time: at.UTC(), Opcode: op, Original: len(data), Data: data}, nil
}
