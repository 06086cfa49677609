//go:build lab

package lab

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// ways are the two ways to pair.
var ways = []struct {
	name              string
	secureConnections bool
}{
	{"legacy", false},
	{"secure connections", true},
}

// left is how our own disconnection looks. A controller says 0x16 to the side that asked for it; btvirt says
// to both what the other side should hear.
var left = disconnected(0x13)

// TestLostBondIsRepaired runs one jelling subscribe through everything: BlueZ drops the link, then the bond.
func TestLostBondIsRepaired(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			o := serve(t, way.secureConnections)
			h := newSession(t, o.address).subscribe("--on-lost-bond", "repair")
			h.want(connected, paired(way.secureConnections), encrypted("new"))
			h.stream(3)

			o.do("disconnect")
			h.want(disconnected(0x13), retry, connected, encrypted("stored"))
			h.stream(3)

			o.do("remove")
			h.want(disconnected(0x13), retry, connected, bondLost, paired(way.secureConnections), encrypted("new"), repaired)
			h.stream(3)

			o.do("disconnect") // and the new key is the stored one from now on
			h.want(disconnected(0x13), retry, connected, encrypted("stored"))
			h.stream(3)

			h.signal(syscall.SIGINT)
			h.want(left)
			h.ends(130)
			o.gone()
		})
	}
}

// TestLostBondIsReported runs jelling subscribe anew for every connection, as a timer would.
func TestLostBondIsReported(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			o := serve(t, way.secureConnections)
			s := newSession(t, o.address)

			h := s.subscribe("--count", "3")
			h.want(connected, paired(way.secureConnections), encrypted("new"))
			h.stream(3)
			h.want(left)
			h.ends(0)

			h = s.subscribe("--count", "3")
			h.want(connected, encrypted("stored"))
			h.stream(3)
			h.want(left)
			h.ends(0)
			was := s.bond()

			o.do("remove")
			h = s.subscribe("--count", "3", "--on-lost-bond", "notify")
			h.want(connected, bondLost, disconnected(0x05))
			h.ends(1)
			complains(t, h.stderr(), o.address, "repair", "forget")
			if is, want := s.bond(), (bond{true, true, was.SecureConnections, 1, 0}); was.Lost || is != want {
				t.Errorf("the bond was %+v and is %+v, want %+v", was, is, want)
			}

			o.reset()
			remedied(t, s, h.stderr())
			o.gone() // bluetoothd answers nobody who is back before it has taken note of the parting
			s.streams()
		})
	}
}

// streams wants readings with the stored key. bluetoothd 5.66 answers no ATT on a link that becomes encrypted just as
// it asks for that, mostly soon after it was started: then the next connection counts.
func (s *session) streams() {
	s.t.Helper()
	for try := 1; ; try++ {
		h := s.subscribe("--count", "3", "--on-lost-bond", "notify")
		h.want(connected, encrypted("stored"))
		e, ok := h.next()
		for ok && e.Event == "security_request" {
			e, ok = h.next()
		}
		if ok && e.Event == "value" {
			h.stream(2)
			h.want(left)
			h.ends(0)
			return
		}
		if try == 4 {
			s.t.Fatalf("no reading in %d connections; the last said %+v", try, e)
		}
		h.status()
	}
}

// remedy is the command that the error of a lost bond offers.
var remedy = regexp.MustCompile(`'jelling (pair [^']*)'`)

// remedied runs the remedy as printed, and wants a good bond.
func remedied(t *testing.T, s *session, stderr string) {
	t.Helper()
	found := remedy.FindStringSubmatch(stderr)
	if found == nil {
		t.Fatalf("the error offers no command:\n%s", stderr)
	}
	if out, err := s.command(strings.Fields(found[1])...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", found[0], err, out)
	}
	if b := s.bond(); !b.Bonded || b.Lost || b.TimesRepaired != 1 {
		t.Errorf("after %s the bond is %+v", found[0], b)
	}
}

// complains wants the last line of standard error to be the error, with its hint and these words in it.
func complains(t *testing.T, stderr string, words ...string) {
	t.Helper()
	last := stderr[strings.LastIndexByte(stderr, '\n')+1:]
	if !strings.HasPrefix(last, "jelling: ") {
		t.Errorf("standard error does not end with the error:\n%s", stderr)
	}
	for _, w := range words {
		if !strings.Contains(last, w) {
			t.Errorf("the error does not say %q:\n%s", w, last)
		}
	}
}
