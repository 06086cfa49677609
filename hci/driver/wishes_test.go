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

// TestConnectTwiceToOne: one of them has the connection, the other is refused, and nobody else is concerned.
func TestConnectTwiceToOne(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var i initiator
		i.handle(ctl)
		first, second := connect(t.Context(), c, device(1)), connect(t.Context(), c, device(1))
		other := connect(t.Context(), c, device(2))
		i.connects(ctl, 64, device(1))
		if r := <-first; r.err != nil {
			t.Errorf("the first: %v", r.err)
		}
		if r := <-second; !errors.Is(r.err, hci.ConnectionAlreadyExists) {
			t.Errorf("the second: %v", r.err)
		}
		i.connects(ctl, 65, device(2))
		if r := <-other; r.err != nil {
			t.Errorf("the other: %v", r.err)
		}
	})
}

// TestConnectToOneThatConnects: a peer that is waited for connects to us. There can be no other connection with it.
func TestConnectToOneThatConnects(t *testing.T) {
	for _, others := range []int{0, 1} {
		t.Run(fmt.Sprint(others, " others"), func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
				var i initiator
				i.handle(ctl)
				done := connect(t.Context(), c, device(1))
				var other <-chan outcome
				if others > 0 {
					other = connect(t.Context(), c, device(2))
				}
				e := connected(64, hci.Peripheral)
				e.Peer = device(1)
				ctl.Event(e)
				if r := <-done; !errors.Is(r.err, hci.ConnectionAlreadyExists) {
					t.Errorf("%+v", r)
				}
				synctest.Wait()
				if len(i.now) != others || len(h.links()) != 1 {
					t.Errorf("it waits for %v, there are %d connections", i.now, len(h.links()))
				}
				if others > 0 {
					i.connects(ctl, 65, device(2))
					if r := <-other; r.err != nil {
						t.Error(r.err)
					}
				}
			})
		})
	}
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
