package virtual

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

func TestTraceString(t *testing.T) {
	for want, e := range map[string]Trace{
		"    12.500ms  phone -> oximeter  LL_ENC_REQ": {12500 * time.Microsecond, "phone", "oximeter", "LL_ENC_REQ", ""},
		"     0.000ms  phone -> all  ADV_IND  02 01":  {0, "phone", "", "ADV_IND", "02 01"},
	} {
		if got := e.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTrace is a whole connection, as a person would read it.
func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []Trace
		p := newPair(t, AirConfig{Trace: func(e Trace) { all = append(all, e) }}, ControllerConfig{}, ControllerConfig{})
		settle()
		p.central.start(hci.LEReadRemoteFeatures(p.ch))
		p.central.features(p.ch, hci.Success, featuresOf(version54))
		p.encrypt(ltk)
		p.keyRequest()
		p.noKey()
		p.central.changed(p.ch, hci.PINOrKeyMissing, 0)
		p.encrypted()
		p.central.sendACL(p.ch, hci.FirstNonFlushable, pattern(30))
		p.central.completed(p.ch)
		p.central.start(hci.LEConnectionUpdate{Handle: p.ch, Parameters: slower})
		p.central.updated(p.ch, hci.Success, slower)
		p.central.start(hci.Disconnect{Handle: p.ch, Reason: hci.RemoteUserTerminatedConnection})
		p.central.disconnected(p.ch, hci.ConnectionTerminatedByLocalHost)
		p.peripheral.acl()
		p.peripheral.acl()
		p.peripheral.updated(p.ph, hci.Success, slower)
		p.peripheral.disconnected(p.ph, hci.RemoteUserTerminatedConnection)
		active := scan
		active.Active = true
		p.central.scan(active, true)
		p.peripheral.advertise(advertised)
		p.central.report()
		var got []string
		for i, e := range all {
			got = append(got, e.PDU)
			if i > 0 && e.Time < all[i-1].Time || e.From == "" || e.To == e.From || strings.Contains(e.Detail, "a0") {
				t.Errorf("%v", e)
			}
		}
		want := []string{"ADV_IND", "CONNECT_IND", "LL_FEATURE_REQ", "LL_FEATURE_RSP",
			"LL_ENC_REQ", "LL_ENC_RSP", "LL_REJECT_EXT_IND",
			"LL_ENC_REQ", "LL_ENC_RSP", "LL_START_ENC_REQ", "LL_START_ENC_RSP", "LL_START_ENC_RSP",
			"LL Data start", "LL Data continuation", "LL_CONNECTION_UPDATE_IND", "LL_TERMINATE_IND", "ADV_IND", "SCAN_REQ", "SCAN_RSP"}
		if !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		for _, e := range all {
			switch e.PDU {
			case "LL_TERMINATE_IND":
				if e.Detail != "Remote User Terminated Connection (0x13)" {
					t.Errorf("%v", e)
				}
			case "LL_CONNECTION_UPDATE_IND":
				if e.Detail != "interval 50ms to 100ms, latency 2, time-out 2s" {
					t.Errorf("%v", e)
				}
			}
		}
	})
}
