package virtual

import (
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

const periodicFeature = hci.FeatureLEPeriodicAdvertising

var periodicAdvertisingCommands = map[hci.Opcode]command{
	hci.OpLESetPeriodicAdvertisingParameters: {length: 7, octet: 37, bit: 2, feature: periodicFeature, family: extendedFamily,
		complete: (*Controller).setPeriodicParameters},
	hci.OpLESetPeriodicAdvertisingData: {length: 3, longer: true, octet: 37, bit: 3, feature: periodicFeature, family: extendedFamily,
		complete: (*Controller).setPeriodicData},
	hci.OpLESetPeriodicAdvertisingEnable: {length: 2, octet: 37, bit: 4, feature: periodicFeature, family: extendedFamily,
		complete: (*Controller).setPeriodicEnable},
}

const (
	minPeriodicInterval = 0x0006
	periodicTXPower     = 1 << 6 // of the properties
)

// A train is the periodic advertising of a set. It is without an alarm while nobody follows.
type train struct {
	v         *advertiser
	interval  uint16 // 1.25 ms
	txPower   bool
	data      []byte // never changed in place
	partial   partial
	enabled   bool // the host wants it
	running   bool // it is on air, and goes on when the set stops
	from      time.Duration
	self      hci.Address // of the set, when it began
	next      alarm
	followers []*synced
}

// enabledAtAll tells whether the host wants periodic advertising of the set. There may be no train.
func (t *train) enabledAtAll() bool { return t != nil && t.enabled }

// onAir tells whether the set's auxiliary packets point to a train.
func (t *train) onAir() bool { return t != nil && t.running }

// mayBePeriodic tells whether a set can have periodic advertising (Vol 4, Part E, 7.8.61).
func (v *advertiser) mayBePeriodic() bool {
	return !v.is(hci.AdvertiseConnectable | hci.AdvertiseScannable | hci.AdvertiseLegacy | hci.AdvertiseAnonymous)
}

func (c *Controller) setPeriodicParameters(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetPeriodicAdvertisingParameters(p)
	switch v := c.set(q.AdvertisingHandle); {
	case err != nil:
		return r, hci.InvalidHCICommandParameters
	case v == nil:
		return r, hci.UnknownAdvertisingIdentifier
	case v.train.enabledAtAll():
		return r, hci.CommandDisallowed
	case !v.mayBePeriodic(), !inRange(q.IntervalMin, q.IntervalMax, minPeriodicInterval, 0xFFFF), q.Properties&^periodicTXPower != 0:
		return r, hci.InvalidHCICommandParameters
	case v.train != nil && v.train.tooLong(v.train.data, q.IntervalMax):
		return r, hci.PacketTooLong
	default:
		if v.train == nil {
			v.train = &train{v: v}
			v.train.next.fire = v.train.event
		}
		v.train.interval, v.train.txPower = q.IntervalMax, q.Properties != 0
		return r, hci.Success
	}
}

// tooLong tells whether an event with the data takes longer than the interval.
func (t *train) tooLong(data []byte, interval uint16) bool {
	return auxTime(len(data), t.v.SecondaryPHY) > time.Duration(interval)*intervalUnit
}

func (c *Controller) setPeriodicData(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetPeriodicAdvertisingData(p)
	v := c.set(q.AdvertisingHandle)
	whole, again := q.Operation == hci.DataComplete, q.Operation == hci.DataUnchanged
	switch {
	case err != nil, len(p) != 3+len(q.Data), q.Operation > hci.DataUnchanged, !whole && !again && len(q.Data) == 0:
		return r, hci.InvalidHCICommandParameters
	case v == nil:
		return r, hci.UnknownAdvertisingIdentifier
	case v.train == nil, v.train.enabled && !whole && !again:
		return r, hci.CommandDisallowed
	case again && (!v.train.enabled || len(v.train.data) == 0 || len(q.Data) > 0):
		return r, hci.InvalidHCICommandParameters
	case again:
		return r, hci.Success
	}
	t := v.train
	all, _, status := t.partial.take(0, q.Operation, q.Data, c.config.MaxAdvertisingData)
	if t.tooLong(all, t.interval) {
		all, status = nil, hci.PacketTooLong
	}
	t.data = all
	return r, status
}

// setPeriodicEnable starts periodic advertising, for when the set advertises, and ends it (Vol 4, Part E, 7.8.63).
func (c *Controller) setPeriodicEnable(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetPeriodicAdvertisingEnable(p)
	v := c.set(q.AdvertisingHandle)
	switch {
	case err != nil, q.Enable > 3:
		return r, hci.InvalidHCICommandParameters
	case v == nil:
		return r, hci.UnknownAdvertisingIdentifier
	case q.Enable > 1: // the data ID in periodic advertising is a feature of its own
		return r, hci.UnsupportedFeatureOrParameter
	case q.Enable == 0:
		v.train.stop()
		return r, hci.Success
	case v.train == nil, v.train.partial.open[0], !v.mayBePeriodic():
		return r, hci.CommandDisallowed
	case v.train.tooLong(v.train.data, v.train.interval):
		return r, hci.PacketTooLong
	}
	v.train.enabled = true
	if v.on {
		v.train.begin()
	}
	return r, hci.Success
}

// begin goes on air, if it is wanted.
func (t *train) begin() {
	if t.enabledAtAll() && !t.running {
		t.running, t.from = true, t.v.c.air.now
		t.self = t.v.selfNow()
	}
}

// stop goes off air. Who follows finds out by its time-out.
func (t *train) stop() {
	if t != nil {
		t.enabled, t.running = false, false
		t.v.c.air.unset(&t.next)
	}
}

// schedule sets the next event, if anybody follows.
func (t *train) schedule() {
	a := t.v.c.air
	if !t.running || len(t.followers) == 0 {
		a.unset(&t.next)
		return
	}
	every := time.Duration(t.interval) * intervalUnit
	a.set(&t.next, t.from+((a.now-t.from)/every+1)*every)
}

// event is one event of periodic advertising.
func (t *train) event() {
	a, c := t.v.c.air, t.v.c
	if c.onAir() {
		a.trace(c, nil, "AUX_SYNC_IND", "% X", t.data)
	}
	for _, s := range slices.Clone(t.followers) {
		s.event(c.onAir() && s.c.onAir())
	}
	t.schedule()
}
