//go:build lab

package lab

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A plug is a controller that is in the kernel as long as it is plugged in: one of a virtual air, through /dev/vhci. Unlike
// btvirt's it can be pulled alone, and its peer then loses the link as it would on air.
type plug struct {
	name   string // hci0
	vhci   *os.File
	radio  transport.Conn
	given  atomic.Int64 // packets given to the kernel
	pumps  sync.WaitGroup
	pulled sync.Once
}

// plugIn plugs a controller in, and waits until the kernel has read its address.
func plugIn(t *testing.T, c *virtual.Controller) *plug {
	t.Helper()
	vhci, err := os.OpenFile("/dev/vhci", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	const vendor, primary = 0xFF, 0x00
	if _, err := vhci.Write([]byte{vendor, primary}); err != nil {
		t.Fatal(err)
	}
	var created [4]byte // vendor, primary, index
	if _, err := vhci.Read(created[:]); err != nil || created[0] != vendor {
		t.Fatalf("vhci: % X, %v", created, err)
	}
	p := &plug{name: fmt.Sprintf("hci%d", binary.LittleEndian.Uint16(created[2:])), vhci: vhci, radio: c.Conn()}
	p.pumps.Go(p.toRadio)
	p.pumps.Go(p.toKernel)
	t.Cleanup(p.pull)
	until(t, p.name+" with its address", func() bool {
		a, err := adapter(p.name)
		return err == nil && a.Address == c.Address().Octets && !a.Initializing()
	})
	return p
}

// pull pulls the plug: the kernel loses the controller at once, and the controller its power.
func (p *plug) pull() {
	p.pulled.Do(func() {
		p.vhci.Close()
		p.radio.Close()
		p.pumps.Wait()
	})
}

// toRadio carries what the host sends. Each read is a packet.
func (p *plug) toRadio() {
	b := make([]byte, transport.MaxPacket)
	for {
		n, err := p.vhci.Read(b)
		if err != nil {
			return
		}
		if p.radio.WritePacket(b[:n]) != nil {
			return
		}
	}
}

// toKernel carries what the controller says.
func (p *plug) toKernel() {
	b := make([]byte, transport.MaxPacket)
	for {
		n, err := p.radio.ReadPacket(b)
		if err != nil {
			return
		}
		if _, err := p.vhci.Write(b[:n]); errors.Is(err, os.ErrClosed) {
			return
		} // any other error is that nobody has the controller open
		p.given.Add(1)
	}
}

// adapter returns what the kernel says of a controller.
func adapter(name string) (transport.Adapter, error) {
	all, err := transport.Adapters()
	for _, a := range all {
		if a.Name == name {
			return a, nil
		}
	}
	return transport.Adapter{}, errors.Join(err, os.ErrNotExist)
}

// newAir makes an air for controllers to be plugged in, and waits until those of the last test are gone.
func newAir(t *testing.T) *virtual.Air {
	t.Helper()
	until(t, "end of the last test's controllers", func() bool {
		all, err := transport.Adapters()
		return err == nil && len(all) == 0
	})
	air := virtual.NewAir(virtual.AirConfig{})
	t.Cleanup(func() { air.Close() })
	monitor := start(t, "btmon", exec.Command("sh", "-c", "exec btmon -w \"$0\" >/dev/null", output(t, "monitor.btsnoop")))
	monitor.stays = true
	return air
}

// A bench is two controllers on one air, the oximeter on hci1 and room for Jelling on hci0.
type bench struct {
	*oximeter
	air       *virtual.Air
	box, peer *virtual.Controller
	*plug     // the box's
}

// plugged starts both.
func plugged(t *testing.T) *bench {
	t.Helper()
	b := &bench{air: newAir(t), oximeter: &oximeter{secureConnections: true}}
	b.box = b.air.NewController(virtual.ControllerConfig{Name: "box"})
	b.plug = plugIn(t, b.box)
	b.peer = b.air.NewController(virtual.ControllerConfig{Name: "oximeter"})
	plugIn(t, b.peer)
	b.boot(t)
	return b
}

// forsaken waits until the oximeter has noticed that its link is dead. Until then it hears no request for another from
// the same device, as the link layer wants it (Vol 6, Part B, 4.5): connections fail to be established, and are tried again.
func (b *bench) forsaken(kill func()) {
	b.t.Helper()
	b.peer.MissConnectRequests(1000)
	kill()
	b.gone()
	b.peer.MissConnectRequests(0)
}

// news is an event, with what the controller's own events have besides.
type news struct {
	event
	Error string
	Rung  string
}

// hears reads events until each of these has come, in that order, whatever comes between. What the controller's own
// events say is returned, the last of each kind.
func (h *host) hears(names ...string) map[string]news {
	h.t.Helper()
	heard := map[string]news{}
	for _, name := range names {
		for {
			e, ok := h.any()
			if !ok {
				h.t.Fatalf("%s ended while its event %q was awaited\n%s", h.name, name, h.stderr())
			}
			heard[e.Event] = e
			if e.Event == name {
				break
			}
		}
	}
	return heard
}

// any waits for the next event, whatever it is, and looks at it no further.
func (h *host) any() (e news, ok bool) {
	h.t.Helper()
	line, ok := h.process.next()
	if !ok {
		return e, false
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		h.t.Fatalf("%s said %q: %v", h.name, line, err)
	}
	h.count = 0 // a reading may have been passed over
	return e, true
}

// says waits until a process has said so on standard error.
func (p *process) says(text string) {
	p.t.Helper()
	p.await(text, func() bool { return strings.Contains(strings.Join(p.errs, "\n"), text) })
}
