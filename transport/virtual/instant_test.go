package virtual

import (
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// TestInstantCycles connects, encrypts, sends and disconnects, 200 times, outside any bubble and without waiting.
func TestInstantCycles(t *testing.T) {
	p := newPair(t, AirConfig{Instant: true}, ControllerConfig{}, ControllerConfig{})
	for i := range 200 {
		if i > 0 {
			p.connect(usual)
		}
		p.encrypted()
		for range 10 {
			p.peripheral.says(p.ph, p.central, p.ch, "a value")
			p.central.says(p.ch, p.peripheral, p.ph, "an answer")
		}
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
	}
	right(t, p.central, p.peripheral)
	if n := p.air.alarms(); n != 0 {
		t.Errorf("%d alarms left", n)
	}
}

// TestInstantHearsAtOnce: whoever begins to listen hears an advertiser whose interval is ten seconds.
func TestInstantHearsAtOnce(t *testing.T) {
	air := NewAir(AirConfig{Instant: true})
	defer air.Close()
	a, b := newHost(t, air.NewController(ControllerConfig{})), newHost(t, air.NewController(ControllerConfig{}))
	slow := advertised
	slow.IntervalMin, slow.IntervalMax = 0x4000, 0x4000
	narrow := hci.LESetScanParameters{Interval: 0x4000, Window: 4}
	a.advertise(slow)
	for range 50 {
		b.scan(narrow, true)
		b.report()
		b.do(hci.LESetScanEnable{})
	}
	b.scan(narrow, false)
	b.report()
	for range 50 {
		a.do(hci.LESetAdvertisingEnable{})
		a.do(hci.LESetAdvertisingEnable{Enable: true})
		b.report()
	}
	b.start(createConnection(a.c.Address()))
	b.report()
	b.connected()
	a.connected()
}

// TestConcurrentHosts has everything called from everywhere at once, for the race detector.
func TestConcurrentHosts(t *testing.T) {
	air := NewAir(AirConfig{Instant: true})
	defer air.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := air.NewController(ControllerConfig{CommandPackets: 255})
			conn := c.Conn()
			wg.Go(func() {
				b := make([]byte, 4096)
				for {
					if _, err := conn.ReadPacket(b); err != nil {
						return
					}
				}
			})
			for i := range 100 {
				for _, cmd := range []hci.Command{hci.SetEventMask{Mask: ^uint64(0)}, advertised, hci.LESetAdvertisingEnable{Enable: true}, scan,
					hci.LESetScanEnable{Enable: true}, createConnection(hci.Address{Octets: [6]byte{byte(i%4 + 1), 0, 0, 'L', 'J', 2}})} {
					if err := conn.WritePacket(hci.AppendCommand(nil, cmd)); err != nil {
						t.Error(err)
					}
				}
				c.SetSilent(i%10 == 9)
				c.Counters()
				if i%20 == 19 {
					c.Restart()
				}
			}
			conn.Close()
		})
	}
	wg.Wait()
}
