package cli

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/transport"
)

var (
	hci0 = transport.Adapter{Index: 0, Name: "hci0", Address: [6]byte{0x13, 0x71, 0xDA, 0x7D, 0x1A, 0x00}, Bus: 1}
	hci2 = transport.Adapter{Index: 2, Name: "hci2", Flags: 1, Bus: 3}

	isDown   = transport.Condition{State: transport.Down}
	isTheirs = transport.Condition{State: transport.Up, Holder: "bluetoothd (pid 312)", Err: &transport.OpenError{
		Op: "open", Spec: hci2.Spec(), Err: syscall.EBUSY, Cause: "hci2 is up, and bluetoothd (pid 312) runs", Remedy: "sudo systemctl mask --now bluetooth.service"}}
	isHeld = transport.Condition{State: transport.Held, Err: &transport.OpenError{
		Op: "open", Spec: hci2.Spec(), Err: syscall.EUSERS, Cause: "another process has taken hci2", Remedy: "stop the other program"}}
)

func TestAdaptersJSON(t *testing.T) {
	m := newMachine(t, nil, map[transport.Adapter]transport.Condition{hci0: isDown, hci2: isTheirs}).json()
	if err := m.listAdapters(); err != nil {
		t.Fatal(err)
	}
	all := m.result().objects(t)
	if len(all) != 2 || events(all) != "adapter adapter" || m.stderr.Len() > 0 {
		t.Fatalf("%+v", m.result())
	}
	for i, want := range []object{
		{"name": "hci0", "index": 0.0, "address": "00:1A:7D:DA:71:13", "bus": "usb", "state": "down", "holder": "", "usable": true, "reason": "", "remedy": ""},
		{"name": "hci2", "index": 2.0, "address": "00:00:00:00:00:00", "bus": "uart", "state": "up", "holder": "bluetoothd (pid 312)", "usable": false,
			"reason": "hci2 is up, and bluetoothd (pid 312) runs", "remedy": "sudo systemctl mask --now bluetooth.service"},
	} {
		for name, value := range want {
			if all[i][name] != value {
				t.Errorf("%v: %s is %v, want %v", all[i]["name"], name, all[i][name], value)
			}
		}
	}
}

func TestAdaptersText(t *testing.T) {
	for _, c := range []struct {
		name      string
		condition transport.Condition
		want      string
	}{
		{"free", isDown, "hci2    00:00:00:00:00:00  uart     down      can be had\n"},
		{"up, nobody's", transport.Condition{State: transport.Up}, "hci2    00:00:00:00:00:00  uart     up        can be had; held by nobody\n"},
		{"theirs", isTheirs, "hci2    00:00:00:00:00:00  uart     up        can't be had; held by bluetoothd (pid 312)\n" +
			"        hci2 is up, and bluetoothd (pid 312) runs\n        sudo systemctl mask --now bluetooth.service\n"},
		{"held", isHeld, "hci2    00:00:00:00:00:00  uart     held      can't be had; held by a program that only root may see\n" +
			"        another process has taken hci2\n        stop the other program\n"},
	} {
		m := newMachine(t, nil, map[transport.Adapter]transport.Condition{hci2: c.condition})
		if err := m.listAdapters(); err != nil || m.stdout.String() != c.want {
			t.Errorf("%s: %v\n%swant\n%s", c.name, err, m.stdout.String(), c.want)
		}
	}
}

// Nothing to list is no failure, and one line says why.
func TestAdaptersNone(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name  string
		err   error
		fails bool
		says  string
	}{
		{"none", nil, false, "jelling: no controllers: the kernel has none\n"},
		{"no Bluetooth", &transport.OpenError{Op: "list", Err: syscall.EAFNOSUPPORT, Cause: "the kernel has no Bluetooth here", Remedy: "sudo modprobe bluetooth"}, false,
			"jelling: no controllers: the kernel has no Bluetooth here; sudo modprobe bluetooth\n"},
		{"not Linux", &transport.OpenError{Op: "list", Err: errors.ErrUnsupported, Cause: "Linux only", Remedy: "use another"}, false, "jelling: no controllers: Linux only; use another\n"},
		{"broken", broken, true, ""},
	} {
		for _, json := range []bool{false, true} {
			m := newMachine(t, nil, nil)
			m.out.json = json
			m.system.adapters = func() ([]transport.Adapter, error) { return nil, c.err }
			if err := m.listAdapters(); (err != nil) != c.fails || m.stdout.Len() > 0 || m.stderr.String() != c.says {
				t.Errorf("%s: %v, %+v", c.name, err, m.result())
			}
		}
	}
}

// As a user runs it, on whatever machine this is.
func TestAdaptersHere(t *testing.T) {
	t.Parallel()
	r := jelling(t, t.TempDir(), "adapters", "--json")
	if r.status != 0 || (r.stdout == "") != strings.HasPrefix(r.stderr, "jelling: no controllers: ") {
		t.Errorf("%+v", r)
	}
	for _, o := range r.objects(t) {
		if usable, ok := o["usable"].(bool); !ok || usable == (o["reason"] != "") {
			t.Errorf("%v", o)
		}
	}
}

// Without --transport the first controller is taken that can be, or there is a line that says which there are.
func TestChooseTransport(t *testing.T) {
	held := transport.Adapter{Index: 1, Name: "hci1", Flags: 1}
	all := map[transport.Adapter]transport.Condition{held: isHeld, hci2: isTheirs}
	for _, c := range []struct {
		name     string
		adapters map[transport.Adapter]transport.Condition
		takeOver bool
		wait     bool
		want     string // the specification, or part of the error
	}{
		{"free", map[transport.Adapter]transport.Condition{held: isHeld, hci0: isDown}, false, false, "user:0"},
		{"none free", all, false, false, "no free controller: hci1 00:00:00:00:00:00 virtual, up, hci2 00:00:00:00:00:00 uart, up; choose one"},
		{"taken over", all, true, false, "user:2"},
		{"held can't be taken over", map[transport.Adapter]transport.Condition{held: isHeld}, true, false, "no free controller"},
		{"none", nil, false, false, "no controller: the kernel has none"},
		{"awaited", all, false, true, "user:9"},
		{"free, so not awaited", map[transport.Adapter]transport.Condition{hci0: isDown}, false, true, "user:0"},
	} {
		m := newMachine(t, nil, c.adapters)
		m.takeOver, m.wait = c.takeOver, c.wait
		spec, err := m.chooseTransport(t.Context())
		got := spec.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
