package cli

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/jelling-ble/jelling/transport"
)

// checkKernel looks for Bluetooth in the kernel.
func (e *env) checkKernel() finding {
	release := e.system.read("/proc/sys/kernel/osrelease")
	kernel := ifElse(release == "", runtime.GOOS, "Linux "+release)
	if _, err := e.system.adapters(); err != nil {
		return finding{e.unlessElsewhere(), kernel + ": " + plainly(err), "without it only sockets and serial lines lead to a controller", hintFor(err)}
	}
	if older(release, 3, 13) {
		return finding{e.unlessElsewhere(), kernel + " has no HCI user channel", "it came with Linux 3.13", "use a newer kernel, or a UART or socket transport"}
	}
	return finding{verdict: fine, what: kernel + " with Bluetooth"}
}

// plainly is an error in words for people, where it has them.
func plainly(err error) string {
	if open, ok := errors.AsType[*transport.OpenError](err); ok && open.Cause != "" {
		return open.Cause
	}
	return err.Error()
}

// older reports whether a release, such as 6.1.0-25-amd64, is before a version. One that makes no sense is not.
func older(release string, major, minor int) bool {
	parts := strings.SplitN(release, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(strings.TrimRightFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' }))
	return err == nil && err2 == nil && (a < major || a == major && b < minor)
}

// checkCapability looks whether this process may take a controller from the kernel.
func (e *env) checkCapability() finding {
	if transport.MayAdminister(e.system.path("/proc")) {
		return finding{verdict: fine, what: "CAP_NET_ADMIN is there"}
	}
	why := "the kernel gives a controller's user channel to nobody without it; sockets and serial lines do not need it"
	if ids := strings.Fields(e.system.read("/proc/self/uid_map")); len(ids) == 3 && !slices.Equal(ids, []string{"0", "0", "4294967295"}) {
		return finding{e.unlessElsewhere(), "this is a user namespace, as of a rootless container", why, "run it outside, or in a container of root's with --cap-add=NET_ADMIN --network=host"}
	}
	return finding{e.unlessElsewhere(), "CAP_NET_ADMIN is missing", why,
		"sudo setcap cap_net_admin+ep jelling's file (again after each update); in a systemd unit AmbientCapabilities=CAP_NET_ADMIN"}
}

// checkRFKill looks for radios that are switched off.
func (e *env) checkRFKill() finding {
	var soft, hard []string
	for _, dir := range e.system.glob("/sys/class/rfkill/rfkill*") {
		if e.system.read(dir+"/type") != "bluetooth" {
			continue
		}
		name := e.system.read(dir + "/name")
		if e.system.read(dir+"/hard") == "1" {
			hard = append(hard, name)
		} else if e.system.read(dir+"/soft") == "1" {
			soft = append(soft, name)
		}
	}
	const why = "a blocked radio can't be opened"
	switch {
	case hard != nil:
		return finding{failure, strings.Join(hard, ", ") + " is switched off by hardware", why, "use the switch or the key on the device, or what its firmware setup has for it"}
	case soft != nil:
		return finding{failure, strings.Join(soft, ", ") + " is blocked", why + "; systemd-rfkill brings a block back at every boot", "sudo rfkill unblock bluetooth"}
	}
	return finding{verdict: fine, what: "no radio is blocked"}
}

// checkDaemon looks for BlueZ's daemon.
func (e *env) checkDaemon() finding {
	if running := e.system.programs("bluetoothd"); len(running) > 0 {
		return finding{warning, list(running) + " runs", "it takes and powers every controller that appears, also one that was unplugged and comes back",
			"for good: sudo systemctl mask --now bluetooth.service (stopped only, D-Bus starts it again); for now: --take-over"}
	}
	return finding{verdict: fine, what: "bluetoothd does not run"}
}

// unitFolders are where systemd looks for units, the first found being the one that counts.
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// interfering are the units that take a controller or its UART, and what each does.
var interfering = []struct{ unit, does string }{
	{"bluetooth.service", "bluetoothd"},
	{"hciuart.service", "attaches the UART to the kernel"},
	{"bthelper@.service", "powers hci0 off and on again"},
	{"btattach.service", "attaches the UART to the kernel"},
	{"brcm-bt.service", "attaches the UART to the kernel"},
}

// checkUnits looks for units that would interfere, now or at the next boot.
func (e *env) checkUnits() finding {
	if !e.system.exists("/run/systemd/system") {
		return finding{verdict: fine, what: "systemd does not run here"}
	}
	var found, names []string
	for _, u := range interfering {
		if e.unitState(u.unit) == unitThere {
			found, names = append(found, u.unit+" ("+u.does+")"), append(names, u.unit)
		}
	}
	if found == nil {
		return finding{verdict: fine, what: "no systemd unit interferes"}
	}
	return finding{warning, strings.Join(found, ", "), "they take the controller at boot, when it is plugged in, or when something asks D-Bus for it",
		"sudo systemctl mask --now " + strings.Join(names, " ")}
}

// unitState is whether a unit can be started.
type unitState int

const (
	unitAbsent unitState = iota
	unitMasked
	unitThere
)

func (e *env) unitState(unit string) unitState {
	for _, dir := range unitFolders {
		name := path.Join(dir, unit)
		if !e.system.exists(name) {
			continue
		}
		if e.system.link(name) == "/dev/null" {
			return unitMasked
		}
		return unitThere
	}
	return unitAbsent
}

// checkControllers looks whether there is a controller that can be had.
func (e *env) checkControllers() finding {
	all, err := e.system.adapters()
	if err != nil {
		return finding{verdict: e.unlessElsewhere(), what: "the kernel does not list them", why: plainly(err), remedy: hintFor(err)}
	}
	var usable []string
	var first *transport.OpenError
	for _, a := range all {
		c := e.system.inspect(a)
		switch {
		case c.Err == nil:
			usable = append(usable, a.String())
		case first == nil:
			first = c.Err
		}
	}
	switch {
	case usable != nil:
		return finding{verdict: fine, what: "can be had: " + strings.Join(usable, "; ")}
	case first != nil:
		return finding{e.unlessElsewhere(), fmt.Sprintf("none of %d can be had: %s", len(all), first.Cause), "'jelling adapters' lists them", first.Remedy}
	}
	return finding{warning, "the kernel has none", "there is nothing for --transport user:0",
		"plug one in, or name another way with --transport; if one is in, dmesg | grep -i bluetooth says what is wrong with it"}
}
