package gap_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// two are hosts on an air of their own, a central with a configuration and a peripheral, and a connection between them.
type two struct {
	radios  [2]*virtual.Controller
	hosts   [2]*gap.Host
	c, p    *gap.Conn
	changes eventLog // the central's
}

func connected(t *testing.T, cfg gap.Config, radios [2]virtual.ControllerConfig, f func(t *testing.T, w *two)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		w := &two{}
		cfg.Events = w.changes.add
		for i, cfg := range []gap.Config{cfg, {Preferences: cfg.Preferences}} {
			w.radios[i] = air.NewController(radios[i])
			h, err := gap.Open(t.Context(), w.radios[i].Conn(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			w.hosts[i] = h
		}
		accepted := make(chan *gap.Conn, 1)
		go func() {
			c, err := w.hosts[1].Advertise(t.Context(), gap.AdvertiseConfig{})
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}()
		var err error
		if w.c, err = w.hosts[0].Connect(t.Context(), w.radios[1].Address(), gap.ConnectConfig{}); err != nil {
			t.Fatal(err)
		}
		w.p = <-accepted
		time.Sleep(time.Second)
		f(t, w)
	})
}

// TestUpdateParameters: from either side, by the link layer, and by L2CAP where one of the two knows no better.
func TestUpdateParameters(t *testing.T) {
	slow := gap.Parameters{IntervalMin: 100 * time.Millisecond, IntervalMax: 125 * time.Millisecond, Latency: 2, Timeout: 5 * time.Second}
	old := virtual.ControllerConfig{Version: 0x06}
	for name, radios := range map[string][2]virtual.ControllerConfig{
		"both know how": {}, "an old central": {old, {}}, "an old peripheral": {{}, old}, "two old ones": {old, old},
	} {
		t.Run(name, func(t *testing.T) {
			connected(t, gap.Config{}, radios, func(t *testing.T, w *two) {
				for i, c := range []*gap.Conn{w.c, w.p} {
					p := slow
					p.IntervalMax += time.Duration(i) * 50 * time.Millisecond
					if err := c.UpdateParameters(t.Context(), p); err != nil {
						t.Fatalf("side %d: %v", i, err)
					}
					time.Sleep(2 * time.Second)
					for _, end := range []*gap.Conn{w.c, w.p} {
						if s := end.State(); s.Interval != p.IntervalMax || s.Latency != 2 || s.Timeout != 5*time.Second {
							t.Errorf("side %d asked: %+v", i, s)
						}
					}
				}
				if n := w.changes.count(is[gap.LinkChanged]); n != 2 {
					t.Errorf("%d changes were told of", n)
				}
			})
		})
	}
}

// TestBounds: the application says what a peripheral may have, whichever way it asks.
func TestBounds(t *testing.T) {
	old := virtual.ControllerConfig{Version: 0x06}
	for name, radios := range map[string][2]virtual.ControllerConfig{"by the link layer": {}, "by L2CAP": {old, old}} {
		t.Run(name, func(t *testing.T) {
			bounds := gap.ParameterBounds{IntervalMax: 60 * time.Millisecond, LatencyMax: -1}
			var asked hci.Address
			connected(t, gap.Config{Bounds: func(peer hci.Address) gap.ParameterBounds { asked = peer; return bounds }}, radios, func(t *testing.T, w *two) {
				if err := w.p.UpdateParameters(t.Context(), gap.Parameters{IntervalMin: 50 * time.Millisecond, IntervalMax: time.Second, Latency: 1, Timeout: 6 * time.Second}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				if s := w.p.State(); s.Interval != 60*time.Millisecond || s.Latency != 0 || asked != w.radios[1].Address() {
					t.Errorf("%+v; the bounds were asked of %v", s, asked)
				}
				err := w.p.UpdateParameters(t.Context(), gap.Parameters{IntervalMin: 100 * time.Millisecond})
				if !errors.Is(err, hci.UnacceptableConnectionParameters) && !errors.Is(err, l2cap.ErrParametersRejected) {
					t.Errorf("out of bounds: %v", err)
				}
				bounds.Refuse = true
				if err := w.p.UpdateParameters(t.Context(), gap.Parameters{IntervalMin: 50 * time.Millisecond}); err == nil {
					t.Error("a peer that is to have nothing has it")
				}
				if err := w.c.UpdateParameters(t.Context(), gap.Parameters{IntervalMin: 200 * time.Millisecond}); err != nil { // for us there are none
					t.Error(err)
				}
			})
		})
	}
}

// TestLink is everything else that a connection can be asked.
func TestLink(t *testing.T) {
	connected(t, gap.Config{Preferences: gap.Preferences{Subrating: gap.Subrating{Max: 8}}}, [2]virtual.ControllerConfig{{RSSI: -60, TXPower: 7}, {RSSI: -44, TXPower: 3, Version: 0x0C}}, func(t *testing.T, w *two) {
		ctx := t.Context()
		if s, err := w.c.SetPHY(ctx, hci.PHYsOf(hci.LE2M), 0); err != nil || s.TX != hci.LE2M || s.RX != hci.LE2M {
			t.Errorf("SetPHY: %+v %v", s, err)
		}
		if err := w.c.SetDataLength(ctx, 1000); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if s := w.p.State(); s.RXOctets != 251 || s.TXOctets != 27 || s.TX != hci.LE2M {
			t.Errorf("%+v", s)
		}
		s, err := w.p.Subrate(ctx, gap.Subrating{Max: 4, Continuation: 1})
		synctest.Wait() // the central is told by an event of its own
		if central := w.c.State(); err != nil || s.SubrateFactor != 4 || s.Continuation != 1 || central.SubrateFactor != 4 {
			t.Errorf("Subrate: %+v %v, the central has %+v", s, err, central)
		}
		if _, err := w.p.Subrate(ctx, gap.Subrating{Max: -1}); !errors.Is(err, hci.InvalidHCICommandParameters) {
			t.Errorf("Subrate of less than nothing: %v", err)
		}
		if n, err := w.c.RSSI(ctx); n != -44 || err != nil {
			t.Errorf("RSSI: %d %v", n, err)
		}
		if n, err := w.c.TXPower(ctx); n != 7 || err != nil {
			t.Errorf("TXPower: %d %v", n, err)
		}
		if n, err := w.c.RemoteTXPower(ctx); n != 3 || err != nil {
			t.Errorf("RemoteTXPower: %d %v", n, err)
		}
		if m, err := w.c.ChannelMap(ctx); err != nil || !m.Has(0) {
			t.Errorf("ChannelMap: % X %v", m[:], err)
		}
		if v, err := w.c.RemoteVersion(ctx); v.Version != 0x0C || err != nil {
			t.Errorf("RemoteVersion: %+v %v", v, err)
		}
		if f, err := w.c.RemoteFeatures(ctx); f&hci.FeatureLE2MPHY == 0 || err != nil {
			t.Errorf("RemoteFeatures: %X %v", f, err)
		}
		synctest.Wait()
		if n := w.changes.count(is[gap.LinkChanged]); n != 3 { // PHY, data length, subrating
			t.Errorf("%d changes were told of", n)
		}
	})
}

// TestPreferences are told to each controller that is opened, and the later ones of a host too.
func TestPreferences(t *testing.T) {
	prefer := gap.Config{Preferences: gap.Preferences{PHYs: hci.PHYsOf(hci.LE1M), DataLength: 200, Subrating: gap.Subrating{Max: 2}}}
	connected(t, prefer, [2]virtual.ControllerConfig{}, func(t *testing.T, w *two) {
		if s := w.c.State(); s.TXOctets != 200 || s.RXOctets != 200 {
			t.Errorf("%+v", s)
		}
		if s, err := w.p.SetPHY(t.Context(), hci.PHYsOf(hci.LE1M, hci.LE2M), 0); err != nil || s.TX != hci.LE1M {
			t.Errorf("SetPHY: %+v %v", s, err)
		}
		if s, err := w.p.Subrate(t.Context(), gap.Subrating{Max: 5}); err != nil || s.SubrateFactor != 2 {
			t.Errorf("Subrate: %+v %v", s, err)
		}
	})
	connected(t, prefer, [2]virtual.ControllerConfig{{Version: 0x06}}, func(t *testing.T, w *two) { // which knows nothing of it
		if s := w.c.State(); s.TXOctets != 27 {
			t.Errorf("%+v", s)
		}
	})
	connected(t, gap.Config{Preferences: gap.Preferences{Subrating: gap.Subrating{Max: 501}}}, [2]virtual.ControllerConfig{}, func(t *testing.T, w *two) {
		if _, err := w.p.Subrate(t.Context(), gap.Subrating{Max: 2}); !errors.Is(err, hci.UnsupportedRemoteFeature) {
			t.Errorf("what can't be said was said: %v", err)
		}
	})
}

// TestLinkEnds: the reason of the end is that of whatever was waited for.
func TestLinkEnds(t *testing.T) {
	connected(t, gap.Config{}, [2]virtual.ControllerConfig{}, func(t *testing.T, w *two) {
		w.radios[1].SetSilent(true)
		if _, err := w.c.SetPHY(t.Context(), hci.PHYsOf(hci.LE2M), 0); !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("SetPHY: %v", err)
		}
		if err := w.c.UpdateParameters(t.Context(), gap.Parameters{IntervalMin: 50 * time.Millisecond}); !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("UpdateParameters: %v", err)
		}
		if _, err := w.c.RSSI(t.Context()); !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("RSSI: %v", err)
		}
		if err := w.c.Err(); !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("the connection ended by %v", err)
		}
	})
}

// TestConnectPatience: a peer that is not there is given up, by an error that says so, while ctx goes on; one that is
// there is connected to meanwhile (complaint 17).
func TestConnectPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		nobody := make(chan error, 1)
		go func() {
			_, err := p.central.Connect(t.Context(), hci.Address{Octets: [6]byte{1, 2, 3}}, gap.ConnectConfig{Patience: 20 * time.Second})
			nobody <- err
		}()
		synctest.Wait()
		began := time.Now()
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("connected after %v", d)
		}
		if err := <-nobody; !errors.Is(err, driver.ErrNoAnswer) || time.Since(began) < 20*time.Second || time.Since(began) > 22*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		part(central, peripheral)
	})
}

// TestKeepMany keeps up more peers than the accept list holds; half of them are away, and cost the others nothing.
func TestKeepMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const there, away = 8, 8
		air := virtual.NewAir(virtual.AirConfig{})
		defer air.Close()
		central, err := gap.Open(t.Context(), air.NewController(virtual.ControllerConfig{AcceptListSize: 3}).Conn(), gap.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer central.Close()
		ctx, cancel := context.WithCancel(t.Context())
		visits := make(chan int, 64)
		ended := make(chan error, there+away)
		for i := range there + away {
			radio := air.NewController(virtual.ControllerConfig{})
			if i < there {
				h, err := gap.Open(t.Context(), radio.Conn(), gap.Config{})
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				go func() {
					for range h.Accept(ctx, gap.AdvertiseConfig{}) {
					}
				}()
			}
			go func() {
				ended <- central.Keep(ctx, radio.Address(), gap.KeepConfig{}, func(ctx context.Context, c *gap.Conn) error {
					visits <- i
					select {
					case <-c.Done():
					case <-time.After(10 * time.Minute):
						c.Disconnect(hci.RemoteUserTerminatedConnection) // and Keep comes back
					case <-ctx.Done():
						return ctx.Err()
					}
					return c.Err()
				})
			}()
		}
		seen := map[int]int{}
		for range 3 * there {
			seen[<-visits]++
		}
		for i := range there {
			if seen[i] != 3 {
				t.Errorf("peer %d was connected to %d times, want 3", i, seen[i])
			}
		}
		cancel()
		for range there + away {
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("Keep: %v", err)
			}
		}
	})
}
