package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// packet makes a well-formed packet of a type around n octets.
func packet(typ byte, n int) []byte {
	h := headerOf(typ)
	p := append([]byte{typ}, make([]byte, h.size)...)
	p[1] = 0x42
	p[1+h.at] = byte(n)
	if h.wide {
		p[2+h.at] = byte(n >> 8)
	}
	for i := range n {
		p = append(p, byte(i))
	}
	return p
}

func TestPacketHelper(t *testing.T) {
	tests := []struct{ got, want []byte }{
		{packet(Command, 1), []byte{1, 0x42, 0, 1, 0}},
		{packet(ACL, 2), []byte{2, 0x42, 0, 2, 0, 0, 1}},
		{packet(SCO, 0), []byte{3, 0x42, 0, 0}},
		{packet(Event, 3), []byte{4, 0x42, 3, 0, 1, 2}},
		{packet(ISO, 1), []byte{5, 0x42, 0, 1, 0, 0}},
	}
	for _, tt := range tests {
		if !bytes.Equal(tt.got, tt.want) {
			t.Errorf("% X, want % X", tt.got, tt.want)
		}
	}
}

func TestCheckPacket(t *testing.T) {
	isoFlags := packet(ISO, 1)
	isoFlags[4] |= 0xC0 // reserved bits above the 14 of the length
	good := [][]byte{
		packet(Command, 0), packet(Command, 255), packet(ACL, 0), packet(ACL, MaxPacket-5), packet(SCO, 255),
		packet(Event, 255), packet(ISO, MaxPacket-5), isoFlags,
	}
	for _, p := range good {
		if err := checkPacket(p, MaxPacket); err != nil {
			t.Errorf("% .8X: %v", p, err)
		}
	}
	bad := []struct {
		name string
		p    []byte
		text string
	}{
		{"empty", nil, "packet of 0 octets not written: it is empty"},
		{"type 0", []byte{0, 1, 2, 3}, "packet of 4 octets not written: 0x00 is no packet type"},
		{"type 6", []byte{6}, "packet of 1 octets not written: 0x06 is no packet type"},
		{"type 255", []byte{0xFF, 0}, "packet of 2 octets not written: 0xFF is no packet type"},
		{"header", []byte{1, 3, 0x0C}, "packet of 3 octets not written: with its command header alone it would have 4"},
		{"short", packet(ACL, 9)[:13], "packet of 13 octets not written: its ACL header says 14"},
		{"long", append(packet(Event, 0), 0), "packet of 4 octets not written: its event header says 3"},
		{"too long", packet(ACL, MaxPacket-4), "packet of 4097 octets not written: this transport takes 4096 at most"},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			err := checkPacket(tt.p, MaxPacket)
			var e *PacketError
			if !errors.As(err, &e) || err.Error() != tt.text || e.Length != len(tt.p) {
				t.Errorf("%v, want %s", err, tt.text)
			}
		})
	}
}

// Every packet cut short at every octet is refused.
func TestCheckPacketTruncated(t *testing.T) {
	for typ := Command; typ <= ISO; typ++ {
		p := packet(typ, 7)
		for n := range p {
			if checkPacket(p[:n], MaxPacket) == nil {
				t.Errorf("type %d cut to %d octets passes", typ, n)
			}
		}
	}
}

func TestCheckBuffer(t *testing.T) {
	if err := checkBuffer(make([]byte, MaxPacket-1)); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("short buffer: %v", err)
	}
	if err := checkBuffer(make([]byte, MaxPacket)); err != nil {
		t.Error(err)
	}
}
