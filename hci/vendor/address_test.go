package vendor

import (
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

func TestUsablePublic(t *testing.T) {
	for _, tt := range []struct {
		text string
		want bool
	}{
		{"B8:27:EB:5B:4D:0E/public", true},
		{"DC:A6:32:01:02:03/public", true},
		{"00:00:00:00:00:01/public", true},
		{"43:44:C0:00:1F:AC/public", true}, // neither 43:43 nor 43:45
		{"AC:1F:00:C5:45:43/public", true}, // a placeholder the other way round
		{"02:00:00:12:34:56/public", true}, // locally administered: what somebody chose

		{"00:00:00:00:00:00/public", false},
		{"FF:FF:FF:FF:FF:FF/public", false},
		{"AA:AA:AA:AA:AA:AA/public", false},
		{"43:43:A0:12:1F:AC/public", false},
		{"43:45:C5:00:1F:AC/public", false},
		{"43:34:1B:00:1F:AC/public", false},
		{"43:34:B0:00:00:00/public", false},
		{"43:30:B1:00:00:00/public", false},
		{"43:24:B3:00:00:00/public", false},
		{"43:84:B0:00:76:93/public", false},
		{"20:76:A0:00:56:79/public", false},
		{"20:70:02:A0:00:00/public", false},
		{"00:20:70:02:A0:00/public", false},
		{"43:45:C0:00:1F:AC/public", false}, // by their prefix
		{"43:43:A1:12:1F:AC/public", false},

		{"C6:05:04:03:02:01/random", false}, // an identity, and not a public one
		{"B8:27:EB:5B:4D:0E/random", false},
	} {
		var a hci.Address
		if err := a.UnmarshalText([]byte(tt.text)); err != nil {
			t.Fatal(err)
		}
		if got := UsablePublic(a); got != tt.want {
			t.Errorf("%s: %v", tt.text, got)
		}
	}
	if UsablePublic(hci.Address{Type: 2, Octets: ownAddress.Octets}) {
		t.Error("an address of no known type is usable")
	}
}
