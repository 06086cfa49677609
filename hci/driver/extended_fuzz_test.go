package driver_test

import (
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// FuzzExtended: no sequence of extended and periodic events makes the host stumble, tell more than an advertisement can
// hold, or tell of a sync that has ended. The script is lengths and octets.
func FuzzExtended(f *testing.F) {
	script := func(events ...hci.EventParameters) (s []byte) {
		for _, e := range events {
			p := hci.AppendEvent(nil, e)
			s = append(append(s, byte(len(p))), p...)
		}
		return s
	}
	reports := func(all ...hci.ExtendedAdvertisingReport) hci.EventParameters {
		return hci.LEExtendedAdvertisingReport{Reports: all}
	}
	f.Add(script(reports(part(hci.DataStatusMore, "a")), reports(part(hci.DataStatusComplete, "b"))))
	f.Add(script(reports(part(hci.DataStatusMore, "a"), by(3, part(hci.DataStatusMore, "b")), part(hci.DataStatusTruncated, ""))))
	f.Add(script(reports(part(3, "a")), hci.LEScanTimeout{}))
	f.Add(script(periodic(hci.DataStatusMore, "a"), periodic(hci.DataStatusComplete, "b"), hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 7}, periodic(hci.DataStatusComplete, "c")))
	f.Add(script(established(7), established(8), hci.LEPeriodicAdvertisingSyncLost{SyncHandle: 8}))
	f.Add(script(hci.LEPeriodicAdvertisingReportV2{LEPeriodicAdvertisingReport: periodic(hci.DataStatusFailed, ""), Subevent: 4}))
	f.Add(script(connected(64, hci.Peripheral), hci.LEAdvertisingSetTerminated{Handle: 64}, hci.LEAdvertisingSetTerminated{Status: hci.LimitReached}))
	f.Add(script(connected(64, hci.Central), hci.LEPeriodicAdvertisingSyncTransferReceived{Handle: 64, Train: train(9)}))
	f.Add(script(hci.LEScanRequestReceived{Scanner: peer}, hci.LEDirectedAdvertisingReport{Reports: []hci.DirectedReport{{Address: peer}}}))
	f.Add([]byte{6, 4, 0x3E, 3, 0x27, 0, 0, 6, 4, 0x3E, 3, 0x28, 0, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
			var told follower
			var handler set
			sync := synced(t, ctl, c, &told)
			s, err := c.NewAdvertisingSet(t.Context(), driver.AdvertisingParameters{}, &handler)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Start(t.Context(), driver.AdvertisingLimits{}); err != nil {
				t.Fatal(err)
			}
			for len(script) > 0 {
				length := min(int(script[0]), len(script)-1)
				ctl.Inject(script[1 : 1+length])
				script = script[1+length:]
			}
			synctest.Wait()
			for _, r := range h.reports {
				if len(r.Data) > 1650 || r.Type.DataStatus() != hci.DataStatusComplete {
					t.Errorf("%d octets, %02b", len(r.Data), r.Type.DataStatus())
				}
			}
			_, ended := told.told()
			select {
			case <-sync.Done():
				if len(ended) != 1 || sync.Err() == nil {
					t.Errorf("ended %v, %v", ended, sync.Err())
				}
			default:
				if len(ended) != 0 {
					t.Errorf("told of its end: %v", ended)
				}
			}
		})
	})
}
