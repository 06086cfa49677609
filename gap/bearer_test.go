package gap_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

// Enhanced bearers are opened on an encrypted link, as many as both sides have, and carry requests and indications side by side
// (Vol 3, Part G, 5.3, 5.4).
func TestBearers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		asked := make(chan struct{}, 8)
		wait := &gatt.Characteristic{UUID: gatt.BatteryLevel, Properties: gatt.Read, Read: func(_ context.Context, _ *gatt.ServerConn) ([]byte, error) {
			asked <- struct{}{}
			<-slow
			return []byte{97}, nil
		}}
		p := newPair(t, pairConfig{bearers: [2]int{4, 3}, services: []*gatt.Service{{UUID: gatt.HeartRate, Characteristics: []*gatt.Characteristic{wait}}}})
		defer p.close()
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := central.OpenBearers(t.Context(), 4); n != 3 || err != nil {
			t.Fatalf("%d bearers, %v", n, err)
		}
		synctest.Wait()
		if !central.Security().Encrypted || central.Bearers() != 4 || peripheral.Bearers() != 4 {
			t.Errorf("encrypted %v, %d and %d bearers", central.Security().Encrypted, central.Bearers(), peripheral.Bearers())
		}
		if n, err := central.OpenBearers(t.Context(), 2); n != 3 || err != nil {
			t.Errorf("once more: %d bearers, %v", n, err)
		}
		// The server is busy with one read on each bearer, and serves all.
		var reads sync.WaitGroup
		handle := p.server.Handle(wait)
		for range 4 {
			reads.Go(func() {
				if v, err := central.Client().Read(t.Context(), handle); err != nil || len(v) != 1 || v[0] != 97 {
					t.Errorf("% x, %v", v, err)
				}
			})
		}
		for range 4 {
			<-asked
		}
		close(slow)
		reads.Wait()
		got := make(chan byte, 8)
		if _, err := p.subscribe(t.Context(), central, func(value []byte) { got <- value[0] }); err != nil {
			t.Fatal(err)
		}
		if err := p.server.Notify(t.Context(), p.reading, []byte{7}); err != nil || <-got != 7 {
			t.Error(err)
		}
		p.radios[0].DropLinks(hci.ConnectionTimeout)
		<-central.Ended()
		<-peripheral.Ended()
	})
}

// Who has no enhanced bearers offers none, and refuses them as it refuses whatever it does not listen for; who has them
// refuses the other mode, and wants encryption.
func TestBearersThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{bearers: [2]int{2, 0}})
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{Security: smp.LevelEncrypted})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := central.OpenBearers(t.Context(), 1); n != 0 || !errors.Is(err, gap.ErrNoBearers) {
			t.Errorf("%d bearers, %v", n, err)
		}
		if _, err := central.DialEnhanced(t.Context(), 0x27, 1, l2cap.ChannelConfig{}); !errors.Is(err, l2cap.SPSMNotSupported) {
			t.Errorf("a bearer where there are none: %v", err)
		}
		if n, err := peripheral.OpenBearers(t.Context(), 1); n != 0 || err != nil {
			t.Errorf("none wanted: %d, %v", n, err)
		}
		p.close()

		p = newPair(t, pairConfig{bearers: [2]int{2, 2}})
		defer p.close()
		if central, _, err = p.connect(t.Context(), gap.ConnectConfig{}); err != nil {
			t.Fatal(err)
		}
		if _, err := central.Dial(t.Context(), 0x27, l2cap.ChannelConfig{}); !errors.Is(err, l2cap.SPSMNotSupported) {
			t.Errorf("a bearer in the other mode: %v", err)
		}
		if central.Security().Encrypted {
			t.Error("encrypted for nothing")
		}
		if all, err := central.DialEnhanced(t.Context(), 0x27, 2, l2cap.ChannelConfig{MTU: 64}); err != nil || len(all) != 2 {
			t.Fatalf("channels: %v, %v", all, err)
		} else if !central.Security().Encrypted {
			t.Error("bearers in the clear")
		} else if _, err := central.DialEnhanced(t.Context(), 0x27, 1, l2cap.ChannelConfig{}); !errors.Is(err, l2cap.NoResources) {
			t.Errorf("one too many: %v", err)
		}
	})
}
