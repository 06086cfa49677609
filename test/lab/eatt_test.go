//go:build lab

package lab

import (
	"bytes"
	"os"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
)

// enhanced has the kernel offer enhanced credit-based channels, before bluetoothd asks for them.
func enhanced(t *testing.T) {
	t.Helper()
	const parameter = "/sys/module/bluetooth/parameters/enable_ecred"
	set := func(value string) {
		if err := os.WriteFile(parameter, []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set("Y")
	t.Cleanup(func() { set("N") })
}

// TestEnhancedBearers has ATT on a second channel of one link, both ways. One more is enough: of several that it asks for at
// once, Linux 6.1 mixes up which is which.
func TestEnhancedBearers(t *testing.T) {
	enhanced(t)
	r := newRoom(t)
	o := &oximeter{secureConnections: true}
	o.boot(t)
	value := &gatt.Characteristic{UUID: att.UUID16(0xCD51), Properties: gatt.Read | gatt.Notify, Value: pattern(400)}
	server, err := gatt.NewServer(gatt.ServerConfig{Name: "Lab box", Enhanced: true, Services: []*gatt.Service{{UUID: att.UUID16(0xCD50), Characteristics: []*gatt.Characteristic{value}}}})
	if err != nil {
		t.Fatal(err)
	}
	h := ownHost(t, gap.Config{Server: server, Bearers: 1})

	c := reach(t, h, r.peer.Address().String())
	services, err := c.Client().Discover(patiently(t))
	if err != nil {
		t.Fatal(err)
	}
	n, err := c.OpenBearers(patiently(t), 1)
	if err != nil || n != 1 {
		t.Errorf("%d bearers, %v", n, err)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 5 {
				if got, err := c.Client().Read(patiently(t), find(t, services, "cd02").ValueHandle); err != nil || !bytes.Equal(got, pattern(300)) {
					t.Errorf("%x, %v", got, err)
				}
			}
		})
	}
	readers.Wait()
	c.Disconnect(hci.RemoteUserTerminatedConnection)
	o.gone()

	d := &central{adapter: "hci1"}
	d.boot(t)
	conns := accepting(t, h)
	d.does("find " + r.box.Address().String())
	d.does("connect")
	in := receive(t, "connection", conns)
	d.is("resolved")
	until(t, "bearer of BlueZ's", func() bool { return in.Bearers() > 1 })
	for range 5 {
		d.does("read cd51")
	}
	t.Logf("%d bearers of ours, %d of BlueZ's", n, in.Bearers())
}
