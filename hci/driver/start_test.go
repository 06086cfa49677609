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

func TestStartUp(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings hcitest.Settings
		buffers  int
		length   int
		address  bool
	}{
		{"LE buffers", hcitest.Settings{ACLBuffers: 3, ACLLength: 100}, 3, 100, true},
		{"one buffer", hcitest.Settings{ACLBuffers: 1, ACLLength: 27}, 1, 27, true},
		{"shared buffers", hcitest.Settings{SharedBuffers: true, ACLBuffers: 5, ACLLength: 310}, 5, 310, true},
		{"longer than a user channel takes", hcitest.Settings{ACLBuffers: 2, ACLLength: 1500}, 2, 1023, true},
		{"no address", hcitest.Settings{NoAddress: true}, 8, 27, false},
		{"many command credits", hcitest.Settings{Credits: 5}, 8, 27, true},
		{"a dual-mode controller", hcitest.Settings{LMPFeatures: hci.LMPFeatureLESupported}, 8, 27, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := open(t, hcitest.NewController(c.settings), &host{})
				info := d.Info()
				if info.ACLBuffers != c.buffers || info.ACLLength != c.length || info.Address.IsZero() == c.address {
					t.Errorf("%+v", info)
				}
				if free, total := d.Credits(); free != c.buffers || total != c.buffers {
					t.Errorf("credits %d of %d", free, total)
				}
				_ = d.Close()
			})
		})
	}
}

// The first command is HCI_Reset, and whatever the controller says before its answer is of whoever had it.
func TestIgnoresWhatComesBeforeReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := hcitest.NewController(hcitest.Settings{}), &host{}
		ctl.Event(connected(64, hci.Central))
		ctl.Complete(hci.OpReadBDADDR, 1, 2, 3, 4, 5, 6)
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte{1}})
		c := open(t, ctl, h)
		if got := ctl.Commands()[0].Opcode; got != hci.OpReset {
			t.Errorf("the first command is %v", got)
		}
		if h.link(0) != nil {
			t.Error("a connection from before the reset was believed")
		}
		_ = c.Close()
	})
}

// A controller that does not know a command says so in any of three ways, and start-up goes on where it can.
func TestStartUpWithoutOptionalCommands(t *testing.T) {
	for name, refuse := range map[string]hcitest.Handler{
		"Command Status":   hcitest.Refuse(hci.UnknownHCICommand),
		"Command Complete": hcitest.Fail(hci.UnknownHCICommand),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := hcitest.NewController(hcitest.Settings{})
				for _, op := range []hci.Opcode{hci.OpReadLocalSupportedCommands, hci.OpReadLocalVersionInformation, hci.OpReadBDADDR, hci.OpLEReadFilterAcceptListSize} {
					ctl.Handle(op, refuse)
				}
				c := open(t, ctl, &host{})
				_ = c.Close()
			})
		})
	}
}

func TestStartUpFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		op      hci.Opcode
		handler hcitest.Handler
		want    error
	}{
		{"reset refused", hci.OpReset, hcitest.Fail(hci.HardwareFailure), hci.HardwareFailure},
		{"silence", hci.OpReset, hcitest.Silent, driver.ErrCommandTimeout},
		{"no LE", hci.OpLEReadLocalSupportedFeatures, hcitest.Refuse(hci.UnknownHCICommand), hci.UnknownHCICommand},
		{"short return parameters", hci.OpLEReadBufferSize, hcitest.Return(27), nil},
		{"no buffers at all", hci.OpReadBufferSize, hcitest.Return(0, 0, 0, 0, 0, 0, 0), driver.ErrNoBuffers},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := hcitest.NewController(hcitest.Settings{SharedBuffers: c.op == hci.OpReadBufferSize})
				ctl.Handle(c.op, c.handler)
				_, err := driver.Open(t.Context(), ctl, driver.Config{Handler: &host{}})
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("Open: %v, want %v", err, c.want)
				}
				var command *driver.CommandError
				if c.name != "no buffers at all" && c.name != "short return parameters" && (!errors.As(err, &command) || command.Opcode != c.op) {
					t.Errorf("%v does not name %v", err, c.op)
				}
			})
		})
	}
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{})
		ctl.Handle(hci.OpReset, hcitest.Silent)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := driver.Open(ctx, ctl, driver.Config{Handler: &host{}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open: %v", err)
		}
	})
}
