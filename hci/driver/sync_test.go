package driver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport"
)

// follower is a handler of a sync that keeps what it is told.
type follower struct {
	mu      sync.Mutex
	reports []string
	ended   []error
}

func (f *follower) HandlePeriodicReport(s *driver.Sync, r driver.PeriodicReport) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reports = append(f.reports, fmt.Sprintf("%d %s %d", s.Handle(), r.Data, r.DataStatus))
}

func (f *follower) HandleSyncEnd(_ *driver.Sync, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, err)
}

func (f *follower) told() (reports string, ended []error) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.reports, ", "), slices.Clone(f.ended)
}

// train is what is followed in these tests.
func train(handle uint16) hci.PeriodicTrain {
	return hci.PeriodicTrain{SyncHandle: handle, SID: 3, Advertiser: peer, PHY: hci.LE2M, Interval: 80}
}

func established(handle uint16) hci.LEPeriodicAdvertisingSyncEstablished {
	return hci.LEPeriodicAdvertisingSyncEstablished{Train: train(handle)}
}

func periodic(status hci.DataStatus, data string) hci.LEPeriodicAdvertisingReport {
	return hci.LEPeriodicAdvertisingReport{SyncHandle: 7, CTEType: 0xFF, DataStatus: status, Data: []byte(data)}
}

// synced is a controller that follows, by handle 7.
func synced(t *testing.T, ctl *hcitest.Controller, c *driver.Controller, f *follower) *driver.Sync {
	t.Helper()
	ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSync, func(ctl *hcitest.Controller, f hci.CommandFrame) {
		ctl.Status(f.Opcode, hci.Success)
		ctl.Event(established(7))
	})
	s, err := c.Sync(t.Context(), driver.SyncParameters{Advertiser: peer, SID: 3}, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Scanning goes on for as long as it takes to synchronize, and no longer, where nobody else wants it.
func TestSync(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		n := len(ctl.Commands())
		ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSync, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(established(7))
		})
		s, err := c.Sync(t.Context(), driver.SyncParameters{Advertiser: peer, SID: 3, Skip: 2, Timeout: time.Second, NoReports: true, FilterDuplicates: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Handle() != 7 || s.Train() != train(7) || s.Err() != nil || s.Subevents() != (hci.Subevents{}) {
			t.Errorf("%+v", s.Train())
		}
		synctest.Wait()
		if err := s.SetReports(t.Context(), true, true); err == nil {
			t.Error("a controller that does not know the command took it")
		}
		ctl.Handle(hci.OpLESetPeriodicAdvertisingReceiveEnable, hcitest.Return())
		if err := s.SetReports(t.Context(), true, false); err != nil {
			t.Error(err)
		}
		want := []string{"2041 00 00 05 00 40 01 30 00 00 40 01 30 00", "2042 01 01 00 00 00 00", "2044 06 03 01 01 02 03 04 05 C6 02 00 64 00 00",
			"2042 00 01 00 00 00 00", "2059 07 00 03", "2059 07 00 01"}
		if got := since(ctl, n); !slices.Equal(got, want) {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		n = len(ctl.Commands())
		if _, err := c.Sync(t.Context(), driver.SyncParameters{AdvertiserList: true}, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := since(ctl, n); len(got) != 1 || got[0] != "2044 01 00 00 00 00 00 00 00 00 00 00 E8 03 00" {
			t.Errorf("while scanning: %q", got)
		}
	})
}

// The parts of a report are joined; what is truncated, or longer than any may be, is told as such (Vol 4, Part E,
// 7.7.65.15).
func TestPeriodicReports(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var f follower
		synced(t, ctl, c, &f)
		const more, complete, truncated, failed = hci.DataStatusMore, hci.DataStatusComplete, hci.DataStatusTruncated, hci.DataStatusFailed
		for _, r := range []hci.LEPeriodicAdvertisingReport{periodic(complete, "a"), periodic(more, "b"), periodic(more, "c"), periodic(complete, "d"),
			periodic(more, "e"), periodic(truncated, ""), periodic(failed, ""), periodic(complete, "f")} {
			ctl.Event(r)
		}
		v2 := hci.LEPeriodicAdvertisingReportV2{LEPeriodicAdvertisingReport: periodic(complete, "g"), EventCounter: 5, Subevent: 1}
		ctl.Event(v2)
		if got, _ := f.told(); got != "7 a 0, 7 bcd 0, 7 e 2, 7  255, 7 f 0, 7 g 0" {
			t.Error(got)
		}
		f.reports = nil
		long := string(bytes.Repeat([]byte{'x'}, 247))
		for range 10 {
			ctl.Event(periodic(more, long))
		}
		ctl.Event(periodic(complete, "end"))
		ctl.Event(periodic(complete, "y"))
		if got, _ := f.told(); got != "7 "+strings.Repeat("x", 1650)+" 2, 7 y 0" {
			t.Errorf("%d octets", len(got))
		}
		other := periodic(complete, "z")
		other.SyncHandle = 8
		ctl.Event(other)
		ctl.Inject([]byte{4, 0x3E, 3, 0x0F, 7, 0}, []byte{4, 0x3E, 2, 0x10, 7}, []byte{4, 0x3E, 2, 0x0E, 0}, []byte{4, 0x3E, 2, 0x24, 0},
			[]byte{4, 0x3E, 3, 0x25, 7, 0}, []byte{4, 0x3E, 2, 0x18, 0}, []byte{4, 0x3E, 2, 0x26, 0})
		synctest.Wait()
		if s, err := c.Statistics(); err != nil || s.UnknownHandles != 1 || s.Malformed != 7 || s.Syncs != 1 || s.PeriodicReports != 8 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// A caller that goes is free at once; the next attempt begins when the cancellation was confirmed, and what was established at the
// same moment is ended.
func TestSyncCancelled(t *testing.T) {
	for _, tooLate := range []bool{false, true} {
		t.Run(fmt.Sprint(tooLate), func(t *testing.T) {
			extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSyncCancel, hcitest.Silent)
				ctx, cancel := context.WithCancel(t.Context())
				first := start(func() error { _, err := c.Sync(ctx, driver.SyncParameters{}, nil); return err })
				short, stop := context.WithTimeout(t.Context(), time.Second)
				defer stop()
				second := start(func() error { _, err := c.Sync(short, driver.SyncParameters{}, nil); return err })
				cancel()
				if err := <-first; !errors.Is(err, context.Canceled) {
					t.Errorf("the first: %v", err)
				}
				if err := <-second; !errors.Is(err, context.DeadlineExceeded) || count(ctl, hci.OpLEPeriodicAdvertisingCreateSync) != 1 {
					t.Errorf("the second: %v, %d attempts", err, count(ctl, hci.OpLEPeriodicAdvertisingCreateSync))
				}
				if tooLate {
					ctl.Event(established(7))
					ctl.Event(hci.CommandComplete{NumPackets: 1, Opcode: hci.OpLEPeriodicAdvertisingCreateSyncCancel, Return: []byte{byte(hci.CommandDisallowed)}})
				} else {
					ctl.Complete(hci.OpLEPeriodicAdvertisingCreateSyncCancel)
					ctl.Event(hci.LEPeriodicAdvertisingSyncEstablished{Status: hci.OperationCancelledByHost})
				}
				synctest.Wait()
				if n := count(ctl, hci.OpLEPeriodicAdvertisingTerminateSync); n != 0 && !tooLate || n != 1 && tooLate {
					t.Errorf("%d were terminated", n)
				}
				ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSync, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					ctl.Status(f.Opcode, hci.Success)
					ctl.Event(established(9))
				})
				if s, err := c.Sync(t.Context(), driver.SyncParameters{}, nil); err != nil || s.Handle() != 9 {
					t.Errorf("the third: %v", err)
				}
			})
		})
	}
}

// A cancellation that is never confirmed ends the controller, as any command without an answer does.
func TestSyncCancelUnconfirmed(t *testing.T) {
	extendedBubble(t, func(t *testing.T, _ *hcitest.Controller, _ *host, c *driver.Controller) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Sync(ctx, driver.SyncParameters{}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		<-c.Done()
		if err := c.Err(); !errors.Is(err, driver.ErrCommandTimeout) {
			t.Errorf("%v", err)
		}
	})
}

func TestSyncFails(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		for _, p := range []driver.SyncParameters{{Timeout: 99 * time.Millisecond}, {Timeout: 164 * time.Second}} {
			if _, err := c.Sync(t.Context(), p, nil); !errors.Is(err, hci.InvalidHCICommandParameters) {
				t.Errorf("%+v: %v", p, err)
			}
		}
		ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSync, hcitest.Refuse(hci.ConnectionAlreadyExists))
		if _, err := c.Sync(t.Context(), driver.SyncParameters{}, nil); !errors.Is(err, hci.ConnectionAlreadyExists) {
			t.Errorf("refused: %v", err)
		}
		ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSync, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.LEPeriodicAdvertisingSyncEstablished{Status: hci.ConnectionFailedToBeEstablished})
		})
		if _, err := c.Sync(t.Context(), driver.SyncParameters{}, nil); !errors.Is(err, hci.ConnectionFailedToBeEstablished) {
			t.Errorf("failed: %v", err)
		}
		ctl.Event(established(9)) // nobody has asked for it
		synctest.Wait()
		if f := command(ctl, hci.OpLEPeriodicAdvertisingTerminateSync); !bytes.Equal(f.Parameters, []byte{9, 0}) {
			t.Errorf("%v", f)
		}
		ctl.Handle(hci.OpLESetExtendedScanEnable, hcitest.Fail(hci.CommandDisallowed))
		if _, err := c.Sync(t.Context(), driver.SyncParameters{}, nil); !errors.Is(err, hci.CommandDisallowed) {
			t.Errorf("without scanning: %v", err)
		}
		ctl.Handle(hci.OpLESetExtendedScanEnable, hcitest.Return())
		ctl.Handle(hci.OpLEPeriodicAdvertisingCreateSync, hcitest.Refuse(hci.Success))
		waits := []<-chan error{start(func() error { _, err := c.Sync(t.Context(), driver.SyncParameters{}, nil); return err }),
			start(func() error { _, err := c.Sync(t.Context(), driver.SyncParameters{}, nil); return err })}
		ctl.Break(transport.ErrGone)
		for _, w := range waits {
			if err := <-w; !errors.Is(err, net.ErrClosed) {
				t.Errorf("the controller ended: %v", err)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) { // one that knows of no data ID, and refuses what needs it
		ctl := extended(extendedFeatures &^ hci.FeaturePeriodicAdvertisingADI)
		c := open(t, ctl, &host{})
		var f follower
		synced(t, ctl, c, &f)
		if _, err := c.Sync(t.Context(), driver.SyncParameters{FilterDuplicates: true}, nil); err != nil {
			t.Fatal(err)
		}
		if f := command(ctl, hci.OpLEPeriodicAdvertisingCreateSync); f.Parameters[0] != 0 {
			t.Errorf("%v", f)
		}
		_ = c.Close()
	})
	bubble(t, hcitest.Settings{}, func(t *testing.T, _ *hcitest.Controller, _ *host, c *driver.Controller) {
		if _, err := c.Sync(t.Context(), driver.SyncParameters{}, nil); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
			t.Errorf("by a controller that can't: %v", err)
		}
	})
}

// However a sync ends, its handler is told once, and it says why.
func TestSyncEnds(t *testing.T) {
	for _, s := range []struct {
		name string
		end  func(*testing.T, *hcitest.Controller, *driver.Sync)
		want error
	}{
		{"lost", func(_ *testing.T, ctl *hcitest.Controller, _ *driver.Sync) {
			ctl.Event(hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 7})
		}, driver.ErrSyncLost},
		{"closed", func(t *testing.T, _ *hcitest.Controller, s *driver.Sync) {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}, net.ErrClosed},
		{"closed when it is lost", func(t *testing.T, ctl *hcitest.Controller, s *driver.Sync) {
			ctl.Handle(hci.OpLEPeriodicAdvertisingTerminateSync, func(ctl *hcitest.Controller, f hci.CommandFrame) {
				ctl.Event(hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 7})
				hcitest.Fail(hci.UnknownAdvertisingIdentifier)(ctl, f)
			})
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}, driver.ErrSyncLost},
		{"another under its handle", func(_ *testing.T, ctl *hcitest.Controller, _ *driver.Sync) {
			ctl.Event(hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 7})
			ctl.Event(hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 7})
		}, driver.ErrSyncLost},
		{"with the controller", func(_ *testing.T, ctl *hcitest.Controller, s *driver.Sync) {
			ctl.Break(transport.ErrGone)
			<-s.Done()
		}, transport.ErrGone},
	} {
		t.Run(s.name, func(t *testing.T) {
			extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				var f follower
				sync := synced(t, ctl, c, &f)
				s.end(t, ctl, sync)
				_, ended := f.told()
				if len(ended) != 1 || !errors.Is(ended[0], s.want) || !errors.Is(sync.Err(), s.want) {
					t.Errorf("told %v, %v", ended, sync.Err())
				}
				if err := sync.Close(t.Context()); err != nil {
					t.Errorf("Close again: %v", err)
				}
				if err := sync.SetReports(t.Context(), true, false); !errors.Is(err, s.want) {
					t.Errorf("SetReports: %v", err)
				}
			})
		})
	}
}
