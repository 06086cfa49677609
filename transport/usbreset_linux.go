package transport

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// usbReset is USBDEVFS_RESET, _IO('U', 20) in include/uapi/linux/usbdevice_fs.h, with the direction bits of another
// _IO, since they differ from one architecture to the next.
const usbReset = unix.BLKRRPART&^0xFFFF | 'U'<<8 | 20

// ErrNotUSB says that a controller does not hang on USB, so that there is no port to reset.
var ErrNotUSB = errors.New("not a USB controller")

// ResetUSB resets the port of a USB controller, as if it had been unplugged and plugged in again. The kernel may
// give it another number afterwards. It needs the right to write to the device below /dev/bus/usb.
func ResetUSB(a Adapter) error {
	device, err := usbDevice(sysRoot, a.Index)
	if err != nil {
		return fmt.Errorf("reset %s%d: %w", hciPrefix, a.Index, err)
	}
	f, err := os.OpenFile(filepath.Join("/dev/bus/usb", device), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("reset %s%d: %w", hciPrefix, a.Index, err)
	}
	defer f.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), usbReset, 0); errno != 0 {
		return fmt.Errorf("reset %s%d: %w", hciPrefix, a.Index, os.NewSyscallError("ioctl", errno))
	}
	return nil
}

// usbDevice is where /dev/bus/usb has the device of a controller, "001/004".
func usbDevice(sys string, index int) (string, error) {
	interfaceDir, err := filepath.EvalSymlinks(filepath.Join(sys, "class/bluetooth", hciPrefix+strconv.Itoa(index), "device"))
	if err != nil {
		return "", err
	}
	var parts []string
	for _, name := range []string{"busnum", "devnum"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(interfaceDir), name))
		if errors.Is(err, os.ErrNotExist) {
			return "", ErrNotUSB
		}
		if err != nil {
			return "", err
		}
		n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		parts = append(parts, fmt.Sprintf("%03d", n))
	}
	return strings.Join(parts, "/"), nil
}
