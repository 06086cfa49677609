//go:build lab

package lab

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// serveWith starts an oximeter whose agent has a capability, and says "no" to numbers if told so.
func serveWith(t *testing.T, secureConnections bool, agent ...string) *oximeter {
	t.Helper()
	radio(t)
	o := &oximeter{secureConnections: secureConnections, agent: agent}
	o.boot(t)
	return o
}

// enters has the agent enter a passkey, when it is asked for one or has been.
func (o *oximeter) enters(passkey string) {
	o.t.Helper()
	o.tell("passkey " + passkey)
	o.event("done")
}

// A pairing is a running jelling pair.
type pairing struct{ *process }

// pair starts jelling pair, with the answers that a person would type, in order.
func (s *session) pair(answers []string, args ...string) pairing {
	s.t.Helper()
	s.runs++
	name := fmt.Sprintf("jelling-%d", s.runs)
	args = append([]string{"pair", s.peer, "--json", "-v", "--timeout", "40s", "--capture", output(s.t, name+".btsnoop")}, args...)
	p := pairing{start(s.t, name, s.command(args...))}
	for _, a := range answers {
		p.tell(a)
	}
	return p
}

// shown waits for the passkey that jelling displays.
func (p pairing) shown() (passkey string) {
	p.t.Helper()
	p.await("passkey", func() bool {
		for _, line := range p.errs {
			if m := regexp.MustCompile(`Enter the passkey (\d{6}) on`).FindStringSubmatch(line); m != nil {
				passkey = m[1]
			}
		}
		return passkey != ""
	})
	return passkey
}

// ends reads all events to the end, wants that exit status, and returns the events by their names.
func (p pairing) ends(status int) map[string]event {
	p.t.Helper()
	all := map[string]event{}
	for {
		line, ok := p.next()
		if !ok {
			break
		}
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			p.t.Fatalf("%s said %q: %v", p.name, line, err)
		}
		all[e.Event] = e
	}
	if got := p.status(); got != status {
		p.t.Errorf("exit status %d, want %d; standard error:\n%s", got, status, p.stderr())
	}
	return all
}

// wantPaired wants a pairing of that method among the events, authenticated unless it is Just Works, or is not said to be.
func wantPaired(t *testing.T, all map[string]event, method string, secureConnections, authenticated bool) {
	t.Helper()
	e, ok := all["paired"]
	if !ok || e.Method != method || !is(e.SecureConnections, secureConnections) || !is(e.Authenticated, authenticated) || !is(e.Bonded, true) {
		t.Errorf("paired: %v, %+v", ok, e)
	}
}

// again connects once more, by the stored key and nothing else.
func (s *session) again(args ...string) {
	s.t.Helper()
	all := s.pair(nil, args...).ends(0)
	if _, paired := all["paired"]; paired || all["encrypted"].Key != "stored" {
		s.t.Errorf("not encrypted by the stored key: %+v", all)
	}
}

// TestPasskey both ways, both ways to pair, and once more with the key.
func TestPasskey(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name+", entered here", func(t *testing.T) {
			o := serveWith(t, way.secureConnections, "DisplayOnly")
			s := newSession(t, o.address)
			p := s.pair(nil, "--io", "keyboard", "--security", "authenticated")
			p.tell(o.event("agent").Number)
			wantPaired(t, p.ends(0), "passkey", way.secureConnections, true)
			s.again("--security", "authenticated")
		})
		t.Run(way.name+", entered there", func(t *testing.T) {
			o := serveWith(t, way.secureConnections, "KeyboardOnly")
			s := newSession(t, o.address)
			p := s.pair(nil, "--io", "display", "--security", "authenticated")
			o.enters(p.shown())
			wantPaired(t, p.ends(0), "passkey", way.secureConnections, true)
			s.again("--security", "authenticated")
		})
	}
}

// TestFixedPasskey is entered without a person, and does not count as authenticated unless it is trusted.
func TestFixedPasskey(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		t.Run(fmt.Sprint("trusted ", trusted), func(t *testing.T) {
			o := serveWith(t, true, "KeyboardOnly")
			o.enters("271828")
			args := []string{"--passkey", "271828", "--io", "display"}
			if trusted {
				args = append(args, "--trust-passkey", "--security", "authenticated")
			}
			s := newSession(t, o.address)
			wantPaired(t, s.pair(nil, args...).ends(0), "passkey", true, trusted)
		})
	}
}

// TestWrongPasskey fails, keeps nothing, and the next attempt succeeds.
func TestWrongPasskey(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			o := serveWith(t, way.secureConnections, "KeyboardOnly")
			s := newSession(t, o.address)
			p := s.pair(nil, "--io", "display")
			n := p.shown()
			o.enters(strings.Map(func(r rune) rune { return '0' + '9' - r }, n))
			if all := p.ends(1); all["pairing_failed"].Event == "" {
				t.Errorf("not told of: %+v", all)
			}
			if out, err := s.command("bonds", "list").CombinedOutput(); err != nil || strings.Contains(string(out), "bonded") {
				t.Errorf("a bond is left: %s, %v", out, err)
			}
			o.reset()
			s.peer = o.address
			s.waits()
			p = s.pair(nil, "--io", "display", "--timeout", "60s")
			o.enters(p.shown())
			wantPaired(t, p.ends(0), "passkey", way.secureConnections, true)
		})
	}
}

// waits is long enough for the wait after the first failed pairing, which a second attempt has to sit out. What remains of
// it is kept between two runs of jelling, and gets less only while one runs.
func (s *session) waits() {
	s.t.Helper()
	if out, err := s.command("scan", "--timeout", "1500ms").CombinedOutput(); err != nil {
		s.t.Fatalf("jelling scan: %v\n%s", err, out)
	}
}

// TestNumericComparison with a yes on both sides, a no here, and a no there.
func TestNumericComparison(t *testing.T) {
	t.Run("yes", func(t *testing.T) {
		o := serveWith(t, true, "DisplayYesNo")
		s := newSession(t, o.address)
		p := s.pair([]string{"yes"}, "--io", "display-yes-no", "--security", "sc")
		number := o.event("agent").Number
		wantPaired(t, p.ends(0), "numeric-comparison", true, true)
		if !strings.Contains(p.stderr(), number) || number == "" {
			t.Errorf("BlueZ shows %q, and jelling:\n%s", number, p.stderr())
		}
		s.again("--security", "sc")
	})
	t.Run("no here", func(t *testing.T) {
		o := serveWith(t, true, "DisplayYesNo")
		refused(t, newSession(t, o.address).pair([]string{"no"}, "--io", "display-yes-no"))
	})
	t.Run("no there", func(t *testing.T) {
		o := serveWith(t, true, "DisplayYesNo", "no")
		refused(t, newSession(t, o.address).pair([]string{"yes"}, "--io", "display-yes-no"))
	})
}

func refused(t *testing.T, p pairing) {
	t.Helper()
	all := p.ends(1)
	if _, paired := all["paired"]; paired || all["pairing_failed"].Reason != "Numeric Comparison Failed" {
		t.Errorf("%+v", all["pairing_failed"])
	}
}

// TestSecureConnectionsOnly refuses legacy.
func TestSecureConnectionsOnly(t *testing.T) {
	o := serveWith(t, false, "NoInputNoOutput")
	p := newSession(t, o.address).pair(nil, "--sc-only")
	if all := p.ends(1); all["pairing_failed"].Reason != "Authentication Requirements" {
		t.Errorf("%+v", all)
	}
}

// TestAuthenticatedBondIsRepairedWithConsent, and not without: BlueZ has forgotten it.
func TestAuthenticatedBondIsRepairedWithConsent(t *testing.T) {
	o := serveWith(t, true, "KeyboardOnly")
	s := newSession(t, o.address)
	p := s.pair(nil, "--io", "display")
	o.enters(p.shown())
	wantPaired(t, p.ends(0), "passkey", true, true)

	o.do("remove")
	all := s.pair([]string{"no"}, "--io", "keyboard-display", "--on-lost-bond", "repair").ends(1)
	if all["bond_lost"].Event == "" || all["repair_refused"].Event == "" {
		t.Errorf("%+v", all)
	}
	o.reset()
	s.peer = o.address
	p = s.pair([]string{"yes"}, "--io", "keyboard-display", "--on-lost-bond", "repair")
	o.enters(p.shown())
	all = p.ends(0)
	wantPaired(t, all, "passkey", true, true)
	if all["repaired"].Event == "" || !s.bond().Bonded {
		t.Errorf("%+v", all)
	}
}

// TestUpgrade asks for more than the bond has: the devices pair again on the link that the bond has encrypted.
func TestUpgrade(t *testing.T) {
	o := serveWith(t, true, "KeyboardOnly")
	s := newSession(t, o.address)
	wantPaired(t, s.pair(nil).ends(0), "just-works", true, false)
	p := s.pair(nil, "--io", "display", "--security", "authenticated")
	o.enters(p.shown())
	all := p.ends(0)
	wantPaired(t, all, "passkey", true, true)
	if all["bond_lost"].Event != "" {
		t.Errorf("%+v", all)
	}
	s.again("--security", "authenticated")
}
