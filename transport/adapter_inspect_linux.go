package transport

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const sysRoot = "/sys"

// Inspect finds out whether the controller can be had, without touching it and without privilege. What only
// root may see, such as the name of the program that has it, is left out where this user may not.
func (a Adapter) Inspect() Condition { return inspect(a, userHeld(a.Index), procRoot, sysRoot) }

// inspect is Inspect; held tells that a process has the user channel.
func inspect(a Adapter, held bool, proc, sys string) Condition {
	c, s := Condition{State: a.state()}, situation{index: a.Index, up: a.Up()}
	switch {
	case held:
		s.holders = holders(proc)
		c.State, c.Holder, s.err = Held, listProcesses(s.holders), unix.EUSERS
	case blocked(sys, a.Name):
		s.err = unix.ERFKILL
	case a.Initializing():
		s.up, s.err = false, unix.EBUSY
	case a.Up():
		if s.daemon = bluetoothd(proc); s.daemon.pid != 0 {
			c.Holder, s.err = s.daemon.String(), unix.EBUSY
		}
	}
	if s.err == nil && !MayAdminister(proc) {
		s.err = unix.EPERM
		s.program, _ = os.Executable()
	}
	if s.err != nil {
		cause, remedy := explain(s)
		c.Err = &OpenError{Op: opOpen, Spec: a.Spec(), Err: s.err, Cause: cause, Remedy: remedy}
	}
	return c
}

func listProcesses(list []process) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}

// blocked reports whether a controller's radio is switched off, by software or by a switch.
func blocked(sys, name string) bool {
	for _, kind := range []string{"soft", "hard"} {
		files, _ := filepath.Glob(filepath.Join(sys, "class/bluetooth", name, "rfkill*", kind)) // a name is no bad pattern
		for _, file := range files {
			if text, _ := os.ReadFile(file); strings.TrimSpace(string(text)) == "1" {
				return true
			}
		}
	}
	return false
}
