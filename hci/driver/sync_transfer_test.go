package driver_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// What a peer tells of is followed by who accepts it, and ended where nobody does.
func TestAcceptSyncs(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLESetPeriodicAdvertisingSyncTransferParameters, hcitest.Return(64, 0))
		l := linked(t, ctl, h, 64)
		n := len(ctl.Commands())
		var f follower
		var accepted []string
		accept := func(s *driver.Sync, service uint16) driver.SyncHandler {
			accepted = append(accepted, fmt.Sprintf("%d %04X", s.Handle(), service))
			if service == 0xBAD {
				return nil
			}
			return &f
		}
		for _, p := range []driver.TransferParameters{{Skip: 3, Timeout: time.Second}, {NoReports: true}, {FilterDuplicates: true}} {
			if err := l.conn.AcceptSyncs(t.Context(), p, accept); err != nil {
				t.Fatal(err)
			}
		}
		told := func(handle, service uint16, status hci.Status) {
			ctl.Event(hci.LEPeriodicAdvertisingSyncTransferReceived{Status: status, Handle: 64, ServiceData: service, Train: train(handle)})
		}
		told(7, 0x1234, hci.Success)
		ctl.Event(periodic(hci.DataStatusComplete, "a"))
		told(8, 0xBAD, hci.Success)
		told(0, 1, hci.ConnectionFailedToBeEstablished)
		ctl.Event(hci.LEPeriodicAdvertisingSyncTransferReceivedV2{LEPeriodicAdvertisingSyncTransferReceived: hci.LEPeriodicAdvertisingSyncTransferReceived{
			Handle: 64, ServiceData: 2, Train: train(10)}, Subevents: hci.Subevents{Count: 1}})
		if reports, _ := f.told(); reports != "7 a 0" || strings.Join(accepted, ", ") != "7 1234, 8 0BAD, 10 0002" {
			t.Errorf("%s; %q", reports, accepted)
		}
		if err := l.conn.AcceptSyncs(t.Context(), driver.TransferParameters{}, nil); err != nil {
			t.Fatal(err)
		}
		told(9, 1, hci.Success)
		synctest.Wait()
		want := "205C 40 00 02 03 00 64 00 00, 205C 40 00 01 00 00 E8 03 00, 205C 40 00 03 00 00 E8 03 00, 2046 08 00, 205C 40 00 00 00 00 E8 03 00, 2046 09 00"
		if got := strings.Join(since(ctl, n), ", "); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		if err := l.conn.AcceptSyncs(t.Context(), driver.TransferParameters{Timeout: time.Millisecond}, accept); !errors.Is(err, hci.InvalidHCICommandParameters) {
			t.Errorf("time-out: %v", err)
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		synctest.Wait()
		if err := l.conn.AcceptSyncs(t.Context(), driver.TransferParameters{}, accept); !errors.Is(err, net.ErrClosed) {
			t.Errorf("of a connection that is gone: %v", err)
		}
	})
}

func TestTransferSync(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLEPeriodicAdvertisingSyncTransfer, hcitest.Return(64, 0))
		ctl.Handle(hci.OpLEPeriodicAdvertisingSetInfoTransfer, hcitest.Return(64, 0))
		l := linked(t, ctl, h, 64)
		var f follower
		s := synced(t, ctl, c, &f)
		set, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		n := len(ctl.Commands())
		for _, err := range []error{l.conn.TransferSync(t.Context(), s, 0x1234), l.conn.TransferSet(t.Context(), set, 0x5678)} {
			if err != nil {
				t.Error(err)
			}
		}
		if got := strings.Join(since(ctl, n), ", "); got != "205A 40 00 34 12 07 00, 205B 40 00 78 56 00" {
			t.Error(got)
		}
		// A peer that can't, and one of which the controller does not know yet that it can.
		for _, features := range []uint64{0, hci.FeaturePeriodicAdvertisingSyncTransferRecipient} {
			ctl.Handle(hci.OpLEPeriodicAdvertisingSyncTransfer, hcitest.Fail(hci.UnsupportedRemoteFeature))
			ctl.Handle(hci.OpLEReadRemoteFeatures, func(ctl *hcitest.Controller, f hci.CommandFrame) {
				ctl.Status(f.Opcode, hci.Success)
				if features != 0 {
					ctl.Handle(hci.OpLEPeriodicAdvertisingSyncTransfer, hcitest.Return(64, 0))
				}
				ctl.Event(hci.LEReadRemoteFeaturesComplete{Handle: 64, Features: features})
			})
			if err := l.conn.TransferSync(t.Context(), s, 0); (err == nil) != (features != 0) || err != nil && !errors.Is(err, hci.UnsupportedRemoteFeature) {
				t.Errorf("features %X: %v", features, err)
			}
		}
		ctl.Event(hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 7})
		synctest.Wait()
		if err := l.conn.TransferSync(t.Context(), s, 0); !errors.Is(err, driver.ErrSyncLost) {
			t.Errorf("of what is lost: %v", err)
		}
	})
}
