package virtual

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// pattern is n octets of which no two neighbours are alike.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// TestFragments sends one packet and looks at the packets in which the other host gets it.
func TestFragments(t *testing.T) {
	for _, c := range []struct {
		name                          string
		centralPDU, peripheralPDU     int
		peripheralACL, length, pieces int
	}{
		{"one octet", 27, 27, 251, 1, 1},
		{"just one packet on air", 27, 27, 251, 27, 1},
		{"one octet more", 27, 27, 251, 28, 2},
		{"a whole buffer", 27, 27, 251, 251, 10},
		{"long packets on air", 251, 251, 251, 251, 1},
		{"the peripheral has short packets on air", 251, 27, 251, 251, 10},
		{"the central has short packets on air", 27, 251, 251, 251, 10},
		{"the receiving host has short buffers", 251, 251, 27, 251, 10},
		{"an odd length on air", 100, 251, 251, 251, 3},
		{"nothing", 27, 27, 251, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, AirConfig{}, ControllerConfig{PDULength: c.centralPDU},
					ControllerConfig{PDULength: c.peripheralPDU, ACLLength: c.peripheralACL})
				want := pattern(c.length)
				p.central.sendACL(p.ch, hci.FirstNonFlushable, want)
				p.central.completed(p.ch)
				var got []byte
				for i := range c.pieces {
					a := p.peripheral.acl()
					boundary := hci.Continuing
					if i == 0 {
						boundary = hci.FirstFlushable
					}
					if a.Boundary != boundary || a.Broadcast != 0 || a.Handle != p.ph {
						t.Errorf("piece %d: %+v", i, a)
					}
					got = append(got, a.Data...)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("got % X, want % X", got, want)
				}
				p.peripheral.silent(time.Second)
			})
		})
	}
}

// TestHostFragments sends an L2CAP frame in two ACL packets: their boundaries stay what they are.
func TestHostFragments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("first"))
		p.central.sendACL(p.ch, hci.Continuing, []byte("second"))
		if a := p.peripheral.acl(); a.Boundary != hci.FirstFlushable || string(a.Data) != "first" {
			t.Errorf("%+v", a)
		}
		if a := p.peripheral.acl(); a.Boundary != hci.Continuing || string(a.Data) != "second" {
			t.Errorf("%+v", a)
		}
	})
}

func TestCreditsAndOverflow(t *testing.T) {
	for _, buffers := range []int{1, 2, 8, 255} {
		t.Run(fmt.Sprint(buffers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, AirConfig{}, ControllerConfig{ACLBuffers: buffers}, ControllerConfig{})
				settle()
				for range buffers {
					p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("fits"))
				}
				if n := p.central.c.Counters(); n.ACLOverCredit != 0 || n.ACLBuffered != buffers {
					t.Errorf("%+v", n)
				}
				p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("does not"))
				equal(t, "Data Buffer Overflow", p.central.event(hci.EvDataBufferOverflow), []byte{1})
				for done := 0; done < buffers; {
					done += p.central.completed(p.ch)
				}
				for range buffers {
					if got := string(p.peripheral.acl().Data); got != "fits" {
						t.Errorf("got %q", got)
					}
				}
				p.peripheral.silent(time.Second)
				n := p.central.c.Counters()
				if n.ACLOverCredit != 1 || n.ACLCompleted != buffers || n.ACLFromHost != buffers || n.ACLBuffered != 0 {
					t.Errorf("%+v", n)
				}
				if got := p.peripheral.c.Counters().ACLToHost; got != buffers {
					t.Errorf("%d packets to the host, want %d", got, buffers)
				}
			})
		})
	}
}

// TestCreditsAreBackWhenTheHostHasReadThem: the host is over its credits until it has read the event, whatever
// the link layer has done.
func TestCreditsAreBackWhenTheHostHasReadThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		c := air.NewController(ControllerConfig{ACLBuffers: 1})
		other := newHost(t, air.NewController(ControllerConfig{}))
		conn := c.Conn()
		read := func() []byte {
			b := make([]byte, 4096)
			n, err := conn.ReadPacket(b)
			if err != nil {
				t.Fatal(err)
			}
			return b[:n]
		}
		conn.WritePacket(hci.AppendCommand(nil, hci.SetEventMask{Mask: ^uint64(0)}))
		read()
		other.advertise(advertised)
		conn.WritePacket(hci.AppendCommand(nil, createConnection(other.c.Address())))
		read()
		e, err := hci.ParseLEConnectionComplete(read()[4:])
		if err != nil {
			t.Fatal(err)
		}
		other.connected()
		send := func() {
			if err := conn.WritePacket(hci.AppendACL(nil, hci.ACL{Handle: e.Handle, Data: []byte("x")})); err != nil {
				t.Fatal(err)
			}
		}
		send()
		time.Sleep(time.Second) // it is acknowledged, but the host has not looked
		send()
		if n := c.Counters(); n.ACLOverCredit != 1 || n.ACLCompleted != 1 {
			t.Errorf("%+v", n)
		}
		read()
		send()
		if n := c.Counters(); n.ACLOverCredit != 1 || n.ACLFromHost != 2 {
			t.Errorf("after the event was read: %+v", n)
		}
	})
}

// TestDeadHandle: what was in the controller when its link was lost is never completed, and its credits are there
// for the next link (Vol 4, Part E, 4.3).
func TestDeadHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{ACLBuffers: 3}, ControllerConfig{})
		settle()
		p.peripheral.c.SetSilent(true)
		for range 3 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("lost"))
		}
		p.central.disconnected(p.ch, hci.ConnectionTimeout)
		p.central.silent(time.Second)
		if n := p.central.c.Counters(); n.ACLFlushed != 3 || n.ACLCompleted != 0 || n.ACLBuffered != 0 {
			t.Errorf("%+v", n)
		}
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
		p.peripheral.c.SetSilent(false)
		p.connect(usual)
		for range 3 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("again"))
		}
		for done := 0; done < 3; {
			done += p.central.completed(p.ch)
		}
		right(t, p.central)
	})
}

// TestDataForALinkThatJustEnded: the host can't know yet, so nothing is wrong with its packet.
func TestDataForALinkThatJustEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		other := newHost(t, air.NewController(ControllerConfig{}))
		c := air.NewController(ControllerConfig{ACLBuffers: 1})
		h := newHost(t, c)
		other.advertise(advertised)
		h.start(createConnection(other.c.Address()))
		handle := h.connected().Handle
		c.air.mu.Lock() // the event is in the queue, and the reader has not had its turn
		c.ends[0].link.leave(hci.ConnectionTimeout)
		f := hci.ACL{Handle: handle, Data: []byte("late")}
		if err := c.takeACL(f); err != nil {
			t.Error(err)
		}
		c.air.mu.Unlock()
		h.disconnected(handle, hci.ConnectionTimeout)
		right(t, h)
		h.sendACL(handle, hci.FirstNonFlushable, []byte("too late"))
		h.sendACL(0x0EFF, hci.FirstNonFlushable, []byte("never was"))
		if n := c.Counters(); n.ACLUnknownHandle != 2 || n.ACLOverCredit != 0 || n.ACLFlushed != 1 {
			t.Errorf("%+v", n)
		}
	})
}

// TestSlowHost leaves data unread: the link layer stops taking it, so the sender's credits stay out and nothing is lost.
func TestSlowHost(t *testing.T) {
	for _, instant := range []bool{false, true} {
		t.Run(fmt.Sprint("instant ", instant), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { slowHost(t, AirConfig{Instant: instant}) })
		})
	}
}

func slowHost(t *testing.T, config AirConfig) {
	const packets = 500
	air := NewAir(config)
	defer air.Close()
	fast := newHost(t, air.NewController(ControllerConfig{}))
	c := air.NewController(ControllerConfig{})
	conn := c.Conn()
	conn.WritePacket(hci.AppendCommand(nil, advertised))
	b := make([]byte, 4096)
	conn.ReadPacket(b)
	conn.WritePacket(hci.AppendCommand(nil, hci.LESetAdvertisingEnable{Enable: true}))
	conn.ReadPacket(b)
	fast.start(createConnection(c.Address()))
	handle := fast.connected().Handle
	credits, sent := 8, 0
	send := func() {
		for ; credits > 0 && sent < packets; credits-- {
			fast.sendACL(handle, hci.FirstNonFlushable, []byte{byte(sent), byte(sent >> 8)})
			sent++
		}
	}
	collect := func() {
		for len(fast.packets) > 0 {
			credits += fast.completed(handle)
		}
	}
	for range 100 {
		send()
		time.Sleep(interval)
		collect()
	}
	if n := c.Counters().ACLUnread; n != maxUnreadACL {
		t.Errorf("%d packets are unread, want %d", n, maxUnreadACL)
	}
	if sent >= packets || fast.c.Counters().ACLBuffered != 8 {
		t.Errorf("%d packets sent: the link layer did not stop taking data", sent)
	}
	if n := air.alarms(); n != 0 {
		t.Errorf("%d alarms while the link waits for the host", n)
	}
	for i := 0; i < packets; {
		n, err := conn.ReadPacket(b)
		if err != nil {
			t.Fatal(err)
		}
		if b[0] != hci.ACLPacket {
			continue
		}
		a, err := hci.ParseACL(b[1:n])
		if err != nil || int(a.Data[0])|int(a.Data[1])<<8 != i {
			t.Fatalf("packet %d: %+v (%v)", i, a, err)
		}
		i++
		time.Sleep(interval / 30)
		collect()
		send()
	}
	right(t, fast)
}

func TestACLThatNoHostMaySend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{ACLLength: 30}, ControllerConfig{})
		for _, c := range []struct {
			name string
			acl  hci.ACL
		}{
			{"a controller's boundary", hci.ACL{Handle: p.ch, Boundary: hci.FirstFlushable, Data: []byte("x")}},
			{"a reserved boundary", hci.ACL{Handle: p.ch, Boundary: 3, Data: []byte("x")}},
			{"broadcast", hci.ACL{Handle: p.ch, Broadcast: 1, Data: []byte("x")}},
			{"longer than a buffer", hci.ACL{Handle: p.ch, Data: make([]byte, 31)}},
		} {
			before := p.central.c.Counters()
			err := p.central.conn.WritePacket(hci.AppendACL(nil, c.acl))
			var bad *PacketError
			if !errors.As(err, &bad) || bad.Packet[0] != hci.ACLPacket {
				t.Errorf("%s: error %v, want a *PacketError", c.name, err)
			}
			before.Malformed++
			if got := p.central.c.Counters(); got != before {
				t.Errorf("%s: %+v, want %+v", c.name, got, before)
			}
		}
	})
}

func TestACLQueue(t *testing.T) {
	var q aclQueue
	a, b := new(aclPacket), new(aclPacket)
	for range 2 {
		q.push(a)
		q.push(b)
		if a.order != b.order-1 || q.pop() != a || q.pop() != b || q.head != nil || q.tail != nil || a.next != nil {
			t.Fatalf("queue out of order: %+v", q)
		}
	}
}
