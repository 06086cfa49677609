package gap_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
)

// A Scan hears everything, also what the controller has reported to another one before.
func TestSecondScanHearsWhatTheFirstHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _, _ = p.peripheral.Advertise(ctx, gap.AdvertiseConfig{}) }()
		hears := func(ctx context.Context) (n int) {
			for a, err := range p.central.Scan(ctx, gap.ScanConfig{Passive: true}) {
				if err != nil {
					t.Error(err)
				}
				if a.Address == peripheralAddress {
					n++
				}
			}
			return n
		}
		first := make(chan int)
		go func() { first <- hears(ctx) }()
		time.Sleep(10 * time.Second)
		for range 3 {
			short, stop := context.WithTimeout(ctx, 10*time.Second)
			if n := hears(short); n != 1 {
				t.Errorf("another Scan heard it %d times, want once", n)
			}
			stop()
		}
		cancel()
		if n := <-first; n < 1 || n > 4 {
			t.Errorf("the first Scan heard it %d times", n)
		}
	})
}
