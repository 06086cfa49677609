package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// sensorFile is a profile with fixed handles and a bit of everything.
const sensorFile = `{ "name": "Sensor", "builtin": false, "advertise": { "services": ["180d"], "interval_ms": 30 },
  "services": [
    { "id": "hr", "uuid": "180d", "handle": 32, "includes": ["one"], "characteristics": [
        { "uuid": "2a37", "properties": ["read", "notify"], "value": {"hex": "0048"}, "every_ms": 5, "descriptors": [ { "uuid": "2901", "value": "Belt" } ] },
        { "uuid": "2a39", "properties": ["write"], "value": {"uint8": 0} },
        { "uuid": "2a38", "properties": ["read", "write"], "permissions": ["read", "write", "authorize"], "value": {"uint8": 1} } ] },
    { "id": "one", "uuid": "180f", "primary": false, "handle": 64, "characteristics": [ { "uuid": "2a19", "properties": ["read"], "value": {"uint8": 97} } ] },
    { "id": "two", "uuid": "180f", "handle": 80, "characteristics": [ { "uuid": "2a19", "properties": ["read"], "value": {"uint8": 3} } ] },
    { "uuid": "6e400001-b5a3-f393-e0a9-e50e24dcca9e", "handle": 96, "characteristics": [
        { "uuid": "6e400002-b5a3-f393-e0a9-e50e24dcca9e", "properties": ["write-without-response"], "permissions": ["read", "write"] },
        { "uuid": "6e400003-b5a3-f393-e0a9-e50e24dcca9e", "properties": ["read", "write"], "value": "hello" } ] } ] }`

const sensor = "06:05:04:03:02:01/public"

// sensorAnd starts a peripheral with sensorFile, and gives what runs command lines on controllers nearby.
func sensorAnd(t *testing.T) (*daemon, func(args ...string) result) {
	t.Helper()
	d, air, _ := advertiser(t, sensorFile)
	d.want("advertising")
	dir := filepath.Join(t.TempDir(), "state")
	return d, func(args ...string) result {
		t.Helper()
		where := serveController(t, air.NewController(virtual.ControllerConfig{}))
		stdout, stderr := &lines{}, &lines{}
		args = append(args, "--transport", where, "--state-dir", dir)
		nothing := func(string) string { return "" }
		status := run(t.Context(), args, strings.NewReader(""), stdout, stderr, nothing)
		r := result{status, stdout.String(), stderr.String()}
		tellSecrets(t.Context(), r, nothing, args)
		return r
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	d, jelling := sensorAnd(t)
	const want = `0x0020-0x0029  180d Heart Rate
  0x0021  includes 0x0040-0x0042  180f Battery
  0x0023  2a37 Heart Rate Measurement  (read notify)
    0x0024  2902 Client Characteristic Configuration
    0x0025  2901 Characteristic User Description
  0x0027  2a39 Heart Rate Control Point  (write)
  0x0029  2a38 Body Sensor Location  (read write)
0x0040-0x0042  secondary 180f Battery
  0x0042  2a19 Battery Level  (read)
0x0050-0x0052  180f Battery
  0x0052  2a19 Battery Level  (read)
0x0060-0x0064  6e400001-b5a3-f393-e0a9-e50e24dcca9e Nordic UART Service
  0x0062  6e400002-b5a3-f393-e0a9-e50e24dcca9e UART RX Characteristic  (write-without-response)
  0x0064  6e400003-b5a3-f393-e0a9-e50e24dcca9e UART TX Characteristic  (read write)
`
	if r := jelling("gatt", "tree", sensor); r.status != 0 || r.stdout != want {
		t.Errorf("%+v, want\n%s", r, want)
	}
	d.want("disconnected")
	r := jelling("gatt", "tree", sensor, "--values")
	for _, line := range []string{
		"  0x0023  2a37 Heart Rate Measurement  (read notify): 0048  heart rate 72/min\n",
		"    0x0024  2902 Client Characteristic Configuration: 0000  none\n",
		"    0x0025  2901 Characteristic User Description: 42656c74  \"Belt\"\n",
		"  0x0027  2a39 Heart Rate Control Point  (write)\n",
		"  0x0029  2a38 Body Sensor Location  (read write): insufficient authorization (0x08)\n",
		"  0x0042  2a19 Battery Level  (read): 61  97 %\n",
		"UART TX Characteristic  (read write): 68656c6c6f  \"hello\"\n",
	} {
		if r.status != 0 || !strings.Contains(r.stdout, line) {
			t.Errorf("no %q: %+v", line, r)
		}
	}
	all := jelling("gatt", "tree", sensor, "--values", "--json").objects(t)
	all = slices.DeleteFunc(all, func(o object) bool { return o["event"] == "connected" || o["event"] == "disconnected" }) // which come in their own time
	if want := "service include characteristic descriptor descriptor characteristic characteristic service characteristic service characteristic service characteristic characteristic"; events(all) != want {
		t.Errorf("%s, want %s", events(all), want)
	}
	if o := find(all, "service"); o["handle"] != 32.0 || o["uuid"] != "180d" || o["name"] != "Heart Rate" || o["primary"] != true {
		t.Errorf("%v", o)
	}
	if o := find(all, "include"); o["handle"] != 33.0 || o["start"] != 64.0 || o["end"] != 66.0 || o["uuid"] != "180f" {
		t.Errorf("%v", o)
	}
	if o := find(all, "characteristic"); o["handle"] != 35.0 || o["declaration"] != 34.0 || fmt.Sprint(o["properties"]) != "[read notify]" || o["value"] != "0048" || o["text"] != "heart rate 72/min" {
		t.Errorf("%v", o)
	}
	if o := find(all, "descriptor"); o["handle"] != 36.0 || o["uuid"] != "2902" || o["value"] != "0000" || o["name"] != "Client Characteristic Configuration" {
		t.Errorf("%v", o)
	}
	if o := all[6]; o["error"] != "insufficient authorization (0x08)" || o["value"] != nil {
		t.Errorf("%v", o)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	_, jelling := sensorAnd(t)
	const rate, first, second = "0x0023  2a37 Heart Rate Measurement  0048  heart rate 72/min\n", "0x0042  2a19 Battery Level  61  97 %\n", "0x0052  2a19 Battery Level  03  3 %\n"
	for _, c := range []struct{ args, want string }{
		{sensor + "|2a37", rate},
		{sensor + "|heart_rate_measurement", rate},
		{"name:sensor|Heart Rate Measurement", rate},
		{"service:heart rate|180d.2a37", rate},
		{"service:180d|heart rate.heart rate measurement", rate},
		{sensor + "|2a19", first + second},
		{sensor + "|--handle|0x0042", first},
		{sensor + "|--handle|0025", "0x0025  2901 Characteristic User Description  42656c74  \"Belt\"\n"},
		{sensor + "|--handle|98", "0x0062  6e400002-b5a3-f393-e0a9-e50e24dcca9e UART RX Characteristic  (empty)\n"},
		{sensor + "|--handle|32", "0x0020  declaration  0d18\n"},
	} {
		if r := jelling(append([]string{"gatt", "read"}, strings.Split(c.args, "|")...)...); r.status != 0 || r.stdout != c.want {
			t.Errorf("%s: %+v, want %s", c.args, r, c.want)
		}
	}
	o := find(jelling("gatt", "read", sensor, "2a37", "--json").objects(t), "value")
	if o["handle"] != 35.0 || o["uuid"] != "2a37" || o["name"] != "Heart Rate Measurement" || o["value"] != "0048" || o["text"] != "heart rate 72/min" ||
		fmt.Sprint(o["fields"]) != "[map[name:heart rate unit:/min value:72]]" {
		t.Errorf("%v", o)
	}
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{sensor, 2, "want CHARACTERISTIC or --handle"},
		{sensor + "|2a37|--handle|3", 2, "one of them is enough"},
		{sensor + "|--handle|0", 2, "from 1 to 65535"},
		{sensor + "|--handle|x", 2, "want a number from 1 to 65535"},
		{sensor + "|nothing", 2, "an assigned name"},
		{sensor + "|180d.nothing", 2, "an assigned name"},
		{"service:nothing like it|2a37", 2, "an assigned name"},
		{"zz|2a37", 2, "want six octets"},
		{sensor + "|2a99", 1, "no characteristic 2a99"},
		{sensor + "|180d.2a19", 1, "no characteristic 2a19 in a service 180d"},
		{sensor + "|2a39", 1, "read not permitted"},
		{sensor + "|2a38", 1, "insufficient authorization"},
		{sensor + "|--handle|0x0030", 1, "invalid handle"},
		{"name:nobody|2a37|--timeout|200ms", 1, "name:nobody was not heard: it was not done within --timeout"},
	} {
		if r := jelling(append([]string{"gatt", "read"}, strings.Split(c.args, "|")...)...); r.status != c.status || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %+v, want %q", c.args, r, c.says)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	d, jelling := sensorAnd(t)
	long := strings.Repeat("ab", 300)
	for _, c := range []struct {
		args   string
		handle int
		value  string
	}{
		{"2a39|hex:01", 0x27, "01"},
		{"2a39|uint16:258", 0x27, "0201"},
		{"2a39|00 ff", 0x27, "00ff"},
		{"heart rate.2a39|text:on", 0x27, "6f6e"},
		{"hex:07|--handle|0x27", 0x27, "07"},
		{"2a39|text:", 0x27, ""},
		{"2a39|sint8:-1|--no-response", 0x27, "ff"},
		{"2a39|01|--reliable", 0x27, "01"},
		{"UART RX Characteristic|text:by itself without a response", 0x62, "627920697473656c6620776974686f7574206120726573706f6e7365"},
		{"UART TX Characteristic|" + long, 0x64, long},
		{"UART TX Characteristic|" + long + "|--reliable", 0x64, long},
	} {
		r := jelling(append([]string{"gatt", "write", sensor, "--json"}, strings.Split(c.args, "|")...)...)
		if o := find(r.objects(t), "written"); r.status != 0 || o["handle"] != float64(c.handle) || o["value"] != c.value {
			t.Fatalf("%s: %+v", c.args, r)
		}
		if o := d.want("write"); o["handle"] != float64(c.handle) || o["value"] != c.value {
			t.Errorf("%s: %v has arrived", c.args, o)
		}
	}
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"2a39", 2, "want CHARACTERISTIC or --handle"},
		{"2a39|hex:0", 2, "pairs of hexadecimal digits"},
		{"2a39|float:1", 2, "no form of a value"},
		{"2a39|hello", 2, "pairs of hexadecimal digits"},
		{"2a39|" + strings.Repeat("00", 513), 2, "513 octets"},
		{"2a39|01|--reliable|--no-response", 2, "only one can be"},
		{"2a19|01", 1, "say --handle 0x0042 or 0x0052, or SERVICE.CHARACTERISTIC"},
		{"2a37|01", 1, "write not permitted"},
		{"2a39|01|--signed", 1, "no signing key"},
	} {
		if r := jelling(append([]string{"gatt", "write", sensor}, strings.Split(c.args, "|")...)...); r.status != c.status || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%.60s: %+v, want %q", c.args, r, c.says)
		}
	}
}

// What subscribe prints is what it means, and a handle does for a name.
func TestSubscribeByHandle(t *testing.T) {
	t.Parallel()
	_, jelling := sensorAnd(t)
	for _, what := range []string{"2a37", "heart_rate_measurement", "180d.2a37", "--handle=0x23", "--handle=34"} {
		r := jelling("gatt", "subscribe", "service:180d", what, "--count", "2")
		if n := strings.Count(r.stdout, "06:05:04:03:02:01  2a37  0048  heart rate 72/min\n"); r.status != 0 || n != 2 {
			t.Errorf("%s: %+v", what, r)
		}
	}
	if r := jelling("subscribe", sensor, "--handle", "0x27", "--count", "1"); r.status != 1 || !strings.Contains(r.stderr, "neither notifies nor indicates") {
		t.Errorf("%+v", r)
	}
}

// A peer that asks for security is not hung up on before it has it, or else the next attempt would have to wait.
func TestReadLetsPairingEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 3 {
		r := jelling(t, dir, "gatt", "read", "service:pulse oximeter", "device name", "--json")
		all := r.objects(t)
		if o := find(all, "value"); r.status != 0 || o["text"] != `"Pulse oximeter"` {
			t.Errorf("%+v", r)
		}
		if find(all, "security_request") != nil && find(all, "encrypted") == nil || find(all, "pairing_failed") != nil {
			t.Errorf("%s", events(all))
		}
	}
}

func TestSecuring(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s securing
		began := time.Now()
		took := func(want time.Duration) {
			t.Helper()
			s.wait(t.Context(), nil)
			if d := time.Since(began); d != want {
				t.Errorf("it took %v, want %v", d, want)
			}
			began = time.Now()
		}
		took(0)
		s.note(gap.Encrypted{})
		took(0)
		s.note(gap.SecurityRequested{})
		s.note(gap.SecurityRequested{})
		go func() {
			time.Sleep(time.Second)
			s.note(gap.Paired{})
			time.Sleep(time.Second)
			s.note(gap.Encrypted{})
		}()
		took(2 * time.Second)
		took(0)
		s.note(gap.SecurityRequested{})
		took(securingPatience)
		s.note(gap.PairingFailed{})
		took(0)
		s.note(gap.SecurityRequested{})
		ended := make(chan struct{})
		close(ended)
		s.wait(t.Context(), ended)
		took(securingPatience)
	})
}

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]target{
		"06:05:04:03:02:01":        {address: hci.Address{Octets: bench}},
		"06:05:04:03:02:01/public": {address: hci.Address{Octets: bench}, typed: true},
		"name:a:b":                 {name: "a:b", text: "name:a:b"},
	} {
		if got, err := parseTarget(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "name:", "name", "service:", "service:zz", "06:05"} {
		if got, err := parseTarget(text); err == nil {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
