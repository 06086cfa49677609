package gatt_test

import (
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
)

func TestProperties(t *testing.T) {
	for _, c := range []struct {
		p    gatt.Properties
		want string
	}{
		{0, ""},
		{gatt.Read, "read"},
		{gatt.Read | gatt.Notify, "read notify"},
		{0xFF, "broadcast read write-without-response write notify indicate signed-write extended"},
	} {
		if got := c.p.String(); got != c.want {
			t.Errorf("0x%02x: %q, want %q", uint8(c.p), got, c.want)
		}
	}
	p := gatt.Read | gatt.Notify
	if !p.Has(gatt.Read) || !p.Has(gatt.Read|gatt.Notify) || p.Has(gatt.Read|gatt.Write) || p.Has(gatt.Indicate) {
		t.Errorf("%v has what it has not, or has not what it has", p)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		uuid, want string
	}{
		{"2a37", "Heart Rate Measurement"},
		{"180d", "Heart Rate"},
		{"2a5e", "PLX Spot-Check Measurement"},
		{"2a5f", "PLX Continuous Measurement"},
		{"1822", "Pulse Oximeter"},
		{"2902", "Client Characteristic Configuration"},
		{"00002a19-0000-1000-8000-00805f9b34fb", "Battery Level"},
		{"00002a19-0000-1000-8000-00805f9b34fc", ""},
		{"ffff", ""},
	} {
		if got := gatt.Name(att.MustUUID(c.uuid)); got != c.want {
			t.Errorf("%s: %q, want %q", c.uuid, got, c.want)
		}
	}
}
