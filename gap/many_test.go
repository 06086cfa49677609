package gap_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// streamed is the characteristic whose values are numbers.
var streamed = gatt.PLXContinuousMeasurement

// A node is a host that serves a stream of numbers to whoever subscribes, as long as that lasts.
type node struct {
	*gap.Host
	t      *testing.T
	radio  *virtual.Controller
	server *gatt.Server
	value  *gatt.Characteristic
	period time.Duration
	stop   *atomic.Bool // no more values

	mu   sync.Mutex
	sent map[string]uint32 // the last number for each peer
	wg   sync.WaitGroup    // the streams
}

func newNode(t *testing.T, air *virtual.Air, radio virtual.ControllerConfig, period time.Duration, stop *atomic.Bool) *node {
	t.Helper()
	n := &node{t: t, period: period, stop: stop, sent: map[string]uint32{}}
	name := radio.Name
	n.radio = air.NewController(radio)
	n.value = &gatt.Characteristic{UUID: streamed, Properties: gatt.Notify, Subscribed: n.subscribed}
	var err error
	if n.server, err = gatt.NewServer(gatt.ServerConfig{Name: name, Services: []*gatt.Service{{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{n.value}}}}); err != nil {
		t.Fatal(err)
	}
	if n.Host, err = gap.Open(t.Context(), n.radio.Conn(), gap.Config{Server: n.server}); err != nil {
		t.Fatal(err)
	}
	return n
}

// subscribed begins a stream, on a goroutine that ends with the link.
func (n *node) subscribed(to *gatt.ServerConn, notify, _ bool) {
	if !notify {
		return
	}
	peer := to.Tag().(*gap.Conn)
	n.wg.Go(func() {
		for i := uint32(0); ; {
			select {
			case <-time.After(n.period):
			case <-peer.Done():
				return
			}
			if n.stop.Load() {
				continue
			}
			if err := to.Notify(n.t.Context(), n.value, binary.LittleEndian.AppendUint32(nil, i)); err != nil {
				return
			}
			n.mu.Lock()
			n.sent[peer.OnAir().Text()] = i
			n.mu.Unlock()
			i++
		}
	})
}

func (n *node) lastSent(to hci.Address) uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sent[to.Text()]
}

// A reader keeps a connection to a node and reads its stream.
type reader struct {
	t        *testing.T
	from, to *node
	level    smp.Level
	last     atomic.Int64 // the last number on this connection, -1 for none
	total    atomic.Int64
	visits   atomic.Int64
}

// keep runs until ctx ends.
func (r *reader) keep(ctx context.Context) {
	cfg := gap.KeepConfig{ConnectConfig: gap.ConnectConfig{Security: r.level}, Limits: map[hci.Status]int{},
		Backoff: gap.Backoff{First: 500 * time.Millisecond, Max: 5 * time.Second}}
	err := r.to.Keep(ctx, r.from.radio.Address(), cfg, func(ctx context.Context, c *gap.Conn) error {
		r.visits.Add(1)
		r.last.Store(-1)
		found, err := c.Client().FindCharacteristics(ctx, streamed)
		if err == nil {
			_, err = c.Client().Subscribe(ctx, found[0], r.read)
		}
		if err != nil && c.Err() == nil && ctx.Err() == nil {
			r.t.Errorf("%v: subscribe: %v", r.from.radio, err)
		}
		select {
		case <-c.Done():
			return c.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if ctx.Err() == nil {
		r.t.Errorf("%v: Keep: %v", r.from.radio, err)
	}
}

// read is given the values: whatever the first is, each is one more than the one before.
func (r *reader) read(value []byte) {
	n := int64(binary.LittleEndian.Uint32(value))
	if last := r.last.Swap(n); last >= 0 && n != last+1 {
		r.t.Errorf("%v: value %d behind %d", r.from.radio, n, last)
	}
	r.total.Add(1)
}

// A crowd is a hub with links to many others: to half of them as central, which it keeps up by an accept list that is
// shorter, and to the other half as peripheral, which keep up theirs to it.
type crowd struct {
	t       *testing.T
	air     *virtual.Air
	hub     *node
	others  []*node
	readers []*reader
	stop    atomic.Bool
	wg      sync.WaitGroup
	cancel  context.CancelFunc
}

func newCrowd(t *testing.T, links int, period time.Duration, air virtual.AirConfig, radio virtual.ControllerConfig) *crowd {
	t.Helper()
	c := &crowd{t: t, air: virtual.NewAir(air)}
	radio.Name = "hub"
	c.hub = newNode(t, c.air, radio, period, &c.stop)
	for i := range links {
		radio.Name = fmt.Sprint("other ", i)
		other := newNode(t, c.air, radio, period, &c.stop)
		c.others = append(c.others, other)
		r := &reader{t: t, from: c.hub, to: other}
		if i%2 == 0 {
			r.from, r.to = other, c.hub
		}
		if i%8 < 2 { // these have a bond
			r.level = smp.LevelEncrypted
		}
		c.readers = append(c.readers, r)
	}
	return c
}

// run begins everything.
func (c *crowd) run() {
	ctx, cancel := context.WithCancel(c.t.Context())
	c.cancel = cancel
	serve := func(n *node) {
		c.wg.Go(func() {
			for conn, err := range n.Accept(ctx, gap.AdvertiseConfig{Interval: 200 * time.Millisecond}) {
				if err != nil {
					c.t.Errorf("%v: Accept: %v", n.radio, err)
					return
				}
				c.wg.Go(func() { <-conn.Ended() })
			}
		})
	}
	serve(c.hub)
	for i, r := range c.readers {
		if i%2 == 0 {
			serve(r.from)
		}
		c.wg.Go(func() { r.keep(ctx) })
	}
}

// up is how many links there are, seen from the hub.
func (c *crowd) up() int { return len(c.hub.Conns()) }

// settled stops the streams, lets what is under way arrive, and checks that it did: what was sent on a link that there is
// has been received.
func (c *crowd) settled() {
	c.t.Helper()
	c.stop.Store(true)
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	if n := c.up(); n != len(c.others) {
		c.t.Errorf("%d links in the end, want %d", n, len(c.others))
	}
	for _, r := range c.readers {
		sent := int64(r.from.lastSent(r.to.radio.Address()))
		if got := r.last.Load(); got != sent && got >= 0 {
			c.t.Errorf("%v to %v: %d is the last that arrived, %d that was sent", r.from.radio, r.to.radio, got, sent)
		}
	}
}

// end ends everything, and checks that nothing is left.
func (c *crowd) end(goroutines int) {
	c.t.Helper()
	c.cancel()
	for _, n := range append(c.others, c.hub) {
		for _, conn := range n.Conns() {
			conn.Disconnect(hci.RemoteUserTerminatedConnection)
		}
	}
	c.wg.Wait()
	for _, n := range append(c.others, c.hub) {
		n.wg.Wait()
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	if n := goroutinesLeft(goroutines); n > goroutines+5 { // the runtime has one of its own now and then
		c.t.Errorf("%d goroutines in the end, %d in the beginning", n, goroutines)
	}
	for _, n := range append(c.others, c.hub) {
		if free, total := n.Controller().Credits(); free != total {
			c.t.Errorf("%v: %d of %d credits", n.radio, free, total)
		}
		if links, err := n.Controller().Connections(); links != 0 || err != nil || len(n.Conns()) != 0 {
			c.t.Errorf("%v: %d connections in the driver (%v), %d in gap", n.radio, links, err, len(n.Conns()))
		}
		r := n.radio.Counters()
		if r.ACLFromHost != r.ACLCompleted+r.ACLFlushed || r.ACLBuffered+r.Links+r.ACLOverCredit+r.CommandsOverCredit+r.Malformed+r.EventsDropped+r.HostExcess+r.HostHeld != 0 {
			c.t.Errorf("%v: %+v", n.radio, r)
		}
		_ = n.Close()
	}
	_ = c.air.Close()
}

// goroutinesLeft is how many goroutines there are. The runtime's own number counts some that have ended, now and then
// and for good, so where that is more than want they are counted by their stacks.
func goroutinesLeft(want int) int {
	n := runtime.NumGoroutine()
	if n <= want {
		return n
	}
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	if _, err := fmt.Fscanf(&profile, "goroutine profile: total %d", &n); err != nil {
		return -1
	}
	return n
}

// TestThirtyTwoLinks has a host that is central of sixteen links and peripheral of sixteen others, all at once, on an accept
// list of eight (complaints 17 and 18).
func TestThirtyTwoLinks(t *testing.T) {
	for name, radio := range map[string]virtual.ControllerConfig{
		"Bluetooth 5.4": {}, "Bluetooth 4.0": {Version: 0x06}, "one buffer": {ACLBuffers: 1}, "a list of one": {AcceptListSize: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, 32, time.Second, virtual.AirConfig{}, radio)
				synctest.Wait()
				goroutines := runtime.NumGoroutine()
				c.run()
				time.Sleep(3 * time.Minute)
				if n := c.up(); n != 32 {
					t.Errorf("%d links after three minutes", n)
				}
				c.settled()
				for _, r := range c.readers {
					if r.visits.Load() != 1 || r.total.Load() < 100 {
						t.Errorf("%v to %v: %d connections, %d values", r.from.radio, r.to.radio, r.visits.Load(), r.total.Load())
					}
				}
				c.end(goroutines)
			})
		})
	}
}

// TestAnHourOfLoss streams on thirty-two links for an hour while one packet in ten gets lost on air, controllers take their
// time to tell what happened, and links are lost in every way: credits are conserved to the last, no goroutine and no entry in a table is left, and every value arrives in
// order, or its link has ended (complaints 3, 4, 9, 10, 17, 18, 21 and 26).
func TestAnHourOfLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		period := time.Second
		if raceEnabled { // which costs ten times as much
			period *= 2
		}
		c := newCrowd(t, 32, period, virtual.AirConfig{Loss: 0.1, Latency: 2 * time.Millisecond, Seed: 7}, virtual.ControllerConfig{})
		synctest.Wait()
		goroutines := runtime.NumGoroutine()
		c.run()
		random := rand.New(rand.NewPCG(5, 6))
		for end := time.Now().Add(time.Hour); time.Now().Before(end); {
			time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
			c.disturb(random)
		}
		c.settled()
		visits, total := int64(0), int64(0)
		for _, r := range c.readers {
			if r.visits.Load() < 10 || r.total.Load() < 1000 {
				t.Errorf("%v to %v: %d connections, %d values", r.from.radio, r.to.radio, r.visits.Load(), r.total.Load())
			}
			visits, total = visits+r.visits.Load(), total+r.total.Load()
		}
		t.Logf("%d connections, %d values", visits, total)
		c.end(goroutines)
	})
}

// disturb does something to somebody.
func (c *crowd) disturb(random *rand.Rand) {
	some := c.others[random.IntN(len(c.others))]
	switch random.IntN(12) {
	case 0, 1, 2:
		some.radio.DropLinks(hci.ConnectionTimeout)
	case 3, 4:
		some.radio.SetSilent(true)
		time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
		some.radio.SetSilent(false)
	case 5, 6:
		some.radio.MissConnectRequests(1 + random.IntN(3))
		some.radio.DropLinks(hci.ConnectionTimeout)
	case 7, 8:
		for _, conn := range some.Conns() {
			conn.Disconnect(hci.RemoteUserTerminatedConnection)
		}
	case 9, 10:
		if all := c.hub.Conns(); len(all) > 0 {
			all[random.IntN(len(all))].Disconnect(hci.RemoteDeviceLowResources)
		}
	case 11:
		if random.IntN(8) == 0 {
			c.hub.radio.DropLinks(hci.ConnectionTimeout) // everybody's
		}
	}
}
