package gatt_test

import (
	"context"
	"net"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// Levels of security.
var (
	plain         = att.Security{}
	encrypted     = att.Security{Encrypted: true, KeySize: 16}
	shortKey      = att.Security{Encrypted: true, KeySize: 7}
	authenticated = att.Security{Encrypted: true, Authenticated: true, KeySize: 16}
	justWorksSC   = att.Security{Encrypted: true, SecureConnections: true, KeySize: 16}
	level4        = att.Security{Encrypted: true, Authenticated: true, SecureConnections: true, KeySize: 16}
)

// attach makes a Conn on b. Both end with the test, and it waits for them.
func attach(t testing.TB, b *atttest.Bearer, cfg gatt.Config) *gatt.Conn {
	t.Helper()
	c := gatt.NewConn(b, cfg)
	b.Attach(c)
	t.Cleanup(func() {
		b.Disconnect(net.ErrClosed)
		b.Wait()
		c.Wait()
	})
	return c
}

// script gives a Conn with a scripted peer at the far end.
func script(t testing.TB, opts atttest.Options, cfg gatt.Config) (*gatt.Conn, *atttest.Peer) {
	t.Helper()
	near, far := atttest.NewBearers(opts)
	return attach(t, near, cfg), atttest.NewPeer(t, far)
}

// pair gives the two ends of a link.
func pair(t testing.TB, opts atttest.Options, a, b gatt.Config) (*gatt.Conn, *gatt.Conn) {
	t.Helper()
	endA, endB := atttest.NewBearers(opts)
	return attach(t, endA, a), attach(t, endB, b)
}

// newServer makes a server whose configuration is right.
func newServer(t testing.TB, cfg gatt.ServerConfig) *gatt.Server {
	t.Helper()
	s, err := gatt.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bare makes a server of one service with these characteristics: 0x0001 is the service.
func bare(t testing.TB, list ...*gatt.Characteristic) *gatt.Server {
	t.Helper()
	return newServer(t, gatt.ServerConfig{Bare: true, Services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: list}}})
}

// background does f on a goroutine, and gives its error.
func background(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

// wantNil fails the test because of an error.
func wantNil(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var bg = context.Background()

func contextWithCancel() (context.Context, context.CancelFunc) { return context.WithCancel(bg) }
