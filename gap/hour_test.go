package gap_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

const (
	hourLinks = 32
	hour      = time.Hour
)

// An hourHost is one host on the air with what it took to make it.
type hourHost struct {
	*gap.Host
	radio   *virtual.Controller
	reading *gatt.Characteristic
}

func openHourHost(t *testing.T, air *virtual.Air) hourHost {
	t.Helper()
	h := hourHost{radio: air.NewController(virtual.ControllerConfig{Links: hourLinks + 1}), reading: &gatt.Characteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify}}
	server, err := gatt.NewServer(gatt.ServerConfig{Services: []*gatt.Service{{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{h.reading}}}})
	if err != nil {
		t.Fatal(err)
	}
	if h.Host, err = gap.Open(t.Context(), h.radio.Conn(), gap.Config{Server: server}); err != nil {
		t.Fatal(err)
	}
	return h
}

// serve accepts centrals until ctx ends, and sends each the numbers from 0 on in bursts until its link has ended.
func (h hourHost) serve(ctx context.Context, t *testing.T, wg *sync.WaitGroup, seed uint64, sent *atomic.Int64) {
	for c, err := range h.Accept(ctx, gap.AdvertiseConfig{}) {
		if err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
		seed++
		rnd := rand.New(rand.NewPCG(seed, 1))
		wg.Go(func() {
			for n := uint32(0); c.Err() == nil; {
				time.Sleep(time.Duration(rnd.IntN(8000)) * time.Millisecond)
				for range rnd.IntN(8) {
					if c.Server().Notify(ctx, h.reading, binary.LittleEndian.AppendUint32(nil, n)) != nil {
						break // not subscribed yet, or the link has ended
					}
					n++
					sent.Add(1)
				}
			}
		})
	}
}

// listen connects to a peripheral again and again, until the hour is over: it takes its numbers in order, until somebody
// ends the link, whom nobody expected.
func (h hourHost) listen(ctx context.Context, t *testing.T, from hourHost, rnd *rand.Rand, links, got *atomic.Int64) {
	for ctx.Err() == nil {
		c, err := h.Connect(ctx, from.radio.Address(), gap.ConnectConfig{})
		if err != nil {
			continue // 10 % of what is on air gets lost, that of connecting too
		}
		links.Add(1)
		next := uint32(0)
		if cs, err := c.Client().FindCharacteristics(ctx, gatt.PLXContinuousMeasurement); err == nil && len(cs) == 1 {
			_, _ = c.Client().Subscribe(ctx, cs[0], func(v []byte) {
				if n := binary.LittleEndian.Uint32(v); n != next {
					t.Errorf("%v: value %d where %d comes next", from.radio.Address(), n, next)
				}
				next++
				got.Add(1)
			})
		}
		end := time.NewTimer(time.Duration(rnd.IntN(600)) * time.Second)
		select {
		case <-end.C:
			switch rnd.IntN(3) {
			case 0:
				c.Disconnect(hci.RemoteUserTerminatedConnection)
			case 1:
				from.radio.DropLinks(hci.ConnectionTimeout)
			default:
				from.radio.SetSilent(true)
				<-c.Done()
				from.radio.SetSilent(false)
			}
		case <-c.Done():
		case <-ctx.Done():
			c.Disconnect(hci.RemoteUserTerminatedConnection)
		}
		end.Stop()
		<-c.Ended()
	}
}

// Complaints 3, 10, 17, 18 and 26, for an hour: a host with 32 connections, central on half of them and peripheral on the
// others, all with values, a tenth of what is on air lost, and links that end from every side at any time. Values come in
// order without a gap until the end of their link; and in the end every credit is back, and nothing is left.
func TestThirtyTwoConnectionsForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		air := virtual.NewAir(virtual.AirConfig{Loss: 0.1, Seed: 7})
		hub := openHourHost(t, air)
		hosts := []hourHost{hub}
		ctx, cancel := context.WithTimeout(t.Context(), hour)
		defer cancel()
		var wg sync.WaitGroup
		var links, sent, got atomic.Int64
		wg.Go(func() { hub.serve(ctx, t, &wg, 1000, &sent) })
		for i := range hourLinks {
			other, rnd := openHourHost(t, air), rand.New(rand.NewPCG(uint64(i), 2))
			hosts = append(hosts, other)
			if i%2 == 0 {
				wg.Go(func() { other.serve(ctx, t, &wg, uint64(i)*100, &sent) })
				wg.Go(func() { hub.listen(ctx, t, other, rnd, &links, &got) })
			} else {
				wg.Go(func() { other.listen(ctx, t, hub, rnd, &links, &got) })
			}
		}
		most := 0
		for ctx.Err() == nil {
			time.Sleep(10 * time.Second)
			most = max(most, len(hub.Conns()))
		}
		wg.Wait()
		time.Sleep(time.Minute) // until links that nobody hears any more are over
		for i, h := range hosts {
			s, err := h.Stats()
			if c := s.Controller; err != nil || len(s.Connections) != 0 || c.Connections != 0 || c.BuffersFree != c.Buffers || c.Withheld != 0 || c.Waiting != 0 ||
				c.Malformed+c.UnexpectedAnswers+c.ExcessCompletions+c.BufferOverflows+c.ReturnsRefused+s.EventsLost != 0 {
				t.Errorf("host %d: %+v, %v", i, s, err)
			}
			if c := h.radio.Counters(); c.ACLOverCredit+c.CommandsOverCredit+c.HostExcess+c.Malformed+c.ACLBuffered+c.Links+c.HostHeld+c.EventsDropped != 0 {
				t.Errorf("radio %d: %+v", i, c)
			}
			_ = h.Close()
		}
		_ = air.Close()
		synctest.Wait()
		if n := goroutinesLeft(before); n > before+5 { // the runtime has some of its own
			t.Errorf("%d goroutines, %d before", n, before)
		}
		summary := fmt.Sprintf("%d links, %d at once, %d values sent, %d received", links.Load(), most, sent.Load(), got.Load())
		if t.Log(summary); most < hourLinks-4 || links.Load() < 4*hourLinks || got.Load() < sent.Load()*9/10 {
			t.Error(summary)
		}
	})
}
