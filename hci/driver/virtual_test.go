package driver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// station is a controller on the air with its driver and host.
type station struct {
	*driver.Controller
	radio *virtual.Controller
	host  *host
	set   *driver.AdvertisingSet // nil until it advertises
}

// station puts a controller on the air and starts it up.
func onAir(t testing.TB, air *virtual.Air, cfg virtual.ControllerConfig) *station {
	t.Helper()
	s := &station{radio: air.NewController(cfg), host: &host{}}
	var err error
	if s.Controller, err = driver.Open(t.Context(), s.radio.Conn(), driver.Config{Handler: s.host}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// advertise makes a station connectable.
func (s *station) advertise(t testing.TB) {
	t.Helper()
	if err := s.begin(t.Context(), driver.AdvertisingParameters{Properties: hci.LegacyAdvInd}); err != nil {
		t.Fatal(err)
	}
}

// begin has a station advertise, by its one set, which it makes for the first time.
func (s *station) begin(ctx context.Context, p driver.AdvertisingParameters) (err error) {
	if s.set == nil {
		if s.set, err = s.NewAdvertisingSet(ctx, p, nil); err != nil {
			return err
		}
		if err := s.set.SetData(ctx, []byte{2, 1, 6}); err != nil {
			return err
		}
	}
	return s.set.Start(ctx, driver.AdvertisingLimits{})
}

// advertising has a new set advertise.
func advertising(t testing.TB, c *driver.Controller, p driver.AdvertisingParameters) error {
	t.Helper()
	s, err := c.NewAdvertisingSet(t.Context(), p, nil)
	if err != nil {
		return err
	}
	return s.Start(t.Context(), driver.AdvertisingLimits{})
}

// connectTo connects two stations and gives both ends.
func (s *station) connectTo(t testing.TB, other *station) (ours, theirs *link) {
	t.Helper()
	other.advertise(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := s.Connect(ctx, other.radio.Address(), driver.ConnectParameters{})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	for _, l := range s.host.links() {
		if l.conn == conn {
			ours = l
		}
	}
	for _, l := range other.host.links() {
		if l.conn.Err() == nil && l.conn.PeerAddress() == s.radio.Address() {
			theirs = l
		}
	}
	if ours == nil || theirs == nil {
		t.Fatal("only one side has the connection")
	}
	return ours, theirs
}

// clean wants a station to be as it was before anything happened, and to have done nothing that a
// controller minds.
func (s *station) clean(t testing.TB) {
	t.Helper()
	if n, err := s.Connections(); n != 0 || err != nil {
		t.Errorf("%v: %d connections, %v", s.radio.Address(), n, err)
	}
	if free, total := s.Credits(); free != total {
		t.Errorf("%v: %d of %d credits are free", s.radio.Address(), free, total)
	}
	if st, _ := s.Statistics(); st.Withheld != 0 || st.Waiting != 0 {
		t.Errorf("%v: %+v", s.radio.Address(), st)
	}
	c := s.radio.Counters()
	if c.CommandsOverCredit+c.ACLOverCredit+c.HostExcess+c.Malformed+c.ACLBuffered+c.Links+c.HostHeld != 0 {
		t.Errorf("%v: %+v", s.radio.Address(), c)
	}
	if st, _ := s.Statistics(); st.Malformed+st.UnexpectedAnswers+st.ExcessCompletions+st.BufferOverflows+st.UnknownEvents != 0 {
		t.Errorf("%v: %+v", s.radio.Address(), st)
	}
}

// onTheAir runs a test in a bubble with an air.
func onTheAir(t *testing.T, f func(t *testing.T, air *virtual.Air)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		t.Cleanup(func() { _ = air.Close() })
		f(t, air)
	})
}

// Two controllers: connect, data both ways, disconnect from either side; by one buffer (complaint 7), by
// shared ones, by many.
func TestTwoControllers(t *testing.T) {
	for name, cfg := range map[string]virtual.ControllerConfig{
		"one buffer":      {ACLBuffers: 1, ACLLength: 27},
		"shared buffers":  {SharedBuffers: true, ACLBuffers: 3},
		"many of all":     {ACLBuffers: 20, ACLLength: 251, CommandPackets: 5},
		"short PDUs":      {ACLBuffers: 2, ACLLength: 100, PDULength: 27},
		"all the default": {},
	} {
		for _, side := range []string{"central", "peripheral"} {
			t.Run(name+", ended by the "+side, func(t *testing.T) {
				onTheAir(t, func(t *testing.T, air *virtual.Air) {
					a, b := onAir(t, air, cfg), onAir(t, air, cfg)
					ours, theirs := a.connectTo(t, b)
					if ours.conn.Role() != hci.Central || theirs.conn.Role() != hci.Peripheral || ours.conn.PeerAddress() != theirs.conn.LocalAddress() {
						t.Errorf("%v and %v", ours.conn.Role(), theirs.conn.Role())
					}
					const packets = 100
					for i := range packets {
						ours.send(bytes.Repeat([]byte{byte(i)}, 1+i%27), true)
						theirs.send(bytes.Repeat([]byte{byte(i + 100)}, 27-i%27), true)
					}
					time.Sleep(time.Minute)
					for _, l := range []*link{ours, theirs} {
						in, _, _ := l.seen()
						if len(in) != packets {
							t.Fatalf("the %v received %d of %d packets", l.conn.Role(), len(in), packets)
						}
						for i, f := range in {
							want := bytes.Repeat([]byte{byte(i)}, 1+i%27)
							if l == ours {
								want = bytes.Repeat([]byte{byte(i + 100)}, 27-i%27)
							}
							if f[0] != 1 || !bytes.Equal(f[1:], want) {
								t.Fatalf("the %v received % X as packet %d", l.conn.Role(), f, i)
							}
						}
					}
					end := map[string]*link{"central": ours, "peripheral": theirs}[side]
					end.conn.Disconnect(hci.RemoteUserTerminatedConnection)
					<-ours.conn.Done()
					<-theirs.conn.Done()
					for _, l := range []*link{ours, theirs} {
						want := hci.RemoteUserTerminatedConnection
						if l == end {
							want = hci.ConnectionTerminatedByLocalHost
						}
						if !errors.Is(l.conn.Err(), want) {
							t.Errorf("the %v's connection ended with %v", l.conn.Role(), l.conn.Err())
						}
					}
					synctest.Wait()
					a.clean(t)
					b.clean(t)
				})
			})
		}
	}
}

// Complaints 3 and 26: many links, random traffic, some of it withheld, random ends from every side, silence and
// refusals; and then the table is empty and every credit is back, in every controller and in ours for it.
func TestCreditsAreConserved(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			onTheAir(t, func(t *testing.T, air *virtual.Air) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				hub := onAir(t, air, virtual.ControllerConfig{ACLBuffers: 1 + rnd.IntN(10), ACLLength: 27 + rnd.IntN(200)})
				var others []*station
				for range 8 {
					others = append(others, onAir(t, air, virtual.ControllerConfig{ACLBuffers: 1 + rnd.IntN(4), ACLLength: 27 + rnd.IntN(50)}))
				}
				made := 0
				for range 15 {
					var ends []*link
					for _, o := range others[:1+rnd.IntN(len(others))] {
						if rnd.IntN(8) == 0 {
							o.radio.MissConnectRequests(1)
						}
						ours, theirs := tryConnect(t, hub, o)
						if ours == nil {
							continue
						}
						made++
						ends = append(ends, ours, theirs)
						for i := range rnd.IntN(60) {
							ours.send(make([]byte, 1+rnd.IntN(27)), i%3 == 0)
							theirs.send(make([]byte, 1+rnd.IntN(27)), i%3 == 0)
						}
					}
					time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
					for i, l := range ends {
						switch rnd.IntN(5) {
						case 4:
							l.conn.Throttle(true)
						case 0:
							l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
						case 1:
							others[i/2%len(others)].radio.DropLinks(hci.ConnectionTimeout)
						case 2:
							others[i/2%len(others)].radio.SetSilent(true)
						}
					}
					time.Sleep(time.Duration(rnd.IntN(10)) * time.Second)
					for _, l := range ends {
						l.conn.Disconnect(hci.RemoteUserTerminatedConnection)
						<-l.conn.Done()
					}
					synctest.Wait()
					hub.clean(t)
					for _, o := range others {
						o.radio.SetSilent(false)
						if o.set == nil {
							continue
						}
						if err := o.set.Stop(t.Context()); err != nil {
							t.Fatal(err)
						}
						o.clean(t)
					}
					if t.Failed() {
						return
					}
				}
				if made < 15 {
					t.Errorf("only %d links were made", made)
				}
			})
		})
	}
}

// tryConnect is connectTo where the radio may refuse.
func tryConnect(t *testing.T, hub, other *station) (ours, theirs *link) {
	t.Helper()
	other.advertise(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	conn, err := hub.Connect(ctx, other.radio.Address(), driver.ConnectParameters{})
	if err != nil {
		return nil, nil
	}
	time.Sleep(time.Second) // time enough for a connection that was not established to end
	synctest.Wait()
	for _, l := range other.host.links() {
		if l.conn.Err() == nil {
			theirs = l
		}
	}
	for _, l := range hub.host.links() {
		if l.conn == conn {
			ours = l
		}
	}
	if theirs == nil {
		conn.Disconnect(hci.RemoteUserTerminatedConnection)
		<-conn.Done()
		return nil, nil
	}
	return ours, theirs
}

// Complaint 3: connecting works the hundredth time as the first, whatever came of those before.
func TestManyAttempts(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		a, b := onAir(t, air, virtual.ControllerConfig{ACLBuffers: 1}), onAir(t, air, virtual.ControllerConfig{ACLBuffers: 1})
		for i := range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
			if conn, err := a.Connect(ctx, b.radio.Address(), driver.ConnectParameters{}); err == nil {
				t.Fatalf("there is nobody to connect to, and yet there is %v", conn.PeerAddress())
			}
			cancel()
			synctest.Wait() // the controller has confirmed, and will not hear what comes now
			if i%10 == 0 {
				b.radio.MissConnectRequests(1)
				b.advertise(t)
				conn, err := a.Connect(t.Context(), b.radio.Address(), driver.ConnectParameters{})
				if err == nil {
					<-conn.Done()
					err = conn.Err()
				}
				if !errors.Is(err, hci.ConnectionFailedToBeEstablished) {
					t.Fatalf("a connect request that was not heard: %v", err)
				}
				if err := b.set.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ours, theirs := a.connectTo(t, b)
			ours.send([]byte("hello"), true)
			time.Sleep(time.Second)
			if in, _, _ := theirs.seen(); len(in) != 1 {
				t.Fatalf("attempt %d: received %q", i, in)
			}
			ours.conn.Disconnect(hci.RemoteUserTerminatedConnection)
			<-ours.conn.Done()
			<-theirs.conn.Done()
		}
		synctest.Wait()
		a.clean(t)
		b.clean(t)
	})
}

// Scanning hears an advertiser, goes on after a connection was made, and a controller that is unplugged
// ends all of it.
func TestScanOnAir(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		a, b := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		b.advertise(t)
		heard := func() int {
			a.host.mu.Lock()
			defer a.host.mu.Unlock()
			return len(a.host.reports)
		}
		if err := a.StartScan(t.Context(), driver.ScanParameters{Duplicates: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		before := heard()
		if before == 0 || a.host.reports[0].Address != b.radio.Address() || !bytes.Equal(a.host.reports[0].Data, []byte{2, 1, 6}) {
			t.Fatalf("heard %d", before)
		}
		if err := b.set.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, theirs := a.connectTo(t, b)
		b.advertise(t)
		during := heard()
		time.Sleep(10 * time.Second)
		if heard() == during {
			t.Error("scanning did not go on after the connection was made")
		}
		a.radio.Unplug()
		<-a.Done()
		if !errors.Is(a.Err(), transport.ErrGone) {
			t.Errorf("the controller ended with %v", a.Err())
		}
		<-theirs.conn.Done()
		if !errors.Is(theirs.conn.Err(), hci.ConnectionTimeout) {
			t.Errorf("the peer's connection ended with %v", theirs.conn.Err())
		}
	})
}

// Encryption on air: the peripheral's host is asked for its key; without one the answer is 0x06.
func TestEncryptOnAir(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		a, b := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		ours, theirs := a.connectTo(t, b)
		key := [16]byte{1, 2, 3}
		for _, c := range []struct {
			key  *[16]byte
			want hci.Status
		}{{nil, hci.PINOrKeyMissing}, {&key, hci.Success}, {&key, hci.Success}} { // the last is a refresh
			theirs.mu.Lock()
			theirs.key = c.key
			theirs.mu.Unlock()
			_, before, _ := ours.seen()
			if err := ours.conn.Encrypt(key, [8]byte{}, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			_, after, _ := ours.seen()
			if len(after) != len(before)+1 || after[len(before)] != c.want {
				t.Errorf("encryption %v, want one more: %v", after, c.want)
			}
		}
	})
}
