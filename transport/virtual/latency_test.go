package virtual

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestLatency: what a controller tells its host comes later, at the most by as much as that, and in order.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 40 * time.Millisecond
		p := newPair(t, AirConfig{Latency: most}, ControllerConfig{ACLBuffers: 200}, ControllerConfig{})
		settle()
		var slowest time.Duration
		for i := range 200 {
			start := time.Now()
			p.central.do(hci.ReadBDADDR)
			d := time.Since(start)
			if slowest = max(slowest, d); d > most {
				t.Fatalf("answer %d took %v", i, d)
			}
		}
		if slowest < most/2 {
			t.Errorf("the slowest answer took %v", slowest)
		}
		for i := range 100 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, fmt.Append(nil, i))
		}
		for i := range 100 {
			if got := string(p.peripheral.acl().Data); got != fmt.Sprint(i) {
				t.Fatalf("%q, want %d", got, i)
			}
		}
		for done := 0; done < 100; {
			done += p.central.completed(p.ch)
		}
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
		right(t, p.central, p.peripheral)
		if n := p.air.alarms(); n != 0 {
			t.Errorf("%d alarms left", n)
		}
		p.central.send(hci.ReadBDADDR)
		p.central.c.Unplug() // with an answer on its way
		p.air.Close()
	})
}

// TestRealTimeLatency runs without a bubble: the timer is the machine's.
func TestRealTimeLatency(t *testing.T) {
	p := newPair(t, AirConfig{Latency: 5 * time.Millisecond, Instant: true}, ControllerConfig{}, ControllerConfig{})
	for range 10 {
		p.central.says(p.ch, p.peripheral, p.ph, "down")
		p.peripheral.says(p.ph, p.central, p.ch, "up")
	}
	right(t, p.central, p.peripheral)
}
