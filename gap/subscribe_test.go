package gap_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// inbox is a handler that keeps what it is given.
type inbox struct {
	mu     sync.Mutex
	values []string
}

func (b *inbox) add(value []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values = append(b.values, string(value))
}

func (b *inbox) want(t *testing.T, values ...string) {
	t.Helper()
	rest()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.values, values) {
		t.Errorf("got %q, want %q", b.values, values)
	}
	b.values = nil
}

// A Subscription has its values on each connection, those included that the server sends as soon as it knows who we are, and
// it is put right where the server has forgotten it.
func TestSubscriptionSurvivesReconnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		var got inbox
		s := x.central.Subscribe(peripheralAddress, x.reading.UUID, got.add)
		for i := range 4 {
			level := smp.LevelNone
			if i == 0 {
				level = smp.LevelEncrypted
			}
			if i == 3 { // it forgets
				if err := x.server.Forget(x.central.Identity().Text()); err != nil {
					t.Fatal(err)
				}
			}
			x.said()
			central, peripheral := x.connect(t, level)
			rest()
			if said := x.said(); i > 0 && !slices.Equal(said, []att.Opcode{att.OpExchangeMTURequest, att.OpWriteRequest}) {
				t.Errorf("connection %d: the central has sent %v", i, said)
			}
			if err := x.server.Notify(t.Context(), x.reading, []byte{byte('0' + i)}); err != nil {
				t.Error(err)
			}
			got.want(t, string(rune('0'+i)))
			part(central, peripheral)
		}
		s.Close()
		central, peripheral := x.connect(t, smp.LevelNone)
		defer part(central, peripheral)
		if n := x.log.count(is[gap.SubscriptionFailed]); n != 0 {
			t.Errorf("%d failed", n)
		}
	})
}

// What a server sends to a bonded client from the moment that it knows it is not lost, though the client is not through with
// connecting, however much that is: where its controller can't make the server wait, the link ends instead.
func TestSubscriptionMissesNothing(t *testing.T) {
	for _, c := range []struct {
		name     string
		count    int
		flow, ok bool
	}{
		{"few", 20, false, true},
		{"many, flow control", 2000, true, true},
		{"many, no flow control", 2000, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := newAcquainted(t)
				defer x.close()
				x.central.Subscribe(peripheralAddress, x.reading.UUID, func([]byte) {})
				central, peripheral := x.connect(t, smp.LevelEncrypted)
				rest()
				part(central, peripheral)

				slow := &slowStore{Store: x.states[0], until: make(chan struct{})}
				x.states[0] = slow
				_ = x.central.Close()
				if !c.flow {
					x.radios[0].Refuse(hci.OpHostBufferSize, hci.UnknownHCICommand)
				}
				var err error
				if x.central, err = gap.Open(t.Context(), x.radios[0].Conn(), gap.Config{Security: x.security[0], GATTStore: slow}); err != nil {
					t.Fatal(err)
				}
				var got inbox
				x.central.Subscribe(peripheralAddress, x.reading.UUID, got.add)
				connected := make(chan error)
				go func() {
					_, err := x.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{})
					connected <- err
				}()
				if peripheral, err = x.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{}); err != nil {
					t.Fatal(err)
				}
				rest()
				central = x.central.Conns()[0]
				var want []string
				for i := range c.count {
					want = append(want, fmt.Sprint(i))
				}
				sent, values := make(chan struct{}), want
				go func() {
					defer close(sent)
					for _, value := range values {
						_ = x.server.Notify(t.Context(), x.reading, []byte(value))
					}
				}()
				rest()
				select {
				case err := <-connected:
					t.Fatal("connected before the store has answered", err)
				default:
				}
				close(slow.until)
				err = <-connected
				if !c.ok {
					if want = nil; !errors.Is(err, gatt.ErrSlowConsumer) {
						t.Errorf("connected: %v", err)
					}
				} else if err != nil {
					t.Error(err)
				}
				<-sent
				got.want(t, want...)
				part(central, peripheral)
			})
		})
	}
}

// A subscription follows its characteristic to where it has moved, between two connections and during one.
func TestSubscriptionFollowsItsCharacteristic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		var got inbox
		x.central.Subscribe(peripheralAddress, x.reading.UUID, got.add)
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		rest()
		part(central, peripheral)
		for i := range 2 {
			var central, peripheral *gap.Conn
			if i == 1 {
				central, peripheral = x.connect(t, smp.LevelNone)
				rest()
			}
			moved := *x.reading
			service := &gatt.Service{UUID: gatt.PulseOximeter, Handle: uint16(0x100 * (i + 1)), Characteristics: []*gatt.Characteristic{&moved}}
			if err := x.server.Change([]*gatt.Service{x.services[0]}, []*gatt.Service{service}); err != nil {
				t.Fatal(err)
			}
			x.reading, x.services[0] = &moved, service
			if i == 0 {
				central, peripheral = x.connect(t, smp.LevelNone)
			}
			rest()
			if err := x.server.Notify(t.Context(), x.reading, []byte("moved")); err != nil {
				t.Error(err)
			}
			got.want(t, "moved")
			part(central, peripheral)
		}
	})
}

// What is in the way of a subscription is told.
func TestSubscriptionFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		x.central.Subscribe(peripheralAddress, gatt.BatteryLevel, func([]byte) {})
		central, peripheral := x.connect(t, smp.LevelNone)
		defer part(central, peripheral)
		rest()
		if n := x.log.count(func(d any) bool {
			f, ok := d.(gap.SubscriptionFailed)
			return ok && f.UUID == gatt.BatteryLevel && errors.Is(f.Err, gap.ErrNoCharacteristic)
		}); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// A wish may be ended by its own handler; after that nothing comes any more, and the peer is told.
func TestSubscriptionClosedByItsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		var got inbox
		var s *gap.Subscription
		s = x.central.Subscribe(peripheralAddress, x.reading.UUID, func(value []byte) {
			got.add(value)
			if string(value) == "2" {
				s.Close()
				s.Close()
			}
		})
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		defer part(central, peripheral)
		rest()
		for _, value := range []string{"1", "2", "3", "4"} {
			if err := x.server.Notify(t.Context(), x.reading, []byte(value)); err != nil {
				t.Error(err)
			}
		}
		got.want(t, "1", "2")
		if n := x.server.Subscribers(x.reading); n != 0 {
			t.Errorf("%d subscribers", n)
		}
		again := x.central.Subscribe(peripheralAddress, x.reading.UUID, got.add) // on the connection that there is
		rest()
		if err := x.server.Notify(t.Context(), x.reading, []byte("5")); err != nil {
			t.Error(err)
		}
		got.want(t, "5")
		again.Close()
	})
}

// A slow handler of a wish that loses values on a controller without flow control has that told, and its values are whole
// up to there.
func TestSubscriptionTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		_ = x.central.Close()
		x.radios[0].Refuse(hci.OpHostBufferSize, hci.UnknownHCICommand)
		var err error
		if x.central, err = gap.Open(t.Context(), x.radios[0].Conn(), gap.Config{Security: x.security[0], Events: x.log.add}); err != nil {
			t.Fatal(err)
		}
		wake, next := make(chan struct{}), 0
		x.central.Subscribe(peripheralAddress, x.reading.UUID, func(value []byte) {
			<-wake
			if string(value) != fmt.Sprint(next) {
				t.Errorf("%s where %d comes next", value, next)
			}
			next++
		})
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		rest()
		for i := 0; i < gatt.DefaultQueue && peripheral.Err() == nil; i++ { // each is more than an octet
			_ = x.server.Notify(t.Context(), x.reading, fmt.Append(nil, i))
		}
		close(wake)
		if peripheral.Err() == nil {
			t.Fatal("the link has not ended")
		}
		<-central.Ended()
		<-peripheral.Ended()
		rest()
		if n := x.log.count(func(d any) bool {
			f, ok := d.(gap.SubscriptionFailed)
			return ok && f.UUID == x.reading.UUID && errors.Is(f.Err, gatt.ErrSlowConsumer)
		}); n != 1 || next < 1000 {
			t.Errorf("told %d times, after %d values", n, next)
		}
		if n := x.log.count(func(d any) bool {
			e, ok := d.(gap.Disconnected)
			return ok && errors.Is(e.Err, gatt.ErrSlowConsumer)
		}); n != 1 {
			t.Errorf("the end of %d connections was told with its reason", n)
		}
	})
}
