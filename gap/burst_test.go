package gap_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

const (
	burstValue = 20 // octets
	// underWay is how many values may have been sent and not handled: what the subscriber's queue holds, with eight octets for
	// each, the buffers of its host, and what is before and in the sender's controller and the subscriber's.
	underWay = gatt.DefaultQueue/2/(burstValue+8) + driver.HostBuffers + 100
)

// Complaint 27: notifications are lost in silence. A subscriber that sleeps at random, and reads, has a burst of 100,000 values (a
// tenth under the race detector) whole and in order where its controller can make the peer wait, and what waits is bounded. On another controller it has
// them, or the link ends with ErrSlowConsumer and there is no gap before that.
func TestBurst(t *testing.T) {
	for _, c := range []struct {
		name        string
		unsupported []hci.Opcode
		reads       bool
		instant     bool          // values come as fast as can be
		pause       time.Duration // the longest
	}{
		{"flow control", nil, false, true, 100 * time.Millisecond},
		{"flow control, and the handler reads", nil, true, false, 1500 * time.Millisecond},
		{"no flow control", []hci.Opcode{hci.OpHostBufferSize}, false, true, 100 * time.Millisecond},
		{"no flow control, and the handler is quick enough", []hci.Opcode{hci.OpHostBufferSize}, true, false, 500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, pairConfig{air: virtual.AirConfig{Instant: c.instant}, radio: virtual.ControllerConfig{Unsupported: c.unsupported}})
				defer p.close()
				central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
				if err != nil {
					t.Fatal(err)
				}
				defer part(central, peripheral)
				s := &sleeper{t: t, random: rand.New(rand.NewPCG(1, 2)), pause: c.pause, bound: underWay, all: make(chan struct{})}
				if c.reads { // what comes while an answer is waited for
					s.bound += gatt.DefaultQueue / 4 / (burstValue + 8)
					s.reads = func() error { _, err := central.Client().Read(t.Context(), 1); return err }
				}
				if !p.central.Controller().Info().HostFlow {
					s.bound = burst
				}
				subscription, err := p.subscribe(t.Context(), central, s.handle)
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					for i := range uint32(burst) {
						value := binary.LittleEndian.AppendUint32(make([]byte, burstValue-4, burstValue), i)
						if s.sent.Add(1); peripheral.Server().Notify(t.Context(), p.reading, value) != nil {
							return
						}
					}
				}()
				select {
				case <-s.all:
				case <-subscription.Done():
					if c.unsupported == nil || !errors.Is(subscription.Err(), gatt.ErrSlowConsumer) {
						t.Errorf("ended after %d values: %v", s.next, subscription.Err())
					}
					<-central.Done()
					if !errors.Is(central.Err(), gatt.ErrSlowConsumer) {
						t.Errorf("the link ended by %v", central.Err())
					}
				}
				t.Logf("%d values, %d under way at the most", s.next, s.most)
			})
		})
	}
}

// A sleeper is a handler of numbered values that takes its time.
type sleeper struct {
	t      *testing.T
	random *rand.Rand
	pause  time.Duration
	reads  func() error // if not nil, done now and then
	sent   atomic.Int64
	bound  int
	all    chan struct{} // closed with the last value

	next, most int // the handler's
}

func (s *sleeper) handle(value []byte) {
	if n := int(binary.LittleEndian.Uint32(value[burstValue-4:])); n != s.next {
		s.t.Errorf("value %d where %d comes next", n, s.next)
	}
	s.next++
	if s.most = max(s.most, int(s.sent.Load())-s.next); s.most > s.bound {
		s.t.Errorf("%d values are under way", s.most)
		s.bound = burst
	}
	switch {
	case s.random.IntN(100) == 0:
		time.Sleep(time.Duration(s.random.Int64N(int64(s.pause))))
	case s.reads != nil && s.random.IntN(100) == 0:
		if err := s.reads(); err != nil {
			s.t.Errorf("read after %d values: %v", s.next, err)
		}
	}
	if s.next == burst {
		close(s.all)
	}
}

// A peer that is made to wait for a slow subscriber is answered nevertheless when it asks for something itself, while it still
// has patience, and the end of the values is not the end of the link.
func TestSlowSubscriberAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newAcquainted(t)
		defer x.close()
		_ = x.central.Close()
		level := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Value: []byte{97}}
		server, err := gatt.NewServer(gatt.ServerConfig{Services: []*gatt.Service{{UUID: gatt.Battery, Characteristics: []*gatt.Characteristic{level}}}})
		if err != nil {
			t.Fatal(err)
		}
		if x.central, err = gap.Open(t.Context(), x.radios[0].Conn(), gap.Config{Security: x.security[0], Server: server}); err != nil {
			t.Fatal(err)
		}
		var handled atomic.Int32
		x.central.Subscribe(peripheralAddress, x.reading.UUID, func([]byte) {
			handled.Add(1)
			time.Sleep(50 * time.Millisecond)
		})
		central, peripheral := x.connect(t, smp.LevelEncrypted)
		defer part(central, peripheral)
		rest()
		const count = 8000 // more than half a queue
		told := make(chan struct{})
		go func() {
			defer close(told)
			for range count {
				_ = x.server.Notify(t.Context(), x.reading, make([]byte, burstValue))
			}
		}()
		time.Sleep(2 * time.Minute)
		for range 3 {
			began := time.Now()
			value, err := peripheral.Client().Read(t.Context(), server.Handle(level))
			if took := time.Since(began); err != nil || len(value) != 1 || took > 20*time.Second {
				t.Errorf("read %x in %v: %v", value, took, err)
			}
		}
		<-told
		time.Sleep(10 * time.Minute)
		if handled.Load() != count || central.Err() != nil {
			t.Errorf("%d values, %v", handled.Load(), central.Err())
		}
	})
}
