package gap_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// Complaint 20: a malformed advertisement panics. Reports that are cut anywhere, and data that are no AD structures, whole or
// not, leave a Scan that goes on, and an Advertisement that reads.
func TestMalformedAdvertisements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		heard, good := 0, 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for a, err := range p.central.Scan(ctx, gap.ScanConfig{Duplicates: gap.ReportAll, Merge: true}) {
				if err != nil {
					t.Errorf("the Scan has ended: %v", err)
				}
				heard++
				readAll(a.Data)
				if a.Data.Name() == "good" {
					good++
				}
			}
		}()
		synctest.Wait()
		random := rand.New(rand.NewPCG(1, 2))
		report := func(data []byte) []byte {
			return hci.AppendEvent(nil, hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{{
				Type: hci.ExtendedReportType(random.IntN(1 << 7)), Address: hci.Address{Type: hci.AddressType(random.IntN(2)), Octets: [6]byte{byte(random.IntN(3))}},
				PrimaryPHY: hci.LE1M, SecondaryPHY: hci.PHY(random.IntN(5)), SID: uint8(random.IntN(3)), Data: data}}})
		}
		whole := report([]byte{2, 1, 6, 5, 9, 'g', 'o', 'o', 'd'})
		for n := range whole[3:] { // of every length, with a parameter length that is right
			cut := append([]byte(nil), whole[:3+n]...)
			cut[2] = byte(n)
			p.radios[0].Inject(cut)
		}
		for range 3000 {
			data := make([]byte, random.IntN(60))
			for i := range data {
				data[i] = byte(random.Uint32())
			}
			if len(data) > 3 && random.IntN(2) == 0 {
				data[0], data[1] = byte(random.IntN(len(data))), byte(random.IntN(0x40))
			}
			p.radios[0].Inject(report(data))
			synctest.Wait()
		}
		defer advertising(t, p.peripheral, gap.AdvertiseConfig{Payload: gap.Payload{Name: "good"}}).Close()
		<-done
		if heard < 1000 || good < 10 {
			t.Errorf("heard %d, %d of them good", heard, good)
		}
	})
}

// Data that were not heard to their end are marked, whether the controller says so or a part never comes (Vol 4, Part E,
// 7.7.65.13); the parts that came are joined.
func TestTruncatedAdvertisements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		go func() {
			synctest.Wait()
			for i, parts := range [][]hci.DataStatus{{hci.DataStatusComplete}, {hci.DataStatusTruncated}, {hci.DataStatusMore, hci.DataStatusMore, hci.DataStatusComplete},
				{hci.DataStatusMore, hci.DataStatusTruncated}} {
				for _, status := range parts {
					p.radios[0].Inject(hci.AppendEvent(nil, hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{{
						Type: hci.ExtendedReportType(0).WithDataStatus(status), Address: hci.Address{Octets: [6]byte{byte(i)}}, PrimaryPHY: hci.LE1M,
						SecondaryPHY: hci.LE1M, RSSI: -50, TXPower: hci.UnknownPower, Data: []byte{3, 0xFE, 1, 2}}}}))
				}
			}
		}()
		var got []string
		for a, err := range p.central.Scan(within(t, time.Minute), gap.ScanConfig{}) {
			got = append(got, fmt.Sprint(a.Address.Octets[0], len(a.Data), a.Truncated, err))
		}
		if want := []string{"0 4 false <nil>", "1 4 true <nil>", "2 12 false <nil>", "3 8 true <nil>"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// Complaints 4, 9 and 10: many that scan, advertise, follow and connect at once, and leave when they like, on one host. Nothing
// waits for ever, races, or is left behind: the controller does nothing in the end, and whoever comes is served.
func TestScansAndAdvertisingsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		always := train(t, p.peripheral, []byte{2, 9, 'a'})
		defer always.Close()
		go func() {
			for range p.peripheral.Accept(ctx, gap.AdvertiseConfig{}) {
			}
		}()
		refused := func(err error) bool { // what may be said to one of many
			return err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, hci.ConnectionAlreadyExists)
		}
		var all sync.WaitGroup
		for seed := range uint64(12) {
			random := rand.New(rand.NewPCG(seed, 7))
			all.Go(func() {
				for ctx.Err() == nil {
					some, over := context.WithTimeout(ctx, time.Duration(random.IntN(3000))*time.Millisecond)
					var err error
					switch seed % 4 {
					case 0:
						_, err = p.counts(some, gap.ScanConfig{Passive: random.IntN(2) == 0, Merge: random.IntN(2) == 0, Duplicates: gap.Duplicates(random.IntN(3)),
							PHYs: hci.PHYs(1 + 4*random.IntN(2))})
					case 1:
						_, err = p.central.Advertise(some, gap.AdvertiseConfig{Extended: random.IntN(2) == 0})
					case 2:
						for _, err = range p.central.Sync(some, trainConfig) {
							if random.IntN(10) == 0 {
								break
							}
						}
					case 3:
						var c *gap.Conn
						if c, err = p.central.Connect(some, peripheralAddress, gap.ConnectConfig{NoGATT: true}); err == nil {
							time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
							c.Disconnect(hci.RemoteUserTerminatedConnection)
						}
					}
					over()
					if !refused(err) {
						t.Errorf("%d: %v", seed, err)
						return
					}
					time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
				}
			})
		}
		all.Wait()
		for _, c := range p.central.Conns() {
			<-c.Ended()
		}
		n, err := p.counts(within(t, 5*time.Second), gap.ScanConfig{Filter: gap.ScanFilter{Connectable: true}})
		if err != nil || n < 0 {
			t.Errorf("a Scan at the end: %d, %v", n, err)
		}
		for i := range 8 { // every set is free
			defer advertising(t, p.central, gap.AdvertiseConfig{SID: uint8(i)}).Close()
		}
		if _, err := p.connectingTo(t, p.central.Identity(), time.Minute); err != nil {
			t.Errorf("a connection at the end: %v", err)
		}
	})
}

// within is a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Complaint 21: 0x3E, which comes after a connection that seemed to be there, is told as what it is, and advertising by the same
// host has taken no harm.
func TestConnectionThatFailedBesideAdvertising(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		mine := advertising(t, p.central, gap.AdvertiseConfig{})
		defer mine.Close()
		theirs := advertising(t, p.peripheral, gap.AdvertiseConfig{})
		defer theirs.Close()
		p.radios[1].MissConnectRequests(1)
		c, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{NoGATT: true})
		if err == nil {
			<-c.Done()
			err = c.Err()
		}
		if !errors.Is(err, hci.ConnectionFailedToBeEstablished) {
			t.Errorf("Connect: %v", err)
		}
		if _, err := p.connectingTo(t, p.central.Identity(), time.Minute); err != nil {
			t.Error(err)
		}
		if c, err := mine.Accept(t.Context()); err != nil || c.Role() != hci.Peripheral {
			t.Errorf("%v", err)
		}
	})
}

// Complaints 3 and 26: the hundredth connection that advertising leads to is like the first, and every buffer is back.
func TestAcceptAHundredTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{radio: virtual.ControllerConfig{Links: 2}})
		defer p.close()
		a := advertising(t, p.peripheral, gap.AdvertiseConfig{})
		defer a.Close()
		random := rand.New(rand.NewPCG(3, 4))
		for i := range 100 {
			c, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{})
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			theirs, err := a.Accept(t.Context())
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			switch random.IntN(3) {
			case 0:
				c.Disconnect(hci.RemoteUserTerminatedConnection)
			case 1:
				theirs.Disconnect(hci.RemoteUserTerminatedConnection)
			case 2:
				p.radios[0].DropLinks(hci.ConnectionTimeout)
			}
			<-c.Ended()
			<-theirs.Ended()
		}
		for _, h := range []*gap.Host{p.central, p.peripheral} {
			if free, total := h.Controller().Credits(); free != total || len(h.Conns()) != 0 {
				t.Errorf("%d of %d buffers are free, %d connections", free, total, len(h.Conns()))
			}
		}
	})
}

// Complaints 15 and 21: where a third of what is on air is lost, connections begin that never were (0x3E) and others end too soon.
// The peripheral advertises again after each, by legacy and extended advertisements.
func TestAdvertisingOnABadAir(t *testing.T) {
	for name, cfg := range map[string]gap.AdvertiseConfig{
		"legacy, at once": {}, "legacy, when free": {Restart: gap.RestartWhenFree},
		"extended, at once": {Extended: true}, "extended, when free": {Extended: true, Restart: gap.RestartWhenFree},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, pairConfig{air: virtual.AirConfig{Loss: 0.33}})
				defer p.close()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				var served sync.WaitGroup
				served.Go(func() {
					for c, err := range p.peripheral.Accept(ctx, cfg) {
						if err != nil {
							t.Error(err)
						}
						served.Go(func() { <-c.Ended() })
					}
				})
				good, bad := 0, 0
				for ctx.Err() == nil && good < 20 {
					attempt, over := context.WithTimeout(ctx, 30*time.Second)
					c, err := p.central.Connect(attempt, peripheralAddress, gap.ConnectConfig{})
					over()
					if err != nil {
						bad++
						continue
					}
					good++
					c.Disconnect(hci.RemoteUserTerminatedConnection)
					<-c.Ended()
				}
				cancel()
				served.Wait()
				if good < 20 {
					t.Errorf("%d connections, and %d that failed", good, bad)
				}
			})
		})
	}
}
