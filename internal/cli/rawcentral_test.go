package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// rawCentral is a controller without a host but this: it connects, and says and hears ATT PDUs as octets.
type rawCentral struct {
	t      *testing.T
	conn   transport.Conn
	events chan []byte // parameters of events, code first; all but those of completed packets
	pdus   chan []byte // of ATT
	smp    chan string // PDUs of the Security Manager, in hexadecimal
	signal chan string // frames of the signalling channel, in hexadecimal
	handle uint16
}

const (
	attChannel    = 4
	signalChannel = 5
	smpChannel    = 6
	// rawPatience bounds every wait for the other side.
	rawPatience = 20 * time.Second
)

// serveController serves a virtual controller on a Unix socket, as a program of its own would, and returns the transport.
func serveController(t *testing.T, c *virtual.Controller) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hci")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		socket, err := l.Accept()
		if err != nil {
			return
		}
		h4, conn := transport.NewH4Controller(socket), c.Conn()
		back := make(chan struct{})
		go func() {
			defer close(back)
			pump(conn, h4)
		}()
		pump(h4, conn)
		_, _ = h4.Close(), conn.Close()
		<-back
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return "unix:" + path
}

// pump carries packets until either side ends.
func pump(from, to transport.Conn) {
	b := make([]byte, transport.MaxPacket)
	for {
		n, err := from.ReadPacket(b)
		if err != nil {
			return
		}
		if to.WritePacket(b[:n]) != nil {
			return
		}
	}
}

// connectRaw connects to a peripheral that advertises, from a controller of its own.
func connectRaw(t *testing.T, air *virtual.Air, peer hci.Address) *rawCentral {
	t.Helper()
	c := &rawCentral{t: t, conn: air.NewController(virtual.ControllerConfig{}).Conn(), events: make(chan []byte, 64), pdus: make(chan []byte, 1024), smp: make(chan string, 64), signal: make(chan string, 64)}
	go c.read()
	t.Cleanup(func() { _ = c.conn.Close() })
	for _, cmd := range []hci.Command{hci.Reset, hci.SetEventMask{Mask: 1<<62 - 1}} {
		c.command(cmd)
		c.event(func(e []byte) bool { return hci.EventCode(e[0]) == hci.EvCommandComplete })
	}
	c.command(hci.LECreateConnection{ScanInterval: 16, ScanWindow: 16, Peer: peer,
		Parameters: hci.ConnectionParameters{IntervalMin: 6, IntervalMax: 6, SupervisionTimeout: 400}})
	const subevent, status, handle, complete = 1, 2, 3, 0x01
	e := c.event(func(e []byte) bool { return hci.EventCode(e[0]) == hci.EvLEMeta && e[subevent] == complete })
	if e[status] != 0 {
		t.Fatalf("connection: status 0x%02x", e[status])
	}
	c.handle = binary.LittleEndian.Uint16(e[handle:])
	return c
}

func (c *rawCentral) command(cmd hci.Command) {
	c.t.Helper()
	if err := c.conn.WritePacket(hci.AppendCommand(nil, cmd)); err != nil {
		c.t.Fatal(err)
	}
}

// read sorts what arrives: a goroutine of its own.
func (c *rawCentral) read() {
	b := make([]byte, transport.MaxPacket)
	var frame []byte
	for {
		n, err := c.conn.ReadPacket(b)
		if err != nil {
			close(c.pdus)
			return
		}
		switch b[0] {
		case hci.EventPacket:
			e := append([]byte{b[1]}, b[3:n]...)
			if hci.EventCode(b[1]) == hci.EvNumberOfCompletedPackets {
				continue // nobody looks at these, and they would leave no room for others
			}
			select {
			case c.events <- e:
			default: // nobody looks any more
			}
		case hci.ACLPacket:
			acl, err := hci.ParseACL(b[1:n])
			if err != nil {
				continue
			}
			if acl.Boundary == hci.FirstFlushable || acl.Boundary == hci.FirstNonFlushable {
				frame = nil
			}
			frame = append(frame, acl.Data...)
			if len(frame) < 4 || len(frame) != 4+int(binary.LittleEndian.Uint16(frame)) {
				continue
			}
			switch binary.LittleEndian.Uint16(frame[2:]) {
			case attChannel:
				c.pdus <- bytes.Clone(frame[4:])
			case signalChannel:
				c.signal <- hex.EncodeToString(frame[4:])
			case smpChannel:
				c.smp <- hex.EncodeToString(frame[4:])
			}
		}
	}
}

func (c *rawCentral) event(want func([]byte) bool) []byte {
	c.t.Helper()
	late := time.After(rawPatience)
	for {
		select {
		case e := <-c.events:
			if want(e) {
				return e
			}
		case <-late:
			c.t.Fatal("no such event")
		}
	}
}

// unhex reads hexadecimal with spaces.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send sends an ATT PDU.
func (c *rawCentral) send(pdu string) {
	c.t.Helper()
	c.sendOn(attChannel, pdu)
}

// sendOn sends a frame on a channel in fragments of what the virtual controller takes, and so few that it has room for them.
func (c *rawCentral) sendOn(channel uint16, pdu string) {
	c.t.Helper()
	b := unhex(c.t, pdu)
	frame := append(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, uint16(len(b))), channel), b...)
	const fragment = 251
	for boundary := hci.FirstNonFlushable; len(frame) > 0; boundary = hci.Continuing {
		n := min(len(frame), fragment)
		if err := c.conn.WritePacket(hci.AppendACL(nil, hci.ACL{Handle: c.handle, Boundary: boundary, Data: frame[:n]})); err != nil {
			c.t.Fatal(err)
		}
		frame = frame[n:]
	}
}

// next is the next ATT PDU, in hexadecimal.
func (c *rawCentral) next() string {
	c.t.Helper()
	select {
	case pdu, ok := <-c.pdus:
		if !ok {
			c.t.Fatal("the link has ended")
		}
		return hex.EncodeToString(pdu)
	case <-time.After(rawPatience):
		c.t.Fatal("no PDU")
		return ""
	}
}

// want takes the next ATT PDU and compares it.
func (c *rawCentral) want(pdu string) {
	c.t.Helper()
	if got := c.next(); got != strings.ReplaceAll(pdu, " ", "") {
		c.t.Fatalf("got %s, want %s", got, pdu)
	}
}

func (c *rawCentral) ask(pdu, want string) {
	c.t.Helper()
	c.send(pdu)
	c.want(want)
}

// disconnect ends the link.
func (c *rawCentral) disconnect() {
	c.t.Helper()
	c.command(hci.Disconnect{Handle: c.handle, Reason: hci.RemoteUserTerminatedConnection})
	c.event(func(e []byte) bool { return hci.EventCode(e[0]) == hci.EvDisconnectionComplete })
}

// daemon is a command that runs until it is interrupted.
type daemon struct {
	t      *testing.T
	cancel context.CancelCauseFunc
	events chan object // of its standard output
	stderr *lines
	done   chan int
}

// startDaemon runs a command line with --json, and stdin to read from.
func startDaemon(t *testing.T, stdin interface{ Read([]byte) (int, error) }, args ...string) *daemon {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	d := &daemon{t: t, cancel: cancel, events: make(chan object, 4096), stderr: &lines{}, done: make(chan int, 1)}
	stdout := &lines{}
	stdout.line = func(line string) {
		var o object
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Errorf("%q is not an object: %v", line, err)
		}
		d.events <- o
	}
	go func() {
		nothing := func(string) string { return "" }
		status := run(ctx, append(args, "--json"), stdin, stdout, d.stderr, nothing)
		tellSecrets(ctx, result{status, stdout.String(), d.stderr.String()}, nothing, args)
		d.done <- status
		close(d.events)
	}()
	return d
}

// stop interrupts the command and returns its exit status.
func (d *daemon) stop() int {
	d.cancel(errInterrupted)
	return <-d.done
}

// want waits for an event, and skips others.
func (d *daemon) want(event string) object {
	d.t.Helper()
	late := time.After(rawPatience)
	for {
		select {
		case o, ok := <-d.events:
			if !ok {
				d.t.Fatalf("it ended before %s: %s", event, d.stderr)
			}
			if o["event"] == event {
				return o
			}
		case <-late:
			d.t.Fatalf("no %s: %s", event, d.stderr)
		}
	}
}
