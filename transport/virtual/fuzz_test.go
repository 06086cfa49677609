package virtual

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// step is a length and a packet; steps is how a fuzz input spells a host's life.
func step(script, p []byte) []byte { return append(append(script, byte(len(p))), p...) }

// FuzzHost plays arbitrary packets of one host against a well-behaved pair, and against one who broadcasts and one who
// listens to that: what it writes must never panic, hang, or harm the link of the two, or what the others hear.
func FuzzHost(f *testing.F) {
	var all []byte
	for op, c := range commands {
		p := hci.AppendCommand(nil, hci.Raw{Op: op, Parameters: make([]byte, c.length)})
		f.Add(step(nil, p))
		all = step(all, p)
	}
	f.Add(all)
	var life []byte
	victim := hci.Address{Octets: [6]byte{1, 0, 0, 'L', 'J', 2}}
	for _, c := range []hci.Command{hci.SetEventMask{Mask: ^uint64(0)}, hci.LESetEventMask{Mask: 0x3F}, scan, hci.LESetScanEnable{Enable: true},
		createConnection(victim)} {
		life = step(life, hci.AppendCommand(nil, c))
	}
	life = append(life, 0xFF)
	procedures := append(step(nil, hci.AppendCommand(nil, hci.LESetHostFeature{Bit: 38, Supported: true})), life...)
	const handle = 0x141 // the fifth controller's first
	life = step(life, hci.AppendACL(nil, hci.ACL{Handle: handle, Data: pattern(60)}))
	for _, c := range []hci.Command{hci.LEEnableEncryption{Handle: handle}, hci.LEConnectionUpdate{Handle: handle, Parameters: slower},
		hci.LEReadRemoteFeatures(handle), hci.ReadRemoteVersionInformation(handle),
		hci.Disconnect{Handle: handle, Reason: hci.RemoteUserTerminatedConnection}} {
		life = append(step(life, hci.AppendCommand(nil, c)), 0xFF)
	}
	f.Add(life)
	var flow []byte
	for _, c := range []hci.Command{hci.HostBufferSize{ACLLength: 27, ACLPackets: 2}, hci.SetControllerToHostFlowControl{Enable: hci.FlowControlACL},
		createConnection(victim), hci.HostCompletedPacketsOf(hci.CompletedPackets{Handle: handle, Count: 2}, hci.CompletedPackets{Handle: 1, Count: 0xFFFF})} {
		flow = append(step(flow, hci.AppendCommand(nil, c)), 0xFF)
	}
	f.Add(flow)
	for _, c := range []hci.Command{setPHY(handle, hci.LE2M), hci.LESetDataLength{Handle: handle, TX: long}, hci.LESubrateRequest{Handle: handle, Subrating: fourth},
		hci.LESetHostChannelClassification{Channels: hci.ChannelMap{3}}, hci.LEReadRemoteTransmitPowerLevel(handle, hci.LE1M),
		hci.LEConnectionUpdate{Handle: handle, Parameters: slower}} {
		procedures = append(step(step(procedures, hci.AppendCommand(nil, c)), nil), 0xFF)
	}
	f.Add(procedures)
	f.Add(privateLife(victim))
	for _, life := range extendedLives() {
		f.Add(life)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
			settle()
			p.central.advertise(advertised)
			broadcaster, follower := broadcastFor(p)
			c := p.air.NewController(ControllerConfig{Name: "hostile"})
			conn := c.Conn()
			go func() {
				b := make([]byte, transport.MaxPacket)
				for {
					n, err := conn.ReadPacket(b)
					if err != nil {
						return
					}
					checkPacket(t, b[:n])
				}
			}()
			for seconds := 0; len(script) > 0; {
				n := int(script[0])
				script = script[1:]
				if n == 0xFF { // let time go by
					if seconds++; seconds < 100 {
						time.Sleep(time.Second)
					}
					continue
				}
				n = min(n, len(script))
				err := conn.WritePacket(script[:n])
				var bad *PacketError
				if err != nil && !errors.As(err, &bad) {
					t.Fatal(err)
				}
				script = script[n:]
				synctest.Wait()
			}
			time.Sleep(time.Minute)
			n := c.Counters()
			if n.ACLFromHost != n.ACLCompleted+n.ACLFlushed+n.ACLBuffered {
				t.Errorf("ACL packets are lost: %+v", n)
			}
			for len(p.central.packets) > 0 { // it may have connected to either
				p.central.next()
			}
			for len(p.peripheral.packets) > 0 {
				p.peripheral.next()
			}
			p.central.says(p.ch, p.peripheral, p.ph, "unharmed")
			unharmed(broadcaster, follower)
			conn.Close()
		})
	})
}

// checkPacket checks that what a controller gives its host is a packet.
func checkPacket(t *testing.T, p []byte) {
	var err error
	switch p[0] {
	case hci.EventPacket:
		_, err = hci.ParseEvent(p[1:])
	case hci.ACLPacket:
		_, err = hci.ParseACL(p[1:])
	default:
		err = errors.New("type")
	}
	if err != nil {
		t.Errorf("% X: %v", p, err)
	}
}
