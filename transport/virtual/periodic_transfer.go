package virtual

import (
	"github.com/jelling-ble/jelling/hci"
)

// The features of who tells a peer of periodic advertising, and of who is told.
const (
	transferSender    = hci.FeaturePeriodicAdvertisingSyncTransferSender
	transferRecipient = hci.FeaturePeriodicAdvertisingSyncTransferRecipient
)

var periodicTransferCommands = map[hci.Opcode]command{
	hci.OpLEPeriodicAdvertisingSyncTransfer:              {length: 6, octet: 40, bit: 6, feature: transferSender, complete: (*Controller).transferSync},
	hci.OpLEPeriodicAdvertisingSetInfoTransfer:           {length: 5, octet: 40, bit: 7, feature: transferSender, complete: (*Controller).transferSet},
	hci.OpLESetPeriodicAdvertisingSyncTransferParameters: {length: 8, octet: 41, bit: 0, feature: transferRecipient, complete: (*Controller).setTransfer},
	hci.OpLESetDefaultPeriodicAdvertisingSyncTransferParameters: {length: 6, octet: 41, bit: 1, feature: transferRecipient,
		complete: (*Controller).setDefaultTransfer},
}

// Modes of what is done with a peer's word of periodic advertising (Vol 4, Part E, 7.8.91).
const (
	transferIgnored   hci.SyncTransferMode = 0
	transferNoReports hci.SyncTransferMode = 1
	transferReports   hci.SyncTransferMode = 2
)

// A transferMode is what an end does with it.
type transferMode struct {
	mode hci.SyncTransferMode
	how  hci.SyncOptions
}

// A transfer is where something that is followed comes from.
type transfer struct{ handle, service uint16 }

// transferTo sends a train's whereabouts; r has the connection handle, and p begins with it.
func (c *Controller) transferTo(p, r []byte, service uint16, find func() (*train, hci.Status)) ([]byte, hci.Status) {
	e, r, status := c.endOf(p, r)
	if status != hci.Success {
		return r, status
	}
	t, status := find()
	switch {
	case status != hci.Success:
		return r, status
	case !e.peer().c.has(transferRecipient):
		return r, hci.UnsupportedRemoteFeature
	}
	e.queue(pdu{op: llPeriodicSyncInd, train: t, service: service})
	return r, hci.Success
}

func (c *Controller) transferSync(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLEPeriodicAdvertisingSyncTransfer(p)
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	return c.transferTo(p, r, q.ServiceData, func() (*train, hci.Status) {
		if s := c.sync(q.SyncHandle); s != nil {
			return s.train, hci.Success
		}
		return nil, hci.UnknownAdvertisingIdentifier
	})
}

func (c *Controller) transferSet(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLEPeriodicAdvertisingSetInfoTransfer(p)
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	return c.transferTo(p, r, q.ServiceData, func() (*train, hci.Status) {
		switch v := c.set(q.AdvertisingHandle); {
		case v == nil:
			return nil, hci.UnknownAdvertisingIdentifier
		case !v.train.onAir():
			return nil, hci.CommandDisallowed
		default:
			return v.train, hci.Success
		}
	})
}

func (c *Controller) setTransfer(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetPeriodicAdvertisingSyncTransferParameters(p)
	e, r, status := c.endOf(p, r)
	m := transferMode{q.Mode, q.Sync}
	switch {
	case status != hci.Success:
		return r, status
	case err != nil:
		return r, hci.InvalidHCICommandParameters
	}
	if status := m.judge(); status != hci.Success {
		return r, status
	}
	e.transfer = m
	return r, hci.Success
}

func (c *Controller) setDefaultTransfer(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetDefaultPeriodicAdvertisingSyncTransferParameters(p)
	m := transferMode{q.Mode, q.Sync}
	if err != nil {
		return r, hci.InvalidHCICommandParameters
	}
	if status := m.judge(); status != hci.Success {
		return r, status
	}
	c.transfer = m
	return r, hci.Success
}

func (m transferMode) judge() hci.Status {
	switch {
	case m.mode > transferReports+1:
		return hci.InvalidHCICommandParameters
	case m.mode > transferReports: // duplicates are known by the data ID, which periodic advertising does not have here
		return hci.UnsupportedFeatureOrParameter
	}
	return judgeSync(m.how)
}

// receivePeriodicSync follows the train that the peer tells of, if the host wants that (Vol 6, Part B, 5.1.13).
func (e *end) receivePeriodicSync(p pdu) {
	c, t := e.c, p.train
	if e.transfer.mode == transferIgnored || !t.onAir() || len(c.syncs) >= maxSyncs {
		return
	}
	who, _ := c.identify(t.self)
	if c.syncedTo(who.address, t.v.SID) != nil {
		return
	}
	s := c.follow(t, who, e.transfer.how, e.transfer.mode == transferReports)
	s.transfer = &transfer{e.handle, p.service}
}
