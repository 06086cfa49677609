package virtual

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// broadcasts makes set 1 advertise periodically, every 50 ms, with that much data.
func (h *host) broadcasts(octets int) {
	h.t.Helper()
	h.do(set(1, 0))
	h.do(hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: 1, IntervalMin: 40, IntervalMax: 40})
	h.periodic(pattern(octets))
	h.do(hci.LESetPeriodicAdvertisingEnable{Enable: 1, AdvertisingHandle: 1})
	h.enabled(hci.EnabledSet{AdvertisingHandle: 1})
}

// periodic gives set 1 its data.
func (h *host) periodic(data []byte) {
	h.t.Helper()
	operation := hci.DataFirst
	if len(data) <= hci.MaxPeriodicFragment {
		operation = hci.DataComplete
	}
	for {
		n := min(len(data), hci.MaxPeriodicFragment)
		h.do(hci.LESetPeriodicAdvertisingData{AdvertisingHandle: 1, Operation: operation, Data: data[:n]})
		if data = data[n:]; len(data) == 0 {
			return
		}
		if operation = hci.DataIntermediate; len(data) <= hci.MaxPeriodicFragment {
			operation = hci.DataLast
		}
	}
}

func createSync(a hci.Address) hci.LEPeriodicAdvertisingCreateSync {
	return hci.LEPeriodicAdvertisingCreateSync{SID: 1, Advertiser: a, Sync: hci.SyncOptions{Timeout: 100}}
}

// follows synchronizes with set 1 of another, and stops scanning.
func (h *host) follows(a hci.Address) hci.PeriodicTrain {
	h.t.Helper()
	h.start(createSync(a))
	h.listen(extendedScan, hci.FilterDuplicates)
	h.extended()
	e := h.synced()
	if e.Status != hci.Success {
		h.t.Fatalf("%s: %+v", h.c.name, e)
	}
	return e.Train
}

func (h *host) synced() hci.LEPeriodicAdvertisingSyncEstablished {
	h.t.Helper()
	e, err := hci.ParseLEPeriodicAdvertisingSyncEstablished(h.meta(hci.EvLEPeriodicAdvertisingSyncEstablished))
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// heard reads reports up to one with which the data are over, and joins them.
func (h *host) heard() (r hci.LEPeriodicAdvertisingReport) {
	h.t.Helper()
	var data []byte
	for {
		var err error
		if r, err = hci.ParseLEPeriodicAdvertisingReport(h.meta(hci.EvLEPeriodicAdvertisingReport)); err != nil {
			h.t.Fatal(err)
		}
		data = append(data, r.Data...)
		if r.DataStatus != hci.DataStatusMore {
			r.Data = data
			return r
		}
	}
}

// TestPeriodicRefused is what can't be advertised periodically (Vol 4, Part E, 7.8.61 to 7.8.63).
func TestPeriodicRefused(t *testing.T) {
	alone(t, ControllerConfig{MaxAdvertisingData: 600}, func(t *testing.T, h *host) {
		parameters := func(handle uint8, low, high, properties uint16) hci.Command {
			return hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: handle, IntervalMin: low, IntervalMax: high, Properties: properties}
		}
		data := func(handle uint8, o hci.DataOperation, n int) hci.Command {
			return hci.LESetPeriodicAdvertisingData{AdvertisingHandle: handle, Operation: o, Data: make([]byte, n)}
		}
		enable := func(on, handle uint8) hci.Command {
			return hci.LESetPeriodicAdvertisingEnable{Enable: on, AdvertisingHandle: handle}
		}
		const invalid, busy, ok, unknown = hci.InvalidHCICommandParameters, hci.CommandDisallowed, hci.Success, hci.UnknownAdvertisingIdentifier
		for i, p := range []hci.AdvertisingProperties{0, hci.AdvertiseConnectable, hci.AdvertiseScannable, hci.AdvertiseAnonymous, hci.LegacyAdvNonconnInd} {
			h.do(set(uint8(i), p))
		}
		fast := set(0, 0)
		fast.SecondaryPHY = hci.LE2M
		h.answers([]refusal{
			{"no such set", parameters(9, 6, 6, 0), unknown},
			{"data of no such set", data(9, hci.DataComplete, 1), unknown},
			{"enabled, no such set", enable(1, 9), unknown},
			{"connectable", parameters(1, 6, 6, 0), invalid},
			{"scannable", parameters(2, 6, 6, 0), invalid},
			{"anonymous", parameters(3, 6, 6, 0), invalid},
			{"legacy", parameters(4, 6, 6, 0), invalid},
			{"interval too short", parameters(0, 5, 6, 0), invalid},
			{"intervals the wrong way round", parameters(0, 7, 6, 0), invalid},
			{"a property there is not", parameters(0, 6, 6, 1), invalid},
			{"data before parameters", data(0, hci.DataComplete, 1), busy},
			{"enabled before parameters", enable(1, 0), busy},
			{"off, which it is", enable(0, 0), ok},
			{"parameters", parameters(0, 6, 6, 1<<6), ok},
			{"data longer than the interval of 7.5 ms", data(0, hci.DataComplete, 252), ok},
			{"in parts", data(0, hci.DataFirst, 252), ok},
			{"an empty part", data(0, hci.DataIntermediate, 0), invalid},
			{"enabled before the last", enable(1, 0), busy},
			{"the second", data(0, hci.DataIntermediate, 252), ok},
			{"more than a set holds", data(0, hci.DataLast, 100), hci.MemoryCapacityExceeded},
			{"an operation there is not", data(0, hci.DataUnchanged+1, 0), invalid},
			{"the same, while it is off", data(0, hci.DataUnchanged, 0), invalid},
			{"an octet there is not", enable(4, 0), invalid},
			{"with a data ID", enable(3, 0), hci.UnsupportedFeatureOrParameter},
			{"off, with a data ID", enable(2, 0), hci.UnsupportedFeatureOrParameter},
			{"on", enable(1, 0), ok},
			{"the same, of nothing", data(0, hci.DataUnchanged, 0), invalid},
			{"parameters while it is", parameters(0, 6, 6, 0), busy},
			{"parts while it is", data(0, hci.DataFirst, 1), busy},
			{"data while it is", data(0, hci.DataComplete, 1), ok},
			{"the same", data(0, hci.DataUnchanged, 0), ok},
			{"the same, with data", data(0, hci.DataUnchanged, 1), invalid},
			{"the set becomes connectable", set(0, hci.AdvertiseConnectable), invalid},
			{"the set goes to another PHY", fast, busy},
			{"the set is removed", hci.LERemoveAdvertisingSet{}, busy},
			{"all are removed", hci.LEClearAdvertisingSets, busy},
			{"off", enable(0, 0), ok},
			{"removed", hci.LERemoveAdvertisingSet{}, ok},
		})
	})
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		h.do(set(1, 0))
		h.do(hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: 1, IntervalMin: 6, IntervalMax: 6})
		part := func(o hci.DataOperation) hci.Command {
			return hci.LESetPeriodicAdvertisingData{AdvertisingHandle: 1, Operation: o, Data: pattern(250)}
		}
		for _, o := range []hci.DataOperation{hci.DataFirst, hci.DataIntermediate, hci.DataIntermediate} {
			h.do(part(o))
		}
		h.refused(part(hci.DataLast), hci.PacketTooLong) // longer than 7.5 ms on LE 1M
		h.do(hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: 1, IntervalMin: 40, IntervalMax: 40})
		h.periodic(pattern(1650))
		h.refused(hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: 1, IntervalMin: 7, IntervalMax: 7}, hci.PacketTooLong)
		h.do(hci.LESetPeriodicAdvertisingEnable{Enable: 1, AdvertisingHandle: 1})
	})
}

// TestSyncRefused (Vol 4, Part E, 7.8.67 to 7.8.73 and 7.8.88).
func TestSyncRefused(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		with := func(change func(*hci.LEPeriodicAdvertisingCreateSync)) hci.Command {
			c := createSync(numbered(1))
			change(&c)
			return c
		}
		entry := hci.LEAddDeviceToPeriodicAdvertiserList
		const invalid, busy, ok, unknown = hci.InvalidHCICommandParameters, hci.CommandDisallowed, hci.Success, hci.UnknownAdvertisingIdentifier
		h.do(hci.LESetEventMask{Mask: extendedEvents})
		equal(t, "size", h.do(hci.LEReadPeriodicAdvertiserListSize), []byte{8})
		h.answers([]refusal{
			{"options", with(func(c *hci.LEPeriodicAdvertisingCreateSync) { c.Options = 8 }), invalid},
			{"filtered", with(func(c *hci.LEPeriodicAdvertisingCreateSync) { c.Options = 4 }), hci.UnsupportedFeatureOrParameter},
			{"SID", with(func(c *hci.LEPeriodicAdvertisingCreateSync) { c.SID = 16 }), invalid},
			{"address type", with(func(c *hci.LEPeriodicAdvertisingCreateSync) { c.Advertiser.Type = 2 }), invalid},
			{"skip", with(func(c *hci.LEPeriodicAdvertisingCreateSync) { c.Sync.Skip = 0x1F4 }), invalid},
			{"time-out too short", with(func(c *hci.LEPeriodicAdvertisingCreateSync) { c.Sync.Timeout = 9 }), invalid},
			{"time-out too long", with(func(c *hci.LEPeriodicAdvertisingCreateSync) { c.Sync.Timeout = 0x4001 }), invalid},
			{"cancelled, what is not", hci.LEPeriodicAdvertisingCreateSyncCancel, busy},
			{"terminated, what is not", hci.LEPeriodicAdvertisingTerminateSync{SyncHandle: 1}, unknown},
			{"reports of what is not", hci.LESetPeriodicAdvertisingReceiveEnable{SyncHandle: 1}, unknown},
			{"reports, an octet there is not", hci.LESetPeriodicAdvertisingReceiveEnable{SyncHandle: 1, Enable: 4}, invalid},
			{"no address of a list", entry(hci.Address{Type: 2}, 1), invalid},
			{"no SID of a list", entry(numbered(1), 16), invalid},
			{"an entry", entry(numbered(1), 1), ok},
			{"the same", entry(numbered(1), 1), invalid},
			{"another set of it", entry(numbered(1), 2), ok},
			{"removed", hci.LERemoveDeviceFromPeriodicAdvertiserList(numbered(1), 2), ok},
			{"removed, what is not", hci.LERemoveDeviceFromPeriodicAdvertiserList(numbered(1), 2), unknown},
			{"good", createSync(numbered(1)), ok},
			{"another meanwhile", createSync(numbered(2)), busy},
			{"the list meanwhile", entry(numbered(2), 1), busy},
			{"the list cleared meanwhile", hci.LEClearPeriodicAdvertiserList, busy},
			{"cancelled", hci.LEPeriodicAdvertisingCreateSyncCancel, ok},
		})
		if e := h.synced(); e.Status != hci.OperationCancelledByHost {
			t.Errorf("%+v", e)
		}
		h.do(hci.LEClearPeriodicAdvertiserList)
		for i := range 8 {
			h.do(entry(numbered(i), 1))
		}
		h.refused(entry(numbered(9), 1), hci.MemoryCapacityExceeded)
	})
}

// TestSyncHoldsTheResolvingList: it does not change while a train is looked for (Vol 4, Part E, 7.8.38 and 7.8.77), and does when
// one is followed.
func TestSyncHoldsTheResolvingList(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].broadcasts(1)
		h[1].know(numbered(1), irkA, irkB)
		h[1].resolve()
		h[1].start(createSync(h[0].c.Address()))
		for _, c := range []hci.Command{hci.LEClearResolvingList, hci.LESetPrivacyMode{Peer: numbered(1), Mode: hci.DevicePrivacy}, hci.LESetAddressResolutionEnable{}} {
			h[1].refused(c, hci.CommandDisallowed)
		}
		h[1].listen(extendedScan, hci.FilterDuplicates)
		h[1].extended()
		h[1].synced()
		h[1].heard()
		h[1].do(hci.LESetExtendedScanEnable{})
		h[1].do(hci.LEClearResolvingList)
		h[1].heard()
	})
}

// TestPrivateTrain: a train of a private address is followed by the identity that it resolves to, and told of so.
func TestPrivateTrain(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].know(h[1].c.Address(), irkB, irkA)
		h[1].know(h[0].c.Address(), irkA, irkB)
		h[0].resolve()
		h[1].resolve()
		p := set(1, 0)
		p.OwnAddressType, p.Peer = 2, h[1].c.Address()
		h[0].do(p)
		h[0].do(hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: 1, IntervalMin: 40, IntervalMax: 40})
		h[0].do(hci.LESetPeriodicAdvertisingEnable{Enable: 1, AdvertisingHandle: 1})
		h[0].enabled(hci.EnabledSet{AdvertisingHandle: 1})
		if train := h[1].follows(h[0].c.Address()); !train.Resolved || train.Advertiser != h[0].c.Address() {
			t.Errorf("%+v", train)
		}
	})
}

// TestSync: who asks to follow a set does so once it is heard, reports come every interval, however long the data, and go on
// when neither the set advertises nor the follower scans any more.
func TestSync(t *testing.T) {
	for _, instant := range []bool{false, true} {
		for _, octets := range []int{0, 3, 247, 248, 1650} {
			t.Run(fmt.Sprint(instant, octets), func(t *testing.T) {
				extendedOnAir(t, AirConfig{Instant: instant}, 2, func(t *testing.T, air *Air, h []*host) {
					h[0].broadcasts(octets)
					train := h[1].follows(h[0].c.Address())
					want := hci.PeriodicTrain{SyncHandle: train.SyncHandle, SID: 1, Advertiser: h[0].c.Address(), PHY: hci.LE1M, Interval: 40}
					if train != want {
						t.Errorf("%+v", train)
					}
					h[0].do(hci.LESetExtendedAdvertisingEnable{})
					h[1].heard()
					last := time.Now()
					h[1].do(hci.LESetExtendedScanEnable{})
					for range 10 {
						r := h[1].heard()
						if r.SyncHandle != train.SyncHandle || !bytes.Equal(r.Data, pattern(octets)) || r.DataStatus != hci.DataStatusComplete || r.RSSI != -50 {
							t.Errorf("%+v", r)
						}
						if d := time.Since(last); d != 50*time.Millisecond {
							t.Errorf("%v between two events", d)
						}
						last = time.Now()
					}
					h[1].do(hci.LEPeriodicAdvertisingTerminateSync{SyncHandle: train.SyncHandle})
					h[1].silent(time.Second)
					if n := air.alarms(); n != 0 {
						t.Errorf("%d alarms left", n)
					}
				})
			})
		}
	}
}

// TestSyncReport: a report tells when the advertiser does, the interval of its train.
func TestSyncReport(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].broadcasts(0)
		h[1].listen(extendedScan, hci.FilterDuplicates)
		if r := h[1].extended(); r.PeriodicInterval != 40 {
			t.Errorf("%+v", r)
		}
	})
}

// TestSyncByList: of the periodic advertiser list whoever is heard first; one that is followed already is not followed twice.
func TestSyncByList(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
		h[0].broadcasts(1)
		h[1].broadcasts(2)
		h[2].do(hci.LEAddDeviceToPeriodicAdvertiserList(h[1].c.Address(), 1))
		c := createSync(hci.Address{})
		c.Options = 1 | 2 // by the list, and without reports
		h[2].start(c)
		h[2].listen(extendedScan, hci.FilterDuplicates)
		var e hci.LEPeriodicAdvertisingSyncEstablished
		for range 3 { // two reports in any order, and this
			p := h[2].event(hci.EvLEMeta)
			if hci.Subevent(p[0]) == hci.EvLEPeriodicAdvertisingSyncEstablished {
				e, _ = hci.ParseLEPeriodicAdvertisingSyncEstablished(p[1:])
			}
		}
		if e.Status != hci.Success || e.Train.Advertiser != h[1].c.Address() {
			t.Errorf("%+v", e)
		}
		h[2].silent(time.Second)
		h[2].refused(createSync(h[1].c.Address()), hci.ConnectionAlreadyExists)
		h[2].start(c) // nobody else is in the list
		h[2].silent(time.Second)
		h[2].do(hci.LEPeriodicAdvertisingCreateSyncCancel)
		h[2].synced()
		h[2].do(hci.LESetPeriodicAdvertisingReceiveEnable{SyncHandle: e.Train.SyncHandle, Enable: 1})
		if r := h[2].heard(); !bytes.Equal(r.Data, pattern(2)) {
			t.Errorf("%+v", r)
		}
		h[2].refused(hci.LESetPeriodicAdvertisingReceiveEnable{SyncHandle: e.Train.SyncHandle, Enable: 3}, hci.UnsupportedFeatureOrParameter)
		h[2].do(hci.LESetPeriodicAdvertisingReceiveEnable{SyncHandle: e.Train.SyncHandle})
		h[2].silent(time.Second)
	})
}

// TestSyncLost: when nothing was heard for the time-out, whatever the reason, and not before.
func TestSyncLost(t *testing.T) {
	for name, lose := range map[string]func(h []*host){
		"it stops":            func(h []*host) { h[0].do(hci.LESetPeriodicAdvertisingEnable{AdvertisingHandle: 1}) },
		"it is out of range":  func(h []*host) { h[0].c.SetSilent(true) },
		"we are out of range": func(h []*host) { h[1].c.SetSilent(true) },
		"it is reset":         func(h []*host) { h[0].c.Restart() },
		"it is unplugged":     func(h []*host) { h[0].c.Unplug() },
		"nothing comes over":  func(h []*host) { h[1].c.SetLoss(1) },
	} {
		t.Run(name, func(t *testing.T) {
			extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
				h[0].broadcasts(1)
				train := h[1].follows(h[0].c.Address())
				h[1].heard()
				h[1].do(hci.LESetExtendedScanEnable{})
				h[1].heard()
				last := time.Now()
				lose(h)
				e, err := hci.ParseLEPeriodicAdvertisingSyncLost(h[1].meta(hci.EvLEPeriodicAdvertisingSyncLost))
				if d := time.Since(last); err != nil || e.SyncHandle != train.SyncHandle || d != time.Second {
					t.Errorf("%+v (%v) after %v", e, err, d)
				}
				h[1].refused(hci.LEPeriodicAdvertisingTerminateSync{SyncHandle: train.SyncHandle}, hci.UnknownAdvertisingIdentifier)
				h[1].silent(time.Second)
			})
		})
	}
}

// TestSyncFails with 0x3E when the first six events are not heard (Vol 6, Part B, 4.4.5.2), and it does not, if one is.
func TestSyncFails(t *testing.T) {
	for _, missed := range []int{5, 6} {
		extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
			h[0].broadcasts(1)
			h[1].start(createSync(h[0].c.Address()))
			h[1].listen(extendedScan, hci.FilterDuplicates)
			h[1].extended()
			h[0].c.SetSilent(true)
			pass(time.Duration(missed) * 50 * time.Millisecond)
			h[0].c.SetSilent(false)
			want := hci.Success
			if missed == 6 {
				want = hci.ConnectionFailedToBeEstablished
			}
			if e := h[1].synced(); e.Status != want {
				t.Errorf("%d missed: %+v", missed, e)
			}
		})
	}
}

// TestSyncSkip listens to every third event alone.
func TestSyncSkip(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].broadcasts(1)
		c := createSync(h[0].c.Address())
		c.Sync.Skip = 2
		h[1].start(c)
		h[1].listen(extendedScan, hci.FilterDuplicates)
		h[1].extended()
		h[1].synced()
		h[1].heard()
		for range 5 {
			last := time.Now()
			h[1].heard()
			if d := time.Since(last); d != 150*time.Millisecond {
				t.Errorf("%v between two reports", d)
			}
		}
	})
}

// TestSyncLoss: with packets lost, some reports come truncated, and none wrong.
func TestSyncLoss(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		h[0].broadcasts(1000)
		h[1].follows(h[0].c.Address())
		h[0].c.SetLoss(0.2)
		truncated, whole := 0, 0
		for range 100 {
			switch r := h[1].heard(); {
			case !bytes.Equal(r.Data, pattern(1000)[:len(r.Data)]):
				t.Fatalf("% X", r.Data)
			case r.DataStatus == hci.DataStatusTruncated && len(r.Data) < 1000:
				truncated++
			case r.DataStatus == hci.DataStatusComplete && len(r.Data) == 1000:
				whole++
			}
		}
		if whole+truncated != 100 || whole < 20 || truncated < 20 {
			t.Errorf("%d whole, %d truncated", whole, truncated)
		}
	})
}

// TestSyncTransfer: a peer is told of a train, by who follows it or by whose it is, and follows it without scanning (Vol 4, Part E,
// 7.8.89 to 7.8.92).
func TestSyncTransfer(t *testing.T) {
	for _, own := range []bool{false, true} {
		for _, byDefault := range []bool{false, true} {
			t.Run(fmt.Sprint(own, byDefault), func(t *testing.T) {
				extendedOnAir(t, AirConfig{}, 3, func(t *testing.T, _ *Air, h []*host) {
					radio, teller, told := h[0], h[1], h[2]
					if own {
						teller = radio
					}
					if byDefault {
						told.do(hci.LESetDefaultPeriodicAdvertisingSyncTransferParameters{Mode: 2, Sync: hci.SyncOptions{Timeout: 100}})
					}
					told.do(set(3, hci.AdvertiseConnectable))
					told.enabled(hci.EnabledSet{AdvertisingHandle: 3})
					teller.start(createExtended(told.c.Address(), hci.LE1M))
					th, oh := teller.connected().Handle, told.connected().Handle
					told.terminated()
					if !byDefault {
						equal(t, "handle", told.do(hci.LESetPeriodicAdvertisingSyncTransferParameters{Handle: oh, Mode: 2, Sync: hci.SyncOptions{Timeout: 100}}), le16(oh))
					}
					radio.broadcasts(3)
					if own {
						equal(t, "handle", teller.do(hci.LEPeriodicAdvertisingSetInfoTransfer{Handle: th, ServiceData: 0x1234, AdvertisingHandle: 1}), le16(th))
					} else {
						train := teller.follows(radio.c.Address())
						teller.heard()
						teller.do(hci.LESetPeriodicAdvertisingReceiveEnable{SyncHandle: train.SyncHandle})
						equal(t, "handle", teller.do(hci.LEPeriodicAdvertisingSyncTransfer{Handle: th, ServiceData: 0x1234, SyncHandle: train.SyncHandle}), le16(th))
					}
					e, err := hci.ParseLEPeriodicAdvertisingSyncTransferReceived(told.meta(hci.EvLEPeriodicAdvertisingSyncTransferReceived))
					if err != nil || e.Status != hci.Success || e.Handle != oh || e.ServiceData != 0x1234 || e.Train.Advertiser != radio.c.Address() || e.Train.SID != 1 {
						t.Errorf("%+v (%v)", e, err)
					}
					if r := told.heard(); r.SyncHandle != e.Train.SyncHandle || !bytes.Equal(r.Data, pattern(3)) {
						t.Errorf("%+v", r)
					}
				})
			})
		}
	}
}

// TestSyncTransferRefused, and not taken.
func TestSyncTransferRefused(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, air *Air, h []*host) {
		old := newHost(t, air.NewController(ControllerConfig{Version: 0x09}))
		h[0].broadcasts(1)
		var handles []uint16
		for _, to := range []*host{h[1], old} {
			to.advertise(advertised)
			h[0].start(createExtended(to.c.Address(), hci.LE1M))
			to.connected()
			handles = append(handles, h[0].connected().Handle)
		}
		handle, oldHandle := handles[0], handles[1]
		h[0].do(set(5, 0))
		transfer := func(handle, sync uint16) hci.Command {
			return hci.LEPeriodicAdvertisingSyncTransfer{Handle: handle, SyncHandle: sync}
		}
		info := func(handle uint16, set uint8) hci.Command {
			return hci.LEPeriodicAdvertisingSetInfoTransfer{Handle: handle, AdvertisingHandle: set}
		}
		mode := func(handle uint16, m hci.SyncTransferMode, timeout uint16) hci.Command {
			return hci.LESetPeriodicAdvertisingSyncTransferParameters{Handle: handle, Mode: m, Sync: hci.SyncOptions{Timeout: timeout}}
		}
		h[0].answers([]refusal{
			{"no connection", transfer(0x0EFF, 1), hci.UnknownConnectionIdentifier},
			{"no sync", transfer(handle, 1), hci.UnknownAdvertisingIdentifier},
			{"no set", info(handle, 9), hci.UnknownAdvertisingIdentifier},
			{"a set that does not advertise periodically", info(handle, 5), hci.CommandDisallowed},
			{"to who can't", info(oldHandle, 1), hci.UnsupportedRemoteFeature},
			{"to who does not want to", info(handle, 1), hci.Success},
			{"mode of no connection", mode(0x0EFF, 1, 100), hci.UnknownConnectionIdentifier},
			{"no mode", mode(handle, 4, 100), hci.InvalidHCICommandParameters},
			{"filtered", mode(handle, 3, 100), hci.UnsupportedFeatureOrParameter},
			{"time-out", mode(handle, 2, 9), hci.InvalidHCICommandParameters},
			{"default time-out", hci.LESetDefaultPeriodicAdvertisingSyncTransferParameters{Mode: 2}, hci.InvalidHCICommandParameters},
			{"none by default", hci.LESetDefaultPeriodicAdvertisingSyncTransferParameters{Sync: hci.SyncOptions{Timeout: 10}}, hci.Success},
		})
		h[1].silent(time.Second)
	})
}
