package cli

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

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
