package transport

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// proc makes a process table: by pid a name and what its descriptors point to.
func proc(t *testing.T, table string, list map[int][]string) string {
	t.Helper()
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("net/hci", table)
	write("uptime", "1 2")
	for pid, p := range list {
		dir := strconv.Itoa(pid)
		write(dir+"/comm", p[0]+"\n")
		if p[1] == "secret" {
			continue // descriptors that are not ours to see
		}
		write(dir+"/fd/0", "")
		for i, target := range p[1:] {
			if err := os.Symlink(target, filepath.Join(root, dir, "fd", strconv.Itoa(i+3))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

const (
	hciHeading = "sk               RefCnt Rmem   Wmem   User   Inode  Parent\n"
	hciTable   = hciHeading +
		"000000000c1ef58a 2      0      0      0      10918  0     \n" +
		"00000000deadbeef 2      0      0      0      777    0     \n" +
		"short\n"
)

func TestHolders(t *testing.T) {
	tests := []struct {
		name  string
		table string
		list  map[int][]string
		want  []process
	}{
		{"nobody", hciHeading, map[int][]string{1: {"init", "socket:[10918]"}}, nil},
		{"no table", "", map[int][]string{1: {"init", "socket:[10918]"}}, nil},
		{"one", hciTable, map[int][]string{1: {"init", "/dev/null"}, 44: {"jelling", "pipe:[10918]", "socket:[10918]"}}, []process{{44, "jelling"}}},
		{"not by a part of the number", hciTable, map[int][]string{44: {"jelling", "socket:[1091]", "socket:[77]"}}, nil},
		{"not who only listens", hciTable, map[int][]string{2: {"bluetoothd", "socket:[777]"}, 3: {"btmon", "socket:[10918]"}, 4: {"bumble", "socket:[10918]"}}, []process{{4, "bumble"}}},
		{"two", hciTable, map[int][]string{8: {"a", "socket:[777]"}, 9: {"b", "socket:[10918]"}}, []process{{8, "a"}, {9, "b"}}},
		{"unseen", hciTable, map[int][]string{8: {"a", "secret"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := holders(proc(t, tt.table, tt.list))
			slices.SortFunc(got, func(a, b process) int { return a.pid - b.pid })
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	if got := holders(filepath.Join(t.TempDir(), "none")); got != nil {
		t.Errorf("without /proc: %v", got)
	}
}

func TestBluetoothd(t *testing.T) {
	root := proc(t, hciHeading, map[int][]string{1: {"init", "secret"}, 300: {"bluetoothd", "secret"}, 301: {"bluetoothctl", "secret"}})
	if got := bluetoothd(root); got != (process{300, "bluetoothd"}) {
		t.Errorf("%v", got)
	}
	root = proc(t, hciHeading, map[int][]string{1: {"init", "secret"}, 301: {"bluetoothctl", "secret"}})
	if got := bluetoothd(root); got != (process{}) {
		t.Errorf("%v", got)
	}
	if got := bluetoothd(filepath.Join(root, "none")); got != (process{}) {
		t.Errorf("without /proc: %v", got)
	}
}

// The real table has this test in it.
func TestProcesses(t *testing.T) {
	if !slices.ContainsFunc(processes(procRoot), func(p process) bool { return p.pid == os.Getpid() }) {
		t.Error("this process is not in the list")
	}
}
