//go:build lab

package lab

import (
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

// TestLostBondIsRepaired runs one jelling subscribe through everything: BlueZ drops the link, then the bond.
func TestLostBondIsRepaired(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			o := serve(t, way.secureConnections)
			h := newSession(t, o.address).subscribe("--on-lost-bond", "repair")
			h.want(connected, encrypted("new"), paired(way.secureConnections))
			h.stream(3)

			o.do("disconnect")
			h.want(disconnected(0x13), retry, connected, encrypted("stored"))
			h.stream(3)

			o.do("remove")
			h.want(disconnected(0x13), retry, connected, bondLost, encrypted("new"), paired(way.secureConnections), repaired)
			h.stream(3)

			o.do("disconnect") // and the new key is the stored one from now on
			h.want(disconnected(0x13), retry, connected, encrypted("stored"))
			h.stream(3)

			h.signal(syscall.SIGINT)
			h.want(disconnected(0x16))
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
			h.want(connected, encrypted("new"), paired(way.secureConnections))
			h.stream(3)
			h.want(disconnected(0x16))
			h.ends(0)

			h = s.subscribe("--count", "3")
			h.want(connected, encrypted("stored"))
			h.stream(3)
			h.want(disconnected(0x16))
			h.ends(0)
			before := s.bond()

			o.do("remove")
			h = s.subscribe("--count", "3", "--on-lost-bond", "notify")
			h.want(connected, bondLost)
			h.want(disconnected(0x16))
			h.ends(1)
			complains(t, h.stderr(), o.address, "repair", "forget")
			t.Logf("the bond before:\n%s\nand after:\n%s", before, s.bond())

			h = s.subscribe("--count", "3", "--on-lost-bond", "repair")
			h.want(connected, bondLost, encrypted("new"), paired(way.secureConnections), repaired)
			h.stream(3)
			h.want(disconnected(0x16))
			h.ends(0)
		})
	}
}

// complains wants exactly one line "jelling: …" on standard error, with these words in it or in the hint
// that may follow.
func complains(t *testing.T, stderr string, words ...string) {
	t.Helper()
	n := 0
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "jelling: ") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d lines of error, want one:\n%s", n, stderr)
	}
	for _, w := range words {
		if !strings.Contains(stderr, w) {
			t.Errorf("standard error does not say %q:\n%s", w, stderr)
		}
	}
}
