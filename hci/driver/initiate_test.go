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
	"github.com/jelling-ble/jelling/transport/virtual"
)

// TestFailureByTheList: an error that names a peer is that peer's, and the others are waited for further. One that names
// nobody says that the list is of no use: then they have their turns.
func TestFailureByTheList(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		var done []<-chan outcome
		for n := range 3 {
			done = append(done, connect(t.Context(), c, device(n+1)))
		}
		i.now = nil
		ctl.Event(hci.LEConnectionComplete{Status: hci.ConnectionFailedToBeEstablished, Peer: device(2)})
		if r := <-done[1]; !errors.Is(r.err, hci.ConnectionFailedToBeEstablished) {
			t.Errorf("%+v", r)
		}
		synctest.Wait()
		if len(i.now) != 2 {
			t.Fatalf("it waits for %v", i.now)
		}
		i.now = nil
		ctl.Event(hci.LEConnectionComplete{Status: hci.HardwareFailure})
		i.oneByOne(t, ctl, 2)
		for _, n := range []int{0, 2} {
			if r := <-done[n]; r.err != nil {
				t.Error(r.err)
			}
		}
	})
}

// oneByOne has it connect to as many peers, for each of which it waits alone.
func (i *initiator) oneByOne(t *testing.T, ctl *hcitest.Controller, peers int) {
	t.Helper()
	for n := range peers {
		synctest.Wait()
		if len(i.now) != 1 {
			t.Fatalf("it waits for %v", i.now)
		}
		i.connects(ctl, uint16(64+n), i.now[0])
	}
}

// TestListRefused: a controller that has a list, and refuses to connect by it, as emulated ones do, has peers take turns.
func TestListRefused(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			create, _ := hci.ParseLECreateConnection(f.Parameters)
			if create.UseAcceptList {
				ctl.Status(f.Opcode, hci.UnsupportedFeatureOrParameter)
				return
			}
			i.now = []hci.Address{create.Peer}
			ctl.Status(f.Opcode, hci.Success)
		})
		var done []<-chan outcome
		for n := range 3 {
			done = append(done, connect(t.Context(), c, device(n+1)))
		}
		i.oneByOne(t, ctl, 3)
		for _, one := range done {
			if r := <-one; r.err != nil {
				t.Error(r.err)
			}
		}
	})
}

// TestConnectWithoutCancel: a controller that can't be made to wait for others has one peer after the other.
func TestConnectWithoutCancel(t *testing.T) {
	bubble(t, hcitest.Settings{Unsupported: []hci.Opcode{hci.OpLECreateConnectionCancel}}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		ctl.Handle(hci.OpLECreateConnectionCancel, hcitest.Fail(hci.UnknownHCICommand))
		first, second := connect(t.Context(), c, device(1)), connect(t.Context(), c, device(2))
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(i.past) != 1 || len(i.now) != 1 || i.now[0] != device(1) {
			t.Fatalf("it waited for %q", i.past)
		}
		i.connects(ctl, 64, device(1))
		i.connects(ctl, 65, device(2))
		for _, done := range []<-chan outcome{first, second} {
			if r := <-done; r.err != nil {
				t.Error(r.err)
			}
		}
	})
}

// TestScanWhileConnecting: a controller that can do both is not made to stop scanning for a peer that is away.
func TestScanWhileConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		s, other := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		other.advertise(t)
		if err := s.StartScan(t.Context(), driver.ScanParameters{Duplicates: true}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.Connect(ctx, device(9), driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Connect: %v", err)
		}
		s.host.mu.Lock()
		defer s.host.mu.Unlock()
		if n := len(s.host.reports); n < 100 {
			t.Errorf("%d reports in a minute of connecting", n)
		}
	})
}

// TestScanRefusesConnecting: a controller that says that it scans while it initiates, and refuses to, is made to pause.
func TestScanRefusesConnecting(t *testing.T) {
	bubble(t, hcitest.Settings{States: 0x3FF_FFFF_FFFF}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var b busy
		b.handle(ctl)
		create := 0
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			if create++; b.scans {
				ctl.Status(f.Opcode, hci.CommandDisallowed)
				return
			}
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(connected(uint16(64+create), hci.Central))
		})
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			conn, err := c.Connect(t.Context(), peer, driver.ConnectParameters{})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if !b.scans {
				t.Error("scanning did not go on")
			}
			ctl.Event(hci.DisconnectionComplete{Handle: conn.Handle(), Reason: hci.ConnectionTimeout})
			<-conn.Done()
		}
		if create != 3 { // refused once, and remembered
			t.Errorf("%d attempts", create)
		}
	})
}

// TestConnectOnOtherPHYs is complaint 19: a peer on LE Coded is looked for there, with the parameters for it, and the
// connection begins on the PHY that it advertises with.
func TestConnectOnOtherPHYs(t *testing.T) {
	slow := hci.ConnectionParameters{IntervalMin: 160, IntervalMax: 160, SupervisionTimeout: 800}
	for _, c := range []struct {
		name               string
		phys               hci.PHYs
		primary, secondary hci.PHY
		heard              bool
		interval           uint16
	}{
		{"coded", hci.PHYsOf(hci.LECoded), hci.LECoded, hci.LECoded, true, 160},
		{"coded, looked for on both", hci.PHYsOf(hci.LE1M, hci.LECoded), hci.LECoded, hci.LECoded, true, 160},
		{"2M behind 1M", hci.PHYsOf(hci.LE1M, hci.LE2M), hci.LE1M, hci.LE2M, true, 80},
		{"coded, not looked for there", hci.PHYsOf(hci.LE1M), hci.LECoded, hci.LECoded, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			onTheAir(t, func(t *testing.T, air *virtual.Air) {
				central, peripheral := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
				set, err := peripheral.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{Properties: hci.AdvertiseConnectable, PrimaryPHY: c.primary, SecondaryPHY: c.secondary}, nil)
				if err == nil {
					err = set.Start(t.Context(), driver.AdvertisingLimits{})
				}
				if err != nil {
					t.Fatal(err)
				}
				conn, err := central.Connect(t.Context(), peripheral.radio.Address(), driver.ConnectParameters{PHYs: c.phys, Coded: slow,
					TwoM: hci.ConnectionParameters{IntervalMin: 80, IntervalMax: 80, SupervisionTimeout: 800}, Patience: 10 * time.Second})
				if !c.heard {
					if !errors.Is(err, driver.ErrNoAnswer) {
						t.Errorf("Connect: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if s := conn.State(); s.TX != c.secondary || s.RX != c.secondary || s.Interval != c.interval {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestConnectWithoutThePHY: a controller that has LE 1M alone says so, where that is of no use.
func TestConnectWithoutThePHY(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		s, other := onAir(t, air, virtual.ControllerConfig{Version: 0x08}), onAir(t, air, virtual.ControllerConfig{})
		for _, phys := range []hci.PHYs{hci.PHYsOf(hci.LECoded), hci.PHYsOf(hci.LE2M), 0x80} {
			if _, err := s.Connect(t.Context(), other.radio.Address(), driver.ConnectParameters{PHYs: phys}); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
				t.Errorf("%03b: %v", phys, err)
			}
		}
		other.advertise(t)
		if _, err := s.Connect(t.Context(), other.radio.Address(), driver.ConnectParameters{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded)}); err != nil {
			t.Errorf("what it has is enough: %v", err)
		}
	})
}
