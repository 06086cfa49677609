//go:build lab

package lab

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A session is one state folder of Jelling on hci0, and one peer.
type session struct {
	t     *testing.T
	state string
	peer  string
	runs  int
}

func newSession(t *testing.T, peer string) *session {
	return &session{t: t, state: filepath.Join(t.TempDir(), "state"), peer: peer}
}

// A host is a running jelling.
type host struct {
	*process
	peer  string
	count uint32 // the last reading, 0 after a disconnection
}

// command returns jelling with the global flags that every run of the session has, behind bluetoothd in the queue.
func (s *session) command(args ...string) *exec.Cmd {
	args = append([]string{"-c", "0", os.Getenv("JELLING")}, args...)
	return exec.Command("taskset", append(args, "--transport", "user:0", "--state-dir", s.state)...)
}

// subscribe starts jelling subscribe, with a capture that btmon has to be able to read in the end.
func (s *session) subscribe(args ...string) *host {
	s.t.Helper()
	s.runs++
	name := fmt.Sprintf("jelling-%d", s.runs)
	capture := output(s.t, name+".btsnoop")
	args = append([]string{"subscribe", s.peer, readings, "--json", "-v", "--timeout", "20s", "--capture", capture}, args...)
	h := &host{process: start(s.t, name, s.command(args...)), peer: s.peer}
	s.t.Cleanup(func() { // before the one that stops the process, which has ended when the test passed
		if !s.t.Failed() {
			readable(s.t, capture)
		}
	})
	return h
}

// A bond is what jelling bonds show --json says of the peer.
type bond struct {
	Bonded            bool
	Lost              bool
	SecureConnections bool `json:"secure_connections"`
	TimesLost         int  `json:"times_lost"`
	TimesRepaired     int  `json:"times_repaired"`
}

func (s *session) bond() (b bond) {
	s.t.Helper()
	out, err := s.command("bonds", "show", s.peer, "--json").CombinedOutput()
	if err != nil {
		s.t.Fatalf("jelling bonds show: %v\n%s", err, out)
	}
	if err := json.Unmarshal(out, &b); err != nil {
		s.t.Fatalf("jelling bonds show: %v\n%s", err, out)
	}
	return b
}

// An event is a line of jelling --json.
type event struct {
	Time    time.Time
	Event   string
	Address string

	Method            string
	Bonded            *bool
	SecureConnections *bool `json:"secure_connections"`
	Authenticated     *bool
	Key               string
	Bonding           *bool
	MITM              *bool
	Status            *int
	Reason            string
	UUID              string
	Handle            *int
	Value             string
	Attempt           int
	Name              string
	RSSI              *int
	Services          []string
	DelayMS           *int `json:"delay_ms"`
}

// next waits for the next event. What every event has is checked here.
func (h *host) next() (event, bool) {
	h.t.Helper()
	var e event
	line, ok := h.process.next()
	if !ok {
		return e, false
	}
	d := json.NewDecoder(strings.NewReader(line))
	if err := d.Decode(&e); err != nil {
		h.t.Fatalf("%s said %q: %v", h.name, line, err)
	}
	if age := time.Since(e.Time); age < -time.Second || age > time.Hour {
		h.t.Errorf("time of %s", line)
	}
	if e.Event == "" || e.Address != h.peer {
		h.t.Errorf("event or address of %s, want address %s", line, h.peer)
	}
	switch e.Event {
	case "value":
		h.reading(e)
	case "disconnected":
		h.count = 0
	case "security_request":
		if !is(e.Bonding, true) || !is(e.MITM, false) {
			h.t.Errorf("BlueZ wants a bond and no more: %s", line)
		}
	}
	return e, true
}

// reading checks that the readings of one connection come without a gap.
func (h *host) reading(e event) {
	h.t.Helper()
	octets, err := hex.DecodeString(e.Value)
	if err != nil || len(octets) != 4 || e.UUID != readings || e.Handle == nil || *e.Handle == 0 {
		h.t.Fatalf("not a reading: %+v", e)
	}
	count := binary.LittleEndian.Uint32(octets)
	if h.count != 0 && count != h.count+1 {
		h.t.Errorf("reading %d came after %d", count, h.count)
	}
	h.count = count
}

// want reads one event for each check, in that order and without others between them, but for readings and
// for BlueZ's Security Request, which comes when it comes: with the first reconnection, before or after our key.
func (h *host) want(checks ...check) {
	h.t.Helper()
	for _, c := range checks {
		e, ok := h.next()
		for ok && e.Event != c.event && (e.Event == "value" || e.Event == "security_request") {
			e, ok = h.next()
		}
		if !ok {
			h.t.Fatalf("%s ended, want event %q", h.name, c.event)
		}
		if e.Event != c.event {
			h.t.Fatalf("event %+v, want %q", e, c.event)
		}
		if c.ok != nil && !c.ok(e) {
			h.t.Errorf("event %q is not as wanted: %+v", c.event, e)
		}
	}
}

// stream reads n readings.
func (h *host) stream(n int) {
	h.t.Helper()
	for range n {
		h.want(check{event: "value"})
	}
}

// ends wants no further event, and that exit status.
func (h *host) ends(status int) {
	h.t.Helper()
	for {
		e, ok := h.next()
		if !ok {
			break
		}
		if e.Event != "value" {
			h.t.Errorf("event %+v, want the end", e)
		}
	}
	if got := h.status(); got != status {
		h.t.Errorf("exit status %d, want %d; standard error:\n%s", got, status, h.stderr())
	}
}

// A check is the kind of one event and what is wanted of its fields.
type check struct {
	event string
	ok    func(event) bool
}

func is(p *bool, want bool) bool { return p != nil && *p == want }

func status(want int) func(event) bool {
	return func(e event) bool { return e.Status != nil && *e.Status == want }
}

func paired(secureConnections bool) check {
	return check{"paired", func(e event) bool {
		return e.Method != "" && is(e.Bonded, true) && is(e.SecureConnections, secureConnections) && is(e.Authenticated, false)
	}}
}

func encrypted(key string) check {
	return check{"encrypted", func(e event) bool { return e.Key == key }}
}

var (
	connected = check{event: "connected"}
	repaired  = check{event: "repaired"}
	bondLost  = check{"bond_lost", status(0x06)}
	retry     = check{"retry", func(e event) bool { return e.Attempt > 0 && e.DelayMS != nil && *e.DelayMS >= 0 }}
)

func disconnected(s int) check {
	return check{"disconnected", func(e event) bool { return status(s)(e) && e.Reason != "" }}
}

// complaint matches what btmon prints about packets that it cannot make sense of. "Unknown" alone is none:
// it says so of the service's UUID, and of commands that btvirt does not know.
var complaint = regexp.MustCompile(`(?i)malformed|too short|not enough|unexpected|unhandled|corrupt|` +
	`invalid (packet|parameter|size|length|format|data)`)

// readable has btmon read a capture: it must hold an encrypted connection, and nothing to complain of. btmon 5.66
// dies of its own captures, too, at the first discovery on a controller that is not up here and now.
func readable(t *testing.T, capture string) {
	t.Helper()
	run(t, "hciconfig", "hci0", "up")
	out := run(t, "btmon", "-r", capture)
	for _, want := range []string{"LE Create Connection", "LE Start Encryption", "Encryption Change", "Disconnect"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s: btmon reads no %q", capture, want)
		}
	}
	for line := range strings.Lines(out) {
		if complaint.MatchString(line) {
			t.Errorf("%s: btmon says: %s", capture, line)
		}
	}
}
