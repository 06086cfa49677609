package driver

import (
	"github.com/jelling-ble/jelling/hci"
)

// handleSyncEvent handles the events of periodic advertising that is followed: the loop.
func (c *Controller) handleSyncEvent(code hci.Subevent, b []byte) error {
	switch code {
	case hci.EvLEPeriodicAdvertisingSyncEstablished:
		e, err := hci.ParseLEPeriodicAdvertisingSyncEstablished(b)
		if err == nil {
			c.handleSyncEstablished(hci.LEPeriodicAdvertisingSyncEstablishedV2{LEPeriodicAdvertisingSyncEstablished: e})
		}
		return err
	case hci.EvLEPeriodicAdvertisingSyncEstablishedV2:
		e, err := hci.ParseLEPeriodicAdvertisingSyncEstablishedV2(b)
		if err == nil {
			c.handleSyncEstablished(e)
		}
		return err
	case hci.EvLEPeriodicAdvertisingReport:
		e, err := hci.ParseLEPeriodicAdvertisingReport(b)
		if s := c.findSync(e.SyncHandle, err); s != nil {
			s.hear(PeriodicReport{LEPeriodicAdvertisingReport: e, Subevent: noSubevent})
		}
		return err
	case hci.EvLEPeriodicAdvertisingReportV2:
		e, err := hci.ParseLEPeriodicAdvertisingReportV2(b)
		if s := c.findSync(e.SyncHandle, err); s != nil {
			s.hear(e)
		}
		return err
	case hci.EvLEPeriodicAdvertisingSyncLost:
		e, err := hci.ParseLEPeriodicAdvertisingSyncLost(b)
		if s := c.findSync(e.SyncHandle, err); s != nil {
			c.endSync(s, ErrSyncLost)
		}
		return err
	case hci.EvLEPeriodicAdvertisingSyncTransferReceived:
		e, err := hci.ParseLEPeriodicAdvertisingSyncTransferReceived(b)
		if err == nil {
			c.handleTransfer(hci.LEPeriodicAdvertisingSyncTransferReceivedV2{LEPeriodicAdvertisingSyncTransferReceived: e})
		}
		return err
	default:
		e, err := hci.ParseLEPeriodicAdvertisingSyncTransferReceivedV2(b)
		if err == nil {
			c.handleTransfer(e)
		}
		return err
	}
}

// findSync is the sync that an event names, nil when there is none or the event could not be parsed.
func (c *Controller) findSync(handle uint16, err error) *Sync {
	if err != nil {
		return nil
	}
	s := c.syncs[handle]
	if s == nil {
		c.stats.UnknownHandles++
	}
	return s
}

func (c *Controller) handleSyncEstablished(e hci.LEPeriodicAdvertisingSyncEstablishedV2) {
	a := c.takeSyncAttempt()
	switch {
	case e.Status == hci.Success && a != nil:
		a.event <- syncOutcome{sync: c.addSync(e.Train, e.Subevents, a.handler)}
	case e.Status == hci.Success: // nobody has asked
		c.refuseSync(e.Train.SyncHandle)
	case a != nil:
		a.event <- syncOutcome{err: &CommandError{hci.OpLEPeriodicAdvertisingCreateSync, e.Status}}
	}
}

// addSync enters a new sync into the table.
func (c *Controller) addSync(t hci.PeriodicTrain, subevents hci.Subevents, handler SyncHandler) *Sync {
	if handler == nil {
		handler = unfollowed{}
	}
	if old := c.syncs[t.SyncHandle]; old != nil {
		c.endSync(old, ErrSyncLost) // the event was lost
	}
	s := &Sync{c: c, train: t, subevents: subevents, handler: handler, done: make(chan struct{})}
	c.syncs[t.SyncHandle] = s
	return s
}

// refuseSync ends a sync that nobody wants.
func (c *Controller) refuseSync(handle uint16) {
	c.note(c.enqueue(newCommand(nil, hci.LEPeriodicAdvertisingTerminateSync{SyncHandle: handle}, func(_ []byte, err error) { c.note(err) })))
}

// endSync takes a sync out of the table, if it is there still, and tells its handler.
func (c *Controller) endSync(s *Sync, why error) {
	if c.syncs[s.Handle()] != s {
		return
	}
	delete(c.syncs, s.Handle())
	s.err = why
	close(s.done)
	s.handler.HandleSyncEnd(s, why)
}

// hear joins the parts of a report, and tells it once no more of it comes.
func (s *Sync) hear(r PeriodicReport) {
	room := maxAdvertisingData - len(s.data)
	switch {
	case r.DataStatus == hci.DataStatusMore:
		s.over = s.over || len(r.Data) > room
		s.data = append(s.data, r.Data[:min(len(r.Data), room)]...)
		return
	case len(s.data) > 0 || s.over:
		if s.over || len(r.Data) > room {
			r.DataStatus = hci.DataStatusTruncated
		}
		r.Data = append(s.data, r.Data[:min(len(r.Data), room)]...)
		s.data, s.over = r.Data[:0], false
	}
	s.c.stats.PeriodicReports++
	s.handler.HandlePeriodicReport(s, r)
}

// unfollowed is a sync that nobody listens to.
type unfollowed struct{}

func (unfollowed) HandlePeriodicReport(*Sync, PeriodicReport) {}
func (unfollowed) HandleSyncEnd(*Sync, error)                 {}
