package gap_test

import (
	"net"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// trivial is a controller with nothing behind it: it starts up, connects, answers the one request there is,
// and gives each buffer back at once. What it does for data allocates nothing, so that what is measured is
// the host.
type trivial struct {
	startUp hcitest.Responder
	in      chan []byte
	sent    chan struct{} // a write command has come out
	closed  chan struct{}
}

const (
	trivialHandle = 0x40
	valueHandle   = 9
	cccdHandle    = 10
)

var (
	completed     = hci.AppendEvent(nil, hci.CompletedPacketsOf(hci.CompletedPackets{Handle: trivialHandle, Count: 1}))
	readResponse  = attPacket(att.ReadResponse{Value: make([]byte, 20)}.AppendTo(nil))
	writeResponse = attPacket(att.WriteResponse{}.AppendTo(nil))
	notification  = attPacket(att.HandleValueNotification{Handle: valueHandle, Value: make([]byte, 20)}.AppendTo(nil))
)

// attPacket is an ACL packet with an ATT PDU.
func attPacket(pdu []byte) []byte {
	return hci.AppendACL(nil, hci.ACL{Handle: trivialHandle, Boundary: hci.FirstFlushable, Data: append([]byte{byte(len(pdu)), 0, 4, 0}, pdu...)})
}

func newTrivial() *trivial {
	return &trivial{startUp: hcitest.StartUp(hcitest.Settings{ACLLength: 251}), in: make(chan []byte, 64), sent: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (c *trivial) ReadPacket(b []byte) (int, error) {
	select {
	case p := <-c.in:
		return copy(b, p), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *trivial) Close() error {
	close(c.closed)
	return nil
}

func (c *trivial) WritePacket(p []byte) error {
	if p[0] == hci.ACLPacket {
		const opcode = 1 + hci.ACLHeaderLength + 4
		switch att.Opcode(p[opcode]) {
		case att.OpReadRequest:
			if p[opcode+1] == valueHandle {
				c.in <- readResponse
			}
		case att.OpWriteRequest:
			c.in <- writeResponse
		case att.OpWriteCommand:
			c.sent <- struct{}{}
		}
		c.in <- completed
		return nil
	}
	f, err := hci.ParseCommand(p[1:])
	if err != nil {
		return err
	}
	switch f.Opcode {
	case hci.OpLECreateConnection:
		c.in <- hci.AppendEvent(nil, hci.CommandStatus{NumPackets: 1, Opcode: f.Opcode})
		c.in <- hci.AppendEvent(nil, hci.LEConnectionComplete{Handle: trivialHandle, Peer: oximeter, Interval: 24, SupervisionTimeout: 420})
	case hci.OpDisconnect:
		c.in <- hci.AppendEvent(nil, hci.CommandStatus{NumPackets: 1, Opcode: f.Opcode})
		c.in <- hci.AppendEvent(nil, hci.DisconnectionComplete{Handle: trivialHandle, Reason: hci.ConnectionTerminatedByLocalHost})
	default:
		answers, _ := c.startUp(f)
		for _, a := range answers {
			c.in <- a
		}
	}
	return nil
}

// hotPath is a host on a trivial controller, connected and subscribed; got has a token for each value.
func hotPath(t testing.TB) (controller *trivial, conn *gap.Conn, got chan struct{}) {
	t.Helper()
	controller = newTrivial()
	h, err := gap.Open(t.Context(), controller, gap.Config{MTU: 23})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	conn, err = h.Connect(t.Context(), oximeter, gap.ConnectConfig{})
	if err != nil {
		t.Fatal(err)
	}
	got = make(chan struct{}, 1)
	_, err = conn.Client().Subscribe(t.Context(), gatt.RemoteCharacteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify, Handle: valueHandle - 1,
		ValueHandle: valueHandle, End: cccdHandle, Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: cccdHandle}}},
		func([]byte) { got <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	return controller, conn, got
}

// notify brings one notification from the transport to its handler.
func notify(controller *trivial, got chan struct{}) {
	controller.in <- notification
	<-got
}

// writeCommand brings one write command from its caller to the transport.
func writeCommand(t testing.TB, controller *trivial, conn *gap.Conn, value []byte) {
	if err := conn.Client().WriteCommand(t.Context(), valueHandle, value); err != nil {
		t.Error(err)
	}
	<-controller.sent
}

// read is one read, from its caller to the transport and back.
func read(t testing.TB, conn *gap.Conn, buf []byte) {
	if n, err := conn.Client().ReadInto(t.Context(), valueHandle, buf); err != nil || n != 20 {
		t.Error(n, err)
	}
}

// Complaint 28: what a packet costs. The whole way through every layer allocates nothing in steady state.
func TestHotPathAllocatesNothing(t *testing.T) {
	controller, conn, got := hotPath(t)
	value := make([]byte, 20)
	for range 100 { // rings and buffers grow to their size
		notify(controller, got)
		writeCommand(t, controller, conn, value)
		read(t, conn, value)
	}
	if n := testing.AllocsPerRun(1000, func() { notify(controller, got) }); n != 0 && !raceEnabled {
		t.Errorf("a notification allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() { writeCommand(t, controller, conn, value) }); n != 0 && !raceEnabled {
		t.Errorf("a write command allocates %v times", n)
	}
	if n := testing.AllocsPerRun(1000, func() { read(t, conn, value) }); n != 0 && !raceEnabled {
		t.Errorf("a read allocates %v times", n)
	}
}

func BenchmarkNotification(b *testing.B) {
	controller, _, got := hotPath(b)
	b.ReportAllocs()
	for b.Loop() {
		notify(controller, got)
	}
}

func BenchmarkRead(b *testing.B) {
	_, conn, _ := hotPath(b)
	buf := make([]byte, 20)
	b.ReportAllocs()
	for b.Loop() {
		read(b, conn, buf)
	}
}

func BenchmarkWriteCommand(b *testing.B) {
	controller, conn, _ := hotPath(b)
	value := make([]byte, 20)
	b.ReportAllocs()
	for b.Loop() {
		writeCommand(b, controller, conn, value)
	}
}
