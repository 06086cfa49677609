package gap_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		name    string
		backoff gap.Backoff
		attempt int
		want    time.Duration
		spread  float64
	}{
		{"first", gap.Backoff{}, 1, time.Second, 0.2},
		{"doubles", gap.Backoff{}, 2, 2 * time.Second, 0.2},
		{"goes on", gap.Backoff{}, 6, 32 * time.Second, 0.2},
		{"capped", gap.Backoff{}, 1000, 5 * time.Minute, 0.2},
		{"configured", gap.Backoff{First: 10 * time.Millisecond, Max: 35 * time.Millisecond, Jitter: -1}, 3, 35 * time.Millisecond, 0},
		{"a first above the cap", gap.Backoff{First: time.Hour, Jitter: -1}, 1, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 100 {
				low := time.Duration(float64(c.want) * (1 - c.spread))
				high := time.Duration(float64(c.want) * (1 + c.spread))
				if d := c.backoff.Delay(c.attempt); d < low || d > high || d > max(5*time.Minute, c.backoff.First) {
					t.Fatalf("%v, want %v to %v", d, low, high)
				}
			}
		})
	}
}

// retries are the retries that were told of.
func (l *eventLog) retries() (all []gap.Retry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if r, ok := e.Detail.(gap.Retry); ok {
			all = append(all, r)
		}
	}
	return all
}

// serve has the peripheral take one connection after the other until ctx ends.
func (p *pair) serve(ctx context.Context, each func(*gap.Conn)) {
	for {
		c, err := p.peripheral.Advertise(ctx, gap.AdvertiseConfig{})
		if err != nil {
			return
		}
		each(c)
		<-c.Ended()
	}
}

// A peer that is away is looked for with ever longer waits, and for as long as it takes.
func TestKeepLooksForAPeerThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(24*time.Hour, func() { cancel(enough) })
		err := p.central.Keep(ctx, peripheralAddress, gap.KeepConfig{}, func(context.Context, *gap.Conn) error { return nil })
		if !errors.Is(err, enough) {
			t.Errorf("Keep: %v", err)
		}
		synctest.Wait()
		retries := p.log.retries()
		if n := len(retries); n < 24*60/6 || n > 24*60 {
			t.Errorf("%d attempts in a day", n)
		}
		for i, r := range retries {
			if r.Attempt != i+1 || r.Delay > 5*time.Minute || r.Err == nil {
				t.Errorf("retry %d: %+v", i, r)
			}
		}
	})
}

// A link that is lost is made again; one that held makes the next wait a first one.
func TestKeepComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() {
			defer close(served)
			p.serve(ctx, func(c *gap.Conn) {
				time.Sleep(time.Minute)
				c.Disconnect(hci.RemoteUserTerminatedConnection)
			})
		}()
		visits := 0
		err := p.central.Keep(ctx, peripheralAddress, gap.KeepConfig{ConnectConfig: gap.ConnectConfig{Security: smp.LevelEncrypted}},
			func(ctx context.Context, c *gap.Conn) error {
				if !c.Security().Encrypted {
					t.Error("the link is not secured")
				}
				if visits++; visits == 4 {
					return nil
				}
				<-c.Done()
				return c.Err()
			})
		if err != nil || visits != 4 {
			t.Errorf("Keep: %v after %d visits", err, visits)
		}
		cancel()
		<-served
		synctest.Wait()
		for _, r := range p.log.retries() {
			if r.Attempt != 1 || r.Delay < 800*time.Millisecond || r.Delay > 1200*time.Millisecond || !errors.Is(r.Err, hci.RemoteUserTerminatedConnection) {
				t.Errorf("%+v", r)
			}
		}
		if p.log.count(is[gap.Disconnected]) != 4 || p.log.count(is[gap.Connected]) != 4 {
			t.Error("a connection's beginning or end was not told")
		}
	})
}

// Who may not pair yet is connected to again when he may, although the link would have held.
func TestKeepWaitsToPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() {
			defer close(served)
			p.serve(ctx, func(c *gap.Conn) { <-c.Done() })
		}()
		visits := 0
		var began time.Time
		err := p.central.Keep(ctx, peripheralAddress, gap.KeepConfig{}, func(context.Context, *gap.Conn) error {
			if visits++; visits > 1 {
				return nil
			}
			began = time.Now()
			return fmt.Errorf("subscribe: %w", &smp.WaitError{Peer: peripheralAddress, Left: time.Minute})
		})
		if err != nil || visits != 2 || time.Since(began) < time.Minute {
			t.Errorf("Keep: %v after %d visits and %v", err, visits, time.Since(began))
		}
		cancel()
		<-served
		synctest.Wait()
		if retries := p.log.retries(); len(retries) != 1 || retries[0].Delay != time.Minute || p.log.count(is[gap.Disconnected]) != 2 {
			t.Errorf("%+v", retries)
		}
	})
}

// What goes wrong in the same way for ever is given up.
func TestKeepLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() { defer close(served); p.serve(ctx, func(*gap.Conn) {}) }()
		p.radios[1].MissConnectRequests(1000)
		err := p.central.Keep(ctx, peripheralAddress, gap.KeepConfig{}, func(context.Context, *gap.Conn) error { return nil })
		var limit *gap.LimitError
		if !errors.As(err, &limit) || limit.Attempts != 30 || !errors.Is(err, hci.ConnectionFailedToBeEstablished) {
			t.Errorf("Keep: %v, want 30 times 0x3E (complaint 21)", err)
		}
		cancel()
		<-served
	})
}

// A lost bond that is to be told of ends Keep; nothing is tried in a loop.
func TestKeepTellsOfALostBond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := smp.NewMemoryStore()
		p := newPair(t, pairConfig{peripheral: smp.Config{Store: theirs}})
		defer p.close()
		bond(t, p)
		if err := theirs.Delete(p.peripheral.Identity(), p.central.Identity()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() { defer close(served); p.serve(ctx, func(*gap.Conn) {}) }()
		err := p.central.Keep(ctx, peripheralAddress, gap.KeepConfig{}, func(context.Context, *gap.Conn) error { return nil })
		var lost *smp.LostBondError
		if !errors.As(err, &lost) || len(p.log.retries()) != 0 {
			t.Errorf("Keep: %v after %d retries", err, len(p.log.retries()))
		}
		cancel()
		<-served
	})
}

// The controller's end is the end of everything, by an error that says so.
func TestControllerGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		central, peripheral, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		p.radios[0].Unplug()
		<-central.Ended()
		<-p.central.Done()
		if err := p.central.Keep(t.Context(), peripheralAddress, gap.KeepConfig{}, nil); err == nil || !errors.Is(err, p.central.Err()) {
			t.Errorf("Keep: %v", err)
		}
		if _, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{}); err == nil {
			t.Error("Connect on a dead controller")
		}
		for _, err := range p.central.Scan(t.Context(), gap.ScanConfig{}) {
			if err == nil {
				t.Error("Scan on a dead controller")
			}
		}
		<-peripheral.Ended()
		if err := peripheral.Err(); !errors.Is(err, hci.ConnectionTimeout) {
			t.Errorf("the peer's end: %v, want a supervision time-out", err)
		}
	})
}
