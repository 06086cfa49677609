package transport

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const procRoot = "/proc"

// A process is one that has to do with a controller.
type process struct {
	pid  int
	name string // as the kernel has it, at most 15 octets
}

// String returns "name (pid 1)".
func (p process) String() string { return fmt.Sprintf("%s (pid %d)", p.name, p.pid) }

// passive are the processes that have HCI sockets and hold no controller by them.
var passive = []string{"bluetoothd", "btmon", "hcidump"}

// bluetoothd returns the process of BlueZ's daemon, or zero if none can be seen: there is none, or
// it has another container's process table.
func bluetoothd(proc string) process {
	for _, p := range processes(proc) {
		if p.name == "bluetoothd" {
			return p
		}
	}
	return process{}
}

// holders returns the processes that may have a user channel, as far as this user may know.
func holders(proc string) []process {
	inodes := hciInodes(proc)
	if len(inodes) == 0 {
		return nil
	}
	var list []process
	for _, p := range processes(proc) {
		if !slices.Contains(passive, p.name) && hasSocket(proc, p.pid, inodes) {
			list = append(list, p)
		}
	}
	return list
}

// processes lists every process there is to see.
func processes(proc string) []process {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	var list []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		name, err := os.ReadFile(filepath.Join(proc, e.Name(), "comm"))
		if err != nil {
			continue // ended meanwhile
		}
		list = append(list, process{pid, strings.TrimSuffix(string(name), "\n")})
	}
	return list
}

// hciInodes returns the inode of every HCI socket, from a table with a heading and the inode in the
// sixth column.
func hciInodes(proc string) map[string]bool {
	f, err := os.Open(filepath.Join(proc, "net", "hci"))
	if err != nil {
		return nil
	}
	defer f.Close()
	inodes := map[string]bool{}
	lines := bufio.NewScanner(f)
	lines.Scan()
	for lines.Scan() {
		if column := strings.Fields(lines.Text()); len(column) > 5 {
			inodes[column[5]] = true
		}
	}
	return inodes
}

// hasSocket reports whether a process has one of the sockets open.
func hasSocket(proc string, pid int, inodes map[string]bool) bool {
	return hasOpen(proc, pid, func(target string) bool {
		inode, ok := strings.CutPrefix(target, "socket:[")
		return ok && inodes[strings.TrimSuffix(inode, "]")]
	})
}

// hasOpen reports whether a process has a file open whose name in the table of its files is wanted.
func hasOpen(proc string, pid int, wanted func(target string) bool) bool {
	dir := filepath.Join(proc, strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false // not ours to see
	}
	for _, e := range entries {
		target, _ := os.Readlink(filepath.Join(dir, e.Name()))
		if wanted(target) {
			return true
		}
	}
	return false
}
