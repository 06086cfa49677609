package virtual

import (
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// TestSetParameters is what a set can't be (Vol 4, Part E, 7.8.53).
func TestSetParameters(t *testing.T) {
	alone(t, ControllerConfig{AdvertisingSets: 2}, func(t *testing.T, h *host) {
		with := func(change func(*hci.LESetExtendedAdvertisingParameters)) hci.Command {
			p := set(0, 0)
			change(&p)
			return p
		}
		legacy := func(p hci.AdvertisingProperties) hci.Command { return set(0, p|hci.AdvertiseLegacy) }
		const invalid, unsupported = hci.InvalidHCICommandParameters, hci.UnsupportedFeatureOrParameter
		h.answers([]refusal{
			{"legacy connectable alone", legacy(hci.AdvertiseConnectable), invalid},
			{"legacy scannable and directed", legacy(hci.AdvertiseScannable | hci.AdvertiseDirected), invalid},
			{"legacy anonymous", legacy(hci.AdvertiseAnonymous), invalid},
			{"legacy with power", legacy(hci.AdvertiseTXPower), invalid},
			{"legacy on LE Coded", with(func(p *hci.LESetExtendedAdvertisingParameters) {
				p.Properties, p.PrimaryPHY = hci.LegacyAdvInd, hci.LECoded
			}), invalid},
			{"connectable and scannable", set(0, hci.AdvertiseConnectable|hci.AdvertiseScannable), invalid},
			{"high duty", set(0, hci.AdvertiseConnectable|hci.AdvertiseDirected|hci.AdvertiseHighDutyDirected), invalid},
			{"anonymous connectable", set(0, hci.AdvertiseConnectable|hci.AdvertiseAnonymous), invalid},
			{"anonymous scannable", set(0, hci.AdvertiseScannable|hci.AdvertiseAnonymous), invalid},
			{"a property there is not", set(0, 1<<7), invalid},
			{"no handle", set(0xF0, 0), invalid},
			{"interval too short", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.IntervalMin = 0x1F }), invalid},
			{"intervals the wrong way round", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.IntervalMin = 0x101; p.IntervalMax = 0x100 }), invalid},
			{"no channel", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.ChannelMap = 0 }), invalid},
			{"own address type", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.OwnAddressType = 4 }), invalid},
			{"peer address type", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.Peer.Type = 2 }), invalid},
			{"filter policy", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.FilterPolicy = 4 }), invalid},
			{"primary on LE 2M", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.PrimaryPHY = hci.LE2M }), unsupported},
			{"secondary PHY", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.SecondaryPHY = 4 }), unsupported},
			{"no secondary PHY", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.SecondaryPHY = 0 }), unsupported},
			{"SID", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.SID = 0x10 }), invalid},
			{"the longest interval", with(func(p *hci.LESetExtendedAdvertisingParameters) { p.IntervalMin, p.IntervalMax = 0xFFFFFF, 0xFFFFFF }), hci.Success},
			{"another set", set(0xEF, 0), hci.Success},
			{"a third", set(1, 0), hci.MemoryCapacityExceeded},
			{"one of the two again", set(0xEF, hci.LegacyAdvInd), hci.Success},
		})
		equal(t, "sets", h.do(hci.LEReadNumberOfSupportedAdvertisingSets), []byte{2})
		h.enabled(hci.EnabledSet{AdvertisingHandle: 0xEF})
		h.answers([]refusal{
			{"while it advertises", set(0xEF, 0), hci.CommandDisallowed},
			{"removed while it advertises", hci.LERemoveAdvertisingSet{AdvertisingHandle: 0xEF}, hci.CommandDisallowed},
			{"all removed while it advertises", hci.LEClearAdvertisingSets, hci.CommandDisallowed},
			{"removed, unknown", hci.LERemoveAdvertisingSet{AdvertisingHandle: 7}, hci.UnknownAdvertisingIdentifier},
			{"removed", hci.LERemoveAdvertisingSet{}, hci.Success},
			{"room for another", set(1, 0), hci.Success},
			{"all stopped", hci.LESetExtendedAdvertisingEnable{}, hci.Success},
			{"all removed", hci.LEClearAdvertisingSets, hci.Success},
			{"they are gone", hci.LERemoveAdvertisingSet{AdvertisingHandle: 1}, hci.UnknownAdvertisingIdentifier},
		})
	})
	alone(t, ControllerConfig{Features: hci.FeatureLEExtendedAdvertising, TXPower: 4}, func(t *testing.T, h *host) {
		coded, fast := set(0, 0), set(0, 0)
		coded.PrimaryPHY, fast.SecondaryPHY = hci.LECoded, hci.LE2M
		h.answers([]refusal{{"LE Coded", coded, hci.UnsupportedFeatureOrParameter}, {"LE 2M", fast, hci.UnsupportedFeatureOrParameter}})
		equal(t, "power of no preference", h.do(set(0, 0)), []byte{4})
		weak := set(0, 0)
		weak.TXPower = -20
		equal(t, "power", h.do(weak), []byte{0xEC})
	})
}

// TestSetData: in parts, up to what a set holds (Vol 4, Part E, 7.8.54 and 7.8.55).
func TestSetData(t *testing.T) {
	alone(t, ControllerConfig{MaxAdvertisingData: 600}, func(t *testing.T, h *host) {
		data := func(handle uint8, o hci.DataOperation, n int) hci.Command {
			return hci.LESetExtendedAdvertisingData{AdvertisingHandle: handle, Operation: o, Data: make([]byte, n)}
		}
		response := func(handle uint8, o hci.DataOperation, n int) hci.Command {
			return hci.LESetExtendedScanResponseData{AdvertisingHandle: handle, Operation: o, Data: make([]byte, n)}
		}
		const (
			middle, first, last, all, same = hci.DataIntermediate, hci.DataFirst, hci.DataLast, hci.DataComplete, hci.DataUnchanged
			invalid, ok, busy              = hci.InvalidHCICommandParameters, hci.Success, hci.CommandDisallowed
			plain, legacy, directed, asked = 0, 1, 2, 3
		)
		equal(t, "most", h.do(hci.LEReadMaximumAdvertisingDataLength), []byte{0x58, 0x02})
		h.do(set(plain, 0))
		h.do(set(legacy, hci.LegacyAdvInd))
		h.do(set(directed, hci.LegacyAdvDirectIndLow))
		h.do(set(asked, hci.AdvertiseScannable))
		enable := func(handle uint8) hci.Command {
			return hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: []hci.EnabledSet{{AdvertisingHandle: handle}}}
		}
		long := hci.Raw{Op: hci.OpLESetExtendedAdvertisingData, Parameters: []byte{0, 3, 0, 2, 1}}
		h.answers([]refusal{
			{"no such set", data(9, all, 1), hci.UnknownAdvertisingIdentifier},
			{"response of no such set", response(9, all, 1), hci.UnknownAdvertisingIdentifier},
			{"an operation there is not", data(plain, 5, 1), invalid},
			{"an empty part", data(plain, first, 0), invalid},
			{"a part that continues nothing", data(plain, middle, 1), invalid},
			{"an end of nothing", data(plain, last, 1), invalid},
			{"less than it says", long, invalid},
			{"nothing unchanged", data(plain, same, 0), invalid},
			{"legacy, too long", data(legacy, all, 32), invalid},
			{"legacy, in parts", data(legacy, first, 1), invalid},
			{"legacy", data(legacy, all, 31), ok},
			{"legacy response, too long", response(legacy, all, 32), invalid},
			{"legacy response", response(legacy, all, 31), ok},
			{"directed", data(directed, all, 1), invalid},
			{"scannable", data(asked, all, 1), invalid},
			{"response of what is not scannable", response(plain, all, 1), invalid},
			{"none of what is not scannable", response(plain, all, 0), ok},
			{"scannable without a response", enable(asked), busy},
			{"first", data(plain, first, 251), ok},
			{"enabled before the last", enable(plain), busy},
			{"middle", data(plain, middle, 251), ok},
			{"more than it holds", data(plain, last, 99), hci.MemoryCapacityExceeded},
			{"all of it is gone", data(plain, last, 1), invalid},
			{"again", data(plain, first, 251), ok},
			{"as much as it holds", data(plain, middle, 251), ok},
			{"to the octet", data(plain, last, 98), ok},
			{"no room for it as a legacy set", set(plain, hci.LegacyAdvInd), invalid},
			{"nor as a scannable one", set(plain, hci.AdvertiseScannable), invalid},
			{"response in parts", response(asked, first, 251), ok},
			{"its end", response(asked, last, 251), ok},
			{"now scannable", enable(asked), ok},
			{"the response taken away", response(asked, all, 0), busy},
			{"another response in parts", response(asked, first, 1), busy},
			{"another response", response(asked, all, 3), ok},
			{"now enabled", enable(plain), ok},
			{"parts while it advertises", data(plain, first, 1), busy},
			{"unchanged while it advertises", data(plain, same, 0), ok},
			{"other data while it advertises", data(plain, all, 3), ok},
			{"an unchanged response", response(asked, same, 0), invalid},
		})
	})
}

// TestSetEnable is what can't be enabled (Vol 4, Part E, 7.8.56).
func TestSetEnable(t *testing.T) {
	alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
		enable := func(on byte, p ...byte) hci.Command {
			return hci.Raw{Op: hci.OpLESetExtendedAdvertisingEnable, Parameters: append([]byte{on}, p...)}
		}
		const invalid, ok = hci.InvalidHCICommandParameters, hci.Success
		h.do(set(1, 0))
		h.do(set(2, hci.LegacyAdvDirectIndHigh))
		random := set(3, 0)
		random.OwnAddressType = 1
		h.do(random)
		h.do(set(4, hci.AdvertiseConnectable))
		h.put(4, make([]byte, 251), false)
		slow := set(5, 0) // whose chain takes longer than 100 ms on LE Coded
		slow.PrimaryPHY, slow.SecondaryPHY = hci.LECoded, hci.LECoded
		part := func(o hci.DataOperation, n int) hci.Command {
			return hci.LESetExtendedAdvertisingData{AdvertisingHandle: 5, Operation: o, Data: make([]byte, n)}
		}
		h.do(set(5, 0))
		h.put(5, make([]byte, 1650), false)
		h.answers([]refusal{
			{"neither on nor off", enable(2, 1, 1, 0, 0, 0), invalid},
			{"on, without a set", enable(1, 0), invalid},
			{"one octet more", enable(1, 1, 1, 0, 0, 0, 0), invalid},
			{"one octet less", enable(1, 1, 1, 0, 0), invalid},
			{"no such set", enable(1, 1, 9, 0, 0, 0), hci.UnknownAdvertisingIdentifier},
			{"off, no such set", enable(0, 1, 9, 0, 0, 0), hci.UnknownAdvertisingIdentifier},
			{"the same twice", enable(1, 2, 1, 0, 0, 0, 1, 0, 0, 0), invalid},
			{"high duty without end", enable(1, 1, 2, 0, 0, 0), invalid},
			{"high duty for longer than 1.28 s", enable(1, 1, 2, 0x81, 0, 0), invalid},
			{"high duty", enable(1, 1, 2, 0x80, 0, 0), ok},
			{"a random address that there is not", enable(1, 1, 3, 0, 0, 0), invalid},
			{"one of two that can't be", enable(1, 2, 1, 0, 0, 0, 3, 0, 0, 0), invalid},
			{"then the other is not", hci.LERemoveAdvertisingSet{AdvertisingHandle: 1}, ok},
			{"too long for one connectable packet", enable(1, 1, 4, 0, 0, 0), invalid},
			{"parameters with which the data take too long", slow, hci.PacketTooLong},
			{"without data", part(hci.DataComplete, 0), ok},
			{"now", slow, ok},
			{"data that take too long", part(hci.DataFirst, 251), ok},
			{"their middle", part(hci.DataIntermediate, 251), ok},
			{"more", part(hci.DataIntermediate, 251), ok},
			{"and more", part(hci.DataIntermediate, 251), ok},
			{"now it is too long", part(hci.DataIntermediate, 251), ok},
			{"and too long in the end", part(hci.DataLast, 251), hci.PacketTooLong},
			{"so there are none", enable(1, 1, 5, 0, 0, 0), ok},
			{"its own random address", hci.LESetAdvertisingSetRandomAddress{AdvertisingHandle: 3, Octets: someone.Octets}, ok},
			{"with it", enable(1, 1, 3, 0, 0, 0), ok},
			{"another, as nobody can connect", hci.LESetAdvertisingSetRandomAddress{AdvertisingHandle: 3, Octets: someone.Octets}, ok},
			{"the address of a set to connect to", hci.LESetAdvertisingSetRandomAddress{AdvertisingHandle: 2, Octets: someone.Octets}, hci.CommandDisallowed},
			{"the address of no set", hci.LESetAdvertisingSetRandomAddress{AdvertisingHandle: 9, Octets: someone.Octets}, hci.UnknownAdvertisingIdentifier},
			{"the controller's random address", hci.LESetRandomAddress{Octets: someone.Octets}, ok},
			{"off, every one", enable(0, 0), ok},
			{"then they can go", hci.LEClearAdvertisingSets, ok},
		})
	})
}

// TestConnectableData: what fits into AUX_ADV_IND, which has 255 octets for the length of its extended header, its flags, the
// addresses, the set, the power and the data (Vol 6, Part B, 2.3.4).
func TestConnectableData(t *testing.T) {
	const connectable, directed, power = hci.AdvertiseConnectable, hci.AdvertiseDirected, hci.AdvertiseTXPower
	for p, most := range map[hci.AdvertisingProperties]int{connectable: 245, connectable | directed: 239, connectable | power: 244, connectable | directed | power: 238} {
		alone(t, ControllerConfig{}, func(t *testing.T, h *host) {
			h.do(set(1, p))
			h.put(1, pattern(most+1), false)
			h.refused(hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: []hci.EnabledSet{{AdvertisingHandle: 1}}}, hci.InvalidHCICommandParameters)
			h.put(1, pattern(most), false)
			h.enabled(hci.EnabledSet{AdvertisingHandle: 1})
			h.refused(hci.LESetExtendedAdvertisingData{AdvertisingHandle: 1, Operation: hci.DataComplete, Data: pattern(most + 1)}, hci.InvalidHCICommandParameters)
		})
	}
}

// TestSetStates: advertising by sets counts as any other (Vol 4, Part E, 7.8.27).
func TestSetStates(t *testing.T) {
	alone(t, ControllerConfig{States: supportedStates &^ (1 << 10)}, func(t *testing.T, h *host) {
		h.do(set(0, hci.AdvertiseConnectable))
		h.do(set(1, 0))
		h.listen(extendedScan, hci.ReportDuplicates)
		h.refused(hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: []hci.EnabledSet{{}}}, hci.CommandDisallowed)
		h.enabled(hci.EnabledSet{AdvertisingHandle: 1})
		h.deaf()
		h.enabled(hci.EnabledSet{})
		h.refused(hci.LESetExtendedScanEnable{Enable: true}, hci.CommandDisallowed)
	})
	inBubble(t, ControllerConfig{}, ControllerConfig{Links: 1}, func(t *testing.T, p *pair) { // which has its one
		p.peripheral.do(hci.LESetAdvertisingData{})
		p.peripheral.refused(hci.LESetAdvertisingEnable{Enable: true}, hci.ConnectionLimitExceeded)
	})
}

// TestSetLimits: a set ends by its duration (0x3C) and by its number of events (0x43), and says so, whether anybody listens or
// not (Vol 4, Part E, 7.7.65.18).
func TestSetLimits(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, air *Air, h []*host) {
		for _, heard := range []bool{false, true} {
			if heard {
				h[1].listen(extendedScan, hci.ReportDuplicates)
			}
			for _, p := range []hci.AdvertisingProperties{0, hci.LegacyAdvInd} {
				h[0].do(set(3, p))
				start := time.Now()
				h[0].enabled(hci.EnabledSet{AdvertisingHandle: 3, Duration: 55})
				if e := h[0].terminated(); e.Status != hci.AdvertisingTimeout || e.AdvertisingHandle != 3 || time.Since(start) != 550*time.Millisecond {
					t.Errorf("%+v after %v", e, time.Since(start))
				}
				h[0].enabled(hci.EnabledSet{AdvertisingHandle: 3, MaxEvents: 4})
				start = time.Now()
				if e := h[0].terminated(); e.Status != hci.LimitReached || e.CompletedEvents != 4 {
					t.Errorf("%+v", e)
				}
				if d := time.Since(start); d < 300*time.Millisecond || d > 340*time.Millisecond {
					t.Errorf("four events took %v", d)
				}
			}
		}
		pass(time.Second)
		heard := len(h[1].packets)
		if heard < 2*(5+4) || heard > 2*(6+4) {
			t.Errorf("%d reports of two times 550 ms and four events", heard)
		}
		for len(h[1].packets) > 0 {
			h[1].next()
		}
		h[1].deaf()
		if n := air.alarms(); n != 0 {
			t.Errorf("%d alarms left", n)
		}
	})
}

// TestHighDutySet ends after its duration, at the latest 1.28 s, and by LE Advertising Set Terminated alone.
func TestHighDutySet(t *testing.T) {
	extendedOnAir(t, AirConfig{}, 2, func(t *testing.T, _ *Air, h []*host) {
		p := set(0, hci.LegacyAdvDirectIndHigh)
		p.Peer = h[1].c.Address()
		h[0].do(p)
		h[1].listen(extendedScan, hci.ReportDuplicates)
		h[0].enabled(hci.EnabledSet{Duration: 128})
		if e := h[0].terminated(); e.Status != hci.AdvertisingTimeout {
			t.Errorf("%+v", e)
		}
		h[0].silent(time.Second)
		if n := len(h[1].packets); n != 342 {
			t.Errorf("%d events, want one every 3.75 ms", n)
		}
	})
}
