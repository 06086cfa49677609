package gap_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// train is periodic advertising of the peripheral.
func train(t *testing.T, h *gap.Host, data []byte) *gap.Advertising {
	t.Helper()
	return advertising(t, h, gap.AdvertiseConfig{Extended: true, NonConnectable: true, SID: 3,
		Periodic: &gap.PeriodicConfig{Interval: 50 * time.Millisecond, Data: data}})
}

var trainConfig = gap.SyncConfig{Advertiser: peripheralAddress, SID: 3, Timeout: 2 * time.Second}

// What is advertised periodically is followed, found by what a Scan tells, and what it says can change.
func TestSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a := train(t, p.peripheral, []byte{2, 9, 'a'})
		defer a.Close()
		var cfg gap.SyncConfig
		for ad, err := range p.central.Scan(t.Context(), gap.ScanConfig{Passive: true}) {
			if err != nil || ad.PeriodicInterval != 50*time.Millisecond {
				t.Fatalf("%+v, %v", ad, err)
			}
			cfg = gap.SyncConfig{Advertiser: ad.Identity, SID: ad.SID}
			break
		}
		n := 0
		for r, err := range p.central.Sync(t.Context(), cfg) {
			if n++; n == 1 {
				if err := a.UpdatePeriodic(t.Context(), []byte{3, 9, 'b', 'c'}); err != nil {
					t.Error(err)
				}
			}
			if err != nil || r.Truncated || r.Missed || r.Event != -1 || r.Subevent != -1 || r.RSSI != -50 {
				t.Fatalf("%+v, %v", r, err)
			}
			if r.Data.Name() == "bc" {
				break
			}
		}
		if n < 2 || n > 5 {
			t.Errorf("%d reports", n)
		}

		s, err := p.central.NewSync(t.Context(), trainConfig)
		if err != nil {
			t.Fatal(err)
		}
		if identity, onAir := s.Advertiser(); identity != peripheralAddress || onAir != peripheralAddress || s.SID() != 3 || s.PHY() != hci.LE1M || s.Interval() != 50*time.Millisecond {
			t.Errorf("%v %v %d %v %v", identity, onAir, s.SID(), s.PHY(), s.Interval())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		heard := 0
		for _, err := range s.Reports(ctx) {
			if heard++; err != nil {
				t.Error(err)
			}
		}
		if heard < 19 || heard > 21 {
			t.Errorf("%d reports in a second", heard)
		}
		for range 2 {
			if err := s.Close(); err != nil || !errors.Is(s.Err(), net.ErrClosed) {
				t.Errorf("Close: %v, %v", err, s.Err())
			}
		}
	})
}

// Data of every length come whole.
func TestLongPeriodicData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a := train(t, p.peripheral, nil)
		defer a.Close()
		s, err := p.central.NewSync(t.Context(), trainConfig)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, n := range []int{0, 1, 247, 248, 252, 253, 504, 505, 1650} {
			data := bytes.Repeat([]byte{byte(n)}, n)
			if err := a.UpdatePeriodic(t.Context(), data); err != nil {
				t.Fatalf("%d: %v", n, err)
			}
			skip := 0 // what was on its way
			for r, err := range s.Reports(t.Context()) {
				if bytes.Equal(r.Data, data) && !r.Truncated && err == nil {
					break
				}
				if skip++; skip > 40 {
					t.Fatalf("%d octets: %d, truncated: %v, %v", n, len(r.Data), r.Truncated, err)
				}
			}
		}
		if err := a.UpdatePeriodic(t.Context(), make([]byte, 1651)); !errors.Is(err, hci.PacketTooLong) {
			t.Errorf("1651 octets: %v", err)
		}
	})
}

// What is not heard any more is lost, after what was heard has been yielded; and the end of ctx is none.
func TestSyncEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a := train(t, p.peripheral, []byte{2, 9, 'a'})
		n := 0
		var last error
		for _, err := range p.central.Sync(t.Context(), trainConfig) {
			if n++; n == 5 {
				time.Sleep(time.Second) // slow, but nothing is lost of that
				_ = a.Close()
			}
			last = err
		}
		if !errors.Is(last, gap.ErrSyncLost) || n < 20 {
			t.Errorf("after %d: %v", n, last)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, err := range p.central.Sync(ctx, trainConfig) { // there is nobody
			t.Errorf("%v", err)
		}
		if _, err := p.central.NewSync(ctx, trainConfig); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("NewSync: %v", err)
		}
		if _, err := p.central.NewSync(t.Context(), gap.SyncConfig{Timeout: time.Hour}); !errors.Is(err, hci.InvalidHCICommandParameters) {
			t.Errorf("a time-out of an hour: %v", err)
		}
		b := train(t, p.peripheral, nil) // all that was left behind is cleared away
		defer b.Close()
		for range p.central.Sync(t.Context(), trainConfig) {
			break
		}
	})
}

// A loop that is slow for too long loses reports, and they are counted.
func TestSlowSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		defer train(t, p.peripheral, nil).Close()
		s, err := p.central.NewSync(t.Context(), trainConfig)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		time.Sleep(time.Minute)
		if n := s.Dropped(); n < 1000 {
			t.Errorf("%d were dropped", n)
		}
	})
}

// The end of the controller ends what it follows; its advertising goes on when it is back.
func TestSyncAndRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		radio := p.air.NewController(virtual.ControllerConfig{})
		h, err := gap.Open(t.Context(), radio.Conn(), gap.Config{Recovery: gap.Recovery{Rungs: []gap.Rung{{Name: "reopen", Open: func(context.Context) (transport.Conn, error) { return radio.Conn(), nil }}}}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		a := train(t, h, []byte{2, 9, 'a'})
		defer a.Close()
		if err := a.UpdatePeriodic(t.Context(), []byte{2, 9, 'b'}); err != nil {
			t.Fatal(err)
		}
		defer train(t, p.peripheral, nil).Close()
		s, err := h.NewSync(t.Context(), trainConfig)
		if err != nil {
			t.Fatal(err)
		}
		radio.Unplug()
		<-s.Done()
		if err := s.Close(); err != nil || !errors.Is(s.Err(), net.ErrClosed) {
			t.Errorf("%v, %v", err, s.Err())
		}
		for r, err := range p.central.Sync(t.Context(), gap.SyncConfig{Advertiser: h.Identity(), SID: 3}) {
			if err != nil || r.Data.Name() != "b" {
				t.Errorf("%q, %v", r.Data.Name(), err)
			}
			break
		}
		if _, err = h.NewSync(t.Context(), trainConfig); err != nil {
			t.Error(err)
		}
	})
}

// Periodic advertising is told of over a connection, by who sends it and by who follows it (Vol 3, Part C, 9.5.4).
func TestTransferredSyncs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a := train(t, p.peripheral, []byte{2, 9, 'a'})
		defer a.Close()
		conn, accepted, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		transfers := make(chan gap.Transfer)
		ended := make(chan error, 1)
		go func() {
			var last error
			for transfer, err := range conn.Transfers(t.Context(), gap.SyncConfig{}) {
				if last = err; err == nil {
					transfers <- transfer
				}
			}
			ended <- last
		}()
		synctest.Wait()
		if err := accepted.TransferAdvertising(t.Context(), a, 0x1234); err != nil {
			t.Fatal(err)
		}
		s := <-transfers
		if identity, _ := s.Advertiser(); identity != peripheralAddress || s.ServiceData != 0x1234 || s.SID() != 3 {
			t.Errorf("%v, %x, %d", identity, s.ServiceData, s.SID())
		}
		for r, err := range s.Reports(t.Context()) {
			if err != nil || r.Data.Name() != "a" {
				t.Errorf("%q, %v", r.Data.Name(), err)
			}
			break
		}
		_ = s.Close()

		// The other way: the peripheral follows a third host, and tells the central.
		third, err := gap.Open(t.Context(), p.air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		defer train(t, third, []byte{2, 9, 'c'}).Close()
		followed, err := p.peripheral.NewSync(t.Context(), gap.SyncConfig{Advertiser: third.Identity(), SID: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := accepted.TransferSync(t.Context(), followed, 7); err != nil {
			t.Fatal(err)
		}
		s = <-transfers
		for r, err := range s.Reports(t.Context()) {
			if err != nil || r.Data.Name() != "c" || s.ServiceData != 7 {
				t.Errorf("%q, %v", r.Data.Name(), err)
			}
			break
		}
		conn.Disconnect(hci.RemoteUserTerminatedConnection)
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the connection has ended: %v", err)
		}
		if s.Err() != nil { // which it does not need any more
			t.Errorf("the sync has ended: %v", s.Err())
		}
		_ = followed.Close()
		if err := accepted.TransferSync(t.Context(), followed, 7); err == nil {
			t.Error("a sync that has ended was transferred")
		}
		_ = a.Close()
		if err := accepted.TransferAdvertising(t.Context(), a, 7); !errors.Is(err, net.ErrClosed) {
			t.Errorf("advertising that has ended: %v", err)
		}
	})
}

// What a peer tells of while nobody listens, or more than somebody takes, is ended.
func TestTransfersThatNobodyTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a := train(t, p.peripheral, nil)
		defer a.Close()
		conn, accepted, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		tell := func() {
			if err := accepted.TransferAdvertising(t.Context(), a, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		tell()
		go func() { time.Sleep(time.Second); tell() }()
		for transfer, err := range conn.Transfers(t.Context(), gap.SyncConfig{}) {
			if err != nil {
				t.Error(err)
				break
			}
			_ = transfer.Close()
			tell() // which nobody takes
			break
		}
		tell()
		synctest.Wait()
		s, err := p.central.NewSync(t.Context(), trainConfig) // nothing is in the way
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
	})
}

// A bonded peer that hides is followed by its identity, whoever of host and controller knows the address that it has today.
func TestSyncToAPeerThatHides(t *testing.T) {
	for _, hostOnly := range []bool{false, true} {
		inAir(t, func(t *testing.T, ctx context.Context, air *virtual.Air) {
			friend := openStation(t, air, stationConfig{irk: 1, privacy: gap.Privacy{HostOnly: hostOnly}})
			hidden := openStation(t, air, stationConfig{irk: 3, privacy: private})
			defer friend.Close()
			defer hidden.Close()
			friend.bond(ctx, hidden)
			defer train(t, hidden.Host, []byte{2, 9, 'a'}).Close()
			s, err := friend.NewSync(ctx, gap.SyncConfig{Advertiser: hidden.Identity(), SID: 3})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if identity, onAir := s.Advertiser(); identity != hidden.Identity() || hostOnly != hidden.isOf(onAir) {
				t.Errorf("host only: %v: %v, on air %v", hostOnly, identity, onAir)
			}
			for r, err := range s.Reports(ctx) {
				if err != nil || r.Data.Name() != "a" {
					t.Errorf("%q, %v", r.Data.Name(), err)
				}
				break
			}
			over, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			if _, err := friend.NewSync(over, gap.SyncConfig{Advertiser: hidden.Identity(), SID: 4}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a set that is not there: %v", err)
			}
		})
	}
}
