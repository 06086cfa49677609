package driver_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// Commands go out by the controller's room for them, and never two of one opcode at a time.
func TestCommandsInFlight(t *testing.T) {
	bubble(t, hcitest.Settings{Credits: 3}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		ctl.Handle(hci.OpLEReadSupportedStates, hcitest.Silent)
		before := len(ctl.Commands())
		var wg sync.WaitGroup
		results := make(chan error, 3)
		for _, cmd := range []hci.Command{hci.LERand, hci.LERand, hci.LEReadSupportedStates} {
			wg.Go(func() { _, err := c.Do(t.Context(), cmd); results <- err })
			synctest.Wait()
		}
		if got := len(ctl.Commands()) - before; got != 1 {
			t.Errorf("%d commands were sent, want 1: the second is of the same opcode, the third behind it", got)
		}
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLERand, Return: make([]byte, 9)})
		synctest.Wait()
		if got := len(ctl.Commands()) - before; got != 3 {
			t.Errorf("%d commands were sent, want 3", got)
		}
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLEReadSupportedStates, Return: make([]byte, 9)})
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLERand, Return: make([]byte, 9)})
		wg.Wait()
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

// A controller without room gets no command until it says that it has some.
func TestNoRoomForCommands(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Event(hci.CommandComplete{NumPackets: 0})
		synctest.Wait()
		before := len(ctl.Commands())
		done := make(chan error, 1)
		go func() { _, err := c.Do(t.Context(), hci.ReadBDADDR); done <- err }()
		synctest.Wait()
		if len(ctl.Commands()) != before {
			t.Error("a command was sent without room")
		}
		ctl.Event(hci.CommandComplete{NumPackets: 1})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// An answer nobody asked for is counted and dropped; so is what can't be parsed.
func TestStrayAndMalformed(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Complete(hci.OpReadBDADDR, 1, 2, 3, 4, 5, 6)
		ctl.Status(hci.OpDisconnect, hci.Success)
		ctl.Inject([]byte{hci.EventPacket, 0x0E, 1, 1}, []byte{hci.EventPacket, 0x3E, 0}, []byte{hci.EventPacket, 0x13, 2, 1, 0},
			[]byte{hci.EventPacket, 0x3E, 3, 1, 0, 0}, []byte{hci.ACLPacket, 1, 0, 9, 0}, []byte{hci.EventPacket, 0x05, 1, 0})
		ctl.Inject([]byte{hci.EventPacket, 0x77, 0}, []byte{hci.EventPacket, 0x3E, 1, 0x77}, []byte{0xF1, 1, 2, 3})
		ctl.Inject(hci.AppendEvent(nil, hci.DisconnectionComplete{Handle: 9}), hci.AppendACL(nil, hci.ACL{Handle: 9}))
		synctest.Wait()
		got, err := c.Statistics()
		want := driver.Statistics{Malformed: 6, UnknownEvents: 2, UnknownPackets: 1, UnknownHandles: 2, UnexpectedAnswers: 2}
		if got != want || err != nil {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if _, err := c.Do(t.Context(), hci.ReadBDADDR); err != nil {
			t.Errorf("the controller was given up: %v", err)
		}
	})
}
