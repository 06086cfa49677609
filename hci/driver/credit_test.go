package driver_test

import (
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
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
