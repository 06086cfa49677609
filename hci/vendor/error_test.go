package vendor

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/jelling-ble/jelling/hci"
)

// Errors are one line each, and open to errors.Is and errors.As.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
		is   error
	}{
		{&Error{"BCM4345C0", "UART rate", hci.CommandDisallowed}, "bring-up of BCM4345C0: UART rate: Command Disallowed (0x0C)", hci.CommandDisallowed},
		{&Error{"", "HCI_Reset", ErrNoAnswer}, "bring-up of the controller: HCI_Reset: the controller did not answer in time", ErrNoAnswer},
		{&ContactError{}, "no answer to HCI_Reset", ErrNoAnswer},
		{&ContactError{[]int{115_200, 9600}}, "no answer to HCI_Reset at 115200, 9600 baud", ErrNoAnswer},
		{&FamilyError{Broadcom, 0x59}, "not a bcm chip: its company identifier is 0x0059", nil},
		{&MissingError{"BCM4345C0", []string{"/a", "/b"}}, "no firmware for BCM4345C0; tried, also with .zst and .xz: /a, /b", fs.ErrNotExist},
		{&FileError{"/a", &HCDError{7, "nonsense"}}, "firmware /a: at octet 7: nonsense", nil},
		{&LaunchError{"/a", ErrNoAnswer}, "silent since it was started with /a, which may be for another chip (cut its power): the controller did not answer in time", ErrNoAnswer},
		{&RateError{115_200, 3_000_000, fs.ErrInvalid}, "from 115200 to 3000000 baud: invalid argument", fs.ErrInvalid},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		if tt.is != nil && !errors.Is(tt.err, tt.is) {
			t.Errorf("%v is not %v", tt.err, tt.is)
		}
	}
}

// A step that fails inside another keeps its own name.
func TestFailKeepsTheInnerStep(t *testing.T) {
	s := &session{info: Info{Chip: "chip"}}
	inner := s.fail("inner", ErrNoAnswer)
	if got := s.fail("outer", inner); got != inner {
		t.Errorf("%v", got)
	}
	if got := s.fail("outer", fmt.Errorf("around %w", inner)); errors.Is(got, ErrNoAnswer) == false {
		t.Errorf("%v", got)
	}
	if s.fail("outer", nil) != nil {
		t.Error("nothing failed")
	}
}
