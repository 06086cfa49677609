package driver_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Complaint 9, data races: everything at once, on real goroutines, for the race detector, which the gates run this
// under. Connections are made, used, throttled and ended, commands sent, scans and questions begun, while the controllers
// go away in the middle of it.
func TestStress(t *testing.T) {
	for range 4 {
		air := virtual.NewAir(virtual.AirConfig{Instant: true})
		hub := onAir(t, air, virtual.ControllerConfig{ACLBuffers: 2, CommandPackets: 3})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var cycles atomic.Int64
		for range 3 {
			other := onAir(t, air, virtual.ControllerConfig{ACLBuffers: 2})
			wg.Go(func() {
				for ctx.Err() == nil {
					stressPair(ctx, hub, other)
					cycles.Add(1)
				}
			})
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				_ = hub.StartScan(ctx, driver.ScanParameters{})
				_ = hub.StopScan(ctx)
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				short, cancel := context.WithTimeout(ctx, time.Microsecond)
				_, _ = hub.Do(short, hci.LERand)
				cancel()
				_, _ = hub.Statistics()
				_, _ = hub.Connections()
				hub.Credits()
			}
		})
		for cycles.Load() < 60 {
			if _, err := hub.Do(ctx, hci.LERand); err != nil {
				t.Fatal(err)
			}
		}
		_ = hub.Close() // in the middle of everything
		cancel()
		wg.Wait()
		for _, l := range hub.host.links() {
			if _, _, ended := l.seen(); ended == nil || l.conn.Err() == nil {
				t.Error("a connection did not hear of its end")
			}
		}
		_ = air.Close()
	}
}

// stressPair makes a connection, uses it from several goroutines and ends it.
func stressPair(ctx context.Context, hub, other *station) {
	_ = other.begin(ctx, driver.AdvertisingParameters{Properties: hci.LegacyAdvInd})
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	conn, err := hub.Connect(short, other.radio.Address(), driver.ConnectParameters{})
	if err != nil {
		return
	}
	var ours *link
	for _, l := range hub.host.links() {
		if l.conn == conn {
			ours = l
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 20 {
			ours.send([]byte("data"), true)
		}
	})
	wg.Go(func() { _, _ = conn.RemoteVersion(short) })
	wg.Go(func() { _, _ = conn.RemoteFeatures(short) })
	wg.Go(func() { _ = conn.Encrypt([16]byte{}, [8]byte{}, 0) })
	wg.Go(func() {
		_ = conn.UpdateParameters(hci.ConnectionParameters{IntervalMin: 6, IntervalMax: 6, SupervisionTimeout: 100})
	})
	wg.Go(func() {
		for i := range 10 {
			conn.Throttle(i%2 == 0)
		}
	})
	wg.Go(func() { conn.Disconnect(hci.RemoteUserTerminatedConnection) })
	wg.Wait()
	select {
	case <-conn.Done():
	case <-ctx.Done():
	}
	conn.Disconnect(hci.RemoteUserTerminatedConnection)
	conn.Wake()
}
