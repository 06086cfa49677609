//go:build lab

package lab

import (
	"slices"
	"testing"
)

// TestScan wants BlueZ's advertisement. The name may come later than the rest: it is in the scan response.
func TestScan(t *testing.T) {
	o := serve(t, true)
	s := newSession(t, o.address)
	h := &host{process: start(t, "jelling", s.command("scan", "--json", "--timeout", "5s")), peer: o.address}
	named := false
	for e, ok := h.next(); ok; e, ok = h.next() {
		if e.Event != "advertisement" || e.RSSI == nil || !slices.Contains(e.Services, "cd00") {
			t.Errorf("not the oximeter's advertisement: %+v", e)
		}
		named = named || e.Name == "Lab oximeter"
	}
	if !named {
		t.Error("no advertisement with the name")
	}
	if got := h.status(); got != 0 {
		t.Errorf("exit status %d, want 0\n%s", got, h.stderr())
	}
}
