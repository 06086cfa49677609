package driver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// core42 is a controller of Core 4.2: the legacy family alone.
var core42 = virtual.ControllerConfig{Version: 0x08}

// heardOf is what a station was told of another: SID, octets, and how.
func (s *station) heardOf(other hci.Address) (all []driver.Report) {
	synctest.Wait()
	s.host.mu.Lock()
	defer s.host.mu.Unlock()
	for _, r := range s.host.reports {
		if r.Address == other {
			all = append(all, r)
		}
	}
	return all
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Every pair of families finds each other by legacy advertisements, which is what a host advertises by where it does not know.
func TestFamiliesMeet(t *testing.T) {
	for _, c := range []struct{ advertiser, scanner virtual.ControllerConfig }{{}, {core42, core42}, {core42, virtual.ControllerConfig{}}, {virtual.ControllerConfig{}, core42}} {
		t.Run(fmt.Sprintf("%02X to %02X", c.advertiser.Version, c.scanner.Version), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				air := virtual.NewAir(virtual.AirConfig{})
				defer air.Close()
				a, s := onAir(t, air, c.advertiser), onAir(t, air, c.scanner)
				defer a.Close()
				defer s.Close()
				var told set
				adv, err := a.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.LegacyAdvInd}, &told)
				must(t, err, adv.SetData(t.Context(), []byte{2, 1, 6}), adv.SetScanResponse(t.Context(), []byte{1, 9}), adv.Start(t.Context(), driver.AdvertisingLimits{}),
					s.StartScan(t.Context(), driver.ScanParameters{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded)}))
				time.Sleep(time.Second)
				heard := s.heardOf(a.radio.Address())
				if len(heard) != 2 || heard[0].Type != 0b10011 || string(heard[0].Data) != "\x02\x01\x06" || heard[1].Type&hci.ReportScanResponse == 0 ||
					string(heard[1].Data) != "\x01\x09" || heard[0].SID != hci.UnknownSID {
					t.Errorf("%+v", heard)
				}
				_, err = s.Connect(t.Context(), a.radio.Address(), driver.ConnectParameters{})
				must(t, err)
				if n, e := told.told(); n != 1 || e.Status != hci.Success || adv.Advertising() || e.Handle != a.host.link(0).conn.Handle() {
					t.Errorf("%d, %+v", n, e)
				}
				must(t, adv.Start(t.Context(), driver.AdvertisingLimits{})) // beside the connection
			})
		})
	}
}

// Long data, and several sets at once with addresses of their own, come across as they are.
func TestExtendedOnAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		a, s := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		defer a.Close()
		defer s.Close()
		if i := a.Info(); !i.Extended() || !i.Coded() || !i.Periodic() || i.AdvertisingSets != 8 || i.MaxAdvertisingData != 1650 {
			t.Fatalf("%+v", i)
		}
		must(t, s.StartScan(t.Context(), driver.ScanParameters{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded), Interval: 160, Window: 160}))
		own := func(i int) hci.Address {
			return hci.Address{Type: hci.Random, Octets: [6]byte{byte(i), 2, 3, 4, 5, 0xC6}}
		}
		for i, n := range []int{0, 229, 251, 252, 1650} {
			p := driver.AdvertisingParameters{Address: own(i), SID: uint8(i), IntervalMin: 1600}
			if i == 4 {
				p.PrimaryPHY, p.SecondaryPHY = hci.LECoded, hci.LE2M
			}
			adv, err := a.NewAdvertisingSet(t.Context(), p, nil)
			must(t, err, adv.SetData(t.Context(), bytes.Repeat([]byte{byte(i + 1)}, n)), adv.Start(t.Context(), driver.AdvertisingLimits{}))
			time.Sleep(3 * time.Second)
			heard := s.heardOf(own(i))
			if len(heard) != 1 || len(heard[0].Data) != n || heard[0].Truncated || heard[0].SID != uint8(i) || heard[0].Type != 0 {
				t.Errorf("%d octets: %d reports", n, len(heard))
			}
			must(t, adv.SetData(t.Context(), bytes.Repeat([]byte{9}, 300)))
			time.Sleep(3 * time.Second)
			if heard := s.heardOf(own(i)); len(heard) != 2 || len(heard[1].Data) != 300 {
				t.Errorf("set %d: new data were told %d times", i, len(heard)-1)
			}
		}
		for range 3 {
			_, err := a.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
			must(t, err)
		}
		if _, err := a.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil); !errors.Is(err, hci.MemoryCapacityExceeded) {
			t.Errorf("a ninth set: %v", err)
		}
		if n := a.radio.Counters(); n.CommandsOverCredit != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// With packets lost, what comes is whole or said to be truncated, and always the beginning of what was sent.
func TestExtendedLossOnAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{Loss: 0.1})
		defer air.Close()
		a, s := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		defer a.Close()
		defer s.Close()
		sent := make([]byte, 1000)
		for i := range sent {
			sent[i] = byte(i * 7)
		}
		adv, err := a.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, nil)
		must(t, err, adv.SetData(t.Context(), sent), adv.Start(t.Context(), driver.AdvertisingLimits{}),
			s.StartScan(t.Context(), driver.ScanParameters{Interval: 160, Window: 160, Duplicates: true}))
		time.Sleep(time.Minute)
		whole, truncated := 0, 0
		for _, r := range s.heardOf(a.radio.Address()) {
			if !bytes.Equal(r.Data, sent[:len(r.Data)]) || r.Truncated == (len(r.Data) == len(sent)) {
				t.Fatalf("%d octets, truncated %v", len(r.Data), r.Truncated)
			}
			if r.Truncated {
				truncated++
			} else {
				whole++
			}
		}
		if whole < 100 || truncated < 50 {
			t.Errorf("%d whole, %d truncated", whole, truncated)
		}
	})
}

// Limits end a set, and its owner is told; one that is told to begin again does.
func TestSetLimitsOnAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		a := onAir(t, air, virtual.ControllerConfig{})
		defer a.Close()
		var told set
		adv, err := a.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.LegacyAdvDirectIndHigh, Peer: peer}, &told)
		must(t, err, adv.Start(t.Context(), driver.AdvertisingLimits{}))
		time.Sleep(2 * time.Second)
		if n, e := told.told(); n != 1 || e.Status != hci.AdvertisingTimeout || adv.Advertising() {
			t.Errorf("%d, %+v", n, e)
		}
		must(t, adv.SetParameters(t.Context(), driver.AdvertisingParameters{}), adv.Start(t.Context(), driver.AdvertisingLimits{MaxEvents: 5}))
		time.Sleep(2 * time.Second)
		if n, e := told.told(); n != 2 || e.Status != hci.LimitReached || e.CompletedEvents != 5 {
			t.Errorf("%d, %+v", n, e)
		}
		must(t, adv.Start(t.Context(), driver.AdvertisingLimits{Duration: time.Second}), adv.Stop(t.Context()), adv.Stop(t.Context()))
		time.Sleep(2 * time.Second)
		if n, _ := told.told(); n != 2 {
			t.Error("stopped, and told so")
		}
	})
}

// A periodic broadcast is followed, while nobody scans otherwise; a peer is told of it and follows it too; it is lost when it goes.
func TestPeriodicOnAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		var s [3]*station
		for i := range s {
			s[i] = onAir(t, air, virtual.ControllerConfig{})
			defer s[i].Close()
		}
		radio, relay, last := s[0], s[1], s[2]
		adv, err := radio.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{SID: 3}, nil)
		long := bytes.Repeat([]byte{'p'}, 600)
		must(t, err, adv.SetPeriodic(t.Context(), driver.PeriodicParameters{}), adv.SetPeriodicData(t.Context(), long), adv.StartPeriodic(t.Context()))
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, err := relay.Sync(short, driver.SyncParameters{Advertiser: radio.radio.Address(), SID: 3}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before it is on air: %v", err)
		}
		cancel()
		must(t, adv.Start(t.Context(), driver.AdvertisingLimits{}))
		var first, second follower
		sync, err := relay.Sync(t.Context(), driver.SyncParameters{Advertiser: radio.radio.Address(), SID: 3, Timeout: time.Second}, &first)
		must(t, err)
		time.Sleep(time.Second)
		first.mu.Lock()
		if n := len(first.reports); n < 9 || n > 11 || first.reports[0] != fmt.Sprintf("%d %s 0", sync.Handle(), long) {
			t.Errorf("%d reports in a second, want one every 100 ms", n)
		}
		first.mu.Unlock()

		ours, theirs := relay.connectTo(t, last)
		var services []uint16
		must(t, theirs.conn.AcceptSyncs(t.Context(), driver.TransferParameters{Timeout: time.Second}, func(_ *driver.Sync, service uint16) driver.SyncHandler {
			services = append(services, service)
			return &second
		}), ours.conn.TransferSync(t.Context(), sync, 0x1809))
		time.Sleep(time.Second)
		if reports, _ := second.told(); len(services) != 1 || services[0] != 0x1809 || len(reports) < 5*600 {
			t.Errorf("services %v, %d octets of reports", services, len(reports))
		}
		must(t, sync.Close(t.Context()), adv.StopPeriodic(t.Context()))
		time.Sleep(2 * time.Second)
		if _, ended := second.told(); len(ended) != 1 || !errors.Is(ended[0], driver.ErrSyncLost) {
			t.Errorf("ended with %v", ended)
		}
		if _, ended := first.told(); len(ended) != 1 {
			t.Errorf("ended with %v", ended)
		}
		must(t, adv.Remove(t.Context()))
		for _, one := range s {
			if stats, err := one.Statistics(); err != nil || stats.Malformed+stats.UnknownEvents+stats.UnknownHandles != 0 {
				t.Errorf("%+v, %v", stats, err)
			}
		}
	})
}

// A controller scans, advertises by two sets, one of them periodic, and has connections in both roles, all at once
// (complaint 18).
func TestAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		var s [3]*station
		for i := range s {
			s[i] = onAir(t, air, virtual.ControllerConfig{})
			defer s[i].Close()
		}
		busy := s[0]
		must(t, busy.StartScan(t.Context(), driver.ScanParameters{}))
		beacon, err := busy.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{SID: 9}, nil)
		must(t, err, beacon.SetPeriodic(t.Context(), driver.PeriodicParameters{}), beacon.StartPeriodic(t.Context()), beacon.Start(t.Context(), driver.AdvertisingLimits{}))
		busy.connectTo(t, s[1])
		s[2].connectTo(t, busy)
		must(t, busy.SetRandomAddress(t.Context(), peer)) // for which everything pauses
		adv, err := s[1].NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable, SID: 1}, nil)
		must(t, err, adv.SetData(t.Context(), []byte{2, 1, 6}), adv.Start(t.Context(), driver.AdvertisingLimits{}),
			s[2].StartScan(t.Context(), driver.ScanParameters{Interval: 160, Window: 160}))
		time.Sleep(5 * time.Second)
		heard := busy.heardOf(s[1].radio.Address())
		if n := len(heard); n == 0 || heard[n-1].SID != 1 || string(heard[n-1].Data) != "\x02\x01\x06" {
			t.Errorf("%+v", heard)
		}
		if heard := s[2].heardOf(peer); len(heard) != 1 || heard[0].SID != 9 || heard[0].PeriodicInterval != 80 {
			t.Errorf("the beacon under the new address: %+v", heard)
		}
		if n, err := busy.Connections(); err != nil || n != 2 {
			t.Errorf("%d connections, %v", n, err)
		}
	})
}

// A connection begins on the PHY of the advertiser's secondary channels, where the central looks for it, and its peripheral knows
// by which address of which set it came (complaint 19).
func TestConnectByPHY(t *testing.T) {
	all := hci.PHYsOf(hci.LE1M, hci.LE2M, hci.LECoded)
	for _, c := range []struct {
		primary, secondary hci.PHY
		phys               hci.PHYs
		found              bool
	}{
		{hci.LE1M, hci.LE1M, 0, true},
		{hci.LE1M, hci.LE2M, 0, true},
		{hci.LE1M, hci.LE2M, all, true},
		{hci.LECoded, hci.LECoded, all, true},
		{hci.LECoded, hci.LE2M, hci.PHYsOf(hci.LECoded), true},
		{hci.LECoded, hci.LECoded, 0, false},
		{hci.LE1M, hci.LE1M, hci.PHYsOf(hci.LECoded), false},
	} {
		t.Run(fmt.Sprintf("%v, %v, %03b", c.primary, c.secondary, c.phys), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				air := virtual.NewAir(virtual.AirConfig{})
				defer air.Close()
				a, s := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
				defer a.Close()
				defer s.Close()
				var handlers [3]set
				for i := range handlers {
					own := peer
					own.Octets[0] = byte(i)
					adv, err := a.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable, PrimaryPHY: c.primary,
						SecondaryPHY: c.secondary, SID: uint8(i), Address: own}, &handlers[i])
					must(t, err, adv.SetData(t.Context(), bytes.Repeat([]byte{1}, 245)), adv.Start(t.Context(), driver.AdvertisingLimits{}))
				}
				to := peer
				to.Octets[0] = 1
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				conn, err := s.Connect(ctx, to, driver.ConnectParameters{PHYs: c.phys})
				if !c.found {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%v", err)
					}
					return
				}
				must(t, err)
				phy, err := conn.PHY(t.Context())
				if err != nil || phy.TX != c.secondary || phy.RX != c.secondary {
					t.Errorf("%+v, %v", phy, err)
				}
				for i := range handlers {
					if n, e := handlers[i].told(); n == 1 != (i == 1) || i == 1 && e.Handle != a.host.link(0).conn.Handle() {
						t.Errorf("set %d: told %d times, %+v", i, n, e)
					}
				}
				if local := a.host.link(0).conn.LocalAddress(); local != to || conn.PeerAddress() != to {
					t.Errorf("the peripheral is %v to itself, %v to its central", local, conn.PeerAddress())
				}
			})
		})
	}
}
