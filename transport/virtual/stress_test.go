package virtual

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// A streamer is a host that is always connected, or about to be, and sends numbers on its link as fast as its
// credits allow. Whatever arrives has to be the numbers in order.
type streamer struct {
	t         *testing.T
	c         *Controller
	conn      transport.Conn
	peer      hci.Address // to connect to; zero for one that advertises
	handle    uint16
	connected bool
	credits   int
	sent, got uint32 // on this link
	total     int    // arrived on all links
	links     int
	stopped   bool // by the test: begins no new link, sends no more
}

const streamerBuffers = 3

func newStreamer(t *testing.T, air *Air, name string, peer hci.Address) *streamer {
	s := &streamer{t: t, c: air.NewController(ControllerConfig{Name: name, ACLBuffers: streamerBuffers, CommandPackets: 4}), peer: peer}
	s.conn = s.c.Conn()
	return s
}

// run is the host's only goroutine. Between packets mu is free for the test.
func (s *streamer) run(mu *sync.Mutex) {
	s.command(hci.SetEventMask{Mask: ^uint64(0)})
	b := make([]byte, transport.MaxPacket)
	for {
		n, err := s.conn.ReadPacket(b)
		if err != nil {
			return
		}
		mu.Lock()
		s.take(b[:n])
		for s.connected && s.credits > 0 && !s.stopped {
			s.credits--
			s.write(hci.AppendACL(nil, hci.ACL{Handle: s.handle, Data: binary.LittleEndian.AppendUint32(nil, s.sent)}))
			s.sent++
		}
		mu.Unlock()
	}
}

func (s *streamer) write(p []byte) {
	if err := s.conn.WritePacket(p); err != nil {
		s.t.Errorf("%v: %v", s.c, err)
	}
}

func (s *streamer) command(c hci.Command) { s.write(hci.AppendCommand(nil, c)) }

// begin looks for a link.
func (s *streamer) begin() {
	if s.stopped {
		return
	}
	if s.peer.IsZero() {
		s.command(hci.LESetAdvertisingEnable{Enable: true})
	} else {
		s.command(createConnection(s.peer))
	}
}

func (s *streamer) take(p []byte) {
	if p[0] == hci.ACLPacket {
		a, err := hci.ParseACL(p[1:])
		if err != nil || a.Handle != s.handle || len(a.Data) != 4 || binary.LittleEndian.Uint32(a.Data) != s.got {
			s.t.Errorf("%v: %+v (%v), want number %d", s.c, a, err, s.got)
		}
		s.got++
		s.total++
		return
	}
	f, err := hci.ParseEvent(p[1:])
	if err != nil {
		s.t.Errorf("%v: %v", s.c, err)
	}
	switch f.Code {
	case hci.EvCommandComplete:
		if op := hci.Opcode(binary.LittleEndian.Uint16(f.Parameters[1:])); op == hci.OpSetEventMask {
			s.begin()
		}
	case hci.EvLEMeta:
		e, err := hci.ParseLEConnectionComplete(f.Parameters[1:])
		if err != nil || e.Status != hci.Success {
			s.t.Errorf("%v: %+v (%v)", s.c, e, err)
		}
		s.handle, s.connected, s.credits, s.sent, s.got = e.Handle, true, streamerBuffers, 0, 0
		s.links++
	case hci.EvNumberOfCompletedPackets:
		e, err := hci.ParseNumberOfCompletedPackets(f.Parameters)
		if err != nil || e.At(0).Handle != s.handle || !s.connected {
			s.t.Errorf("%v: %+v (%v)", s.c, e, err)
		}
		s.credits += int(e.At(0).Count)
	case hci.EvDisconnectionComplete:
		s.connected = false
		s.begin()
	}
}

// TestStress streams on eight links both ways for minutes, while packets get lost, controllers vanish for a while, miss
// connect requests and drop links. Nothing arrives twice or out of order, and no credit is lost.
func TestStress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pairs = 8
		air := NewAir(AirConfig{Loss: 0.1, Latency: time.Millisecond})
		random := rand.New(rand.NewPCG(3, 4))
		var mu sync.Mutex // never held while anything waits
		var all []*streamer
		for i := range pairs {
			p := newStreamer(t, air, fmt.Sprint("peripheral ", i), hci.Address{})
			all = append(all, p, newStreamer(t, air, fmt.Sprint("central ", i), p.c.Address()))
		}
		for _, s := range all {
			go s.run(&mu)
		}
		for range 500 {
			time.Sleep(500 * time.Millisecond)
			s := all[random.IntN(len(all))]
			switch random.IntN(4) {
			case 0:
				s.c.SetSilent(true)
				time.Sleep(time.Duration(random.IntN(800)) * time.Millisecond)
				s.c.SetSilent(false)
			case 1:
				s.c.MissConnectRequests(1)
			case 2:
				s.c.DropLinks(hci.ConnectionTimeout)
			case 3:
				mu.Lock()
				if s.connected {
					s.command(hci.Disconnect{Handle: s.handle, Reason: hci.RemoteUserTerminatedConnection})
				}
				mu.Unlock()
			}
		}
		mu.Lock()
		for _, s := range all {
			s.stopped = true
		}
		mu.Unlock()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for _, s := range all {
			n := s.c.Counters()
			if n.ACLFromHost != n.ACLCompleted+n.ACLFlushed || n.ACLBuffered != 0 || n.ACLOverCredit != 0 || n.CommandsOverCredit != 0 || n.EventsDropped != 0 {
				t.Errorf("%v: %+v", s.c, n)
			}
			if s.connected && s.credits != streamerBuffers {
				t.Errorf("%v: %d credits in the end", s.c, s.credits)
			}
			if s.links < 5 || s.total < 1000 {
				t.Errorf("%v: %d links, %d packets", s.c, s.links, s.total)
			}
		}
		air.Close()
	})
}

// TestRealTime runs without a bubble: the timer is the machine's.
func TestRealTime(t *testing.T) {
	p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
	start := time.Now()
	for range 5 {
		p.central.says(p.ch, p.peripheral, p.ph, "down")
		p.peripheral.says(p.ph, p.central, p.ch, "up")
	}
	if d := time.Since(start); d < 8*interval {
		t.Errorf("ten packets in %v", d)
	}
	right(t, p.central, p.peripheral)
}
