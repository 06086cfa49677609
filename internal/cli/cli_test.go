package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const address = "00:1C:05:FF:F0:30"

// lines is a writer that can be read while it is written, and calls back with each line.
type lines struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	line func(string)
	rest string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Write(p)
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(p), nil
		}
		l.rest = rest
		if l.line != nil {
			l.line(line)
		}
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// result is what a command left behind.
type result struct {
	status         int
	stdout, stderr string
}

// jelling runs a command line as a user would, with a folder of its own for the state.
func jelling(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return jellingUntil(t, dir, nil, args...)
}

// jellingUntil interrupts the command when stop says so of a line of its standard output. It runs in a bubble, so that what it
// waits for on its virtual radio takes no time, whatever else the machine is at.
func jellingUntil(t *testing.T, dir string, stop func(line string) bool, args ...string) (r result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		stdout, stderr := &lines{}, &lines{}
		stdout.line = func(line string) {
			if stop != nil && stop(line) {
				cancel(errInterrupted)
			}
		}
		getenv := func(name string) string {
			switch name {
			case "JELLING_TRANSPORT":
				return "virtual:"
			case "STATE_DIRECTORY":
				return filepath.Join(dir, "state")
			}
			return ""
		}
		status := run(ctx, args, strings.NewReader(""), stdout, stderr, getenv)
		r = result{status, stdout.String(), stderr.String()}
		tellSecrets(ctx, r, getenv, args)
	})
	return r
}

// object is a line of --json.
type object map[string]any

// objects parses standard output, every line of which has to be an object with time, event and address.
func (r result) objects(t *testing.T) (all []object) {
	t.Helper()
	for line := range strings.Lines(r.stdout) {
		var o object
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q is not an object: %v", line, err)
		}
		for _, name := range []string{"time", "event", "address"} {
			if _, ok := o[name].(string); !ok {
				t.Errorf("%s has no %s", line, name)
			}
		}
		if at, _ := o["time"].(string); at != "" {
			if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
				t.Error(err)
			}
		}
		all = append(all, o)
	}
	return all
}

// events are the names of the events, in order.
func events(all []object) string {
	var names []string
	for _, o := range all {
		names = append(names, o["event"].(string))
	}
	return strings.Join(names, " ")
}

func find(all []object, event string) object {
	for _, o := range all {
		if o["event"] == event {
			return o
		}
	}
	return nil
}

// Every way to get a command line wrong is one line on standard error and the right status.
func TestUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"frob", 2, `no such command: "frob"; see 'jelling --help'`},
		{"bonds frob", 2, `no such command: "frob"; see 'jelling bonds --help'`},
		{"scan frob", 2, `"frob" is too much; usage: jelling scan`},
		{"gatt read " + address + " 2a00 2a01", 2, `"2a01" is too much; usage: jelling gatt read PEER`},
		{"bonds show", 2, "something is missing; usage: jelling bonds show ADDRESS"},
		{"gatt read " + address + " --handle 70000", 2, "--handle 70000: want a number from 1 to 65535"},
		{"advertise --profile x.json --pairable-for -1s", 2, "--pairable-for -1s: want a duration"},
		{"pair " + address + " --passkey 12", 2, "--passkey: want six digits"},
		{"subscribe", 2, "usage: jelling subscribe PEER [CHARACTERISTIC]"},
		{"subscribe zz 2a5f", 2, "want six octets"},
		{"subscribe " + address + "/wrong 2a5f", 2, "neither public nor random"},
		{"subscribe " + address + " xyz", 2, "want a number like 2a37"},
		{"subscribe " + address + " 2a5f --count -1", 2, "--count -1"},
		{"pair " + address + " --bonding sometimes", 2, "want follow, always or never"},
		{"pair " + address + " --on-lost-bond panic", 2, "want notify, repair or strict"},
		{"pair " + address + " --security high", 2, "want none, encrypted, authenticated or sc"},
		{"pair " + address + " --timeout 5", 2, "--timeout"},
		{"pair " + address + " --timeout -5s", 2, "--timeout"},
		{"scan --transport usb:0", 2, "write user:0 (or hci0), unix:/path, tcp:host:port"},
		{"scan --transport virtual:x", 2, "want nothing behind the colon"},
		{"scan --power-line BT_ON --transport unix:/nowhere", 2, "like gpiochip0:BT_ON"},
		{"scan --power-line gpiochip9999:BT_ON --transport unix:/nowhere", 1, "power line gpiochip9999:BT_ON"},
		{"scan --frob", 2, "see 'jelling scan --help'"},
		{"bonds show " + address, 1, "no bond with " + address + "; see 'jelling bonds list'"},
		{"bonds forget " + address, 1, "no bond with"},
		{"scan --capture /nowhere/at/all", 1, "/nowhere/at/all"},
		{"--help", 0, ""},
		{"--version", 0, ""},
		{"bonds list", 0, "jelling: no bonds in "},
		{"bonds", 0, ""},
		{"completion bash", 0, ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := jelling(t, t.TempDir(), strings.Fields(c.args)...)
			if r.status != c.status || !strings.Contains(r.stderr, c.says) {
				t.Errorf("status %d, want %d; says %q, want %q", r.status, c.status, r.stderr, c.says)
			}
			if c.status != 0 && (strings.Count(r.stderr, "jelling: ") != 1 || strings.Count(r.stderr, "\n") != 1 || r.stdout != "") {
				t.Errorf("want one line on standard error and nothing else: %q, %q", r.stderr, r.stdout)
			}
		})
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	r := jelling(t, t.TempDir(), "scan", "--timeout", "300ms", "--json")
	all := r.objects(t)
	if r.status != 0 || events(all) != "advertisement" {
		t.Fatalf("%+v", r)
	}
	o := all[0]
	if o["address"] != address || o["name"] != "Pulse oximeter" || o["rssi"] != -50.0 {
		t.Errorf("%v", o)
	}
	if services, _ := o["services"].([]any); len(services) != 1 || services[0] != "1822" {
		t.Errorf("services %v", o["services"])
	}
	if r = jelling(t, t.TempDir(), "scan", "--timeout", "300ms"); !strings.HasPrefix(r.stdout, address+"/public") || r.stderr != "" {
		t.Errorf("%+v", r)
	}
	r = jellingUntil(t, t.TempDir(), func(string) bool { return true }, "scan", "--timeout", "0", "--all")
	if r.status != 130 || r.stderr != "" {
		t.Errorf("interrupted: %+v", r)
	}
}

// Under follow the oximeter, which asks for no bond, is paired with each time, and nothing is kept but that.
func TestSubscribeFollow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		r := jelling(t, dir, "subscribe", strings.ToLower(address), "2a5f", "--count", "2", "--json")
		all := r.objects(t)
		if r.status != 0 || events(all) != "connected security_request paired encrypted value value disconnected" {
			t.Fatalf("status %d, %s, %s", r.status, events(all), r.stderr)
		}
		if o := find(all, "paired"); o["method"] != "just-works" || o["bonded"] != false || o["secure_connections"] != true || o["authenticated"] != false {
			t.Errorf("%v", o)
		}
		if o := find(all, "encrypted"); o["key"] != "new" {
			t.Errorf("%v", o)
		}
		if o := find(all, "value"); o["uuid"] != "2a5f" || o["handle"].(float64) < 1 || o["value"] != "0061003d00" {
			t.Errorf("%v", o)
		}
		if o := find(all, "disconnected"); o["status"] != 22.0 || o["reason"] != "Connection Terminated by Local Host" {
			t.Errorf("%v", o)
		}
	}
	if r := jelling(t, dir, "bonds", "list"); !strings.Contains(r.stdout, "no bond; the peer's wish is none") {
		t.Errorf("%+v", r)
	}
}

// Under always it is bonded. The oximeter of the next command is another one that has no key, and it is
// paired with again on the same link, since it wanted no bond.
func TestSubscribeAlways(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	capture := filepath.Join(dir, "capture.btsnoop")
	r := jelling(t, dir, "subscribe", address, "2a5f", "--count", "1", "--json", "--bonding", "always", "--capture", capture)
	if o := find(r.objects(t), "paired"); r.status != 0 || o["bonded"] != true {
		t.Fatalf("%+v", r)
	}
	if info, err := os.Stat(capture); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 1000 || !strings.Contains(r.stderr, "will hold the keys") {
		t.Errorf("%v, %v, %s", info, err, r.stderr)
	}
	r = jelling(t, dir, "bonds", "show", address, "--json")
	if o := r.objects(t)[0]; o["bonded"] != true || o["wish"] != "none" || o["level"] != "encrypted" {
		t.Errorf("%v", o)
	}
	r = jelling(t, dir, "subscribe", address, "2a5f", "--count", "1", "--json", "--bonding", "always", "--on-lost-bond", "strict")
	all := r.objects(t)
	if o := find(all, "bond_lost"); r.status != 1 || o["status"] != 6.0 || find(all, "repaired") != nil {
		t.Errorf("strict: %+v", r)
	}
	if !strings.Contains(r.stderr, "jelling pair "+address+" --on-lost-bond repair") || !strings.Contains(r.stderr, "jelling bonds forget "+address) {
		t.Errorf("the remedy is missing: %s", r.stderr)
	}
	r = jelling(t, dir, "subscribe", address, "2a5f", "--count", "1", "--json", "--bonding", "always")
	all = r.objects(t)
	if r.status != 0 || find(all, "bond_lost") == nil || find(all, "repaired") == nil || find(all, "value") == nil {
		t.Errorf("notify, wish none: %+v", r)
	}
	if kept := keptByGATT(t, dir); len(kept) == 0 {
		t.Error("nothing is kept of the database of a bonded peer")
	}
	if r = jelling(t, dir, "bonds", "forget", address); r.status != 0 {
		t.Errorf("%+v", r)
	}
	if kept := keptByGATT(t, dir); len(kept) != 0 {
		t.Errorf("after forget %v is kept", kept)
	}
	if r = jelling(t, dir, "bonds", "list", "--json"); r.status != 0 || r.stdout != "" {
		t.Errorf("after forget: %+v", r)
	}
}

// Ctrl-C unsubscribes and disconnects first, and gives status 130.
func TestSubscribeInterrupted(t *testing.T) {
	t.Parallel()
	r := jellingUntil(t, t.TempDir(), func(line string) bool { return strings.Contains(line, `"value"`) }, "subscribe", address, "2a5f", "--json")
	all := r.objects(t)
	if last := all[len(all)-1]; r.status != 130 || last["event"] != "disconnected" || r.stderr != "" {
		t.Errorf("%+v", r)
	}
}

func TestSubscribeFails(t *testing.T) {
	t.Parallel()
	r := jelling(t, t.TempDir(), "subscribe", address, "2a37")
	if r.status != 1 || !strings.Contains(r.stderr, "no characteristic 2a37") {
		t.Errorf("%+v", r)
	}
	r = jelling(t, t.TempDir(), "subscribe", "00:11:22:33:44:55", "2a5f", "--timeout", "200ms")
	if r.status != 1 || !strings.Contains(r.stderr, "--timeout") || !strings.Contains(r.stderr, "write /public or /random behind it") {
		t.Errorf("%+v", r)
	}
	r = jelling(t, t.TempDir(), "subscribe", "00:11:22:33:44:55/random", "2a5f", "--timeout", "200ms")
	if r.status != 1 || !strings.Contains(r.stderr, "not secured within --timeout") {
		t.Errorf("%+v", r)
	}
}

func TestPair(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := jelling(t, dir, "pair", address, "--json", "--bonding", "always")
	if all := r.objects(t); r.status != 0 || find(all, "paired") == nil || find(all, "disconnected") == nil {
		t.Errorf("%+v", r)
	}
	r = jelling(t, dir, "pair", address, "--security", "authenticated", "--json")
	if r.status != 1 || !strings.Contains(r.stderr, "no way to ask a person") {
		t.Errorf("%+v", r)
	}
	if r = jelling(t, dir, "bonds", "list"); !strings.Contains(r.stdout, "bonded, encrypted") {
		t.Errorf("the bond is gone after a refusal: %+v", r)
	}
}

// The four scenes come out as they should, for people and for programs.
func TestDemo(t *testing.T) {
	t.Parallel()
	r := jelling(t, t.TempDir(), "demo", "--json")
	all := r.objects(t)
	if r.status != 0 || r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	want := map[string]object{
		"a": {"connections": 3.0, "pairings": 3.0, "stored_key_used": 0.0, "bonds_lost": 0.0, "repaired": 0.0, "values": 9.0},
		"b": {"connections": 3.0, "pairings": 2.0, "stored_key_used": 1.0, "bonds_lost": 1.0, "repaired": 1.0, "values": 9.0},
		"c": {"connections": 2.0, "pairings": 1.0, "stored_key_used": 0.0, "bonds_lost": 1.0, "repaired": 0.0, "values": 3.0},
		"d": {"connections": 2.0, "pairings": 1.0, "stored_key_used": 0.0, "bonds_lost": 1.0, "repaired": 0.0, "values": 3.0},
	}
	for _, o := range all {
		if o["event"] != "result" {
			continue
		}
		scene := o["scene"].(string)
		for name, value := range want[scene] {
			if o[name] != value {
				t.Errorf("scene %s: %s is %v, want %v", scene, name, o[name], value)
			}
		}
		delete(want, scene)
	}
	if len(want) != 0 {
		t.Errorf("no result of %v", want)
	}
	if r = jelling(t, t.TempDir(), "demo"); r.status != 0 || !strings.Contains(r.stdout, "user sees") || !strings.Contains(r.stdout, "weaker repair refused, bond kept") {
		t.Errorf("%+v", r)
	}
}
