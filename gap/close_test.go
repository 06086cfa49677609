package gap_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/smp"
)

// Close, from several sides at once and at whatever moment, ends everything that runs, and every connection that was
// told of has its end told of.
func TestCloseAtAnyMoment(t *testing.T) {
	for after := time.Duration(0); after < 400*time.Millisecond; after += 3 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, pairConfig{})
			var wg sync.WaitGroup
			wg.Go(func() { p.serve(t.Context(), func(*gap.Conn) {}) })
			wg.Go(func() {
				_ = p.central.Keep(t.Context(), peripheralAddress, gap.KeepConfig{ConnectConfig: gap.ConnectConfig{Security: smp.LevelEncrypted}},
					func(ctx context.Context, c *gap.Conn) error { <-c.Done(); return c.Err() })
			})
			wg.Go(func() {
				for range p.central.Scan(t.Context(), gap.ScanConfig{Duplicates: gap.ReportAll}) {
				}
			})
			time.Sleep(after)
			began := time.Now()
			for _, h := range []*gap.Host{p.central, p.central, p.peripheral, p.peripheral} {
				wg.Go(func() { _ = h.Close() })
			}
			wg.Wait()
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("closed after %v: took %v", after, d)
			}
			if begun, ended := p.log.count(is[gap.Connected]), p.log.count(is[gap.Disconnected]); begun != ended {
				t.Errorf("closed after %v: %d connections began and %d ended", after, begun, ended)
			}
			if n := len(p.central.Conns()) + len(p.peripheral.Conns()); n != 0 {
				t.Errorf("closed after %v: %d connections are left", after, n)
			}
			p.close()
		})
	}
}
