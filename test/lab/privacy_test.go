//go:build lab

package lab

import (
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// bondEvents is for gap.Config.Events: a channel of what happens to security.
func bondEvents() (chan any, func(gap.Event)) {
	events := make(chan any, 100)
	return events, func(e gap.Event) {
		switch e.Detail.(type) {
		case gap.Paired, gap.Encrypted:
			events <- e.Detail
		}
	}
}

// TestPrivateBox: we go by private addresses. BlueZ, bonded, knows us by the next one too.
func TestPrivateBox(t *testing.T) {
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "Lab box"})
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	events, tell := bondEvents()
	const rotation = 4 * time.Second
	h := ownHost(t, gap.Config{Server: server, Events: tell, Privacy: gap.Privacy{Own: gap.OwnResolvable, Rotation: rotation}})
	conns := accepting(t, h)
	d.does("find Lab box")
	d.does("pair")
	first := receive(t, "connection", conns)
	if a := first.Link().LocalAddress(); !a.IsResolvable() {
		t.Errorf("our address on air is %v", a)
	}
	if p, ok := receive(t, "pairing", events).(gap.Paired); !ok || !p.Bonded {
		t.Errorf("%+v", p)
	}
	receive(t, "encryption", events)
	d.is("resolved")
	first.Disconnect(hci.RemoteUserTerminatedConnection)
	d.is("not connected")

	<-time.After(rotation) // until we have another
	if r := d.tries("connect"); r.Error != "" {
		d.does("connect") // to an address that changed between being heard and being connected to
	}
	again := receive(t, "connection again", conns)
	if a, was := again.Link().LocalAddress(), first.Link().LocalAddress(); a == was || !a.IsResolvable() {
		t.Errorf("our address on air was %v and is %v", was, a)
	}
	if e, ok := receive(t, "encryption again", events).(gap.Encrypted); !ok || !e.Stored {
		t.Errorf("%+v", e)
	}
}

// TestPrivatePeer: BlueZ goes by private addresses. We, bonded, find it by its identity.
func TestPrivatePeer(t *testing.T) {
	r := newRoom(t)
	o := &oximeter{secureConnections: true}
	o.daemon = daemon(t)
	run(t, "btmgmt", "--index", "1", "privacy", "on")
	o.attach(t)
	events, tell := bondEvents()
	h := ownHost(t, gap.Config{Events: tell})
	var onAir hci.Address
	for a, err := range h.Scan(patiently(t), gap.ScanConfig{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(a.Data.Name(), "Lab oximeter") {
			onAir = a.Address
			break
		}
	}
	if !onAir.IsResolvable() {
		t.Fatalf("BlueZ is at %v", onAir)
	}
	c, err := h.Connect(patiently(t), onAir, gap.ConnectConfig{Security: smp.LevelEncrypted})
	if err != nil {
		t.Fatal(err)
	}
	if c.Peer() != r.peer.Address() {
		t.Errorf("%v is %v", onAir, c.Peer())
	}
	if p, ok := receive(t, "pairing", events).(gap.Paired); !ok || !p.Bonded {
		t.Errorf("%+v", p)
	}
	receive(t, "encryption", events)
	c.Disconnect(hci.RemoteUserTerminatedConnection)
	o.gone()

	if c, err = h.Connect(patiently(t), r.peer.Address(), gap.ConnectConfig{}); err != nil {
		t.Fatal(err)
	}
	if c.OnAir() == c.Peer() {
		t.Errorf("connected to %v in the open", c.OnAir())
	}
	if e, ok := receive(t, "encryption again", events).(gap.Encrypted); !ok || !e.Stored {
		t.Errorf("%+v", e)
	}
}
