package profile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/profile"
)

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestQualificationOfTheServer plays testdata/server.scripts, which says what its lines are. The jelling command is made to play
// them too.
func TestQualificationOfTheServer(t *testing.T) {
	all, err := atttest.ParseScenarios(read(t, "testdata/server.scripts"), "profile", "security", "key")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range all {
		if names[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		names[s.Name] = true
		t.Run(s.Name, func(t *testing.T) { play(t, s) })
	}
	if len(names) < 200 {
		t.Errorf("%d scripts", len(names))
	}
}

// securities are the words of the setting.
var securities = map[string]att.Security{
	"":              {},
	"encrypted":     {Encrypted: true, KeySize: 16},
	"authenticated": {Encrypted: true, Authenticated: true, KeySize: 16},
}

func play(t *testing.T, s atttest.Scenario) {
	p := parse(t, read(t, "testdata/"+s.Settings["profile"]+".json"))
	server, err := p.NewServer(gatt.ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	security, known := securities[s.Settings["security"]]
	if !known {
		t.Fatalf("security %s", s.Settings["security"])
	}
	_, hasKey := s.Settings["key"]
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{Security: security})
		conn := gatt.NewConn(near, gatt.Config{Server: server, MTU: p.MTU, HasKey: func() bool { return hasKey }})
		near.Attach(conn)
		peer := atttest.NewPeer(t, far)
		for _, step := range s.Steps {
			switch step.Verb {
			case atttest.Says:
				peer.Send(fmt.Sprintf("%x", step.Octets))
			case atttest.Hears:
				peer.Want(fmt.Sprintf("%x", step.Octets))
			case atttest.Silence:
				peer.WantNothing()
			case "mtu":
				peer.Ask("02 1700", "03 0002")
			case "notify":
				tell(t, p.Characteristics, server, step)
			default:
				t.Fatalf("%s: no such step", step.Verb)
			}
		}
		peer.WantNothing()
		near.Disconnect(errors.New("end of the script"))
		near.Wait()
		conn.Wait()
	})
}

// tell has the server tell a value of the characteristic with a handle, in the background: an indication has to be confirmed by the script.
func tell(t *testing.T, list []*profile.Characteristic, server *gatt.Server, step atttest.Step) {
	t.Helper()
	handle, err := strconv.ParseUint(step.Words, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if server.Handle(c.Declared) == uint16(handle) {
			go func() { _ = server.Notify(context.Background(), c.Declared, step.Octets) }() // ends with the confirmation or the link
			synctest.Wait()
			return
		}
	}
	t.Fatalf("no characteristic has the handle %s", step.Words)
}
