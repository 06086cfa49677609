//go:build lab

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A stream is jelling subscribe with a capture.
type stream struct {
	*host
	capture string
}

// subscribe starts jelling subscribe. Unlike the session's own it has its capture read when it leaves: by the end of
// the test hci0 may be gone.
func (b *bench) subscribe(s *session) *stream {
	b.t.Helper()
	s.runs++
	name := fmt.Sprintf("jelling-%d", s.runs)
	capture := output(b.t, name+".btsnoop")
	cmd := s.command("subscribe", b.address, readings, "--json", "-v", "--timeout", "20s", "--capture", capture)
	return &stream{&host{process: start(b.t, name, cmd), peer: b.address}, capture}
}

// streaming starts jelling subscribe, paired and streaming.
func (b *bench) streaming(s *session) *stream {
	b.t.Helper()
	h := b.subscribe(s)
	h.hears("connected", "paired", "encrypted")
	h.stream(3)
	return h
}

// goesOn wants the stream again, with the key there is.
func (h *stream) goesOn() {
	h.t.Helper()
	if e := h.hears("connected", "encrypted")["encrypted"]; e.Key != "stored" {
		h.t.Errorf("encrypted with another key: %+v", e)
	}
	h.stream(3)
}

// leaves interrupts jelling, and wants that status, and a capture that btmon can read. Other controllers in it than hci0
// have to be named, since btmon 5.66 dies of those that are not up.
func (h *stream) leaves(others ...string) {
	h.t.Helper()
	h.signal(syscall.SIGINT)
	h.hears("disconnected")
	h.ends(130)
	for _, name := range others {
		run(h.t, "hciconfig", name, "up")
	}
	readable(h.t, h.capture)
}

// TestUnpluggedInMidStream pulls the controller and plugs it in again where the kernel gives it another number. The stream
// goes on.
func TestUnpluggedInMidStream(t *testing.T) {
	b := plugged(t)
	h := b.streaming(newSession(t, b.address))
	var again *plug
	b.forsaken(func() {
		b.pull()
		h.hears("controller_lost")
		plugIn(t, b.air.NewController(virtual.ControllerConfig{Name: "another"})) // is hci0 now
		if again = plugIn(t, b.box); again.name == b.plug.name {
			t.Fatalf("%s again: the test is none", again.name)
		}
	})
	h.hears("controller_recovered")
	h.goesOn()
	h.leaves(again.name)
}

// TestKilledInMidStream ends jelling in the hardest way. The controller, which nobody has reset, is still connected when
// the next one comes.
func TestKilledInMidStream(t *testing.T) {
	b := plugged(t)
	s := newSession(t, b.address)
	h := b.streaming(s)
	h.signal(syscall.SIGKILL)
	h.status()
	if n := b.box.Counters().Links; n != 1 {
		t.Errorf("%d links after the kill: the test is none", n)
	}
	b.forsaken(func() { h = b.subscribe(s) })
	h.goesOn()
	h.leaves()
	if n := b.box.Counters().Links; n != 0 {
		t.Errorf("%d links are left", n)
	}
}

// flood gives the kernel far more than it has room for.
func flood(t *testing.T, c *virtual.Controller, p *plug) {
	t.Helper()
	vendor := append([]byte{hci.EventPacket, 0xFF, 200}, make([]byte, 200)...)
	const packets = 12_000
	before := p.given.Load()
	for range packets {
		c.Inject(vendor)
	}
	enough := before + packets - int64(c.Counters().EventsDropped)
	until(t, "end of the flood", func() bool { return p.given.Load() >= enough })
}

// TestOverrun fills the kernel's buffer while nobody reads. The kernel says nothing of what it drops.
func TestOverrun(t *testing.T) {
	air := newAir(t)
	c := air.NewController(virtual.ControllerConfig{})
	p := plugIn(t, c)
	conn, err := transport.Open(context.Background(), transport.Spec{Kind: transport.User}, transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	flood(t, c, p)
	b := make([]byte, transport.MaxPacket)
	for packets := 0; ; packets++ {
		_, err := conn.ReadPacket(b)
		if drop, ok := errors.AsType[*transport.DropError](err); ok {
			t.Logf("after %d packets: %v", packets, err)
			if packets > 100 || drop.Packets < 1000 {
				t.Errorf("%d packets, then %v", packets, err)
			}
			break
		}
		if err != nil {
			t.Fatalf("after %d packets: %v", packets, err)
		}
	}
	user, _ := transport.As[transport.UserChannel](conn)
	if s := user.Stats(); s.Dropped == 0 || user.Adapter().Address != c.Address().Octets {
		t.Errorf("%+v of %v", s, user.Adapter())
	}
}

// TestOverrunInMidStream stops jelling for a while, as a slow disk would. It finds out that it has missed something, opens
// the controller anew, and goes on.
func TestOverrunInMidStream(t *testing.T) {
	b := plugged(t)
	h := b.streaming(newSession(t, b.address))
	b.forsaken(func() {
		h.signal(syscall.SIGSTOP)
		flood(t, b.box, b.plug)
		h.signal(syscall.SIGCONT)
	})
	if e := h.hears("controller_lost")["controller_lost"]; !strings.Contains(e.Error, "the kernel dropped") {
		t.Errorf("lost by: %s", e.Error)
	}
	h.hears("controller_recovered")
	h.goesOn()
	h.leaves()
}

// TestTakeOver takes a controller that bluetoothd has powered, and wants it to have it back.
func TestTakeOver(t *testing.T) {
	air := newAir(t)
	c := air.NewController(virtual.ControllerConfig{})
	plugIn(t, c)
	if err := os.RemoveAll(bonds); err != nil {
		t.Fatal(err)
	}
	start(t, "bluetoothd", exec.Command(bluetoothd, "-n", "-d", "-P", "sap")).stays = true // it powers what there is
	powered := func() bool {
		a, err := adapter("hci0")
		return err == nil && a.Up() && !a.Initializing()
	}
	until(t, "hci0 powered by bluetoothd", powered)
	scan := func(args ...string) *process {
		args = append([]string{"scan", "--timeout", "1s", "--state-dir", filepath.Join(t.TempDir(), "state"), "--transport", "hci0"}, args...)
		return start(t, "jelling", exec.Command(os.Getenv("JELLING"), args...))
	}
	p := scan()
	if got := p.status(); got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
	complains(t, p.stderr(), "bluetoothd", "--take-over", "systemctl mask")
	for range 3 {
		if p = scan("--take-over"); p.status() != 0 {
			t.Fatalf("exit status %d\n%s", p.status(), p.stderr())
		}
		until(t, "hci0 powered by bluetoothd again", powered)
	}
	if out := run(t, "btmgmt", "--index", "0", "info"); !strings.Contains(out, "powered") {
		t.Errorf("bluetoothd's kernel does not have it back:\n%s", out)
	}
}

// TestWait starts jelling before there is a controller: the one with an address, the one with a number, any.
func TestWait(t *testing.T) {
	for _, c := range []struct{ name, transport string }{
		{"by address", "user:02:4A:4C:00:00:02"}, {"by number", "user:1"}, {"any", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			air := newAir(t)
			one, two := air.NewController(virtual.ControllerConfig{}), air.NewController(virtual.ControllerConfig{})
			args := []string{"scan", "--wait", "--timeout", "1s", "-v", "--state-dir", filepath.Join(t.TempDir(), "state")}
			if c.transport != "" {
				args = append(args, "--transport", c.transport)
			}
			p := start(t, "jelling", exec.Command(os.Getenv("JELLING"), args...))
			p.says("waiting for ")
			if c.transport != "" {
				plugIn(t, one)
			}
			if _, over := p.ended(); over {
				t.Fatal("it did not wait")
			}
			plugIn(t, two)
			if got := p.status(); got != 0 {
				t.Errorf("exit status %d\n%s", got, p.stderr())
			}
			if one.Counters().Links != 0 || two.Counters().Commands < 20 {
				t.Errorf("the controller was not used: %+v", two.Counters())
			}
		})
	}
}

// TestWaitIsInterrupted wants Ctrl-C to end the waiting at once.
func TestWaitIsInterrupted(t *testing.T) {
	newAir(t)
	p := start(t, "jelling", exec.Command(os.Getenv("JELLING"), "scan", "--wait", "--transport", "hci0", "--state-dir", filepath.Join(t.TempDir(), "state")))
	p.says("waiting for user:0")
	began := time.Now()
	p.signal(syscall.SIGINT)
	if got := p.status(); got != 130 || time.Since(began) > 5*time.Second {
		t.Errorf("exit status %d after %v\n%s", got, time.Since(began), p.stderr())
	}
}
