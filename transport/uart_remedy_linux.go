package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// explainSerial says what a serial line's failure to open means, and what to do about it.
func explainSerial(s Spec, err error, proc string) (cause, remedy string) {
	if impossible, ok := errors.AsType[*BaudError](err); ok {
		return "the line can't have this rate", "ask for one that it can have, baud=115200 for example; on a Raspberry Pi init_uart_clock=64000000 " +
			fmt.Sprintf("in config.txt allows 4000000, and without it the most is 3000000, not %d", impossible.Want)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "gave up waiting", ""
	case errors.Is(err, errNoFlow):
		return "the line has no RTS/CTS", "flow=none, at a rate that this machine keeps up with; or three-wire (H5), if the controller can do it"
	case errors.Is(err, unix.EBUSY):
		return explainLine(s.Path, proc)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return "there is no such device", "ls -l /dev/serial* /dev/ttyAMA* /dev/ttyS* /dev/ttyUSB* /dev/ttyACM* shows those there are; on a Raspberry Pi the kernel " +
			"has the controller itself: use user:0, or set dtparam=krnbt=off in config.txt"
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return "the device's mode does not let this user in", "sudo usermod -aG dialout $USER, and log in again; in a systemd unit SupplementaryGroups=dialout; " +
			"in a container --device=" + quote(s.Path)
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EISDIR), errors.Is(err, os.ErrNoDeadline):
		return "this is no serial line", "name the device of one, such as /dev/ttyAMA0"
	case errors.Is(err, unix.EIO):
		return "there is no hardware behind this device", "name another: dmesg | grep tty shows those that have some"
	}
	return "", ""
}

// explainLine says who has a line.
func explainLine(path, proc string) (cause, remedy string) {
	device, err := filepath.EvalSymlinks(path)
	if err != nil {
		device = path
	}
	cause = "another process has taken " + path
	list := lineHolders(proc, device)
	if len(list) == 0 {
		return cause, "stop the other program; as root, this one can name it"
	}
	names, pids := make([]string, len(list)), make([]string, len(list))
	for i, p := range list {
		names[i], pids[i] = p.String(), strconv.Itoa(p.pid)
	}
	cause += ": " + strings.Join(names, ", ")
	for _, p := range list {
		switch p.name {
		case "hciattach", "btattach":
			return cause, "for good: sudo systemctl mask --now hciuart.service"
		case "agetty":
			return cause, "sudo systemctl mask --now serial-getty@" + filepath.Base(device) + ".service, and take console=serial0 out of the kernel's command line"
		}
	}
	return cause, "stop it: sudo kill " + strings.Join(pids, " ")
}

// lineHolders returns the other processes that have a device open, as far as this user may know.
func lineHolders(proc, device string) []process {
	var list []process
	for _, p := range processes(proc) {
		if p.pid != os.Getpid() && hasOpen(proc, p.pid, func(target string) bool { return target == device }) {
			list = append(list, p)
		}
	}
	return list
}
