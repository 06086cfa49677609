package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The errno table: what each means, and what to do.
func TestExplain(t *testing.T) {
	bind := func(err error) error { return os.NewSyscallError("bind", err) }
	adapters := []Adapter{{Index: 0, Name: "hci0", Flags: flagUp, Bus: 1}, {Index: 2, Name: "hci2", Bus: 3}}
	daemon := process{312, "bluetoothd"}
	tests := []struct {
		name   string
		s      situation
		cause  string
		remedy []string // what must be in it
	}{
		{"EBUSY, bluetoothd", situation{err: bind(unix.EBUSY), up: true, daemon: daemon}, "hci0 is up, and bluetoothd (pid 312) runs",
			[]string{"systemctl mask --now bluetooth.service", "hciconfig hci0 down"}},
		{"EBUSY, starting", situation{err: bind(unix.EBUSY), daemon: daemon}, "the kernel is still preparing hci0", []string{"dmesg"}},
		{"EBUSY, somebody else", situation{index: 1, err: bind(unix.EBUSY), up: true}, "hci1 is up, and comes up again when brought down",
			[]string{"bthelper@hci1.service", "hciconfig hci1 down"}},
		{"EBUSY, gave up", situation{err: fmt.Errorf("%w: %w", context.Canceled, bind(unix.EBUSY))}, "gave up waiting: the kernel is still preparing hci0", []string{"dmesg"}},
		{"EUSERS", situation{err: bind(unix.EUSERS)}, "another process has taken hci0", []string{"stop the other program", "root"}},
		{"EUSERS, seen as EBUSY", situation{err: fmt.Errorf("%w: %w", unix.EUSERS, bind(unix.EBUSY)), holders: []process{{44, "jelling"}}},
			"another process has taken hci0: jelling (pid 44)", []string{"sudo kill 44"}},
		{"EUSERS, one of two", situation{index: 3, err: bind(unix.EUSERS), holders: []process{{44, "jelling"}, {45, "bumble"}}},
			"another process has taken hci3, one of jelling (pid 44), bumble (pid 45)", []string{"sudo kill 44 or 45"}},
		{"EPERM", situation{err: bind(unix.EPERM), program: "/usr/bin/jelling"}, "CAP_NET_ADMIN is missing",
			[]string{"sudo setcap cap_net_admin+ep /usr/bin/jelling ", "AmbientCapabilities=CAP_NET_ADMIN", "--cap-add=NET_ADMIN"}},
		{"ERFKILL", situation{err: bind(unix.ERFKILL)}, "the radio is blocked", []string{"sudo rfkill unblock bluetooth"}},
		{"ENODEV", situation{index: 1, err: bind(unix.ENODEV), list: adapters},
			"there is no hci1; there is hci0 00:00:00:00:00:00 usb, up; hci2 00:00:00:00:00:00 uart, down", []string{"user:2"}},
		{"ENODEV, none free", situation{index: 1, err: bind(unix.ENODEV), list: adapters[:1]},
			"there is no hci1; there is hci0 00:00:00:00:00:00 usb, up", []string{"user:0"}},
		{"ENODEV, none at all", situation{index: 1, err: bind(unix.ENODEV)}, "there is no hci1, nor any other controller", []string{"plug one in", "dmesg", "virtual:"}},
		{"ENODEV, by address", situation{index: -1, address: "00:1A:7D:DA:71:13", err: bind(unix.ENODEV), list: adapters[1:]},
			"there is no controller 00:1A:7D:DA:71:13; there is hci2 00:00:00:00:00:00 uart, down", []string{"user:2"}},
		{"ENODEV, any, gave up", situation{index: -1, err: fmt.Errorf("%w: %w", context.DeadlineExceeded, unix.ENODEV)},
			"gave up waiting: there is no controller", []string{"plug one in"}},
		{"EAFNOSUPPORT", situation{err: unix.EAFNOSUPPORT}, "the kernel has no Bluetooth here", []string{"modprobe bluetooth", "--network=host"}},
		{"EAFNOSUPPORT, network namespace", situation{err: unix.EAFNOSUPPORT, loaded: true},
			"the kernel has Bluetooth, but not for this process: it has a network namespace of its own, or AF_BLUETOOTH is denied to it", []string{"--network=host", "RestrictAddressFamilies"}},
		{"EPROTONOSUPPORT", situation{err: unix.EPROTONOSUPPORT}, "the kernel has no Bluetooth here", []string{"modprobe bluetooth"}},
		{"EIO", situation{err: bind(unix.EIO)}, "the driver could not start the controller", []string{"dmesg"}},
		{"ETIMEDOUT", situation{err: bind(unix.ETIMEDOUT)}, "the driver could not start the controller", []string{"dmesg"}},
		{"else", situation{err: bind(unix.ENOMEM)}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cause, remedy := explain(tt.s)
			if cause != tt.cause {
				t.Errorf("cause %q\nwant  %q", cause, tt.cause)
			}
			for _, part := range tt.remedy {
				if !strings.Contains(remedy, part) {
					t.Errorf("remedy %q lacks %q", remedy, part)
				}
			}
			if (remedy == "") != (tt.remedy == nil) || strings.Contains(cause+remedy, "\n") {
				t.Errorf("remedy %q", remedy)
			}
		})
	}
}

// look asks for what the errno needs, and never fails.
func TestLook(t *testing.T) {
	for _, errno := range []error{unix.EUSERS, unix.EBUSY, unix.ENODEV, unix.EPERM, unix.EAFNOSUPPORT, unix.ENOMEM} {
		s := look(absentIndex, errno)
		if s.index != absentIndex || !errors.Is(s.err, errno) || s.up {
			t.Errorf("%v: %+v", errno, s)
		}
		if (s.program != "") != (errno == unix.EPERM) {
			t.Errorf("%v: program %q", errno, s.program)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, tt := range [][2]string{
		{"", "PROGRAM"}, {"/usr/bin/jelling", "/usr/bin/jelling"}, {"/opt/my tool", "'/opt/my tool'"},
		{"/x;reboot", "'/x;reboot'"}, {"/it's", `'/it'\''s'`}, {"/dänisch", "'/dänisch'"},
	} {
		if got := quote(tt[0]); got != tt[1] {
			t.Errorf("%q: %s, want %s", tt[0], got, tt[1])
		}
	}
}
