package cli

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jelling-ble/jelling/transport"
)

// system is the machine that a command looks at. Tests make one up.
type system struct {
	root     string // of its files
	adapters func() ([]transport.Adapter, error)
	inspect  func(transport.Adapter) transport.Condition
	await    func(context.Context, func(transport.Adapter) bool) (transport.Adapter, error)
	writable func(dir string) error // of the real file system
}

func realSystem() system {
	return system{
		root:     "/",
		adapters: transport.Adapters,
		inspect:  transport.Adapter.Inspect,
		await:    transport.AwaitAdapter,
		writable: writable,
	}
}

// writable tries whether a file can be made in a folder.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".jelling-doctor-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	return f.Close()
}

// path returns where a file of the system is, as slashes write it.
func (s system) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// read returns a small file's text without the white space around it, empty if it can't be read.
func (s system) read(name string) string {
	text, _ := os.ReadFile(s.path(name)) // what can't be read is not there for us
	return strings.Trim(string(text), " \t\n\x00")
}

func (s system) exists(name string) bool {
	_, err := os.Lstat(s.path(name))
	return err == nil
}

// glob returns the names of the files that match, without the root.
func (s system) glob(pattern string) []string {
	found, _ := filepath.Glob(s.path(pattern)) // our patterns are good ones
	for i, name := range found {
		rel, err := filepath.Rel(s.root, name)
		if err != nil {
			rel = name
		}
		found[i] = "/" + filepath.ToSlash(rel)
	}
	return found
}

// link returns what a symbolic link points to, empty if it is none.
func (s system) link(name string) string {
	target, _ := os.Readlink(s.path(name)) // most files are none
	return filepath.ToSlash(target)
}

// resolve follows a device's symbolic link, such as /dev/serial0, within the system.
func (s system) resolve(name string) string {
	target := s.link(name)
	switch {
	case target == "":
		return name
	case path.IsAbs(target):
		return target
	}
	return path.Join(path.Dir(name), target)
}

// program is a running process.
type program struct {
	pid  int
	name string // as the kernel has it, at most 15 octets
}

// String returns "name (pid 1)".
func (p program) String() string { return p.name + " (pid " + strconv.Itoa(p.pid) + ")" }

// programs lists the processes of a name, or all for none.
func (s system) programs(name string) []program {
	var list []program
	for _, dir := range s.glob("/proc/[0-9]*") {
		pid, err := strconv.Atoi(path.Base(dir))
		if err != nil {
			continue
		}
		if p := (program{pid, s.read(dir + "/comm")}); p.name != "" && (name == "" || p.name == name) {
			list = append(list, p)
		}
	}
	return list
}

// users lists the programs that have a device open, or name it on their command line as getty does, as far as this
// user may know.
func (s system) users(device string) []program {
	var list []program
	for _, p := range s.programs("") {
		if p.pid != os.Getpid() && s.uses(p, device) {
			list = append(list, p)
		}
	}
	return list
}

func (s system) uses(p program, device string) bool {
	dir := "/proc/" + strconv.Itoa(p.pid)
	if strings.HasSuffix(p.name, "getty") {
		for word := range strings.SplitSeq(s.read(dir+"/cmdline"), "\x00") {
			if word == device || "/dev/"+word == device {
				return true
			}
		}
	}
	for _, fd := range s.glob(dir + "/fd/*") {
		if s.link(fd) == device {
			return true
		}
	}
	return false
}

// list names programs: "a (pid 1), b (pid 2)".
func list(programs []program) string {
	names := make([]string, len(programs))
	for i, p := range programs {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}
