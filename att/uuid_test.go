package att_test

import (
	"encoding/json"
	"testing"

	"github.com/jelling-ble/jelling/att"
)

// vendor is a 128-bit UUID off the base.
var vendor = att.MustUUID("00112233-4455-6677-8899-aabbccddeeff")

func TestUUIDText(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"180d", "180d"},
		{"180D", "180d"},
		{"0000", "0000"},
		{"0000180d", "180d"},
		{"1234180d", "1234180d-0000-1000-8000-00805f9b34fb"},
		{"0000180d-0000-1000-8000-00805f9b34fb", "180d"},
		{"0000180D-0000-1000-8000-00805F9B34FB", "180d"},
		{"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff"},
		{"0000180d-0000-1000-8000-00805f9b34fc", "0000180d-0000-1000-8000-00805f9b34fc"},
	} {
		u, err := att.UUIDFromText(c.in)
		if err != nil || u.String() != c.out {
			t.Errorf("%s: got %v, %v, want %s", c.in, u, err, c.out)
		}
	}
	for _, s := range []string{
		"", "1", "180", "180g", "0x180d", "180d0", "180d00", "0000180d0", " 180d",
		"0000180d00001000800000805f9b34fb",
		"0000180d-0000-1000-8000-00805f9b34f",
		"0000180d-0000-1000-8000-00805f9b34fb0",
		"0000180d+0000-1000-8000-00805f9b34fb",
		"0000180d-0000-1000-8000_00805f9b34fb",
		"0000180d-0000-1000-800--00805f9b34fb",
		"{0000180d-0000-1000-8000-00805f9b34fb}",
		"0000180d-0000-1000-8000-00805f9b34fb-0000180d-0000-1000-8000-00805f9b34fb",
	} {
		if u, err := att.UUIDFromText(s); err == nil {
			t.Errorf("%q: got %v, want an error", s, u)
		}
	}
}

func TestMustUUIDPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	att.MustUUID("heart rate")
}

// TestUUIDForms wants one value for one UUID, however it was written (Vol 3, Part F, 3.2.1).
func TestUUIDForms(t *testing.T) {
	long, err := att.ParseUUID(octets(t, "fb349b5f8000 0080 0010 0000 0d180000"))
	if err != nil {
		t.Fatal(err)
	}
	short, err := att.ParseUUID(octets(t, "0d18"))
	if err != nil {
		t.Fatal(err)
	}
	if long != short || short != att.UUID16(0x180D) || att.UUID32(0x180D) != short {
		t.Errorf("%v, %v and %v differ", long, short, att.UUID16(0x180D))
	}
	wantOctets(t, long.AppendTo(nil), "0d18")
	wantOctets(t, att.UUID32(0x1234180D).AppendTo(nil), "fb349b5f80000080001000000d183412")
	wantOctets(t, vendor.AppendTo([]byte{1}), "01 ffeeddccbbaa99887766554433221100")
	if v, ok := long.Uint16(); !ok || v != 0x180D {
		t.Errorf("Uint16: %04x, %v", v, ok)
	}
	for _, u := range []att.UUID{{}, vendor, att.UUID32(0x0001180D)} {
		if _, ok := u.Uint16(); ok || u.Len() != 16 {
			t.Errorf("%v has a 16-bit form", u)
		}
	}
}

func TestUUIDTruncated(t *testing.T) {
	b := make([]byte, 20)
	for n := range b {
		if _, err := att.ParseUUID(b[:n]); (err == nil) != (n == 2 || n == 16) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

func TestUUIDInJSON(t *testing.T) {
	b, err := json.Marshal(map[att.UUID]att.UUID{att.UUID16(0x2A37): vendor})
	if err != nil || string(b) != `{"2a37":"00112233-4455-6677-8899-aabbccddeeff"}` {
		t.Fatalf("%s, %v", b, err)
	}
	var back map[att.UUID]att.UUID
	if err := json.Unmarshal(b, &back); err != nil || back[att.UUID16(0x2A37)] != vendor {
		t.Errorf("%v, %v", back, err)
	}
	var u att.UUID
	if err := json.Unmarshal([]byte(`"2a3"`), &u); err == nil || u != (att.UUID{}) {
		t.Errorf("%v, %v", u, err)
	}
}

func FuzzUUIDText(f *testing.F) {
	for _, s := range []string{"180d", "0000180d", "0000180d-0000-1000-8000-00805f9b34fb", "", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := att.UUIDFromText(s)
		if err != nil {
			return
		}
		if again, err := att.UUIDFromText(u.String()); err != nil || again != u {
			t.Errorf("%q: %v, again %v, %v", s, u, again, err)
		}
		if again, err := att.ParseUUID(u.AppendTo(nil)); err != nil || again != u {
			t.Errorf("%q: %v, on the air %v, %v", s, u, again, err)
		}
	})
}
