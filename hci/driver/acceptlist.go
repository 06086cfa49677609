package driver

import (
	"context"
	"errors"
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

// errAcceptListTaken says that the accept list is in use for something else than connecting.
var errAcceptListTaken = errors.New("hci: the filter accept list filters advertising or scanning")

// acceptList is what the controller's filter accept list holds; guarded by the radio token.
type acceptList struct {
	held    []hci.Address
	unknown bool // a change failed half-way
	filter  bool // the list is SetAcceptList's
}

// SetAcceptList makes the controller's filter accept list these devices, at most Info.AcceptList, for scanning and
// advertising that filter by it. Both, and initiating, pause meanwhile. While there are any, connections are created
// to one peer at a time; with none the list is free for connecting, as it is in the beginning.
func (c *Controller) SetAcceptList(ctx context.Context, devices []hci.Address) error {
	if len(devices) > c.info.AcceptList {
		return &CommandError{hci.OpLEAddDeviceToFilterAcceptList, hci.MemoryCapacityExceeded}
	}
	return c.still(ctx, func() error {
		err := c.changeAcceptList(devices)
		c.accept.filter = err == nil && len(devices) > 0
		return err
	})
}

// listAccepted makes the list the peers of a batch. Nobody initiates.
func (c *Controller) listAccepted(batch []*attempt) error {
	if err := c.takeRadio(context.Background()); err != nil {
		return err
	}
	defer c.freeRadio()
	if c.accept.filter {
		return errAcceptListTaken
	}
	var peers []hci.Address
	for _, a := range batch {
		peers = append(peers, a.peer)
	}
	return c.changeAcceptList(peers)
}

// changeAcceptList brings the list to what it is to be, by as few commands as may be.
func (c *Controller) changeAcceptList(wanted []hci.Address) error {
	l := &c.accept
	if l.unknown || len(wanted) == 0 && len(l.held) > 0 {
		if err := c.sequence(hci.LEClearFilterAcceptList); err != nil {
			return err
		}
		l.held, l.unknown = nil, false
	}
	for _, a := range slices.Clone(l.held) {
		if slices.Contains(wanted, a) {
			continue
		}
		if err := c.sequence(hci.LERemoveDeviceFromFilterAcceptList(a)); err != nil {
			l.unknown = true
			return err
		}
		l.held = slices.DeleteFunc(l.held, func(b hci.Address) bool { return a == b })
	}
	for _, a := range wanted {
		if slices.Contains(l.held, a) {
			continue
		}
		if err := c.sequence(hci.LEAddDeviceToFilterAcceptList(a)); err != nil {
			l.unknown = true
			return err
		}
		l.held = append(l.held, a)
	}
	return nil
}
