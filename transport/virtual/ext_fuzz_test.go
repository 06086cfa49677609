package virtual

import (
	"bytes"

	"github.com/jelling-ble/jelling/hci"
)

// extendedLives are seeds of FuzzHost: hosts that use the extended commands, up to everything at once.
func extendedLives() (lives [][]byte) {
	const handle = 0x141 // the hostile controller's first
	broadcaster := hci.Address{Octets: [6]byte{3, 0, 0, 'L', 'J', 2}}
	masks := []hci.Command{hci.SetEventMask{Mask: ^uint64(0)}, hci.LESetEventMask{Mask: ^uint64(0)}}
	both := hci.LESetExtendedScanParameters{Scan: []hci.PHYScan{{PHY: hci.LE1M, Active: true, Interval: 96, Window: 96}, {PHY: hci.LECoded, Interval: 96, Window: 48}}}
	connectable, coded := set(1, hci.AdvertiseConnectable), set(2, hci.AdvertiseTXPower)
	coded.PrimaryPHY, coded.SecondaryPHY, coded.IntervalMin, coded.IntervalMax = hci.LECoded, hci.LECoded, 1600, 1600
	for _, commands := range [][]hci.Command{
		{both, hci.LESetExtendedScanEnable{Enable: true, Duplicates: hci.FilterWithinAPeriod, Duration: 50, Period: 1}, createSync(broadcaster),
			hci.LEPeriodicAdvertisingCreateSyncCancel, hci.LEPeriodicAdvertisingTerminateSync{SyncHandle: 1}},
		{connectable, coded, hci.LESetExtendedAdvertisingData{AdvertisingHandle: 2, Operation: hci.DataFirst, Data: pattern(200)},
			hci.LESetExtendedAdvertisingData{AdvertisingHandle: 2, Operation: hci.DataLast, Data: pattern(200)},
			hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: []hci.EnabledSet{{AdvertisingHandle: 1, Duration: 9}, {AdvertisingHandle: 2, MaxEvents: 3}}}},
		{set(1, hci.AdvertiseScannable), hci.LESetExtendedScanResponseData{AdvertisingHandle: 1, Operation: hci.DataComplete, Data: pattern(240)},
			hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: []hci.EnabledSet{{AdvertisingHandle: 1}}}, hci.LEClearAdvertisingSets, hci.Reset},
		{set(1, 0), hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: 1, IntervalMin: 6, IntervalMax: 9},
			hci.LESetPeriodicAdvertisingData{AdvertisingHandle: 1, Operation: hci.DataComplete, Data: pattern(100)},
			hci.LESetPeriodicAdvertisingEnable{Enable: 1, AdvertisingHandle: 1},
			hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: []hci.EnabledSet{{AdvertisingHandle: 1}}},
			hci.LESetPeriodicAdvertisingEnable{AdvertisingHandle: 1}, hci.LERemoveAdvertisingSet{AdvertisingHandle: 1}},
		{both, hci.LESetExtendedScanEnable{Enable: true}, createSync(broadcaster), hci.LESetDefaultPeriodicAdvertisingSyncTransferParameters{Mode: 2, Sync: hci.SyncOptions{Timeout: 10}},
			createExtended(broadcaster, hci.LE1M, hci.LE2M), hci.LEPeriodicAdvertisingSyncTransfer{Handle: handle, SyncHandle: 1},
			hci.Disconnect{Handle: handle, Reason: hci.RemoteUserTerminatedConnection}},
	} {
		var life []byte
		for _, c := range append(masks, commands...) {
			life = append(step(life, hci.AppendCommand(nil, c)), 0xFF)
		}
		lives = append(lives, life)
	}
	return lives
}

// broadcastFor puts an advertiser on the air that the hostile host may follow and connect to: long data, a train, and a
// connectable set; and one who follows it.
func broadcastFor(p *pair) (broadcaster, follower *host) {
	t := p.central.t
	broadcaster = newHost(t, p.air.NewController(ControllerConfig{Name: "broadcaster"}))
	follower = newHost(t, p.air.NewController(ControllerConfig{Name: "follower"}))
	follower.do(hci.LESetEventMask{Mask: extendedEvents})
	broadcaster.broadcasts(400)
	broadcaster.do(hci.LESetExtendedAdvertisingEnable{})
	broadcaster.put(1, pattern(600), false)
	broadcaster.do(set(2, hci.AdvertiseConnectable))
	broadcaster.enabled(hci.EnabledSet{AdvertisingHandle: 1}, hci.EnabledSet{AdvertisingHandle: 2})
	return broadcaster, follower
}

// unharmed checks that the follower hears the broadcaster as it is.
func unharmed(broadcaster, follower *host) {
	t := follower.t
	follower.do(hci.LEAddDeviceToFilterAcceptList(broadcaster.c.Address()))
	p := extendedScan
	p.FilterPolicy = 1
	follower.listen(p, hci.ReportDuplicates)
	var data []byte
	for range 20 { // of two sets, which may come between each other
		r := follower.extended()
		if r.SID != 1 {
			continue
		}
		if data = append(data, r.Data...); r.Type.DataStatus() == hci.DataStatusMore {
			continue
		}
		if !bytes.Equal(data, pattern(600)) {
			t.Errorf("%d octets of the broadcaster's 600", len(data))
		}
		data = nil
	}
}
