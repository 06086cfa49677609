package virtual

import (
	"slices"

	"github.com/jelling-ble/jelling/hci"
)

var periodicListCommands = map[hci.Opcode]command{
	hci.OpLEAddDeviceToPeriodicAdvertiserList:      {length: 8, octet: 38, bit: 3, feature: periodicFeature, complete: (*Controller).addPeriodic},
	hci.OpLERemoveDeviceFromPeriodicAdvertiserList: {length: 8, octet: 38, bit: 4, feature: periodicFeature, complete: (*Controller).removePeriodic},
	hci.OpLEClearPeriodicAdvertiserList:            {length: 0, octet: 38, bit: 5, feature: periodicFeature, complete: (*Controller).clearPeriodic},
	hci.OpLEReadPeriodicAdvertiserListSize:         {length: 0, octet: 38, bit: 6, feature: periodicFeature, complete: (*Controller).readPeriodicSize},
}

// periodicListSize is how many advertisers the list holds.
const periodicListSize = 8

// A periodicEntry is an advertiser of the periodic advertiser list.
type periodicEntry struct {
	address hci.Address
	sid     uint8
}

// periodicEntryOf reads an entry. The list does not change while it may be in use (Vol 4, Part E, 7.8.70).
func (c *Controller) periodicEntryOf(p []byte) (periodicEntry, hci.Status) {
	q, err := hci.ParsePeriodicAdvertiser(hci.OpLEAddDeviceToPeriodicAdvertiserList, p)
	switch {
	case c.syncAttempt.on:
		return periodicEntry{}, hci.CommandDisallowed
	case err != nil, p[0] > 1, q.SID > maxSID:
		return periodicEntry{}, hci.InvalidHCICommandParameters
	}
	return periodicEntry{q.Advertiser, q.SID}, hci.Success
}

func (c *Controller) addPeriodic(p, r []byte) ([]byte, hci.Status) {
	e, status := c.periodicEntryOf(p)
	switch {
	case status != hci.Success:
		return r, status
	case slices.Contains(c.periodicList, e):
		return r, hci.InvalidHCICommandParameters
	case len(c.periodicList) >= periodicListSize:
		return r, hci.MemoryCapacityExceeded
	}
	c.periodicList = append(c.periodicList, e)
	return r, hci.Success
}

func (c *Controller) removePeriodic(p, r []byte) ([]byte, hci.Status) {
	e, status := c.periodicEntryOf(p)
	switch i := slices.Index(c.periodicList, e); {
	case status != hci.Success:
		return r, status
	case i < 0:
		return r, hci.UnknownAdvertisingIdentifier
	default:
		c.periodicList = slices.Delete(c.periodicList, i, i+1)
		return r, hci.Success
	}
}

func (c *Controller) clearPeriodic(_, r []byte) ([]byte, hci.Status) {
	if c.syncAttempt.on {
		return r, hci.CommandDisallowed
	}
	c.periodicList = nil
	return r, hci.Success
}

func (c *Controller) readPeriodicSize(_, r []byte) ([]byte, hci.Status) {
	return append(r, periodicListSize), hci.Success
}
