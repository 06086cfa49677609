//go:build lab

package lab

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// TestAcceptList connects BlueZ's kernel through the accept list of our radio, and takes attempts back, on both sides.
func TestAcceptList(t *testing.T) {
	const v42 = 0x08 // before extended advertising: hcitool knows the legacy commands
	r := newRoomWith(t, virtual.ControllerConfig{Name: "peer", Version: v42})
	run(t, "hciconfig", "hci1", "up")
	absent := "02:00:00:00:00:99"
	run(t, "hcitool", "-i", "hci1", "lealadd", r.box.Address().String())
	waiting := start(t, "lecc", exec.Command("hcitool", "-i", "hci1", "lecc", "--acceptlist"))
	h := ownHost(t, gap.Config{})
	conns := accepting(t, h)
	c := receive(t, "connection by the accept list", conns)
	if c.Role() != hci.Peripheral || c.OnAir() != r.peer.Address() {
		t.Errorf("%v as %v", c.OnAir(), c.Role())
	}
	waiting.stop() // it waits for the older event
	c.Disconnect(hci.RemoteUserTerminatedConnection)

	before := r.peer.Counters().Commands
	waiting = start(t, "lecc-absent", exec.Command("hcitool", "-i", "hci1", "lecc", absent))
	until(t, "attempt of the kernel", func() bool { return r.peer.Counters().Commands > before })
	if out := run(t, "hcitool", "-i", "hci1", "cmd", "0x08", "0x000e"); !strings.Contains(out, "0E 20 00") {
		t.Errorf("LE Create Connection Cancel: %s", out)
	}
	waiting.stop()

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := h.Connect(ctx, publicAddress(t, absent), gap.ConnectConfig{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("connected to nobody: %v", err)
	}
	run(t, "hciconfig", "hci1", "leadv", "0")
	if c, err := h.Connect(patiently(t), r.peer.Address(), gap.ConnectConfig{NoGATT: true}); err != nil {
		t.Error(err)
	} else {
		c.Disconnect(hci.RemoteUserTerminatedConnection)
	}
}
