package gatt_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// A deadBearer takes everything and goes nowhere, except that it agrees to every write.
type deadBearer struct {
	receive func(pdu []byte, sec att.Security)
	done    chan struct{}
	end     sync.Once
}

var writeResponse = att.WriteResponse{}.AppendTo(nil)

func (b *deadBearer) Send(_ context.Context, pdu []byte) error {
	if att.Opcode(pdu[0]) == att.OpWriteRequest {
		b.receive(writeResponse, att.Security{})
	}
	return nil
}
func (b *deadBearer) Reply([]byte) error    { return nil }
func (b *deadBearer) MaxMTU() int           { return 517 }
func (b *deadBearer) Enhanced() bool        { return false }
func (b *deadBearer) Disconnect(error)      { b.end.Do(func() { close(b.done) }) }
func (b *deadBearer) Done() <-chan struct{} { return b.done }
func (b *deadBearer) Err() error            { return nil }

// onDeadBearer gives a Conn without a peer.
func onDeadBearer(t testing.TB, cfg gatt.Config) (*gatt.Conn, *deadBearer) {
	b := &deadBearer{done: make(chan struct{})}
	c := gatt.NewConn(b, cfg)
	b.receive = c.Receive
	t.Cleanup(func() { b.Disconnect(nil); c.Wait() })
	return c, b
}

// hotPaths are what happens all the time, each step complete when it returns.
var hotPaths = []struct {
	name string
	make func(t testing.TB) (step func())
}{
	{"notification to handler", func(t testing.TB) func() {
		got := make(chan byte, 1)
		c, _ := onDeadBearer(t, gatt.Config{})
		_, err := c.Client().Subscribe(bg, remote(gatt.Notify, 9), func(value []byte) { got <- value[0] })
		wantNil(t, err)
		pdu := append([]byte{0x1B, 9, 0}, longValue[:20]...)
		return func() { c.Receive(pdu, encrypted); <-got }
	}},
	{"indication to handler", func(t testing.TB) func() {
		got := make(chan byte, 1)
		c, _ := onDeadBearer(t, gatt.Config{})
		_, err := c.Client().Subscribe(bg, remote(gatt.Indicate, 9), func(value []byte) { got <- value[0] })
		wantNil(t, err)
		pdu := append([]byte{0x1D, 9, 0}, longValue[:20]...)
		return func() { c.Receive(pdu, encrypted); <-got }
	}},
	{"value for nobody", func(t testing.TB) func() {
		c, _ := onDeadBearer(t, gatt.Config{})
		pdu := append([]byte{0x1B, 9, 0}, longValue[:20]...)
		return func() { c.Receive(pdu, encrypted) }
	}},
	{"write command to bearer", func(t testing.TB) func() {
		c, _ := onDeadBearer(t, gatt.Config{})
		client, value := c.Client(), longValue[:20]
		return func() { _ = client.WriteCommand(bg, 9, value) }
	}},
	{"write and answer", func(t testing.TB) func() {
		c, _ := onDeadBearer(t, gatt.Config{})
		client, value := c.Client(), longValue[:20]
		return func() { _ = client.Write(bg, 9, value) }
	}},
	{"server notifies a client", func(t testing.TB) func() {
		ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify}
		server := bare(t, ch)
		a, b := atttest.NewBearers(atttest.Options{})
		attach(t, b, gatt.Config{Server: server})
		client := attach(t, a, gatt.Config{}).Client()
		got := make(chan byte, 1)
		_, err := client.Subscribe(bg, remote(gatt.Notify, 3), func(value []byte) { got <- value[0] })
		wantNil(t, err)
		value := longValue[:20]
		return func() { _ = server.Notify(bg, ch, value); <-got }
	}},
	{"long read", func(t testing.TB) func() {
		ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Read, Value: longValue}
		a, b := atttest.NewBearers(atttest.Options{})
		attach(t, b, gatt.Config{Server: bare(t, ch)})
		client := attach(t, a, gatt.Config{}).Client()
		buf := make([]byte, 512)
		return func() { _, _ = client.ReadInto(bg, 3, buf) }
	}},
}

func TestHotPathsAllocateNothing(t *testing.T) {
	if raceEnabled {
		return
	}
	for _, p := range hotPaths {
		t.Run(p.name, func(t *testing.T) {
			step := p.make(t)
			for range 100 {
				step() // buffers grow
			}
			if n := testing.AllocsPerRun(1000, step); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func BenchmarkHotPath(b *testing.B) {
	for _, p := range hotPaths {
		b.Run(p.name, func(b *testing.B) {
			step := p.make(b)
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
