package driver

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	evVendor      = 0xFF // events of the chip's maker (Vol 4, Part E, 5.4.4)
	zephyrStopped = 0xAA // among Zephyr's: a failed assertion; a file's name, zero and a line follow
	maxFileName   = 128  // octets of it that are shown
)

// Companies whose controllers are Zephyr.
const (
	nordic          = 0x0059
	linuxFoundation = 0x05F1
)

// StoppedError is a controller's word that it has stopped at an assertion of its own firmware.
type StoppedError struct {
	File string
	Line uint32
}

func (e *StoppedError) Error() string {
	return fmt.Sprintf("the controller's firmware stopped at %q line %d", e.File, e.Line)
}

// stopped ends the controller if that is what a vendor's event says: the last that such a controller says.
func (c *Controller) stopped(b []byte) bool {
	if c.info.Version.Company != nordic && c.info.Version.Company != linuxFoundation || len(b) < 1 || b[0] != zephyrStopped {
		return false
	}
	file, line, ok := bytes.Cut(b[1:], []byte{0})
	if !ok || len(line) < 4 {
		return false
	}
	c.fail(&StoppedError{string(file[:min(len(file), maxFileName)]), binary.LittleEndian.Uint32(line)})
	return true
}
