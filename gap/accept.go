package gap

import (
	"context"
	"slices"
	"sync"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// accepted are the peers of SetAcceptList.
type accepted struct {
	mu    sync.Mutex // guards all below
	peers []hci.Address
}

// SetAcceptList has AdvertiseConfig.Accepted and ScanConfig.Accepted mean these peers, by their identities; with none they
// mean nobody. The controller's filter accept list holds them, so that others cost nothing: more than it has room for are
// an error that satisfies errors.Is for hci.MemoryCapacityExceeded. A bonded peer that hides behind private addresses, and that
// the controller does not resolve, is found by the host where we scan, and is not let in where we advertise. While there
// are any, connections are created to one peer at a time.
func (h *Host) SetAcceptList(ctx context.Context, peers []hci.Address) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case h.scanners.changes <- struct{}{}: // scanning may change with it
		defer h.scanners.changed()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c := h.Controller()
	if err := h.acceptOn(ctx, c, peers); err != nil {
		return err
	}
	if all := h.scanners.configs(); len(all) > 0 {
		return c.StartScan(context.WithoutCancel(ctx), h.together(c, all))
	}
	return nil
}

// acceptOn gives a controller the list.
func (h *Host) acceptOn(ctx context.Context, c *driver.Controller, peers []hci.Address) error {
	if err := h.updateResolving(ctx, c); err != nil {
		return err
	}
	if err := c.SetAcceptList(ctx, peers); err != nil {
		return err
	}
	a := &h.accepted
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peers = slices.Clone(peers)
	return nil
}

// controllerAccepts tells whether the controller would know all of the list.
func (h *Host) controllerAccepts(c *driver.Controller) bool {
	return !slices.ContainsFunc(h.accepted.list(), func(peer hci.Address) bool {
		record, ok := h.security.Record(peer)
		return ok && record.Keys.PeerIRK != nil && !c.Resolves(peer)
	})
}

// accepts tells whether somebody who was heard is in the list.
func (a *accepted) accepts(identity, onAir hci.Address) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.peers, identity) || slices.Contains(a.peers, onAir)
}

func (a *accepted) list() []hci.Address {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.peers
}
