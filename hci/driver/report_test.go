package driver_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
)

// part is one report of a set's data, SID 2 of the peer.
func part(status hci.DataStatus, data string) hci.ExtendedAdvertisingReport {
	return hci.ExtendedAdvertisingReport{Type: hci.ExtendedReportType(0).WithDataStatus(status), Address: peer, PrimaryPHY: hci.LE1M,
		SecondaryPHY: hci.LE2M, SID: 2, TXPower: hci.UnknownPower, RSSI: -60, Data: []byte(data)}
}

func by(sid uint8, r hci.ExtendedAdvertisingReport) hci.ExtendedAdvertisingReport {
	r.SID = sid
	return r
}

// heard is what the host was told: SID, data, and a * behind what is truncated.
func heard(h *host) (all []string) {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.reports {
		text := fmt.Sprintf("%d %s", r.SID, r.Data)
		if r.Truncated {
			text += "*"
		}
		all = append(all, text)
	}
	return all
}

// Reports with "incomplete, more data to come" are joined with those of the same set that follow; "incomplete,
// data truncated" ends them (Vol 4, Part E, 7.7.65.13).
func TestReportsJoined(t *testing.T) {
	const more, truncated, complete, reserved = hci.DataStatusMore, hci.DataStatusTruncated, hci.DataStatusComplete, hci.DataStatus(3)
	response := part(complete, "r")
	response.Type |= hci.ReportScannable | hci.ReportScanResponse
	for _, c := range []struct {
		name  string
		parts []hci.ExtendedAdvertisingReport
		want  string
	}{
		{"one", []hci.ExtendedAdvertisingReport{part(complete, "a")}, "[2 a]"},
		{"none", []hci.ExtendedAdvertisingReport{part(complete, "")}, "[2 ]"},
		{"three", []hci.ExtendedAdvertisingReport{part(more, "a"), part(more, "b"), part(complete, "c")}, "[2 abc]"},
		{"truncated at once", []hci.ExtendedAdvertisingReport{part(truncated, "a")}, "[2 a*]"},
		{"truncated later", []hci.ExtendedAdvertisingReport{part(more, "a"), part(truncated, "b"), part(complete, "c")}, "[2 ab* 2 c]"},
		{"truncated with nothing", []hci.ExtendedAdvertisingReport{part(more, "a"), part(truncated, "")}, "[2 a*]"},
		{"a status that there is not", []hci.ExtendedAdvertisingReport{part(more, "a"), part(reserved, "b"), part(reserved, "c")}, "[2 ab* 2 c*]"},
		{"two sets by turns", []hci.ExtendedAdvertisingReport{part(more, "a"), by(3, part(more, "1")), part(complete, "b"), by(3, part(complete, "2"))}, "[2 ab 3 12]"},
		{"a scan response between", []hci.ExtendedAdvertisingReport{part(more, "a"), response, part(complete, "b")}, "[2 r 2 ab]"},
		{"the rest never comes", []hci.ExtendedAdvertisingReport{part(more, "a")}, "[]"},
	} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, together), func(t *testing.T) {
				extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
					if together {
						ctl.Event(hci.LEExtendedAdvertisingReport{Reports: c.parts})
					} else {
						for _, p := range c.parts {
							ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{p}})
						}
					}
					if got := fmt.Sprint(heard(h)); got != c.want {
						t.Errorf("%s, want %s", got, c.want)
					}
				})
			})
		}
	}
}

// What was begun and is not continued for longer than a chain can take is another advertisement's: what there
// is of it is told, as truncated.
func TestReportChainGap(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		send := func(p hci.ExtendedAdvertisingReport) {
			ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{p}})
			synctest.Wait()
		}
		send(part(hci.DataStatusMore, "a"))
		time.Sleep(2 * time.Second)
		send(part(hci.DataStatusComplete, "b"))
		send(part(hci.DataStatusMore, "c"))
		time.Sleep(4 * time.Second)
		send(part(hci.DataStatusComplete, "d"))
		if got := fmt.Sprint(heard(h)); got != "[2 ab 2 c* 2 d]" {
			t.Error(got)
		}
	})
}

// Hostile air: neither the number of chains nor the length of one grows without bound, and what is given up is
// told as truncated.
func TestReportChainsBounded(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		for i := range 40 {
			p := part(hci.DataStatusMore, "x")
			p.Address.Octets[0] = byte(i)
			ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{p}})
		}
		if got := len(heard(h)); got != 40-16 {
			t.Errorf("%d of 40 were given up, want all but 16", got)
		}
		if s, err := c.Statistics(); err != nil || s.Reports != 24 || s.ReportsTruncated != 24 {
			t.Errorf("%+v, %v", s, err)
		}
	})
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		long := string(bytes.Repeat([]byte{'x'}, hci.MaxExtendedReportData))
		for range 20 {
			ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{part(hci.DataStatusMore, long)}})
		}
		ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{part(hci.DataStatusComplete, "end")}})
		synctest.Wait()
		if len(h.reports) != 1 || len(h.reports[0].Data) != 1650 || !h.reports[0].Truncated {
			t.Errorf("%d reports", len(h.reports))
		}
	})
}

// What is known by the first part only, or by a later one only, is known of the whole.
func TestReportFieldsOfParts(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, _ *driver.Controller) {
		first, last := part(hci.DataStatusMore, "a"), part(hci.DataStatusComplete, "b")
		first.PeriodicInterval, last.TXPower, last.RSSI = 80, 7, -70
		ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{first, last}})
		synctest.Wait()
		if r := h.reports[0]; r.PeriodicInterval != 80 || r.TXPower != 7 || r.RSSI != -70 || r.SecondaryPHY != hci.LE2M || r.Address != peer {
			t.Errorf("%+v", r)
		}
	})
}

// What was being received when scanning ends is told as it is.
func TestReportChainsEndWithScanning(t *testing.T) {
	extendedBubble(t, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{part(hci.DataStatusMore, "a")}})
		if err := c.StopScan(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctl.Event(hci.LEExtendedAdvertisingReport{Reports: []hci.ExtendedAdvertisingReport{part(hci.DataStatusComplete, "b")}})
		if got := fmt.Sprint(heard(h)); got != "[2 a* 2 b]" {
			t.Error(got)
		}
	})
}

// Legacy reports are what the specification says that extended ones of legacy advertisements are.
func TestLegacyReports(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		for kind, want := range map[hci.ReportType]hci.ExtendedReportType{hci.ReportAdvInd: 0b10011, hci.ReportAdvDirectInd: 0b10101,
			hci.ReportAdvScanInd: 0b10010, hci.ReportAdvNonconnInd: 0b10000, hci.ReportScanRsp: 0b11010} {
			h.reports = nil
			ctl.Event(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Type: kind, Address: peer, Data: []byte{2, 1, 6}, RSSI: -40}}})
			synctest.Wait()
			r := h.reports[0]
			if r.Type != want || r.Address != peer || r.RSSI != -40 || r.SID != hci.UnknownSID || r.TXPower != hci.UnknownPower || r.SecondaryPHY != 0 ||
				r.PrimaryPHY != hci.LE1M || string(r.Data) != "\x02\x01\x06" || r.Truncated {
				t.Errorf("%d: %+v", kind, r)
			}
		}
		ctl.Event(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Type: 5}, {Type: 255}}})
		synctest.Wait()
		if s, err := c.Statistics(); err != nil || s.Malformed != 2 || len(h.reports) != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		ctl.Event(hci.LEDirectedAdvertisingReport{Reports: []hci.DirectedReport{{Type: hci.ReportAdvDirectInd, Address: peer,
			Direct: hci.Address{Type: hci.Random, Octets: [6]byte{1, 1, 1, 1, 1, 0x41}}, RSSI: -50}}})
		synctest.Wait()
		if r := h.reports[1]; r.Type != 0b10101 || r.Direct.Octets[5] != 0x41 || r.RSSI != -50 {
			t.Errorf("%+v", r)
		}
	})
}
