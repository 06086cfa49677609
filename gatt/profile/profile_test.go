package profile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/profile"
	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// example is the file of the package's documentation.
const example = `{ "name": "Jelling", "appearance": 833, "mtu": 512, "builtin": true, "security": "none",
  "advertise": { "services": ["180d"], "manufacturer": {"id": 65535, "hex": "0102"}, "interval_ms": 100 },
  "services": [
    { "id": "battery", "uuid": "180f", "characteristics": [ { "uuid": "2a19", "properties": ["read"], "value": {"uint8": 97} } ] },
    { "id": "hr", "uuid": "180d", "primary": true, "handle": 32, "handles": 9, "includes": ["battery"],
      "characteristics": [
        { "uuid": "2a37", "properties": ["read", "notify"], "permissions": ["read"], "value": {"hex": "0048"},
          "every_ms": 1000, "sequence": [{"hex": "0048"}, {"hex": "0049"}],
          "descriptors": [ { "uuid": "2901", "permissions": ["read"], "value": "Heart rate" } ] } ] } ] }`

func parse(t testing.TB, text string) *profile.Profile {
	t.Helper()
	p, err := profile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serve plays a script against a profile.
func serve(t *testing.T, text string, steps ...string) {
	t.Helper()
	p := parse(t, text)
	server, err := p.NewServer(gatt.ServerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{})
		conn := gatt.NewConn(near, gatt.Config{Server: server, MTU: p.MTU})
		near.Attach(conn)
		peer := atttest.NewPeer(t, far)
		for i := 0; i+1 < len(steps); i += 2 {
			peer.Ask(steps[i], steps[i+1])
		}
		near.Disconnect(errors.New("end of the script"))
		near.Wait()
		conn.Wait()
	})
}

func TestExample(t *testing.T) {
	p := parse(t, example)
	if p.Name != "Jelling" || p.Appearance != 833 || p.MTU != 512 || !p.Builtin || p.Security != "none" {
		t.Errorf("%+v", p)
	}
	a := p.Advertise
	if fmt.Sprint(a.Services) != "[180d]" || !bytes.Equal(a.Manufacturer, []byte{0xFF, 0xFF, 1, 2}) || a.Interval != 100*time.Millisecond {
		t.Errorf("%+v", a)
	}
	if len(p.Characteristics) != 2 || p.Characteristics[0].Name() != "battery.2a19" || p.Characteristics[1].Name() != "hr.2a37" {
		t.Fatalf("%+v", p.Characteristics)
	}
	if c := p.Characteristics[1]; c.Every != time.Second || len(c.Sequence) != 2 || !bytes.Equal(c.Sequence[1], []byte{0, 0x49}) {
		t.Errorf("%+v", c)
	}
	serve(t, example,
		"02 1700", "03 0002",
		"10 0100 ffff 0028", "11 06 0100 0500 0018 0600 0f00 0118 1000 1200 0f18",
		"10 1300 ffff 0028", "11 06 2000 2800 0d18",
		"08 2000 2800 0228", "09 08 2100 1000 1200 0f18",
		"08 2000 2800 0328", "09 07 2200 12 2300 372a",
		"04 2300 ffff", "05 01 2300 372a 2400 0229 2500 0129",
		"0a 1200", "0b 61",
		"0a 2300", "0b 0048",
		"0a 2500", "0b 486561727420 72617465",
		"12 2300 00", "01 12 2300 03",
		"12 2400 0100", "13",
		"0a 0300", "0b 4a656c6c696e67",
		"0a 0500", "0b 4103",
	)
}

// The documentation shows the same file.
func TestExampleIsDocumented(t *testing.T) {
	for _, name := range []string{"doc.go", "../../docs/profile.md"} {
		doc, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ReplaceAll(string(doc), "\n//\t", "\n"), example) {
			t.Errorf("%s shows another file", name)
		}
	}
}

func TestDefaults(t *testing.T) {
	p := parse(t, `{}`)
	if p.MTU != 517 || !p.Builtin || p.Security != "none" || p.Advertise.Manufacturer != nil || p.Name != "" {
		t.Errorf("%+v", p)
	}
	serve(t, `{}`, "10 0100 ffff 0028", "11 06 0100 0500 0018 0600 0f00 0118")
	serve(t, `{"builtin": false}`, "10 0100 ffff 0028", "01 10 0100 0a", "02 1700", "03 0502")
}

// one is a profile of one characteristic, with a key beside its UUID; its value has the handle 3.
func one(keys string) string {
	return `{"builtin": false, "services": [{"uuid": "180d", "characteristics": [{"uuid": "2a37", ` + keys + `}]}]}`
}

func TestPermissions(t *testing.T) {
	const read, write = "0a 0300", "12 0300 01"
	answer := func(op, code string) string { return "01" + op + "0300" + code }
	for _, c := range []struct{ name, keys, read, write string }{
		{"nothing said", `"value": "x"`, answer("0a", "02"), answer("12", "03")},
		{"by property: read", `"properties": ["read"], "value": "x"`, "0b 78", answer("12", "03")},
		{"by property: write", `"properties": ["write"]`, answer("0a", "02"), "13"},
		{"by property: write without response", `"properties": ["write-without-response"]`, answer("0a", "02"), "13"},
		{"by property: signed write", `"properties": ["signed-write"]`, answer("0a", "02"), "13"},
		{"by property: the others", `"properties": ["broadcast", "notify", "indicate", "extended"]`, answer("0a", "02"), answer("12", "03")},
		{"none, whatever the properties", `"properties": ["read", "write"], "permissions": []`, answer("0a", "02"), answer("12", "03")},
		{"read", `"permissions": ["read"], "value": "x"`, "0b 78", answer("12", "03")},
		{"write", `"permissions": ["write"]`, answer("0a", "02"), "13"},
		{"both", `"permissions": ["write", "read"], "value": "x"`, "0b 78", "13"},
		{"encrypted", `"permissions": ["read-encrypted", "write-encrypted"]`, answer("0a", "05"), answer("12", "05")},
		{"authenticated", `"permissions": ["read-authenticated", "write-authenticated"]`, answer("0a", "05"), answer("12", "05")},
		{"sc", `"permissions": ["read-sc", "write-sc"]`, answer("0a", "05"), answer("12", "05")},
		{"the stricter of two", `"permissions": ["read", "read-encrypted", "write"]`, answer("0a", "05"), "13"},
		{"authorize", `"permissions": ["read", "write", "authorize"]`, answer("0a", "08"), answer("12", "08")},
		{"authorize to read", `"permissions": ["authorize", "read"]`, answer("0a", "08"), answer("12", "03")},
		{"authorize alone permits nothing", `"permissions": ["authorize"]`, answer("0a", "02"), answer("12", "03")},
		{"authorize comes after encryption", `"permissions": ["read-encrypted", "write-encrypted", "authorize"]`, answer("0a", "05"), answer("12", "05")},
	} {
		t.Run(c.name, func(t *testing.T) { serve(t, one(c.keys), read, c.read, write, c.write) })
	}
}

func TestDescriptorPermissions(t *testing.T) {
	for _, c := range []struct{ name, keys, read, write string }{
		{"nothing said", `"uuid": "2901", "value": "d"`, "0b 64", "01 12 0400 03"},
		{"none", `"uuid": "2901", "permissions": []`, "01 0a 0400 02", "01 12 0400 03"},
		{"write", `"uuid": "2901", "permissions": ["write"]`, "01 0a 0400 02", "13"},
		{"both", `"uuid": "b015", "permissions": ["read", "write"], "value": {"uint8": 1}`, "0b 01", "13"},
		{"a CCCD", `"uuid": "2902"`, "0b 0000", "13"},
		{"a CCCD that can't be written", `"uuid": "2902", "permissions": ["read"]`, "0b 0000", "01 12 0400 03"},
		{"a CCCD for encrypted links", `"uuid": "2902", "permissions": ["read", "write-encrypted"]`, "0b 0000", "01 12 0400 05"},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve(t, one(`"properties": ["notify"], "permissions": [], "descriptors": [{`+c.keys+`}`+ifNot(c.keys, `2902`, `, {"uuid": "2902"}`)+`]`),
				"0a 0400", c.read, "12 0400 0100", c.write)
		})
	}
}

func ifNot(s, has, add string) string {
	if strings.Contains(s, has) {
		return ""
	}
	return add
}

func TestCCCDByItself(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"notify", `"properties": ["notify"]`, "05 01 0400 0229"},
		{"indicate", `"properties": ["indicate"]`, "05 01 0400 0229"},
		{"neither", `"properties": ["read"]`, "01 04 0400 0a"},
		{"a handle that is fixed", `"properties": ["notify"], "handle": 2`, "01 04 0400 0a"},
		{"its handle is taken", `"properties": ["notify"], "descriptors": [{"uuid": "2901", "handle": 4}, {"uuid": "2904"}]`, "05 01 0400 0129 0500 0429 0600 0229"},
		{"room before the first", `"properties": ["notify"], "descriptors": [{"uuid": "2901", "handle": 6}]`, "05 01 0400 0229 0600 0129"},
		{"one is listed", `"properties": ["notify"], "descriptors": [{"uuid": "2901"}, {"uuid": "2902"}]`, "05 01 0400 0129 0500 0229"},
	} {
		t.Run(c.name, func(t *testing.T) { serve(t, one(c.keys), "04 0400 ffff", c.want) })
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{`"text"`, "74657874"}, {`""`, ""}, {`"ü"`, "c3bc"}, {`{"text": "a"}`, "61"},
		{`{"hex": "00 48fF"}`, "0048ff"}, {`{"hex": ""}`, ""},
		{`{"uint8": 255}`, "ff"}, {`{"uint16": 258}`, "0201"}, {`{"uint24": 66051}`, "030201"}, {`{"uint32": 4294967295}`, "ffffffff"},
		{`{"uint40": 1}`, "0100000000"}, {`{"uint64": 18446744073709551615}`, "ffffffffffffffff"},
		{`{"sint8": -128}`, "80"}, {`{"sint16": -2}`, "feff"}, {`{"sint24": -8388608}`, "000080"}, {`{"sint32": 2147483647}`, "ffffff7f"},
		{`{"sint64": -9223372036854775808}`, "0000000000000080"},
	} {
		serve(t, one(`"permissions": ["read"], "value": `+c.value), "0a 0300", "0b"+c.want)
	}
	long := strings.Repeat("ab", 512)
	serve(t, one(`"permissions": ["read"], "value": {"hex": "`+long+`"}`), "02 0502", "03 0502", "0a 0300", "0b"+long)
}

// Every way to get a file wrong names the key.
func TestErrors(t *testing.T) {
	service := func(keys string) string { return `{"services": [{"uuid": "180f"}, {"uuid": "180d", ` + keys + `}]}` }
	characteristic := func(keys string) string { return service(`"characteristics": [{"uuid": "2a37", ` + keys + `}]`) }
	const at = "services[1].characteristics[0]"
	for _, c := range []struct{ text, path, says string }{
		{``, "", "line 1, column 1: it ends too early"},
		{"{\n  \"name\": x}", "", "line 2, column 11"},
		{`{"name": "x"`, "", "it ends too early"},
		{`{} {}`, "", "something after the end"},
		{`[]`, "", "a list, want an object"},
		{`{"nam": "x"}`, "nam", "nobody knows this key; there are advertise, appearance, builtin"},
		{`{"name": 1}`, "name", "the number 1, want text"},
		{`{"name": "a", "name": "b"}`, "name", "it stands there twice"},
		{`{"name": "` + strings.Repeat("x", 249) + `"}`, "name", "249 octets"},
		{`{"appearance": 65536}`, "appearance", "the number 65536"},
		{`{"appearance": "0x10000"}`, "appearance", `"0x10000"`},
		{`{"appearance": true}`, "appearance", "true, want a whole number"},
		{`{"mtu": 22}`, "mtu", "from 23 to 517"},
		{`{"mtu": 518}`, "mtu", "from 23 to 517"},
		{`{"mtu": 100.5}`, "mtu", "the number 100.5"},
		{`{"builtin": "yes"}`, "builtin", "text, want true or false"},
		{`{"security": "high"}`, "security", `"high", want one of none, encrypted, authenticated, sc`},
		{`{"security": null}`, "security", "null, want one of"},
		{`{"advertise": {"services": ["180d", "nothing like it"]}}`, "advertise.services[1]", "an assigned name"},
		{`{"advertise": {"services": "180d"}}`, "advertise.services", "text, want a list"},
		{`{"advertise": {"manufacturer": {"hex": "01"}}}`, "advertise.manufacturer", "it has no id"},
		{`{"advertise": {"manufacturer": {"id": 1, "hex": "0"}}}`, "advertise.manufacturer.hex", "pairs of hexadecimal digits"},
		{`{"advertise": {"interval_ms": 19}}`, "advertise.interval_ms", "from 20 to 10240"},
		{`{"services": {}}`, "services", "an object, want a list"},
		{`{"services": [{}]}`, "services[0]", "it has no uuid"},
		{`{"services": [{"uuid": "18"}]}`, "services[0].uuid", "want a number like 2a37"},
		{service(`"handle": 0`), "services[1].handle", "from 1 to 65535"},
		{service(`"handles": 0`), "services[1].handles", "from 1 to 65535"},
		{service(`"id": "a.b"`), "services[1].id", "without dots and spaces"},
		{service(`"id": ""`), "services[1].id", "without dots and spaces"},
		{service(`"primary": 1`), "services[1].primary", "true or false"},
		{service(`"includes": ["hr"]`), "services[1].includes[0]", `no service has the id "hr"`},
		{service(`"id": "hr", "includes": ["hr"]`), "services[1].includes[0]", "it includes itself"},
		{service(`"includes": ["180a"]`), "services[1].includes[0]", `no service has the id "180a"`},
		{service(`"includes": ["180d"]`), "services[1].includes[0]", "it includes itself"},
		{`{"services": [{"uuid": "180f"}, {"uuid": "180f"}, {"uuid": "180d", "includes": ["battery"]}]}`, "services[2].includes[0]", `several services are "battery"`},
		{`{"services": [{"uuid": "180f"}, {"id": "180f", "uuid": "180a"}, {"uuid": "180d", "includes": ["180f"]}]}`, "", ""},
		{service(`"includes": ["180f"]`), "", ""},
		{service(`"includes": [1]`), "services[1].includes[0]", "want text"},
		{`{"services": [{"id": "a", "uuid": "180f"}, {"id": "a", "uuid": "180d"}]}`, "services[1].id", `"a" is another service`},
		{service(`"characteristics": [{}]`), at, "it has no uuid"},
		{characteristic(`"handle": 70000`), at + ".handle", "from 1 to 65535"},
		{characteristic(`"properties": ["reed"]`), at + ".properties[0]", `"reed", want one of broadcast`},
		{characteristic(`"properties": [1]`), at + ".properties[0]", "want one of"},
		{characteristic(`"permissions": ["read-plain"]`), at + ".permissions[0]", `"read-plain"`},
		{characteristic(`"value": 1`), at + ".value", "the number 1, want text"},
		{characteristic(`"value": {}`), at + ".value", "an object"},
		{characteristic(`"value": {"hex": "00", "uint8": 1}`), at + ".value", "an object"},
		{characteristic(`"value": {"hex": "0x"}`), at + ".value.hex", "pairs of hexadecimal digits"},
		{characteristic(`"value": {"hex": 12}`), at + ".value.hex", "the number 12, want text"},
		{characteristic(`"value": {"uint8": 256}`), at + ".value.uint8", "from 0 to 255"},
		{characteristic(`"value": {"uint8": "1"}`), at + ".value.uint8", "text, want a number"},
		{characteristic(`"value": {"sint16": -32769}`), at + ".value.sint16", "from -32768 to 32767"},
		{characteristic(`"value": {"uint12": 1}`), at + ".value.uint12", "is no form of a value"},
		{characteristic(`"value": {"uint72": 1}`), at + ".value.uint72", "is no form of a value"},
		{characteristic(`"value": {"hex": "` + strings.Repeat("00", 513) + `"}`), at + ".value", "513 octets"},
		{characteristic(`"every_ms": 0`), at + ".every_ms", "from 1 to"},
		{characteristic(`"sequence": []`), "", ""},
		{characteristic(`"sequence": ["a"]`), at + ".sequence", "every_ms"},
		{characteristic(`"every_ms": 1, "sequence": [{"hex": "0"}]`), at + ".sequence[0].hex", "pairs"},
		{characteristic(`"descriptors": [{"uuid": "2901"}, {}]`), at + ".descriptors[1]", "it has no uuid"},
		{characteristic(`"descriptors": [{"uuid": "2901", "properties": []}]`), at + ".descriptors[0].properties", "nobody knows this key"},
		// What only the database as a whole shows.
		{`{"builtin": false, "services": [{"uuid": "180f", "handle": 5}, {"uuid": "180d", "handle": 5}]}`, "services[1].handle", "180f"},
		{service(`"handle": 100, "handles": 2, "characteristics": [{"uuid": "2a37"}]`), "services[1].handles", "0x0066 is the last that it uses"},
		{service(`"handle": 100, "characteristics": [{"uuid": "2a37", "handle": 100}]`), at + ".handle", "0x0065 is the next"},
		{characteristic(`"properties": ["notify"], "descriptors": [{"uuid": "2901"}, {"uuid": "2902"}, {"uuid": "2902"}]`), at + ".descriptors[2]", "a second Client"},
		{strings.Repeat(`{"services": [`, 20), strings.TrimPrefix(strings.Repeat(".services[0]", 8), ".") + ".services", "more than 16"},
	} {
		p, err := profile.Parse([]byte(c.text))
		if err == nil {
			_, err = p.NewServer(gatt.ServerConfig{})
		}
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", c.text, err)
			}
			continue
		}
		var located *profile.Error
		if !errors.As(err, &located) || located.Path != c.path || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.100s: %v, want %q at %q", c.text, err, c.says, c.path)
		}
	}
}

func TestFind(t *testing.T) {
	p := parse(t, `{"services": [
		{"uuid": "180d", "characteristics": [{"uuid": "2a37"}, {"id": "where", "uuid": "2a38"}]},
		{"id": "one", "uuid": "180f", "characteristics": [{"uuid": "2a19"}]},
		{"id": "two", "uuid": "180f", "characteristics": [{"uuid": "2a19"}, {"uuid": "2a19"}]}]}`)
	for name, want := range map[string]int{
		"180d.2a37": 0, "heart rate.heart rate measurement": 0, "0000180d-0000-1000-8000-00805f9b34fb.00002a37": 0,
		"180d.where": 1, "180d.2a38": 1, "one.2a19": 2, "one.battery level": 2,
	} {
		if c, err := p.Find(name); err != nil || c != p.Characteristics[want] {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, says := range map[string]string{
		"2a37": "a dot", "180d.2a19": "no characteristic", "180f.2a19": "several", "two.2a19": "several", ".": "no characteristic", "": "a dot",
	} {
		if _, err := p.Find(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
	for i, want := range []string{"180d.2a37", "180d.where", "one.2a19"} {
		if got := p.Characteristics[i].Name(); got != want {
			t.Errorf("characteristic %d is called %s, want %s", i, got, want)
		}
	}
}

func TestParseHandle(t *testing.T) {
	for text, want := range map[string]uint16{"32": 32, "0x20": 32, "0X0020": 32, "0020": 32, "0": 0, "65535": 65535, "0xffff": 65535, "00ff": 255} {
		if got, err := profile.ParseHandle(text); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0x", "-1", "65536", "0x10000", "20h", "ff", "hr", " 1", "0x-1"} {
		if got, err := profile.ParseHandle(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestNamesAreUUIDs(t *testing.T) {
	p := parse(t, `{"services": [{"uuid": "heart rate", "characteristics": [{"uuid": "Heart Rate Measurement",
		"descriptors": [{"uuid": "characteristic user description"}]}]}], "advertise": {"services": ["battery"]}}`)
	d := p.Characteristics[0].Declared
	if d.UUID != gatt.HeartRateMeasurement || d.Descriptors[0].UUID != gatt.CharacteristicUserDescription || p.Advertise.Services[0] != att.UUID16(0x180F) {
		t.Errorf("%+v %+v", d, p.Advertise)
	}
}

// FuzzParse reads anything. What is read can be served, or the error says where it is wrong.
func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add(`{"services": [{"uuid": "180d", "handle": "0xfffe", "characteristics": [{"uuid": "2a37", "value": {"sint64": -1}}]}]}`)
	f.Add(`{"advertise": {"manufacturer": {"id": "0x004c"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := profile.Parse([]byte(text))
		if err == nil {
			_, err = p.NewServer(gatt.ServerConfig{})
		}
		var located *profile.Error
		if err != nil && !errors.As(err, &located) {
			t.Errorf("an error without a place: %v", err)
		}
	})
}
