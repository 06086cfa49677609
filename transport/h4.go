package transport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// streamBuffer is how many octets an H4 reads ahead: two of the longest packets.
const streamBuffer = 2 * MaxPacket

// An H4 is a Conn over a stream of octets, on which each packet follows its type and nothing marks where
// one begins (Vol 4, Part A). A stream that is out of step stays so, and ends the Conn.
type H4 struct {
	ending
	rw     io.ReadWriteCloser
	framer framer // owner: the goroutine in ReadPacket

	writing chan struct{} // holds a token while a packet is being written
}

// NewH4 returns the host's end of a stream. It owns rw from then on; closing rw must unblock its Read and
// Write.
func NewH4(rw io.ReadWriteCloser) *H4 { return newH4(rw, Command) }

// NewH4Controller returns the controller's end, for whoever serves one: it reads commands, and no events.
func NewH4Controller(rw io.ReadWriteCloser) *H4 { return newH4(rw, Event) }

// newH4 refuses to read packets of the type that only this end writes.
func newH4(rw io.ReadWriteCloser, ours byte) *H4 {
	return &H4{
		ending:  ending{shut: rw.Close},
		rw:      rw,
		writing: make(chan struct{}, 1),
		framer:  framer{r: bufio.NewReaderSize(rw, streamBuffer), refused: ours},
	}
}

// ReadPacket implements Conn. A stream out of step is a *FrameError. One that ended satisfies
// errors.Is(err, ErrGone), and io.ErrUnexpectedEOF if it ended within a packet, io.EOF between two.
func (h *H4) ReadPacket(b []byte) (int, error) {
	if err := checkBuffer(b); err != nil {
		return 0, err
	}
	if err := h.over(); err != nil {
		return 0, err
	}
	n, err := h.framer.next(b)
	if err != nil {
		return 0, h.fail(err)
	}
	return n, nil
}

// WritePacket implements Conn. What is not exactly one packet is refused with a *PacketError; any other error
// has left the stream out of step, and ends the Conn.
func (h *H4) WritePacket(p []byte) error {
	if err := checkPacket(p, MaxPacket); err != nil {
		return err
	}
	h.writing <- struct{}{}
	defer func() { <-h.writing }()
	if err := h.over(); err != nil {
		return err
	}
	n, err := h.rw.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return h.fail(fmt.Errorf("write packet: %w: %w", ErrGone, err))
	}
	return nil
}

// A FrameError is a stream out of step: what should have been a packet is none.
type FrameError struct {
	Offset   int64    // where the packet should have begun: octets read since the stream was opened or resynchronised
	Type     byte     // what stood where a packet type belongs
	Length   int      // octets that the header announced behind it, if the type was one
	Cause    string   // what is wrong with them
	Counters Counters // of the line, this loss included; zero if it is not a serial line
}

// Error says in one line what was found, and where.
func (e *FrameError) Error() string {
	return fmt.Sprintf("H4 %v at octet %d: %s%s", ErrOutOfStep, e.Offset, e.Cause, e.Counters.report())
}

// Unwrap returns ErrOutOfStep.
func (e *FrameError) Unwrap() error { return ErrOutOfStep }

// A framer cuts a stream into packets. Owner: the one goroutine that reads.
type framer struct {
	r       *bufio.Reader // holds the longest packet
	refused byte          // a packet type that has no business in this direction
	offset  int64         // octets of the packets returned or passed over
	line    *intake       // what r reads from, if that is a serial line; else nil
}

// next copies the next packet into b, which has room for any, and returns its length.
func (f *framer) next(b []byte) (int, error) {
	typ, err := f.first()
	if err != nil {
		return 0, err
	}
	h := headerOf(typ)
	switch {
	case h.size == 0:
		return 0, f.outOfStep(typ, 0, fmt.Sprintf("0x%02X is no packet type", typ))
	case typ == f.refused:
		return 0, f.outOfStep(typ, 0, h.name+" packet in the wrong direction")
	}
	p, err := f.peek(1 + h.size)
	if err != nil {
		return 0, err
	}
	rest := h.rest(p[1:])
	n := 1 + h.size + rest
	if n > MaxPacket {
		return 0, f.outOfStep(typ, rest, fmt.Sprintf("%s packet of %d octets, at most %d", h.name, n, MaxPacket))
	}
	if p, err = f.peek(n); err != nil {
		return 0, err
	}
	copy(b, p)
	f.discard(n)
	return n, nil
}

// first returns the type of the next packet. It passes over those that only the controller's vendor knows.
func (f *framer) first() (byte, error) {
	for {
		p, err := f.peek(1)
		if err != nil {
			return 0, err
		}
		typ := p[0]
		if f.line == nil {
			return typ, nil
		}
		rest, ok := f.line.vendor(typ)
		if !ok {
			return typ, nil
		}
		if _, err := f.peek(1 + rest); err != nil {
			return 0, err
		}
		f.discard(1 + rest)
		f.line.passedOver.Add(1)
	}
}

// discard takes n octets out of the stream that peek has shown to be there.
func (f *framer) discard(n int) {
	f.r.Discard(n) // can't fail
	f.offset += int64(n)
}

// restart begins anew with what r reads from, at a packet's first octet.
func (f *framer) restart() {
	f.r.Reset(f.line)
	f.offset = 0
}

func (f *framer) outOfStep(typ byte, length int, cause string) error {
	return &FrameError{Offset: f.offset, Type: typ, Length: length, Cause: cause}
}

// peek returns the first n octets of the packet at offset, once they are there.
func (f *framer) peek(n int) ([]byte, error) {
	if f.line != nil {
		f.line.within = n > 1
	}
	p, err := f.r.Peek(n)
	switch {
	case err == nil:
		return p, nil
	case errors.Is(err, errHalted):
		return nil, err
	case errors.Is(err, errGap):
		return nil, f.outOfStep(p[0], n-1, fmt.Sprintf("packet of type 0x%02X: %d octets, then nothing for %v", p[0], len(p), f.line.gap))
	case len(p) == 0:
		return nil, fmt.Errorf("%w: %w", ErrGone, err)
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("%w: %w, %d octets into the packet at octet %d", ErrGone, err, len(p), f.offset)
}
