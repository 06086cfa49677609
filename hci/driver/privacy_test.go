package driver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/btcrypto"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// resolver is a scripted controller with a resolving list, of which it keeps the account that a real one does.
type resolver struct {
	size    byte
	list    map[hci.Address]bool
	enabled bool
	refuse  map[hci.Opcode]hci.Status
	history []string
}

func (r *resolver) handle(ctl *hcitest.Controller) {
	r.list = map[hci.Address]bool{}
	var all hci.SupportedCommands
	do := func(op hci.Opcode, f func(p []byte) (note string, returns []byte)) {
		all.Add(op)
		ctl.Handle(op, func(ctl *hcitest.Controller, frame hci.CommandFrame) {
			if status, refused := r.refuse[op]; refused {
				hcitest.Fail(status)(ctl, frame)
				return
			}
			note, returns := f(frame.Parameters)
			if note != "" {
				r.history = append(r.history, note)
			}
			ctl.Complete(op, returns...)
		})
	}
	do(hci.OpLEReadResolvingListSize, func([]byte) (string, []byte) { return "", []byte{r.size} })
	do(hci.OpLEAddDeviceToResolvingList, func(p []byte) (string, []byte) {
		q, _ := hci.ParseLEAddDeviceToResolvingList(p)
		r.list[q.Peer] = true
		return fmt.Sprintf("+%d", p[1]), nil
	})
	do(hci.OpLERemoveDeviceFromResolvingList, func(p []byte) (string, []byte) {
		q, _ := hci.ParseIdentityCommand(hci.OpLERemoveDeviceFromResolvingList, p)
		delete(r.list, q.Peer)
		return fmt.Sprintf("-%d", p[1]), nil
	})
	do(hci.OpLEClearResolvingList, func([]byte) (string, []byte) { clear(r.list); return "clear", nil })
	do(hci.OpLESetPrivacyMode, func(p []byte) (string, []byte) { return fmt.Sprintf("mode %d", p[7]), nil })
	do(hci.OpLESetAddressResolutionEnable, func(p []byte) (string, []byte) {
		r.enabled = p[0] == 1
		return map[bool]string{true: "on", false: "off"}[r.enabled], nil
	})
	do(hci.OpLESetResolvablePrivateAddressTimeout, func(p []byte) (string, []byte) { return fmt.Sprintf("%d s", int(p[0])|int(p[1])<<8), nil })
	ctl.Handle(hci.OpReadLocalSupportedCommands, hcitest.Return(all[:]...))
}

func (r *resolver) take() string {
	defer func() { r.history = nil }()
	return strings.Join(r.history, " ")
}

// resolving runs a test on such a controller.
func resolving(t *testing.T, r *resolver, f func(t *testing.T, ctl *hcitest.Controller, c *driver.Controller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{Features: hci.FeatureLEEncryption | hci.FeatureLLPrivacy})
		r.handle(ctl)
		c := open(t, ctl, &host{})
		f(t, ctl, c)
		_ = c.Close()
	})
}

// known is an entry for peer n, in device privacy mode.
func known(n byte) driver.ResolvingEntry {
	return driver.ResolvingEntry{Peer: hci.Address{Octets: [6]byte{n}}, PeerIRK: [16]byte{n}, LocalIRK: [16]byte{0xFF}}
}

// TestSetResolvingList: what changes is changed, and nothing else; what does not fit is left out, and counted.
func TestSetResolvingList(t *testing.T) {
	network := known(3)
	network.Network = true
	rekeyed := known(1)
	rekeyed.PeerIRK = [16]byte{9}
	r := &resolver{size: 3}
	resolving(t, r, func(t *testing.T, _ *hcitest.Controller, c *driver.Controller) {
		if !c.CanResolve() || c.Info().ResolvingList != 3 {
			t.Fatalf("%+v", c.Info().ResolvingList)
		}
		for _, s := range []struct {
			name string
			want []driver.ResolvingEntry
			n    int
			done string
		}{
			{"nothing, as before", nil, 0, ""},
			{"two", []driver.ResolvingEntry{known(1), known(2)}, 2, "+1 mode 1 +2 mode 1 on"},
			{"the same", []driver.ResolvingEntry{known(1), known(2)}, 2, ""},
			{"one more, in network privacy mode", []driver.ResolvingEntry{known(1), known(2), network}, 3, "off +3 on"},
			{"another mode", []driver.ResolvingEntry{known(1), known(2), known(3)}, 3, "off -3 +3 mode 1 on"},
			{"a new key", []driver.ResolvingEntry{rekeyed, known(2), known(3)}, 3, "off -1 +1 mode 1 on"},
			{"more than fit", []driver.ResolvingEntry{rekeyed, known(2), known(3), known(4)}, 3, ""},
			{"the other ones first", []driver.ResolvingEntry{known(4), known(5), known(2), known(3)}, 3, "off -1 -3 +4 mode 1 +5 mode 1 on"},
			{"none", nil, 0, "off -4 -5 -2"},
		} {
			n, err := c.SetResolvingList(t.Context(), s.want)
			if got := r.take(); n != s.n || err != nil || got != s.done && !sameWords(got, s.done) || len(r.list) != s.n || r.enabled != (s.n > 0) {
				t.Errorf("%s: %d, %v: %q, want %d: %q; the list has %d, resolution %v", s.name, n, err, got, s.n, s.done, len(r.list), r.enabled)
			}
		}
	})
}

// sameWords tells whether two histories differ in nothing but the order.
func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// TestResolvingListRefused: an entry that is refused is left out and told of; what is not known to be there is cleared
// before anything is added the next time.
func TestResolvingListRefused(t *testing.T) {
	r := &resolver{size: 8}
	resolving(t, r, func(t *testing.T, _ *hcitest.Controller, c *driver.Controller) {
		set := func(want int, status hci.Status, entries ...driver.ResolvingEntry) {
			t.Helper()
			n, err := c.SetResolvingList(t.Context(), entries)
			if n != want || (status == hci.Success) != (err == nil) || err != nil && !errors.Is(err, status) {
				t.Errorf("%d, %v; want %d, %v", n, err, want, status)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", entries, err), "[255 0") {
				t.Error("a key is printed")
			}
		}
		set(1, hci.Success, known(1))
		r.refuse = map[hci.Opcode]hci.Status{hci.OpLEAddDeviceToResolvingList: hci.MemoryCapacityExceeded}
		set(1, hci.MemoryCapacityExceeded, known(1), known(2))
		r.refuse = map[hci.Opcode]hci.Status{hci.OpLESetPrivacyMode: hci.UnspecifiedError}
		set(1, hci.UnspecifiedError, known(1), known(3))
		if len(r.list) != 1 {
			t.Errorf("%d entries: one without its mode is in the list", len(r.list))
		}
		r.refuse = map[hci.Opcode]hci.Status{hci.OpLERemoveDeviceFromResolvingList: hci.UnspecifiedError}
		set(1, hci.UnspecifiedError, known(4))
		r.refuse = nil
		r.take()
		set(1, hci.Success, known(4))
		if got, want := r.take(), "off clear +4 mode 1 on"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		r.refuse = map[hci.Opcode]hci.Status{hci.OpLESetAddressResolutionEnable: hci.CommandDisallowed}
		for range 2 { // it is tried again
			set(1, hci.CommandDisallowed, known(5))
		}
		r.refuse = nil
		set(1, hci.Success, known(5))
		if !r.enabled || !r.list[known(5).Peer] || len(r.list) != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// TestCanResolve: a list is of use with all of its commands; 4.2 has no device privacy mode, and would lose a peer that
// goes by its identity address.
func TestCanResolve(t *testing.T) {
	for _, s := range []struct {
		name string
		cfg  virtual.ControllerConfig
		want int
	}{
		{"all", virtual.ControllerConfig{}, 8},
		{"a small list", virtual.ControllerConfig{ResolvingListSize: 1}, 1},
		{"no list", virtual.ControllerConfig{ResolvingListSize: -1}, 0},
		{"4.1", virtual.ControllerConfig{Version: 0x07}, 0},
		{"4.2", virtual.ControllerConfig{Version: 0x08}, 0},
	} {
		t.Run(s.name, func(t *testing.T) {
			onTheAir(t, func(t *testing.T, air *virtual.Air) {
				c := onAir(t, air, s.cfg)
				n, err := c.SetResolvingList(t.Context(), []driver.ResolvingEntry{known(1), known(2)})
				if c.Info().ResolvingList != s.want || c.CanResolve() != (s.want > 0) || n != min(s.want, 2) || err != nil {
					t.Errorf("%d entries of %d, %v", n, c.Info().ResolvingList, err)
				}
				if err := c.SetPrivateAddressTimeout(t.Context(), time.Minute); err != nil {
					t.Error(err)
				}
				c.clean(t)
			})
		})
	}
}

// TestPrivateAddressTimeout is in whole seconds, and within what a controller takes.
func TestPrivateAddressTimeout(t *testing.T) {
	r := &resolver{size: 1}
	resolving(t, r, func(t *testing.T, _ *hcitest.Controller, c *driver.Controller) {
		for _, d := range []time.Duration{0, 1500 * time.Millisecond, 15 * time.Minute, 48 * time.Hour} {
			if err := c.SetPrivateAddressTimeout(t.Context(), d); err != nil {
				t.Error(err)
			}
		}
		if got, want := r.take(), "1 s 1 s 900 s 3600 s"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

var someone = hci.Address{Octets: [6]byte{0xEE}}

// acquainted are two stations that have each other in their lists.
func acquainted(t *testing.T, air *virtual.Air) (central, peripheral *station) {
	t.Helper()
	central, peripheral = onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
	for s, e := range map[*station]driver.ResolvingEntry{
		central:    {Peer: peripheral.radio.Address(), PeerIRK: [16]byte{2}, LocalIRK: [16]byte{1}},
		peripheral: {Peer: central.radio.Address(), PeerIRK: [16]byte{1}, LocalIRK: [16]byte{2}},
	} {
		if n, err := s.SetResolvingList(t.Context(), []driver.ResolvingEntry{e}); n != 1 || err != nil || !s.Resolves(e.Peer) || s.Resolves(someone) {
			t.Fatal(n, err, s.Resolves(e.Peer))
		}
		if err := s.SetRandomAddress(t.Context(), randomAddress); err != nil { // to hide at all
			t.Fatal(err)
		}
	}
	return central, peripheral
}

// TestPrivateConnection: two controllers with each other in their lists connect under addresses that they make, which the
// connection knows as those on air, beside the identities; the next time under others.
func TestPrivateConnection(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		central, peripheral := acquainted(t, air)
		before := map[hci.Address]bool{}
		for range 3 {
			if err := peripheral.begin(t.Context(), driver.AdvertisingParameters{Properties: hci.LegacyAdvInd, Peer: central.radio.Address()}); err != nil {
				t.Fatal(err)
			}
			conn, err := central.Connect(t.Context(), peripheral.radio.Address(), driver.ConnectParameters{})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			links := peripheral.host.links()
			other := links[len(links)-1].conn
			for _, s := range []struct {
				name       string
				ours       hci.Address
				theirs     hci.Address
				irk        [16]byte
				identified *driver.Conn
				identity   hci.Address
			}{
				{"the central", conn.LocalAddress(), other.PeerAddress(), [16]byte{1}, other, central.radio.Address()},
				{"the peripheral", other.LocalAddress(), conn.PeerAddress(), [16]byte{2}, conn, peripheral.radio.Address()},
			} {
				if s.ours != s.theirs || !s.ours.IsResolvable() || !btcrypto.NewCipher(s.irk).Resolves(s.ours.Octets) || before[s.ours] {
					t.Errorf("%s is %v to itself and %v to its peer", s.name, s.ours.Text(), s.theirs.Text())
				}
				if identity, ok := s.identified.PeerIdentity(); !ok || identity != s.identity {
					t.Errorf("%s is taken for %v", s.name, identity)
				}
				before[s.ours] = true
			}
			conn.Disconnect(hci.RemoteUserTerminatedConnection)
			<-other.Done()
			time.Sleep(15 * time.Minute)
		}
		central.clean(t)
		peripheral.clean(t)
	})
}

// TestChangesInUse (complaint 25: addresses mixed up, and complaint 3: connecting stops working): while a controller
// scans, advertises and connects, its own address and its list change again and again, and the connection is made in the
// end, under the address that was told last.
func TestChangesInUse(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		busy, listener, peripheral := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		for _, s := range []*station{busy, listener} {
			if err := s.StartScan(t.Context(), driver.ScanParameters{Interval: 160, Window: 160, Duplicates: true}); err != nil {
				t.Fatal(err)
			}
		}
		busy.advertise(t)
		result := start(func() error {
			_, err := busy.Connect(t.Context(), peripheral.radio.Address(), driver.ConnectParameters{})
			return err
		})
		var own hci.Address
		for i := range 20 {
			own = hci.Address{Type: hci.Random, Octets: [6]byte{byte(i), 2, 3, 4, 5, 0x46}}
			if err := busy.SetRandomAddress(t.Context(), own); err != nil {
				t.Fatal(err)
			}
			if n, err := busy.SetResolvingList(t.Context(), []driver.ResolvingEntry{known(byte(i + 1))}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			time.Sleep(10 * time.Second)
			listener.host.heard(t, own)
		}
		peripheral.advertise(t)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := peripheral.host.links()[0].conn.PeerAddress(); got != own {
			t.Errorf("connected as %v, want %v", got, own)
		}
		if got := busy.host.links()[0].conn.LocalAddress(); got != own {
			t.Errorf("we take ourselves for %v, want %v", got, own)
		}
		if n := busy.host.forget(); n == 0 {
			time.Sleep(time.Second)
			peripheral.advertise(t)
			time.Sleep(time.Minute)
			if busy.host.forget() == 0 {
				t.Error("scanning did not go on")
			}
		}
	})
}

// heard wants the last report to be of that address, and begins anew.
func (h *host) heard(t *testing.T, want hci.Address) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.reports); n == 0 || h.reports[n-1].Address != want {
		t.Errorf("%d reports, want some of %v", n, want)
	}
	h.reports = nil
}

// forget tells how many reports there are, and begins anew.
func (h *host) forget() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.reports = nil }()
	return len(h.reports)
}

// TestResolvedReport: who is in the list is reported by its identity address.
func TestResolvedReport(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		central, peripheral := acquainted(t, air)
		if err := peripheral.begin(t.Context(), driver.AdvertisingParameters{Properties: hci.LegacyAdvInd, Peer: central.radio.Address()}); err != nil {
			t.Fatal(err)
		}
		if err := central.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		central.host.mu.Lock()
		defer central.host.mu.Unlock()
		for _, r := range central.host.reports {
			if r.Address != peripheral.radio.Address() || !r.Resolved {
				t.Errorf("%+v", r)
			}
		}
		if len(central.host.reports) == 0 {
			t.Error("no report")
		}
	})
}

// TestChangesEndWithTheirContext: who asks for a change while another is made may go.
func TestChangesEndWithTheirContext(t *testing.T) {
	r := &resolver{size: 1}
	resolving(t, r, func(t *testing.T, ctl *hcitest.Controller, c *driver.Controller) {
		ctl.Handle(hci.OpLESetRandomAddress, hcitest.Silent)
		first := start(func() error { return c.SetRandomAddress(t.Context(), randomAddress) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.SetResolvingList(ctx, []driver.ResolvingEntry{known(1)}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SetResolvingList: %v", err)
		}
		ctl.Complete(hci.OpLESetRandomAddress)
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
}

// TestSyncAmongChanges: an attempt to follow periodic advertising is in the way of changes like any other use of the radio,
// and goes on after each of them (Vol 4, Part E, 7.8.38 and 7.8.44).
func TestSyncAmongChanges(t *testing.T) {
	onTheAir(t, func(t *testing.T, air *virtual.Air) {
		follower, beacon := onAir(t, air, virtual.ControllerConfig{}), onAir(t, air, virtual.ControllerConfig{})
		var sync *driver.Sync
		follow := start(func() (err error) {
			sync, err = follower.Sync(t.Context(), driver.SyncParameters{Advertiser: beacon.radio.Address(), SID: 3}, nil)
			return err
		})
		for i := range 5 {
			if n, err := follower.SetResolvingList(t.Context(), []driver.ResolvingEntry{known(byte(i + 1))}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if err := follower.SetRandomAddress(t.Context(), randomAddress); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		s, err := beacon.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{SID: 3}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{s.SetPeriodic(t.Context(), driver.PeriodicParameters{}), s.StartPeriodic(t.Context()), s.Start(t.Context(), driver.AdvertisingLimits{})} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := <-follow; err != nil {
			t.Fatal(err)
		}
		if n, err := follower.SetResolvingList(t.Context(), nil); n != 0 || err != nil { // what is followed already is not in the way
			t.Error(n, err)
		}
		if sync.Err() != nil {
			t.Errorf("it is followed no more: %v", sync.Err())
		}
		ctx, cancel := context.WithCancel(t.Context())
		late := start(func() error {
			_, err := follower.Sync(ctx, driver.SyncParameters{Advertiser: beacon.radio.Address(), SID: 4}, nil)
			return err
		})
		change := start(func() error { cancel(); return follower.SetRandomAddress(t.Context(), randomAddress) })
		if err := <-late; !errors.Is(err, context.Canceled) {
			t.Errorf("Sync: %v", err)
		}
		if err := <-change; err != nil {
			t.Error(err)
		}
		if err := sync.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
