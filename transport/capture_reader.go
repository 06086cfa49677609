package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Record is one entry of a capture.
type Record struct {
	Time     time.Time // to the microsecond
	Index    int       // the controller's number; 0 in a file that has none
	Opcode   Opcode    // what the entry is
	Drops    uint32    // packets lost before it, since the capture began
	Original int       // octets that Data had before the capture cut it short: mostly len(Data)
	Data     []byte    // the packet without its type, or whatever goes with Opcode
}

// A CaptureError is a file that is no capture, or not one all the way.
type CaptureError struct {
	Offset int64 // where in the file, in octets
	Cause  string
	Err    error // the error below, such as io.ErrUnexpectedEOF; may be nil
}

// Error says in one line what is wrong, and where.
func (e *CaptureError) Error() string {
	text := fmt.Sprintf("capture: octet %d: %s", e.Offset, e.Cause)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *CaptureError) Unwrap() error { return e.Err }

// A CaptureReader reads btsnoop files of the formats 1001 (packets without their types), 1002 (H4) and 2001 (Linux
// monitor), and Apple's packet log in either order of octets.
type CaptureReader struct {
	r      *bufio.Reader
	format uint32           // of btsnoop
	order  binary.ByteOrder // of Apple's packet log; nil for btsnoop
	offset int64
	buf    []byte
}

// NewCaptureReader reads the file's header, or finds out what the file is where it has none. The error is a
// *CaptureError.
func NewCaptureReader(r io.Reader) (*CaptureReader, error) {
	c := &CaptureReader{r: bufio.NewReader(r)}
	begin, err := c.r.Peek(btsnoopHeaderSize)
	if order, ok := appleOrder(begin); ok {
		c.order = order
		return c, nil
	}
	if len(begin) >= len(btsnoopMagic) && string(begin[:len(btsnoopMagic)]) != btsnoopMagic {
		return nil, &CaptureError{0, "neither a btsnoop file nor Apple's packet log", nil}
	}
	if err != nil {
		if len(begin) > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, &CaptureError{0, "no btsnoop header", err}
	}
	if v := binary.BigEndian.Uint32(begin[8:]); v != btsnoopVersion {
		return nil, &CaptureError{8, fmt.Sprintf("btsnoop version %d, not %d", v, btsnoopVersion), nil}
	}
	c.format = binary.BigEndian.Uint32(begin[12:])
	switch c.format {
	case btsnoopHCI, btsnoopH4, btsnoopMonitor:
	default:
		return nil, &CaptureError{12, fmt.Sprintf("btsnoop format %d, not %d, %d or %d", c.format, btsnoopHCI, btsnoopH4, btsnoopMonitor), nil}
	}
	c.r.Discard(btsnoopHeaderSize) // it is there
	c.offset = int64(btsnoopHeaderSize)
	return c, nil
}

// Next returns the next record, whose Data is valid until the next call. At the end it returns io.EOF; any
// other error is a *CaptureError, and final.
func (c *CaptureReader) Next() (Record, error) {
	if c.order != nil {
		return c.nextApple()
	}
	start := c.offset
	var h [recordHeaderSize]byte
	if err := c.fill(h[:]); err != nil {
		if c.offset == start && errors.Is(err, io.EOF) {
			return Record{}, io.EOF
		}
		return Record{}, &CaptureError{start, "record header", err}
	}
	original, included := binary.BigEndian.Uint32(h[0:]), binary.BigEndian.Uint32(h[4:])
	switch {
	case included > maxRecordData || original > maxRecordData:
		return Record{}, &CaptureError{start, fmt.Sprintf("record of %d octets, at most %d", max(original, included), maxRecordData), nil}
	case included > original:
		return Record{}, &CaptureError{start, fmt.Sprintf("record holds %d octets of %d", included, original), nil}
	}
	data, err := c.data(int(included))
	if err != nil {
		return Record{}, &CaptureError{start, "record data", err}
	}
	rec := Record{
		Time:     time.UnixMicro(int64(binary.BigEndian.Uint64(h[16:]) - btsnoopEpoch)).UTC(),
		Drops:    binary.BigEndian.Uint32(h[12:]),
		Original: int(original),
		Data:     data,
	}
	if err := c.interpret(&rec, start, binary.BigEndian.Uint32(h[8:])); err != nil {
		return Record{}, err
	}
	return rec, nil
}

// interpret makes an Opcode of the flags, in an H4 file together with the packet type.
func (c *CaptureReader) interpret(rec *Record, start int64, flags uint32) error {
	received := flags&flagReceived != 0
	switch {
	case c.format == btsnoopMonitor:
		rec.Index, rec.Opcode = int(flags>>16), Opcode(flags)
	case c.format == btsnoopHCI && flags&flagControl == 0:
		rec.Opcode = opcodeOf(ACL, received)
	case c.format == btsnoopHCI && received:
		rec.Opcode = OpEvent
	case c.format == btsnoopHCI:
		rec.Opcode = OpCommand
	case len(rec.Data) == 0:
		return &CaptureError{start, "record without a packet type", nil}
	default:
		rec.Opcode = opcodeOf(rec.Data[0], received)
		rec.Data = rec.Data[1:]
		rec.Original--
	}
	return nil
}

// data reads what a record holds. It is valid until the next record.
func (c *CaptureReader) data(size int) ([]byte, error) {
	if cap(c.buf) < size {
		c.buf = make([]byte, size)
	}
	err := c.fill(c.buf[:size])
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return c.buf[:size], err
}

// fill reads len(b) octets, or returns io.EOF for none, io.ErrUnexpectedEOF for fewer.
func (c *CaptureReader) fill(b []byte) error {
	n, err := io.ReadFull(c.r, b)
	c.offset += int64(n)
	return err
}
