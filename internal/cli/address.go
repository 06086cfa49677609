package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt/assigned"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// peerForms is how the commands that connect may be told to whom.
const peerForms = `PEER is an address (00:1C:05:FF:F0:30, optionally with /public or /random), or the first device heard that has a name
or advertises a service: name:Jelling, service:180d, "service:heart rate".`

// target is a PEER argument.
type target struct {
	address hci.Address
	typed   bool // the type of the address was given
	name    string
	service att.UUID
	text    string // what was written, if it is no address
}

// parseTarget reads a PEER argument.
func parseTarget(text string) (t target, err error) {
	form, rest, _ := strings.Cut(text, ":")
	switch {
	case form == "name" && rest != "":
		return target{name: rest, text: text}, nil
	case form == "service":
		t.text = text
		if t.service, err = assigned.UUID(assigned.Service, rest); err != nil {
			err = usageError{err}
		}
		return t, err
	}
	t.address, t.typed, err = parsePeer(text)
	return t, err
}

// isMet tells whether an advertisement is of the target.
func (t target) isMet(a gap.Advertisement) bool {
	if !a.Connectable {
		return false
	}
	if t.name != "" {
		return strings.EqualFold(a.Data.Name(), t.name)
	}
	return slices.Contains(a.Data.Services(), t.service)
}

// resolve finds the address of a target, by a scan where it takes one.
func (h *host) resolve(ctx context.Context, t target) (hci.Address, error) {
	if t.text == "" {
		return h.resolvePeer(ctx, t.address, t.typed)
	}
	for a, err := range h.Scan(ctx, gap.ScanConfig{Merge: true, Duplicates: gap.ReportAll}) {
		if err != nil {
			return hci.Address{}, err
		}
		if t.isMet(a) {
			return a.Identity, nil
		}
	}
	return hci.Address{}, fmt.Errorf("%s was not heard: %w", t.text, context.Cause(ctx))
}

// parsePeer reads an ADDRESS argument.
func parsePeer(text string) (a hci.Address, typed bool, err error) {
	a, typed, err = hci.ParseAddress(text)
	if err != nil {
		err = usageError{err}
	}
	return a, typed, err
}

// resolvePeer finds the type of an address that was given without one: the bond tells, or a scan.
func (h *host) resolvePeer(ctx context.Context, a hci.Address, typed bool) (hci.Address, error) {
	if typed {
		return a, nil
	}
	if known, ok := withOctets(h.store.List(h.Identity()), a); ok {
		return known, nil
	}
	for heard, err := range h.Scan(ctx, gap.ScanConfig{Passive: true}) {
		if err != nil {
			return a, err
		}
		if heard.Address.Octets == a.Octets {
			return heard.Address, nil
		}
	}
	return a, fmt.Errorf("%v was not heard, so its address type is not known: %w; write /public or /random behind it", a, context.Cause(ctx))
}

// withOctets finds the peer of a record by the octets of its address alone.
func withOctets(records []smp.Record, a hci.Address) (hci.Address, bool) {
	for _, r := range records {
		if r.Peer.Octets == a.Octets {
			return r.Peer, true
		}
	}
	return a, false
}
