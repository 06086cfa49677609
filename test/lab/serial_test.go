//go:build lab

package lab

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/transport"
)

// A meter is a peripheral of our own on another of btvirt's controllers: it notifies readings, which need
// encryption, to whoever subscribes.
type meter struct {
	t       *testing.T
	host    *gap.Host
	reading *gatt.Characteristic
}

func newMeter(t *testing.T) *meter {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	m := &meter{t: t, reading: &gatt.Characteristic{UUID: gatt.PLXContinuousMeasurement, Properties: gatt.Notify, Permissions: gatt.Permissions{Notify: gatt.Encrypted}}}
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "meter", Services: []*gatt.Service{{UUID: gatt.PulseOximeter, Characteristics: []*gatt.Characteristic{m.reading}}}})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.Open(ctx, transport.Spec{Kind: transport.Unix, Path: btvirtLE}, transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m.host, err = gap.Open(ctx, conn, gap.Config{Server: server}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.serve(ctx)
	}()
	t.Cleanup(func() { cancel(); _ = m.host.Close(); <-done })
	return m
}

func (m *meter) serve(ctx context.Context) {
	for {
		c, err := m.host.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: "meter"}})
		if err != nil {
			return
		}
		ticker := time.NewTicker(100 * time.Millisecond)
		for open := true; open; {
			select {
			case <-ticker.C:
				_ = c.Server().Notify(ctx, m.reading, []byte{0, 97, 0, 61, 0}) // refused until there is a subscriber
			case <-c.Done():
				open = false
			}
		}
		ticker.Stop()
	}
}

// onLine starts jelling subscribe over a transport, to the meter.
func (m *meter) onLine(spec string) *process {
	m.t.Helper()
	state := filepath.Join(m.t.TempDir(), "state")
	return start(m.t, "jelling", exec.Command(os.Getenv("JELLING"), "subscribe", m.host.Identity().Text(), "2a5f", "--json", "-v",
		"--bonding", "always", "--timeout", "30s", "--transport", spec, "--state-dir", state))
}

// awaitEvent reads events until one of that name.
func awaitEvent(t *testing.T, p *process, name string) {
	t.Helper()
	for {
		line, ok := p.next()
		if !ok {
			t.Fatalf("%s ended, want event %q", p.name, name)
		}
		var e struct{ Event string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if e.Event == name {
			return
		}
	}
}

// TestUARTMainJob: connect, pair, encrypt and stream over a real UART with RTS/CTS; octets bitten out of the wire cost
// the controller, and it comes back.
func TestUARTMainJob(t *testing.T) {
	cable := wire(t)
	m := newMeter(t)
	p := m.onLine("uart:" + nearEnd + "?baud=115200&flow=rtscts&chip=none")
	for _, name := range []string{"paired", "value", "value", "value"} {
		awaitEvent(t, p, name)
	}
	bitten := false
	cable.bites(func(toHost bool, b []byte) []byte {
		if !toHost || bitten || len(b) < 4 {
			return b
		}
		bitten = true
		return b[3:]
	})
	awaitEvent(t, p, "controller_lost")
	awaitEvent(t, p, "controller_recovered") // btvirt never tells the meter that its link is gone, so that is all
	p.signal(os.Interrupt)
	if status := p.status(); status != 130 {
		t.Errorf("exit status %d", status)
	}
}

// TestH5MainJob: the same over three-wire H5. The other end of the wire is our own controller side of H5, since
// BlueZ's virtual controllers know H4 alone.
func TestH5MainJob(t *testing.T) {
	start(t, "btvirt", exec.Command("btvirt", "-s")).stays = true
	until(t, "btvirt's socket", func() bool { c, err := net.Dial("unix", btvirtLE); closes(c); return err == nil })
	run(t, "stty", "-F", farEnd, "115200", "raw", "-echo", "-crtscts", "clocal")
	far, err := os.OpenFile(farEnd, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	controller, err := transport.Open(ctx, transport.Spec{Kind: transport.Unix, Path: btvirtLE}, transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer controller.Close()
	m := newMeter(t)
	p := m.onLine("h5:" + nearEnd + "?baud=115200")
	h5, err := transport.NewH5Controller(ctx, far, transport.H5Config{Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	defer h5.Close()
	go carryPackets(h5, controller)
	go carryPackets(controller, h5)
	for _, name := range []string{"paired", "value", "value", "value"} {
		awaitEvent(t, p, name)
	}
	p.signal(os.Interrupt)
	awaitEvent(t, p, "disconnected")
	if status := p.status(); status != 130 {
		t.Errorf("exit status %d", status)
	}
}

// carryPackets carries whole packets until either end is gone.
func carryPackets(to, from transport.Conn) {
	b := make([]byte, transport.MaxPacket)
	for {
		n, err := from.ReadPacket(b)
		if err != nil || to.WritePacket(b[:n]) != nil {
			return
		}
	}
}
