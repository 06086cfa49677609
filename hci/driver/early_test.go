package driver_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// give is ACL data of one fragment from the controller.
func give(ctl *hcitest.Controller, handle uint16, text string) {
	ctl.ACL(hci.ACL{Handle: handle, Boundary: hci.FirstFlushable, Data: []byte(text)})
}

// texts is what a connection received.
func texts(l *link) (all []string) {
	in, _, _ := l.seen()
	for _, f := range in {
		all = append(all, string(f[1:]))
	}
	return all
}

func wantTexts(t *testing.T, l *link, want ...string) {
	t.Helper()
	if got := texts(l); !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
}

// On USB data comes by another way than events, and may be there before the Connection Complete.
func TestDataBeforeItsConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		give(ctl, 64, "one")
		give(ctl, 65, "another's")
		give(ctl, 64, "two")
		time.Sleep(99 * time.Millisecond)
		l := linked(t, ctl, h, 64)
		give(ctl, 64, "three")
		synctest.Wait()
		wantTexts(t, l, "one", "two", "three")
		wantTexts(t, linked(t, ctl, h, 65), "another's")
		if s, _ := c.Statistics(); s.UnknownHandles != 0 || s.Early != 3 {
			t.Errorf("%+v", s)
		}
	})
}

// What is not announced in time is nobody's, and does not stay in memory.
func TestDataOfNoConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		give(ctl, 64, "long ago")
		time.Sleep(101 * time.Millisecond)
		l := linked(t, ctl, h, 64)
		wantTexts(t, l)
		give(ctl, 66, "long ago")
		time.Sleep(101 * time.Millisecond)
		for i := range 1000 {
			give(ctl, 65, fmt.Sprint(i))
			synctest.Wait()
		}
		l = linked(t, ctl, h, 65)
		if got := texts(l); len(got) != driver.HostBuffers || got[0] != "0" {
			t.Errorf("%d fragments, %q", len(got), got[0])
		}
		if s, _ := c.Statistics(); s.UnknownHandles != uint64(2+1000-driver.HostBuffers) {
			t.Errorf("%+v", s)
		}
	})
}

// A Disconnection Complete that overtakes the connection's last data: that is not of the next one with the handle.
func TestDataBehindItsConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		linked(t, ctl, h, 64)
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		give(ctl, 64, "of the old one")
		l := linked(t, ctl, h, 64)
		give(ctl, 64, "of the new one")
		synctest.Wait()
		wantTexts(t, l, "of the new one")
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		time.Sleep(101 * time.Millisecond)
		for handle := uint16(70); handle < 90; handle++ { // more ends than are remembered
			linked(t, ctl, h, handle)
			ctl.Event(hci.DisconnectionComplete{Handle: handle, Reason: hci.ConnectionTimeout})
		}
		give(ctl, 64, "early")
		wantTexts(t, linked(t, ctl, h, 64), "early")
	})
}

// Data and encryption events are told in the order in which they came: what the link's security was when a PDU
// arrived is what the controller said by then, and nothing that came in the clear is held until it looks encrypted.
func TestDataAndEncryptionInOrder(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		l := linked(t, ctl, h, 64)
		for i := range 3 {
			give(ctl, 64, fmt.Sprint("clear ", i))
			ctl.Event(hci.EncryptionChange{Handle: 64, Enabled: 1})
			give(ctl, 64, fmt.Sprint("encrypted ", i))
			ctl.Event(hci.EncryptionKeyRefreshComplete{Handle: 64})
		}
		synctest.Wait()
		want := []string{"clear 0", "encryption", "encrypted 0", "encryption", "clear 1", "encryption", "encrypted 1", "encryption",
			"clear 2", "encryption", "encrypted 2", "encryption"}
		if got := l.order(); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}
