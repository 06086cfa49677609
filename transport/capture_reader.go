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

// A CaptureReader reads btsnoop files of the formats 1002 (H4) and 2001 (Linux monitor).
type CaptureReader struct {
	r      *bufio.Reader
	format uint32
	offset int64
	buf    []byte
}

// NewCaptureReader reads the file's header. The error is a *CaptureError.
func NewCaptureReader(r io.Reader) (*CaptureReader, error) {
	c := &CaptureReader{r: bufio.NewReader(r)}
	var b [btsnoopHeaderSize]byte
	if err := c.fill(b[:]); err != nil {
		return nil, &CaptureError{0, "no btsnoop header", err}
	}
	if string(b[:8]) != btsnoopMagic {
		return nil, &CaptureError{0, "no btsnoop file", nil}
	}
	if v := binary.BigEndian.Uint32(b[8:]); v != btsnoopVersion {
		return nil, &CaptureError{8, fmt.Sprintf("btsnoop version %d, not %d", v, btsnoopVersion), nil}
	}
	c.format = binary.BigEndian.Uint32(b[12:])
	if c.format != btsnoopH4 && c.format != btsnoopMonitor {
		return nil, &CaptureError{12, fmt.Sprintf("btsnoop format %d, not %d or %d", c.format, btsnoopH4, btsnoopMonitor), nil}
	}
	return c, nil
}

// Next returns the next record, whose Data is valid until the next call. At the end it returns io.EOF; any
// other error is a *CaptureError, and final.
func (c *CaptureReader) Next() (Record, error) {
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
	if cap(c.buf) < int(included) {
		c.buf = make([]byte, included)
	}
	data := c.buf[:included]
	if err := c.fill(data); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
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

// interpret reads the flags, and in an H4 file the packet type, which goes into the Opcode.
func (c *CaptureReader) interpret(rec *Record, start int64, flags uint32) error {
	if c.format == btsnoopMonitor {
		rec.Index, rec.Opcode = int(flags>>16), Opcode(flags)
		return nil
	}
	if len(rec.Data) == 0 {
		return &CaptureError{start, "record without a packet type", nil}
	}
	rec.Opcode = opcodeOf(rec.Data[0], flags&flagReceived != 0)
	rec.Data = rec.Data[1:]
	rec.Original--
	return nil
}

// fill reads len(b) octets, or returns io.EOF for none, io.ErrUnexpectedEOF for fewer.
func (c *CaptureReader) fill(b []byte) error {
	n, err := io.ReadFull(c.r, b)
	c.offset += int64(n)
	return err
}
