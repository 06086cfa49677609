package transport

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Packet types of the three-wire layer beside those of HCI, which it numbers as H4 does (Vol 4, Part D, 4.5).
const (
	h5Ack         byte = 0
	h5LinkControl byte = 15
)

const (
	h5HeaderSize = 4
	h5CRCSize    = 2
	h5MaxPayload = 0xFFF // twelve bits
	h5MaxFrame   = h5HeaderSize + h5MaxPayload + h5CRCSize
)

// An h5packet is what stands in one frame (Vol 4, Part D, 4).
type h5packet struct {
	seq      byte // of a reliable packet, modulo 8
	ack      byte // the sequence number that the sender expects next
	crc      bool // a data integrity check stands behind the payload
	reliable bool
	typ      byte // four bits
	payload  []byte
}

// What can be wrong with a frame.
var (
	errH5Short    = errors.New("frame without a whole header")
	errH5Checksum = errors.New("header checksum")
	errH5Length   = errors.New("payload length")
	errH5CRC      = errors.New("data integrity check")
)

// parseH5 reads the packet in an unescaped frame. Its payload aliases b.
func parseH5(b []byte) (h5packet, error) {
	if len(b) < h5HeaderSize {
		return h5packet{}, errH5Short
	}
	if b[0]+b[1]+b[2]+b[3] != 0xFF {
		return h5packet{}, errH5Checksum
	}
	p := h5packet{
		seq:      b[0] & 7,
		ack:      b[0] >> 3 & 7,
		crc:      b[0]&0x40 != 0,
		reliable: b[0]&0x80 != 0,
		typ:      b[1] & 15,
	}
	end := h5HeaderSize + (int(b[1]>>4) | int(b[2])<<4)
	if p.crc {
		if len(b) != end+h5CRCSize {
			return h5packet{}, errH5Length
		}
		if h5CRC(h5CRCStart, b[:end]).octets() != [h5CRCSize]byte(b[end:]) {
			return h5packet{}, errH5CRC
		}
	} else if len(b) != end {
		return h5packet{}, errH5Length
	}
	p.payload = b[h5HeaderSize:end:end]
	return p, nil
}

// header returns the packet's header, with its checksum.
func (p h5packet) header() (h [h5HeaderSize]byte) {
	h[0] = p.seq | p.ack<<3
	if p.crc {
		h[0] |= 0x40
	}
	if p.reliable {
		h[0] |= 0x80
	}
	h[1] = p.typ | byte(len(p.payload)<<4)
	h[2] = byte(len(p.payload) >> 4)
	h[3] = 0xFF - (h[0] + h[1] + h[2])
	return h
}

// appendTo appends the packet as a frame with both delimiters. Its payload has h5MaxPayload octets at most. With flow,
// XON and XOFF are escaped.
func (p h5packet) appendTo(b []byte, flow bool) []byte {
	h := p.header()
	b = append(b, slipEnd)
	b = appendSLIP(b, h[:], flow)
	b = appendSLIP(b, p.payload, flow)
	if p.crc {
		check := h5CRC(h5CRC(h5CRCStart, h[:]), p.payload).octets()
		b = appendSLIP(b, check[:], flow)
	}
	return append(b, slipEnd)
}

// An h5check is the state of a data integrity check: the CCITT polynomial, least significant bit first
// (Vol 4, Part D, 5).
type h5check uint16

const h5CRCStart h5check = 0xFFFF

var h5CRCTable = func() (t [256]h5check) {
	for i := range t {
		c := h5check(i)
		for range 8 {
			c = c>>1 ^ c&1*0x8408 // the polynomial 0x1021, reversed
		}
		t[i] = c
	}
	return t
}()

// h5CRC continues c over b.
func h5CRC(c h5check, b []byte) h5check {
	for _, x := range b {
		c = c>>8 ^ h5CRCTable[byte(c)^x]
	}
	return c
}

// octets returns the check as it travels: bits reversed, most significant octet first.
func (c h5check) octets() (b [h5CRCSize]byte) {
	binary.BigEndian.PutUint16(b[:], bits.Reverse16(uint16(c)))
	return b
}
