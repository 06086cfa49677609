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
	"github.com/jelling-ble/jelling/transport"
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
		ctl.Event(hci.HardwareError{Hardware: 1})
		ctl.Status(hci.OpDisconnect, hci.Success)
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
		"nothing returned": hcitest.Return(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := hcitest.NewController(hcitest.Settings{})
				for _, op := range []hci.Opcode{hci.OpReadLocalSupportedCommands, hci.OpReadLocalVersionInformation, hci.OpReadBDADDR,
					hci.OpLEReadFilterAcceptListSize, hci.OpLEReadResolvingListSize, hci.OpSetEventMask, hci.OpLESetEventMask} {
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

// What links do can't be meant for us before the start-up is over, so nothing of it reaches the host, which
// does not have its controller yet.
func TestNothingReachesTheHostDuringStartUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := hcitest.NewController(hcitest.Settings{}), &host{}
		ctl.Handle(hci.OpLEReadBufferSize, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Event(connected(64, hci.Central))
			ctl.Event(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Address: peer}}})
			ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte{1}})
			ctl.Complete(f.Opcode, 27, 0, 3)
		})
		c := open(t, ctl, h)
		synctest.Wait()
		if n, err := c.Connections(); n != 0 || err != nil || len(h.links()) != 0 || len(h.reports) != 0 {
			t.Errorf("%d connections, %d reports, %v", n, len(h.reports), err)
		}
		ctl.Event(connected(64, hci.Peripheral))
		synctest.Wait()
		if len(h.links()) != 1 || h.link(0).conn.MTU() != 27 {
			t.Error("and then nothing does")
		}
		_ = c.Close()
	})
}

// A controller that fails while it is started says why.
func TestStartUpEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		op     hci.Opcode
		answer hcitest.Handler
		want   error
	}{
		{"reset refused by Command Status", hci.OpReset, hcitest.Refuse(hci.UnknownHCICommand), hci.UnknownHCICommand},
		{"unplugged", hci.OpLEReadBufferSize, func(ctl *hcitest.Controller, _ hci.CommandFrame) { ctl.Break(transport.ErrGone) }, transport.ErrGone},
		{"Command Status and nothing more", hci.OpLEReadBufferSize, hcitest.Refuse(hci.Success), driver.ErrCommandTimeout},
		{"no room ever", hci.OpLEReadBufferSize, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Event(hci.CommandComplete{NumPackets: 0, Opcode: f.Opcode, Return: []byte{0, 27, 0, 1}})
		}, driver.ErrCommandTimeout},
		{"masks refused", hci.OpLESetEventMask, hcitest.Fail(hci.InvalidHCICommandParameters), hci.InvalidHCICommandParameters},
		{"buffers shorter than LE allows", hci.OpLEReadBufferSize, hcitest.Return(26, 0, 3), driver.ErrNoBuffers},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := hcitest.NewController(hcitest.Settings{})
				ctl.Handle(c.op, c.answer)
				if d, err := driver.Open(t.Context(), ctl, driver.Config{Handler: &host{}}); d != nil || !errors.Is(err, c.want) {
					t.Errorf("Open: %v, want %v", err, c.want)
				}
			})
		})
	}
	t.Run("hardware error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctl := hcitest.NewController(hcitest.Settings{})
			ctl.Handle(hci.OpLEReadBufferSize, func(ctl *hcitest.Controller, _ hci.CommandFrame) { ctl.Event(hci.HardwareError{Hardware: 9}) })
			_, err := driver.Open(t.Context(), ctl, driver.Config{})
			var hardware *driver.HardwareError
			if !errors.As(err, &hardware) || hardware.Code != 9 {
				t.Errorf("Open: %v", err)
			}
		})
	})
}

// Open owns the transport: when it fails, that is closed and nothing runs on.
func TestOpenClosesWhatItWasGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{})
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := driver.Open(over, ctl, driver.Config{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Open: %v", err)
		}
		if err := ctl.WritePacket(hci.AppendCommand(nil, hci.Reset)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the transport is still open: %v", err)
		}
		if len(ctl.Commands()) != 0 {
			t.Error("something was sent for a context that was over")
		}
	})
}

// A controller without a host refuses what peers want of it, and works.
func TestWithoutHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{})
		c, err := driver.Open(t.Context(), ctl, driver.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctl.Event(connected(64, hci.Peripheral))
		ctl.Event(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Address: peer}}})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte{1}})
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		ctl.Event(hci.LERemoteConnectionParameterRequest{Handle: 64, IntervalMin: 6, IntervalMax: 6, SupervisionTimeout: 10})
		ctl.Event(hci.EncryptionChange{Handle: 64, Enabled: 1})
		ctl.Event(hci.LEConnectionUpdateComplete{Handle: 64})
		synctest.Wait()
		for _, op := range []hci.Opcode{hci.OpDisconnect, hci.OpLELongTermKeyRequestNegativeReply, hci.OpLERemoteConnectionParameterRequestNegativeReply} {
			if count(ctl, op) != 1 {
				t.Errorf("%d times %v", count(ctl, op), op)
			}
		}
	})
}
