//go:build lab

package lab

import (
	"context"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
)

// ownHost opens a host of ours on hci0's user channel, in this process.
func ownHost(t *testing.T, cfg gap.Config) *gap.Host {
	t.Helper()
	conn, err := transport.Open(t.Context(), transport.Spec{Kind: transport.User}, transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return hostOn(t, conn, cfg)
}

// hostOn opens a host of ours on a controller. Its log goes to the test's.
func hostOn(t *testing.T, conn transport.Conn, cfg gap.Config) *gap.Host {
	t.Helper()
	cfg.Logger = logrus.New()
	cfg.Logger.SetOutput(testLog{t})
	cfg.Logger.SetLevel(logrus.DebugLevel)
	cfg.Logger.SetFormatter(&logrus.TextFormatter{TimestampFormat: time.StampMilli, FullTimestamp: true})
	h, err := gap.Open(t.Context(), conn, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Logf("%s", b)
	return len(b), nil
}

// patiently is a context that bounds a step of a test.
func patiently(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// publicAddress reads an address as BlueZ prints it.
func publicAddress(t *testing.T, text string) hci.Address {
	t.Helper()
	a, _, err := hci.ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// reach connects a host of ours, with an encrypted link.
func reach(t *testing.T, h *gap.Host, address string) *gap.Conn {
	t.Helper()
	c, err := h.Connect(patiently(t), publicAddress(t, address), gap.ConnectConfig{Security: smp.LevelEncrypted})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// find is the characteristic of that kind.
func find(t *testing.T, services []gatt.RemoteService, uuid string) gatt.RemoteCharacteristic {
	t.Helper()
	for _, s := range services {
		for _, ch := range s.Characteristics {
			if ch.UUID.String() == uuid {
				return ch
			}
		}
	}
	t.Fatalf("no characteristic %s in %+v", uuid, services)
	return gatt.RemoteCharacteristic{}
}

// receive waits for a value of a channel.
func receive[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("no %s within %v", what, patience)
	}
	return v
}

// accepting has a host advertise until the end of the test, and returns those who connect.
func accepting(t *testing.T, h *gap.Host) <-chan *gap.Conn {
	t.Helper()
	conns, done := make(chan *gap.Conn, 8), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		for c, err := range h.Accept(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "Lab box"}}) {
			if err != nil {
				t.Errorf("advertise: %v", err)
				return
			}
			conns <- c
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return conns
}
