package virtual

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var extendedScanningCommands = map[hci.Opcode]command{
	hci.OpLESetExtendedScanParameters: {length: 3, longer: true, octet: 37, bit: 5, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).setExtendedScanParameters},
	hci.OpLESetExtendedScanEnable: {length: 6, octet: 37, bit: 6, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).setExtendedScanEnable},
}

// primaryPHYs are those on which advertising begins.
const primaryPHYs = hci.PHYs(1<<(hci.LE1M-1) | 1<<(hci.LECoded-1))

// periodUnit is the unit of a scan's period (Vol 4, Part E, 7.8.65).
const periodUnit = 1280 * time.Millisecond

func (c *Controller) setExtendedScanParameters(p, r []byte) ([]byte, hci.Status) {
	if c.scanner.on {
		return r, hci.CommandDisallowed
	}
	q, err := hci.ParseLESetExtendedScanParameters(p)
	const each = 5 // octets
	if err != nil || len(p) != 3+each*len(q.Scan) || q.OwnAddressType > 3 || q.FilterPolicy > 3 || len(q.Scan) == 0 {
		return r, hci.InvalidHCICommandParameters
	}
	for i, s := range q.Scan {
		if p[3+each*i] > 1 || !inRange(s.Window, s.Interval, 0x0004, 0xFFFF) {
			return r, hci.InvalidHCICommandParameters
		}
	}
	if hci.PHYs(p[2])&^(c.phys()&primaryPHYs) != 0 || q.FilterPolicy&scanUnresolved != 0 && !c.has(hci.FeatureExtendedScanningFilterPolicies) {
		return r, hci.UnsupportedFeatureOrParameter
	}
	c.scanner.LESetExtendedScanParameters = q
	return r, hci.Success
}

func (c *Controller) setExtendedScanEnable(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetExtendedScanEnable(p)
	duration, period := time.Duration(q.Duration)*durationUnit, time.Duration(q.Period)*periodUnit
	periodic := duration > 0 && period > 0
	switch {
	case err != nil, p[0] > 1:
		return r, hci.InvalidHCICommandParameters
	case !q.Enable: // whatever the rest says
		c.stopScanning()
		return r, hci.Success
	case q.Duplicates > hci.FilterWithinAPeriod, periodic && duration >= period, q.Duplicates == hci.FilterWithinAPeriod && !periodic:
		return r, hci.InvalidHCICommandParameters
	}
	s := &c.scanner
	if status := c.startScanning(q.Duplicates != hci.ReportDuplicates); status != hci.Success {
		return r, status
	}
	s.extended, s.duration, s.period, s.anew = true, duration, period, q.Duplicates == hci.FilterWithinAPeriod
	c.air.unset(&s.timer)
	if duration > 0 {
		c.air.set(&s.timer, c.air.now+duration)
	}
	return r, hci.Success
}

// scanTimer is the end of a scan's duration, or of the rest of its period.
func (c *Controller) scanTimer() {
	s := &c.scanner
	switch {
	case s.period == 0:
		c.stopScanning()
		c.give(hci.LEScanTimeout{})
	case s.resting:
		s.resting, s.since = false, c.air.now
		if s.anew {
			s.seen = nil
		}
		c.air.set(&s.timer, c.air.now+s.duration)
		c.air.wake()
	default:
		s.resting = true
		c.air.set(&s.timer, c.air.now+s.period-s.duration)
	}
}
