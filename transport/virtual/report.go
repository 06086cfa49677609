package virtual

import "github.com/jelling-ble/jelling/hci"

// reportOf is a report of what was heard of a set, without data.
func (c *Controller) reportOf(v *advertiser, who identified, kind hci.ExtendedReportType) hci.ExtendedAdvertisingReport {
	r := hci.ExtendedAdvertisingReport{Type: kind, Address: who.address, Resolved: who.resolved, PrimaryPHY: v.PrimaryPHY,
		SID: hci.UnknownSID, TXPower: hci.UnknownPower, RSSI: v.c.config.RSSI}
	if v.directed() {
		r.Direct = v.target
		if !c.meant(v.target, c.scanner.OwnAddressType, who) {
			r.Direct.Type = hci.UnresolvedAddress
		} else if own, status := c.own(c.scanner.OwnAddressType); status == hci.Success && own != v.target {
			r.Direct, r.DirectResolved = own, true
		}
	}
	if !v.legacy() {
		r.SecondaryPHY, r.SID = v.SecondaryPHY, v.SID
		if v.is(hci.AdvertiseTXPower) {
			r.TXPower = v.c.config.TXPower
		}
		if v.train.onAir() {
			r.PeriodicInterval = v.train.interval
		}
	}
	return r
}

// report tells the host a whole advertisement, unless it is a duplicate or the host is too slow.
func (c *Controller) report(v *advertiser, r hci.ExtendedAdvertisingReport) {
	if c.duplicate(v, r) || c.tooSlow() {
		return
	}
	c.note(v, r)
	c.giveReport(r)
}

// key is what makes a report a duplicate of another.
func (v *advertiser) key(r hci.ExtendedAdvertisingReport) seen {
	key := seen{address: r.Address, kind: r.Type.WithDataStatus(hci.DataStatusComplete), sid: r.SID}
	if !v.legacy() {
		key.dataID = v.dataID
	}
	return key
}

// duplicate tells whether the host was told this already, and wants such things once.
func (c *Controller) duplicate(v *advertiser, r hci.ExtendedAdvertisingReport) bool {
	_, known := c.scanner.seen[v.key(r)]
	return c.scanner.filter && known
}

// note remembers what the host is told.
func (c *Controller) note(v *advertiser, r hci.ExtendedAdvertisingReport) {
	s := &c.scanner
	if !s.filter {
		return
	}
	if s.seen == nil || len(s.seen) >= maxSeen {
		s.seen = map[seen]struct{}{}
	}
	s.seen[v.key(r)] = struct{}{}
}

// tooSlow tells whether the host leaves so much unread that a report is dropped.
func (c *Controller) tooSlow() bool {
	slow := c.conn.queue.octets() > maxUnreadReports
	if slow {
		c.counters.ReportsDropped++
	}
	return slow
}

// giveReport tells the host a report, in the words of the commands that it scans by.
func (c *Controller) giveReport(r hci.ExtendedAdvertisingReport) {
	if c.scanner.extended {
		c.give(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{r}})
		return
	}
	if r.Type&hci.ReportDirected != 0 && r.Direct.Type == hci.UnresolvedAddress {
		r.Direct.Type = hci.Random
		c.give(hci.LEDirectedAdvertisingReport{Reports: []hci.DirectedReport{{Type: hci.ReportAdvDirectInd, Address: r.Address, Resolved: r.Resolved,
			Direct: r.Direct, RSSI: r.RSSI}}})
		return
	}
	c.give(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Type: legacyReport(r.Type), Address: r.Address, Resolved: r.Resolved,
		Data: r.Data, RSSI: r.RSSI}}})
}

// legacyReport is the type of a legacy report.
func legacyReport(kind hci.ExtendedReportType) hci.ReportType {
	switch {
	case kind&hci.ReportScanResponse != 0:
		return hci.ReportScanRsp
	case kind&hci.ReportDirected != 0:
		return hci.ReportAdvDirectInd
	case kind&hci.ReportConnectable != 0:
		return hci.ReportAdvInd
	case kind&hci.ReportScannable != 0:
		return hci.ReportAdvScanInd
	}
	return hci.ReportAdvNonconnInd
}
