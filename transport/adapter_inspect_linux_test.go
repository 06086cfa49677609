package transport

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes files below root, by their paths.
func tree(t *testing.T, root string, files map[string]string) string {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// What /proc/self says of a process of root's, of one that may administer networks, and of one that may not.
const (
	statusRoot = "Name:\tjelling\nCapInh:\t0000000000000000\nCapEff:\t000001ffffffffff\n"
	statusNet  = "Name:\tjelling\nCapEff:\t0000000000001000\n"
	statusNone = "Name:\tjelling\nCapPrm:\t0000000000001000\nCapEff:\t0000000000002000\n"

	firstMap    = "         0          0 4294967295\n"
	rootlessMap = "         0       1000          1\n"
)

// The whole table: what a controller is found to be, who has it, and why it can't be had.
func TestInspect(t *testing.T) {
	daemon := map[int][]string{312: {"bluetoothd", "secret"}}
	holder := map[int][]string{44: {"bumble", "socket:[10918]"}}
	soft := map[string]string{"class/bluetooth/hci0/rfkill3/soft": "1\n", "class/bluetooth/hci0/rfkill3/hard": "0\n"}
	tests := []struct {
		name   string
		flags  uint32
		held   bool
		list   map[int][]string // of processes
		self   map[string]string
		sys    map[string]string
		state  State
		holder string
		errno  error  // nil if it can be had
		cause  string // a part of it
	}{
		{"free", 0, false, nil, nil, nil, Down, "", nil, ""},
		{"free beside bluetoothd", 0, false, daemon, nil, nil, Down, "", nil, ""},
		{"up, nobody's", flagUp, false, nil, nil, nil, Up, "", nil, ""},
		{"up, bluetoothd's", flagUp, false, daemon, nil, nil, Up, "bluetoothd (pid 312)", unix.EBUSY, "hci0 is up, and bluetoothd (pid 312) runs"},
		{"starting", flagUp | flagInit, false, daemon, nil, nil, Starting, "", unix.EBUSY, "still preparing hci0"},
		{"held", flagUp, true, holder, nil, nil, Held, "bumble (pid 44)", unix.EUSERS, "taken hci0: bumble (pid 44)"},
		{"held by nobody to be seen", flagUp, true, nil, nil, nil, Held, "", unix.EUSERS, "another process has taken hci0"},
		{"blocked", 0, false, nil, nil, soft, Down, "", unix.ERFKILL, "blocked"},
		{"without capability", 0, false, nil, map[string]string{"self/status": statusNone, "self/uid_map": firstMap}, nil, Down, "", unix.EPERM, "CAP_NET_ADMIN"},
		{"rootless", 0, false, nil, map[string]string{"self/status": statusRoot, "self/uid_map": rootlessMap}, nil, Down, "", unix.EPERM, "CAP_NET_ADMIN"},
		{"with the capability alone", 0, false, nil, map[string]string{"self/status": statusNet, "self/uid_map": firstMap}, nil, Down, "", nil, ""},
		{"held comes before the capability", flagUp, true, nil, map[string]string{"self/status": statusNone}, nil, Held, "", unix.EUSERS, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, proc(t, hciTable, tt.list), tt.self)
			a := Adapter{Name: "hci0", Flags: tt.flags}
			got := inspect(a, tt.held, root, tree(t, t.TempDir(), tt.sys))
			if got.State != tt.state || got.Holder != tt.holder {
				t.Errorf("%+v", got)
			}
			if tt.errno == nil {
				if got.Err != nil {
					t.Errorf("can't be had: %v", got.Err)
				}
				return
			}
			if got.Err == nil || !errors.Is(got.Err, tt.errno) || got.Err.Spec != a.Spec() || !strings.Contains(got.Err.Cause, tt.cause) || got.Err.Remedy == "" {
				t.Errorf("%v, want %v", got.Err, tt.errno)
			}
		})
	}
}

func TestBlocked(t *testing.T) {
	const dir = "class/bluetooth/hci1/"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  bool
	}{
		{"no switch", nil, false},
		{"on", map[string]string{dir + "rfkill0/soft": "0\n", dir + "rfkill0/hard": "0\n"}, false},
		{"by software", map[string]string{dir + "rfkill0/soft": "1\n"}, true},
		{"by a switch", map[string]string{dir + "rfkill12/soft": "0\n", dir + "rfkill12/hard": "1\n"}, true},
		{"another's", map[string]string{"class/bluetooth/hci10/rfkill0/soft": "1\n"}, false},
	} {
		if got := blocked(tree(t, t.TempDir(), tt.files), "hci1"); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestMayAdminister(t *testing.T) {
	for _, tt := range []struct {
		name        string
		status, ids string
		want        bool
	}{
		{"root", statusRoot, firstMap, true},
		{"the capability alone", statusNet, firstMap, true},
		{"not in effect", statusNone, firstMap, false},
		{"root of a container", statusRoot, rootlessMap, false},
		{"nothing said", "Name:\tjelling\n", firstMap, true},
		{"nonsense", "CapEff:\tx\n", firstMap, true},
	} {
		if got := MayAdminister(tree(t, t.TempDir(), map[string]string{"self/status": tt.status, "self/uid_map": tt.ids})); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if !MayAdminister(t.TempDir()) || !MayAdminister(tree(t, t.TempDir(), map[string]string{"self/status": statusRoot})) {
		t.Error("what can't be read was taken for a no")
	}
}

// A controller that is not there is inspected without harm, whatever the kernel.
func TestInspectAbsent(t *testing.T) {
	got := Adapter{Index: absentIndex, Name: "hci65534"}.Inspect()
	if got.State != Down || got.Holder != "" {
		t.Errorf("%+v", got)
	}
}
