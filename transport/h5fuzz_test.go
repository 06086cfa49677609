package transport

import (
	"bytes"
	"testing"
	"time"
)

// The link survives whatever comes, says when it wants to be called and means it, keeps to its window, sends frames
// that can be read, delivers whole packets only, and releases each packet once.
func FuzzH5Link(f *testing.F) {
	const (
		opFrame = iota // the next octet is the length, then follows a frame's content; checksum and lengths are made right
		opRaw          // likewise, octets as they are
		opSend
		opWait
		opOut
		opStall // output is not written yet
		opWritten
		opFull // the next octet says whether the reader is late, and whether there is no room
		ops
	)
	up := []byte{opOut, opFrame, 4, 0, 15, 0x02, 0x7D, opOut, opFrame, 5, 0, 15, 0x04, 0x7B, 0x14}
	f.Add(byte(4), up)
	f.Add(byte(7), append(bytes.Clone(up), opSend, 1, opSend, 2, opOut, opFrame, 2, 1<<3, 0, opWait, 30, opOut, opWait, 255, opOut))
	f.Add(byte(0x1F), append(bytes.Clone(up), opSend, 4, opOut, opFrame, 4, 0x80, 4, 0x0E, 0, opStall, opFull, 1, opFrame, 4, 0x81, 4, 0x0E, 0, opWritten))
	f.Add(byte(1), append(bytes.Clone(up), opFrame, 4, 0, 15, 0x07, 0x78, opSend, 2, opOut, opWait, 1, opOut, opFrame, 4, 0, 15, 0x06, 0xF9, opOut))
	f.Add(byte(2), []byte{opRaw, 9, 0xC0, 0, 0x2F, 0, 0xD0, 1, 0x7E, 0xC0, 0x13, opOut, opRaw, 3, 0xC0, 0xDB, 0xC0})
	f.Fuzz(func(t *testing.T, config byte, script []byte) {
		e := newEnd(t, H5Config{
			Window:       int(config & 7),
			SoftwareFlow: config&8 != 0,
			NoCRC:        config&16 == 0,
			Sleep:        time.Duration(config>>5) * time.Second,
		})
		submitted, stalled := 0, false
		take := func(n int) []byte {
			b := script[:min(n, len(script))]
			script = script[len(b):]
			return b
		}
		arg := func() int {
			if b := take(1); len(b) == 1 {
				return int(b[0])
			}
			return 0
		}
		for len(script) > 0 {
			var err error
			switch arg() % ops {
			case opFrame:
				b := take(arg())
				if len(b) < 2 {
					continue
				}
				p := h5packet{seq: b[0] & 7, ack: b[0] >> 3 & 7, crc: b[0]&64 != 0, reliable: b[0]&128 != 0, typ: b[1] & 15, payload: b[2:]}
				err = e.receive(p.appendTo(nil, e.slip.flow), e.now)
			case opRaw:
				err = e.receive(take(arg()), e.now)
			case opSend:
				types := []byte{Command, ACL, SCO, ISO}
				if n := arg(); e.state == h5Active && submitted-e.freed < h5MaxWindow {
					e.send(packet(types[n%4], n%50))
					submitted++
				}
			case opWait:
				e.now = e.now.Add(time.Duration(arg()) * 10 * time.Millisecond)
			case opOut:
				if !stalled {
					if err = e.tick(e.now); err == nil {
						e.out()
					}
				}
			case opStall:
				stalled = stalled || len(e.output(nil, e.now)) > 0
			case opWritten:
				if stalled {
					e.wrote(e.now)
					stalled = false
				}
			case opFull:
				n := arg()
				if e.full, e.slow = n&1 != 0, n&2 != 0; !e.slow {
					e.caughtUp()
				}
			}
			if err == nil {
				err = e.tick(e.now)
			}
			if err != nil {
				if err.Error() == "" {
					t.Error("error that says nothing")
				}
				break
			}
			if e.sender.flown > e.offer.Window || e.sender.sent > e.sender.flown || e.sender.flown > e.sender.count {
				t.Fatalf("window %d: %+v", e.offer.Window, e.sender)
			}
			if e.freed+e.sender.count+len(e.loose) != submitted {
				t.Fatalf("%d submitted, %d released, %d and %d kept", submitted, e.freed, e.sender.count, len(e.loose))
			}
		}
		for _, p := range e.got {
			if err := checkPacket(p, MaxPacket); err != nil || p[0] == Command {
				t.Errorf("delivered % X: %v", p, err)
			}
		}
	})
}

// An h5wire carries whole frames from one end to the other, or loses, repeats or damages them.
type h5wire struct{ frames [][]byte }

func (w *h5wire) put(octets []byte) {
	var d slipDecoder
	for _, frame := range unslip(&d, octets, len(octets)) {
		w.frames = append(w.frames, append(appendSLIP([]byte{slipEnd}, frame, false), slipEnd))
	}
}

// pass takes the oldest frame and does to it what fault says.
func (w *h5wire) pass(fault byte) (octets []byte) {
	if len(w.frames) == 0 {
		return nil
	}
	f := w.frames[0]
	w.frames = w.frames[1:]
	switch fault >> 5 {
	case 0: // lost
		return nil
	case 1: // twice
		return append(f, f...)
	case 2: // one octet changed
		f[int(fault&31)%len(f)] ^= 1 + fault
	case 3: // cut short
		f = f[:int(fault&31)%len(f)]
	}
	return f
}

// Two ends of ours over a wire that does what the fuzzer says: what one end delivers is what the other submitted, in order
// and from the beginning, however far it comes. The last octets stop the faults, and then everything arrives.
func FuzzH5Pair(f *testing.F) {
	f.Add(byte(0x44), []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
	f.Add(byte(0x71), bytes.Repeat([]byte{0x10, 0xFF, 0x30, 0xFF, 0x47, 0xFF, 0x65}, 30))
	f.Add(byte(0x17), bytes.Repeat([]byte{0xFF, 0xC0, 0x43, 0x05, 0x21}, 40))
	f.Fuzz(func(t *testing.T, config byte, faults []byte) {
		if len(faults) > 400 {
			return
		}
		ends := [2]*h5end{newEnd(t, H5Config{Window: int(config & 7)}), newEnd(t, H5Config{Window: int(config >> 4 & 7)})}
		ends[1].ours = Event
		var wires [2]h5wire
		var submitted [2]int
		const packets = 12
		step := func(i int, fault byte) bool {
			e := ends[i]
			octets := wires[1-i].pass(fault)
			if err := e.receive(octets, e.now); err != nil {
				return false
			}
			if err := e.tick(e.now); err != nil {
				return false
			}
			if e.state == h5Active && submitted[i] < packets && submitted[i]-e.freed < h5MaxWindow {
				e.send(packet(ACL, submitted[i]))
				submitted[i]++
			}
			if b := e.output(nil, e.now); len(b) > 0 {
				e.wrote(e.now)
				wires[i].put(b)
			}
			return true
		}
		pass := func(fault byte) bool {
			for i := range ends {
				if !step(i, fault) {
					return false
				}
				ends[i].now = ends[i].now.Add(10 * time.Millisecond)
			}
			return true
		}
		alive := true
		for _, fault := range faults {
			if alive = alive && pass(fault); !alive {
				break
			}
		}
		for range 1000 {
			alive = alive && pass(0xFF)
		}
		for i, e := range ends {
			for n, p := range e.got {
				if !bytes.Equal(p, packet(ACL, n)) {
					t.Fatalf("end %d delivered % X as packet %d", i, p, n)
				}
			}
			if alive && (len(e.got) != packets || e.freed != packets) {
				t.Errorf("end %d delivered %d packets and got rid of %d: %+v", i, len(e.got), e.freed, e.counters)
			}
		}
	})
}
