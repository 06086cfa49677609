package l2cap

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// Every way to cut a PDU into fragments gives the same PDU: 2^(n-1) of them, the header cut too.
func TestEverySplit(t *testing.T) {
	p := pdu(CIDATT, 0x1B, 0x03, 0x00, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE)
	r := newRig(t, hci.Central, Config{})
	for cuts := range 1 << (len(p) - 1) {
		r.got = nil
		start, from := true, 0
		for i := range p {
			if i+1 == len(p) || cuts>>i&1 != 0 {
				r.HandleFragment(start, p[from:i+1])
				start, from = false, i+1
			}
		}
		if len(r.got) != 1 || r.got[0] != "att 1b0300aabbccddee" {
			t.Fatalf("cuts %b: %q", cuts, r.got)
		}
	}
	if s := r.Statistics(); s != (Statistics{}) {
		t.Errorf("%+v", s)
	}
}

// Every length that the channel takes, in every size of fragment.
func TestEveryLength(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	for length := range 101 {
		p := pdu(CIDATT, counting(length)...)
		for size := 1; size <= len(p); size++ {
			r.got = nil
			start := true
			for fragment := range slices.Chunk(p, size) {
				r.HandleFragment(start, fragment)
				start = false
			}
			if want := hex.EncodeToString(p[headerLength:]); len(r.got) != 1 || r.got[0] != "att "+want && length > 0 || length == 0 && r.got[0] != "att" {
				t.Fatalf("%d octets in fragments of %d: %q", length, size, r.got)
			}
		}
	}
	if s := r.Statistics(); s != (Statistics{}) {
		t.Errorf("%+v", s)
	}
}

// What does not fit together is dropped and counted, and the next PDU is whole again.
func TestRecombinationErrors(t *testing.T) {
	type fragment struct {
		start bool
		data  []byte
	}
	p := pdu(CIDATT, 1, 2, 3, 4)
	for _, c := range []struct {
		name      string
		fragments []fragment
		got       []string // before the whole PDU that is sent last
		want      Statistics
	}{
		{"continuation without start", []fragment{{false, p}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{Stray: 1}}},
		{"continuation after the end", []fragment{{true, p}, {false, []byte{5}}}, []string{"att 01020304"}, Statistics{RecombinationStatistics: RecombinationStatistics{Stray: 1}}},
		{"start while open", []fragment{{true, p[:5]}, {true, p}}, []string{"att 01020304"}, Statistics{RecombinationStatistics: RecombinationStatistics{Unfinished: 1}}},
		{"start while the header is open", []fragment{{true, p[:2]}, {true, p}}, []string{"att 01020304"}, Statistics{RecombinationStatistics: RecombinationStatistics{Unfinished: 1}}},
		{"open when the next begins", []fragment{{true, p[:5]}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{Unfinished: 1}}},
		{"longer than its length field, at once", []fragment{{true, append(bytes.Clone(p), 5)}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}}},
		{"longer than its length field, later", []fragment{{true, p[:6]}, {false, []byte{3, 4, 5}}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}}},
		{"what follows a dropped PDU is not counted again", []fragment{{true, append(bytes.Clone(p), 5)}, {false, []byte{6}}, {false, nil}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}}},
		{"longer than any channel", []fragment{{true, []byte{101, 0, 4, 0, 1}}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}}},
		{"longer than any channel, the header cut", []fragment{{true, []byte{0xFF}}, {false, []byte{0xFF}}, {false, []byte{4}}, {false, []byte{0}}, {false, []byte{1}}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}}},
		{"a whole PDU longer than any channel", []fragment{{true, pdu(CIDATT, counting(101)...)}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}}},
		{"a whole PDU longer than its channel", []fragment{{true, pdu(CIDSMP, counting(66)...)}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}}},
		{"empty start", []fragment{{true, nil}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{Stray: 1}}},
		{"empty start, then continuation", []fragment{{true, nil}, {false, p}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{Stray: 2}}},
		{"empty start while open", []fragment{{true, p[:6]}, {true, nil}, {false, p[6:]}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{Unfinished: 1, Stray: 2}}},
		{"empty continuation does no harm", []fragment{{true, p[:6]}, {false, nil}, {false, p[6:]}}, []string{"att 01020304"}, Statistics{RecombinationStatistics: RecombinationStatistics{Stray: 1}}},
		{"zero length", []fragment{{true, pdu(CIDATT)}}, []string{"att"}, Statistics{}},
		{"unknown channel", []fragment{{true, pdu(0x0040, 1)}, {true, pdu(0x0003, 1)}, {true, pdu(0x0007, 1)}, {true, pdu(0, 1)}}, nil, Statistics{UnknownChannel: 4}},
		{"unknown channel, longer than any channel", []fragment{{true, []byte{0xFF, 0, 0x40, 0, 1}}}, nil, Statistics{RecombinationStatistics: RecombinationStatistics{TooLong: 1}, UnknownChannel: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, hci.Central, Config{})
			for _, f := range c.fragments {
				r.HandleFragment(f.start, f.data)
			}
			r.HandleFragment(true, pdu(CIDSMP, 9))
			if want := append(c.got, "smp 09"); !slices.Equal(r.got, want) {
				t.Errorf("received %q, want %q", r.got, want)
			}
			if got := r.Statistics(); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// A PDU of exactly what a channel takes is taken, and one octet more is not, on each channel.
func TestChannelLimits(t *testing.T) {
	for cid, mtu := range map[uint16]int{CIDATT: 100, CIDSMP: 65} {
		for _, size := range []int{27, 200} {
			r := newRig(t, hci.Central, Config{})
			for n, want := range map[int]int{mtu: 1, mtu + 1: 0} {
				r.got = nil
				start := true
				for fragment := range slices.Chunk(pdu(cid, counting(n)...), size) {
					r.HandleFragment(start, fragment)
					start = false
				}
				if len(r.got) != want {
					t.Errorf("channel %d: %d octets in fragments of %d: received %d", cid, n, size, len(r.got))
				}
			}
		}
	}
}

// Nothing that a peer sends grows what a link keeps (Vol 3, Part A has no bound of its own).
func TestRecombinerIsBounded(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	fragment := counting(251)
	for i := range 10_000 {
		fragment[0], fragment[1] = byte(i), byte(i>>8)
		r.HandleFragment(i%7 == 0, fragment)
	}
	if limit := 2 * (headerLength + 100); cap(r.in.buf) > limit {
		t.Errorf("%d octets are kept, want at most %d", cap(r.in.buf), limit)
	}
}

// FuzzRecombine cuts octets into fragments as the fuzzer says and compares with recombination as the
// specification tells it: concatenate, then look at the header.
func FuzzRecombine(f *testing.F) {
	f.Add([]byte{1, 9, 5, 0, 4, 0, 1, 2, 3, 4, 5})
	f.Add([]byte{1, 2, 5, 0, 0, 4, 4, 0, 1, 2, 0, 3, 3, 4, 5})
	f.Add([]byte{1, 5, 0xFF, 0xFF, 4, 0, 1, 0, 1, 2})
	f.Add([]byte{0, 1, 1, 1, 0, 1, 4, 0, 0, 4, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		r := newRig(t, hci.Peripheral, Config{})
		var model struct {
			open bool
			pdu  []byte
			got  []string
		}
		for len(script) >= 2 {
			start, n := script[0]&1 != 0, min(int(script[1]), len(script)-2)
			data := script[2 : 2+n]
			script = script[2+n:]
			r.HandleFragment(start, data)

			if start {
				model.open, model.pdu = n > 0, nil
			}
			if !model.open {
				continue
			}
			model.pdu = append(model.pdu, data...)
			if len(model.pdu) < headerLength {
				continue
			}
			want := pduLength(model.pdu)
			switch {
			case want > headerLength+100 || len(model.pdu) > want:
				model.open = false
			case len(model.pdu) == want:
				model.open = false
				name, mtu := map[uint16]string{CIDATT: "att", CIDSMP: "smp"}[pduChannel(model.pdu)], 100
				if name == "smp" {
					mtu = 65
				}
				if name != "" && want-headerLength <= mtu {
					model.got = append(model.got, name+hex.EncodeToString(model.pdu[headerLength:]))
				}
			}
		}
		for i := range r.got {
			r.got[i] = fmt.Sprint(r.got[i][:3], r.got[i][min(len(r.got[i]), 4):])
		}
		if !slices.Equal(r.got, model.got) {
			t.Errorf("received %q, want %q", r.got, model.got)
		}
	})
}
