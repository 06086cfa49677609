package virtual

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// A loop is a link on an instant air and what carries one packet over it, without goroutines.
type loop struct {
	t       testing.TB
	here    transport.Conn
	there   transport.Conn
	packet  []byte
	scratch []byte
}

func newLoop(t testing.TB, length int) *loop {
	air := NewAir(AirConfig{Instant: true})
	t.Cleanup(func() { air.Close() })
	a, b := air.NewController(ControllerConfig{PDULength: 251}), air.NewController(ControllerConfig{PDULength: 251})
	l := &loop{t: t, here: a.Conn(), there: b.Conn(), scratch: make([]byte, transport.MaxPacket)}
	l.command(l.there, hci.SetEventMask{Mask: ^uint64(0)})
	l.command(l.here, hci.SetEventMask{Mask: ^uint64(0)})
	l.command(l.there, hci.LESetAdvertisingEnable{Enable: true})
	l.command(l.here, createConnection(b.Address()))
	l.read(l.there)
	e, err := hci.ParseLEConnectionComplete(l.read(l.here)[4:])
	if err != nil {
		t.Fatal(err)
	}
	l.packet = hci.AppendACL(nil, hci.ACL{Handle: e.Handle, Data: make([]byte, length)})
	return l
}

func (l *loop) command(c transport.Conn, cmd hci.Command) {
	l.write(c, hci.AppendCommand(nil, cmd))
	l.read(c)
}

func (l *loop) write(c transport.Conn, p []byte) {
	if err := c.WritePacket(p); err != nil {
		l.t.Fatal(err)
	}
}

func (l *loop) read(c transport.Conn) []byte {
	n, err := c.ReadPacket(l.scratch)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.scratch[:n]
}

// once sends the packet, and reads it and its credit.
func (l *loop) once() {
	l.write(l.here, l.packet)
	if p := l.read(l.there); p[0] != hci.ACLPacket {
		l.t.Fatalf("% X", p)
	}
	if p := l.read(l.here); hci.EventCode(p[1]) != hci.EvNumberOfCompletedPackets {
		l.t.Fatalf("% X", p)
	}
}

func TestACLDoesNotAllocate(t *testing.T) {
	l := newLoop(t, 27)
	if n := testing.AllocsPerRun(1000, l.once); n != 0 && !raceDetector {
		t.Errorf("%v allocations for an ACL packet", n)
	}
}

func BenchmarkACL(b *testing.B) {
	l := newLoop(b, 27)
	b.ReportAllocs()
	for b.Loop() {
		l.once()
	}
}

func BenchmarkConnect(b *testing.B) {
	p := newPair(b, AirConfig{Instant: true}, ControllerConfig{}, ControllerConfig{})
	b.ReportAllocs()
	for b.Loop() {
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
		p.connect(usual)
	}
}
