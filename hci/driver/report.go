package driver

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// Report is one advertisement as it was heard, by either family of commands. What a legacy report does not
// have is as an extended one says that it has none: SID hci.UnknownSID, SecondaryPHY 0, TXPower
// hci.UnknownPower. Type has no data status: the parts of long data are joined, and Truncated says that some
// of them are missing. Data is good during the call that gives it.
type Report struct {
	hci.ExtendedAdvertisingReport
	Truncated bool
}

// legacyTypes are the types of legacy reports as extended ones (Vol 4, Part E, 7.7.65.13). What a scan response
// answers is not known.
var legacyTypes = [...]hci.ExtendedReportType{
	hci.ReportAdvInd:        hci.ReportLegacy | hci.ReportConnectable | hci.ReportScannable,
	hci.ReportAdvDirectInd:  hci.ReportLegacy | hci.ReportConnectable | hci.ReportDirected,
	hci.ReportAdvScanInd:    hci.ReportLegacy | hci.ReportScannable,
	hci.ReportAdvNonconnInd: hci.ReportLegacy,
	hci.ReportScanRsp:       hci.ReportLegacy | hci.ReportScannable | hci.ReportScanResponse,
}

// tellReport gives the host a report: the loop.
func (c *Controller) tellReport(r Report) {
	c.stats.Reports++
	if r.Truncated {
		c.stats.ReportsTruncated++
	}
	c.cfg.Handler.HandleAdvertisement(r)
}

// handleLegacyReports gives what was heard to the host. A type that the specification does not have is counted.
func (c *Controller) handleLegacyReports(b []byte) error {
	e, err := hci.ParseLEAdvertisingReport(b)
	for _, r := range e.Reports {
		if int(r.Type) >= len(legacyTypes) {
			c.stats.Malformed++
			continue
		}
		c.tellReport(Report{ExtendedAdvertisingReport: hci.ExtendedAdvertisingReport{Type: legacyTypes[r.Type],
			Address: r.Address, Resolved: r.Resolved, PrimaryPHY: hci.LE1M, SID: hci.UnknownSID, TXPower: hci.UnknownPower, RSSI: r.RSSI, Data: r.Data}})
	}
	return err
}

// handleDirectedReports gives on what was directed to an address that the controller could not resolve.
func (c *Controller) handleDirectedReports(b []byte) error {
	e, err := hci.ParseLEDirectedAdvertisingReport(b)
	for _, r := range e.Reports {
		c.tellReport(Report{ExtendedAdvertisingReport: hci.ExtendedAdvertisingReport{Type: legacyTypes[hci.ReportAdvDirectInd],
			Address: r.Address, Resolved: r.Resolved, PrimaryPHY: hci.LE1M, SID: hci.UnknownSID, TXPower: hci.UnknownPower, RSSI: r.RSSI,
			Direct: r.Direct, DirectResolved: r.DirectResolved}})
	}
	return err
}

func (c *Controller) handleExtendedReports(b []byte) error {
	e, err := hci.ParseLEExtendedAdvertisingReport(b)
	for _, r := range e.Reports {
		c.chains.add(r)
	}
	return err
}

const (
	maxAdvertisingData = 1650 // octets, of one set (Vol 6, Part B, 2.3.4.9)
	maxChains          = 16   // sets whose data is being received in parts at the same time
	// maxChainGap is how long the next part may take: more than a chain of auxiliary packets does, each at most
	// 2.46 s behind the one before (Vol 6, Part B, 2.3.4.5). What comes later is another advertisement.
	maxChainGap = 3 * time.Second
)

// chainKey is what parts of the same data have in common.
type chainKey struct {
	address hci.Address
	sid     uint8
	kind    hci.ExtendedReportType // without data status
}

// chain is data of which more is to come.
type chain struct {
	key    chainKey
	report hci.ExtendedAdvertisingReport // the first part's
	data   []byte
	last   time.Time
	over   bool // longer than any may be: what is too much was dropped
}

// chains joins the parts of extended reports. Its owner is the loop.
type chains struct {
	open []*chain // the longest unheard of first
	tell func(Report)
}

// add takes a report, and tells it once it is whole or nothing more will come of it.
func (s *chains) add(r hci.ExtendedAdvertisingReport) {
	status := r.Type.DataStatus()
	r.Type = r.Type.WithDataStatus(hci.DataStatusComplete)
	c := s.take(chainKey{r.Address, r.SID, r.Type})
	if c == nil && status != hci.DataStatusMore {
		s.tell(Report{r, status != hci.DataStatusComplete})
		return
	}
	if c == nil {
		c = &chain{key: chainKey{r.Address, r.SID, r.Type}, report: r}
	}
	c.append(r)
	if status == hci.DataStatusMore {
		s.keep(c)
		return
	}
	c.tell(s, c.over || status != hci.DataStatusComplete)
}

// take takes out the chain that a part continues, nil where it is a first part. One that has waited too long
// for it is told as it is.
func (s *chains) take(key chainKey) *chain {
	for i, c := range s.open {
		if c.key != key {
			continue
		}
		s.open = append(s.open[:i], s.open[i+1:]...)
		if time.Since(c.last) <= maxChainGap {
			return c
		}
		c.tell(s, true)
		return nil
	}
	return nil
}

// keep waits for more of a chain. The one that was not heard of for longest gives way.
func (s *chains) keep(c *chain) {
	if len(s.open) == maxChains {
		oldest := s.open[0]
		s.open = append(s.open[:0], s.open[1:]...)
		oldest.tell(s, true)
	}
	c.last = time.Now()
	s.open = append(s.open, c)
}

// flush tells every chain as it is: no more comes of any.
func (s *chains) flush() {
	open := s.open
	s.open = nil
	for _, c := range open {
		c.tell(s, true)
	}
}

// append takes a part's data, and what only later parts know.
func (c *chain) append(r hci.ExtendedAdvertisingReport) {
	c.report.RSSI = r.RSSI
	if c.report.TXPower == hci.UnknownPower {
		c.report.TXPower = r.TXPower
	}
	if c.report.PeriodicInterval == 0 {
		c.report.PeriodicInterval = r.PeriodicInterval
	}
	if c.report.SecondaryPHY == 0 {
		c.report.SecondaryPHY = r.SecondaryPHY
	}
	room := maxAdvertisingData - len(c.data)
	c.over = c.over || len(r.Data) > room
	c.data = append(c.data, r.Data[:min(len(r.Data), room)]...)
}

func (c *chain) tell(s *chains, truncated bool) {
	c.report.Data = c.data
	s.tell(Report{c.report, truncated})
}
