package transport

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// unslip decodes octets in pieces of n, and returns the frames.
func unslip(d *slipDecoder, octets []byte, n int) (frames [][]byte) {
	for len(octets) > 0 {
		piece := octets[:min(n, len(octets))]
		octets = octets[len(piece):]
		for len(piece) > 0 {
			var frame []byte
			if frame, piece = d.next(piece); frame != nil {
				frames = append(frames, bytes.Clone(frame))
			}
		}
	}
	return frames
}

func TestAppendSLIP(t *testing.T) {
	tests := []struct {
		name    string
		in      []byte
		flow    bool
		escaped []byte
	}{
		{name: "empty"},
		{name: "plain", in: []byte{1, 2, 3}, escaped: []byte{1, 2, 3}},
		{name: "delimiter", in: []byte{0xC0}, escaped: []byte{0xDB, 0xDC}},
		{name: "escape", in: []byte{0xDB}, escaped: []byte{0xDB, 0xDD}},
		{name: "what stands behind escapes", in: []byte{0xDC, 0xDD, 0xDE, 0xDF}, escaped: []byte{0xDC, 0xDD, 0xDE, 0xDF}},
		{name: "between others", in: []byte{1, 0xC0, 2, 0xDB, 3}, escaped: []byte{1, 0xDB, 0xDC, 2, 0xDB, 0xDD, 3}},
		{name: "XON and XOFF are data", in: []byte{0x11, 0x13}, escaped: []byte{0x11, 0x13}},
		{name: "XON and XOFF escaped", in: []byte{0x11, 0x12, 0x13}, flow: true, escaped: []byte{0xDB, 0xDE, 0x12, 0xDB, 0xDF}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := []byte{9}
			if got := appendSLIP(before, tt.in, tt.flow); !bytes.Equal(got[1:], tt.escaped) || got[0] != 9 {
				t.Errorf("% X, want % X", got[1:], tt.escaped)
			}
		})
	}
}

func TestSLIPDecoder(t *testing.T) {
	tests := []struct {
		name    string
		in      []byte
		flow    bool
		frames  [][]byte
		damaged int
		held    bool
	}{
		{name: "one frame", in: []byte{0xC0, 1, 2, 0xC0}, frames: [][]byte{{1, 2}}},
		{name: "a delimiter shared", in: []byte{0xC0, 1, 0xC0, 2, 0xC0}, frames: [][]byte{{1}, {2}}},
		{name: "delimiters back to back", in: []byte{0xC0, 0xC0, 0xC0, 1, 0xC0, 0xC0, 2, 0xC0}, frames: [][]byte{{1}, {2}}},
		{name: "noise before the first", in: []byte{7, 0xDB, 8, 0xC0, 1, 0xC0}, frames: [][]byte{{1}}},
		{name: "not ended", in: []byte{0xC0, 1, 2}},
		{name: "escapes", in: []byte{0xC0, 0xDB, 0xDC, 5, 0xDB, 0xDD, 0xC0}, frames: [][]byte{{0xC0, 5, 0xDB}}},
		{name: "escapes of XON and XOFF", in: []byte{0xC0, 0xDB, 0xDE, 0xDB, 0xDF, 0xC0}, frames: [][]byte{{0x11, 0x13}}},
		{name: "a bad escape", in: []byte{0xC0, 1, 0xDB, 9, 2, 0xC0, 3, 0xC0}, frames: [][]byte{{3}}, damaged: 1},
		{name: "two escapes in a row", in: []byte{0xC0, 0xDB, 0xDB, 0xDC, 0xC0, 3, 0xC0}, frames: [][]byte{{3}}, damaged: 1},
		{name: "an escape cut off", in: []byte{0xC0, 1, 0xDB, 0xC0, 3, 0xC0}, frames: [][]byte{{3}}, damaged: 1},
		{name: "XON and XOFF as data", in: []byte{0xC0, 0x13, 0x11, 0xC0}, frames: [][]byte{{0x13, 0x11}}},
		{name: "XOFF within a frame", flow: true, in: []byte{0xC0, 1, 0x13, 2, 0xC0}, frames: [][]byte{{1, 2}}, held: true},
		{name: "XOFF and XON between octets", flow: true, in: []byte{0x13, 0xC0, 0xDB, 0x11, 0xDC, 0xC0}, frames: [][]byte{{0xC0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; n <= len(tt.in); n++ {
				d := slipDecoder{flow: tt.flow}
				if got := unslip(&d, tt.in, n); !samePackets(got, tt.frames) || d.damaged != tt.damaged || d.held != tt.held {
					t.Errorf("in pieces of %d: % X, %d damaged, held %v", n, got, d.damaged, d.held)
				}
			}
		})
	}
}

// A frame without an end costs no more memory than the longest frame, and the next one is found.
func TestSLIPDecoderBound(t *testing.T) {
	for _, tt := range []struct {
		length int
		good   bool
	}{{h5MaxFrame - 1, true}, {h5MaxFrame, true}, {h5MaxFrame + 1, false}, {1 << 20, false}} {
		var d slipDecoder
		long := bytes.Repeat([]byte{0xAA}, tt.length)
		in := append(append([]byte{0xC0}, long...), 0xC0, 1, 0xC0)
		want := [][]byte{{1}}
		if tt.good {
			want = [][]byte{long, {1}}
		}
		if got := unslip(&d, in, 1000); !samePackets(got, want) || (d.damaged == 0) != tt.good {
			t.Errorf("%d octets: %d frames, %d damaged", tt.length, len(got), d.damaged)
		}
		if cap(d.frame) > 2*h5MaxFrame {
			t.Errorf("%d octets: %d octets of memory", tt.length, cap(d.frame))
		}
	}
}

func TestSLIPRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	special := []byte{0xC0, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0x11, 0x13, 0}
	var d slipDecoder
	for _, flow := range []bool{false, true} {
		d.flow = flow
		for range 500 {
			frame := make([]byte, 1+r.IntN(60))
			for i := range frame {
				frame[i] = special[r.IntN(len(special))]
			}
			out := append(appendSLIP([]byte{0xC0}, frame, flow), 0xC0)
			if bytes.IndexByte(out[1:len(out)-1], 0xC0) >= 0 || flow && bytes.ContainsAny(out, "\x11\x13") {
				t.Fatalf("% X is not escaped: % X", frame, out)
			}
			if got := unslip(&d, out, 1+r.IntN(7)); !samePackets(got, [][]byte{frame}) || d.damaged != 0 {
				t.Fatalf("% X became % X by way of % X", frame, got, out)
			}
		}
	}
}

// What the decoder makes of a stream does not depend on how it is cut, no frame is empty or too long, and what it took
// out of escapes goes back into them.
func FuzzSLIPDecoder(f *testing.F) {
	f.Add([]byte{0xC0, 1, 2, 0xC0, 0xDB, 0xDC, 0xC0}, byte(1), false)
	f.Add([]byte{0xC0, 0xDB, 0xDB, 0xC0, 0xC0, 0x13, 0x11, 5, 0xC0}, byte(3), true)
	f.Add([]byte{7, 7, 0xC0, 0xDB}, byte(0), true)
	f.Fuzz(func(t *testing.T, in []byte, step byte, flow bool) {
		whole, cut := slipDecoder{flow: flow}, slipDecoder{flow: flow}
		frames := unslip(&whole, in, max(1, len(in)))
		if again := unslip(&cut, in, 1+int(step)); !samePackets(frames, again) || whole.damaged != cut.damaged || whole.held != cut.held {
			t.Errorf("whole: % X, %d damaged; cut: % X, %d damaged", frames, whole.damaged, again, cut.damaged)
		}
		for _, frame := range frames {
			if len(frame) == 0 || len(frame) > h5MaxFrame {
				t.Errorf("frame of %d octets", len(frame))
			}
			back := slipDecoder{flow: flow}
			out := append(appendSLIP([]byte{0xC0}, frame, flow), 0xC0)
			if got := unslip(&back, out, len(out)); !samePackets(got, [][]byte{frame}) {
				t.Errorf("% X back as % X", frame, got)
			}
		}
	})
}
