package virtual

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// pass lets time go by in a bubble.
func pass(d time.Duration) { time.Sleep(d) }

// settle waits until a link is established.
func settle() { pass(3 * interval) }

// alarms is how many things the air has yet to do.
func (a *Air) alarms() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.agenda.heap)
}

func TestDataCrossesAtConnectionEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		p.central.says(p.ch, p.peripheral, p.ph, "one")
		start := time.Now()
		p.central.says(p.ch, p.peripheral, p.ph, "two")
		if d := time.Since(start); d != interval {
			t.Errorf("the second packet took %v, want the connection interval", d)
		}
		p.peripheral.says(p.ph, p.central, p.ch, "three")
		if d := time.Since(start); d != 2*interval {
			t.Errorf("the answer took %v, want one more interval", d-interval)
		}
		right(t, p.central, p.peripheral)
	})
}

// TestThroughput counts what fits into one connection event: at 1 Mbit/s, one turn with 27 octets of data in one
// direction takes 328 + 150 + 80 + 150 microseconds.
func TestThroughput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		perEvent := map[time.Duration]int{}
		trace := func(e Trace) {
			if e.PDU == "LL Data start" || e.PDU == "LL Data continuation" {
				perEvent[e.Time]++
			}
		}
		p := newPair(t, AirConfig{Trace: trace}, ControllerConfig{ACLBuffers: 20}, ControllerConfig{})
		settle()
		for range 20 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, make([]byte, 251))
		}
		for done := 0; done < 20; {
			done += p.central.completed(p.ch)
		}
		most := 0
		for _, n := range perEvent {
			most = max(most, n)
		}
		if turn := 708 * time.Microsecond; most < int(interval/turn)-1 || most > int(interval/turn) {
			t.Errorf("%d packets in one event of %v, want about %d", most, interval, interval/turn)
		}
		if len(perEvent) < 4 {
			t.Errorf("200 packets in %d events, want more", len(perEvent))
		}
	})
}

func TestIdleAirHasNothingToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		if n := p.air.alarms(); n != 0 {
			t.Errorf("%d alarms are set while a link is idle", n)
		}
		p.peripheral.advertise(advertised) // and nobody listens
		time.Sleep(time.Hour)
		if n := p.air.alarms(); n != 0 {
			t.Errorf("%d alarms are set while nobody hears an advertiser", n)
		}
		p.peripheral.says(p.ph, p.central, p.ch, "still there")
	})
}

func TestSupervisionTimeout(t *testing.T) {
	for _, c := range []struct {
		name  string
		lose  func(p *pair)
		tells bool // the peripheral's host is told
	}{
		{"peripheral out of range", func(p *pair) { p.peripheral.c.SetSilent(true) }, true},
		{"central out of range", func(p *pair) { p.central.c.SetSilent(true) }, true},
		{"both out of range", func(p *pair) { p.central.c.SetSilent(true); p.peripheral.c.SetSilent(true) }, true},
		{"peripheral powered off", func(p *pair) { p.peripheral.conn.Close() }, false},
		{"peripheral unplugged", func(p *pair) { p.peripheral.c.Unplug() }, false},
		{"peripheral reset", func(p *pair) { p.peripheral.do(hci.Reset) }, false},
		{"peripheral restarted", func(p *pair) { p.peripheral.c.Restart() }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
				settle()
				start := time.Now()
				c.lose(p)
				p.central.disconnected(p.ch, hci.ConnectionTimeout)
				if d := time.Since(start); d > supervision || d < supervision-interval {
					t.Errorf("the link was lost after %v, want %v after the last connection event", d, supervision)
				}
				if c.tells {
					p.peripheral.disconnected(p.ph, hci.ConnectionTimeout)
				} else if n := len(p.peripheral.packets); n != 0 {
					t.Errorf("%d packets for the peripheral's host", n)
				}
				if n := p.central.c.Counters().Links + p.peripheral.c.Counters().Links + p.air.alarms(); n != 0 {
					t.Errorf("%d links and alarms are left", n)
				}
			})
		})
	}
}

func TestShortSilenceLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		settle()
		for range 3 {
			p.peripheral.c.SetSilent(true)
			p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("wait"))
			p.central.silent(supervision - 2*interval)
			p.peripheral.c.SetSilent(false)
			if got := string(p.peripheral.acl().Data); got != "wait" {
				t.Errorf("got %q", got)
			}
			p.central.completed(p.ch)
		}
	})
}

func TestConnectionFailedToBeEstablished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		central, peripheral := newHost(t, air.NewController(ControllerConfig{})), newHost(t, air.NewController(ControllerConfig{}))
		peripheral.c.MissConnectRequests(1)
		peripheral.advertise(advertised)
		central.start(createConnection(peripheral.c.Address()))
		handle := central.connected().Handle
		start := time.Now()
		central.disconnected(handle, hci.ConnectionFailedToBeEstablished)
		if d := time.Since(start); d != 6*interval {
			t.Errorf("given up after %v, want six intervals", d)
		}
		central.start(createConnection(peripheral.c.Address()))
		if central.connected().Handle == handle {
			t.Error("the handle was used again at once")
		}
		peripheral.connected()
	})
}

func TestPeripheralGoneRightAfterConnectRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		p.peripheral.c.SetSilent(true)
		p.central.disconnected(p.ch, hci.ConnectionFailedToBeEstablished)
		p.peripheral.disconnected(p.ph, hci.ConnectionFailedToBeEstablished)
	})
}

func TestPeripheralLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
		slow := usual
		slow.Latency, slow.SupervisionTimeout = 4, 400
		p.connect(slow)
		settle()
		p.central.says(p.ch, p.peripheral, p.ph, "synchronise")
		start := time.Now()
		p.central.says(p.ch, p.peripheral, p.ph, "down")
		if d := time.Since(start); d != 5*interval {
			t.Errorf("down took %v, want the fifth event", d)
		}
		start = time.Now()
		p.peripheral.says(p.ph, p.central, p.ch, "up")
		if d := time.Since(start); d != interval {
			t.Errorf("up took %v, want the next event", d)
		}
		p.peripheral.c.SetSilent(true)
		p.central.disconnected(p.ch, hci.ConnectionTimeout)
	})
}

// TestManyLinks has one controller that is central of 16 links and peripheral of 16 others.
func TestManyLinks(t *testing.T) {
	const each = 16
	synctest.Test(t, func(t *testing.T) {
		air := NewAir(AirConfig{})
		defer air.Close()
		middle := newHost(t, air.NewController(ControllerConfig{Name: "middle", ACLBuffers: 4}))
		type other struct {
			*host
			mine, theirs uint16
		}
		var others []other
		for i := range 2 * each {
			o := other{host: newHost(t, air.NewController(ControllerConfig{Name: fmt.Sprint("other ", i)}))}
			from, to := middle, o.host
			if i%2 == 0 {
				from, to = to, from
			}
			to.advertise(advertised)
			from.start(createConnection(to.c.Address()))
			o.mine, o.theirs = middle.connected().Handle, o.connected().Handle
			others = append(others, o)
		}
		if n := middle.c.Counters().Links; n != 2*each {
			t.Fatalf("%d links, want %d", n, 2*each)
		}
		seen := map[uint16]bool{}
		for i, o := range others {
			if seen[o.mine] {
				t.Errorf("handle 0x%04X twice", o.mine)
			}
			seen[o.mine] = true
			middle.says(o.mine, o.host, o.theirs, fmt.Sprint("to ", i))
			o.says(o.theirs, middle, o.mine, fmt.Sprint("from ", i))
		}
		for _, o := range others {
			o.start(hci.Disconnect{Handle: o.theirs, Reason: hci.RemoteUserTerminatedConnection})
			o.disconnected(o.theirs, hci.ConnectionTerminatedByLocalHost)
			middle.disconnected(o.mine, hci.RemoteUserTerminatedConnection)
		}
		if n := middle.c.Counters(); n.Links != 0 || n.ACLBuffered != 0 || air.alarms() != 0 {
			t.Errorf("left: %+v, %d alarms", n, air.alarms())
		}
		right(t, middle)
	})
}

// TestHandlesAreNotReusedSoon goes round the whole space of handles.
func TestHandlesAreNotReusedSoon(t *testing.T) {
	c := NewAir(AirConfig{}).NewController(ControllerConfig{})
	c.ledger.open(5)
	seen := map[uint16]bool{}
	for range hci.MaxHandle {
		h := c.newHandle()
		if seen[h] || h == 5 || h > hci.MaxHandle {
			t.Fatalf("handle 0x%04X after %d others", h, len(seen))
		}
		seen[h] = true
	}
}
