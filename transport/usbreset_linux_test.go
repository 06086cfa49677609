package transport

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The device of a controller is found by sysfs, and what does not hang on USB has none.
func TestUSBDevice(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string // of the device, beside its interface
		want  string
		err   error
	}{
		{"USB", map[string]string{"busnum": "1\n", "devnum": "12\n"}, "001/012", nil},
		{"a serial line", nil, "", ErrNotUSB},
		{"no device number", map[string]string{"busnum": "1\n"}, "", ErrNotUSB},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys := t.TempDir()
			device := filepath.Join(sys, "devices/pci0/usb1/1-1")
			for _, dir := range []string{filepath.Join(device, "1-1:1.0"), filepath.Join(sys, "class/bluetooth/hci3")} {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(device, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(filepath.Join(device, "1-1:1.0"), filepath.Join(sys, "class/bluetooth/hci3/device")); err != nil {
				t.Fatal(err)
			}
			if got, err := usbDevice(sys, 3); got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, c.want, c.err)
			}
			if _, err := usbDevice(sys, 4); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a controller that is not there: %v", err)
			}
		})
	}
}

func TestResetUSBOfNothing(t *testing.T) {
	if err := ResetUSB(Adapter{Index: 9999}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := OpenPowerLine("gpiochip9999", "BT_ON"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
