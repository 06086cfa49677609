package transport

import (
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// The numbers are the kernel's for this machine: MIPS, PowerPC and SPARC have other direction bits.
func TestIoctlNumbers(t *testing.T) {
	r, w := uint(0x80044800), uint(0x40044800)
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le", "ppc", "ppc64", "ppc64le", "sparc64":
		r, w = 0x40044800, 0x80044800
	}
	for _, tt := range []struct{ got, want uint }{
		{hciDevDown, w | 0xCA}, {hciGetDevList, r | 0xD2}, {hciGetDevInfo, r | 0xD3}, {hciGetConnInfo, r | 0xD5},
	} {
		if tt.got != tt.want {
			t.Errorf("0x%X, want 0x%X", tt.got, tt.want)
		}
	}
}

func TestParseDevList(t *testing.T) {
	list := func(number int, indexes ...uint16) []byte {
		b := make([]byte, devListHeader)
		binary.NativeEndian.PutUint16(b, uint16(number))
		for _, index := range indexes {
			entry := make([]byte, devListEntry)
			binary.NativeEndian.PutUint16(entry, index)
			b = append(b, entry...)
		}
		return b
	}
	tests := []struct {
		b    []byte
		want []int
	}{
		{list(0), []int{}},
		{list(0, 5), []int{}},
		{list(1, 5), []int{5}},
		{list(3, 7, 0, 2), []int{7, 0, 2}},
		{list(9, 1, 2), []int{1, 2}}, // more than there is room for
	}
	for _, tt := range tests {
		if got := parseDevList(tt.b); !slices.Equal(got, tt.want) {
			t.Errorf("% X: %v, want %v", tt.b, got, tt.want)
		}
	}
}

func TestParseDevInfo(t *testing.T) {
	b := make([]byte, devInfoSize)
	binary.NativeEndian.PutUint16(b, 3)
	copy(b[2:], "hci3")
	copy(b[10:], []byte{0x13, 0x71, 0xDA, 0x7D, 0x1A, 0x00})
	binary.NativeEndian.PutUint32(b[16:], 1<<0|1<<2)
	b[20] = 0x11 // USB, and what older kernels call an alternative controller
	want := Adapter{Index: 3, Name: "hci3", Address: [6]byte{0x13, 0x71, 0xDA, 0x7D, 0x1A, 0}, Flags: 5, Bus: 1}
	if got := parseDevInfo(b); got != want || !got.Up() {
		t.Errorf("%+v, want %+v", got, want)
	}
	copy(b[2:], "hci12345") // no zero behind it
	if got := parseDevInfo(b); got.Name != "hci12345" {
		t.Errorf("name %q", got.Name)
	}
}

func TestIoctlError(t *testing.T) {
	if err := ioctl(-1, hciGetDevInfo, make([]byte, devInfoSize)); !errors.Is(err, unix.EBADF) {
		t.Errorf("%v", err)
	}
}

// A controller that is not there is neither up nor held, and bringing it down harms nobody.
func TestAbsentAdapter(t *testing.T) {
	if isUp(absentIndex) || userHeld(absentIndex) {
		t.Error("up or held")
	}
	bringDown(absentIndex)
}
