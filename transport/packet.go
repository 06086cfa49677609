package transport

import (
	"encoding/binary"
	"fmt"
	"io"
)

// header is how long a packet's header is behind its type, and where in it the length of the rest stands
// (Vol 4, Part E, 5.4).
type header struct {
	name string
	size int    // octets of the header; 0 is no packet type
	at   int    // where the length begins in the header
	wide bool   // the length has two octets, least significant first
	mask uint16 // the bits of a wide length that are the length
}

var headers = [...]header{
	Command: {name: "command", size: 3, at: 2},
	ACL:     {name: "ACL", size: 4, at: 2, wide: true, mask: 0xFFFF},
	SCO:     {name: "SCO", size: 3, at: 2},
	Event:   {name: "event", size: 2, at: 1},
	ISO:     {name: "ISO", size: 4, at: 2, wide: true, mask: 0x3FFF},
}

// headerOf returns the header that goes with a packet type; its size is 0 for what is no packet type.
func headerOf(typ byte) header {
	if int(typ) < len(headers) {
		return headers[typ]
	}
	return header{}
}

// rest reads, from a whole header, how many octets follow it.
func (h header) rest(b []byte) int {
	if h.wide {
		return int(binary.LittleEndian.Uint16(b[h.at:]) & h.mask)
	}
	return int(b[h.at])
}

// A PacketError is a packet that WritePacket refused: nothing of it was written, and the Conn goes on.
type PacketError struct {
	Length int    // octets in the packet, with its type
	Cause  string // what is wrong with it
}

// Error says in one line what is wrong with the packet.
func (e *PacketError) Error() string {
	return fmt.Sprintf("packet of %d octets not written: %s", e.Length, e.Cause)
}

// checkPacket returns an error unless p is exactly one packet of at most limit octets.
func checkPacket(p []byte, limit int) error {
	if len(p) == 0 {
		return &PacketError{Cause: "it is empty"}
	}
	h := headerOf(p[0])
	switch {
	case h.size == 0:
		return &PacketError{len(p), fmt.Sprintf("0x%02X is no packet type", p[0])}
	case len(p) < 1+h.size:
		return &PacketError{len(p), fmt.Sprintf("with its %s header alone it would have %d", h.name, 1+h.size)}
	case len(p) > limit:
		return &PacketError{len(p), fmt.Sprintf("this transport takes %d at most", limit)}
	}
	if want := 1 + h.size + h.rest(p[1:]); want != len(p) {
		return &PacketError{len(p), fmt.Sprintf("its %s header says %d", h.name, want)}
	}
	return nil
}

// checkBuffer returns an error when b is too short to read into.
func checkBuffer(b []byte) error {
	if len(b) < MaxPacket {
		return fmt.Errorf("read packet: %w: %d octets, of %d needed", io.ErrShortBuffer, len(b), MaxPacket)
	}
	return nil
}
