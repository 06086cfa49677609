package driver_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport/virtual"
)

var hostFlow = hcitest.Settings{HostFlow: true}

// returned is how many packets of each connection were given back.
func returned(t *testing.T, ctl *hcitest.Controller) map[uint16]int {
	t.Helper()
	n := map[uint16]int{}
	for _, f := range ctl.Commands() {
		if f.Opcode != hci.OpHostNumberOfCompletedPackets {
			continue
		}
		e, err := hci.ParseHostNumberOfCompletedPackets(f.Parameters)
		if err != nil {
			t.Fatal(err)
		}
		for i := range e.Len() {
			n[e.At(i).Handle] += int(e.At(i).Count)
		}
	}
	return n
}

// flood is n packets from the controller.
func flood(ctl *hcitest.Controller, handle uint16, n int) {
	for i := range n {
		give(ctl, handle, fmt.Sprint(i))
	}
	synctest.Wait()
}

// Start-up tells the controller what room we have, and then turns flow control on, before any connection.
func TestHostFlowStartUp(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var got []hci.Opcode
		for _, f := range ctl.Commands() {
			switch f.Opcode {
			case hci.OpHostBufferSize:
				size, err := hci.ParseHostBufferSize(f.Parameters)
				if err != nil || size.ACLPackets != driver.HostBuffers || size.ACLLength < 251 {
					t.Errorf("%+v, %v", size, err)
				}
			case hci.OpSetControllerToHostFlowControl:
				if v, err := hci.ParseSetControllerToHostFlowControl(f.Parameters); v.Enable != hci.FlowControlACL || err != nil {
					t.Errorf("%+v, %v", v, err)
				}
			default:
				continue
			}
			got = append(got, f.Opcode)
		}
		if len(got) != 2 || got[0] != hci.OpHostBufferSize || !c.Info().HostFlow {
			t.Errorf("%v, %+v", got, c.Info())
		}
	})
}

// A controller without it, one that refuses it although it claims to have it, and a host that does not want it.
func TestNoHostFlow(t *testing.T) {
	for _, c := range []struct {
		name   string
		has    bool
		refuse hci.Opcode
		config driver.Config
	}{
		{"none", false, 0, driver.Config{}},
		{"Host Buffer Size refused", true, hci.OpHostBufferSize, driver.Config{}},
		{"Set Controller To Host Flow Control refused", true, hci.OpSetControllerToHostFlowControl, driver.Config{}},
		{"not wanted", true, 0, driver.Config{NoHostFlow: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl, h := hcitest.NewController(hcitest.Settings{HostFlow: c.has}), &host{}
				if c.refuse != 0 {
					ctl.Handle(c.refuse, hcitest.Fail(hci.CommandDisallowed))
				}
				c.config.Handler = h
				d, err := driver.Open(t.Context(), ctl, c.config)
				if err != nil {
					t.Fatal(err)
				}
				l := linked(t, ctl, h, 64)
				l.conn.Throttle(true)
				flood(ctl, 64, 3*driver.HostBuffers)
				l.conn.Throttle(false)
				synctest.Wait()
				if got := returned(t, ctl); len(got) != 0 || d.Info().HostFlow || len(texts(l)) != 3*driver.HostBuffers {
					t.Errorf("returned %v, %d received", got, len(texts(l)))
				}
				_ = d.Close()
			})
		})
	}
}

// Packets go back in time and together: the controller never has to wait for them, and is not sent a command for each.
func TestHostFlowReturns(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		l := linked(t, ctl, h, 64)
		for sent := 1; sent <= 200; sent++ {
			flood(ctl, 64, 1)
			if out := sent - returned(t, ctl)[64]; out < 0 || out >= driver.HostBuffers/2 {
				t.Fatalf("%d of %d are out", out, sent)
			}
		}
		if n := count(ctl, hci.OpHostNumberOfCompletedPackets); n > 200/(driver.HostBuffers/4) {
			t.Errorf("%d commands", n)
		}
		if len(texts(l)) != 200 {
			t.Errorf("%d received", len(texts(l)))
		}
	})
}

// A throttled connection alone stands still until it is let go, whatever the time.
func TestThrottle(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		l := linked(t, ctl, h, 64)
		flood(ctl, 64, 5)
		l.conn.Throttle(true)
		flood(ctl, 64, driver.HostBuffers-5)
		time.Sleep(time.Hour)
		if got := returned(t, ctl)[64]; got > 5 {
			t.Errorf("%d were given back", got)
		}
		l.conn.Throttle(true)
		l.conn.Throttle(false)
		l.conn.Throttle(false)
		synctest.Wait()
		if got := returned(t, ctl)[64]; got != driver.HostBuffers {
			t.Errorf("%d were given back", got)
		}
	})
}

// Two connections have the same buffers. One that is throttled does not stop the other for good.
func TestThrottleLeavesTheOtherALittle(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		slow := linked(t, ctl, h, 64)
		slow.conn.Throttle(true)
		flood(ctl, 64, driver.HostBuffers)
		linked(t, ctl, h, 65) // comes when all is in use
		time.Sleep(101 * time.Millisecond)
		relief := returned(t, ctl)[64]
		if relief == 0 || relief > driver.HostBuffers/8 {
			t.Fatalf("%d were given back", relief)
		}
		flood(ctl, 64, relief-1)
		flood(ctl, 65, 1)
		time.Sleep(time.Second)
		if got := returned(t, ctl); got[65] != 1 || got[64] != relief {
			t.Errorf("%v were given back", got)
		}
		flood(ctl, 64, 1)
		time.Sleep(101 * time.Millisecond)
		if got := returned(t, ctl); got[64] != 2*relief {
			t.Errorf("%v were given back", got)
		}
	})
}

// What a connection held is given back with its end, once: a controller may take it for free by itself (Vol 4, Part E,
// 4.3), and one that does not would have ever less.
func TestHostFlowAndDisconnection(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		for range 20 {
			l := linked(t, ctl, h, 64)
			flood(ctl, 64, 10)
			l.conn.Throttle(true)
			flood(ctl, 64, 30)
			ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
			synctest.Wait()
			l.conn.Throttle(false)
		}
		linked(t, ctl, h, 65)
		flood(ctl, 65, driver.HostBuffers/4)
		if got := returned(t, ctl); got[64] != 20*40 || got[65] != driver.HostBuffers/4 {
			t.Errorf("%v were given back", got)
		}
	})
}

// A little is given back too, in a while: there are controllers that tell of the end of a connection only when they have
// all of its packets back.
func TestHostFlowIdle(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		linked(t, ctl, h, 64)
		for i := 1; i < 5; i++ {
			flood(ctl, 64, i)
			if before := returned(t, ctl)[64]; before != i*(i-1)/2 {
				t.Errorf("%d were given back at once", before)
			}
			time.Sleep(51 * time.Millisecond)
			if got := returned(t, ctl)[64]; got != i*(i+1)/2 {
				t.Errorf("%d were given back", got)
			}
		}
		sent := len(ctl.Sent())
		time.Sleep(time.Hour)
		if len(ctl.Sent()) != sent {
			t.Error("something was sent for nothing")
		}
	})
}

// Nothing is withheld of a connection that we end: its end may wait for that.
func TestThrottledConnectionDisconnects(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		ctl.Handle(hci.OpDisconnect, hcitest.Refuse(hci.Success))
		l := linked(t, ctl, h, 64)
		l.conn.Throttle(true)
		flood(ctl, 64, 20)
		l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
		l.conn.Throttle(true)
		flood(ctl, 64, 5)
		time.Sleep(51 * time.Millisecond)
		if got := returned(t, ctl)[64]; got != 25 {
			t.Errorf("%d were given back", got)
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTerminatedByLocalHost})
		<-l.conn.Done()
	})
}

// Giving back takes no room for commands (Vol 4, Part E, 7.3.40), and one command has no more entries than fit.
func TestHostFlowWithoutRoom(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		noRoom(ctl)
		const links = 100
		for i := range links {
			linked(t, ctl, h, uint16(64+i)).conn.Throttle(true)
			flood(ctl, uint16(64+i), 1)
		}
		for _, l := range h.links() {
			l.conn.Throttle(false)
		}
		synctest.Wait()
		flood(ctl, 64, driver.HostBuffers/4)
		if got := returned(t, ctl); len(got) != links {
			t.Errorf("%d connections, want %d", len(got), links)
		}
	})
}

// A controller that answers what has no answer is not misunderstood: the room for commands that it tells counts.
func TestHostFlowAnswered(t *testing.T) {
	bubble(t, hostFlow, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpHostNumberOfCompletedPackets, hcitest.Fail(hci.UnknownConnectionIdentifier))
		linked(t, ctl, h, 64)
		flood(ctl, 64, driver.HostBuffers)
		s, err := c.Statistics()
		if err != nil || s.ReturnsRefused != uint64(count(ctl, hci.OpHostNumberOfCompletedPackets)) || s.UnexpectedAnswers != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		alive(t, c)
	})
}

// On the virtual radio a host that is throttled now and then gets every packet in order, at the pace that it wants.
func TestThrottleOnAir(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		a, b := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		ours, theirs := a.connectTo(t, b)
		const packets = 2000
		var want []string
		for i := range packets {
			want = append(want, fmt.Sprint(i))
			theirs.send([]byte(want[i]), true)
		}
		for before := 0; before < packets; {
			ours.conn.Throttle(true)
			time.Sleep(time.Hour)
			n := len(texts(ours))
			if n > before+2*driver.HostBuffers { // what was withheld, and what comes for it
				t.Fatalf("%d packets came to a throttled host", n-before)
			}
			if c := b.radio.Counters(); n < packets && c.ACLBuffered != 8 {
				t.Fatalf("the peer's controller has %d of 8 buffers in use", c.ACLBuffered)
			}
			before = n
			ours.conn.Throttle(false)
			time.Sleep(time.Millisecond)
		}
		wantTexts(t, ours, want...)
		ours.conn.Disconnect(hci.RemoteUserTerminatedConnection)
		time.Sleep(time.Second)
		a.clean(t)
		b.clean(t)
	})
}
