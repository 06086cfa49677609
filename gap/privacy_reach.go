package gap

import (
	"context"
	"errors"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// locatePatience is how long an address that was heard is tried: a peer may change it just then.
const locatePatience = 10 * time.Second

// errMoved ends an attempt by an address that may be out of use.
var errMoved = errors.New("the peer did not answer by its address of before")

// reach connects to a peer by its identity address, whatever it has on air. Patience is ConnectConfig.Patience.
func (h *Host) reach(ctx context.Context, peer hci.Address, patience time.Duration) (*driver.Conn, error) {
	began := time.Now()
	for {
		link, err := h.reachOnce(ctx, peer, patience, began)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errMoved) {
			if err != nil {
				err = h.notSeen(ctx, peer, began, err)
			}
			return link, err
		}
	}
}

// reachOnce is one attempt, at the address that the peer has now.
func (h *Host) reachOnce(ctx context.Context, peer hci.Address, patience time.Duration, began time.Time) (*driver.Conn, error) {
	c := h.Controller()
	if err := h.updateResolving(ctx, c); err != nil {
		return nil, err
	}
	p := h.cfg.Connect
	if !h.mustLocate(peer) {
		p.Patience = patience
		return c.Connect(ctx, peer, p)
	}
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, began.Add(patience), driver.ErrNoAnswer)
		defer cancel()
	}
	onAir, err := h.locate(ctx, peer)
	if err != nil {
		return nil, err
	}
	attempt, cancel := context.WithTimeoutCause(ctx, locatePatience, errMoved)
	defer cancel()
	return c.Connect(attempt, onAir, p)
}

// mustLocate tells whether a peer has to be found by the host: a bonded one that uses private addresses, and that the
// controller does not know.
func (h *Host) mustLocate(peer hci.Address) bool {
	record, ok := h.security.Record(peer)
	return ok && record.Keys.PeerIRK != nil && !h.Controller().Resolves(peer)
}

// locate finds the address that such a peer has on air today.
func (h *Host) locate(ctx context.Context, peer hci.Address) (hci.Address, error) {
	for a, err := range h.Scan(ctx, ScanConfig{Passive: true}) {
		if err != nil {
			return peer, err
		}
		if a.Identity == peer && a.Connectable {
			return a.Address, nil
		}
	}
	return peer, context.Cause(ctx)
}
