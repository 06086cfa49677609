package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/jelling-ble/jelling/transport"
)

// checkUART looks who has the serial line that --transport names, or else those that boards use for Bluetooth.
func (e *env) checkUART() finding {
	spec, err := transport.ParseSpec(e.transportText())
	named := err == nil && spec.Path != "" && spec.Kind != transport.Unix
	line := "/dev/serial1" // a Raspberry Pi's, for Bluetooth
	if named {
		line = spec.Path
	} else if driver := e.serdevDriver(); driver != "" {
		return finding{verdict: fine, what: "the kernel has the on-board controller's UART (" + driver + "): use --transport user:0"}
	}
	if e.system.exists(line) {
		f := e.checkLine(line)
		if f.verdict == failure && !named {
			f.verdict = warning
		}
		return f
	}
	if named {
		return finding{failure, "there is no " + spec.Path, "--transport names it", "ls -l /dev/serial* /dev/tty[AU]* shows those there are"}
	}
	return finding{verdict: fine, what: "no serial line is named, and this machine has none for Bluetooth"}
}

// serdevDriver returns the driver by which the kernel has a UART's controller.
func (e *env) serdevDriver() string {
	for _, link := range e.system.glob("/sys/bus/serial/devices/serial*/driver") {
		if driver := path.Base(e.system.link(link)); strings.HasPrefix(driver, "hci") {
			return driver
		}
	}
	return ""
}

// checkLine looks who else uses a serial line.
func (e *env) checkLine(line string) finding {
	device := e.system.resolve(line)
	tty := path.Base(device)
	name := line
	if device != line {
		name += " (" + tty + ")"
	}
	if e.isConsole(tty) {
		return finding{failure, name + " is the kernel's console", "its messages reach the controller",
			"take console=" + tty + " (or serial0) out of the kernel's command line, cmdline.txt on a Raspberry Pi, and reboot"}
	}
	if users := e.system.users(device); len(users) > 0 {
		return finding{failure, name + " is used by " + list(users), "two programs on one line take each other's octets", freeing(users[0], tty)}
	}
	if strings.HasPrefix(tty, "ttyUSB") || strings.HasPrefix(tty, "ttyACM") {
		if probing := e.system.programs("ModemManager"); len(probing) > 0 {
			return finding{warning, list(probing) + " may talk to " + name, "it looks for modems on every line that is plugged in",
				"sudo systemctl mask --now ModemManager.service, or a udev rule with ID_MM_DEVICE_IGNORE=1"}
		}
	}
	return finding{verdict: fine, what: name + " is used by nobody"}
}

// isConsole reports whether the kernel writes its messages to a line.
func (e *env) isConsole(tty string) bool {
	for word := range strings.FieldsSeq(e.system.read("/proc/cmdline")) {
		name, _, _ := strings.Cut(word, ",") // console=ttyAMA0,115200
		if name == "console="+tty {
			return true
		}
	}
	return false
}

// freeing is what makes a program leave a line, for good.
func freeing(p program, tty string) string {
	switch {
	case strings.HasSuffix(p.name, "getty"):
		return "sudo systemctl mask --now serial-getty@" + tty + ".service"
	case p.name == "hciattach", p.name == "btattach":
		return "sudo systemctl mask --now hciuart.service"
	}
	return "stop it: sudo kill " + strconv.Itoa(p.pid)
}

// checkState looks whether bonds can be kept.
func (e *env) checkState() finding {
	dir, err := e.stateDirectory()
	const why = "bonds that are not kept are lost at the next start"
	if err != nil {
		return finding{failure, err.Error(), why, "give --state-dir"}
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return finding{failure, err.Error(), why, "give --state-dir"}
	}
	there, mode, err := nearest(dir)
	if err != nil {
		return finding{failure, err.Error(), why, "give another --state-dir"}
	}
	kind, readOnly := e.mounted(filepath.ToSlash(dir))
	refused := e.system.writable(there)
	switch {
	case readOnly:
		return finding{failure, dir + " is on a read-only file system", why, "give a --state-dir on one that can be written; in a systemd unit StateDirectory=jelling"}
	case refused != nil:
		return finding{failure, dir + ": " + cause(refused), why, "sudo chown $USER " + there + ", or give another --state-dir; in a systemd unit StateDirectory=jelling"}
	case slices.Contains([]string{"tmpfs", "ramfs"}, kind):
		return finding{warning, dir + " is in memory (" + kind + ")", "bonds are lost at the next boot", "give a --state-dir on a disk"}
	case kind == "overlay":
		return finding{warning, dir + " is on an overlay", "where it keeps changes is not to be seen: in memory, or in a container that is thrown away", "give a --state-dir on a disk, or mount a volume there"}
	case there == dir && mode.Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return finding{warning, fmt.Sprintf("%s has mode %04o", dir, mode.Perm()), "others may look into the folder with the keys", "chmod 700 " + dir}
	}
	return finding{verdict: fine, what: dir + ifElse(there == dir, " can be written", " can be made")}
}

// nearest returns the folder itself or the nearest above it that there is.
func nearest(dir string) (there string, mode fs.FileMode, err error) {
	for there = dir; ; there = filepath.Dir(there) {
		st, err := os.Stat(there)
		switch {
		case err == nil && !st.IsDir():
			return "", 0, fmt.Errorf("%s is no folder", there)
		case err == nil:
			return there, st.Mode(), nil
		case !errors.Is(err, fs.ErrNotExist) || there == filepath.Dir(there):
			return "", 0, err
		}
	}
}

// mounted returns the kind of file system that a folder is on, and whether it is read-only, as /proc/self/mounts tells.
func (e *env) mounted(dir string) (kind string, readOnly bool) {
	best := ""
	for line := range strings.Lines(e.system.read("/proc/self/mounts")) {
		column := strings.Fields(line)
		if len(column) < 4 || len(column[1]) < len(best) || !below(dir, column[1]) {
			continue
		}
		best, kind, readOnly = column[1], column[2], slices.Contains(strings.Split(column[3], ","), "ro")
	}
	return kind, readOnly
}

// below reports whether a path is a folder or below it.
func below(name, folder string) bool {
	return folder == "/" || name == folder || strings.HasPrefix(name, folder+"/")
}

// cause is the last word of a file system's error.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
