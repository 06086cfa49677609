package cli

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
)

func TestScanFlags(t *testing.T) {
	t.Parallel()
	random := hci.Address{Type: hci.Random, Octets: [6]byte{0x30, 0xF0, 0xFF, 0x05, 0x1C, 0x00}}
	public := hci.Address{Octets: random.Octets}
	le1M := hci.PHYsOf(hci.LE1M)
	for _, c := range []struct {
		args string
		want gap.ScanConfig
	}{
		{"", gap.ScanConfig{PHYs: le1M, Merge: true}},
		{"--all --passive", gap.ScanConfig{PHYs: le1M, Passive: true, Duplicates: gap.ReportAll}},
		{"--changes --again 1m", gap.ScanConfig{PHYs: le1M, Merge: true, Duplicates: gap.ReportChanges, Again: time.Minute}},
		{"--phy 1m,coded --interval 1s --window 20ms", gap.ScanConfig{PHYs: hci.PHYsOf(hci.LE1M, hci.LECoded), Merge: true, Interval: time.Second, Window: 20 * time.Millisecond}},
		{"--phy coded --rssi -70 --connectable --name a --name-prefix b", gap.ScanConfig{PHYs: hci.PHYsOf(hci.LECoded), Merge: true,
			Filter: gap.ScanFilter{MinRSSI: -70, Connectable: true, Name: "a", NamePrefix: "b"}}},
		{"--peer 00:1C:05:FF:F0:30 --service pulse-oximeter,180d --company 0x4c --company 9", gap.ScanConfig{PHYs: le1M, Merge: true,
			Filter: gap.ScanFilter{Peers: []hci.Address{public, random}, Services: []att.UUID{att.UUID16(0x1822), att.UUID16(0x180D)}, Companies: []uint16{0x4C, 9}}}},
		{"--peer 00:1C:05:FF:F0:30/random", gap.ScanConfig{PHYs: le1M, Merge: true, Filter: gap.ScanFilter{Peers: []hci.Address{random}}}},
	} {
		var f scanFlags
		cmd := newScan(&env{})
		cmd.ResetFlags()
		f.register(cmd)
		if err := cmd.ParseFlags(strings.Fields(c.args)); err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if got, err := f.config(); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n%+v, want\n%+v", c.args, err, got, c.want)
		}
	}
	for args, says := range map[string]string{
		"--all --changes":   "leaves nothing",
		"--again -1s":       "not negative",
		"--phy 2m":          "want 1m, coded",
		"--peer 00:1C":      "--peer",
		"--service 18":      "--service",
		"--company apple":   "like 0x004c",
		"--company 0x10000": "16 bits",
		"--rssi loud":       "invalid argument",
		"--interval -100ms": "--interval -100ms: want 2.5ms to 10.24s",
		"--interval 1ms":    "--interval 1ms: want",
		"--window 11s":      "--window 11s: want",
		"--rssi 70":         "--rssi 70: want -127 to 20",
		"--rssi -128":       "like -70",

		"--interval 50ms --window 60ms": "longer than --interval",

		"--all --again 2s":    "leaves nothing",
		"--peer nobody --all": "--peer",
	} {
		r := jelling(t, t.TempDir(), append([]string{"scan"}, strings.Fields(args)...)...)
		if r.status != 2 || !strings.Contains(r.stderr, says) || r.stdout != "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// A filter that the oximeter passes, and one that it does not.
func TestScanFilters(t *testing.T) {
	t.Parallel()
	r := jelling(t, t.TempDir(), "scan", "--timeout", "300ms", "--json", "--service", "1822", "--name-prefix", "Pulse", "--peer", address, "--rssi", "-60", "--connectable")
	if r.status != 0 || events(r.objects(t)) != "advertisement" {
		t.Errorf("%+v", r)
	}
	for _, filter := range []string{"--service=180d", "--name=Pulse", "--company=76", "--rssi=-40", "--peer=00:00:00:00:00:01"} {
		if r := jelling(t, t.TempDir(), "scan", "--timeout", "300ms", filter); r.status != 0 || r.stdout != "" {
			t.Errorf("%s: %+v", filter, r)
		}
	}
}

// What an advertisement has besides is there by name, and what it has not is left out.
func TestAdvertisementFields(t *testing.T) {
	t.Parallel()
	power := int8(-3)
	p := gap.Payload{Discoverable: gap.NoFlags, Manufacturer: []byte{0x4C, 0, 1}, ServiceData: []gap.ServiceData{{Service: att.UUID16(0x180F), Data: []byte{98}}},
		Appearance: 833, TXPower: &power, URI: "https://a.b", BroadcastName: "radio"}
	for _, c := range []struct {
		a    gap.Advertisement
		want string
	}{
		{gap.Advertisement{Legacy: true, PrimaryPHY: hci.LE1M, SID: hci.UnknownSID, TXPower: 127}, `{"data":""}`},
		{gap.Advertisement{Legacy: true, PrimaryPHY: hci.LE1M, SID: hci.UnknownSID, TXPower: 127, ScanResponse: true, Directed: true, Truncated: true,
			Data: []byte{2, 1, 6}}, `{"scan_response":true,"directed_to":"00:00:00:00:00:00/public","truncated":true,"data":"020106"}`},
		{gap.Advertisement{PrimaryPHY: hci.LECoded, SecondaryPHY: hci.LE2M, SID: 4, TXPower: 7, PeriodicInterval: 7500 * time.Microsecond},
			`{"extended":true,"phy":"LE Coded","secondary_phy":"LE 2M","sid":4,"periodic_interval_ms":7.5,"tx_power":7,"data":""}`},
		{gap.Advertisement{Legacy: true, PrimaryPHY: hci.LE1M, SID: hci.UnknownSID, TXPower: 127, Data: p.EncodeExtended(100)},
			`{"tx_power":-3,"appearance":833,"uri":"https://a.b","broadcast_name":"radio","manufacturer_data":{"004c":"01"},"service_data":{"180f":"62"},"data":"*"}`},
	} {
		got := string(moreOf(c.a).appendTo(nil))
		if before, _, ok := strings.Cut(c.want, "*"); got != c.want && !(ok && strings.HasPrefix(got, before)) {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
