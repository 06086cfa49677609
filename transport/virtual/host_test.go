package virtual

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/leaktest"
	"github.com/jelling-ble/jelling/transport"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// patience is how long a host waits for what must come: longer than any time-out of the link layer.
const patience = time.Minute

// A host speaks raw HCI to a controller. Its reader hands over and does nothing else.
type host struct {
	t       testing.TB
	c       *Controller
	conn    transport.Conn
	packets chan []byte
	over    chan struct{} // the reader has ended, with err
	err     error
}

// newHost powers the controller on and turns on every event.
func newHost(t testing.TB, c *Controller) *host {
	h := bareHost(t, c)
	h.setMasks()
	return h
}

// bareHost only powers the controller on.
func bareHost(t testing.TB, c *Controller) *host {
	h := &host{t: t, c: c, conn: c.Conn(), packets: make(chan []byte, 1<<14), over: make(chan struct{})}
	go func() {
		defer close(h.over)
		b := make([]byte, transport.MaxPacket)
		for {
			n, err := h.conn.ReadPacket(b)
			if err != nil {
				h.err = err
				return
			}
			h.packets <- slices.Clone(b[:n])
		}
	}()
	t.Cleanup(func() { h.conn.Close(); <-h.over })
	return h
}

func (h *host) setMasks() {
	h.t.Helper()
	h.do(hci.Reset)
	h.do(hci.SetEventMask{Mask: ^uint64(0)})
	h.do(hci.LESetEventMask{Mask: 0x3F})
}

func (h *host) write(p []byte) {
	h.t.Helper()
	if err := h.conn.WritePacket(p); err != nil {
		h.t.Fatalf("%s: write % X: %v", h.c.name, p, err)
	}
}

func (h *host) send(c hci.Command) { h.t.Helper(); h.write(hci.AppendCommand(nil, c)) }

// next is the next packet, whatever it is.
func (h *host) next() []byte {
	h.t.Helper()
	select {
	case p := <-h.packets:
		return p
	case <-time.After(patience):
		h.t.Fatalf("%s: nothing came", h.c.name)
	case <-h.over:
		h.t.Fatalf("%s: reader: %v", h.c.name, h.err)
	}
	return nil
}

// silent checks that nothing comes for that long.
func (h *host) silent(d time.Duration) {
	h.t.Helper()
	select {
	case p := <-h.packets:
		h.t.Fatalf("%s: % X came, want silence", h.c.name, p)
	case <-time.After(d):
	}
}

// event is the parameters of the next packet, which must be that event.
func (h *host) event(code hci.EventCode) []byte {
	h.t.Helper()
	p := h.next()
	f, err := hci.ParseEvent(p[1:])
	if p[0] != hci.EventPacket || err != nil || f.Code != code {
		h.t.Fatalf("%s: % X (%v), want %v", h.c.name, p, err, code)
	}
	return f.Parameters
}

// meta is what follows the subevent code of the next packet, which must be that LE event.
func (h *host) meta(s hci.Subevent) []byte {
	h.t.Helper()
	got, p, err := hci.ParseLEMeta(h.event(hci.EvLEMeta))
	if err != nil || got != s {
		h.t.Fatalf("%s: %v % X (%v), want %v", h.c.name, got, p, err, s)
	}
	return p
}

// complete sends a command and reads its Command Complete.
func (h *host) complete(c hci.Command) (hci.Status, []byte) {
	h.t.Helper()
	h.send(c)
	e, err := hci.ParseCommandComplete(h.event(hci.EvCommandComplete))
	if err != nil || e.Opcode != c.Opcode() || len(e.Return) == 0 {
		h.t.Fatalf("%s: %+v (%v), want Command Complete for %v", h.c.name, e, err, c.Opcode())
	}
	return hci.Status(e.Return[0]), e.Return[1:]
}

// do is a command that is to succeed; its return parameters are what is behind the status.
func (h *host) do(c hci.Command) []byte {
	h.t.Helper()
	status, r := h.complete(c)
	if status != hci.Success {
		h.t.Fatalf("%s: %v: %v", h.c.name, c.Opcode(), status)
	}
	return r
}

// status sends a command and reads its Command Status.
func (h *host) status(c hci.Command) hci.Status {
	h.t.Helper()
	h.send(c)
	e, err := hci.ParseCommandStatus(h.event(hci.EvCommandStatus))
	if err != nil || e.Opcode != c.Opcode() {
		h.t.Fatalf("%s: %+v (%v), want Command Status for %v", h.c.name, e, err, c.Opcode())
	}
	return e.Status
}

// start is a command that is to be taken.
func (h *host) start(c hci.Command) {
	h.t.Helper()
	if s := h.status(c); s != hci.Success {
		h.t.Fatalf("%s: %v: %v", h.c.name, c.Opcode(), s)
	}
}

// refused is a command that is to be answered with a status, by either event.
func (h *host) refused(c hci.Command, want hci.Status) {
	h.t.Helper()
	h.send(c)
	p := h.next()
	f, err := hci.ParseEvent(p[1:])
	if err != nil {
		h.t.Fatal(err)
	}
	var got hci.Status
	switch f.Code {
	case hci.EvCommandStatus:
		e, err := hci.ParseCommandStatus(f.Parameters)
		if got = e.Status; err != nil || e.Opcode != c.Opcode() {
			h.t.Fatalf("%s: % X (%v)", h.c.name, p, err)
		}
	case hci.EvCommandComplete:
		e, err := hci.ParseCommandComplete(f.Parameters)
		if err != nil || e.Opcode != c.Opcode() || len(e.Return) == 0 {
			h.t.Fatalf("%s: % X (%v)", h.c.name, p, err)
		}
		got = hci.Status(e.Return[0])
	default:
		h.t.Fatalf("%s: % X, want an answer to %v", h.c.name, p, c.Opcode())
	}
	if got != want {
		h.t.Errorf("%s: %v % X: %v, want %v", h.c.name, c.Opcode(), c.AppendTo(nil), got, want)
	}
}

// connected reads LE Connection Complete.
func (h *host) connected() hci.LEConnectionComplete {
	h.t.Helper()
	e, err := hci.ParseLEConnectionComplete(h.meta(hci.EvLEConnectionComplete))
	if err != nil || e.Status != hci.Success {
		h.t.Fatalf("%s: connection: %+v (%v)", h.c.name, e, err)
	}
	return e
}

// disconnected reads Disconnection Complete with that reason.
func (h *host) disconnected(handle uint16, reason hci.Status) {
	h.t.Helper()
	e, err := hci.ParseDisconnectionComplete(h.event(hci.EvDisconnectionComplete))
	if want := (hci.DisconnectionComplete{Handle: handle, Reason: reason}); err != nil || e != want {
		h.t.Fatalf("%s: %+v (%v), want %+v", h.c.name, e, err, want)
	}
}

// acl reads an ACL packet.
func (h *host) acl() hci.ACL {
	h.t.Helper()
	p := h.next()
	f, err := hci.ParseACL(p[1:])
	if p[0] != hci.ACLPacket || err != nil {
		h.t.Fatalf("%s: % X (%v), want ACL data", h.c.name, p, err)
	}
	return f
}

// completed reads Number Of Completed Packets for one handle.
func (h *host) completed(handle uint16) int {
	h.t.Helper()
	e, err := hci.ParseNumberOfCompletedPackets(h.event(hci.EvNumberOfCompletedPackets))
	if err != nil || e.Len() != 1 || e.At(0).Handle != handle {
		h.t.Fatalf("%s: %+v (%v), want completed packets of 0x%04X", h.c.name, e, err, handle)
	}
	return int(e.At(0).Count)
}

func (h *host) sendACL(handle uint16, b hci.Boundary, data []byte) {
	h.t.Helper()
	h.write(hci.AppendACL(nil, hci.ACL{Handle: handle, Boundary: b, Data: data}))
}

// says sends a small packet, and reads what it does on both sides; the data has to arrive as it was.
func (h *host) says(handle uint16, to *host, toHandle uint16, text string) {
	h.t.Helper()
	h.sendACL(handle, hci.FirstNonFlushable, []byte(text))
	if p := to.acl(); p.Handle != toHandle || p.Boundary != hci.FirstFlushable || string(p.Data) != text {
		h.t.Fatalf("%s: got %+v, want %q", to.c.name, p, text)
	}
	if n := h.completed(handle); n != 1 {
		h.t.Fatalf("%s: %d packets completed, want 1", h.c.name, n)
	}
}

// The parameters that tests connect and advertise with: 30 ms, no latency, 420 ms; every 100 ms.
var (
	usual       = hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 24, SupervisionTimeout: 42}
	interval    = 30 * time.Millisecond
	supervision = 420 * time.Millisecond
	advertised  = hci.LESetAdvertisingParameters{IntervalMin: 160, IntervalMax: 160, ChannelMap: 7}
)

func (h *host) advertise(p hci.LESetAdvertisingParameters) {
	h.t.Helper()
	h.do(p)
	h.do(hci.LESetAdvertisingEnable{Enable: true})
}

func createConnection(to hci.Address) hci.LECreateConnection {
	return hci.LECreateConnection{ScanInterval: 96, ScanWindow: 96, Peer: to, Parameters: usual}
}

// A pair is two hosts and the handles of their link.
type pair struct {
	air                 *Air
	central, peripheral *host
	ch, ph              uint16
}

// newPair connects two controllers on an air of their own.
func newPair(t testing.TB, air AirConfig, central, peripheral ControllerConfig) *pair {
	t.Helper()
	central.Name, peripheral.Name = "central", "peripheral"
	a := NewAir(air)
	t.Cleanup(func() { a.Close() })
	p := &pair{air: a, central: newHost(t, a.NewController(central)), peripheral: newHost(t, a.NewController(peripheral))}
	p.connect(usual)
	return p
}

func (p *pair) connect(params hci.ConnectionParameters) {
	p.central.t.Helper()
	p.peripheral.advertise(advertised)
	c := createConnection(p.peripheral.c.Address())
	c.Parameters = params
	p.central.start(c)
	p.ch, p.ph = p.central.connected().Handle, p.peripheral.connected().Handle
}

// right checks that the hosts have done nothing wrong.
func right(t testing.TB, hosts ...*host) {
	t.Helper()
	for _, h := range hosts {
		n := h.c.Counters()
		if n.CommandsOverCredit+n.ACLOverCredit+n.ACLUnknownHandle+n.Malformed+n.EventsDropped != 0 {
			t.Errorf("%s: %+v", h.c.name, n)
		}
	}
}

func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }

func equal(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: % X, want % X", what, got, want)
	}
}
