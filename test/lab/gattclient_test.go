//go:build lab

package lab

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
)

// pattern is a value that shows where a part of it is missing.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

// TestGATTClient reads, writes and subscribes at BlueZ's server.
func TestGATTClient(t *testing.T) {
	const mtu = 185 // so that values are long
	r := newRoom(t)
	o := &oximeter{secureConnections: true}
	o.boot(t)
	c := reach(t, ownHost(t, gap.Config{MTU: mtu}), r.peer.Address().String())
	ctx, client := patiently(t), c.Client()
	services, err := client.Discover(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if client.MTU() != mtu {
		t.Errorf("MTU %d", client.MTU())
	}
	long, short := find(t, services, "cd02"), find(t, services, "cd05")
	if got, err := client.Read(ctx, long.ValueHandle); err != nil || !bytes.Equal(got, pattern(300)) {
		t.Errorf("long read: %x, %v", got, err)
	}
	write := func(what string, value []byte, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for got := ""; got != hex.EncodeToString(value); {
			got = o.event("written").Value
		}
		if got, err := client.Read(ctx, long.ValueHandle); err != nil || !bytes.Equal(got, value) {
			t.Errorf("read after %s: %x, %v", what, got, err)
		}
	}
	write("write", []byte("brief"), func() error { return client.Write(ctx, long.ValueHandle, []byte("brief")) })
	const most = 508 // bluetoothd 5.66 counts the four octets before the last part's value too
	write("long write", pattern(most), func() error { return client.Write(ctx, long.ValueHandle, pattern(most)) })
	write("write command", []byte("command"), func() error { return client.WriteCommand(ctx, long.ValueHandle, []byte("command")) })
	write("reliable write", pattern(400), func() error {
		return client.ReliableWrite(ctx, att.HandleValue{Handle: short.ValueHandle, Value: []byte("two at once")}, att.HandleValue{Handle: long.ValueHandle, Value: pattern(400)})
	})
	if got, err := client.Read(ctx, short.ValueHandle); err != nil || string(got) != "two at once" {
		t.Errorf("the other of the reliable write: %q, %v", got, err)
	}
	if err := client.Write(ctx, find(t, services, "cd01").ValueHandle, []byte{1}); !errors.Is(err, att.ErrWriteNotPermitted) {
		t.Errorf("write of what can't be: %v", err)
	}

	values := make(chan string, 100)
	subscribe := func(uuid string) *gatt.Subscription {
		t.Helper()
		s, err := client.Subscribe(ctx, find(t, services, uuid), func(v []byte) { values <- hex.EncodeToString(v) })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := subscribe("cd03")
	for i := range 5 {
		want := fmt.Sprintf("%02x", i)
		o.do("indicate " + want)
		if got := receive(t, "indication", values); got != want {
			t.Errorf("indication %s, want %s", got, want)
		}
		o.event("confirmed")
	}
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	subscribe("cd01")
	last := uint32(0)
	for range 10 {
		b, _ := hex.DecodeString(receive(t, "reading", values))
		if n := binary.LittleEndian.Uint32(b); last != 0 && n != last+1 {
			t.Errorf("reading %d came after %d", n, last)
		} else {
			last = n
		}
	}
	c.Disconnect(0x13)
}

// TestBurst has BlueZ notify as fast as it can, to a subscriber that sleeps at random, on a controller with and one without
// flow control towards the host. Whatever is not told is not passed over in silence.
func TestBurst(t *testing.T) {
	const size = 400
	for _, c := range []struct {
		name  string
		room  func(t *testing.T)
		count uint32
		nap   time.Duration // at the most
	}{
		{"virtual", func(t *testing.T) { newRoom(t) }, 500, 50 * time.Millisecond},
		{"btvirt", radio, 2000, time.Millisecond},
		{"btvirt, much too slow", radio, 2000, 200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.room(t)
			o := &oximeter{secureConnections: true}
			o.boot(t)
			conn := reach(t, ownHost(t, gap.Config{}), o.address)
			services, err := conn.Client().Discover(patiently(t))
			if err != nil {
				t.Fatal(err)
			}
			var told uint32
			done := make(chan struct{})
			s, err := conn.Client().Subscribe(patiently(t), find(t, services, "cd04"), func(v []byte) {
				if n := binary.LittleEndian.Uint32(v); len(v) != size || n != told+1 {
					t.Errorf("value %d of %d octets came after %d", n, len(v), told)
				}
				if told++; told == c.count {
					close(done)
				}
				if rand.IntN(10) == 0 {
					<-time.After(rand.N(c.nap)) // what it is about
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			o.event("acquired")
			o.do(fmt.Sprintf("burst %d %d", c.count, size))
			select {
			case <-done:
				t.Logf("all %d arrived", told)
			case <-s.Done():
				t.Logf("after %d: %v", told, s.Err())
				if !errors.Is(s.Err(), gatt.ErrSlowConsumer) {
					t.Errorf("the link ended by itself: %v", s.Err())
				}
			case <-time.After(3 * patience):
				t.Errorf("%d arrived, and nothing happens", told)
			}
		})
	}
}
