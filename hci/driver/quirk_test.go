package driver_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// What controllers do that a host must live with, one test for each that is not beside the part it concerns.

// masks are the event masks that the host set.
func masks(t *testing.T, ctl *hcitest.Controller) (events, le uint64) {
	t.Helper()
	m, err := hci.ParseSetEventMask(command(ctl, hci.OpSetEventMask).Parameters)
	l, errLE := hci.ParseLESetEventMask(command(ctl, hci.OpLESetEventMask).Parameters)
	if err != nil || errLE != nil {
		t.Fatal(err, errLE)
	}
	return m.Mask, l.Mask
}

// Old controllers refuse a mask with bits that they do not know (Vol 4, Part E, 7.3.1 and 7.8.1: reserved bits), so
// each bit depends on a feature that brought it.
func TestEventMasks(t *testing.T) {
	const plain = hci.LEEventMaskConnectionComplete | hci.LEEventMaskAdvertisingReport | hci.LEEventMaskConnectionUpdateComplete |
		hci.LEEventMaskReadRemoteFeaturesComplete | hci.LEEventMaskLongTermKeyRequest
	for _, c := range []struct {
		name     string
		features uint64
		le       uint64
	}{
		{"Core 4.0", hci.FeatureLEEncryption, plain},
		{"Connection Parameters Request", hci.FeatureLEEncryption | hci.FeatureConnectionParametersRequest, plain | hci.LEEventMaskRemoteConnectionParameterRequest},
		{"LL Privacy without its commands", hci.FeatureLEEncryption | hci.FeatureLLPrivacy, plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{Features: c.features}, func(t *testing.T, ctl *hcitest.Controller, _ *host, _ *driver.Controller) {
				events, le := masks(t, ctl)
				// Disconnection Complete, Encryption Change, Read Remote Version Information Complete, Hardware Error, Data Buffer
				// Overflow, Encryption Key Refresh Complete, LE Meta.
				if want := uint64(1<<4 | 1<<7 | 1<<11 | 1<<15 | 1<<25 | 1<<47 | 1<<61); events != want {
					t.Errorf("events %#x, want %#x", events, want)
				}
				if le != c.le {
					t.Errorf("LE events %#x, want %#x", le, c.le)
				}
			})
		})
	}
}

// What a controller does not say of itself is zero, and what it says is there.
func TestSupportedStates(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, _ *hcitest.Controller, _ *host, c *driver.Controller) {
		if c.Info().States&hci.StateInitiatingAndCentral == 0 {
			t.Errorf("%+v", c.Info())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{})
		ctl.Handle(hci.OpLEReadSupportedStates, hcitest.Refuse(hci.UnknownHCICommand))
		c := open(t, ctl, &host{})
		if c.Info().States != 0 {
			t.Errorf("%+v", c.Info())
		}
		_ = c.Close()
	})
}

// A dual-mode controller that will not be told of LE Host Support is used all the same.
func TestHostSupportRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{LMPFeatures: hci.LMPFeatureLESupported})
		ctl.Handle(hci.OpWriteLEHostSupport, hcitest.Refuse(hci.UnknownHCICommand))
		c := open(t, ctl, &host{})
		if count(ctl, hci.OpWriteLEHostSupport) != 1 {
			t.Error("it was not asked")
		}
		_ = c.Close()
	})
}

// Some controllers answer by Command Complete what the specification answers by Command Status, and the other way
// round when they refuse; and some give no status with a command that they do not know.
func TestAnswersMixedUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		cmd    hci.Command
		answer hcitest.Handler
		want   error
	}{
		{"Command Complete of success for Command Status", hci.Disconnect{Handle: 64}, hcitest.Return(), nil},
		{"Command Complete of failure for Command Status", hci.Disconnect{Handle: 64}, hcitest.Fail(hci.UnknownConnectionIdentifier), hci.UnknownConnectionIdentifier},
		{"Command Status of failure for Command Complete", hci.ReadBDADDR, hcitest.Refuse(hci.UnknownHCICommand), hci.UnknownHCICommand},
		{"both, the status first", hci.LERand, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Complete(f.Opcode, make([]byte, 8)...)
		}, nil},
		{"a failure without the other parameters", hci.LERand, hcitest.Fail(hci.HardwareFailure), hci.HardwareFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, d *driver.Controller) {
				ctl.Handle(c.cmd.Opcode(), c.answer)
				if _, err := d.Do(t.Context(), c.cmd); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("%v, want %v", err, c.want)
				}
				synctest.Wait()
				if s, _ := d.Statistics(); s.UnexpectedAnswers != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, d *driver.Controller) {
		ctl.Handle(hci.OpLERand, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Event(hci.CommandComplete{NumPackets: 1, Opcode: f.Opcode})
		})
		var short *hci.ShortError
		if _, err := d.Do(t.Context(), hci.LERand); !errors.As(err, &short) || !strings.Contains(err.Error(), "Status") {
			t.Errorf("a Command Complete without a status: %v", err)
		}
	})
}

// Zephyr's last word is where its firmware stopped; after it there is silence, which is not waited for. From other
// makers the same octets mean something else.
func TestFirmwareStopped(t *testing.T) {
	said := append([]byte{hci.EventPacket, 0xFF, 14, 0xAA}, "lll_conn\x00\x2A\x01\x00\x00"...)
	for _, c := range []struct {
		name    string
		company uint16
		event   []byte
		stopped bool
	}{
		{"Nordic", 0x0059, said, true},
		{"Zephyr", 0x05F1, said, true},
		{"another", 0x000F, said, false},
		{"another event", 0x0059, []byte{hci.EventPacket, 0xFF, 3, 0x01, 0, 0}, false},
		{"cut", 0x0059, []byte{hci.EventPacket, 0xFF, 5, 0xAA, 'l', 0, 1, 0}, false},
		{"no name", 0x0059, []byte{hci.EventPacket, 0xFF, 3, 0xAA, 'l', 'l'}, false},
		{"empty", 0x0059, []byte{hci.EventPacket, 0xFF, 0}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{Company: c.company}, func(t *testing.T, ctl *hcitest.Controller, _ *host, d *driver.Controller) {
				ctl.Inject(c.event)
				synctest.Wait()
				var stopped *driver.StoppedError
				if got := errors.As(d.Err(), &stopped); got != c.stopped {
					t.Fatalf("%v", d.Err())
				}
				if c.stopped && (stopped.File != "lll_conn" || stopped.Line != 298 || !strings.Contains(stopped.Error(), "lll_conn")) {
					t.Errorf("%v", stopped)
				}
			})
		})
	}
}

// Connections that all have more than enough to send get about the same, whatever the number of buffers, and one whose peer
// is dead costs the others no more than the buffers that it holds.
func TestFairness(t *testing.T) {
	for _, buffers := range []int{1, 2, 3, 8, 20} {
		t.Run(fmt.Sprint(buffers), func(t *testing.T) {
			bubble(t, hcitest.Settings{ACLBuffers: buffers}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
				const links, dead, rounds = 7, 64 + 3, 50
				ctl.HandleACL(func(ctl *hcitest.Controller, p hci.ACL) {
					if buffers == 1 || p.Handle != dead {
						time.AfterFunc(time.Millisecond, func() {
							ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: p.Handle, Count: 1}))
						})
					}
				})
				for i := range links {
					l := linked(t, ctl, h, uint16(64+i))
					for range 1000 {
						l.send([]byte("x"), true)
					}
				}
				time.Sleep(rounds * links * time.Millisecond)
				least, most := 1000, 0
				for i := range links {
					if n := len(acl(ctl, uint16(64+i))); buffers == 1 || 64+i != dead {
						least, most = min(least, n), max(most, n)
					}
				}
				if 10*(most-least) > most || least < rounds*9/10 {
					t.Errorf("from %d to %d fragments", least, most)
				}
			})
		})
	}
}
