package transport

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// gpioFlagOutput makes a line an output (GPIO_V2_LINE_FLAG_OUTPUT in include/uapi/linux/gpio.h).
const gpioFlagOutput = 1 << 3

// maxLines bounds the lines of a GPIO chip that are looked at for a name.
const maxLines = 1024

// A PowerLine is a GPIO line that switches a controller's power (BT_ON, BT_REG_ON). It is held as long as it is
// open, since the kernel may let a line go back to what it was.
type PowerLine struct {
	name string
	line *os.File
}

// OpenPowerLine takes a line of a GPIO chip, by name or number, and switches the power on.
func OpenPowerLine(chip, line string) (*PowerLine, error) {
	what := chip + ":" + line
	f, err := os.OpenFile(filepath.Join("/dev", chip), os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("power line %s: %w", what, err)
	}
	defer f.Close()
	offset, err := findLine(f, line)
	if err != nil {
		return nil, fmt.Errorf("power line %s: %w", what, err)
	}
	request := unix.GPIOV2LineRequest{Num_lines: 1}
	request.Offsets[0] = offset
	copy(request.Consumer[:], "jelling")
	request.Config.Flags = gpioFlagOutput
	request.Config.Num_attrs = 1
	request.Config.Attrs[0] = unix.GPIOV2LineConfigAttribute{Mask: 1,
		Attr: unix.GPIOV2LineAttribute{Id: unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, Flags: 1}} // Flags is a union with the values
	if err := gpioctl(f, unix.GPIO_V2_GET_LINE_IOCTL, unsafe.Pointer(&request)); err != nil {
		return nil, fmt.Errorf("power line %s: %w", what, err)
	}
	return &PowerLine{what, os.NewFile(uintptr(request.Fd), what)}, nil
}

// findLine is the number of a line, given as that or by its name.
func findLine(chip *os.File, line string) (uint32, error) {
	if n, err := strconv.ParseUint(line, 10, 32); err == nil {
		return uint32(n), nil
	}
	for offset := range uint32(maxLines) {
		info := unix.GPIOV2LineInfo{Offset: offset}
		if err := gpioctl(chip, unix.GPIO_V2_GET_LINEINFO_IOCTL, unsafe.Pointer(&info)); err != nil {
			return 0, fmt.Errorf("no line of that name among %d: %w", offset, err)
		}
		if unix.ByteSliceToString(info.Name[:]) == line {
			return offset, nil
		}
	}
	return 0, os.ErrNotExist
}

// Cycle takes the controller's power for 100 ms, and gives it 100 ms to start.
func (p *PowerLine) Cycle(ctx context.Context) error {
	for _, on := range []uint64{0, 1} {
		values := unix.GPIOV2LineValues{Bits: on, Mask: 1}
		if err := gpioctl(p.line, unix.GPIO_V2_LINE_SET_VALUES_IOCTL, unsafe.Pointer(&values)); err != nil {
			return fmt.Errorf("power line %s: %w", p.name, err)
		}
		if err := pause(ctx, powerPause); err != nil {
			return err
		}
	}
	return nil
}

// Close lets the line go.
func (p *PowerLine) Close() error { return p.line.Close() }

func gpioctl(f *os.File, request uint, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), uintptr(request), uintptr(argument)); errno != 0 {
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}
