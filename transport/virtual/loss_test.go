package virtual

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestLossIsRepaired: the link layer sends again until it is acknowledged. What arrives is all, once and in order, and
// every credit comes back.
func TestLossIsRepaired(t *testing.T) {
	for _, instant := range []bool{false, true} {
		for _, part := range []float64{0.1, 0.3} {
			t.Run(fmt.Sprint(part, " instant ", instant), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPair(t, AirConfig{Instant: instant}, ControllerConfig{}, ControllerConfig{})
					settle()
					p.central.c.SetLoss(part)
					for i := range 300 {
						p.central.says(p.ch, p.peripheral, p.ph, fmt.Sprint("down ", i))
						p.peripheral.says(p.ph, p.central, p.ch, fmt.Sprint("up ", i))
					}
					p.encrypted()
					p.central.c.SetLoss(0)
					p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
					p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
					p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
					right(t, p.central, p.peripheral)
					if n := p.air.alarms(); n != 0 {
						t.Errorf("%d alarms left", n)
					}
				})
			})
		}
	}
}

// TestLossCostsEvents: a packet that gets lost ends the connection event, and is sent in the next.
func TestLossCostsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		p.central.says(p.ch, p.peripheral, p.ph, "align")
		p.peripheral.c.SetLoss(0.3)
		start := time.Now()
		const n = 2000
		for range n {
			p.central.says(p.ch, p.peripheral, p.ph, "x")
		}
		// Each exchange takes both packets: 0.7 × 0.7 succeed, so one says takes 1/0.49 events.
		if events := float64(time.Since(start)/interval) / n; events < 1.9 || events > 2.2 {
			t.Errorf("%.2f events for each packet, want 2.04", events)
		}
	})
}

// TestSameSeedSameLoss: what gets lost is a matter of the seed.
func TestSameSeedSameLoss(t *testing.T) {
	took := func(seed uint64) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, AirConfig{Seed: seed}, ControllerConfig{}, ControllerConfig{})
			settle()
			p.central.c.SetLoss(0.4)
			start := time.Now()
			for range 50 {
				p.central.says(p.ch, p.peripheral, p.ph, "x")
			}
			d = time.Since(start)
		})
		return d
	}
	if a, b, c := took(7), took(7), took(8); a != b || a == c {
		t.Errorf("seeds 7, 7 and 8: %v, %v and %v", a, b, c)
	}
}

// TestTotalLossIsAbsence: nothing comes through, so both sides give up after the supervision time-out.
func TestTotalLossIsAbsence(t *testing.T) {
	for _, part := range []float64{0.9999999, 1} {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
				settle()
				p.central.says(p.ch, p.peripheral, p.ph, "align")
				p.peripheral.c.SetLoss(part)
				start := time.Now()
				p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("into the void"))
				p.central.disconnected(p.ch, hci.ConnectionTimeout)
				p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
				if d := time.Since(start); d > supervision+interval || d < supervision-interval {
					t.Errorf("lost after %v, want %v", d, supervision)
				}
				if n := p.central.c.Counters(); n.ACLFlushed != 1 || n.ACLBuffered != 0 || p.air.alarms() != 0 {
					t.Errorf("%+v, %d alarms left", n, p.air.alarms())
				}
			})
		})
	}
}

// TestFirstPacketsLost: the connect request was heard, and then nothing in six intervals (complaint 21).
func TestFirstPacketsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		p.central.c.SetLoss(0.9999999)
		p.central.disconnected(p.ch, hci.ConnectionFailedToBeEstablished)
		p.peripheral.disconnected(p.ph, hci.ConnectionFailedToBeEstablished)
	})
}

// TestLossOnAdvertisingChannels: advertisements and connect requests are not sent again, but there is always another.
func TestLossOnAdvertisingChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{Loss: 0.3})
		defer air.Close()
		central, peripheral := newHost(t, air.NewController(ControllerConfig{})), newHost(t, air.NewController(ControllerConfig{}))
		unheard := 0
		for range 60 {
			peripheral.advertise(advertised)
			central.start(createConnection(peripheral.c.Address()))
			handle := central.connected().Handle
			pass(10 * interval)
			if len(peripheral.packets) == 0 { // it has not heard the request
				unheard++
				central.disconnected(handle, hci.ConnectionFailedToBeEstablished)
				peripheral.do(hci.LESetAdvertisingEnable{})
				continue
			}
			central.c.DropLinks(hci.ConnectionTimeout)
			central.event(hci.EvDisconnectionComplete)
			peripheral.connected()
			peripheral.event(hci.EvDisconnectionComplete)
		}
		if unheard < 10 || unheard > 30 {
			t.Errorf("%d of 60 connect requests got lost, want about 18", unheard)
		}
		right(t, central, peripheral)
	})
}

// TestConnectedDeviceIgnoresAnotherRequest: there is one connection with a device at the most (Vol 6, Part B, 4.5).
func TestConnectedDeviceIgnoresAnotherRequest(t *testing.T) {
	onAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[1].advertise(advertised)
		h[0].start(createConnection(h[1].c.Address()))
		h[0].connected()
		there := h[1].connected().Handle
		settle()
		h[0].c.Restart() // forgets the connection, which the other has still
		h[0].setMasks()
		h[1].advertise(advertised)
		h[0].start(createConnection(h[1].c.Address()))
		handle := h[0].connected().Handle
		h[0].disconnected(handle, hci.ConnectionFailedToBeEstablished)
		h[1].disconnected(there, hci.ConnectionTimeout)
		h[0].start(createConnection(h[1].c.Address())) // it advertises still
		h[0].connected()
		h[1].connected()
	})
}
