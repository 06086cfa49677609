package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A situation is what can be found out about a failure of the user channel, at no risk.
type situation struct {
	index   int       // the controller's; -1 for none in particular
	address string    // of the controller, if its number is not known
	err     error     // the kernel's answer
	list    []Adapter // what controllers there are; for ENODEV
	up      bool      // the controller is up; for EBUSY
	daemon  process   // bluetoothd, if it runs; for EBUSY
	holders []process // who may have its user channel; for EUSERS
	loaded  bool      // the kernel has Bluetooth; for EAFNOSUPPORT
	program string    // this program's path; for EPERM
}

// lookFor is look for a controller that may not have been found.
func lookFor(spec Spec, index int, err error) situation {
	s := look(index, err)
	if index < 0 {
		s.address = spec.Address
	}
	return s
}

// name is what the controller is called.
func (s situation) name() string {
	switch {
	case s.index >= 0:
		return fmt.Sprintf("%s%d", hciPrefix, s.index)
	case s.address != "":
		return "controller " + s.address
	}
	return anyController
}

// anyController is the name of one that was not named.
const anyController = "such controller"

// look finds out what matters about err, and nothing else.
func look(index int, err error) situation {
	s := situation{index: index, err: err}
	switch {
	case errors.Is(err, unix.EUSERS):
		s.holders = holders(procRoot)
	case errors.Is(err, unix.EBUSY):
		s.up, s.daemon = isUp(index), bluetoothd(procRoot)
	case errors.Is(err, unix.ENODEV):
		s.list, _ = adapters()
	case errors.Is(err, unix.EPERM):
		s.program, _ = os.Executable()
	case errors.Is(err, unix.EAFNOSUPPORT):
		_, err := os.Stat("/sys/class/bluetooth")
		s.loaded = err == nil
	}
	return s
}

// Remedies that serve more than one cause.
const (
	remedyDmesg     = "dmesg | grep -i bluetooth says why; unplug the controller or cut its power, and try again"
	remedyNamespace = "a container needs --network=host; a systemd unit needs PrivateNetwork=no and, if it has RestrictAddressFamilies, AF_BLUETOOTH there"
)

// explain says what a failure means, and what to do about it.
func explain(s situation) (cause, remedy string) {
	cause, remedy = explainErrno(s)
	if cause != "" && (errors.Is(s.err, context.Canceled) || errors.Is(s.err, context.DeadlineExceeded)) {
		cause = "gave up waiting: " + cause
	}
	return cause, remedy
}

func explainErrno(s situation) (cause, remedy string) {
	hci := s.name()
	switch {
	case errors.Is(s.err, unix.EUSERS):
		return explainHeld(hci, s.holders)
	case errors.Is(s.err, unix.EBUSY):
		return explainBusy(hci, s)
	case errors.Is(s.err, unix.ENODEV):
		return explainAbsent(hci, s.list)
	case errors.Is(s.err, unix.EPERM):
		return "CAP_NET_ADMIN is missing", fmt.Sprintf("sudo setcap cap_net_admin+ep %s (again after each update); in a systemd unit "+
			"AmbientCapabilities=CAP_NET_ADMIN; in a container --cap-add=NET_ADMIN, not rootless", quote(s.program))
	case errors.Is(s.err, unix.ERFKILL):
		return "the radio is blocked", "sudo rfkill unblock bluetooth (if rfkill list says hard blocked: the switch or key on the device)"
	case errors.Is(s.err, unix.EAFNOSUPPORT) && s.loaded:
		return "the kernel has Bluetooth, but not for this process: it has a network namespace of its own, or AF_BLUETOOTH is denied to it", remedyNamespace
	case errors.Is(s.err, unix.EAFNOSUPPORT), errors.Is(s.err, unix.EPROTONOSUPPORT):
		return "the kernel has no Bluetooth here", "sudo modprobe bluetooth; " + remedyNamespace
	case errors.Is(s.err, unix.EIO), errors.Is(s.err, unix.ETIMEDOUT):
		return "the driver could not start the controller", remedyDmesg
	}
	return "", ""
}

func explainHeld(hci string, list []process) (cause, remedy string) {
	if len(list) == 0 {
		return "another process has taken " + hci, "stop the other program; as root, this one can name it"
	}
	names, pids := make([]string, len(list)), make([]string, len(list))
	for i, p := range list {
		names[i], pids[i] = p.String(), fmt.Sprint(p.pid)
	}
	if len(list) == 1 {
		return "another process has taken " + hci + ": " + names[0], "stop it: sudo kill " + pids[0]
	}
	return "another process has taken " + hci + ", one of " + strings.Join(names, ", "), "stop the right one of them: sudo kill " + strings.Join(pids, " or ")
}

func explainBusy(hci string, s situation) (cause, remedy string) {
	switch {
	case !s.up:
		return "the kernel is still preparing " + hci, "wait, then try again; dmesg | grep -i bluetooth says what it is waiting for"
	case s.daemon.pid != 0:
		return fmt.Sprintf("%s is up, and %v runs", hci, s.daemon), "for good: sudo systemctl mask --now bluetooth.service (stopped only, D-Bus " +
			fmt.Sprintf("starts it again); for now: sudo hciconfig %s down, or --take-over (TakeOver of Options)", hci)
	}
	return hci + " is up, and comes up again when brought down", fmt.Sprintf("find what powers it (pi-bluetooth's bthelper@%s.service does), stop it, then: sudo hciconfig %s down", hci, hci)
}

func explainAbsent(hci string, list []Adapter) (cause, remedy string) {
	if len(list) == 0 {
		cause = "there is no " + hci + ", nor any other controller"
		if hci == anyController {
			cause = "there is no controller"
		}
		return cause, "plug one in; if it is in, dmesg | grep -i bluetooth says what is wrong with it; virtual: needs none"
	}
	free := slices.IndexFunc(list, Adapter.Free)
	return "there is no " + hci + "; there is " + describe(list), "name one that is there, such as " + list[max(free, 0)].Spec().String()
}

// quote makes a path fit for a shell.
func quote(path string) string {
	if path == "" {
		return "PROGRAM"
	}
	if strings.IndexFunc(path, func(r rune) bool { return !strings.ContainsRune(shellSafe, r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

const shellSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,="
