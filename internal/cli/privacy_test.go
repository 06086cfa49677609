package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// With --privacy nothing on air is the address that the box is known by.
func TestPrivacy(t *testing.T) {
	t.Parallel()
	for _, hides := range []bool{false, true} {
		var flags []string
		if hides {
			flags = []string{"--privacy"}
		}
		d, air, _ := advertiser(t, heartFile, flags...)
		if o := d.want("advertising"); o["address"] != "06:05:04:03:02:01" {
			t.Errorf("%v", o)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		h, err := gap.Open(ctx, air.NewController(virtual.ControllerConfig{}).Conn(), gap.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		for a, err := range h.Scan(ctx, gap.ScanConfig{}) {
			if err != nil || a.Address.IsResolvable() != hides || !hides && a.Address != (hci.Address{Octets: bench}) {
				t.Errorf("hides %v: %v on air (%v)", hides, a.Address.Text(), err)
			}
			break
		}
	}
}

// What is told of a bonded peer that does not appear.
func TestReportNotSeen(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		event gap.NotSeen
		since any
		text  string
	}{
		{gap.NotSeen{}, nil, "not seen under its identity since this host began; if it lost its bond, it is back as a stranger"},
		{gap.NotSeen{Since: since}, "2026-03-01T12:30:00Z", "not seen under its identity since 2026-03-01 12:30:00; if it lost its bond, it is back as a stranger"},
	} {
		name, f, text := describe(c.event)
		if name != "not_seen" || len(f) != 1 || f[0].name != "since" || f[0].value != c.since || text != c.text {
			t.Errorf("%s %v %q", name, f, text)
		}
	}
}

// Who looks in vain for a bonded device is told what may have become of it.
func TestNotSeenHint(t *testing.T) {
	t.Parallel()
	err := &gap.NotSeenError{Peer: hci.Address{Octets: oximeterAddress}, Err: context.DeadlineExceeded}
	if hint := hintFor(err); !strings.Contains(hint, "jelling scan") || !strings.Contains(hint, "jelling bonds forget "+address) {
		t.Error(hint)
	}
}
