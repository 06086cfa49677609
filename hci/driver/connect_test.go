package driver_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

func TestConnect(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(connected(64, hci.Central))
		})
		conn, err := c.Connect(t.Context(), peer, driver.ConnectParameters{})
		if err != nil {
			t.Fatal(err)
		}
		if conn.PeerAddress() != peer || conn.Role() != hci.Central || conn.Handle() != 64 || conn.LocalAddress() != c.Info().Address {
			t.Errorf("%v %v %v %v", conn.PeerAddress(), conn.Role(), conn.Handle(), conn.LocalAddress())
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		<-conn.Done()
		if err := conn.Err(); !errors.Is(err, hci.ConnectionTimeout) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Err: %v", err)
		}
		if n, _ := c.Connections(); n != 0 {
			t.Errorf("%d connections in the table", n)
		}
	})
}

// 0x3E and the like are the error of Connect, by their status.
func TestConnectFails(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		for _, status := range []hci.Status{hci.ConnectionFailedToBeEstablished, hci.ConnectionLimitExceeded} {
			ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
				ctl.Status(f.Opcode, hci.Success)
				ctl.Event(hci.LEConnectionComplete{Status: status})
			})
			if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, status) {
				t.Errorf("Connect: %v, want %v", err, status)
			}
			ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(status))
			if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, status) {
				t.Errorf("Connect: %v, want %v", err, status)
			}
		}
	})
}

// A cancelled attempt frees its caller at once; the next begins only when the controller has confirmed.
func TestConnectCancelled(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(*hcitest.Controller)
	}{
		{"nothing came of it", func(ctl *hcitest.Controller) {
			ctl.Complete(hci.OpLECreateConnectionCancel)
			ctl.Event(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier})
		}},
		{"the connection came first", func(ctl *hcitest.Controller) {
			ctl.Event(connected(64, hci.Central))
			ctl.Inject(hci.AppendEvent(nil, hci.CommandComplete{NumPackets: 1, Opcode: hci.OpLECreateConnectionCancel, Return: []byte{byte(hci.CommandDisallowed)}}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, d *driver.Controller) {
				ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.Success))
				ctl.Handle(hci.OpLECreateConnectionCancel, hcitest.Silent)
				ctl.Handle(hci.OpDisconnect, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					ctl.Status(f.Opcode, hci.Success)
					ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTerminatedByLocalHost})
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := d.Connect(ctx, peer, driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Connect: %v", err)
				}
				second := make(chan error, 1)
				go func() { _, err := d.Connect(t.Context(), peer, driver.ConnectParameters{}); second <- err }()
				synctest.Wait()
				if got := count(ctl, hci.OpLECreateConnection); got != 1 {
					t.Errorf("%d attempts before the first was over", got)
				}
				ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					ctl.Status(f.Opcode, hci.Success)
					ctl.Event(connected(65, hci.Central))
				})
				c.answer(ctl)
				if err := <-second; err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if n, _ := d.Connections(); n != 1 {
					t.Errorf("%d connections in the table, want the second attempt's", n)
				}
			})
		})
	}
}
