//go:build lab

package lab

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// A listed controller is a line of jelling adapters --json.
type listed struct {
	Event   string
	Name    string
	Index   int
	Address string
	Bus     string
	State   string
	Holder  string
	Usable  bool
	Reason  string
	Remedy  string
}

// adapters runs jelling adapters --json, behind a command if one is given.
func adapters(t *testing.T, before ...string) (all []listed) {
	t.Helper()
	p := start(t, "jelling", exec.Command("/usr/bin/env", append(before, os.Getenv("JELLING"), "adapters", "--json")...))
	for line, ok := p.next(); ok; line, ok = p.next() {
		var l listed
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Event != "adapter" || l.Usable != (l.Reason == "") || l.Usable != (l.Remedy == "") {
			t.Errorf("%s: %v", line, err)
		}
		all = append(all, l)
	}
	if got := p.status(); got != 0 {
		t.Errorf("exit status %d\n%s", got, p.stderr())
	}
	if (all == nil) != strings.Contains(p.stderr(), "no controllers: the kernel has none") {
		t.Errorf("%d controllers; standard error: %s", len(all), p.stderr())
	}
	return all
}

// TestEnumeration lists none, one and three controllers, and two with a gap between their numbers.
func TestEnumeration(t *testing.T) {
	air := newAir(t)
	want := func(names ...string) {
		t.Helper()
		all := adapters(t)
		var got []string
		for _, l := range all {
			got = append(got, l.Name)
			kernel, err := adapter(l.Name)
			if err != nil || kernel.Index != l.Index || kernel.SpecByAddress().Address != l.Address || l.Bus != "virtual" || l.State != "down" || !l.Usable {
				t.Errorf("%+v of %v, %v", l, kernel, err)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("%v, want %v", got, names)
		}
	}
	plugs := make([]*plug, 3)
	want()
	for i := range plugs {
		plugs[i] = plugIn(t, air.NewController(virtual.ControllerConfig{}))
		until(t, plugs[i].name+" at rest", func() bool { a, err := adapter(plugs[i].name); return err == nil && a.Free() })
		if i != 1 {
			want([]string{"hci0", "hci1", "hci2"}[:i+1]...)
		}
	}
	plugs[1].pull()
	want("hci0", "hci2")
	typed(t, "user:1", syscall.ENODEV)
	conn, err := transport.Open(t.Context(), transport.Spec{Kind: transport.User, Address: "02:4A:4C:00:00:03"}, transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if user, ok := transport.As[transport.UserChannel](conn); !ok || user.Adapter().Index != 2 {
		t.Errorf("another controller: %v", user)
	}
}

// TestInspection has hci0 in every state, and wants jelling adapters to say so, jelling to answer the same when it tries,
// and the advice, taken, to help.
func TestInspection(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T)
		before  []string // a command that runs jelling with less
		state   string
		holder  string        // a part of it
		errno   syscall.Errno // 0 if it can be had
		remedy  string        // a part of it
		doctor  string        // the check of jelling doctor that finds it, and its status; empty for none
	}{
		{"up and nobody's", func(t *testing.T) { radio(t); run(t, "hciconfig", "hci0", "up") }, nil, "up", "", 0, "", ""},
		{"bluetoothd's", up, nil, "up", "bluetoothd (pid ", syscall.EBUSY, "systemctl mask --now bluetooth.service", "bluetoothd warn"},
		{"held", hold, nil, "held", "python3 (pid ", syscall.EUSERS, "kill", ""},
		{"blocked", blocked, nil, "down", "", syscall.ERFKILL, "rfkill unblock bluetooth", "rfkill fail"},
		{"without capability", radio, []string{"setpriv", "--bounding-set", "-net_admin"}, "down", "", syscall.EPERM, "setcap cap_net_admin+ep", "capability fail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.prepare(t)
			all := adapters(t, c.before...)
			if len(all) != 2 || all[0].Name != "hci0" {
				t.Fatalf("%+v", all)
			}
			l := all[0]
			if l.State != c.state || !strings.Contains(l.Holder, c.holder) || (l.Holder == "") != (c.holder == "") || l.Usable != (c.errno == 0) || !strings.Contains(l.Remedy, c.remedy) {
				t.Errorf("%+v", l)
			}
			t.Logf("%+v", l)
			if c.errno != 0 && c.before == nil {
				conn, err := transport.Open(t.Context(), transport.Spec{Kind: transport.User}, transport.Options{})
				var open *transport.OpenError
				if conn != nil || !errors.As(err, &open) || !errors.Is(err, c.errno) || open.Cause != l.Reason || open.Remedy != l.Remedy {
					t.Errorf("adapters says %q, Open says %v", l.Reason, err)
				}
			}
			doctored(t, c.doctor, c.before...)
		})
	}
}

// blocked switches the radio of hci0 off, as rfkill block does.
func blocked(t *testing.T) {
	radio(t)
	files, err := filepath.Glob("/sys/class/bluetooth/hci0/rfkill*/soft")
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
}

// doctored wants jelling doctor to find that, and nothing else wrong with the kernel and its controllers: hci1 can be had
// all the time, unless nobody may have any.
func doctored(t *testing.T, finding string, before ...string) {
	t.Helper()
	p := start(t, "doctor", exec.Command("/usr/bin/env", append(before, os.Getenv("JELLING"), "doctor", "--json", "--state-dir", filepath.Join(t.TempDir(), "state"))...))
	checks, failed := 0, false
	for line, ok := p.next(); ok; line, ok = p.next() {
		var check struct{ Check, Status, What, Why, Remedy string }
		if err := json.Unmarshal([]byte(line), &check); err != nil || check.What == "" || (check.Status == "ok") != (check.Why == "") {
			t.Errorf("%s: %v", line, err)
		}
		checks++
		failed = failed || check.Status == "fail"
		want := "ok"
		if name, status, _ := strings.Cut(finding, " "); name == check.Check || before != nil && check.Check == "controllers" {
			want = status
		}
		switch check.Check {
		case "kernel", "capability", "rfkill", "bluetoothd", "controllers":
			if check.Status != want {
				t.Errorf("%s, want %s", line, want)
			}
		}
	}
	if got := p.status(); (got != 0) != failed || checks != 10 {
		t.Errorf("exit status %d after %d checks\n%s", got, checks, p.stderr())
	}
}
