package gap_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
)

// recovering is a pair whose central's controller is opened again by a rung; fail is how often that fails.
func recovering(t *testing.T, fail int) *pair {
	var p *pair
	opened := 0
	p = newPair(t, pairConfig{recovery: gap.Recovery{Rungs: []gap.Rung{{Name: "reopen", Open: func(context.Context) (transport.Conn, error) {
		if opened++; opened <= fail {
			return nil, errors.New("not there yet")
		}
		return p.radios[0].Conn(), nil
	}}}}})
	return p
}

// However the controller fails, the connection comes back by Keep, with the bond that there was (complaint 2).
func TestRecovery(t *testing.T) {
	for name, fail := range map[string]func(p *pair){
		"unplugged":         func(p *pair) { p.radios[0].Unplug() },
		"hardware error":    func(p *pair) { p.radios[0].Inject(hci.AppendEvent(nil, hci.HardwareError{Hardware: 7})) },
		"no command answer": func(p *pair) { p.radios[0].HoldCommands(true) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := recovering(t, 3)
				defer p.close()
				ctx, cancel := context.WithCancel(t.Context())
				served := make(chan struct{})
				go func() { defer close(served); p.serve(ctx, func(*gap.Conn) {}) }()
				visits := 0
				err := p.central.Keep(ctx, peripheralAddress, gap.KeepConfig{ConnectConfig: gap.ConnectConfig{Security: smp.LevelEncrypted}},
					func(ctx context.Context, c *gap.Conn) error {
						if visits++; visits == 2 {
							return nil
						}
						fail(p)
						_, _ = c.Link().RemoteVersion(ctx)
						<-c.Done()
						p.radios[0].HoldCommands(false)
						if err := c.Err(); !errors.Is(err, net.ErrClosed) {
							t.Errorf("the connection ended with %v", err)
						}
						return c.Err()
					})
				if err != nil || visits != 2 {
					t.Errorf("Keep: %v after %d visits", err, visits)
				}
				cancel()
				<-served
				synctest.Wait()
				if p.log.count(is[gap.ControllerLost]) != 1 || p.log.count(is[gap.ControllerRecovered]) != 1 || p.log.count(is[gap.Paired]) != 1 {
					t.Error("want one loss, one recovery and one pairing")
				}
			})
		})
	}
}

// A scan goes on when the controller is back.
func TestScanSurvivesRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := recovering(t, 0)
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		advertised := make(chan struct{})
		go func() { defer close(advertised); _, _ = p.peripheral.Advertise(ctx, gap.AdvertiseConfig{}) }()
		heard := 0
		for _, err := range p.central.Scan(ctx, gap.ScanConfig{Duplicates: gap.ReportAll}) {
			if err != nil {
				t.Fatal(err)
			}
			switch heard++; heard {
			case 1:
				p.radios[0].Unplug()
				synctest.Wait()
				heard = 100 // what was heard before is read first
			case 400:
				cancel()
			}
		}
		if heard < 400 {
			t.Errorf("heard %d", heard)
		}
		<-advertised
	})
}

// A controller that does not come back is given up, and the host with it.
func TestRecoveryGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := recovering(t, 1000)
		defer p.close()
		p.radios[0].Unplug()
		<-p.central.Done()
		if err := p.central.Err(); !errors.Is(err, gap.ErrGivenUp) || !errors.Is(err, transport.ErrGone) {
			t.Errorf("%v", err)
		}
		err := p.central.Keep(t.Context(), peripheralAddress, gap.KeepConfig{}, nil)
		if !errors.Is(err, gap.ErrGivenUp) {
			t.Errorf("Keep: %v", err)
		}
	})
}

// Another controller than the one whose identity the peers know is not taken.
func TestRecoveryWantsTheSameIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *pair
		p = newPair(t, pairConfig{recovery: gap.Recovery{Limit: 2, Rungs: []gap.Rung{{Name: "other", Open: func(context.Context) (transport.Conn, error) {
			return p.radios[2].Conn(), nil
		}}}}})
		defer p.close()
		p.radios[2] = p.air.NewController(p.radioConfig)
		p.radios[0].Unplug()
		<-p.central.Done()
		if err := p.central.Err(); !errors.Is(err, gap.ErrGivenUp) {
			t.Errorf("%v", err)
		}
	})
}

// Close in the middle of a recovery ends it.
func TestCloseDuringRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := recovering(t, 1000)
		p.radios[0].Unplug()
		time.Sleep(10 * time.Second)
		began := time.Now()
		p.close()
		if d := time.Since(began); d > 100*time.Millisecond {
			t.Errorf("Close took %v", d)
		}
		var closed *driver.ClosedError
		if err := p.central.Err(); !errors.As(err, &closed) {
			t.Errorf("%v", err)
		}
	})
}

// A controller that comes back only to fail again is not brought back for ever, nor without a pause.
func TestRecoveryOfAFlappingController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *pair
		p = newPair(t, pairConfig{recovery: gap.Recovery{Rungs: []gap.Rung{{Name: "reopen", Open: func(context.Context) (transport.Conn, error) {
			time.AfterFunc(time.Second, p.radios[0].Unplug)
			return p.radios[0].Conn(), nil
		}}}}})
		defer p.close()
		began := time.Now()
		p.radios[0].Unplug()
		<-p.central.Done()
		if err := p.central.Err(); !errors.Is(err, gap.ErrGivenUp) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		if n := p.log.count(is[gap.ControllerRecovered]); n != 10 {
			t.Errorf("%d recoveries, want 10", n)
		}
		if d := time.Since(began); d < 5*time.Minute {
			t.Errorf("ten attempts in %v", d)
		}
	})
}

// The transport is opened again when the old one is closed, and not before.
func TestRecoveryClosesBeforeItOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *pair
		slow := &slowToClose{closed: make(chan struct{})}
		p = newPair(t, pairConfig{
			tap: func(conn transport.Conn) transport.Conn { slow.Conn = conn; return slow },
			recovery: gap.Recovery{Rungs: []gap.Rung{{Name: "reopen", Open: func(context.Context) (transport.Conn, error) {
				select {
				case <-slow.closed:
				default:
					t.Error("opened while still open")
				}
				return p.radios[0].Conn(), nil
			}}}},
		})
		defer p.close()
		p.radios[0].Unplug()
		time.Sleep(time.Minute)
		if n := p.log.count(is[gap.ControllerRecovered]); n != 1 {
			t.Errorf("%d recoveries", n)
		}
	})
}

// slowToClose is a transport whose Close takes its time.
type slowToClose struct {
	transport.Conn
	closed chan struct{}
}

func (s *slowToClose) Close() error {
	time.Sleep(time.Second)
	defer close(s.closed)
	return s.Conn.Close()
}
