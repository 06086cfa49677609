package driver

import (
	"context"
	"errors"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TransferSync tells the peer of a connection where the periodic advertising is that we follow, so that it
// can follow it too; serviceData is for the peer's host.
func (c *Conn) TransferSync(ctx context.Context, s *Sync, serviceData uint16) error {
	if err := s.Err(); err != nil {
		return &CommandError{hci.OpLEPeriodicAdvertisingSyncTransfer, err}
	}
	return c.transfer(ctx, hci.LEPeriodicAdvertisingSyncTransfer{Handle: c.handle, ServiceData: serviceData, SyncHandle: s.Handle()})
}

// TransferSet tells the peer of a connection where the periodic advertising of our own set is.
func (c *Conn) TransferSet(ctx context.Context, s *AdvertisingSet, serviceData uint16) error {
	return c.transfer(ctx, hci.LEPeriodicAdvertisingSetInfoTransfer{Handle: c.handle, ServiceData: serviceData, AdvertisingHandle: s.handle})
}

// transfer tells the peer. A controller that has not asked yet what the peer can refuses (Vol 4, Part E, 7.8.89): then it
// is made to ask.
func (c *Conn) transfer(ctx context.Context, cmd hci.Command) error {
	_, err := c.do(ctx, cmd)
	if !errors.Is(err, hci.UnsupportedRemoteFeature) {
		return err
	}
	if e, asked := c.RemoteFeatures(ctx); asked != nil || e.Features&hci.FeaturePeriodicAdvertisingSyncTransferRecipient == 0 {
		return err
	}
	_, err = c.do(ctx, cmd)
	return err
}

// TransferParameters are how to follow the periodic advertising that a peer tells of.
type TransferParameters struct {
	Skip             uint16        // events that the controller may skip, at most 499
	Timeout          time.Duration // as in SyncParameters
	NoReports        bool
	FilterDuplicates bool // as in SyncParameters
}

// Modes of LE Set Periodic Advertising Sync Transfer Parameters (Vol 4, Part E, 7.8.91).
const (
	transferIgnored   hci.SyncTransferMode = 0
	transferNoReports hci.SyncTransferMode = 1
	transferReports   hci.SyncTransferMode = 2
	transferFiltered  hci.SyncTransferMode = 3
)

// AcceptSyncs follows the periodic advertising that the peer of a connection tells of. For each, accept is
// called on the controller's loop, must not wait, and gives what handles it; nil has it ended. A nil accept
// has the controller ignore what the peer tells.
func (c *Conn) AcceptSyncs(ctx context.Context, p TransferParameters, accept func(s *Sync, serviceData uint16) SyncHandler) error {
	const op = hci.OpLESetPeriodicAdvertisingSyncTransferParameters
	options, err := syncOptions(op, p.Skip, p.Timeout)
	if err != nil {
		return err
	}
	mode := transferReports
	switch {
	case accept == nil:
		mode = transferIgnored
	case p.NoReports:
		mode = transferNoReports
	case p.FilterDuplicates && c.c.info.PeriodicADI():
		mode = transferFiltered
	}
	if err := c.c.onLoop(func() { c.accept = accept }); err != nil {
		return &CommandError{op, err}
	}
	_, err = c.do(ctx, hci.LESetPeriodicAdvertisingSyncTransferParameters{Handle: c.handle, Mode: mode, Sync: options})
	return err
}

// handleTransfer is the outcome of what a peer told: the loop.
func (c *Controller) handleTransfer(e hci.LEPeriodicAdvertisingSyncTransferReceivedV2) {
	if e.Status != hci.Success {
		c.logf("periodic advertising that a peer told of: %v", e.Status)
		return
	}
	conn := c.conns[e.Handle]
	if conn == nil || conn.accept == nil {
		c.refuseSync(e.Train.SyncHandle)
		return
	}
	s := c.addSync(e.Train, e.Subevents, nil)
	if handler := conn.accept(s, e.ServiceData); handler != nil {
		s.handler = handler
		return
	}
	c.endSync(s, errSyncEnded)
	c.refuseSync(e.Train.SyncHandle)
}
