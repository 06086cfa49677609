package cli

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/transport"
)

// A trial is a made-up machine and what one check is to find on it.
type trial struct {
	name    string
	files   files
	verdict verdict
	what    string // a part of it
	remedy  string // a part of it; empty for none
}

// try makes each machine and has the check look at it.
func try(t *testing.T, check func(*env) finding, trials []trial) {
	t.Helper()
	for _, tt := range trials {
		t.Run(tt.name, func(t *testing.T) {
			wantFinding(t, check(newMachine(t, tt.files, nil).env), tt.verdict, tt.what, tt.remedy)
		})
	}
}

func wantFinding(t *testing.T, got finding, v verdict, what, remedy string) {
	t.Helper()
	if got.verdict != v || !strings.Contains(got.what, what) || !strings.Contains(got.remedy, remedy) {
		t.Errorf("%+v\nwant %s: %s; %s", got, v, what, remedy)
	}
	if (got.why == "") != (v == fine) || (got.remedy == "") != (remedy == "") || strings.Contains(got.what+got.why+got.remedy, "\n") {
		t.Errorf("what is fine needs no reason, and what is not needs one, in one line: %+v", got)
	}
}

func TestCheckKernel(t *testing.T) {
	release := func(r string) files { return files{"proc/sys/kernel/osrelease": r + "\n"} }
	try(t, (*env).checkKernel, []trial{
		{"Debian's", release("6.1.0-25-amd64"), fine, "Linux 6.1.0-25-amd64 with Bluetooth", ""},
		{"the first with user channels", release("3.13"), fine, "Linux 3.13", ""},
		{"before", release("3.12.9"), failure, "no HCI user channel", "newer kernel"},
		{"long before", release("2.6.39-rc3"), failure, "no HCI user channel", "newer kernel"},
		{"of another form", release("rolling"), fine, "Linux rolling", ""},
	})
	m := newMachine(t, release("6.12"), nil)
	m.system.adapters = func() ([]transport.Adapter, error) {
		return nil, &transport.OpenError{Op: "list", Err: syscall.EAFNOSUPPORT, Cause: "the kernel has no Bluetooth here", Remedy: "sudo modprobe bluetooth"}
	}
	wantFinding(t, m.checkKernel(), failure, "Linux 6.12: the kernel has no Bluetooth here", "modprobe")
	wantFinding(t, m.checkControllers(), failure, "does not list them", "modprobe")
	m.transport = "tcp:localhost:9000" // which needs none
	wantFinding(t, m.checkKernel(), warning, "no Bluetooth", "modprobe")
	wantFinding(t, m.checkControllers(), warning, "does not list them", "modprobe")
	m.transport = "user:0"
	wantFinding(t, m.checkKernel(), failure, "no Bluetooth", "modprobe")
}

func TestOlder(t *testing.T) {
	for release, want := range map[string]bool{"3.12": true, "3.13": false, "3.13-rc1": false, "2.99": true, "4.0": false, "10.1": false, "": false, "3": false, "x.y": false} {
		if older(release, 3, 13) != want {
			t.Errorf("%q: %v", release, !want)
		}
	}
}

func TestCheckCapability(t *testing.T) {
	self := func(effective, ids string) files {
		return files{"proc/self/status": "CapEff:\t" + effective + "\n", "proc/self/uid_map": ids + "\n"}
	}
	const first = "         0          0 4294967295"
	try(t, (*env).checkCapability, []trial{
		{"root", self("000001ffffffffff", first), fine, "CAP_NET_ADMIN is there", ""},
		{"a user", self("0000000000000000", first), failure, "CAP_NET_ADMIN is missing", "setcap"},
		{"root of a rootless container", self("000001ffffffffff", "0 1000 1"), failure, "user namespace", "--cap-add=NET_ADMIN"},
		{"without a process table", nil, fine, "", ""},
	})
	m := newMachine(t, self("0", first), nil)
	m.transport = "uart:/dev/ttyS0"
	wantFinding(t, m.checkCapability(), warning, "CAP_NET_ADMIN is missing", "setcap")
}

func TestCheckRFKill(t *testing.T) {
	radio := func(n, kind, name, soft, hard string) files {
		dir := "sys/class/rfkill/rfkill" + n + "/"
		return files{dir + "type": kind + "\n", dir + "name": name + "\n", dir + "soft": soft + "\n", dir + "hard": hard + "\n"}
	}
	try(t, (*env).checkRFKill, []trial{
		{"none", nil, fine, "no radio is blocked", ""},
		{"on", radio("0", "bluetooth", "hci0", "0", "0"), fine, "no radio is blocked", ""},
		{"soft", radio("0", "bluetooth", "hci0", "1", "0"), failure, "hci0 is blocked", "sudo rfkill unblock bluetooth"},
		{"hard", radio("1", "bluetooth", "tpacpi_bluetooth_sw", "1", "1"), failure, "tpacpi_bluetooth_sw is switched off by hardware", "switch"},
		{"Wi-Fi's", radio("0", "wlan", "phy0", "1", "1"), fine, "no radio is blocked", ""},
	})
}

func TestCheckDaemon(t *testing.T) {
	try(t, (*env).checkDaemon, []trial{
		{"no", files{"proc/1/comm": "systemd\n", "proc/2/comm": "bluetoothctl\n"}, fine, "does not run", ""},
		{"runs", files{"proc/1/comm": "systemd\n", "proc/312/comm": "bluetoothd\n"}, warning, "bluetoothd (pid 312) runs", "sudo systemctl mask --now bluetooth.service"},
	})
}

func TestCheckUnits(t *testing.T) {
	systemd := func(more files) files {
		all := files{"run/systemd/system/": "", "usr/lib/systemd/system/ssh.service": ""}
		maps.Copy(all, more)
		return all
	}
	try(t, (*env).checkUnits, []trial{
		{"without systemd", files{"lib/systemd/system/bluetooth.service": ""}, fine, "systemd does not run here", ""},
		{"none", systemd(nil), fine, "no systemd unit interferes", ""},
		{"BlueZ", systemd(files{"lib/systemd/system/bluetooth.service": ""}), warning, "bluetooth.service (bluetoothd)", "sudo systemctl mask --now bluetooth.service"},
		{"masked", systemd(files{"lib/systemd/system/bluetooth.service": "", "etc/systemd/system/bluetooth.service": "-> /dev/null"}), fine, "no systemd unit interferes", ""},
		{"masked until the next boot", systemd(files{"lib/systemd/system/bluetooth.service": "", "run/systemd/system/bluetooth.service": "-> /dev/null"}), fine, "no systemd unit", ""},
		{"an alias", systemd(files{"etc/systemd/system/hciuart.service": "-> /opt/hciuart.service"}), warning, "hciuart.service (attaches", "mask --now hciuart.service"},
		{"a Raspberry Pi's", systemd(files{"lib/systemd/system/bluetooth.service": "", "lib/systemd/system/hciuart.service": "", "lib/systemd/system/bthelper@.service": ""}), warning,
			"bluetooth.service (bluetoothd), hciuart.service (attaches the UART to the kernel), bthelper@.service (powers hci0 off and on again)",
			"sudo systemctl mask --now bluetooth.service hciuart.service bthelper@.service"},
	})
}

func TestCheckControllers(t *testing.T) {
	for _, tt := range []struct {
		name         string
		adapters     map[transport.Adapter]transport.Condition
		verdict      verdict
		what, remedy string
	}{
		{"one free", map[transport.Adapter]transport.Condition{hci0: isDown, hci2: isTheirs}, fine, "can be had: hci0 00:1A:7D:DA:71:13 usb, down", ""},
		{"none free", map[transport.Adapter]transport.Condition{hci2: isTheirs}, failure, "none of 1 can be had: hci2 is up, and bluetoothd (pid 312) runs", "mask --now bluetooth.service"},
		{"none", nil, warning, "the kernel has none", "plug one in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantFinding(t, newMachine(t, nil, tt.adapters).checkControllers(), tt.verdict, tt.what, tt.remedy)
		})
	}
}

// mounts is a table of file systems, with the folder's own.
func mounts(dir, kind, options string) files {
	return files{"proc/self/mounts": "/dev/root / ext4 rw,noatime 0 0\nproc /proc proc rw 0 0\nshort\n" +
		"none " + filepath.ToSlash(filepath.Dir(dir)) + " " + kind + " " + options + " 0 0\nnone " + filepath.ToSlash(dir) + "-other tmpfs ro 0 0\n"}
}

func TestCheckState(t *testing.T) {
	refused := func(string) error { return &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission} }
	for _, tt := range []struct {
		name          string
		kind, options string
		mode          fs.FileMode // 0: there is none
		writable      func(string) error
		verdict       verdict
		what, remedy  string
	}{
		{"there", "ext4", "rw", 0o700, nil, fine, "can be written", ""},
		{"not there yet", "ext4", "rw", 0, nil, fine, "can be made", ""},
		{"read-only", "ext4", "ro,noatime", 0o700, refused, failure, "read-only file system", "StateDirectory=jelling"},
		{"another's", "ext4", "rw", 0o700, refused, failure, "permission denied", "sudo chown"},
		{"in memory", "tmpfs", "rw,size=1k", 0o700, nil, warning, "in memory (tmpfs)", "--state-dir on a disk"},
		{"on an overlay", "overlay", "rw", 0, nil, warning, "on an overlay", "--state-dir on a disk"},
		{"open to all", "ext4", "rw", 0o755, nil, warning, "has mode 0755", "chmod 700"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.mode&0o077 != 0 && os.PathSeparator != '/' {
				return // modes mean nothing there
			}
			dir := filepath.Join(t.TempDir(), "state")
			m := newMachine(t, mounts(dir, tt.kind, tt.options), nil)
			m.stateDir = dir
			if tt.writable != nil {
				m.system.writable = tt.writable
			}
			if tt.mode != 0 {
				if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, tt.mode)); err != nil {
					t.Fatal(err)
				}
			}
			wantFinding(t, m.checkState(), tt.verdict, tt.what, tt.remedy)
		})
	}
}

func TestCheckStateNowhere(t *testing.T) {
	m := newMachine(t, nil, nil)
	m.stateDir = ""
	wantFinding(t, m.checkState(), failure, "no place for bonds", "--state-dir")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.stateDir = file
	wantFinding(t, m.checkState(), failure, "is no folder", "another --state-dir")
	m.stateDir = filepath.Join(file, "below")
	if got := m.checkState(); got.verdict != failure {
		t.Errorf("below a file: %+v", got)
	}
}

// The command prints every check, in order, and fails if one has.
func TestDoctor(t *testing.T) {
	good := files{"proc/sys/kernel/osrelease": "6.1.0\n"}
	names := "kernel capability rfkill bluetoothd units controllers boot power uart state"
	m := newMachine(t, good, map[transport.Adapter]transport.Condition{hci0: isDown}).json()
	if err := m.doctor(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, o := range m.result().objects(t) {
		got = append(got, o["check"].(string))
		if o["event"] != "check" || o["status"] != "ok" || o["what"] == "" || o["why"] != "" || o["remedy"] != "" {
			t.Errorf("%v", o)
		}
	}
	if strings.Join(got, " ") != names {
		t.Errorf("checks %v, want %s", got, names)
	}

	m = newMachine(t, good, map[transport.Adapter]transport.Condition{hci2: isTheirs})
	if err := m.doctor(); err == nil || err.Error() != "1 of 10 checks failed" {
		t.Errorf("%v", err)
	}
	if want := "fail  controllers none of 1 can be had: hci2 is up, and bluetoothd (pid 312) runs\n        'jelling adapters' lists them\n        sudo systemctl mask --now bluetooth.service\n"; !strings.Contains(m.stdout.String(), want) {
		t.Errorf("%s\nwant in it\n%s", m.stdout.String(), want)
	}

	m = newMachine(t, nil, nil)
	m.transport = "usb:0"
	var usage usageError
	if err := m.doctor(); !errors.As(err, &usage) || m.stdout.Len() > 0 {
		t.Errorf("%v", err)
	}
}

// As a user runs it, on whatever machine this is.
func TestDoctorHere(t *testing.T) {
	t.Parallel()
	r := jelling(t, t.TempDir(), "doctor", "--json")
	failed := false
	for _, o := range r.objects(t) {
		failed = failed || o["status"] == "fail"
	}
	if failed != (r.status == 1) || failed != strings.Contains(r.stderr, "checks failed") {
		t.Errorf("%+v", r)
	}
}
