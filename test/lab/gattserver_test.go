//go:build lab

package lab

import (
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
)

// heard waits for an event of a characteristic.
func (h *host) heard(name, uuid string) news {
	h.t.Helper()
	for {
		if e := h.hears(name)[name]; e.UUID == uuid {
			return e
		}
	}
}

// TestGATTServer has BlueZ use what jelling advertise serves: read, written, subscribed to, on this connection and the next.
func TestGATTServer(t *testing.T) {
	d := newDesk(t)
	s := newSession(t, d.box.Address().String())
	h := s.advertise()
	d.does("find " + s.peer)
	d.does("pair")
	h.hears("paired")
	d.is("resolved")

	for _, c := range []struct {
		how   string
		value []byte
	}{{"request", []byte("brief")}, {"request", pattern(512)}, {"command", []byte("command")}, {"reliable", pattern(300)}} {
		digits := hex.EncodeToString(c.value)
		d.does("write cd12 " + digits + " " + c.how)
		if e := h.heard("write", "cd12"); e.Value != digits {
			t.Errorf("%s: written %s, want %s", c.how, e.Value, digits)
		}
		if r := d.does("read cd12"); r.Value != digits {
			t.Errorf("%s: read %s, want %s", c.how, r.Value, digits)
		}
	}
	if r := d.does("read cd12 295"); r.Value != hex.EncodeToString(pattern(300)[295:]) {
		t.Errorf("read from an offset: %s", r.Value)
	}

	t.Log("bluetoothctl")
	ctl := start(t, "bluetoothctl", exec.Command("bluetoothctl"))
	says := func(command, text string) {
		t.Helper()
		ctl.tell(command)
		ctl.await(text, func() bool { return strings.Contains(strings.Join(ctl.lines, "\n"), text) })
	}
	says("menu gatt", "Menu gatt")
	says("select-attribute 0000cd12-0000-1000-8000-00805f9b34fb", "Lab box")
	says(`write "0x68 0x65 0x6c 0x6c 0x6f"`, "Attempting to write")
	if e := h.heard("write", "cd12"); e.Value != hex.EncodeToString([]byte("hello")) {
		t.Errorf("bluetoothctl wrote %s", e.Value)
	}
	says("read", "hello")
	ctl.stop()

	t.Log("values that are told")
	d.does("notify cd13")
	h.heard("subscribed", "cd13")
	h.tell("lab.cd13 hex 0102")
	h.heard("confirmed", "cd13")
	for d.event("value").Value != "0102" {
	}
	d.does("acquire cd11")
	h.heard("subscribed", "cd11")
	last := ""
	for range 7 {
		r := d.event("value")
		if next := map[string]string{"": r.Value, "01": "02", "02": "03", "03": "01"}[last]; r.UUID != "cd11" || r.Value != next {
			t.Errorf("%+v after %q", r, last)
		}
		last = r.Value
	}

	t.Log("what BlueZ has subscribed to is known when it comes back, by the key alone")
	d.drop(s.peer)
	h.hears("disconnected", "advertising")
	d.tell("connect")
	h.hears("connected")
	for encrypted, subscribed := false, false; !encrypted || !subscribed; {
		e, ok := h.any()
		if !ok {
			t.Fatal("jelling ended")
		}
		encrypted = encrypted || e.Event == "encrypted" && e.Key == "stored"
		subscribed = subscribed || e.Event == "subscribed" && e.UUID == "cd13"
	}
	d.told("connect")
	h.tell("lab.cd13 hex 0304")
	for d.event("value").Value != "0304" {
	}
}

// TestDatabaseChange changes our database while BlueZ is there, and while it is not.
func TestDatabaseChange(t *testing.T) {
	service := func(number uint16) *gatt.Service {
		return &gatt.Service{UUID: att.UUID16(number), Characteristics: []*gatt.Characteristic{{UUID: att.UUID16(number + 1), Properties: gatt.Read, Value: []byte("here")}}}
	}
	first, second, third := service(0xCD20), service(0xCD30), service(0xCD40)
	settled := make(chan struct{}, 1)
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "Lab box", Services: []*gatt.Service{first}, Observe: func(o gatt.Observation) {
		if o.UUID == gatt.Appearance && len(settled) == 0 {
			settled <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	conns := accepting(t, ownHost(t, gap.Config{Server: server}))
	change := func(remove, add []*gatt.Service, event, uuid string) {
		t.Helper()
		if err := server.Change(remove, add); err != nil {
			t.Fatal(err)
		}
		for d.event(event).UUID != uuid {
		}
	}
	d.does("find " + d.box.Address().String())
	d.does("pair")
	c := receive(t, "connection", conns)
	d.is("resolved")
	receive(t, "sign of BlueZ that it has subscribed to Service Changed", settled) // which it does not do again when it was told 0x12
	change(nil, []*gatt.Service{second}, "added", "cd31")
	if r := d.does("read cd31"); r.Value != hex.EncodeToString([]byte("here")) {
		t.Errorf("%+v", r)
	}
	change([]*gatt.Service{first}, nil, "removed", "cd21")

	d.drop(d.box.Address().String())
	<-c.Ended()
	if err := server.Change(nil, []*gatt.Service{third}); err != nil {
		t.Fatal(err)
	}
	d.does("connect")
	for d.event("added").UUID != "cd41" {
	}
	if r := d.does("read cd41"); r.Value != hex.EncodeToString([]byte("here")) {
		t.Errorf("%+v", r)
	}
}
