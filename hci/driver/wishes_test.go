package driver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// device is an address by its number.
func device(n int) hci.Address {
	return hci.Address{Type: hci.Random, Octets: [6]byte{byte(n), 0, 0, 0, 0, 0xC0}}
}

// initiator is a scripted controller that tells what it was asked to connect to.
type initiator struct {
	list []hci.Address
	now  []hci.Address // whom it waits for; nil when it does not
	past []string      // whom it waited for, in order
}

func (i *initiator) handle(ctl *hcitest.Controller) {
	ctl.Handle(hci.OpLEClearFilterAcceptList, func(ctl *hcitest.Controller, f hci.CommandFrame) {
		i.list = nil
		ctl.Complete(f.Opcode)
	})
	change := func(ctl *hcitest.Controller, f hci.CommandFrame) {
		e, _ := hci.ParseAcceptListEntry(f.Opcode, f.Parameters)
		switch {
		case i.now != nil: // Vol 4, Part E, 7.8.16
			hcitest.Fail(hci.CommandDisallowed)(ctl, f)
			return
		case f.Opcode == hci.OpLEAddDeviceToFilterAcceptList:
			i.list = append(i.list, e.Device)
		default:
			for n, a := range i.list {
				if a == e.Device {
					i.list = append(i.list[:n:n], i.list[n+1:]...)
					break
				}
			}
		}
		ctl.Complete(f.Opcode)
	}
	ctl.Handle(hci.OpLEAddDeviceToFilterAcceptList, change)
	ctl.Handle(hci.OpLERemoveDeviceFromFilterAcceptList, change)
	ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
		create, _ := hci.ParseLECreateConnection(f.Parameters)
		if i.now = []hci.Address{create.Peer}; create.UseAcceptList {
			i.now = append([]hci.Address(nil), i.list...)
		}
		var names []string
		for _, a := range i.now {
			names = append(names, fmt.Sprint(a.Octets[0]))
		}
		slices.Sort(names)
		i.past = append(i.past, strings.Join(names, " "))
		ctl.Status(f.Opcode, hci.Success)
	})
	ctl.Handle(hci.OpLECreateConnectionCancel, func(ctl *hcitest.Controller, f hci.CommandFrame) {
		i.now = nil
		ctl.Complete(f.Opcode)
		ctl.Event(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier})
	})
	ctl.Handle(hci.OpDisconnect, func(ctl *hcitest.Controller, f hci.CommandFrame) {
		d, _ := hci.ParseDisconnect(f.Parameters)
		ctl.Status(f.Opcode, hci.Success)
		ctl.Event(hci.DisconnectionComplete{Handle: d.Handle, Reason: hci.ConnectionTerminatedByLocalHost})
	})
}

// connects is the connection to a peer that it waited for.
func (i *initiator) connects(ctl *hcitest.Controller, handle uint16, peer hci.Address) {
	e := connected(handle, hci.Central)
	e.Peer = peer
	i.now = nil
	ctl.Event(e)
	synctest.Wait()
}

// outcome is what became of a Connect.
type outcome struct {
	conn *driver.Conn
	err  error
}

func connect(ctx context.Context, c *driver.Controller, peer hci.Address) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		conn, err := c.Connect(ctx, peer, driver.ConnectParameters{})
		done <- outcome{conn, err}
	}()
	synctest.Wait()
	return done
}

// TestConnectByAcceptList: whoever advertises first is connected to first, whatever the order in which they were asked for.
func TestConnectByAcceptList(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		var done []<-chan outcome
		for n := range 3 {
			done = append(done, connect(t.Context(), c, device(n+1)))
		}
		i.connects(ctl, 64, device(2))
		if r := <-done[1]; r.err != nil || r.conn.PeerAddress() != device(2) {
			t.Errorf("%+v", r)
		}
		i.connects(ctl, 65, device(3))
		i.connects(ctl, 66, device(1))
		for _, n := range []int{0, 2} {
			if r := <-done[n]; r.err != nil || r.conn.PeerAddress() != device(n+1) {
				t.Errorf("%+v", r)
			}
		}
		if got, want := fmt.Sprintf("%q", i.past), `["1" "1 2" "1 2 3" "1 3" "1"]`; got != want {
			t.Errorf("waited for %s, want %s", got, want)
		}
		synctest.Wait()
		if i.now != nil {
			t.Errorf("it waits for %v still", i.now)
		}
	})
}

// TestConnectToMoreThanTheListHolds: they have their turns, six seconds each.
func TestConnectToMoreThanTheListHolds(t *testing.T) {
	for _, c := range []struct {
		list int
		want string
	}{
		{2, `["1" "1 2" "1 3" "2 3" "1 2"]`},
		{-1, `["1" "2" "3" "1"]`},
	} {
		t.Run(fmt.Sprint(c.list), func(t *testing.T) {
			bubble(t, hcitest.Settings{AcceptList: c.list}, func(t *testing.T, ctl *hcitest.Controller, _ *host, d *driver.Controller) {
				var i initiator
				i.handle(ctl)
				ctx, cancel := context.WithCancel(t.Context())
				var done []<-chan outcome
				for n := range 3 {
					done = append(done, connect(ctx, d, device(n+1)))
				}
				time.Sleep(19 * time.Second)
				synctest.Wait()
				if got := fmt.Sprintf("%q", i.past); got != c.want {
					t.Errorf("waited for %s, want %s", got, c.want)
				}
				cancel()
				for _, one := range done {
					if r := <-one; !errors.Is(r.err, context.Canceled) {
						t.Errorf("%+v", r)
					}
				}
				synctest.Wait()
				if i.now != nil {
					t.Errorf("it waits for %v still", i.now)
				}
			})
		})
	}
}

// TestConnectPatience counts only while a peer is waited for.
func TestConnectPatience(t *testing.T) {
	bubble(t, hcitest.Settings{AcceptList: -1}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		began := time.Now()
		for _, s := range []struct{ patience, want time.Duration }{{time.Second, time.Second}, {10 * time.Second, 11 * time.Second}} {
			_, err := c.Connect(t.Context(), device(1), driver.ConnectParameters{Patience: s.patience})
			if !errors.Is(err, driver.ErrNoAnswer) || time.Since(began) != s.want {
				t.Errorf("%v after %v, want %v", err, time.Since(began), s.want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		other := connect(ctx, c, device(2))
		began = time.Now()
		for n, want := range []time.Duration{19 * time.Second, 38 * time.Second} { // 6 and 1 of its own, each behind 6 of the other's
			_, err := c.Connect(t.Context(), device(1), driver.ConnectParameters{Patience: 7 * time.Second})
			if d := time.Since(began); !errors.Is(err, driver.ErrNoAnswer) || d != want {
				t.Errorf("attempt %d: %v after %v, want %v", n, err, d, want)
			}
		}
		cancel()
		<-other
	})
}

// TestConnectLeavesTheList: whoever goes is not waited for any more, at once.
func TestConnectLeavesTheList(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := connect(ctx, c, device(1)), connect(t.Context(), c, device(2))
		cancel()
		<-first
		synctest.Wait()
		if fmt.Sprint(i.now) != fmt.Sprint([]hci.Address{device(2)}) {
			t.Errorf("it waits for %v", i.now)
		}
		i.connects(ctl, 64, device(2))
		if r := <-second; r.err != nil {
			t.Error(r.err)
		}
		if len(h.links()) != 1 {
			t.Errorf("%d connections", len(h.links()))
		}
	})
}

// TestConnectMeetsCancellation: a connection by the list that is made while that is being changed is whose it is, and
// that of somebody who has gone is ended.
func TestConnectMeetsCancellation(t *testing.T) {
	for _, c := range []struct {
		name  string
		meets hci.Address
		gone  bool // its caller
	}{
		{"somebody waits for it", device(1), false},
		{"nobody waits for it any more", device(2), true},
		{"nobody ever wanted it", device(9), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, d *driver.Controller) {
				var i initiator
				i.handle(ctl)
				ctx, cancel := context.WithCancel(t.Context())
				first, second := connect(t.Context(), d, device(1)), connect(ctx, d, device(2))
				ctl.Handle(hci.OpLECreateConnectionCancel, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					e := connected(64, hci.Central)
					e.Peer, i.now = c.meets, nil
					ctl.Event(e)
					hcitest.Fail(hci.CommandDisallowed)(ctl, f)
				})
				cancel()
				if r := <-second; !errors.Is(r.err, context.Canceled) {
					t.Errorf("the one who has gone: %+v", r)
				}
				synctest.Wait()
				if c.gone {
					i.connects(ctl, 65, device(1))
				}
				if r := <-first; r.err != nil || r.conn.PeerAddress() != device(1) {
					t.Errorf("the one who waits: %+v", r)
				}
				synctest.Wait()
				if n, err := d.Connections(); n != 1 || err != nil {
					t.Errorf("%d connections, %v", n, err)
				}
			})
		})
	}
}

// TestConnectWithOtherParameters: what is asked for differently has to wait for its turn.
func TestConnectWithOtherParameters(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		first := connect(t.Context(), c, device(1))
		slow := driver.ConnectParameters{ConnectionParameters: hci.ConnectionParameters{IntervalMin: 400, IntervalMax: 400}}
		second := start(func() error { _, err := c.Connect(t.Context(), device(2), slow); return err })
		time.Sleep(7 * time.Second)
		synctest.Wait()
		if got, want := fmt.Sprintf("%q", i.past), `["1" "2"]`; got != want {
			t.Errorf("waited for %s, want %s", got, want)
		}
		i.connects(ctl, 64, device(2))
		if err := <-second; err != nil {
			t.Error(err)
		}
		i.connects(ctl, 65, device(1))
		if r := <-first; r.err != nil {
			t.Error(r.err)
		}
	})
}

// TestConnectTwiceToOne: one of them has the connection, the other the controller's refusal.
func TestConnectTwiceToOne(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		first, second := connect(t.Context(), c, device(1)), connect(t.Context(), c, device(1))
		other := connect(t.Context(), c, device(2))
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			if create, _ := hci.ParseLECreateConnection(f.Parameters); create.UseAcceptList || create.Peer == device(1) {
				ctl.Status(f.Opcode, hci.ConnectionAlreadyExists)
				return
			}
			ctl.Status(f.Opcode, hci.Success)
			e := connected(65, hci.Central)
			e.Peer = device(2)
			ctl.Event(e)
		})
		i.connects(ctl, 64, device(1))
		if r := <-first; r.err != nil {
			t.Errorf("the first: %v", r.err)
		}
		if r := <-second; !errors.Is(r.err, hci.ConnectionAlreadyExists) {
			t.Errorf("the second: %v", r.err)
		}
		if r := <-other; r.err != nil {
			t.Errorf("the other: %v", r.err)
		}
	})
}

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

// TestConnectToMany is complaint 17: several peers at once, on the radio, with a list that is shorter. Half of them come
// later, and none keeps another waiting.
func TestConnectToMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const peers = 32
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		central := onAir(t, air, virtual.ControllerConfig{AcceptListSize: 6})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		var all []*station
		for n := range peers {
			s := onAir(t, air, virtual.ControllerConfig{})
			all = append(all, s)
			wg.Go(func() {
				conn, err := central.Connect(ctx, s.radio.Address(), driver.ConnectParameters{})
				if err != nil || conn.PeerAddress() != s.radio.Address() {
					t.Errorf("peer %d: %v", n, err)
				}
			})
			if n%2 == 0 {
				s.advertise(t)
			}
		}
		time.Sleep(2 * time.Minute)
		if n, _ := central.Connections(); n != peers/2 {
			t.Errorf("%d connections, want those %d that advertise", n, peers/2)
		}
		for n, s := range all {
			if n%2 == 1 {
				s.advertise(t)
			}
		}
		wg.Wait()
		if n, _ := central.Connections(); n != peers {
			t.Errorf("%d connections, want %d", n, peers)
		}
		for _, s := range all {
			for _, l := range s.host.links() {
				l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
				<-l.conn.Done()
			}
		}
		time.Sleep(time.Second)
		for _, s := range append(all, central) {
			s.clean(t)
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
