package gap_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// connecting makes one more central and connects it to the peripheral; the error is nil when it is in time.
func (p *pair) connecting(t *testing.T, within time.Duration) (*gap.Conn, error) {
	t.Helper()
	return p.connectingTo(t, peripheralAddress, within)
}

// connectingTo is connecting, to anybody.
func (p *pair) connectingTo(t *testing.T, peer hci.Address, within time.Duration) (*gap.Conn, error) {
	t.Helper()
	h, err := gap.Open(t.Context(), p.air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return h.Connect(ctx, peer, gap.ConnectConfig{NoGATT: true})
}

// Complaints 15, 17 and 18: a peripheral advertises again, and has several centrals at once, or one after the other, as
// it likes.
func TestAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, restart := range []gap.Restart{gap.RestartAtOnce, gap.RestartWhenFree, gap.RestartNever} {
			p := newPair(t, pairConfig{})
			ctx, cancel := context.WithCancel(t.Context())
			accepted := make(chan *gap.Conn, 8)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for c, err := range p.peripheral.Accept(ctx, gap.AdvertiseConfig{Restart: restart}) {
					if err != nil {
						t.Error(err)
						return
					}
					accepted <- c
				}
			}()
			if _, err := p.connecting(t, time.Minute); err != nil {
				t.Fatal(err)
			}
			first := <-accepted
			second, err := p.connecting(t, time.Minute)
			if (err == nil) != (restart == gap.RestartAtOnce) {
				t.Errorf("%d: the second, while the first is connected: %v", restart, err)
			}
			first.Disconnect(hci.RemoteUserTerminatedConnection)
			_, err = p.connecting(t, time.Minute)
			if (err == nil) != (restart != gap.RestartNever) {
				t.Errorf("%d: another, when the first is gone: %v", restart, err)
			}
			if restart == gap.RestartAtOnce && second.Err() != nil {
				t.Errorf("the second has ended: %v", second.Err())
			}
			cancel()
			<-done
			if _, err := p.connecting(t, time.Minute); err == nil {
				t.Errorf("%d: it advertises still", restart)
			}
			p.close()
		}
	})
}

// Connections that were gone before anybody accepted them do not end advertising that is to lead to one, in whatever order
// it comes to be known that they came and that they went.
func TestAcceptGoneBeforeWeLook(t *testing.T) {
	for range 16 { // there is a choice of two orders, twice
		synctest.Test(t, func(t *testing.T) {
			x := newTapped(t, pairConfig{radio: virtual.ControllerConfig{CommandPackets: 3}})
			defer x.close()
			a := advertising(t, x.peripheral, gap.AdvertiseConfig{Restart: gap.RestartNever})
			defer a.Close()
			connect := func() *gap.Conn {
				c, err := x.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{NoGATT: true, Patience: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			enabled := withheld{opcode: hci.OpLESetExtendedAdvertisingEnable}
			for range 2 { // the second while it is busy advertising again
				connect().Disconnect(hci.RemoteUserTerminatedConnection)
				time.Sleep(time.Second)
				x.meddlers[1].set(enabled.in)
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				if _, err := a.Accept(ctx); err == nil {
					t.Error("a connection that is gone was accepted")
				}
				cancel()
			}
			enabled.release.Store(true)
			if _, err := x.peripheral.Controller().Do(t.Context(), hci.LERand); err != nil {
				t.Fatal(err)
			}
			c := connect()
			if theirs, err := a.Accept(t.Context()); err != nil || theirs.Err() != nil {
				t.Errorf("%v", err)
			}
			c.Disconnect(hci.RemoteUserTerminatedConnection)
		})
	}
}

// withheld is the first answer to a command, which comes before whatever comes next once it is released.
type withheld struct {
	opcode  hci.Opcode
	release atomic.Bool
	answer  []byte // the reader's
	had     bool
}

func (w *withheld) in(p []byte) [][]byte {
	switch answers := isEvent(p, hci.EvCommandComplete) && len(p) > 5 && hci.Opcode(binary.LittleEndian.Uint16(p[4:])) == w.opcode; {
	case answers && !w.had:
		w.answer, w.had = p, true
		return nil
	case w.answer != nil && w.release.Load():
		first := w.answer
		w.answer = nil
		return [][]byte{first, p}
	}
	return [][]byte{p}
}

// A controller that does not advertise beside a connection does so when that has ended, and nobody has to ask again.
func TestAcceptWhereTheControllerCannotBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{radio: virtual.ControllerConfig{Links: 1}})
		defer p.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		accepted := make(chan *gap.Conn, 8)
		go func() {
			for c, err := range p.peripheral.Accept(ctx, gap.AdvertiseConfig{}) {
				if err != nil {
					t.Error(err)
				}
				accepted <- c
			}
		}()
		for range 5 {
			if _, err := p.connecting(t, time.Minute); err != nil {
				t.Fatal(err)
			}
			c := <-accepted
			if _, err := p.connecting(t, time.Minute); err == nil {
				t.Error("two connections where there is room for one")
			}
			c.Disconnect(hci.RemoteUserTerminatedConnection)
		}
	})
}

// Whoever begins where the controller has no room is told so, at once.
func TestAdvertiseRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{radio: virtual.ControllerConfig{Links: 1, Version: core42}})
		defer p.close()
		c, _, err := p.connect(t.Context(), gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{}); !errors.Is(err, hci.ConnectionLimitExceeded) {
			t.Errorf("Advertise: %v", err)
		}
		c.Disconnect(hci.RemoteUserTerminatedConnection)
		<-c.Ended()
		synctest.Wait()
		for _, op := range []hci.Opcode{hci.OpLESetAdvertisingParameters, hci.OpLESetAdvertisingData, hci.OpLESetAdvertisingEnable} {
			p.radios[1].Refuse(op, hci.MemoryCapacityExceeded)
			if _, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{}); !errors.Is(err, hci.MemoryCapacityExceeded) {
				t.Errorf("%v was refused: %v", op, err)
			}
		}
		if _, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{Payload: gap.Payload{Manufacturer: make([]byte, 40)}}); err == nil || !strings.Contains(err.Error(), "room for 29") {
			t.Errorf("a payload that does not fit: %v", err)
		}
		var config *gap.ConfigError
		if _, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{SID: 99}); !errors.As(err, &config) {
			t.Errorf("what nobody can do: %v", err)
		}
		if _, _, err := p.connect(t.Context(), gap.ConnectConfig{}); err != nil {
			t.Errorf("after all that: %v", err)
		}
	})
}

// The legacy commands know one set; whoever wants another is told, and the first goes on.
func TestAdvertiseTwiceByLegacyCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{radio: virtual.ControllerConfig{Version: core42}})
		defer p.close()
		a, err := p.peripheral.NewAdvertising(t.Context(), gap.AdvertiseConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.peripheral.NewAdvertising(t.Context(), gap.AdvertiseConfig{}); !errors.Is(err, hci.MemoryCapacityExceeded) {
			t.Errorf("another: %v", err)
		}
		if _, err := p.connecting(t, time.Minute); err != nil {
			t.Error(err)
		}
		if c, err := a.Accept(t.Context()); err != nil || c.Err() != nil {
			t.Error(err)
		}
		for range 2 {
			if err := a.Close(); err != nil || !errors.Is(a.Err(), net.ErrClosed) {
				t.Errorf("Close: %v, %v", err, a.Err())
			}
		}
		if _, err := a.Accept(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
		if err := a.Update(t.Context(), gap.Payload{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Update: %v", err)
		}
		if b, err := p.peripheral.NewAdvertising(t.Context(), gap.AdvertiseConfig{}); err != nil {
			t.Errorf("another, afterwards: %v", err)
		} else {
			_ = b.Close()
		}
	})
}

// A connection that nobody has accepted is the first for whoever advertises next; one that has ended is not.
func TestAcceptWhatCameBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a, err := p.peripheral.NewAdvertising(t.Context(), gap.AdvertiseConfig{})
		if err != nil {
			t.Fatal(err)
		}
		gone, err := p.connecting(t, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.connecting(t, time.Minute); err != nil {
			t.Fatal(err)
		}
		gone.Disconnect(hci.RemoteUserTerminatedConnection)
		synctest.Wait()
		_ = a.Close()
		c, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{})
		if err != nil || c.Err() != nil {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := p.peripheral.Advertise(ctx, gap.AdvertiseConfig{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another: %v", err)
		}
	})
}

// Peers that connect while nobody accepts are bounded.
func TestConnectionsThatNobodyAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a, err := p.peripheral.NewAdvertising(t.Context(), gap.AdvertiseConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		for range 20 {
			if _, err := p.connecting(t, time.Minute); err != nil && !errors.Is(err, hci.RemoteDeviceLowResources) && !errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := len(p.peripheral.Conns()); n != 8 {
			t.Errorf("%d connections wait", n)
		}
	})
}

// Advertising ends by itself when its time is over, and says so.
func TestAdvertiseFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		began := time.Now()
		if _, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{Duration: 3 * time.Second}); !errors.Is(err, hci.AdvertisingTimeout) || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		began = time.Now()
		_, err := p.peripheral.Advertise(t.Context(), gap.AdvertiseConfig{Peer: hci.Address{Octets: [6]byte{1}}, HighDuty: true})
		if d := time.Since(began); !errors.Is(err, hci.AdvertisingTimeout) || d != 1280*time.Millisecond {
			t.Errorf("high duty cycle, after %v: %v", d, err)
		}
	})
}

// Directed advertising is for one peer alone, and heard by it as such.
func TestAdvertiseDirected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, high := range []bool{false, true} {
			p := newPair(t, pairConfig{})
			central := p.central.Identity()
			ctx, cancel := context.WithCancel(t.Context())
			accepted := make(chan *gap.Conn, 1)
			advertise := func() {
				c, _ := p.peripheral.Advertise(ctx, gap.AdvertiseConfig{Peer: central, HighDuty: high, Payload: gap.Payload{Name: "nobody hears"}})
				accepted <- c
			}
			if !high { // which is soon over
				go advertise()
				if _, err := p.connecting(t, time.Minute); err == nil {
					t.Error("somebody else has connected")
				}
				for a, err := range p.central.Scan(t.Context(), gap.ScanConfig{}) {
					if err != nil || !a.Directed || !a.Connectable || a.Scannable || len(a.Data) > 0 || a.Address != peripheralAddress {
						t.Errorf("%+v, %v", a, err)
					}
					break
				}
			} else {
				go advertise()
			}
			if _, err := p.central.Connect(t.Context(), peripheralAddress, gap.ConnectConfig{}); err != nil {
				t.Error(err)
			}
			if c := <-accepted; c == nil || c.OnAir() != central {
				t.Errorf("accepted %v", c)
			}
			cancel()
			p.close()
		}
	})
}

// Nobody can connect to a broadcast, and what it says can change.
func TestBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		ctx, cancel := context.WithCancelCause(t.Context())
		over := errors.New("enough")
		ended := make(chan error, 1)
		go func() {
			ended <- p.peripheral.Broadcast(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Manufacturer: []byte{0xFF, 0xFF, 1}, Discoverable: gap.NoFlags}})
		}()
		for a, err := range p.central.Scan(t.Context(), gap.ScanConfig{}) {
			company, data, ok := a.Data.Manufacturer()
			if _, flags := a.Data.Flags(); err != nil || a.Connectable || a.Scannable || flags || !ok || company != 0xFFFF || len(data) != 1 {
				t.Errorf("%+v, %v", a, err)
			}
			break
		}
		if _, err := p.connecting(t, time.Minute); err == nil {
			t.Error("somebody has connected")
		}
		cancel(over)
		if err := <-ended; err != over {
			t.Errorf("Broadcast: %v", err)
		}
	})
}

func TestAdvertisingUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		a, err := p.peripheral.NewAdvertising(t.Context(), gap.AdvertiseConfig{Payload: gap.Payload{Name: "before"}})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		var heard []string
		for ad, err := range p.central.Scan(t.Context(), gap.ScanConfig{Duplicates: gap.ReportChanges, Passive: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if heard = append(heard, ad.Data.Name()); len(heard) == 3 {
				break
			}
			if err := a.Update(t.Context(), gap.Payload{Name: []string{"", "after", "at last"}[len(heard)], Services: []att.UUID{gatt.HeartRate}}); err != nil {
				t.Error(err)
			}
		}
		if got := strings.Join(heard, ", "); got != "before, after, at last" {
			t.Errorf("heard %s", got)
		}
		var payload *gap.PayloadError
		if err := a.Update(t.Context(), gap.Payload{Manufacturer: make([]byte, 40)}); !errors.As(err, &payload) {
			t.Errorf("too much: %v", err)
		}
		beacon := advertising(t, p.central, gap.AdvertiseConfig{NonConnectable: true})
		defer beacon.Close()
		if err := beacon.Update(t.Context(), gap.Payload{Name: strings.Repeat("n", 30)}); err != nil { // there is no response for it
			t.Error(err)
		}
		for ad, err := range p.peripheral.Scan(t.Context(), gap.ScanConfig{}) {
			if err != nil || ad.Scannable || ad.Data.Name() != strings.Repeat("n", 26) {
				t.Errorf("%q, %v", ad.Data.Name(), err)
			}
			break
		}
		directed := advertising(t, p.central, gap.AdvertiseConfig{Peer: peripheralAddress})
		defer directed.Close()
		var config *gap.ConfigError
		if err := directed.Update(t.Context(), gap.Payload{}); !errors.As(err, &config) {
			t.Errorf("directed: %v", err)
		}
		if err := a.UpdatePeriodic(t.Context(), nil); !errors.As(err, &config) {
			t.Errorf("periodic data where there is nothing periodic: %v", err)
		}
	})
}

// After a recovery it goes on, with what it was to say last.
func TestAdvertisingAfterRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		radio := p.air.NewController(virtual.ControllerConfig{})
		h, err := gap.Open(t.Context(), radio.Conn(), gap.Config{Recovery: gap.Recovery{Rungs: []gap.Rung{{Name: "reopen", Open: func(context.Context) (transport.Conn, error) { return radio.Conn(), nil }}}}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		started := make(chan struct{}, 8)
		a, err := h.NewAdvertising(t.Context(), gap.AdvertiseConfig{Payload: gap.Payload{Name: "first"}, Started: func() { started <- struct{}{} }})
		if err != nil {
			t.Fatal(err)
		}
		<-started
		if err := a.Update(t.Context(), gap.Payload{Name: "second"}); err != nil {
			t.Error(err)
		}
		radio.Unplug()
		<-started
		for ad, err := range p.central.Scan(t.Context(), gap.ScanConfig{}) {
			if err != nil || ad.Data.Name() != "second" {
				t.Errorf("%q, %v", ad.Data.Name(), err)
			}
			break
		}
		if _, err := p.central.Connect(t.Context(), radio.Address(), gap.ConnectConfig{NoGATT: true}); err != nil {
			t.Error(err)
		}
		if c, err := a.Accept(t.Context()); err != nil || c.Err() != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := a.Err(); !errors.Is(err, net.ErrClosed) { // Close of the host has waited for it
			t.Errorf("the host has ended: %v", err)
		}
	})
}

// deaf is a controller whose host does not hear of some LE events.
type deaf struct {
	transport.Conn
	to hci.Subevent
}

func (d deaf) ReadPacket(b []byte) (n int, err error) {
	for {
		n, err = d.Conn.ReadPacket(b)
		if err != nil || n < 4 || b[0] != hci.EventPacket || hci.EventCode(b[1]) != hci.EvLEMeta || hci.Subevent(b[3]) != d.to {
			return n, err
		}
	}
}

// Complaint 15: a peripheral does not advertise again. It does also where the controller, or a full queue before us, keeps to
// itself that a set has stopped.
func TestAcceptWithoutSetTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, restart := range []gap.Restart{gap.RestartAtOnce, gap.RestartWhenFree} {
			p := newPair(t, pairConfig{})
			radio := p.air.NewController(virtual.ControllerConfig{})
			h, err := gap.Open(t.Context(), deaf{radio.Conn(), hci.EvLEAdvertisingSetTerminated}, gap.Config{})
			if err != nil {
				t.Fatal(err)
			}
			a := advertising(t, h, gap.AdvertiseConfig{Restart: restart})
			for range 4 {
				if _, err := p.connectingTo(t, h.Identity(), time.Minute); err != nil {
					t.Fatalf("%d: %v", restart, err)
				}
				c, err := a.Accept(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if restart == gap.RestartWhenFree {
					c.Disconnect(hci.RemoteUserTerminatedConnection)
				}
			}
			_ = a.Close()
			_ = h.Close()
			p.close()
		}
	})
}

// The same with several sets: who led to a connection is not known then, and all of them go on.
func TestSetsWithoutSetTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, pairConfig{})
		defer p.close()
		radio := p.air.NewController(virtual.ControllerConfig{})
		h, err := gap.Open(t.Context(), deaf{radio.Conn(), hci.EvLEAdvertisingSetTerminated}, gap.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		address := hci.Address{Type: hci.Random, Octets: [6]byte{1, 0, 0, 0, 0, 0xC0}}
		sets := []*gap.Advertising{advertising(t, h, gap.AdvertiseConfig{}), advertising(t, h, gap.AdvertiseConfig{Address: address, SID: 1, Extended: true})}
		for range 3 {
			for _, peer := range []hci.Address{address, h.Identity()} {
				if _, err := p.connectingTo(t, peer, time.Minute); err != nil {
					t.Fatalf("%v: %v", peer, err)
				}
				if c, err := sets[0].Accept(t.Context()); err != nil || c.Err() != nil {
					t.Fatal(err)
				}
			}
		}
		for _, a := range sets {
			_ = a.Close()
		}
	})
}
