package virtual

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/leaktest"
	"github.com/jelling-ble/jelling/transport"
)

func TestConnEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(air *Air, c *Controller)
		want error
	}{
		{"closed by its host", func(_ *Air, c *Controller) { c.Conn().Close() }, net.ErrClosed},
		{"the air closed", func(air *Air, _ *Controller) { air.Close() }, net.ErrClosed},
		{"unplugged", func(_ *Air, c *Controller) { c.Unplug() }, transport.ErrGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			leaktest.Check(t)
			synctest.Test(t, func(t *testing.T) {
				air := NewAir(AirConfig{})
				defer air.Close()
				h := newHost(t, air.NewController(ControllerConfig{}))
				synctest.Wait() // the reader waits
				c.end(air, h.c)
				<-h.over
				if !errors.Is(h.err, c.want) {
					t.Errorf("read: %v, want %v", h.err, c.want)
				}
				if _, err := h.conn.ReadPacket(make([]byte, transport.MaxPacket)); !errors.Is(err, c.want) {
					t.Errorf("read again: %v, want %v", err, c.want)
				}
				if err := h.conn.WritePacket(hci.AppendCommand(nil, hci.Reset)); !errors.Is(err, c.want) {
					t.Errorf("write: %v, want %v", err, c.want)
				}
				for range 2 {
					if err := h.conn.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				}
			})
		})
	}
}

// TestPowerCycle: a new Conn is a controller afresh, and nothing of the old one gets through.
func TestPowerCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		c := p.central.c
		if c.Conn() != p.central.conn {
			t.Error("a second Conn while the first is open")
		}
		p.peripheral.sendACL(p.ph, hci.FirstNonFlushable, []byte("unread"))
		p.central.conn.Close()
		h := newHost(t, c)
		if h.conn == p.central.conn {
			t.Fatal("the closed Conn again")
		}
		if err := p.central.conn.WritePacket(hci.AppendCommand(nil, hci.Reset)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write on the old Conn: %v", err)
		}
		p.central.conn.Close()
		h.do(hci.ReadBDADDR)
		p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
		h.silent(time.Minute)
		p.central = h
		p.connect(usual)
		h.says(p.ch, p.peripheral, p.ph, "back")
	})
}

func TestClosedAir(t *testing.T) {
	air := NewAir(AirConfig{})
	c := air.NewController(ControllerConfig{})
	for range 2 {
		if err := air.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Conn().ReadPacket(make([]byte, transport.MaxPacket)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	conn := air.NewController(ControllerConfig{}).Conn()
	if err := conn.WritePacket(hci.AppendCommand(nil, hci.Reset)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadIntoTooLittle(t *testing.T) {
	c := NewAir(AirConfig{}).NewController(ControllerConfig{})
	conn := c.Conn()
	c.Inject([]byte{hci.EventPacket, 1, 0})
	c.Inject(nil)
	c.Inject(make([]byte, transport.MaxPacket+1))
	c.Inject([]byte{hci.EventPacket, 2, 0})
	if _, err := conn.ReadPacket(make([]byte, 2)); !errors.Is(err, io.ErrShortBuffer) {
		t.Error(err)
	}
	b := make([]byte, transport.MaxPacket)
	n, err := conn.ReadPacket(b)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the next packet", b[:n], []byte{hci.EventPacket, 2, 0})
	conn.Close()
}

func TestHostQueue(t *testing.T) {
	var q hostQueue
	if q.pop() != nil {
		t.Error("something in an empty queue")
	}
	packet := func(i int) []byte {
		p := pattern(1 + i*37%300)
		p[0] = hci.EventPacket - byte(i&1)*2 // an event or ACL data
		return p
	}
	in, out := 0, 0
	for round := range 200 {
		for range round % 7 {
			q.push(packet(in))
			in++
		}
		for range round % 5 {
			if p := q.pop(); p != nil {
				equal(t, fmt.Sprint("packet ", out), p, packet(out))
				out++
			}
		}
	}
	for p := q.pop(); p != nil; p = q.pop() {
		equal(t, fmt.Sprint("packet ", out), p, packet(out))
		out++
	}
	if in != out || q.octets() != 0 || q.acl != 0 {
		t.Errorf("%d in, %d out, %d octets and %d ACL packets left", in, out, q.octets(), q.acl)
	}
}

// TestHostQueueIsBounded: a host that reads nothing costs so much memory and no more.
func TestHostQueueIsBounded(t *testing.T) {
	c := NewAir(AirConfig{}).NewController(ControllerConfig{})
	conn := c.Conn()
	defer conn.Close()
	p := make([]byte, 1000)
	p[0] = hci.EventPacket
	const n = 2 * maxUnread / 1000
	for range n {
		c.Inject(p)
	}
	kept := maxUnread / (len(p) + headOctets)
	if got := c.Counters().EventsDropped; got != n-kept {
		t.Errorf("%d events dropped, want %d", got, n-kept)
	}
}

func TestLedger(t *testing.T) {
	l := newLedger()
	read := func(e hci.EventParameters) { l.read(hci.AppendEvent(nil, e)) }
	check := func(what string, commands, acl int) {
		t.Helper()
		if l.commands != commands || l.acl != acl {
			t.Errorf("%s: %d commands, %d ACL packets; want %d, %d", what, l.commands, l.acl, commands, acl)
		}
	}
	check("power on", 1, 0)
	read(hci.CommandComplete{NumPackets: 4})
	check("Command Complete", 4, 0)
	read(hci.CommandStatus{NumPackets: 2})
	check("Command Status", 2, 0)
	l.open(1)
	l.open(2)
	for range 3 {
		if !l.spend(1) || !l.spend(2) || l.spend(3) {
			t.Error("a handle is known that is not, or the other way round")
		}
	}
	check("sent", 2, 6)
	read(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 1, Count: 2}, hci.CompletedPackets{Handle: 2, Count: 1}, hci.CompletedPackets{Handle: 3, Count: 9}))
	check("completed", 2, 3)
	read(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 1, Count: 99}))
	check("more than there were", 2, 2)
	read(hci.DisconnectionComplete{Status: hci.UnspecifiedError, Handle: 2})
	check("no disconnection", 2, 2)
	read(hci.DisconnectionComplete{Handle: 2})
	check("disconnection", 2, 0)
	l.spend(1)
	l.closeAll()
	check("reset", 2, 0)
	for _, p := range [][]byte{nil, {4}, {4, 0x0E, 9}, {4, 0x0E, 1, 0}, {4, 0x0F, 0}, {4, 0x13, 1, 9}, {4, 0x05, 0}, {2, 0, 0, 0, 0}} {
		l.read(p) // from Inject
	}
	check("nonsense", 2, 0)
}
