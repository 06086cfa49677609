package transport

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func control(m h5message, config ...byte) h5packet {
	return h5packet{typ: h5LinkControl, payload: append(m[:], config...)}
}

// h5Vectors are frames as they stand on the line.
var h5Vectors = []struct {
	name   string
	p      h5packet
	octets string
}{
	{"SYNC", control(h5Sync), "c0 00 2f 00 d0 01 7e c0"},
	{"SYNC RESPONSE", control(h5SyncRsp), "c0 00 2f 00 d0 02 7d c0"},
	{"CONFIG, window 4: the checksum is a delimiter", control(h5Conf, 4), "c0 00 3f 00 db dc 03 fc 04 c0"},
	{"CONFIG RESPONSE, window 4", control(h5ConfRsp, 4), "c0 00 3f 00 db dc 04 7b 04 c0"},
	{"CONFIG RESPONSE, empty", control(h5ConfRsp), "c0 00 2f 00 d0 04 7b c0"},
	{"WAKEUP", control(h5Wakeup), "c0 00 2f 00 d0 05 fa c0"},
	{"WOKEN", control(h5Woken), "c0 00 2f 00 d0 06 f9 c0"},
	{"SLEEP", control(h5Sleep), "c0 00 2f 00 d0 07 78 c0"},
	{"acknowledgement 1", h5packet{ack: 1}, "c0 08 00 00 f7 c0"},
	{"HCI_Reset, number 0", h5packet{reliable: true, typ: Command, payload: []byte{3, 0x0C, 0}},
		"c0 80 31 00 4e 03 0c 00 c0"},
	{"HCI_Reset, number 0, with check: the header begins with a delimiter",
		h5packet{reliable: true, crc: true, typ: Command, payload: []byte{3, 0x0C, 0}},
		"c0 db dc 31 00 0e 03 0c 00 97 98 c0"},
	{"Command Complete, number 0, acknowledgement 1",
		h5packet{ack: 1, reliable: true, typ: Event, payload: []byte{0x0E, 4, 1, 3, 0x0C, 0}},
		"c0 88 64 00 13 0e 04 01 03 0c 00 c0"},
}

func samePacket(a, b h5packet) bool {
	payload := bytes.Equal(a.payload, b.payload)
	a.payload, b.payload = nil, nil
	return payload && a.seq == b.seq && a.ack == b.ack && a.crc == b.crc && a.reliable == b.reliable && a.typ == b.typ
}

func TestH5Vectors(t *testing.T) {
	for _, v := range h5Vectors {
		t.Run(v.name, func(t *testing.T) {
			line := unhex(t, strings.ReplaceAll(v.octets, " ", ""))
			if got := v.p.appendTo(nil, false); !bytes.Equal(got, line) {
				t.Errorf("written % x, want % x", got, line)
			}
			var d slipDecoder
			frames := unslip(&d, line, len(line))
			if len(frames) != 1 {
				t.Fatalf("%d frames", len(frames))
			}
			if p, err := parseH5(frames[0]); err != nil || !samePacket(p, v.p) {
				t.Errorf("read %+v, %v", p, err)
			}
		})
	}
}

// frameOf returns a packet's frame, unescaped.
func frameOf(p h5packet) []byte {
	line := p.appendTo(nil, false)
	var d slipDecoder
	return unslip(&d, line, len(line))[0]
}

func TestH5PacketRoundTrip(t *testing.T) {
	payload := make([]byte, h5MaxPayload)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	for _, length := range []int{0, 1, 15, 16, 17, 255, 256, 1023, h5MaxPayload - 1, h5MaxPayload} {
		for bits := range 256 {
			p := h5packet{seq: byte(bits & 7), ack: byte(bits >> 3 & 7), crc: bits&64 != 0, reliable: bits&128 != 0,
				typ: byte(bits % 16), payload: payload[:length]}
			if got, err := parseH5(frameOf(p)); err != nil || !samePacket(got, p) {
				t.Fatalf("%d octets, %08b: %v", length, bits, err)
			}
		}
	}
}

func TestParseH5Errors(t *testing.T) {
	good := []byte{0x80, 0x31, 0x00, 0x4E, 3, 0x0C, 0}
	checked := frameOf(h5packet{reliable: true, crc: true, typ: Command, payload: []byte{3, 0x0C, 0}})
	change := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] = to
		return b
	}
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"empty", nil, errH5Short},
		{"half a header", good[:3], errH5Short},
		{"first octet", change(good, 0, 0x81), errH5Checksum},
		{"checksum", change(good, 3, 0x4F), errH5Checksum},
		{"an octet more", append(bytes.Clone(good), 0), errH5Length},
		{"the longest length, nothing there", []byte{0x80, 0xF1, 0xFF, 0x8F}, errH5Length},
		{"a check promised, none there", []byte{0x40, 0, 0, 0xBF}, errH5Length},
		{"half a check", []byte{0x40, 0, 0, 0xBF, 1}, errH5Length},
		{"wrong check", []byte{0x40, 0, 0, 0xBF, 1, 2}, errH5CRC},
		{"payload under a check", change(checked, 5, 0x0D), errH5CRC},
		{"a check not promised", append(bytes.Clone(good), checked[7:]...), errH5Length},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := parseH5(tt.in); !errors.Is(err, tt.want) || p.payload != nil {
				t.Errorf("%+v, %v; want %v", p, err, tt.want)
			}
		})
	}
}

func TestParseH5TruncatedAtEveryOctet(t *testing.T) {
	for _, v := range h5Vectors {
		for _, crc := range []bool{false, true} {
			v.p.crc = crc
			frame := frameOf(v.p)
			for n := range frame {
				if p, err := parseH5(frame[:n]); err == nil {
					t.Errorf("%s cut to %d of %d: %+v", v.name, n, len(frame), p)
				}
			}
		}
	}
}

// With a check no single octet that changed goes unnoticed, nor two neighbours; without it none in the header does.
func TestParseH5Damage(t *testing.T) {
	p := h5packet{seq: 5, ack: 2, reliable: true, typ: ACL, payload: packet(ACL, 20)[1:]}
	for _, crc := range []bool{false, true} {
		p.crc = crc
		frame := frameOf(p)
		most := h5HeaderSize
		if crc {
			most = len(frame)
		}
		bad := make([]byte, len(frame))
		for i := range most {
			for x := 1; x < 256; x++ {
				copy(bad, frame)
				bad[i] ^= byte(x)
				if _, err := parseH5(bad); err == nil {
					t.Fatalf("octet %d changed by %02X: not noticed", i, x)
				}
				if !crc || i == 0 {
					continue
				}
				for y := 1; y < 256; y++ {
					bad[i-1] = frame[i-1] ^ byte(y)
					got, err := parseH5(bad)
					// One that claims to have no check takes the check for content, and is too long.
					if err == nil && (got.crc || len(got.payload) != len(p.payload)+h5CRCSize) {
						t.Fatalf("octets %d and %d changed by %02X and %02X: not noticed", i-1, i, y, x)
					}
				}
			}
		}
	}
}

func TestH5PacketDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		return
	}
	p := h5packet{reliable: true, crc: true, typ: ACL, payload: bytes.Repeat([]byte{0xC0, 1}, 125)}
	frame, out := frameOf(p), make([]byte, 0, 2*h5MaxFrame)
	if n := testing.AllocsPerRun(100, func() {
		out = p.appendTo(out[:0], true)
		if _, err := parseH5(frame); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever a frame holds: it is refused, or it is what is written for the packet that it gave.
func FuzzParseH5(f *testing.F) {
	for _, v := range h5Vectors {
		f.Add(frameOf(v.p))
	}
	f.Add([]byte{0x40, 0, 0, 0xBF, 1, 2})
	f.Add([]byte{0x80, 0xF1, 0xFF, 0x8F})
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := parseH5(in)
		if err != nil {
			return
		}
		if len(p.payload) > h5MaxPayload || p.typ > 15 || p.seq > 7 || p.ack > 7 {
			t.Errorf("%+v", p)
		}
		if got := frameOf(p); !bytes.Equal(got, in) {
			t.Errorf("% X written as % X", in, got)
		}
	})
}

func BenchmarkH5Append(b *testing.B) {
	p := h5packet{reliable: true, crc: true, typ: ACL, payload: packet(ACL, 251)[1:]}
	out := make([]byte, 0, 2*h5MaxFrame)
	b.ReportAllocs()
	for b.Loop() {
		out = p.appendTo(out[:0], false)
	}
	b.SetBytes(int64(len(out)))
}

func BenchmarkH5Parse(b *testing.B) {
	line := h5packet{reliable: true, crc: true, typ: ACL, payload: packet(ACL, 251)[1:]}.appendTo(nil, false)
	var d slipDecoder
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := line; len(rest) > 0; {
			var frame []byte
			if frame, rest = d.next(rest); frame != nil {
				if _, err := parseH5(frame); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}
