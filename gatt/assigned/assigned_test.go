package assigned

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/att"
)

func TestName(t *testing.T) {
	for number, want := range map[string]string{
		"180d": "Heart Rate", "2a37": "Heart Rate Measurement", "2902": "Client Characteristic Configuration", "2803": "Characteristic",
		"2b2a": "Database Hash", "1822": "Pulse Oximeter", "2a5f": "PLX Continuous Measurement", "2b8c": "CO2 Concentration", "ffff": "", "6e400001-b5a3-f393-e0a9-e50e24dcca9e": "Nordic UART Service",
	} {
		if got := Name(att.MustUUID(number)); got != want {
			t.Errorf("%s: %q, want %q", number, got, want)
		}
	}
}

func TestUUID(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		text string
		want string // empty for an error
		says string
	}{
		{Characteristic, "2a37", "2a37", ""},
		{Characteristic, "00002A37", "2a37", ""},
		{Service, "0000180d-0000-1000-8000-00805f9b34fb", "180d", ""},
		{Service, "ffff", "ffff", ""},
		{Service, "0x180D", "180d", ""},
		{Service, "0X0000180d", "180d", ""},
		{Service, "0x", "", "an assigned name"},
		{Service, "Heart Rate", "180d", ""},
		{Service, "heart-rate service", "180d", ""},
		{Service, "battery", "180f", ""},
		{Service, "Battery Service", "180f", ""},
		{Characteristic, "heartratemeasurement", "2a37", ""},
		{Characteristic, "PLX Spot Check Measurement", "2a5e", ""},
		{Descriptor, "client characteristic configuration", "2902", ""},
		{Characteristic, "plx_continuous_measurement", "2a5f", ""},
		{Characteristic, "Heart Rate", "", "such as Heart Rate Measurement, Heart Rate Control Point, Heart Rate Max"},
		{Characteristic, "oximeter", "", "an assigned name"},
		{Characteristic, "spot-check", "", "such as PLX Spot-Check Measurement"},
		{Service, "", "", `service ""`},
		{Service, " - ", "", "an assigned name"},
		{Service, "service", "", "an assigned name"},
		{Descriptor, strings.Repeat("x", 100), "", "xxx...\""},
	} {
		got, err := UUID(c.kind, c.text)
		switch {
		case c.want == "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q: %v, %v, want an error with %q", c.text, got, err, c.says)
		case c.want != "" && (err != nil || got.String() != c.want):
			t.Errorf("%q: %v, %v, want %s", c.text, got, err, c.want)
		}
	}
}

// Every line of the tables is a UUID and a name, once, in order.
func TestTables(t *testing.T) {
	for kind, text := range map[Kind]string{Service: services, Characteristic: characteristics, Descriptor: descriptors} {
		last, seen := "", 0
		for line := range strings.Lines(text) {
			number, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			uuid, err := att.UUIDFromText(number)
			if !ok || err != nil || uuid.String() != number || strings.TrimSpace(name) == "" || !strings.HasSuffix(line, "\n") {
				t.Errorf("%v: line %q", kind, line)
			}
			if order := fmt.Sprintf("%02d %s", len(number), number); order <= last {
				t.Errorf("%v: %s comes after %s", kind, number, last)
			} else {
				last = order
			}
			seen++
		}
		if seen < 20 {
			t.Errorf("%v: %d lines", kind, seen)
		}
	}
}

// Whoever reads a name can write it.
func TestNamesFindTheirUUIDs(t *testing.T) {
	for kind, list := range tables().lists {
		for _, name := range list {
			uuid, err := UUID(Kind(kind), name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if back := Name(uuid); key(back) != key(name) {
				t.Errorf("%s: %v, which is %s", name, uuid, back)
			}
		}
	}
}

func FuzzUUID(f *testing.F) {
	f.Add("180d", byte(0))
	f.Add("Heart Rate Measurement", byte(1))
	f.Add("\xff\x00service", byte(2))
	f.Fuzz(func(t *testing.T, text string, kind byte) {
		uuid, err := UUID(Kind(kind%3), text)
		if err != nil && uuid != (att.UUID{}) {
			t.Errorf("%v beside %v", uuid, err)
		}
	})
}
