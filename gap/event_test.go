package gap

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// Whoever is slow loses events, and the log says how many; nobody waits.
func TestEventsLost(t *testing.T) {
	release, told := make(chan struct{}), 0
	var warnings []string
	e := newEvents(func(Event) { <-release; told++ }, func(err error) { warnings = append(warnings, err.Error()) })
	for range maxEvents + 20 {
		e.tell(hci.Address{}, Retry{})
	}
	close(release)
	e.close()
	e.tell(hci.Address{}, Retry{}) // after the end, without effect
	if told < maxEvents || told > maxEvents+1 {
		t.Errorf("told of %d, want %d", told, maxEvents)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], " were dropped") {
		t.Errorf("%q", warnings)
	}
}

// What is to be called in turn is called when whoever is told is through with what came before, and also where nobody is.
func TestEventsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		e := newEvents(func(event Event) {
			time.Sleep(time.Second)
			order = append(order, event.Peer.String())
		}, nil)
		e.tell(hci.Address{Octets: [6]byte{1}}, Disconnected{})
		e.call(func() { order = append(order, "called") })
		e.tell(hci.Address{Octets: [6]byte{2}}, Connected{})
		e.close()
		if got := strings.Join(order, " "); got != "00:00:00:00:00:01 called 00:00:00:00:00:02" {
			t.Errorf("%s", got)
		}
		called := false
		e = newEvents(nil, nil)
		e.call(func() { called = true })
		e.close()
		if !called {
			t.Error("not called where nobody is told of events")
		}
	})
}
