package driver_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Credits: a fragment for each free buffer and no more; they come back by completions, and all at once when
// the link ends, after which late completions are ignored (complaints 3 and 26: buffers leak on disconnect).
func TestCredits(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 2}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		synctest.Wait()
		l := h.link(0)
		for i := range 5 {
			l.send([]byte{byte(i)}, i == 0)
		}
		synctest.Wait()
		wantACL(t, ctl, 2)
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 1}))
		synctest.Wait()
		wantACL(t, ctl, 3)
		if free, _ := c.Credits(); free != 0 {
			t.Errorf("%d credits free", free)
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		synctest.Wait()
		if free, total := c.Credits(); free != total {
			t.Errorf("%d of %d credits after the disconnection", free, total)
		}
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 2}))
		synctest.Wait()
		if free, total := c.Credits(); free != total {
			t.Errorf("%d of %d credits after a late completion", free, total)
		}
	})
}

// A controller that gives back more than it had is not believed.
func TestExcessCompletions(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 2}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		synctest.Wait()
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 9}))
		synctest.Wait()
		if free, total := c.Credits(); free != total {
			t.Errorf("%d of %d credits", free, total)
		}
		if s, _ := c.Statistics(); s.ExcessCompletions != 9 {
			t.Errorf("%+v", s)
		}
	})
}

// A dead peer does not hold every buffer: the other connection still has one.
func TestDeadPeerLeavesABuffer(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 3}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		ctl.Event(connected(65, hci.Peripheral))
		synctest.Wait()
		for range 5 {
			h.link(0).send([]byte("dead"), true)
		}
		synctest.Wait()
		wantACL(t, ctl, 2)
		h.link(1).send([]byte("alive"), true)
		synctest.Wait()
		wantACL(t, ctl, 3)
	})
}

// conserved wants every buffer to be free, of the controller's total.
func conserved(t *testing.T, c *driver.Controller) {
	t.Helper()
	if free, total := c.Credits(); free != total || total == 0 {
		t.Errorf("%d of %d credits are free", free, total)
	}
}

// Complaint 7: one buffer is enough, for any number of connections, in turn.
func TestOneBuffer(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 1}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		held := 0
		ctl.HandleACL(func(ctl *hcitest.Controller, p hci.ACL) {
			if held++; held > 1 {
				t.Error("two fragments for one buffer")
			}
			time.AfterFunc(time.Millisecond, func() {
				held--
				ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: p.Handle, Count: 1}))
			})
		})
		var want strings.Builder
		for handle := uint16(64); handle < 67; handle++ {
			l := linked(t, ctl, h, handle)
			for i := range 20 {
				l.send([]byte{byte('a' + i)}, true)
			}
		}
		for i := range 20 {
			want.WriteString(string(rune('a' + i)))
		}
		time.Sleep(time.Second)
		for handle := uint16(64); handle < 67; handle++ {
			if got := strings.Join(acl(ctl, handle), ""); got != want.String() {
				t.Errorf("handle %d sent %q", handle, got)
			}
		}
		conserved(t, c)
	})
}

// Peers that do not answer hold buffers, and as long as there are few of them, not all: another connection
// still has one. One connection alone may have them all.
func TestDeadPeersLeaveABuffer(t *testing.T) {
	for _, c := range []struct{ buffers, dead, first int }{{8, 1, 8}, {8, 4, 4}, {4, 2, 2}, {3, 2, 1}, {2, 1, 1}} {
		t.Run(fmt.Sprintf("%d buffers, %d dead", c.buffers, c.dead), func(t *testing.T) {
			bubble(t, hcitest.Settings{ACLBuffers: c.buffers}, func(t *testing.T, ctl *hcitest.Controller, h *host, d *driver.Controller) {
				var links []*link
				others := c.dead
				if c.first == c.buffers {
					others = 0 // alone
				}
				for i := range 1 + others {
					links = append(links, linked(t, ctl, h, uint16(64+i)))
				}
				for _, l := range links[:c.dead] {
					for range 10 {
						l.send([]byte("dead"), true)
					}
					synctest.Wait()
				}
				if got := len(acl(ctl, 64)); got != c.first {
					t.Errorf("the first dead peer holds %d, want %d", got, c.first)
				}
				if others == 0 {
					return
				}
				links[c.dead].send([]byte("alive"), true)
				synctest.Wait()
				if got := acl(ctl, uint16(64+c.dead)); len(got) != 1 {
					t.Errorf("the living one has sent %q", got)
				}
			})
		})
	}
}

// Completions for several connections in one event, for one that is gone, and for none.
func TestCompletionsOfSeveral(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 4}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		a, b := linked(t, ctl, h, 64), linked(t, ctl, h, 65)
		for range 2 {
			a.send([]byte("a"), true)
			b.send([]byte("b"), true)
		}
		synctest.Wait()
		if free, _ := c.Credits(); free != 0 {
			t.Fatalf("%d credits are free", free)
		}
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 99, Count: 5}, hci.CompletedPackets{Handle: 64, Count: 2},
			hci.CompletedPackets{Handle: 65, Count: 0}, hci.CompletedPackets{Handle: 65, Count: 3}))
		synctest.Wait()
		conserved(t, c)
		if s, _ := c.Statistics(); s.UnknownHandles != 1 || s.ExcessCompletions != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// gatedLink is a connection whose next fragment is asked for and not given yet.
type gatedLink struct {
	*link
	asked, give chan struct{}
}

func (l *gatedLink) NextFragment(b []byte) (int, bool) {
	select {
	case l.asked <- struct{}{}:
		<-l.give
	default:
	}
	return l.link.NextFragment(b)
}

// gatedHost makes the first connection a gated one.
type gatedHost struct {
	*host
	gated *gatedLink
}

func (h *gatedHost) HandleConnection(c *driver.Conn) driver.ConnHandler {
	l := h.host.HandleConnection(c).(*link)
	if h.gated == nil {
		h.gated = &gatedLink{l, make(chan struct{}, 1), make(chan struct{})}
		return h.gated
	}
	return l
}

// The writer is about to send a fragment of a connection that ends, and whose handle a new connection gets:
// the new one must not have it, and its credits must be right.
func TestHandleReusedUnderTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := hcitest.NewController(hcitest.Settings{ACLBuffers: 2}), &gatedHost{host: &host{}}
		c := open(t, ctl, h)
		first := linked(t, ctl, h.host, 64)
		first.send([]byte("of the dead"), true)
		synctest.Wait() // the writer is in NextFragment, with a credit
		if free, _ := c.Credits(); free != 1 || len(h.gated.asked) != 1 {
			t.Fatalf("%d credits are free", free)
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		second := linked(t, ctl, h.host, 64)
		second.send([]byte("of the living"), true)
		h.gated.give <- struct{}{}
		synctest.Wait()
		if got := acl(ctl, 64); len(got) != 1 || got[0] != "of the living" {
			t.Errorf("sent %q", got)
		}
		if free, total := c.Credits(); free != 1 || total != 2 {
			t.Errorf("%d of %d credits", free, total)
		}
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 1}))
		synctest.Wait()
		conserved(t, c)
		_ = c.Close()
	})
}

// On the radio: one peer of eight goes out of range, with more than enough on the way to it. Until its supervision
// time-out tells, the others get all that is for them, at nearly the pace of before.
func TestDeadPeerOnAir(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		hub := onAir(t, air, virtual.ControllerConfig{ACLBuffers: 4})
		var ours, theirs []*link
		var others []*station
		for range 8 {
			o := onAir(t, air, virtual.ControllerConfig{})
			others = append(others, o)
			a, b := hub.connectTo(t, o)
			ours, theirs = append(ours, a), append(theirs, b)
		}
		const packets = 60
		stream := func(links []*link) {
			for _, l := range links {
				for range packets {
					l.send([]byte("twenty-seven octets of data"), true)
				}
			}
		}
		took := func(links []*link, before int) time.Duration {
			begin := time.Now()
			for _, l := range links {
				for len(texts(l)) < before+packets {
					time.Sleep(time.Millisecond)
				}
			}
			return time.Since(begin)
		}
		stream(ours)
		all := took(theirs, 0)
		others[0].radio.SetSilent(true)
		stream(ours)
		if without := took(theirs[1:], packets); without > 2*all || ours[0].conn.Err() != nil {
			t.Errorf("%v, %v with all; the dead one: %v", without, all, ours[0].conn.Err())
		}
		<-ours[0].conn.Done()
		for _, l := range ours[1:] {
			l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
			<-l.conn.Done()
		}
		synctest.Wait()
		hub.clean(t)
	})
}
