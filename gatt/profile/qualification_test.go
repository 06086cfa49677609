package profile_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// A script is what a client says to the server of a profile, and what it hears: pairs of a PDU and its answer, empty for none. Between
// them may stand "notify 0003 …", which tells a value to subscribers, and after it what they hear, with the confirmation as the next PDU.
type script struct {
	name    string // of the case in the qualification suite, without GATT/SR/, and what is special
	profile string
	steps   []string
	sec     att.Security
	hasKey  bool // there is a key by which the link could be encrypted
}

var (
	encrypted     = att.Security{Encrypted: true, KeySize: 16}
	authenticated = att.Security{Encrypted: true, Authenticated: true, KeySize: 16}
)

// run plays a script. Every script begins with the MTU that holds without an exchange.
func (s script) run(t *testing.T) {
	t.Helper()
	p := parse(t, s.profile)
	server, err := p.NewServer(gatt.ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{Security: s.sec})
		conn := gatt.NewConn(near, gatt.Config{Server: server, MTU: p.MTU, HasKey: func() bool { return s.hasKey }})
		near.Attach(conn)
		peer := atttest.NewPeer(t, far)
		for i := 0; i < len(s.steps); i += 2 {
			ask, want := s.steps[i], s.steps[i+1]
			if handle, value, ok := strings.Cut(strings.TrimPrefix(ask, "notify "), " "); ok && strings.HasPrefix(ask, "notify ") {
				tell(t, p.Characteristics, server, handle, value)
			} else {
				peer.Send(ask)
			}
			if want == "" {
				peer.WantNothing()
			} else {
				peer.Want(want)
			}
		}
		peer.WantNothing()
		near.Disconnect(errors.New("end of the script"))
		near.Wait()
		conn.Wait()
	})
}

// errorFor is the error response to a request.
func errorFor(ask, handle, code string) []string {
	return []string{ask, "01" + strings.TrimSpace(ask)[:2] + handle + code}
}

// mtu23 exchanges the smallest MTU, as qualification scripts begin.
var mtu23 = []string{"02 1700", "03 0002"}

// after puts scripts behind the exchange of the MTU.
func after(steps ...string) []string { return append(append([]string{}, mtu23...), steps...) }

func TestQualificationOfTheServer(t *testing.T) {
	names := map[string]bool{}
	for _, group := range [][]script{configuration, discovery, reading, readingSeveral, writing, writingLong, telling, ownService, unsupported} {
		for _, s := range group {
			if names[s.name] {
				t.Errorf("%s is there twice", s.name)
			}
			names[s.name] = true
			t.Run(s.name, s.run)
		}
	}
	if len(names) < 190 {
		t.Errorf("%d scripts", len(names))
	}
}
