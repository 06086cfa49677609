//go:build lab

package lab

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/transport/virtual"
)

// A central is BlueZ on a controller, that somebody has in his hands.
type central struct {
	*process // central.py
	daemon   *process
	adapter  string // hci1
	address  string
	agent    []string // what central.py is told of it
	kept     []said   // reports that nobody has asked for yet
}

// said is a line of central.py.
type said struct {
	Event            string
	Address          string
	Command          string
	Error            string
	UUID             string
	UUIDs            []string
	Value            string
	Asked            string
	Number           string
	Connected        *bool
	Paired           *bool
	ServicesResolved *bool
}

// A room is two controllers on one air and in the kernel, hci0 and hci1, with nobody on them.
type room struct {
	air       *virtual.Air
	box, peer *virtual.Controller
}

func newRoom(t *testing.T) room {
	t.Helper()
	return newRoomWith(t, virtual.ControllerConfig{Name: "peer", PDULength: 251})
}

func newRoomWith(t *testing.T, peer virtual.ControllerConfig) room {
	t.Helper()
	r := room{air: newAir(t)}
	r.box = r.air.NewController(virtual.ControllerConfig{Name: "box", PDULength: 251})
	plugIn(t, r.box)
	r.peer = r.air.NewController(peer)
	plugIn(t, r.peer)
	return r
}

// A desk is a room with BlueZ on hci1 as the central, and hci0 for Jelling.
type desk struct {
	room
	*central
}

// newDesk starts everything but Jelling.
func newDesk(t *testing.T, agent ...string) *desk {
	t.Helper()
	d := &desk{newRoom(t), &central{adapter: "hci1", agent: agent}}
	d.daemon = daemon(t)
	d.boot(t)
	return d
}

// boot starts central.py.
func (c *central) boot(t *testing.T) {
	t.Helper()
	script, err := filepath.Abs("central.py")
	if err != nil {
		t.Fatal(err)
	}
	c.process = start(t, "central", exec.Command(python, append([]string{script, c.adapter}, c.agent...)...))
	c.stays, c.kept = true, nil
	c.address = c.event("ready").Address
}

// reset stops the central and boots it again, as from the factory.
func (c *central) reset() {
	c.t.Helper()
	c.stays, c.daemon.stays = false, false
	c.stop()
	c.daemon.stop()
	c.daemon = daemon(c.t)
	c.boot(c.t)
}

// event waits for the next report of that kind; those of other kinds are kept.
func (c *central) event(kind string) said {
	c.t.Helper()
	for i, r := range c.kept {
		if r.Event == kind {
			c.kept = append(c.kept[:i], c.kept[i+1:]...)
			return r
		}
	}
	for {
		line, ok := c.next()
		if !ok {
			c.t.Fatalf("the central ended while its event %q was awaited", kind)
		}
		var r said
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			c.t.Fatalf("the central said %q: %v", line, err)
		}
		if r.Event == kind {
			return r
		}
		c.kept = append(c.kept, r)
	}
}

// tries tells the central to do something, and returns how that went.
func (c *central) tries(command string) said {
	c.t.Helper()
	c.tell(command)
	return c.told(command)
}

// told waits for the end of a command that it was told.
func (c *central) told(command string) said {
	c.t.Helper()
	r := c.event("done")
	if r.Command != command {
		c.t.Fatalf("told to %s, the central said %+v", command, r)
	}
	return r
}

// does tells the central to do something, which has to succeed.
func (c *central) does(command string) said {
	c.t.Helper()
	r := c.tries(command)
	if r.Error != "" {
		c.t.Fatalf("told to %s, the central said: %s", command, r.Error)
	}
	return r
}

// is waits until BlueZ says of the device that it is so: "connected", "paired", "resolved", or with "not " before it that it is not.
func (c *central) is(what string) {
	c.t.Helper()
	name, not := strings.CutPrefix(what, "not ")
	for {
		r := c.event("device")
		p := map[string]*bool{"connected": r.Connected, "paired": r.Paired, "resolved": r.ServicesResolved}[name]
		if p != nil && *p != not {
			return
		}
	}
}

// drop ends the link to an address at once. bluetoothd would take two seconds for it.
func (c *central) drop(address string) {
	c.t.Helper()
	run(c.t, "btmgmt", "--index", strings.TrimPrefix(c.adapter, "hci"), "disconnect", "-t", "1", address)
}
