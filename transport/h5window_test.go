package transport

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Numbers wrap, the window is kept, and every packet is released once, for each window.
func TestH5WindowWraps(t *testing.T) {
	for window := 1; window <= h5MaxWindow; window++ {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			e := active(t, H5Config{Window: 7}, byte(window))
			const packets = 40
			sent, acked, submitted := 0, 0, 0
			for acked < packets {
				for submitted < min(packets, acked+h5MaxWindow) {
					e.send(packet(ACL, submitted))
					submitted++
				}
				for _, p := range e.out() {
					if p.seq != byte(sent&7) || !bytes.Equal(p.payload, packet(ACL, sent)[1:]) {
						t.Fatalf("packet %d has number %d", sent, p.seq)
					}
					sent++
				}
				if sent-acked != min(window, packets-acked) {
					t.Fatalf("%d packets unacknowledged", sent-acked)
				}
				acked += 1 + acked%(sent-acked) // sometimes one, sometimes all
				e.in(h5packet{ack: byte(acked & 7)})
				if e.freed != acked {
					t.Fatalf("%d released, %d acknowledged", e.freed, acked)
				}
			}
			if got := e.counters; got.Resent+got.BadAcks+got.Damaged != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// An acknowledgement stands for all before it, and whatever is not acknowledged in time is sent again from there on.
func TestH5GoBackN(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	for i := range 5 {
		e.send(packet(Command, i))
	}
	e.wantOut("1:0/0, 1:1/0, 1:2/0, 1:3/0")
	if d := e.wait(time.Hour); d != h5Resend {
		t.Errorf("again after %v", d)
	}
	e.wantOut("1:0/0, 1:1/0, 1:2/0, 1:3/0")
	e.wait(100 * time.Millisecond)
	e.in(h5packet{ack: 2}) // 0 and 1 arrived
	e.wantOut("1:4/0")
	if d := e.wait(time.Hour); d != h5Resend {
		t.Errorf("again %v after an acknowledgement", d)
	}
	e.wantOut("1:2/0, 1:3/0, 1:4/0")
	e.in(h5packet{ack: 5})
	if d := e.deadline(); !d.IsZero() {
		t.Errorf("all is acknowledged, but the link wants to be called at %v", d)
	}
	if e.counters.Resent != 7 || e.freed != 5 {
		t.Errorf("%d sent again, %d released", e.counters.Resent, e.freed)
	}
}

// An acknowledgement may come between two packets that are being sent again.
func TestH5AckWhileGoingBack(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.send(packet(Command, 0), packet(Command, 1), packet(Command, 2))
	e.out()
	e.wait(time.Hour)
	if err := e.tick(e.now); err != nil {
		t.Fatal(err)
	}
	e.output(nil, e.now) // 0 again
	e.in(h5packet{ack: 2})
	e.wrote(e.now)
	e.wantOut("1:2/0")
	e.in(h5packet{ack: 3})
	if e.freed != 3 || e.counters.BadAcks != 0 {
		t.Errorf("%d released, %+v", e.freed, e.counters)
	}
}

// The resend time does not begin before the packet was written.
func TestH5ResendCountsFromWritten(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.send(packet(Command, 0))
	e.output(nil, e.now)
	e.now = e.now.Add(time.Second)
	if err := e.tick(e.now); err != nil {
		t.Fatal(err)
	}
	e.wrote(e.now)
	e.wantOut("")
	if d := e.wait(time.Hour); d != h5Resend {
		t.Errorf("again after %v", d)
	}
}

// Nor is it put off by what is written meanwhile.
func TestH5ResendUnderTraffic(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.send(packet(Command, 0))
	e.wantOut("1:0/0")
	begin := e.now
	for i := byte(0); e.counters.Resent == 0; i++ {
		e.now = e.now.Add(h5Resend / 10)
		e.in(event(i, 0))
		if e.out(); e.now.Sub(begin) > h5Resend {
			t.Fatalf("not sent again after %v", e.now.Sub(begin))
		}
	}
}

func TestH5AckOutOfWindow(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	for ack := byte(1); ack < 8; ack++ { // nothing was sent
		e.in(h5packet{ack: ack})
	}
	if e.counters.BadAcks != 7 || e.freed != 0 {
		t.Errorf("%d released, %+v", e.freed, e.counters)
	}
	e.send(packet(Command, 0), packet(Command, 1))
	e.out()
	for ack := byte(3); ack < 8; ack++ {
		e.in(h5packet{ack: ack})
	}
	if e.counters.BadAcks != 12 || e.freed != 0 {
		t.Errorf("%d released, %+v", e.freed, e.counters)
	}
	e.in(h5packet{ack: 2})
	if e.freed != 2 {
		t.Errorf("%d released", e.freed)
	}
	e.in(event(0, 7)) // what came with a bad acknowledgement is good
	if e.counters.BadAcks != 13 || len(e.got) != 1 {
		t.Errorf("%d delivered, %+v", len(e.got), e.counters)
	}
}

func TestH5Receives(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	for i := range byte(20) {
		e.in(event(i, 0))
		e.wantOut(fmt.Sprintf("ack %d", (i+1)&7))
		e.in(event(i, 0)) // its acknowledgement was lost
		e.wantOut(fmt.Sprintf("ack %d", (i+1)&7))
		e.in(event(i+2, 0)) // the one between was lost
		e.wantOut(fmt.Sprintf("ack %d", (i+1)&7))
	}
	if len(e.got) != 20 || e.counters.Repeated != 40 {
		t.Errorf("%d delivered, %+v", len(e.got), e.counters)
	}
	for i, p := range e.got {
		if !bytes.Equal(p, packet(Event, i)) {
			t.Errorf("packet %d: % X", i, p)
		}
	}
	e.in(event(20, 0), event(21, 0), event(22, 0))
	e.wantOut("ack 7") // one for all
	e.in(event(23, 0))
	e.send(packet(Command, 0))
	e.wantOut("1:0/0") // a packet acknowledges too
}

// A packet that nobody has room for is not acknowledged, and taken when it comes again. One that is worth nothing when
// late is dropped.
func TestH5NoRoom(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.full = true
	for range 100 { // for as long as it takes
		e.in(event(0, 0), event(1, 0))
	}
	e.in(h5packet{typ: SCO, payload: packet(SCO, 4)[1:]})
	if e.counters.Refused != 100 || e.counters.Passed != 1 || e.expected != 0 {
		t.Errorf("%+v", e.counters)
	}
	e.full = false
	e.out()
	e.in(event(0, 0))
	e.wantOut("ack 1")
}

// While the reader is late, what it has not got is not acknowledged, so that the peer's window holds it up.
func TestH5LateReaderHoldsPeerUp(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.in(event(0, 0))
	e.wantOut("ack 1")
	e.slow = true
	e.in(event(1, 0), event(2, 0), event(3, 0), event(4, 0))
	e.wantOut("ack 1")
	e.send(packet(Command, 0))
	e.wantOut("1:0/1")
	e.in(event(1, 1), event(2, 1)) // the peer tries again
	e.wantOut("ack 1")
	e.slow = false
	e.caughtUp()
	e.wantOut("ack 5")
	e.caughtUp()
	e.wantOut("")
	if len(e.got) != 5 || e.counters.Repeated != 2 {
		t.Errorf("%d delivered, %+v", len(e.got), e.counters)
	}
}

// A packet whose own header contradicts it was damaged where no check could tell: it comes again.
func TestH5Contradiction(t *testing.T) {
	bad := []h5packet{
		{reliable: true, typ: Event, payload: []byte{0x0E, 4, 1, 3, 0x0C}},
		{reliable: true, typ: Event, payload: []byte{0x0E, 4, 1, 3, 0x0C, 0, 0}},
		{reliable: true, typ: Event, payload: []byte{0x0E}},
		{reliable: true, typ: Event},
		{reliable: true, typ: ACL, payload: []byte{1, 0, 0xFF, 0xFF, 1}},
		{reliable: true, typ: ISO, payload: []byte{1, 0, 0}},
	}
	for _, p := range bad {
		e := active(t, H5Config{}, 0x14)
		e.in(p)
		e.wantOut("")
		e.in(event(0, 0))
		e.wantOut("ack 1")
		p.seq = 1
		for range h5MaxRefused - 1 {
			e.in(p)
		}
		err := e.receive(p.appendTo(nil, false), e.now)
		if !errors.Is(err, ErrOutOfStep) || len(e.got) != 1 {
			t.Errorf("%+v: %v", p, err)
		}
		p.reliable = false // one that nobody sends again
		e = active(t, H5Config{}, 0x14)
		for range 2 * h5MaxRefused {
			e.in(p)
		}
		if len(e.got) != 0 || e.counters.Passed != 2*h5MaxRefused {
			t.Errorf("%+v: %d delivered, %+v", p, len(e.got), e.counters)
		}
	}
}

func TestH5PacketTypes(t *testing.T) {
	tests := []struct {
		name    string
		p       h5packet
		passed  bool
		answer  string
		damaged bool
	}{
		{"ACL", h5packet{reliable: true, typ: ACL, payload: packet(ACL, 3)[1:]}, false, "ack 1", false},
		{"SCO", h5packet{typ: SCO, payload: packet(SCO, 3)[1:]}, false, "", false},
		{"ISO", h5packet{typ: ISO, payload: packet(ISO, 3)[1:]}, false, "", false},
		{"ISO, reliable", h5packet{reliable: true, typ: ISO, payload: packet(ISO, 3)[1:]}, false, "ack 1", false},
		{"command", h5packet{reliable: true, typ: Command, payload: packet(Command, 3)[1:]}, true, "ack 1", false},
		{"vendor", h5packet{reliable: true, typ: 14, payload: []byte{1, 2}}, true, "ack 1", false},
		{"reserved", h5packet{typ: 9}, true, "", false},
		{"acknowledgement", h5packet{}, true, "", false},
		{"acknowledgement, reliable", h5packet{reliable: true}, true, "ack 1", false},
		{"acknowledgement with content", h5packet{payload: []byte{1, 2}}, true, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := active(t, H5Config{}, 0x14)
			e.in(tt.p)
			e.wantOut(tt.answer)
			if (len(e.got) == 0) != tt.passed || (e.counters.Damaged == 1) != tt.damaged {
				t.Errorf("delivered % X, %+v", e.got, e.counters)
			}
		})
	}
}

// SCO packets are sent once, and before what waits for the window; all others are reliable.
func TestH5SendsSCOOnce(t *testing.T) {
	e := active(t, H5Config{}, 0x01)
	e.send(packet(ISO, 1), packet(ACL, 2), packet(SCO, 3), packet(SCO, 4))
	e.wantOut("3:-/0, 3:-/0, 5:0/0")
	if e.freed != 2 {
		t.Errorf("%d released", e.freed)
	}
	e.wait(time.Hour)
	e.wantOut("5:0/0")
	e.in(h5packet{ack: 1})
	e.wantOut("2:1/0")
	e.in(h5packet{ack: 2})
	e.send(packet(SCO, 1))
	e.wantOut("3:-/0")
	if d := e.deadline(); !d.IsZero() {
		t.Errorf("wants to be called at %v", d)
	}
}

// All packets carry the check once it is agreed on, link control ones never; and it is looked at whoever sends it.
func TestH5CRCUse(t *testing.T) {
	e := active(t, H5Config{}, 0x14)
	e.send(packet(Command, 0))
	e.in(event(0, 0), control(h5Wakeup))
	for _, p := range e.out() {
		if p.crc == (p.typ == h5LinkControl) {
			t.Errorf("%+v", p)
		}
	}
	e.in(event(1, 1))
	if out := e.out(); len(out) != 1 || !out[0].crc {
		t.Errorf("%+v", out)
	}

	e = active(t, H5Config{NoCRC: true}, 0x14)
	p := event(0, 0)
	p.crc = true
	line := p.appendTo(nil, false)
	line[len(line)-2] ^= 1
	if err := e.receive(line, e.now); err != nil || e.counters.Damaged != 1 || len(e.got) != 0 {
		t.Errorf("%v, %+v", err, e.counters)
	}
	e.in(p)
	if out := e.out(); len(out) != 1 || out[0].crc || len(e.got) != 1 {
		t.Errorf("%+v", out)
	}
}
