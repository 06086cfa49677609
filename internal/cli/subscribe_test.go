package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// The last value that --count wants may be the last thing that the peer says: it is not connected to again.
func TestSubscribeEndsWithTheLink(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	defer air.Close()
	meter, err := startOximeter(ctx, air, oximeterConfig{interval: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer meter.Close()
	radio := air.NewController(virtual.ControllerConfig{Name: "box"})
	stdout := &lines{}
	stdout.line = func(line string) {
		if strings.Contains(line, `"value"`) {
			radio.DropLinks(hci.ConnectionTimeout)
			meter.cancel() // and it never comes back
		}
	}
	e := &env{out: newOutput(stdout, &lines{}, true), log: logrus.New(), stderr: &lines{}}
	h, err := gap.Open(ctx, radio.Conn(), gap.Config{Events: e.report})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	s := &subscription{env: e, count: 1, what: selection{uuid: gatt.PLXContinuousMeasurement}}
	if err := s.follow(ctx, &host{Host: h}, target{address: hci.Address{Octets: oximeterAddress}, typed: true}); err != nil {
		t.Errorf("%v: %s", err, stdout)
	}
	if strings.Contains(stdout.String(), "retry") {
		t.Error(stdout)
	}
}

// Who asks for what is not there does not hang up in the middle of a pairing, for which he would have to wait the next time.
func TestFailureLetsPairingEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for args, says := range map[string]string{
		"subscribe " + address + " 2a00": "neither notifies nor indicates",
		"l2cap cat 0x10 " + address:      "SPSM not supported",
	} {
		r := jelling(t, dir, strings.Fields(args)...)
		if r.status != 1 || !strings.Contains(r.stderr, says) || !strings.Contains(r.stderr, "paired by") || strings.Contains(r.stderr, "pairing failed") {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// A reason that nobody gave is no number.
func TestPairingFailedReason(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]gap.PairingFailed{
		smp.PairingNotSupported.String(): {Reason: smp.PairingNotSupported, ByPeer: true},
		"timeout":                        {Err: fmt.Errorf("pairing: %w", smp.ErrTimeout)},
		"disconnected":                   {Err: &smp.LinkError{Status: hci.ConnectionTimeout}},
		"unknown":                        {Err: errors.New("else")},
	} {
		name, f, text := describe(d)
		if name != "pairing_failed" || f[0].name != "reason" || f[0].value != want || strings.Contains(text, "0x00") {
			t.Errorf("%+v: %s %v %q, want the reason %s", d, name, f, text, want)
		}
	}
}

// The hint is for what went wrong, not for what that led to.
func TestHints(t *testing.T) {
	t.Parallel()
	peer := hci.Address{Octets: oximeterAddress}
	weaker := fmt.Errorf("%w: %w", smp.ErrRefusedWeaker, smp.AuthenticationRequirements)
	for _, c := range []struct {
		err  error
		says string
	}{
		{&smp.LostBondError{Peer: peer}, "--on-lost-bond repair"},
		{&smp.LostBondError{Peer: peer, Err: weaker}, "forget the bond first: jelling bonds forget " + address},
		{&smp.LostBondError{Peer: peer, Err: &smp.WaitError{}}, "tried again after that wait"},
		{&smp.RefusedError{Peer: peer, Err: smp.ErrRefusedWeaker}, "forget the bond first: jelling bonds forget " + address},
		{weaker, "forget the bond first: jelling bonds forget ADDRESS"},
		{&smp.LevelError{}, "no way to ask a person"},
		{context.DeadlineExceeded, "is the device on"},
	} {
		if hint := hintFor(fmt.Errorf("secure the link: %w", c.err)); !strings.Contains(hint, c.says) {
			t.Errorf("%v: %q, want %q", c.err, hint, c.says)
		}
	}
}
