package driver_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// A chip that is being prepared may leave commands without an answer for longer than a controller may: the
// caller gives one up, and the next one goes out.
func TestPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{})
		silent := hci.Raw{Op: 0xFC18}
		ctl.Handle(silent.Op, hcitest.Silent)
		answered := false
		c, err := driver.Open(t.Context(), ctl, driver.Config{Prepare: func(ctx context.Context, c *driver.Controller) error {
			if _, err := c.Do(ctx, hci.Reset); err != nil {
				return err
			}
			for range 3 {
				short, cancel := context.WithTimeout(ctx, time.Minute)
				_, err := c.Do(short, silent)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a command without an answer: %v", err)
				}
			}
			_, err := c.Do(ctx, hci.ReadBDADDR)
			answered = err == nil
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
		if !answered || count(ctl, silent.Op) != 3 {
			t.Errorf("answered: %v, after %d commands without", answered, count(ctl, silent.Op))
		}
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		if _, err := c.Do(t.Context(), hci.LERand); !errors.Is(err, driver.ErrCommandTimeout) {
			t.Errorf("afterwards: %v, want the usual time-out", err)
		}
		_ = c.Close()
	})
}

func TestPrepareFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := errors.New("no firmware")
		_, err := driver.Open(t.Context(), hcitest.NewController(hcitest.Settings{}), driver.Config{Prepare: func(context.Context, *driver.Controller) error { return wrong }})
		if !errors.Is(err, wrong) {
			t.Errorf("Open: %v", err)
		}
	})
}
