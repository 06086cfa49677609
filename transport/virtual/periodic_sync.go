package virtual

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var periodicSyncCommands = map[hci.Opcode]command{
	hci.OpLEPeriodicAdvertisingCreateSync: {length: 14, octet: 38, bit: 0, feature: periodicFeature, family: extendedFamily,
		status: (*Controller).createSync},
	hci.OpLEPeriodicAdvertisingCreateSyncCancel: {length: 0, octet: 38, bit: 1, feature: periodicFeature, family: extendedFamily,
		complete: (*Controller).cancelSync},
	hci.OpLEPeriodicAdvertisingTerminateSync:    {length: 2, octet: 38, bit: 2, feature: periodicFeature, complete: (*Controller).terminateSync},
	hci.OpLESetPeriodicAdvertisingReceiveEnable: {length: 3, octet: 40, bit: 5, feature: periodicFeature, complete: (*Controller).setReceive},
}

// Limits of what is followed (Vol 4, Part E, 7.8.67).
const (
	maxSyncs                       = 8
	maxSyncHandle                  = 0x0EFF
	maxSyncSkip                    = 0x01F3
	minSyncTimeout, maxSyncTimeout = 0x000A, 0x4000
	syncWithin                     = 6 // events for the first packet (Vol 6, Part B, 4.4.5.2)
	// maxPeriodicData is what one report holds, in octets.
	maxPeriodicData = 247

	syncByList    = 1 << 0
	syncNoReports = 1 << 1
	syncFilter    = 1 << 2
)

// A synced is a train that a controller follows.
type synced struct {
	c           *Controller
	train       *train
	who         identified
	handle      uint16
	how         hci.SyncOptions
	reports     bool
	established bool
	skip        int   // events not to listen to
	missed      int   // events not heard, before the first that was
	timer       alarm // it is lost
	transfer    *transfer
}

// A syncAttempt is what the host asks to follow.
type syncAttempt struct {
	on bool
	hci.LEPeriodicAdvertisingCreateSync
	sync *synced // once its train was found
}

// judgeSync is what is wrong with how to follow.
func judgeSync(o hci.SyncOptions) hci.Status {
	if o.Skip > maxSyncSkip || !inRange(o.Timeout, o.Timeout, minSyncTimeout, maxSyncTimeout) {
		return hci.InvalidHCICommandParameters
	}
	return hci.Success
}

func (c *Controller) createSync(p []byte) hci.Status {
	q, err := hci.ParseLEPeriodicAdvertisingCreateSync(p)
	byList, addressType := q.Options&syncByList != 0, p[2]
	switch {
	case c.syncAttempt.on:
		return hci.CommandDisallowed
	case err != nil, q.Options > syncByList|syncNoReports|syncFilter, !byList && (q.SID > maxSID || addressType > 1), judgeSync(q.Sync) != hci.Success:
		return hci.InvalidHCICommandParameters
	case q.Options&(syncFilter|syncNoReports) == syncFilter: // by the data ID, which periodic advertising does not have here
		return hci.UnsupportedFeatureOrParameter
	case !byList && c.syncedTo(q.Advertiser, q.SID) != nil:
		return hci.ConnectionAlreadyExists
	case len(c.syncs) >= maxSyncs:
		return hci.MemoryCapacityExceeded
	}
	c.syncAttempt = syncAttempt{on: true, LEPeriodicAdvertisingCreateSync: q}
	return hci.Success
}

// syncedTo is what is followed of that advertiser, or nil.
func (c *Controller) syncedTo(a hci.Address, sid uint8) *synced {
	for _, s := range c.syncs {
		if s.who.address == a && s.train.v.SID == sid {
			return s
		}
	}
	return nil
}

func (c *Controller) cancelSync(_, r []byte) ([]byte, hci.Status) {
	if !c.syncAttempt.on {
		return r, hci.CommandDisallowed
	}
	if s := c.syncAttempt.sync; s != nil {
		s.drop()
	}
	c.syncAttempt = syncAttempt{}
	c.afterwards(func() { c.give(hci.LEPeriodicAdvertisingSyncEstablished{Status: hci.OperationCancelledByHost}) })
	return r, hci.Success
}

// sync is what is followed by that handle, or nil.
func (c *Controller) sync(handle uint16) *synced {
	for _, s := range c.syncs {
		if s.handle == handle && s.established {
			return s
		}
	}
	return nil
}

func (c *Controller) terminateSync(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLEPeriodicAdvertisingTerminateSync(p)
	s := c.sync(q.SyncHandle)
	switch {
	case err != nil:
		return r, hci.InvalidHCICommandParameters
	case s == nil:
		return r, hci.UnknownAdvertisingIdentifier
	}
	s.drop()
	return r, hci.Success
}

func (c *Controller) setReceive(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetPeriodicAdvertisingReceiveEnable(p)
	s := c.sync(q.SyncHandle)
	switch {
	case err != nil, q.Enable > 3:
		return r, hci.InvalidHCICommandParameters
	case s == nil:
		return r, hci.UnknownAdvertisingIdentifier
	case q.Enable > 1:
		return r, hci.UnsupportedFeatureOrParameter
	}
	s.reports = q.Enable == 1
	return r, hci.Success
}

// synchronize follows the train of a set that was heard, if the host has asked for it.
func (c *Controller) synchronize(v *advertiser) {
	a := &c.syncAttempt
	if !a.on || a.sync != nil || !v.train.onAir() {
		return
	}
	who, _ := c.identify(v.self)
	wanted := who.address == a.Advertiser && v.SID == a.SID
	if a.Options&syncByList != 0 {
		wanted = slices.Contains(c.periodicList, periodicEntry{who.address, v.SID})
	}
	if wanted && c.syncedTo(who.address, v.SID) == nil {
		a.sync = c.follow(v.train, who, a.Sync, a.Options&syncNoReports == 0)
	}
}

// follow begins to follow a train.
func (c *Controller) follow(t *train, who identified, how hci.SyncOptions, reports bool) *synced {
	s := &synced{c: c, train: t, who: who, how: how, reports: reports, handle: c.newSyncHandle()}
	s.timer.fire = s.lost
	c.syncs = append(c.syncs, s)
	t.followers = append(t.followers, s)
	t.schedule()
	return s
}

func (c *Controller) newSyncHandle() uint16 {
	for {
		c.syncHandle = (c.syncHandle + 1) % (maxSyncHandle + 1)
		if !slices.ContainsFunc(c.syncs, func(s *synced) bool { return s.handle == c.syncHandle }) {
			return c.syncHandle
		}
	}
}

// drop ends following without a word.
func (s *synced) drop() {
	s.c.air.unset(&s.timer)
	s.c.syncs = slices.DeleteFunc(s.c.syncs, func(o *synced) bool { return o == s })
	s.train.followers = slices.DeleteFunc(s.train.followers, func(o *synced) bool { return o == s })
	s.train.schedule()
}

// lost is the time-out.
func (s *synced) lost() {
	s.drop()
	s.c.give(hci.LEPeriodicAdvertisingSyncLost{SyncHandle: s.handle})
}

// event is an event of the train, which can be heard or not.
func (s *synced) event(near bool) {
	if s.skip > 0 {
		s.skip--
		return
	}
	if !near || s.train.v.c.air.loses(s.train.v.c, s.c) {
		if s.missed++; !s.established && s.missed >= syncWithin {
			s.drop()
			s.announce(hci.ConnectionFailedToBeEstablished)
		}
		return
	}
	a := s.c.air
	a.set(&s.timer, a.now+time.Duration(s.how.Timeout)*timeoutUnit)
	if !s.established {
		s.established = true
		s.announce(hci.Success)
	}
	s.skip = int(s.how.Skip)
	if s.reports && !s.c.tooSlow() {
		s.report()
	}
}

// announce tells the host what came of its wish, or of the peer's.
func (s *synced) announce(status hci.Status) {
	t := s.train
	train := hci.PeriodicTrain{SyncHandle: s.handle, SID: t.v.SID, Advertiser: s.who.address, Resolved: s.who.resolved, PHY: t.v.SecondaryPHY, Interval: t.interval}
	if s.transfer != nil {
		s.c.give(hci.LEPeriodicAdvertisingSyncTransferReceived{Status: status, Handle: s.transfer.handle, ServiceData: s.transfer.service, Train: train})
		return
	}
	s.c.syncAttempt = syncAttempt{}
	s.c.give(hci.LEPeriodicAdvertisingSyncEstablished{Status: status, Train: train})
}

// report tells the host the data of an event, packet by packet: all, or up to one that got lost.
func (s *synced) report() {
	t, data := s.train, s.train.data
	r := hci.LEPeriodicAdvertisingReport{SyncHandle: s.handle, TXPower: hci.UnknownPower, RSSI: t.v.c.config.RSSI, CTEType: noCTE}
	if t.txPower {
		r.TXPower = t.v.c.config.TXPower
	}
	for {
		r.Data = data[:min(len(data), maxPeriodicData)]
		data = data[len(r.Data):]
		if r.DataStatus = hci.DataStatusComplete; len(data) > 0 {
			r.DataStatus = hci.DataStatusMore
		}
		s.c.give(r)
		if len(data) == 0 {
			return
		}
		if s.c.air.loses(t.v.c, s.c) {
			r.DataStatus, r.Data = hci.DataStatusTruncated, nil
			s.c.give(r)
			return
		}
	}
}

// noCTE is the CTE type of packets without a constant tone extension.
const noCTE = 0xFF
