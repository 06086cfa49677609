//go:build lab

package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bluetoothd as Debian installs it, and the interpreter that Debian's python3-dbus belongs to.
const (
	bluetoothd = "/usr/libexec/bluetooth/bluetoothd"
	python     = "/usr/bin/python3"
	bonds      = "/var/lib/bluetooth"
)

// readings is the UUID of the characteristic that peripheral.py serves, as jelling prints it.
const readings = "cd01"

// TestMain refuses to run outside, where the tests would take this machine's controllers.
func TestMain(m *testing.M) {
	for _, name := range []string{"LAB", "LAB_OUT", "JELLING"} {
		if os.Getenv(name) == "" {
			fmt.Fprintf(os.Stderr, "lab: %s is not set; these tests are run by: make lab\n", name)
			os.Exit(2)
		}
	}
	if out, err := exec.Command("dbus-daemon", "--system", "--fork").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "lab: dbus-daemon: %v\n%s", err, out)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// radio starts two virtual controllers that hear each other, hci0 and hci1. Nobody has powered them. What both
// hosts say to them is in monitor.btsnoop.
func radio(t *testing.T) {
	t.Helper()
	btvirt(t, "-L", "-l2")
}

func btvirt(t *testing.T, args ...string) {
	t.Helper()
	until(t, "end of the last test's controllers", func() bool { return !exists("hci0") && !exists("hci1") })
	start(t, "btmon", exec.Command("sh", "-c", "exec btmon -w \"$0\" >/dev/null", output(t, "monitor.btsnoop"))).stays = true
	start(t, "btvirt", exec.Command("btvirt", args...)).stays = true
	until(t, "hci0 and hci1", func() bool { return exists("hci0") && exists("hci1") })
}

func exists(controller string) bool {
	_, err := os.Stat("/sys/class/bluetooth/" + controller)
	return err == nil
}

// daemon starts bluetoothd, without bonds, and waits until it knows hci1. It powers nothing by itself.
//
// It goes before Jelling, on the same processor. A peer that it has a key for is asked for security when it connects;
// where the link becomes encrypted in the middle of that, the kernel refuses and bluetoothd hears no request of ours.
// On the air that would take a peer some hundred milliseconds, here it takes two.
func daemon(t *testing.T) *process {
	t.Helper()
	if err := os.RemoveAll(bonds); err != nil {
		t.Fatal(err)
	}
	return daemonAgain(t)
}

// daemonAgain is daemon with the bonds there are.
func daemonAgain(t *testing.T) *process {
	t.Helper()
	config := filepath.Join(t.TempDir(), "main.conf")
	if err := os.WriteFile(config, []byte("[Policy]\nAutoEnable=false\n[GATT]\nChannels=2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, "bluetoothd", exec.Command("chrt", "-f", "1", "taskset", "-c", "0", bluetoothd, "-n", "-P", "sap", "-f", config))
	p.stays = true
	until(t, "hci1 on D-Bus", func() bool {
		return exec.Command("dbus-send", "--system", "--print-reply", "--dest=org.bluez", "/org/bluez/hci1",
			"org.freedesktop.DBus.Introspectable.Introspect").Run() == nil
	})
	return p
}

// An oximeter is BlueZ on hci1, serving readings.
type oximeter struct {
	*process          // peripheral.py
	daemon            *process
	address           string
	secureConnections bool
	agent             []string // what peripheral.py is told of it
}

// serve starts two controllers, bluetoothd and the oximeter on hci1.
func serve(t *testing.T, secureConnections bool) *oximeter {
	t.Helper()
	radio(t)
	o := &oximeter{secureConnections: secureConnections}
	o.boot(t)
	return o
}

// boot starts the oximeter without any bond.
func (o *oximeter) boot(t *testing.T) {
	t.Helper()
	o.daemon = daemon(t)
	o.attach(t)
}

// attach starts peripheral.py on the bluetoothd there is.
func (o *oximeter) attach(t *testing.T) {
	t.Helper()
	script, err := filepath.Abs("peripheral.py")
	if err != nil {
		t.Fatal(err)
	}
	o.process = start(t, "peripheral", exec.Command(python, append([]string{script, "hci1"}, o.agent...)...))
	o.stays = true
	o.address = o.event("ready").Address
	if !o.secureConnections {
		run(t, "btmgmt", "--index", "1", "sc", "off")
	}
	settings := run(t, "btmgmt", "--index", "1", "info")
	_, settings, _ = strings.Cut(settings, "current settings:")
	settings, _, _ = strings.Cut(settings, "\n")
	if strings.Contains(settings, "secure-conn") != o.secureConnections {
		t.Fatalf("Secure Connections wanted: %v; hci1 has%s", o.secureConnections, settings)
	}
}

// reset stops the oximeter and boots it again, as from the factory. bluetoothd may be dead already: version 5.66
// mostly dies of a segmentation fault when a peer that it knows no more leaves at once, with 0x05.
func (o *oximeter) reset() {
	o.t.Helper()
	o.stays, o.daemon.stays = false, false
	o.stop()
	o.daemon.stop()
	o.boot(o.t)
}

// A report is a line of peripheral.py.
type report struct {
	Event     string
	Address   string
	Path      string
	Asked     string
	Number    string
	Command   string
	Count     int
	UUID      string
	Value     string
	On        bool
	Connected *bool
	Paired    *bool
}

// event waits for the next report of that kind and drops the ones before it.
func (o *oximeter) event(kind string) report {
	o.t.Helper()
	for {
		line, ok := o.next()
		if !ok {
			o.t.Fatalf("the oximeter ended while its event %q was awaited", kind)
		}
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			o.t.Fatalf("the oximeter said %q: %v", line, err)
		}
		if r.Event == kind {
			return r
		}
	}
}

// do tells the oximeter to do something, to one device.
func (o *oximeter) do(command string) {
	o.t.Helper()
	o.tell(command)
	if r := o.event("done"); r.Command != command || r.Count != 1 {
		o.t.Fatalf("told to %s, the oximeter said %+v", command, r)
	}
}

// gone waits until the device is no longer connected.
func (o *oximeter) gone() {
	o.t.Helper()
	for {
		if r := o.event("device"); r.Connected != nil && !*r.Connected {
			return
		}
	}
}
