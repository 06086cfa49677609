package gap_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
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
		if n := <-first; n != 1 {
			t.Errorf("the first Scan heard it %d times", n)
		}
	})
}

// counts counts what a Scan yields of the peripheral until ctx ends; the error is the last thing that it yields.
func (p *pair) counts(ctx context.Context, cfg gap.ScanConfig) (n int, err error) {
	for a, failed := range p.central.Scan(ctx, cfg) {
		if err = failed; a.Address == peripheralAddress {
			n++
		}
	}
	return n, err
}

// A Scan that cannot begin beside another leaves that one as it was, or where the controller does not go on, ends it
// with an error: nobody waits in silence for what does not come (complaint 4).
func TestScanRefusedBesideAnother(t *testing.T) {
	for _, c := range []struct {
		name   string
		refuse hci.Opcode
		goes   bool
	}{
		{"only the beginning", hci.OpLESetScanParameters, true},
		{"every change", hci.OpLESetScanEnable, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, pairConfig{radio: virtual.ControllerConfig{Version: core42}})
				defer p.close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				type outcome struct {
					n   int
					err error
				}
				first := make(chan outcome, 1)
				go func() { n, err := p.counts(ctx, gap.ScanConfig{}); first <- outcome{n, err} }()
				synctest.Wait()
				p.radios[0].Refuse(c.refuse, hci.CommandDisallowed)
				if _, err := p.counts(ctx, gap.ScanConfig{}); !errors.Is(err, hci.CommandDisallowed) {
					t.Errorf("the second Scan: %v", err)
				}
				if !c.goes {
					if o := <-first; !errors.Is(o.err, hci.CommandDisallowed) {
						t.Errorf("the first Scan: %v", o.err)
					}
					return
				}
				go func() { _, _ = p.peripheral.Advertise(ctx, gap.AdvertiseConfig{}) }()
				if o := <-first; o.n != 2 || o.err != nil { // advertisement and scan response
					t.Errorf("the first Scan heard the peripheral %d times, %v", o.n, o.err)
				}
			})
		})
	}
}

// Of several Scans each yields what it asked for, whatever the controller does for the others.
func TestScansSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		go func() {
			_, _ = p.peripheral.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "a name that has no room in the other", Services: []att.UUID{gatt.HeartRate}}})
		}()
		results := make(map[string]chan int)
		run := func(name string, cfg gap.ScanConfig) {
			done := make(chan int, 1)
			results[name] = done
			go func() {
				n, err := p.counts(ctx, cfg)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				done <- n
			}()
			time.Sleep(time.Second)
		}
		run("passive", gap.ScanConfig{Passive: true})
		run("active", gap.ScanConfig{})
		run("merged", gap.ScanConfig{Merge: true})
		run("merged with nothing", gap.ScanConfig{Merge: true, Passive: true, Duplicates: gap.ReportChanges})
		run("merged by service and name", gap.ScanConfig{Merge: true, Filter: gap.ScanFilter{Services: []att.UUID{gatt.HeartRate}, NamePrefix: "a name"}})
		run("by service and name", gap.ScanConfig{Filter: gap.ScanFilter{Services: []att.UUID{gatt.HeartRate}, NamePrefix: "a name"}})
		run("once in ten seconds", gap.ScanConfig{Passive: true, Again: 10 * time.Second})
		run("changes", gap.ScanConfig{Duplicates: gap.ReportChanges})
		run("somebody else", gap.ScanConfig{Filter: gap.ScanFilter{Peers: []hci.Address{{Octets: [6]byte{9}}}}})
		run("far away", gap.ScanConfig{Filter: gap.ScanFilter{MinRSSI: -40}})
		run("all", gap.ScanConfig{Duplicates: gap.ReportAll})
		for name, want := range map[string]int{"passive": 1, "active": 2, "merged": 1, "merged with nothing": 1, "merged by service and name": 1, "by service and name": 0,
			"once in ten seconds": 3, "changes": 2, "somebody else": 0, "far away": 0} {
			if n := <-results[name]; n != want {
				t.Errorf("%s: %d, want %d", name, n, want)
			}
		}
		if n := <-results["all"]; n < 50 {
			t.Errorf("all: %d", n)
		}
	})
}

// The defaults listen for less than a third of the time, so that Wi-Fi on the same chip lives (complaint 23), and of
// several Scans the busiest counts.
func TestScanTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var commands commandLog
		p := newPair(t, pairConfig{tap: commands.tap, radio: virtual.ControllerConfig{Version: core42}})
		defer p.close()
		last := func() string { return commands.last(hci.OpLESetScanParameters) }
		var running sync.WaitGroup
		check := func(ctx context.Context, cfg gap.ScanConfig, want string) {
			t.Helper()
			running.Go(func() { _, _ = p.counts(ctx, cfg) })
			synctest.Wait()
			if got := last(); got != want {
				t.Errorf("%+v: %s, want %s", cfg, got, want)
			}
		}
		sparse := gap.ScanConfig{Passive: true, Interval: time.Second, Window: 20 * time.Millisecond}
		for _, c := range []struct {
			cfg  gap.ScanConfig
			want string
		}{
			{gap.ScanConfig{}, "01a00030000000"},
			{sparse, "00400620000000"},
			{gap.ScanConfig{Interval: time.Nanosecond, Window: time.Hour}, "01040004000000"},
			{gap.ScanConfig{Window: time.Second}, "01400640060000"},
			{gap.ScanConfig{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded)}, "01a00030000000"}, // of which there is one
		} {
			ctx, cancel := context.WithCancel(t.Context())
			check(ctx, c.cfg, c.want)
			cancel()
			running.Wait()
		}
		both, cancel := context.WithCancel(t.Context())
		defer cancel()
		one, stop := context.WithCancel(both)
		check(both, sparse, "00400620000000")
		check(one, gap.ScanConfig{Passive: true}, "00a00030000000")
		stop()
		synctest.Wait()
		if got := last(); got != "00400620000000" {
			t.Errorf("afterwards: %s", got)
		}
		cancel()
		running.Wait()
	})
}

// PHYs that nothing begins on are refused, before the controller is asked.
func TestScanPHYs(t *testing.T) {
	p := newPair(t, pairConfig{})
	defer p.close()
	if _, err := p.counts(t.Context(), gap.ScanConfig{PHYs: hci.PHYsOf(hci.LE1M, hci.LE2M)}); err == nil {
		t.Error("LE 2M was taken")
	}
}

// A caller who is slow loses advertisements, and they are counted; others lose none.
func TestSlowScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _, _ = p.peripheral.Advertise(ctx, gap.AdvertiseConfig{Interval: 20 * time.Millisecond}) }()
		n := 0
		for _, err := range p.central.Scan(ctx, gap.ScanConfig{Interval: 10 * time.Millisecond, Window: 10 * time.Millisecond, Duplicates: gap.ReportAll}) {
			if n++; n == 1 {
				time.Sleep(time.Minute)
				cancel()
			}
			if err != nil {
				t.Error(err)
			}
		}
		if dropped := p.central.DroppedAdvertisements(); n < 1 || dropped < 1000 {
			t.Errorf("%d were heard, %d dropped", n, dropped)
		}
	})
}

// Complaint 12: a bonded peer that hides is one device, whatever address it has today, and a filter knows it by its identity;
// to a stranger each address is another device. Address and identity are told apart.
func TestScanOfPeersThatHide(t *testing.T) {
	for _, hostOnly := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			air := virtual.NewAir(virtual.AirConfig{})
			defer air.Close()
			friend := openStation(t, air, stationConfig{irk: 1, privacy: gap.Privacy{HostOnly: hostOnly}})
			stranger := openStation(t, air, stationConfig{irk: 2})
			hidden := openStation(t, air, stationConfig{irk: 3, privacy: gap.Privacy{Own: gap.OwnResolvable, Rotation: time.Minute}})
			for _, s := range []*station{friend, stranger, hidden} {
				defer s.Close()
			}
			friend.bond(t.Context(), hidden)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+10*time.Second)
			defer cancel()
			go func() {
				for range hidden.Accept(ctx, gap.AdvertiseConfig{}) {
				}
			}()
			heard := func(s *station, cfg gap.ScanConfig) (onAir map[hci.Address]bool, n int) {
				onAir = map[hci.Address]bool{}
				cfg.Passive = true
				for a, err := range s.Scan(ctx, cfg) {
					if err != nil {
						t.Error(err)
					}
					onAir[a.Address] = true
					if s == friend && a.Identity != hidden.Identity() || s == stranger && a.Identity != a.Address {
						t.Errorf("%v is %v", a.Address, a.Identity)
					}
					n++
				}
				return onAir, n
			}
			var all sync.WaitGroup
			for _, c := range []struct {
				name        string
				s           *station
				cfg         gap.ScanConfig
				least, most int
			}{
				{"a friend, once", friend, gap.ScanConfig{}, 1, 1},
				{"a friend, by the identity", friend, gap.ScanConfig{Filter: gap.ScanFilter{Peers: []hci.Address{hidden.Identity()}}}, 1, 1},
				{"a friend, once in two minutes", friend, gap.ScanConfig{Again: 2 * time.Minute}, 5, 6},
				{"a stranger, once", stranger, gap.ScanConfig{}, 10, 11},
				{"a stranger, by the identity", stranger, gap.ScanConfig{Filter: gap.ScanFilter{Peers: []hci.Address{hidden.Identity()}}}, 0, 0},
			} {
				all.Go(func() {
					onAir, n := heard(c.s, c.cfg)
					if n < c.least || n > c.most {
						t.Errorf("host only: %v: %s: heard %d times, by %d addresses", hostOnly, c.name, n, len(onAir))
					}
				})
			}
			all.Wait()
		})
	}
}

// Two PHYs share the time that one has, by default (Vol 4, Part E, 7.8.64).
func TestScanTimingOfTwoPHYs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var commands commandLog
		p := newPair(t, pairConfig{tap: commands.tap})
		defer p.close()
		for _, c := range []struct {
			cfg  gap.ScanConfig
			want string // address type, policy, PHYs; for each of them how, interval and window
		}{
			{gap.ScanConfig{}, "000001" + "01a0003000"},
			{gap.ScanConfig{PHYs: hci.PHYsOf(hci.LECoded), Passive: true}, "000004" + "00a0003000"},
			{gap.ScanConfig{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded)}, "000005" + "0140013000" + "0140013000"},
			{gap.ScanConfig{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded), Interval: 100 * time.Millisecond, Window: 50 * time.Millisecond}, "000005" + "01a0005000" + "01a0005000"},
		} {
			_, _ = p.counts(within(t, time.Second), c.cfg)
			if got := commands.last(hci.OpLESetExtendedScanParameters); got != c.want {
				t.Errorf("%+v: %s, want %s", c.cfg, got, c.want)
			}
		}
		for _, phy := range []hci.PHY{hci.LE1M, hci.LECoded} { // as two Scans
			go func() { _, _ = p.counts(within(t, time.Second), gap.ScanConfig{PHYs: hci.PHYsOf(phy), Passive: true}) }()
		}
		synctest.Wait()
		if got, want := commands.last(hci.OpLESetExtendedScanParameters), "000005"+"0040013000"+"0040013000"; got != want {
			t.Errorf("two Scans: %s, want %s", got, want)
		}
		time.Sleep(2 * time.Second)
	})
}
