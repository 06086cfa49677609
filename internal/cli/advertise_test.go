package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// heartFile is a profile with fixed handles: hr.2a37 has its value at 0x0023, its CCCD at 0x0024.
const heartFile = `{ "name": "Jelling", "appearance": 833, "mtu": 512, "builtin": false,
  "advertise": { "services": ["180d"], "manufacturer": {"id": 65535, "hex": "0102"}, "interval_ms": 30 },
  "services": [
    { "id": "hr", "uuid": "180d", "handle": 32, "handles": 9, "includes": ["clock"], "characteristics": [
        { "uuid": "2a37", "properties": ["read", "write", "notify", "indicate"], "permissions": ["read", "write"], "value": {"hex": "0048"} },
        { "uuid": "2a38", "properties": ["read"], "value": {"uint8": 1}, "descriptors": [ { "uuid": "2901", "value": "Where" } ] } ] },
    { "id": "clock", "uuid": "1805", "handle": 80, "characteristics": [
        { "uuid": "2a2b", "properties": ["notify"], "every_ms": 5, "sequence": [{"uint8": 1}, {"uint8": 2}, {"uint8": 3}] },
        { "uuid": "2a0f", "properties": ["notify"], "value": {"uint8": 9}, "every_ms": 5 } ] } ] }`

var bench = [6]byte{1, 2, 3, 4, 5, 6}

// advertiser starts jelling advertise with a profile, on a controller that is served on a Unix socket.
func advertiser(t *testing.T, file string, flags ...string) (*daemon, *virtual.Air, io.Writer) {
	t.Helper()
	air := virtual.NewAir(virtual.AirConfig{Instant: true})
	t.Cleanup(func() { _ = air.Close() })
	where := serveController(t, air.NewController(virtual.ControllerConfig{Address: bench}))
	path := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	stdin, typing := io.Pipe()
	t.Cleanup(func() { _ = stdin.Close() })
	args := append([]string{"advertise", "--profile", path, "--transport", where, "--state-dir", filepath.Join(t.TempDir(), "state")}, flags...)
	d := startDaemon(t, stdin, args...)
	return d, air, typing
}

func TestAdvertise(t *testing.T) {
	t.Parallel()
	d, air, typing := advertiser(t, heartFile)
	if o := d.want("advertising"); o["address"] != "06:05:04:03:02:01" || o["name"] != "Jelling" {
		t.Errorf("%v", o)
	}
	c := connectRaw(t, air, hci.Address{Octets: bench})
	central, _ := d.want("connected")["address"].(string)
	is := func(o object, handle int, uuid, value string) {
		t.Helper()
		if o["address"] != central || o["handle"] != float64(handle) || o["uuid"] != uuid || o["value"] != value {
			t.Errorf("%v, want handle %d, uuid %s, value %s", o, handle, uuid, value)
		}
	}
	c.ask("02 1700", "03 0002")
	c.ask("10 0100 ffff 0028", "11 06 2000 2800 0d18 5000 5600 0518")
	c.ask("0a 2300", "0b 0048")
	is(d.want("read"), 0x23, "2a37", "0048")
	c.ask("0a 2700", "0b 5768657265")
	is(d.want("read"), 0x27, "2901", "5768657265")
	c.ask("12 2300 0050", "13")
	is(d.want("write"), 0x23, "2a37", "0050")
	c.ask("12 2600 00", "01 12 2600 03")
	c.ask("12 2400 0100", "13")
	o := d.want("subscribed")
	is(o, 0x23, "2a37", "0100")
	if o["notify"] != true || o["indicate"] != false {
		t.Errorf("%v", o)
	}

	// Lines on standard input, by name and by either handle; lines that are wrong are told and change nothing.
	for line, pdu := range map[string]string{
		"hr.2a37 hex 0051": "0051", "0x23 hex 00 52": "0052", "0023 hex 0054": "0054", "34 uint16 3": "0300", "180d.heartratemeasurement text hi": "6869",
	} {
		fmt.Fprintln(typing, line)
		c.want("1b 2300" + pdu)
	}
	for _, line := range []string{"", "hr.2a37", "hr.2a99 hex 00", "hr.2a37 hex 0", "9 hex 00", "hr.2a37 float 1", "hr.2a37 hex " + strings.Repeat("00", 513)} {
		fmt.Fprintln(typing, line)
	}
	fmt.Fprintln(typing, "0x27 text There") // a descriptor, of which nobody is told
	fmt.Fprintln(typing, "hr.2a37 uint8 7")
	c.want("1b 2300 07")
	c.ask("0a 2300", "0b 07")
	c.ask("0a 2700", "0b 5468657265")
	for _, says := range []string{"want a characteristic", `called "hr.2a99"`, "pairs of hexadecimal digits", "handle 0x0009", `"float" is no form`, "513 octets"} {
		if !strings.Contains(d.stderr.String(), says) {
			t.Errorf("standard error lacks %q:\n%s", says, d.stderr)
		}
	}

	// An indication is confirmed; the end of a subscription is told.
	c.ask("12 2400 0200", "13")
	is(d.want("subscribed"), 0x23, "2a37", "0200")
	fmt.Fprintln(typing, "hr.2a37 hex 0053")
	c.want("1d 2300 0053")
	c.send("1e")
	is(d.want("confirmed"), 0x23, "2a37", "0053")
	c.ask("12 2400 0000", "13")
	is(d.want("unsubscribed"), 0x23, "2a37", "0000")

	// It advertises again after a disconnection, and whoever comes next is not subscribed.
	c.ask("12 2400 0100", "13")
	c.disconnect()
	if o := d.want("disconnected"); o["address"] != central {
		t.Errorf("%v", o)
	}
	d.want("advertising")
	c = connectRaw(t, air, hci.Address{Octets: bench})
	d.want("connected")
	c.ask("0a 2300", "0b 0053")
	c.disconnect()
	d.want("disconnected")
	if status := d.stop(); status != exitInterrupted {
		t.Errorf("status %d: %s", status, d.stderr)
	}
}

// Values change by themselves, in the order of the file, also where there is only one.
func TestAdvertiseChangesByItself(t *testing.T) {
	t.Parallel()
	d, air, _ := advertiser(t, heartFile)
	d.want("advertising")
	c := connectRaw(t, air, hci.Address{Octets: bench})
	// values are the next ones, among which the answer to the subscription may stand.
	values := func(n int) (list []string) {
		for len(list) < n {
			if pdu := c.next(); pdu != "13" {
				list = append(list, pdu)
			}
		}
		return list
	}
	c.send("12 5300 0100")
	for i, list := 1, values(7); i < len(list); i++ {
		before, now := list[i-1], list[i]
		if want := map[string]string{"1b520001": "1b520002", "1b520002": "1b520003", "1b520003": "1b520001"}[before]; now != want {
			t.Errorf("%s after %s", now, before)
		}
	}
	c.send("12 5300 0000")
	for c.next() != "13" { // what was on its way
	}
	c.send("12 5600 0100")
	told := 0
	for late := 0; told < 3; {
		switch pdu := c.next(); {
		case pdu == "1b550009":
			told++
		case strings.HasPrefix(pdu, "1b5200") && late == 0: // it was about to be told when that was written
			late++
		case pdu != "13":
			t.Fatalf("%s", pdu)
		}
	}
	if status := d.stop(); status != exitInterrupted {
		t.Errorf("status %d: %s", status, d.stderr)
	}
}

func TestAdvertiseOnce(t *testing.T) {
	t.Parallel()
	d, air, _ := advertiser(t, heartFile, "--once")
	d.want("advertising")
	c := connectRaw(t, air, hci.Address{Octets: bench})
	d.want("connected")
	c.disconnect()
	if status := <-d.done; status != exitOK {
		t.Errorf("status %d: %s", status, d.stderr)
	}
}

// The profile's security is asked for on every link, and nothing else is asked of the central.
func TestAdvertiseAsksForSecurityOnly(t *testing.T) {
	t.Parallel()
	d, air, _ := advertiser(t, strings.Replace(heartFile, `"builtin": false`, `"builtin": false, "security": "encrypted"`, 1))
	d.want("advertising")
	c := connectRaw(t, air, hci.Address{Octets: bench})
	d.want("connected")
	select {
	case pdu := <-c.smp:
		if pdu != "0b" && !strings.HasPrefix(pdu, "0b") {
			t.Errorf("SMP %s, want a Security Request", pdu)
		}
	case pdu := <-c.pdus:
		t.Errorf("ATT %x", pdu)
	}
	c.ask("0a 2300", "0b 0048")
	if status := d.stop(); status != exitInterrupted {
		t.Errorf("status %d: %s", status, d.stderr)
	}
}

func TestAdvertiseFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(text string) string {
		path := filepath.Join(dir, fmt.Sprintf("%x.json", len(text)))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"advertise", exitUsage, "--profile FILE"},
		{"advertise --profile " + filepath.Join(dir, "none"), exitFailure, "no such file"},
		{"advertise more --profile x", exitUsage, "usage: jelling advertise"},
		{"advertise --profile " + file(`{"mtu": 5}`), exitFailure, "mtu: the number 5"},
		{"advertise --profile " + file(`{"services": [{"uuid": "180f", "handle": 9}, {"uuid": "180f", "handle": 9}]}`), exitFailure, "services[1].handle"},
	} {
		if r := jelling(t, t.TempDir(), strings.Fields(c.args)...); r.status != c.status || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}
