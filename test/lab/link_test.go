//go:build lab

package lab

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/transport/virtual"
)

var connectionHandle = regexp.MustCompile(`handle (\d+) `)

// kernelHandle is hci1's handle of its one connection.
func kernelHandle(t *testing.T) (handle uint16) {
	t.Helper()
	m := connectionHandle.FindStringSubmatch(run(t, "hcitool", "-i", "hci1", "con"))
	if m == nil {
		t.Fatal("hci1 has no connection")
	}
	_, _ = fmt.Sscan(m[1], &handle)
	return handle
}

// command has hci1 do a command of the LE group for its connection, beside the kernel.
func command(t *testing.T, ocf, handle uint16, parameters ...byte) {
	t.Helper()
	args := []string{"-i", "hci1", "cmd", "0x08", fmt.Sprintf("0x%04x", ocf)}
	for _, p := range append([]byte{byte(handle), byte(handle >> 8)}, parameters...) {
		args = append(args, fmt.Sprintf("%02x", p))
	}
	run(t, "hcitool", args...)
}

// TestLinkChanges asks for other parameters, PHYs and packet lengths from either side, in either role.
func TestLinkChanges(t *testing.T) {
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "Lab box"})
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t)
	o := &oximeter{secureConnections: true}
	o.boot(t)
	run(t, "btmgmt", "--index", "1", "phy", "LE1MTX", "LE1MRX", "LE2MTX", "LE2MRX")
	h := ownHost(t, gap.Config{Server: server})

	t.Run("we are the central", func(t *testing.T) {
		c := reach(t, h, r.peer.Address().String())
		changes(t, c, func(p hci.ConnectionParameters) error {
			_, err := c.Link().ChangeParameters(patiently(t), p)
			return err
		})
		c.Disconnect(hci.RemoteUserTerminatedConnection)
	})
	o.gone()
	t.Run("we are the peripheral", func(t *testing.T) {
		d := &central{adapter: "hci1"}
		d.boot(t)
		conns := accepting(t, h)
		d.does("find " + r.box.Address().String())
		d.tell("connect")
		c := receive(t, "connection", conns)
		changes(t, c, func(p hci.ConnectionParameters) error {
			return c.RequestParameters(patiently(t), l2cap.Parameters{IntervalMin: p.IntervalMin, IntervalMax: p.IntervalMax, Latency: p.Latency, Timeout: p.SupervisionTimeout})
		})
	})
}

// changes asks for everything on one link. Ours asks for parameters by our role's way.
func changes(t *testing.T, c *gap.Conn, ours func(hci.ConnectionParameters) error) {
	t.Helper()
	link, ctx := c.Link(), patiently(t)
	handle := kernelHandle(t)
	is := func(what string, holds func(s driver.LinkState) bool) {
		t.Helper()
		until(t, what, func() bool { return holds(link.State()) })
	}
	if err := ours(hci.ConnectionParameters{IntervalMin: 32, IntervalMax: 32, Latency: 1, SupervisionTimeout: 300}); err != nil {
		t.Errorf("parameters: %v", err)
	}
	is("interval of ours", func(s driver.LinkState) bool {
		return s.Interval == 32 && s.Latency == 1 && s.SupervisionTimeout == 300
	})
	run(t, "hcitool", "-i", "hci1", "lecup", "--handle", fmt.Sprint(handle), "--min", "56", "--max", "56", "--latency", "0", "--timeout", "400")
	is("interval of theirs", func(s driver.LinkState) bool { return s.Interval == 56 && s.SupervisionTimeout == 400 })

	if got, err := link.SetPHY(ctx, hci.PHYPreference{TX: hci.PHYs(2), RX: hci.PHYs(2)}, 0); err != nil || got.TX != hci.LE2M || got.RX != hci.LE2M {
		t.Errorf("PHY: %+v, %v", got, err)
	}
	if _, err := link.SetPHY(ctx, hci.PHYPreference{TX: hci.PHYs(3), RX: hci.PHYs(3)}, 0); err != nil { // either, so that they have a say
		t.Errorf("PHY: %v", err)
	}
	command(t, 0x0032, handle, 0, 1, 1, 0, 0) // LE Set PHY: LE 1M both ways
	is("PHYs of theirs", func(s driver.LinkState) bool { return s.TX == hci.LE1M && s.RX == hci.LE1M })

	if err := link.SetDataLength(ctx, hci.DataLength{Octets: 100, Time: 2120}); err != nil {
		t.Errorf("data length: %v", err)
	}
	is("length of ours", func(s driver.LinkState) bool { return s.Data.TX.Octets == 100 })
	command(t, 0x0022, handle, 60, 0, 2120&0xFF, 2120>>8) // LE Set Data Length
	is("length of theirs", func(s driver.LinkState) bool { return s.Data.RX.Octets == 60 })
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

// TestThreeAtOnce has three connections of our host to three controllers of BlueZ's, in both roles, all in use.
func TestThreeAtOnce(t *testing.T) {
	value := &gatt.Characteristic{UUID: att.UUID16(0xCD51), Properties: gatt.Read | gatt.Notify, Value: []byte("shared")}
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "Lab box", Services: []*gatt.Service{{UUID: att.UUID16(0xCD50), Characteristics: []*gatt.Characteristic{value}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t)
	for _, name := range []string{"second", "third"} {
		plugIn(t, r.air.NewController(virtual.ControllerConfig{Name: name}))
	}
	o := &oximeter{secureConnections: true}
	o.boot(t)
	h := ownHost(t, gap.Config{Server: server})
	conns := accepting(t, h)
	var centrals []*central
	for _, adapter := range []string{"hci2", "hci3"} {
		d := &central{adapter: adapter}
		d.boot(t)
		d.does("find " + r.box.Address().String())
		d.does("pair")
		if in := receive(t, "connection", conns); in.Role() != hci.Peripheral || in.Peer().String() != d.address {
			t.Errorf("%v as %v, want %s", in.Peer(), in.Role(), d.address)
		}
		d.is("resolved")
		d.does("acquire cd51")
		centrals = append(centrals, d)
	}
	out := reach(t, h, o.address)
	services, err := out.Client().Discover(patiently(t))
	if err != nil {
		t.Fatal(err)
	}
	readings := make(chan struct{}, 1000)
	if _, err := out.Client().Subscribe(patiently(t), find(t, services, "cd01"), func([]byte) { readings <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := server.Notify(patiently(t), value, []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		receive(t, "reading", readings)
		for _, d := range centrals {
			if got := d.event("value"); got.Value != fmt.Sprintf("%02x", i) {
				t.Errorf("%s: value %s, want %02x", d.adapter, got.Value, i)
			}
		}
	}
	if n := len(h.Conns()); n != 3 {
		t.Errorf("%d connections", n)
	}
}
