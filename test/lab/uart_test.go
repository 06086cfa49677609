//go:build lab

package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/transport"
)

// The two ends of the null-modem cable, and btvirt's socket for a low energy controller.
const (
	nearEnd   = "uart:/dev/ttyS2?chip=none"
	farEnd    = "/dev/ttyS3"
	btvirtLE  = "/tmp/bt-server-le"
	hciReset  = "\x01\x03\x0C\x00"
	hciReads  = "\x01\x01\x10\x00" // Read_Local_Version_Information
	resetDone = "\x04\x0E\x04\x01\x03\x0C\x00"
)

// A cable is the wire between the far end of the null modem and a virtual controller, and can be bitten.
type cable struct {
	t *testing.T

	mu   sync.Mutex // guards what follows
	bite func(toHost bool, b []byte) []byte
	cut  bool
	ends []net.Conn
}

// wire puts a virtual controller behind the null-modem cable.
func wire(t *testing.T) *cable {
	t.Helper()
	start(t, "btvirt", exec.Command("btvirt", "-s")).stays = true
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

// openLine opens the near end.
func openLine(t *testing.T) transport.Conn {
	t.Helper()
	s, err := transport.ParseSpec(nearEnd)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.Open(context.Background(), s, transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
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
	if got, err := ask(conn, hciReset); err != nil || !bytes.Equal(got, []byte{0}) {
		t.Fatalf("HCI_Reset: % X, %v", got, err)
	}
	got, err := ask(conn, hciReads)
	if err != nil || len(got) != 9 || got[0] != 0 {
		t.Fatalf("Read_Local_Version: % X, %v", got, err)
	}
	t.Logf("HCI version %d, manufacturer 0x%04X", got[1], binary.LittleEndian.Uint16(got[5:]))
}

func TestUARTCommands(t *testing.T) {
	wire(t)
	answers(t, openLine(t))
}

func TestUARTBitten(t *testing.T) {
	c := wire(t)
	conn := openLine(t)
	answers(t, conn)
	r := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	c.bites(func(toHost bool, b []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		i := r.IntN(len(b))
		switch r.IntN(6) {
		case 0:
			return append(b[:i:i], b[i+1:]...)
		case 1:
			return append(append(b[:i:i], byte(r.Uint32())), b[i:]...)
		}
		return b
	})
	resyncer, ok := transport.As[transport.Resyncer](conn)
	if !ok {
		t.Fatal("no Resyncer")
	}
	const commands = 300
	done, resyncs := 0, 0
	for done < commands {
		// An answer that is not recognised as one leaves the reader waiting: that is a command time-out.
		late := time.AfterFunc(time.Second, func() { resyncer.Resync(t.Context()) })
		_, err := ask(conn, hciReads)
		if late.Stop() && err == nil {
			done++
			continue
		}
		t.Logf("after %d: %v", done, err)
		if err := resyncer.Resync(t.Context()); err != nil {
			t.Fatalf("after %d commands and %d resyncs: %v", done, resyncs, err)
		}
		resyncs++
	}
	t.Logf("%d commands, %d resyncs", done, resyncs)
}
