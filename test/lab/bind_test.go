//go:build lab

package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/transport"
)

// TestBindingFails wants the typed error from the library, and its remedy from the command line.
func TestBindingFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		spec    string
		prepare func(t *testing.T)
		without string // a capability that jelling is not given
		errno   syscall.Errno
		words   []string
	}{
		{"absent", "user:7", radio, "", syscall.ENODEV, []string{"hci7", "hci0"}},
		{"up", "user:0", up, "", syscall.EBUSY, []string{"hci0", "bluetoothd"}},
		{"held", "user:0", hold, "", syscall.EUSERS, []string{"hci0", "another"}},
		{"without capability", "user:0", radio, "net_admin", syscall.EPERM, []string{"user:0", "setcap", "cap_net_admin"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.prepare(t)
			if c.without == "" {
				typed(t, c.spec, c.errno)
			}
			args := []string{os.Getenv("JELLING"), "scan", "--transport", c.spec, "--timeout", "2s", "--state-dir", filepath.Join(t.TempDir(), "state")}
			if c.without != "" {
				args = append([]string{"setpriv", "--bounding-set", "-" + c.without}, args...)
			}
			p := start(t, "jelling", exec.Command(args[0], args[1:]...))
			if line, ok := p.next(); ok {
				t.Errorf("standard output: %s", line)
			}
			if got := p.status(); got != 1 {
				t.Errorf("exit status %d, want 1", got)
			}
			complains(t, p.stderr(), c.words...)
		})
	}
}

// typed opens the controller in this process and wants an OpenError of that number, with a remedy.
func typed(t *testing.T, spec string, errno syscall.Errno) {
	t.Helper()
	s, err := transport.ParseSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.Open(context.Background(), s, transport.Options{})
	if err == nil {
		conn.Close()
		t.Fatalf("%s was opened, want %v", spec, errno)
	}
	var open *transport.OpenError
	if !errors.As(err, &open) || !errors.Is(err, errno) || open.Remedy == "" || open.Cause == "" {
		t.Errorf("error %#v, want an OpenError of %v with cause and remedy", err, errno)
	}
	t.Logf("%v\n%s", err, open.Remedy)
}

// up has bluetoothd run and powers hci0.
func up(t *testing.T) {
	radio(t)
	daemon(t)
	run(t, "hciconfig", "hci0", "up")
}

// hold has another process hold hci0.
func hold(t *testing.T) {
	radio(t)
	script, err := filepath.Abs("hold.py")
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "hold", exec.Command(python, script, "0"))
	p.stays = true
	if line, ok := p.next(); !ok || line != "held" {
		t.Fatalf("hold.py: %q\n%s", line, p.stderr())
	}
}

// TestUpWithoutDaemon takes a controller that somebody left up, since nobody is there to use it.
func TestUpWithoutDaemon(t *testing.T) {
	radio(t)
	run(t, "hciconfig", "hci0", "up")
	p := start(t, "jelling", exec.Command(os.Getenv("JELLING"), "scan", "--transport", "user:0", "--timeout", "1s", "--state-dir", filepath.Join(t.TempDir(), "state")))
	if got := p.status(); got != 0 {
		t.Errorf("exit status %d, want 0\n%s", got, p.stderr())
	}
}
