package gap_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/transport"
)

// What the host costs, over a socket with a trivial controller behind it, beside a bare loop that moves the same packets
// over the same: the two by turns in one run, and their ratio.

const (
	socketBuffers  = 8    // ACL buffers of the controller
	socketValue    = 20   // octets of a value
	socketSDU      = 1000 // octets of an SDU on the channel, which goes in
	socketFrames   = 5    // frames
	frameCredits   = 1000 // frames for which the controller gives credits at once
	socketMTU      = 247  // of ATT and of the channel's fragments
	socketRounds   = 100  // operations of each side before it is the other's turn
	firstHandle    = 0x40
	echoCID        = 0x0050
	beginsWithRoom = 1 + hci.ACLHeaderLength + 4 // octets of an ACL packet before its PDU
)

// A socketController answers what comes over a socket: commands as at any start-up, a read with a value, an ACL packet
// with its credit. It writes when there is nothing more to read. It is one goroutine, and makes notifications too.
type socketController struct {
	conn    net.Conn
	startUp hcitest.Responder
	links   int           // connected so far
	out     []byte        // not written yet
	sent    *atomic.Int64 // write commands and frames received
	done    chan struct{} // a token when enough were
	enough  atomic.Int64
}

// socketPair is the host's end of a socket with a controller behind the other.
func socketPair(t testing.TB) (net.Conn, *socketController) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "hci"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := &socketController{conn: conn, startUp: hcitest.StartUp(hcitest.Settings{ACLLength: 251, ACLBuffers: socketBuffers}), sent: new(atomic.Int64), done: make(chan struct{}, 1)}
	ended := make(chan struct{})
	go func() { defer close(ended); c.serve(t) }()
	t.Cleanup(func() { _, _ = host.Close(), conn.Close(); <-ended })
	return host, c
}

// nextPacket reads a packet whole; it is good until the next.
func nextPacket(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	n := 0
	switch head[0] {
	case hci.CommandPacket:
		n = 4 + int(head[3])
	case hci.EventPacket:
		n = 3 + int(head[2])
	default:
		if head, err = r.Peek(5); err != nil {
			return nil, err
		}
		n = 5 + int(binary.LittleEndian.Uint16(head[3:]))
	}
	p, err := r.Peek(n)
	if err == nil {
		_, err = r.Discard(n)
	}
	return p, err
}

func (c *socketController) serve(t testing.TB) {
	r := bufio.NewReaderSize(c.conn, 8192)
	for {
		p, err := nextPacket(r)
		if err != nil {
			return
		}
		if p[0] == hci.ACLPacket {
			c.takeACL(p)
		} else {
			c.takeCommand(t, p)
		}
		if r.Buffered() > 0 {
			continue
		}
		if _, err := c.conn.Write(c.out); err != nil {
			return
		}
		c.out = c.out[:0]
	}
}

func (c *socketController) takeACL(p []byte) {
	handle := binary.LittleEndian.Uint16(p[1:]) & 0x0FFF
	pdu := p[beginsWithRoom:]
	switch cid := binary.LittleEndian.Uint16(p[beginsWithRoom-2:]); {
	case cid == echoCID:
		if c.count(); c.sent.Load()%frameCredits == 0 {
			credit := []byte{8, 0, 5, 0, 0x16, 1, 4, 0, echoCID, 0, frameCredits & 0xFF, frameCredits >> 8}
			c.answer(handle, hci.AppendACL(nil, hci.ACL{Boundary: hci.FirstFlushable, Data: credit}))
		}
	case cid == l2cap.CIDSignalling:
		c.takeSignal(handle, pdu)
	case cid == l2cap.CIDATT && att.Opcode(pdu[0]) == att.OpReadRequest:
		c.answer(handle, readResponse)
	case cid == l2cap.CIDATT && att.Opcode(pdu[0]) == att.OpWriteRequest:
		c.answer(handle, writeResponse)
	case cid == l2cap.CIDATT && att.Opcode(pdu[0]) == att.OpExchangeMTURequest:
		c.answer(handle, attPacket(att.ExchangeMTUResponse{ServerRxMTU: socketMTU}.AppendTo(nil)))
	case cid == l2cap.CIDATT && att.Opcode(pdu[0]) == att.OpWriteCommand:
		c.count()
	}
	c.answer(handle, completed)
}

// takeSignal opens the channel that is asked for, with more credits than it will need.
func (c *socketController) takeSignal(handle uint16, pdu []byte) {
	if pdu[0] != 0x14 { // LE Credit Based Connection Request
		return
	}
	response := []byte{14, 0, 5, 0, 0x15, pdu[1], 10, 0, echoCID, 0, 0xE8, 3, socketMTU, 0, 0x00, 0x80, 0, 0}
	c.answer(handle, hci.AppendACL(nil, hci.ACL{Boundary: hci.FirstFlushable, Data: response}))
}

// answer queues a packet for the host, with the handle of the connection in its place.
func (c *socketController) answer(handle uint16, p []byte) {
	at := len(c.out)
	c.out = append(c.out, p...)
	switch p[0] {
	case hci.ACLPacket:
		binary.LittleEndian.PutUint16(c.out[at+1:], handle|uint16(p[2]&0xF0)<<8)
	case hci.EventPacket: // Number Of Completed Packets
		binary.LittleEndian.PutUint16(c.out[at+4:], handle)
	}
}

func (c *socketController) count() {
	if c.sent.Add(1) == c.enough.Load() {
		c.done <- struct{}{}
	}
}

func (c *socketController) takeCommand(t testing.TB, p []byte) {
	f, err := hci.ParseCommand(p[1:])
	if err != nil {
		t.Error(err)
		return
	}
	switch f.Opcode {
	case hci.OpLECreateConnection:
		create, err := hci.ParseLECreateConnection(f.Parameters)
		if err != nil {
			t.Error(err)
		}
		c.out = hci.AppendEvent(c.out, hci.CommandStatus{NumPackets: 1, Opcode: f.Opcode})
		c.out = hci.AppendEvent(c.out, hci.LEConnectionComplete{Handle: uint16(firstHandle + c.links), Peer: create.Peer, Interval: 24, SupervisionTimeout: 420})
		c.links++
	case hci.OpDisconnect:
		c.out = hci.AppendEvent(c.out, hci.CommandStatus{NumPackets: 1, Opcode: f.Opcode})
		c.out = hci.AppendEvent(c.out, hci.DisconnectionComplete{Handle: binary.LittleEndian.Uint16(f.Parameters), Reason: hci.ConnectionTerminatedByLocalHost})
	default:
		answers, _ := c.startUp(f)
		for _, a := range answers {
			c.out = append(c.out, a...)
		}
	}
}

// A side is the host, or the bare loop: each does so many operations.
type side struct{ read, writeCommand, notification, channel func(n int) }

// socketHost is a host with so many connections, which take turns.
func socketHost(t testing.TB, links int) side {
	t.Helper()
	conn, controller := socketPair(t)
	h, err := gap.Open(t.Context(), transport.NewH4(conn), gap.Config{MTU: socketMTU})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	var values atomic.Int64
	var wanted atomic.Int64
	got := make(chan struct{}, 1)
	var conns []*gap.Conn
	for i := range links {
		peer := oximeter
		peer.Octets[0], peer.Octets[1] = byte(i), byte(i>>8)
		c, err := h.Connect(t.Context(), peer, gap.ConnectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Client().Subscribe(t.Context(), gatt.RemoteCharacteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify, Handle: valueHandle - 1,
			ValueHandle: valueHandle, End: cccdHandle, Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: cccdHandle}}},
			func([]byte) {
				if values.Add(1) == wanted.Load() {
					got <- struct{}{}
				}
			})
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	channel, err := conns[0].Dial(t.Context(), 0x80, l2cap.ChannelConfig{})
	if err != nil {
		t.Fatal(err)
	}
	turn := 0
	next := func() *gap.Conn {
		turn++
		return conns[turn%links]
	}
	buf, value, sdu := make([]byte, socketValue), make([]byte, socketValue), make([]byte, socketSDU)
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	return side{
		read: func(n int) {
			for range n {
				_, err := next().Client().ReadInto(t.Context(), valueHandle, buf)
				check(err)
			}
		},
		writeCommand: func(n int) {
			controller.enough.Store(controller.sent.Load() + int64(n))
			for range n {
				check(next().Client().WriteCommand(t.Context(), valueHandle, value))
			}
			<-controller.done
		},
		notification: func(n int) {
			wanted.Store(values.Load() + int64(n))
			controller.notify(n, links)
			<-got
		},
		channel: func(n int) {
			controller.enough.Store(controller.sent.Load() + int64(n)*socketFrames)
			for range n {
				check(channel.WriteSDU(sdu))
			}
			<-controller.done
		},
	}
}

// notify sends notifications, connection by connection, each in a write of its own as a controller would.
func (c *socketController) notify(n, links int) {
	p := append([]byte(nil), notification...)
	for i := range n {
		binary.LittleEndian.PutUint16(p[1:], uint16(firstHandle+i%links)|uint16(notification[2]&0xF0)<<8)
		if _, err := c.conn.Write(p); err != nil {
			return
		}
	}
}

// bareLoop moves the packets that the host would, and nothing else.
func bareLoop(t testing.TB) side {
	t.Helper()
	conn, controller := socketPair(t)
	r := bufio.NewReaderSize(conn, 8192)
	packet := func(pdu []byte, cid uint16) []byte {
		return hci.AppendACL(nil, hci.ACL{Handle: firstHandle, Data: append([]byte{byte(len(pdu)), byte(len(pdu) >> 8), byte(cid), 0}, pdu...)})
	}
	request := packet(att.ReadRequest{Handle: valueHandle}.AppendTo(nil), l2cap.CIDATT)
	command := packet(att.WriteCommand{Handle: valueHandle, Value: make([]byte, socketValue)}.AppendTo(nil), l2cap.CIDATT)
	frame := packet(make([]byte, (socketSDU+2+socketFrames-1)/socketFrames), echoCID)
	credits := socketBuffers
	take := func() (data bool) {
		p, err := nextPacket(r)
		if err != nil {
			if err != io.EOF {
				t.Error(err)
			}
			return false
		}
		if p[0] == hci.EventPacket {
			credits++
		}
		return p[0] == hci.ACLPacket
	}
	send := func(p []byte) {
		for credits == 0 {
			take()
		}
		credits--
		if _, err := conn.Write(p); err != nil {
			t.Error(err)
		}
	}
	settle := func() {
		for credits < socketBuffers {
			take()
		}
	}
	return side{
		read: func(n int) {
			for range n {
				send(request)
				for !take() {
				}
				settle()
			}
		},
		writeCommand: func(n int) {
			controller.enough.Store(controller.sent.Load() + int64(n))
			for range n {
				send(command)
			}
			<-controller.done
			settle()
		},
		notification: func(n int) {
			go controller.notify(n, 1)
			for range n {
				take()
			}
		},
		channel: func(n int) {
			controller.enough.Store(controller.sent.Load() + int64(n)*socketFrames)
			for range n * socketFrames {
				send(frame)
			}
			<-controller.done
			settle()
		},
	}
}

// BenchmarkOverSocket prints what one operation costs the bare loop and the host, and how many times as much that is.
func BenchmarkOverSocket(b *testing.B) {
	for _, c := range []struct {
		name string
		of   func(side) func(int)
	}{
		{"read", func(s side) func(int) { return s.read }},
		{"write_command", func(s side) func(int) { return s.writeCommand }},
		{"notification", func(s side) func(int) { return s.notification }},
		{"channel", func(s side) func(int) { return s.channel }},
	} {
		b.Run(c.name, func(b *testing.B) { compare(b, c.of(bareLoop(b)), c.of(socketHost(b, 1)), "bare", "host") })
	}
}

// BenchmarkManyConnections prints what one operation costs with one connection and with 200 that take turns.
func BenchmarkManyConnections(b *testing.B) {
	for _, c := range []struct {
		name string
		of   func(side) func(int)
	}{
		{"read", func(s side) func(int) { return s.read }},
		{"write_command", func(s side) func(int) { return s.writeCommand }},
		{"notification", func(s side) func(int) { return s.notification }},
	} {
		b.Run(c.name, func(b *testing.B) { compare(b, c.of(socketHost(b, 1)), c.of(socketHost(b, 200)), "one", "200") })
	}
}

// compare lets two sides do the same by turns, and reports each one's time and their ratio. Of all its turns the time of
// the fastest tenth counts, since on a machine that does other things too the rest measure those.
func compare(b *testing.B, x, y func(n int), xName, yName string) {
	sides := []func(int){x, y}
	var took [2][]time.Duration
	for i, do := range sides {
		do(1000) // everything grows to its size
		took[i] = make([]time.Duration, 0, 1<<16)
	}
	for b.Loop() {
		for i, do := range sides {
			begin := time.Now()
			do(socketRounds)
			took[i] = append(took[i], time.Since(begin))
		}
	}
	var each [2]float64
	for i := range took {
		slices.Sort(took[i])
		each[i] = float64(took[i][len(took[i])/10]) / socketRounds
	}
	b.ReportMetric(each[0], xName+"-ns/op")
	b.ReportMetric(each[1], yName+"-ns/op")
	b.ReportMetric(each[1]/each[0], "ratio")
	b.ReportMetric(0, "ns/op")
}

// What the benchmarks do is right, whatever it costs.
func TestOverSocket(t *testing.T) {
	for _, s := range []side{bareLoop(t), socketHost(t, 1), socketHost(t, 20)} {
		for _, do := range []func(int){s.read, s.writeCommand, s.notification, s.channel} {
			do(50)
		}
	}
}
