package gap_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// advertising advertises until the test ends.
func advertising(t *testing.T, h *gap.Host, cfg gap.AdvertiseConfig) *gap.Advertising {
	t.Helper()
	a, err := h.NewAdvertising(t.Context(), cfg)
	if err != nil {
		t.Fatalf("%+v: %v", cfg, err)
	}
	return a
}

// hears is what the central hears of the peripheral's sets in ten seconds: for each a line.
func (p *pair) hears(t *testing.T, cfg gap.ScanConfig) (all []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for a, err := range p.central.Scan(ctx, cfg) {
		if err != nil {
			t.Fatal(err)
		}
		var kind strings.Builder
		for word, is := range map[string]bool{"connectable": a.Connectable, "scannable": a.Scannable, "directed": a.Directed, "response": a.ScanResponse,
			"merged": a.Merged, "legacy": a.Legacy, "truncated": a.Truncated, "anonymous": a.Address.Type == hci.AnonymousAddress, "periodic": a.PeriodicInterval > 0} {
			if is {
				kind.WriteString(" " + word)
			}
		}
		words := strings.Fields(kind.String())
		slices.Sort(words)
		all = append(all, fmt.Sprintf("%q %v %d: %v", a.Data.Name(), a.PrimaryPHY, int8(a.SID), strings.Join(words, " ")))
	}
	slices.Sort(all)
	return all
}

// Complaint 19: extended advertising and LE Coded are there, and complaint 20: whatever is on air is read, or left out.
func TestExtendedAdvertising(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		for _, cfg := range []gap.AdvertiseConfig{
			{Payload: gap.Payload{Name: "legacy"}},
			{Payload: gap.Payload{Name: "connectable"}, Extended: true, SID: 1},
			{Payload: gap.Payload{Name: "scannable"}, Extended: true, SID: 2, NonConnectable: true, Scannable: true},
			{Payload: gap.Payload{Name: "broadcast"}, Extended: true, SID: 3, NonConnectable: true, SecondaryPHY: hci.LE2M},
			{Payload: gap.Payload{Name: "coded"}, Extended: true, SID: 4, PrimaryPHY: hci.LECoded},
			{Payload: gap.Payload{Name: "anonymous"}, Extended: true, SID: 5, NonConnectable: true, Anonymous: true},
			{Payload: gap.Payload{Name: "directed"}, Extended: true, SID: 6, Peer: p.central.Identity()},
			{Payload: gap.Payload{Name: "periodic"}, Extended: true, SID: 7, NonConnectable: true, Periodic: &gap.PeriodicConfig{}},
		} {
			defer advertising(t, p.peripheral, cfg).Close()
		}
		if _, err := p.peripheral.NewAdvertising(t.Context(), gap.AdvertiseConfig{}); !errors.Is(err, hci.MemoryCapacityExceeded) {
			t.Errorf("more sets than there are: %v", err)
		}
		both := hci.PHYsOf(hci.LE1M, hci.LECoded)
		for _, c := range []struct {
			cfg  gap.ScanConfig
			want []string
		}{
			{gap.ScanConfig{PHYs: both, Merge: true}, []string{
				`"anonymous" LE 1M 5: anonymous`, `"broadcast" LE 1M 3: `, `"coded" LE Coded 4: connectable`, `"connectable" LE 1M 1: connectable`,
				`"directed" LE 1M 6: connectable directed`, `"legacy" LE 1M -1: connectable legacy merged scannable`,
				`"periodic" LE 1M 7: periodic`, `"scannable" LE 1M 2: merged scannable`}},
			{gap.ScanConfig{PHYs: hci.PHYsOf(hci.LECoded)}, []string{`"coded" LE Coded 4: connectable`}},
			{gap.ScanConfig{Filter: gap.ScanFilter{NamePrefix: "scan"}}, []string{`"scannable" LE 1M 2: response scannable`}},
			{gap.ScanConfig{Passive: true, Filter: gap.ScanFilter{NamePrefix: "scan"}}, nil},
			{gap.ScanConfig{PHYs: both, Filter: gap.ScanFilter{Connectable: true, NamePrefix: "c"}}, []string{`"coded" LE Coded 4: connectable`, `"connectable" LE 1M 1: connectable`}},
		} {
			if got := p.hears(t, c.cfg); !slices.Equal(got, c.want) {
				t.Errorf("%+v:\n%s\nwant\n%s", c.cfg, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		}
	})
}

// Data of every length, beyond one command and one packet, are heard whole.
func TestLongAdvertisingData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		payload := func(n int) (more gap.Payload) { // of n octets
			more.Discoverable = gap.NoFlags
			for n > 0 {
				k := min(n, 256)
				if n-k == 1 {
					k -= 2
				}
				more.More, _ = gap.AppendAD(more.More, gap.ADManufacturer, make([]byte, k-2))
				n -= k
			}
			return more
		}
		a := advertising(t, p.peripheral, gap.AdvertiseConfig{Extended: true, NonConnectable: true, Payload: payload(2)})
		defer a.Close()
		for _, n := range []int{31, 32, 229, 250, 251, 252, 253, 502, 503, 1000, 1649, 1650} {
			if err := a.Update(t.Context(), payload(n)); err != nil {
				t.Fatalf("%d: %v", n, err)
			}
			for heard, err := range p.central.Scan(t.Context(), gap.ScanConfig{Passive: true}) {
				if err != nil || len(heard.Data) != n || heard.Truncated {
					t.Errorf("%d octets, truncated: %v, %v; want %d", len(heard.Data), heard.Truncated, err, n)
				}
				break
			}
		}
		var full *gap.PayloadError
		if err := a.Update(t.Context(), payload(1652)); !errors.As(err, &full) {
			t.Errorf("1652 octets: %v", err)
		}
	})
}

// Complaint 17: of several connectable sets each gets the connections that it led to, and goes on.
func TestConnectionsOfSeveralSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		var sets []*gap.Advertising
		addresses := []hci.Address{peripheralAddress, {Type: hci.Random, Octets: [6]byte{1, 0, 0, 0, 0, 0xC0}}, {Type: hci.Random, Octets: [6]byte{2, 0, 0, 0, 0, 0xC0}}}
		for i, address := range addresses {
			cfg := gap.AdvertiseConfig{Extended: i == 1, SID: uint8(i)}
			if address.Type == hci.Random {
				cfg.Address = address
			}
			sets = append(sets, advertising(t, p.peripheral, cfg))
			defer sets[i].Close()
		}
		defer advertising(t, p.peripheral, gap.AdvertiseConfig{NonConnectable: true}).Close()
		for range 3 {
			for _, i := range []int{1, 0, 2} {
				h, err := gap.Open(t.Context(), p.air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				if _, err := h.Connect(t.Context(), addresses[i], gap.ConnectConfig{NoGATT: true}); err != nil {
					t.Fatalf("%d: %v", i, err)
				}
				c, err := sets[i].Accept(t.Context())
				if err != nil || c.OnAir() != h.Identity() {
					t.Errorf("%d: %v, %v", i, c, err)
				}
			}
		}
		if n := len(p.peripheral.Conns()); n != 9 {
			t.Errorf("%d connections", n)
		}
	})
}

// Advertising ends by itself after so many events, and directed extended advertising is for its peer.
func TestExtendedLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _, _ = p.counts(ctx, gap.ScanConfig{Window: 100 * time.Millisecond}) }()
		if err := p.peripheral.Broadcast(t.Context(), gap.AdvertiseConfig{MaxEvents: 7}); !errors.Is(err, hci.LimitReached) {
			t.Errorf("Broadcast: %v", err)
		}
		began := time.Now()
		if err := p.peripheral.Broadcast(t.Context(), gap.AdvertiseConfig{Duration: time.Second}); !errors.Is(err, hci.AdvertisingTimeout) || time.Since(began) != time.Second {
			t.Errorf("Broadcast, after %v: %v", time.Since(began), err)
		}
		cancel()
		done := make(chan *gap.Conn, 1)
		go func() {
			c, _ := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{Extended: true, Peer: p.central.Identity()})
			done <- c
		}()
		if _, err := p.connecting(t, time.Minute); err == nil {
			t.Error("somebody else has connected")
		}
		if _, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{}); err != nil {
			t.Error(err)
		}
		if c := <-done; c == nil || c.OnAir() != p.central.Identity() {
			t.Errorf("%v", c)
		}
	})
}

// Who asks for the scan response is told, where that is wanted.
func TestScanRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		radio := p.air.NewController(virtual.ControllerConfig{})
		var mu sync.Mutex
		var who []hci.Address
		h, err := gap.Open(t.Context(), radio.Conn(), gap.Config{Events: func(e gap.Event) {
			if _, ok := e.Detail.(gap.ScanRequested); ok {
				mu.Lock()
				defer mu.Unlock()
				who = append(who, e.Peer)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		defer advertising(t, h, gap.AdvertiseConfig{ScanRequests: true}).Close()
		p.hears(t, gap.ScanConfig{})
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(who) == 0 || who[0] != p.central.Identity() {
			t.Errorf("asked by %v", who)
		}
	})
}

// A controller of before Bluetooth 5 says of what it does not have that it has not, and does what is nearest of the rest.
func TestExtendedAdvertisingByLegacyCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{radio: virtual.ControllerConfig{Version: core42}})
		defer p.close()
		for name, cfg := range map[string]gap.AdvertiseConfig{
			"LE Coded":  {Extended: true, PrimaryPHY: hci.LECoded},
			"anonymous": {Extended: true, NonConnectable: true, Anonymous: true},
			"power":     {Extended: true, IncludePower: true},
			"periodic":  {Extended: true, NonConnectable: true, Periodic: &gap.PeriodicConfig{}},
			"events":    {MaxEvents: 1},
		} {
			if _, err := p.peripheral.NewAdvertising(t.Context(), cfg); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := p.counts(t.Context(), gap.ScanConfig{PHYs: hci.PHYsOf(hci.LECoded)}); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
			t.Errorf("scanning on LE Coded: %v", err)
		}
		if _, err := p.central.NewSync(t.Context(), gap.SyncConfig{Advertiser: peripheralAddress}); !errors.Is(err, hci.UnsupportedFeatureOrParameter) {
			t.Errorf("sync: %v", err)
		}
		defer advertising(t, p.peripheral, gap.AdvertiseConfig{Extended: true, NonConnectable: true, Payload: gap.Payload{Name: "old"}}).Close()
		if got := p.hears(t, gap.ScanConfig{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded)}); !slices.Equal(got, []string{`"old" LE 1M -1: legacy`}) {
			t.Errorf("heard %q", got)
		}
	})
}

// Complaint 18: scanning, advertising, and connections in both roles at once, on one host, without an end.
func TestEverythingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		scanned := make(chan int, 1)
		go func() {
			n, err := p.counts(ctx, gap.ScanConfig{Duplicates: gap.ReportAll})
			if err != nil {
				t.Error(err)
			}
			scanned <- n
		}()
		defer advertising(t, p.peripheral, gap.AdvertiseConfig{}).Close()
		mine := advertising(t, p.central, gap.AdvertiseConfig{})
		defer mine.Close()
		for range 5 {
			if _, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{NoGATT: true}); err != nil && !errors.Is(err, hci.ConnectionAlreadyExists) {
				t.Fatal(err)
			}
			h, err := gap.Open(t.Context(), p.air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			if _, err := h.Connect(t.Context(), p.central.Identity(), gap.ConnectConfig{NoGATT: true}); err != nil {
				t.Fatal(err)
			}
			if c, err := mine.Accept(t.Context()); err != nil || c.Role() != hci.Peripheral {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if n := len(p.central.Conns()); n != 6 {
			t.Errorf("%d connections", n)
		}
		cancel()
		if n := <-scanned; n < 20 {
			t.Errorf("heard %d times", n)
		}
	})
}

// A controller that can't do it all at once is asked, and what it refuses is told in words.
func TestStatesThatCannotBeCombined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone := ^(hci.StateConnectableAndPeripheral | hci.StateConnectableAndPassiveScanning | hci.StateConnectableAndActiveScanning)
		p := newPair(t, pairConfig{radio: virtual.ControllerConfig{States: alone}})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		scanned := make(chan struct{})
		go func() { defer close(scanned); _, _ = p.counts(ctx, gap.ScanConfig{}) }()
		synctest.Wait()
		var state *driver.StateError
		if _, err := p.central.NewAdvertising(t.Context(), gap.AdvertiseConfig{}); !errors.As(err, &state) || state.Beside != "active scanning" {
			t.Errorf("beside scanning: %v", err)
		}
		cancel()
		<-scanned
		mine := advertising(t, p.central, gap.AdvertiseConfig{})
		if _, err := p.counts(t.Context(), gap.ScanConfig{}); !errors.As(err, &state) || state.Doing != "active scanning" {
			t.Errorf("scanning beside it: %v", err)
		}
		_ = mine.Close()

		// The peripheral does not advertise beside a connection, and goes on after it.
		a := advertising(t, p.peripheral, gap.AdvertiseConfig{Payload: gap.Payload{Services: []att.UUID{gatt.HeartRate}}})
		defer a.Close()
		for range 3 {
			if _, err := p.connecting(t, time.Minute); err != nil {
				t.Fatal(err)
			}
			c, err := a.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.connecting(t, time.Minute); err == nil {
				t.Error("it advertised beside a connection")
			}
			c.Disconnect(hci.RemoteUserTerminatedConnection)
		}
	})
}

// Complaints 4 and 18: while a peer is waited for that does not come, scanning, advertising, being connected to and leaving all
// that take no time.
func TestWhileAPeerIsWaitedFor(t *testing.T) {
	for _, version := range []uint8{0, core42} {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, pairConfig{radio: virtual.ControllerConfig{Version: version}})
			defer p.close()
			waiting, stop := context.WithCancel(t.Context())
			waited := make(chan error, 1)
			go func() {
				_, err := p.central.Connect(waiting, hci.Address{Octets: [6]byte{9}}, gap.ConnectConfig{})
				waited <- err
			}()
			time.Sleep(time.Second)
			began := time.Now()
			a := advertising(t, p.central, gap.AdvertiseConfig{})
			if err := a.Update(t.Context(), gap.Payload{Name: "new"}); err != nil {
				t.Error(err)
			}
			if d := time.Since(began); d > time.Second {
				t.Errorf("it took %v to advertise", d)
			}
			defer advertising(t, p.peripheral, gap.AdvertiseConfig{}).Close()
			if n, err := p.counts(within(t, 10*time.Second), gap.ScanConfig{}); err != nil || n != 2 {
				t.Errorf("heard %d, %v", n, err)
			}
			if _, err := p.connectingTo(t, p.central.Identity(), 10*time.Second); err != nil {
				t.Error(err)
			}
			if _, err := a.Accept(t.Context()); err != nil {
				t.Error(err)
			}
			began = time.Now()
			_ = a.Close()
			if d := time.Since(began); d > time.Second {
				t.Errorf("it took %v to leave", d)
			}
			select {
			case err := <-waited:
				t.Errorf("it is waited for no more: %v", err)
			default:
			}
			stop()
			if err := <-waited; !errors.Is(err, context.Canceled) {
				t.Errorf("Connect: %v", err)
			}
		})
	}
}
