package driver_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport"
)

// The end of the controller ends everything on it: connections, and commands without an answer.
func TestControllerLost(t *testing.T) {
	for name, end := range map[string]func(*hcitest.Controller){
		"transport":      func(ctl *hcitest.Controller) { ctl.Break(transport.ErrGone) },
		"hardware error": func(ctl *hcitest.Controller) { ctl.Event(hci.HardwareError{Hardware: 3}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
				ctl.Handle(hci.OpLERand, hcitest.Silent)
				ctl.Event(connected(64, hci.Peripheral))
				pending := make(chan error, 1)
				go func() { _, err := c.Do(t.Context(), hci.LERand); pending <- err }()
				synctest.Wait()
				end(ctl)
				if err := <-pending; !errors.Is(err, net.ErrClosed) {
					t.Errorf("pending command: %v", err)
				}
				synctest.Wait()
				l := h.link(0)
				if l.ended == nil || !errors.Is(l.ended, net.ErrClosed) || !errors.Is(l.conn.Err(), net.ErrClosed) {
					t.Errorf("the connection ended with %v", l.ended)
				}
				if _, err := c.Do(t.Context(), hci.LERand); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Do: %v", err)
				}
				if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Connect: %v", err)
				}
			})
		})
	}
}
