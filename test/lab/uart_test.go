//go:build lab

package lab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/jelling-ble/jelling/transport"
)

// The two ends of the null-modem cable, and btvirt's socket for a low energy controller.
const (
	nearEnd  = "/dev/ttyS2"
	farEnd   = "/dev/ttyS3"
	btvirtLE = "/tmp/bt-server-le"
)

// Commands as they are on the wire (Vol 4, Part E, 7.3.2 and 7.4.1).
const (
	reset       = "\x01\x03\x0C\x00"
	readVersion = "\x01\x01\x10\x00"
)

// A cable is the wire between the far end of the null modem and a virtual controller, and can be bitten.
type cable struct {
	t *testing.T

	mu   sync.Mutex // guards what follows
	bite func(toHost bool, b []byte) []byte
	cut  bool
	ends []net.Conn
}

// wire puts a virtual controller behind the null-modem cable. More may be asked of btvirt.
func wire(t *testing.T, options ...string) *cable {
	t.Helper()
	start(t, "btvirt", exec.Command("btvirt", append(options, "-s")...)).stays = true
	until(t, "btvirt's socket", func() bool { c, err := net.Dial("unix", btvirtLE); closes(c); return err == nil })
	path := filepath.Join(t.TempDir(), "wire")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	start(t, "socat", exec.Command("socat", farEnd+",raw,echo=0,b115200,crtscts", "UNIX-CONNECT:"+path))
	far, err := l.Accept()
	l.Close()
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{t: t}
	var ends sync.WaitGroup
	ends.Go(func() { c.controllers(far) })
	t.Cleanup(func() { c.pull(); far.Close(); ends.Wait() })
	return c
}

func closes(c net.Conn) {
	if c != nil {
		c.Close()
	}
}

// controllers gives the far end a controller, and another whenever one has had enough.
func (c *cable) controllers(far net.Conn) {
	for {
		controller, err := net.Dial("unix", btvirtLE)
		if err != nil {
			c.t.Log(err)
			return
		}
		c.mu.Lock()
		c.ends = []net.Conn{controller}
		c.mu.Unlock()
		over := make(chan struct{})
		go func() {
			defer close(over)
			c.pump(far, controller, true)
			far.SetReadDeadline(time.Unix(1, 0)) // the other direction
		}()
		gone := c.pump(controller, far, false)
		controller.Close()
		<-over
		far.SetReadDeadline(time.Time{})
		if gone {
			return
		}
		c.t.Log("btvirt hung up")
	}
}

// pump carries octets one way. It reports whether the far end is gone.
func (c *cable) pump(to, from net.Conn, toHost bool) bool {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			return !toHost && errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
		}
		c.mu.Lock()
		bite, cut := c.bite, c.cut
		c.mu.Unlock()
		out := b[:n]
		if bite != nil {
			out = bite(toHost, out)
		}
		if cut {
			continue
		}
		if _, err := to.Write(out); err != nil {
			return toHost
		}
	}
}

func (c *cable) bites(f func(toHost bool, b []byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bite = f
}

func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
}

func (c *cable) plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

// lineSpec is the near end, whose controller needs nothing.
func lineSpec(baud int) transport.Spec {
	return transport.Spec{Kind: transport.UART, Path: nearEnd, Baud: baud, Chip: transport.ChipNone}
}

// A line is the near end, as the transport gives it.
type line interface {
	transport.Serial
	transport.Resyncer
}

// openLine opens the near end.
func openLine(t *testing.T) line {
	t.Helper()
	conn, err := transport.Open(t.Context(), lineSpec(0), transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(line)
}

// ask sends a command and returns the parameters of its answer.
func ask(conn transport.Conn, command string) ([]byte, error) {
	if err := conn.WritePacket([]byte(command)); err != nil {
		return nil, err
	}
	b := make([]byte, transport.MaxPacket)
	for {
		n, err := conn.ReadPacket(b)
		if err != nil {
			return nil, err
		}
		if p := b[:n]; n > 6 && p[1] == 0x0E && string(p[4:6]) == command[1:3] {
			return p[6:], nil
		}
	}
}

// answers wants the controller to do what it is asked.
func answers(t *testing.T, conn transport.Conn) {
	t.Helper()
	if got, err := ask(conn, reset); err != nil || !bytes.Equal(got, []byte{0}) {
		t.Fatalf("HCI_Reset: % X, %v", got, err)
	}
	got, err := ask(conn, readVersion)
	if err != nil || len(got) != 9 || got[0] != 0 {
		t.Fatalf("Read_Local_Version: % X, %v", got, err)
	}
	t.Logf("HCI version %d, manufacturer 0x%04X", got[1], binary.LittleEndian.Uint16(got[5:]))
}

func TestUARTCommands(t *testing.T) {
	wire(t)
	conn := openLine(t)
	answers(t, conn)
	if err := conn.SetBaud(t.Context(), 57_600); err != nil || conn.Baud() != 57_600 {
		t.Errorf("%d baud, %v", conn.Baud(), err)
	}
	answers(t, conn) // the emulated wire has no rate
	if err := errors.Join(conn.Break(t.Context(), time.Millisecond), conn.Discard(t.Context(), 100*time.Millisecond)); err != nil {
		t.Error(err)
	}
	answers(t, conn)
	if got := conn.Counters(); got != (transport.Counters{}) {
		t.Errorf("%+v", got)
	}
}

// TestUARTSubscribe does the main job over the cable: to pair with BlueZ, to read, and to come back to a stored bond.
func TestUARTSubscribe(t *testing.T) {
	until(t, "end of the last test's controllers", func() bool { return !exists("hci0") && !exists("hci1") })
	wire(t, "-L", "-l2")
	until(t, "hci1", func() bool { return exists("hci1") })
	o := &oximeter{secureConnections: true}
	o.boot(t)
	capture := output(t, "jelling.btsnoop")
	h := &host{peer: o.address, process: start(t, "jelling", exec.Command("taskset", "-c", "0", os.Getenv("JELLING"), "subscribe", o.address, readings,
		"--json", "-v", "--timeout", "20s", "--capture", capture, "--transport", lineSpec(0).String(), "--state-dir", filepath.Join(t.TempDir(), "state")))}
	h.want(connected, paired(true), encrypted("new"))
	h.stream(10)
	o.do("disconnect")
	h.want(disconnected(0x13), retry, connected, encrypted("stored"))
	h.stream(10)
	h.signal(syscall.SIGINT)
	h.want(left)
	h.ends(130)
	readable(t, capture)
}

// The kernel keeps the old rate in silence where the hardware can't have a new one.
func TestUARTRateRefused(t *testing.T) {
	_, err := transport.Open(t.Context(), lineSpec(921_600), transport.Options{})
	var e *transport.OpenError
	impossible, ok := errors.AsType[*transport.BaudError](err)
	if !ok || impossible.Want != 921_600 || impossible.Got == 921_600 || !errors.As(err, &e) || e.Remedy == "" {
		t.Fatalf("%v", err)
	}
	conn := openLine(t)
	if err := conn.SetBaud(t.Context(), 921_600); !errors.As(err, &impossible) || conn.Baud() != 115_200 {
		t.Errorf("%v, %d baud", err, conn.Baud())
	}
}

// Octets are lost and come from nowhere, both ways: every time there is a way back.
func TestUARTBitten(t *testing.T) {
	c := wire(t)
	conn := openLine(t)
	answers(t, conn)
	r := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	c.bites(func(toHost bool, b []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		switch i := r.IntN(len(b)); r.IntN(16) {
		case 0:
			return slices.Delete(b, i, i+1)
		case 1:
			return slices.Insert(slices.Clone(b), i, byte(r.Uint32()))
		}
		return b
	})
	const commands = 50
	done, resyncs := 0, 0
	for done < commands {
		// An answer of which the type was lost leaves the reader waiting: a command time-out.
		late := time.AfterFunc(time.Second, func() { conn.Resync(t.Context()) })
		_, err := ask(conn, readVersion)
		if late.Stop() && err == nil {
			done++
			continue
		}
		t.Logf("after %d commands: %v", done, err)
		for conn.Resync(t.Context()) != nil { // bitten too
			resyncs++
		}
		resyncs++
	}
	c.bites(nil)
	if err := conn.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	answers(t, conn)
	if resyncs == 0 {
		t.Error("nothing was bitten")
	}
	t.Logf("%d commands, %d ways back, %+v", done, resyncs, conn.Counters())
}

func TestUARTPulled(t *testing.T) {
	c := wire(t)
	conn := openLine(t)
	answers(t, conn)
	c.pull()
	err := conn.Resync(t.Context())
	if failed, ok := errors.AsType[*transport.ResyncError](err); !ok || failed.Received != 0 || failed.Held {
		t.Fatalf("%v", err)
	}
	if err := conn.WritePacket([]byte(reset)); !errors.Is(err, transport.ErrOutOfStep) {
		t.Errorf("%v", err)
	}
	c.plug()
	if err := conn.Resync(t.Context()); err != nil {
		t.Fatal(err)
	}
	answers(t, conn)
}

// Nobody raises CTS. The cable has no wire for that which could be cut, and so the hardware is looped back on itself.
func TestUARTHeld(t *testing.T) {
	const (
		setLines, clearLines = 0x5416, 0x5417 // TIOCMBIS, TIOCMBIC
		loop, rts            = 0x8000, 0x004
	)
	f, err := os.OpenFile(nearEnd, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := func(request uintptr, which int32) {
		t.Helper()
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(&which))); errno != 0 {
			t.Fatal(errno)
		}
	}
	conn := openLine(t)
	lines(setLines, loop)
	defer lines(clearLines, loop)
	lines(clearLines, rts)
	if err := conn.SetBaud(t.Context(), 57_600); err != nil { // has the driver look at CTS
		t.Fatal(err)
	}
	start := time.Now()
	for range 20 {
		if err != nil {
			break
		}
		start = time.Now()
		err = conn.WritePacket(append([]byte{byte(transport.ACL), 0, 0, 0xE8, 0x03}, make([]byte, 1000)...))
	}
	stuck, ok := errors.AsType[*transport.StuckError](err)
	if !ok || !stuck.Held {
		t.Fatalf("%v", err)
	}
	t.Logf("%v, after %v", err, time.Since(start))
	err = conn.Resync(t.Context())
	if failed, ok := errors.AsType[*transport.ResyncError](err); !ok || !failed.Held {
		t.Errorf("%v", err)
	}
	t.Log(err)
	start = time.Now()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	took := time.Since(start)
	if took > time.Second {
		t.Errorf("Close took %v", took)
	}
	t.Logf("Close took %v", took)
}
