package driver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

var randomAddress = hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0x46}}

// busy is a controller that refuses, as real ones do, to have its random address or its resolving list changed while it
// scans, advertises or initiates (Vol 4, Part E, 7.8.4 and 7.8.38).
type busy struct {
	scans, advertises, initiates bool
	history                      []string // what was done of that, and of what must not meet it
}

func (b *busy) handle(ctl *hcitest.Controller) {
	note := func(format string, a ...any) { b.history = append(b.history, fmt.Sprintf(format, a...)) }
	set := func(op hci.Opcode, name string, state *bool) {
		ctl.Handle(op, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			*state = f.Parameters[0] == 1
			note("%s %v", name, *state)
			ctl.Complete(f.Opcode)
		})
	}
	set(hci.OpLESetScanEnable, "scan", &b.scans)
	set(hci.OpLESetAdvertisingEnable, "advertise", &b.advertises)
	ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
		b.initiates = true
		note("initiate as %d", f.Parameters[12])
		ctl.Status(f.Opcode, hci.Success)
	})
	ctl.Handle(hci.OpLECreateConnectionCancel, func(ctl *hcitest.Controller, f hci.CommandFrame) {
		b.initiates = false
		note("cancel")
		ctl.Complete(f.Opcode)
		ctl.Event(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier})
	})
	for _, op := range []hci.Opcode{hci.OpLESetRandomAddress} {
		ctl.Handle(op, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			status := hci.Success
			if b.scans || b.advertises || b.initiates {
				status = hci.CommandDisallowed
			}
			note("%v: %v", f.Opcode, status)
			hcitest.Fail(status)(ctl, f)
		})
	}
}

// take is the history so far, which begins anew.
func (b *busy) take() string {
	defer func() { b.history = nil }()
	return strings.Join(b.history, ", ")
}

const changedAddress = "LE Set Random Address: Success (0x00)"

// TestStill: whatever the controller is at pauses for what must not meet it, and goes on, in any combination.
func TestStill(t *testing.T) {
	for _, s := range []struct {
		name                        string
		scan, advertise, initiating bool
		want                        string
	}{
		{"idle", false, false, false, changedAddress},
		{"scanning", true, false, false, "scan false, " + changedAddress + ", scan true"},
		{"advertising", false, true, false, "advertise false, " + changedAddress + ", advertise true"},
		{"both", true, true, false, "scan false, advertise false, " + changedAddress + ", advertise true, scan true"},
		{"initiating", false, false, true, "cancel, " + changedAddress + ", initiate as 1"},
		{"initiating, with scanning paused", true, false, true, "cancel, " + changedAddress + ", initiate as 1"},
		{"all", true, true, true, "cancel, advertise false, " + changedAddress + ", advertise true, initiate as 1"},
	} {
		t.Run(s.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				var b busy
				b.handle(ctl)
				if s.scan {
					if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
						t.Fatal(err)
					}
				}
				if s.advertise {
					if err := advertising(t, c, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd}); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				var connect <-chan error
				if s.initiating {
					connect = start(func() error { _, err := c.Connect(ctx, peer, driver.ConnectParameters{}); return err })
				}
				b.take()
				if err := c.SetRandomAddress(t.Context(), randomAddress); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if got := b.take(); got != s.want {
					t.Errorf("%s\nwant %s", got, s.want)
				}
				if c.OwnAddress() != randomAddress {
					t.Errorf("our address is %v", c.OwnAddress())
				}
				cancel()
				if connect != nil {
					if err := <-connect; !errors.Is(err, context.Canceled) {
						t.Errorf("Connect: %v", err)
					}
					synctest.Wait()
					if b.initiates || b.scans != s.scan {
						t.Errorf("afterwards: %+v", b)
					}
				}
			})
		})
	}
}

// A peer that connects while advertising is being paused has ended it: it does not go on by itself.
func TestStillDoesNotAdvertiseAgain(t *testing.T) {
	for name, last := range map[string]hci.LEConnectionComplete{
		"a peer connects":           connected(0x40, hci.Peripheral),
		"directed advertising ends": {Status: hci.AdvertisingTimeout, Role: hci.Peripheral},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				var b busy
				b.handle(ctl)
				if err := advertising(t, c, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd}); err != nil {
					t.Fatal(err)
				}
				ctl.Handle(hci.OpLESetAdvertisingEnable, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					b.advertises = f.Parameters[0] == 1
					ctl.Event(last)
					ctl.Complete(f.Opcode)
				})
				before := count(ctl, hci.OpLESetAdvertisingEnable)
				for range 2 {
					if err := c.SetRandomAddress(t.Context(), randomAddress); err != nil {
						t.Fatal(err)
					}
				}
				if n := count(ctl, hci.OpLESetAdvertisingEnable) - before; n != 1 || b.advertises {
					t.Errorf("%d commands, advertising %v", n, b.advertises)
				}
			})
		})
	}
}

// A connection that is made while the attempt is being paused is the caller's, and nothing begins before the pause is
// over.
func TestStillMeetsAConnection(t *testing.T) {
	bubble(t, hcitest.Settings{AcceptList: -1}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var b busy
		b.handle(ctl)
		ctl.Handle(hci.OpLECreateConnectionCancel, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			b.initiates = false
			ctl.Event(connected(0x40, hci.Central))
			hcitest.Fail(hci.CommandDisallowed)(ctl, f)
		})
		first := start(func() error { _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); return err })
		ctx, cancel := context.WithCancel(t.Context())
		other := hci.Address{Octets: [6]byte{9}}
		second := start(func() error { _, err := c.Connect(ctx, other, driver.ConnectParameters{}); return err })
		b.take()
		if err := c.SetRandomAddress(t.Context(), randomAddress); err != nil {
			t.Fatal(err)
		}
		if err := <-first; err != nil {
			t.Errorf("Connect: %v", err)
		}
		synctest.Wait()
		if got, want := b.take(), changedAddress+", initiate as 1"; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		ctl.Handle(hci.OpLECreateConnectionCancel, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Complete(f.Opcode)
			ctl.Event(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier})
		})
		cancel()
		<-second
	})
}

// What pauses goes on though the change is refused, and the refusal is told.
func TestStillRefused(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var b busy
		b.handle(ctl)
		ctl.Handle(hci.OpLESetRandomAddress, hcitest.Fail(hci.UnknownHCICommand))
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		own := c.OwnAddress()
		if err := c.SetRandomAddress(t.Context(), randomAddress); !errors.Is(err, hci.UnknownHCICommand) || c.OwnAddress() != own {
			t.Errorf("SetRandomAddress: %v, %v", err, c.OwnAddress())
		}
		if !b.scans {
			t.Error("scanning did not go on")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.SetRandomAddress(ctx, randomAddress); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, hci.UnknownHCICommand) {
			t.Errorf("SetRandomAddress: %v", err)
		}
	})
}

// The end of the controller ends the pause, whoever waits for what.
func TestStillAndTheEnd(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var b busy
		b.handle(ctl)
		ctl.Handle(hci.OpLECreateConnectionCancel, hcitest.Silent)
		connect := start(func() error { _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); return err })
		change := start(func() error { return c.SetRandomAddress(t.Context(), randomAddress) })
		again := start(func() error { return c.SetRandomAddress(t.Context(), randomAddress) })
		for _, waits := range []<-chan error{connect, change, again} {
			if err := <-waits; !errors.Is(err, driver.ErrCommandTimeout) {
				t.Errorf("%v, want the controller's end", err)
			}
		}
		if slices.Contains(b.history, changedAddress) {
			t.Error("the address was changed")
		}
	})
}
