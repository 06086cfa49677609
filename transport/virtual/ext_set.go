package virtual

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var extendedAdvertisingCommands = map[hci.Opcode]command{
	hci.OpLESetAdvertisingSetRandomAddress: {length: 7, octet: 36, bit: 1, feature: extendedFeature,
		complete: (*Controller).setSetRandomAddress},
	hci.OpLESetExtendedAdvertisingParameters: {length: 25, octet: 36, bit: 2, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).setExtendedParameters},
	hci.OpLESetExtendedAdvertisingData: {length: 4, longer: true, octet: 36, bit: 3, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).setExtendedData},
	hci.OpLESetExtendedScanResponseData: {length: 4, longer: true, octet: 36, bit: 4, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).setExtendedResponse},
	hci.OpLESetExtendedAdvertisingEnable: {length: 2, longer: true, octet: 36, bit: 5, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).setExtendedEnable},
	hci.OpLEReadMaximumAdvertisingDataLength: {length: 0, octet: 36, bit: 6, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).readMaxAdvertisingData},
	hci.OpLEReadNumberOfSupportedAdvertisingSets: {length: 0, octet: 36, bit: 7, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).readAdvertisingSets},
	hci.OpLERemoveAdvertisingSet: {length: 1, octet: 37, bit: 0, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).removeSet},
	hci.OpLEClearAdvertisingSets: {length: 0, octet: 37, bit: 1, feature: extendedFeature, family: extendedFamily,
		complete: (*Controller).clearSets},
}

const (
	maxAdvertisingHandle = 0xEF
	maxSID               = 0x0F
	minExtendedInterval  = 0x000020
	maxExtendedInterval  = 0xFFFFFF
	maxAdvertisingData   = 1650 // octets (Vol 6, Part B, 2.3.4.9)
	durationUnit         = 10 * time.Millisecond
	knownProperties      = hci.AdvertiseTXPower<<1 - 1
)

// set is the set with that handle, or nil.
func (c *Controller) set(handle uint8) *advertiser {
	for _, v := range c.sets {
		if v.AdvertisingHandle == handle {
			return v
		}
	}
	return nil
}

// setExtendedParameters makes a set, or changes one (Vol 4, Part E, 7.8.53).
func (c *Controller) setExtendedParameters(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetExtendedAdvertisingParameters(p)
	v := c.set(q.AdvertisingHandle)
	peerType, notify := p[11], p[24]
	switch {
	case v != nil && v.on:
		return r, hci.CommandDisallowed
	case err != nil, q.AdvertisingHandle > maxAdvertisingHandle, peerType > 1, notify > 1:
		return r, hci.InvalidHCICommandParameters
	}
	if status := c.judgeSet(q); status != hci.Success {
		return r, status
	}
	if v == nil {
		if len(c.sets) >= c.config.AdvertisingSets {
			return r, hci.MemoryCapacityExceeded
		}
		v = newAdvertiser(c, true)
		c.sets = append(c.sets, v)
	} else if status := v.mayBecome(q); status != hci.Success {
		return r, status
	}
	v.LESetExtendedAdvertisingParameters = q
	power := q.TXPower
	if power == hci.NoPreference {
		power = c.config.TXPower
	}
	return append(r, byte(power)), hci.Success
}

// judgeSet is what is wrong with the parameters of a set.
func (c *Controller) judgeSet(q hci.LESetExtendedAdvertisingParameters) hci.Status {
	has := func(p hci.AdvertisingProperties) bool { return q.Properties&p != 0 }
	secondary := hci.LE1M
	if _, known := advertisingNames[q.Properties]; has(hci.AdvertiseLegacy) {
		if !known || q.PrimaryPHY != hci.LE1M {
			return hci.InvalidHCICommandParameters
		}
	} else {
		exclusive := has(hci.AdvertiseConnectable) && has(hci.AdvertiseScannable)
		anonymous := has(hci.AdvertiseAnonymous) && has(hci.AdvertiseConnectable|hci.AdvertiseScannable)
		if exclusive || anonymous || has(hci.AdvertiseHighDutyDirected|^knownProperties) {
			return hci.InvalidHCICommandParameters
		}
		secondary = q.SecondaryPHY
	}
	switch {
	case q.OwnAddressType > 3, q.FilterPolicy > 3, q.ChannelMap == 0, q.ChannelMap > 7, q.SID > maxSID,
		!has(hci.AdvertiseHighDutyDirected) && !inRange(q.IntervalMin, q.IntervalMax, minExtendedInterval, maxExtendedInterval):
		return hci.InvalidHCICommandParameters
	case !(c.phys() & primaryPHYs).Has(q.PrimaryPHY), !c.phys().Has(secondary):
		return hci.UnsupportedFeatureOrParameter
	}
	return hci.Success
}

// mayBecome is why a set can't have other parameters: for the data that it has, or its periodic advertising.
func (v *advertiser) mayBecome(q hci.LESetExtendedAdvertisingParameters) hci.Status {
	w := advertiser{LESetExtendedAdvertisingParameters: q}
	longest := max(len(v.data), len(v.response))
	switch {
	case len(v.data) > 0 && !w.takesData(), w.legacy() && longest > hci.MaxAdvertisingData:
		return hci.InvalidHCICommandParameters
	case w.tooLong(longest):
		return hci.PacketTooLong
	case v.train.enabledAtAll() && !w.mayBePeriodic():
		return hci.InvalidHCICommandParameters
	case v.train.enabledAtAll() && q.SecondaryPHY != v.SecondaryPHY:
		return hci.CommandDisallowed
	}
	return hci.Success
}

// takesData tells whether its advertisements have any data: legacy directed and extended scannable ones don't.
func (v *advertiser) takesData() bool {
	if v.legacy() {
		return !v.directed()
	}
	return !v.scannable()
}

// setSetRandomAddress is refused while peers may connect to the address (Vol 4, Part E, 7.8.52).
func (c *Controller) setSetRandomAddress(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetAdvertisingSetRandomAddress(p)
	switch v := c.set(q.AdvertisingHandle); {
	case err != nil:
		return r, hci.InvalidHCICommandParameters
	case v == nil:
		return r, hci.UnknownAdvertisingIdentifier
	case v.on && v.connectable():
		return r, hci.CommandDisallowed
	default:
		v.random = q.Octets
		return r, hci.Success
	}
}

// setExtendedEnable starts and stops sets: all that it names, or none (Vol 4, Part E, 7.8.56).
func (c *Controller) setExtendedEnable(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetExtendedAdvertisingEnable(p)
	switch {
	case err != nil, p[0] > 1, len(p) != 2+4*len(q.Sets), q.Enable && len(q.Sets) == 0:
		return r, hci.InvalidHCICommandParameters
	case len(q.Sets) == 0:
		for _, v := range c.sets {
			v.stop()
		}
		return r, hci.Success
	}
	var named []*advertiser
	for _, s := range q.Sets {
		v := c.set(s.AdvertisingHandle)
		switch {
		case v == nil:
			return r, hci.UnknownAdvertisingIdentifier
		case slices.Contains(named, v):
			return r, hci.InvalidHCICommandParameters
		}
		if status := v.mayEnable(s); q.Enable && status != hci.Success {
			return r, status
		}
		named = append(named, v)
	}
	for i, v := range named {
		v.stop()
		if q.Enable {
			v.enable(q.Sets[i])
		}
	}
	return r, hci.Success
}

// mayEnable is why a set can't be enabled.
func (v *advertiser) mayEnable(s hci.EnabledSet) hci.Status {
	duration := time.Duration(s.Duration) * durationUnit
	switch {
	case v.highDuty() && (duration == 0 || duration > highDutyTimeout):
		return hci.InvalidHCICommandParameters
	case v.partial.open[0] || v.partial.open[1], !v.legacy() && v.scannable() && len(v.response) == 0:
		return hci.CommandDisallowed
	case !v.fits(v.data):
		return hci.InvalidHCICommandParameters
	case v.tooLong(max(len(v.data), len(v.response))):
		return hci.PacketTooLong
	}
	return v.mayStart()
}

func (v *advertiser) enable(s hci.EnabledSet) {
	v.start()
	v.maxEvents = int(s.MaxEvents)
	if s.Duration > 0 {
		v.c.air.set(&v.timeout, v.c.air.now+time.Duration(s.Duration)*durationUnit)
	}
	v.train.begin()
}

func (c *Controller) readMaxAdvertisingData(_, r []byte) ([]byte, hci.Status) {
	return append(r, byte(c.config.MaxAdvertisingData), byte(c.config.MaxAdvertisingData>>8)), hci.Success
}

func (c *Controller) readAdvertisingSets(_, r []byte) ([]byte, hci.Status) {
	return append(r, byte(c.config.AdvertisingSets)), hci.Success
}

// removeSet forgets a set that is at nothing (Vol 4, Part E, 7.8.59).
func (c *Controller) removeSet(p, r []byte) ([]byte, hci.Status) {
	switch v := c.set(p[0]); {
	case v == nil:
		return r, hci.UnknownAdvertisingIdentifier
	case v.on || v.train.enabledAtAll():
		return r, hci.CommandDisallowed
	default:
		c.sets = slices.DeleteFunc(c.sets, func(w *advertiser) bool { return v == w })
		return r, hci.Success
	}
}

func (c *Controller) clearSets(_, r []byte) ([]byte, hci.Status) {
	for _, v := range c.sets {
		if v.on || v.train.enabledAtAll() {
			return r, hci.CommandDisallowed
		}
	}
	c.sets = nil
	return r, hci.Success
}
