package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestSpelled(t *testing.T) {
	for name, want := range map[string]string{"Malformed": "malformed", "BuffersFree": "buffers_free", "L2CAP": "l2cap", "ATT": "att",
		"OnAir": "on_air", "MTUKnown": "mtu_known", "": ""} {
		if got := spelled(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestCounters(t *testing.T) {
	type Inner struct{ Deep uint64 }
	type outer struct {
		Inner
		Plain Inner
		List  []Inner
		None  []Inner
		Last  int
	}
	got := string(appendJSON(nil, counters(reflect.ValueOf(outer{Inner{1}, Inner{2}, []Inner{{3}, {4}}, nil, -5}))))
	if want := `{"deep":1,"plain":{"deep":2},"list":[{"deep":3},{"deep":4}],"none":[],"last":-5}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A subscription with --stats says what every layer counted, and last of all how it was in the end.
func TestStatsFlag(t *testing.T) {
	t.Parallel()
	r := jelling(t, t.TempDir(), "--json", "--transport", "virtual:", "--stats", "100ms", "subscribe", address, "2a5f", "--count", "3")
	if r.status != exitOK {
		t.Fatalf("%d: %s", r.status, r.stderr)
	}
	var seen []map[string]any
	for line := range strings.Lines(r.stdout) {
		var e struct {
			Event      string
			Statistics map[string]any
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Event == "statistics" {
			seen = append(seen, e.Statistics)
		}
	}
	if len(seen) < 3 {
		t.Fatalf("%d times: %s", len(seen), r.stdout)
	}
	most, values := 0.0, 0.0
	for _, s := range seen {
		c := s["controller"].(map[string]any)
		if n := c["commands"].(float64); n < most {
			t.Errorf("%v commands after %v", n, most)
		} else {
			most = n
		}
		if c["malformed"] != 0.0 || c["unknown_handles"] != 0.0 {
			t.Errorf("%v", c)
		}
		for _, one := range s["connections"].([]any) {
			values = max(values, one.(map[string]any)["gatt"].(map[string]any)["values"].(float64))
		}
	}
	if values == 0 {
		t.Errorf("no values were counted: %v", seen)
	}
	if r := jelling(t, t.TempDir(), "--stats", "-1s", "scan"); r.status != exitUsage {
		t.Errorf("--stats -1s: %d", r.status)
	}
}
