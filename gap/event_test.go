package gap

import (
	"strings"
	"testing"

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
