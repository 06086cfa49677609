package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/transport"
)

// files are those of a made-up system: by their paths their texts, or "-> " and what a symbolic link points to. A path
// that ends in a slash is a folder.
type files map[string]string

// make puts the files below a new root.
func (f files) make(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range f {
		file := filepath.Join(root, name)
		dir := filepath.Dir(file)
		if strings.HasSuffix(name, "/") {
			dir = file
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, file)
		} else if dir != file {
			err = os.WriteFile(file, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// machine is an env on a made-up system, with the output of its commands.
type machine struct {
	*env
	stdout, stderr bytes.Buffer
}

// newMachine has the files and the controllers given, and for each controller what is found out about it.
func newMachine(t *testing.T, f files, adapters map[transport.Adapter]transport.Condition) *machine {
	t.Helper()
	m := &machine{}
	log := logrus.New()
	log.SetOutput(io.Discard)
	m.env = &env{stderr: &m.stderr, log: log, getenv: func(string) string { return "" }, out: newOutput(&m.stdout, &m.stderr, false)}
	m.stateDir = filepath.Join(t.TempDir(), "state")
	m.system = system{
		root:     f.make(t),
		adapters: func() ([]transport.Adapter, error) { return sorted(adapters), nil },
		inspect:  func(a transport.Adapter) transport.Condition { return adapters[a] },
		writable: func(string) error { return nil },
		await: func(context.Context, func(transport.Adapter) bool) (transport.Adapter, error) {
			return transport.Adapter{Index: 9}, nil
		},
	}
	return m
}

func sorted(adapters map[transport.Adapter]transport.Condition) []transport.Adapter {
	var all []transport.Adapter
	for a := range adapters {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b transport.Adapter) int { return a.Index - b.Index })
	return all
}

// json makes the output objects.
func (m *machine) json() *machine {
	m.out.json = true
	return m
}

// result is what a command left behind.
func (m *machine) result() result {
	return result{stdout: m.stdout.String(), stderr: m.stderr.String()}
}

func TestResolve(t *testing.T) {
	s := system{root: files{
		"dev/serial0":     "-> ttyS0",
		"dev/serial1":     "-> /dev/ttyAMA0",
		"dev/by-id/radio": "-> ../ttyUSB3",
		"dev/ttyS0":       "",
	}.make(t)}
	for name, want := range map[string]string{"/dev/serial0": "/dev/ttyS0", "/dev/serial1": "/dev/ttyAMA0", "/dev/by-id/radio": "/dev/ttyUSB3",
		"/dev/ttyS0": "/dev/ttyS0", "/dev/none": "/dev/none"} {
		if got := s.resolve(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestPrograms(t *testing.T) {
	s := system{root: files{
		"proc/7/comm":     "agetty\n",
		"proc/7/cmdline":  "/sbin/agetty\x00-o\x00115200\x00ttyAMA0\x00vt220\x00",
		"proc/31/comm":    "hciattach\n",
		"proc/31/fd/3":    "-> /dev/ttyAMA0",
		"proc/32/comm":    "jelling\n",
		"proc/32/fd/3":    "-> /dev/ttyAMA01",
		"proc/32/cmdline": "jelling\x00ttyAMA0\x00",
		"proc/33/fd/":     "",
		"proc/3x/comm":    "no process\n",
		"proc/uptime":     "1 2",
	}.make(t)}
	if got := s.programs("hciattach"); len(got) != 1 || got[0].String() != "hciattach (pid 31)" {
		t.Errorf("%v", got)
	}
	if got := s.programs(""); len(got) != 3 {
		t.Errorf("%v", got)
	}
	users := s.users("/dev/ttyAMA0")
	slices.SortFunc(users, func(a, b program) int { return a.pid - b.pid })
	if got := list(users); got != "agetty (pid 7), hciattach (pid 31)" {
		t.Errorf("%s", got)
	}
	if got := (system{root: t.TempDir()}).programs(""); got != nil {
		t.Errorf("without /proc: %v", got)
	}
}

// The real system has this test in it, and a folder of ours can be written.
func TestRealSystem(t *testing.T) {
	s := realSystem()
	if err := s.writable(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := s.writable(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there can be written")
	}
	if all, err := s.adapters(); err == nil {
		for _, a := range all {
			if c := s.inspect(a); c.State == "" {
				t.Errorf("%v: %+v", a, c)
			}
		}
	}
}
