package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExplainSerial(t *testing.T) {
	proc := t.TempDir() // nobody
	s := Spec{Kind: UART, Path: "/dev/ttyAMA0"}
	tests := []struct {
		err           error
		cause, remedy string // a part of the remedy; "" is none
	}{
		{&BaudError{Want: 4_000_000, Got: 115_200}, "the line can't have this rate", "init_uart_clock=64000000"},
		{context.Canceled, "gave up waiting", ""},
		{errNoFlow, "the line has no RTS/CTS", "flow=none"},
		{fmt.Errorf("%w: %w", unix.EBUSY, errLocked), "another process has taken /dev/ttyAMA0", "as root"},
		{&os.PathError{Err: unix.ENOENT}, "there is no such device", "krnbt=off"},
		{&os.PathError{Err: unix.ENXIO}, "there is no such device", "krnbt=off"},
		{&os.PathError{Err: unix.EACCES}, "the device's mode does not let this user in", "dialout"},
		{os.NewSyscallError("tcgetattr", unix.ENOTTY), "this is no serial line", "/dev/ttyAMA0"},
		{os.ErrNoDeadline, "this is no serial line", "/dev/ttyAMA0"},
		{os.NewSyscallError("tcgetattr", unix.EIO), "there is no hardware behind this device", "dmesg"},
		{errors.New("else"), "", ""},
	}
	for _, tt := range tests {
		cause, remedy := explainSerial(s, tt.err, proc)
		if cause != tt.cause || !strings.Contains(remedy, tt.remedy) || (remedy == "") != (tt.remedy == "") || strings.Contains(remedy, "\n") {
			t.Errorf("%v: %q, %q", tt.err, cause, remedy)
		}
	}
}

// The process that has a line is named, and what to do depends on what it is.
func TestExplainSerialHeld(t *testing.T) {
	line := filepath.Join(t.TempDir(), "ttyS9")
	link := filepath.Join(filepath.Dir(line), "serial1")
	if err := errors.Join(os.WriteFile(line, nil, 0o600), os.Symlink(line, link)); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		names         []string
		cause, remedy string
	}{
		{nil, "", "as root"},
		{[]string{"picocom"}, ": picocom (pid 100)", "sudo kill 100"},
		{[]string{"hciattach"}, ": hciattach (pid 100)", "mask --now hciuart.service"},
		{[]string{"cat", "agetty"}, ": cat (pid 100), agetty (pid 101)", "serial-getty@ttyS9.service"},
		{[]string{"a", "b"}, ": a (pid 100), b (pid 101)", "sudo kill 100 101"},
	}
	for _, tt := range tests {
		proc := t.TempDir()
		for i, name := range append(tt.names, "idle") {
			fd := filepath.Join(proc, strconv.Itoa(100+i), "fd")
			target := line
			if name == "idle" {
				target = "/dev/null"
			}
			err := errors.Join(os.MkdirAll(fd, 0o700), os.Symlink(target, filepath.Join(fd, "3")),
				os.WriteFile(filepath.Join(filepath.Dir(fd), "comm"), []byte(name+"\n"), 0o600))
			if err != nil {
				t.Fatal(err)
			}
		}
		cause, remedy := explainSerial(Spec{Path: link}, unix.EBUSY, proc)
		if want := "another process has taken " + link + tt.cause; cause != want || !strings.Contains(remedy, tt.remedy) {
			t.Errorf("%v: %q, %q", tt.names, cause, remedy)
		}
	}
	if list := lineHolders(procRoot, filepath.Join(t.TempDir(), "missing")); list != nil {
		t.Errorf("%v hold what is not there", list)
	}
}
