package driver_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// TestConnectWithoutTheList: where the list can't be had, peers have their turns.
func TestConnectWithoutTheList(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, ctl *hcitest.Controller, c *driver.Controller){
		"it filters scanning": func(t *testing.T, _ *hcitest.Controller, c *driver.Controller) {
			if err := c.SetAcceptList(t.Context(), []hci.Address{device(7)}); err != nil {
				t.Fatal(err)
			}
		},
		"the controller refuses": func(_ *testing.T, ctl *hcitest.Controller, _ *driver.Controller) {
			ctl.Handle(hci.OpLEAddDeviceToFilterAcceptList, hcitest.Fail(hci.MemoryCapacityExceeded))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				var i initiator
				i.handle(ctl)
				prepare(t, ctl, c)
				first, second := connect(t.Context(), c, device(1)), connect(t.Context(), c, device(2))
				time.Sleep(7 * time.Second)
				synctest.Wait()
				if len(i.now) != 1 {
					t.Fatalf("it waits for %v", i.now)
				}
				i.connects(ctl, 64, i.now[0])
				i.connects(ctl, 65, i.now[0])
				for _, done := range []<-chan outcome{first, second} {
					if r := <-done; r.err != nil {
						t.Error(r.err)
					}
				}
			})
		})
	}
}

func TestSetAcceptList(t *testing.T) {
	bubble(t, hcitest.Settings{AcceptList: 3}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		set := func(devices ...hci.Address) {
			t.Helper()
			if err := c.SetAcceptList(t.Context(), devices); err != nil || fmt.Sprint(i.list) != fmt.Sprint(devices) {
				t.Errorf("%v: %v, %v", devices, i.list, err)
			}
		}
		set(device(1), device(2))
		set(device(2), device(3))
		set()
		if err := c.SetAcceptList(t.Context(), make([]hci.Address, 4)); !errors.Is(err, hci.MemoryCapacityExceeded) {
			t.Errorf("four of three: %v", err)
		}
		done := connect(t.Context(), c, device(5))
		set(device(4)) // initiating pauses for it
		synctest.Wait()
		if len(i.now) != 1 || i.now[0] != device(5) {
			t.Fatalf("it waits for %v", i.now)
		}
		i.connects(ctl, 64, device(5))
		if r := <-done; r.err != nil {
			t.Error(r.err)
		}
		ctl.Handle(hci.OpLEAddDeviceToFilterAcceptList, hcitest.Fail(hci.UnspecifiedError))
		if err := c.SetAcceptList(t.Context(), []hci.Address{device(6)}); !errors.Is(err, hci.UnspecifiedError) {
			t.Errorf("refused: %v", err)
		}
		i.handle(ctl)
		set(device(4), device(6)) // from the beginning, since nobody knows what is in it
	})
}
