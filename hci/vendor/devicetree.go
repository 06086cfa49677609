package vendor

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/jelling-ble/jelling/hci"
)

// What the firmware of a board says of it, as paths from the root.
const (
	compatibleFile = "proc/device-tree/compatible"
	serialFile     = "proc/device-tree/serial-number"

	maxProperty = 4096 // octets of a property that are read
	maxBoard    = 64   // octets of a board's name
)

// boardName is the board's name in the names of firmware files, as "raspberrypi,4-model-b": the first of the names
// that the device tree calls it compatible with. Empty if there is none that can be in a file's name.
func boardName(files fs.FS) string {
	b, err := readFile(files, compatibleFile, maxProperty)
	if err != nil {
		return ""
	}
	names := parseStringList(b)
	if len(names) == 0 {
		return ""
	}
	return strings.ReplaceAll(names[0], "/", "-")
}

// parseStringList reads a property of the device tree that is a list of strings, each ended by a zero octet. A
// property that holds anything else, or is not ended, is no list.
func parseStringList(b []byte) []string {
	if len(b) == 0 || b[len(b)-1] != 0 {
		return nil
	}
	var list []string
	for text := range bytes.SplitSeq(b[:len(b)-1], []byte{0}) {
		odd := func(c byte) bool { return c <= ' ' || c > '~' }
		if len(text) == 0 || len(text) > maxBoard || slices.ContainsFunc(text, odd) {
			return nil
		}
		list = append(list, string(text))
	}
	return list
}

// ErrNotPi is what PiAddress says of other boards, and of a Raspberry Pi 4 or later, whose firmware gives the chip an
// address that can't be told from the serial number.
var ErrNotPi = errors.New("not a Raspberry Pi of generation 0 to 3")

// PiAddress is a Config.Address for a Raspberry Pi of generation 0 to 3: the public address that its own software
// gives the chip, which it makes of the board's serial number. The files are those of Config.
func PiAddress(files fs.FS) func(context.Context) (hci.Address, error) {
	return func(context.Context) (hci.Address, error) {
		compatible, err := readFile(files, compatibleFile, maxProperty)
		if err != nil {
			return hci.Address{}, err
		}
		if !isOlderPi(parseStringList(compatible)) {
			return hci.Address{}, ErrNotPi
		}
		serial, err := readFile(files, serialFile, maxProperty)
		if err != nil {
			return hci.Address{}, err
		}
		return parsePiSerial(serial)
	}
}

func isOlderPi(compatible []string) bool {
	var pi, older bool
	for _, name := range compatible {
		pi = pi || strings.HasPrefix(name, "raspberrypi,")
		older = older || slices.Contains([]string{"brcm,bcm2835", "brcm,bcm2836", "brcm,bcm2837"}, name)
	}
	return pi && older
}

// parsePiSerial makes an address of a serial number: the Foundation's prefix, and the last three octets of the
// number, each XOR 0xAA.
func parsePiSerial(b []byte) (hci.Address, error) {
	const digits = 16
	var serial [digits / 2]byte
	text := bytes.TrimRight(b, "\x00\n")
	if len(text) != digits {
		return hci.Address{}, fmt.Errorf("serial number: %d octets, want %d digits", len(text), digits)
	}
	if _, err := hex.Decode(serial[:], text); err != nil {
		return hci.Address{}, fmt.Errorf("serial number: %w", err)
	}
	if serial == [digits / 2]byte{} {
		return hci.Address{}, errors.New("serial number: it is zero, which many boards would share")
	}
	const mask = 0xAA
	return hci.Address{Octets: [6]byte{serial[7] ^ mask, serial[6] ^ mask, serial[5] ^ mask, 0xEB, 0x27, 0xB8}}, nil
}
