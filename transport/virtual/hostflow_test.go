package virtual

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// flowPair is a pair of which the peripheral's host has so many buffers, of that many octets.
func flowPair(t testing.TB, buffers, length uint16, central, peripheral ControllerConfig) *pair {
	t.Helper()
	central.Name, peripheral.Name = "central", "peripheral"
	a := NewAir(AirConfig{})
	t.Cleanup(func() { a.Close() })
	p := &pair{air: a, central: newHost(t, a.NewController(central)), peripheral: newHost(t, a.NewController(peripheral))}
	p.peripheral.do(hci.HostBufferSize{ACLLength: length, ACLPackets: buffers})
	p.peripheral.do(hci.SetControllerToHostFlowControl{Enable: hci.FlowControlACL})
	p.connect(usual)
	return p
}

// giveBack is the peripheral's host being done with packets.
func (p *pair) giveBack(n uint16) {
	p.peripheral.send(hci.HostCompletedPacketsOf(hci.CompletedPackets{Handle: p.ph, Count: n}))
}

// TestHostFlow: the controller gives its host no more than that has buffers, the peer's buffers stay in use, and every
// packet comes in the end.
func TestHostFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flowPair(t, 3, 251, ControllerConfig{ACLBuffers: 8}, ControllerConfig{})
		for i := range 8 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte{byte(i)})
		}
		time.Sleep(time.Minute)
		if n := p.central.c.Counters(); n.ACLBuffered != 5 || n.ACLCompleted != 3 {
			t.Errorf("central: %+v", n)
		}
		for i := range 8 {
			if a := p.peripheral.acl(); len(a.Data) != 1 || a.Data[0] != byte(i) {
				t.Fatalf("packet %d: %+v", i, a)
			}
			if i == 2 {
				p.peripheral.silent(time.Minute)
			}
			if n := p.peripheral.c.Counters(); n.HostHeld > 3 {
				t.Fatalf("%+v", n)
			}
			if i >= 2 {
				p.giveBack(1)
			}
		}
		settle()
		n := p.peripheral.c.Counters()
		if n.HostHeld != 2 || n.HostCompleted != 6 || n.HostExcess != 0 || n.ACLToHost != 8 {
			t.Errorf("%+v", n)
		}
		right(t, p.central, p.peripheral)
	})
}

// TestHostFlowTakesNoCommandCredit: the command goes while the host may send no other (Vol 4, Part E, 7.3.40).
func TestHostFlowTakesNoCommandCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flowPair(t, 1, 251, ControllerConfig{}, ControllerConfig{})
		p.peripheral.c.HoldCommands(true)
		p.peripheral.send(hci.ReadBDADDR)
		for range 3 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("x"))
			p.peripheral.acl()
			p.giveBack(1)
		}
		settle()
		if n := p.peripheral.c.Counters(); n.CommandsOverCredit != 0 || n.HostCompleted != 3 {
			t.Errorf("%+v", n)
		}
	})
}

// TestHostFlowFragments: a host whose buffers are shorter than a packet on air gets it in as many as it takes.
func TestHostFlowFragments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flowPair(t, 2, 27, ControllerConfig{PDULength: 251}, ControllerConfig{PDULength: 251})
		want := pattern(200)
		p.central.sendACL(p.ch, hci.FirstNonFlushable, want)
		var got []byte
		for len(got) < len(want) {
			a := p.peripheral.acl()
			if len(a.Data) > 27 || (a.Boundary == hci.FirstFlushable) != (len(got) == 0) {
				t.Fatalf("%+v", a)
			}
			got = append(got, a.Data...)
			p.giveBack(1)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("got % X", got)
		}
	})
}

// TestHostFlowAndDisconnection: the buffers of a link that ends are free for the others (Vol 4, Part E, 4.3), and what the
// host gives back late, when it may not have heard of the end, is no mistake.
func TestHostFlowAndDisconnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flowPair(t, 2, 251, ControllerConfig{}, ControllerConfig{})
		other := newHost(t, p.air.NewController(ControllerConfig{Name: "other"}))
		p.peripheral.advertise(advertised)
		other.start(createConnection(p.peripheral.c.Address()))
		oh := other.connected().Handle
		p.peripheral.connected()
		for range 4 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("held"))
		}
		settle()
		other.sendACL(oh, hci.FirstNonFlushable, []byte("other"))
		settle()
		if n := p.peripheral.c.Counters(); n.HostHeld != 2 {
			t.Fatalf("%+v", n)
		}
		p.peripheral.acl()
		p.peripheral.acl()
		p.peripheral.start(hci.Disconnect{Handle: p.ph, Reason: hci.RemoteUserTerminatedConnection})
		settle()
		p.giveBack(2) // it may not have heard of the end
		p.peripheral.disconnected(p.ph, hci.ConnectionTerminatedByLocalHost)
		if got := string(p.peripheral.acl().Data); got != "other" {
			t.Errorf("got %q", got)
		}
		if n := p.peripheral.c.Counters(); n.HostHeld != 1 || n.HostExcess != 0 {
			t.Errorf("%+v", n)
		}
	})
}

func TestHostFlowMistakes(t *testing.T) {
	for _, c := range []struct {
		name       string
		parameters func(handle uint16) []byte
		excess     int
	}{
		{"more than was given", func(h uint16) []byte { return append(append([]byte{1}, le16(h)...), 1, 0) }, 1},
		{"nothing", func(uint16) []byte { return nil }, 0},
		{"too short", func(h uint16) []byte { return append([]byte{1}, le16(h)...) }, 0},
		{"too long", func(uint16) []byte { return []byte{0, 0} }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := flowPair(t, 2, 251, ControllerConfig{}, ControllerConfig{})
				p.peripheral.send(hci.Raw{Op: hci.OpHostNumberOfCompletedPackets, Parameters: c.parameters(p.ph)})
				e, err := hci.ParseCommandComplete(p.peripheral.event(hci.EvCommandComplete))
				if err != nil || !bytes.Equal(e.Return, []byte{byte(hci.InvalidHCICommandParameters)}) {
					t.Errorf("%+v, %v", e, err)
				}
				if n := p.peripheral.c.Counters(); n.HostExcess != c.excess || n.HostHeld != 0 {
					t.Errorf("%+v", n)
				}
			})
		})
	}
}

func TestHostFlowRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, AirConfig{}, ControllerConfig{}, ControllerConfig{})
		p.central.refused(hci.SetControllerToHostFlowControl{Enable: hci.FlowControlACL}, hci.CommandDisallowed)
	})
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		h.refused(hci.SetControllerToHostFlowControl{Enable: 4}, hci.InvalidHCICommandParameters)
		h.refused(hci.HostBufferSize{ACLLength: 251}, hci.InvalidHCICommandParameters)
		h.refused(hci.HostBufferSize{ACLLength: 26, ACLPackets: 1}, hci.InvalidHCICommandParameters)
	})
}

// TestResetEndsHostFlow: it is off after HCI_Reset (Vol 4, Part E, 7.3.38).
func TestResetEndsHostFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flowPair(t, 1, 251, ControllerConfig{}, ControllerConfig{})
		p.peripheral.do(hci.Reset)
		p.peripheral.setMasks()
		settle()
		p.central.event(hci.EvDisconnectionComplete)
		p.connect(usual)
		for range 3 {
			p.central.sendACL(p.ch, hci.FirstNonFlushable, []byte("x"))
			p.peripheral.acl()
		}
	})
}
