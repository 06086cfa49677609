package transport

import "testing"

func TestAdapter(t *testing.T) {
	address := [6]byte{0x13, 0x71, 0xDA, 0x7D, 0x1A, 0x00}
	tests := []struct {
		a    Adapter
		free bool
		text string
	}{
		{Adapter{Index: 0, Name: "hci0", Address: address, Bus: 1}, true, "hci0 00:1A:7D:DA:71:13 usb, down"},
		{Adapter{Index: 1, Name: "hci1", Flags: 1<<0 | 1<<2, Bus: 3}, false, "hci1 00:00:00:00:00:00 uart, up"},
		{Adapter{Index: 2, Name: "hci2", Flags: 1 << 1}, false, "hci2 00:00:00:00:00:00 virtual, starting"},
		{Adapter{Index: 9, Name: "hci9", Flags: 1<<2 | 1<<8, Bus: 15}, true, "hci9 00:00:00:00:00:00 bus 15, down"},
	}
	for _, tt := range tests {
		if tt.a.Free() != tt.free || tt.a.String() != tt.text {
			t.Errorf("%v, free %v; want %s, free %v", tt.a, tt.a.Free(), tt.text, tt.free)
		}
		if s, err := ParseSpec(tt.a.Name); err != nil || s != tt.a.Spec() {
			t.Errorf("spec %v, of its name %v, %v", tt.a.Spec(), s, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	if got := describe(nil); got != "none" {
		t.Errorf("describe(nil) = %q", got)
	}
	got := describe([]Adapter{{Name: "hci0"}, {Name: "hci2", Flags: flagUp}})
	if want := "hci0 00:00:00:00:00:00 virtual, down; hci2 00:00:00:00:00:00 virtual, up"; got != want {
		t.Errorf("describe = %q, want %q", got, want)
	}
}
