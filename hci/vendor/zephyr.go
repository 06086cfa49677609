package vendor

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// ControllerVersion is what Zephyr's Read Version Information returns, in Zephyr's numbers.
type ControllerVersion struct {
	Platform        uint16 // 2 for Nordic
	Variant         uint16 // 2 for nRF52x, of platform 2
	FirmwareVariant uint8  // 1 for the standard controller, 3 for a loader, 4 for a rescue image
	Version         uint8
	Revision        uint16
	Build           uint32
}

// versionLength is the length of ControllerVersion in an answer, in octets.
const versionLength = 12

// ParseControllerVersion reads a version from behind the status.
func ParseControllerVersion(b []byte) (v ControllerVersion, err error) {
	if err := short("Zephyr Read Version Information: return", b, versionLength); err != nil {
		return v, err
	}
	u16 := binary.LittleEndian.Uint16
	return ControllerVersion{u16(b), u16(b[2:]), b[4], b[5], u16(b[6:]), binary.LittleEndian.Uint32(b[8:])}, nil
}

var zephyrChips = map[[2]uint16]string{
	{2, 1}: "nRF51",
	{2, 2}: "nRF52",
	{2, 3}: "nRF53",
	{2, 4}: "nRF54H",
	{2, 5}: "nRF54L",
	{4, 1}: "ESP32",
	{4, 2}: "ESP32-S3",
	{4, 3}: "ESP32-C2",
	{4, 4}: "ESP32-C3",
	{4, 5}: "ESP32-C6",
	{4, 6}: "ESP32-H2",
}

// Chip is what the controller runs on, as "nRF52", or its numbers.
func (v ControllerVersion) Chip() string {
	if name, ok := zephyrChips[[2]uint16{v.Platform, v.Variant}]; ok {
		return name
	}
	return fmt.Sprintf("platform %d, variant %d", v.Platform, v.Variant)
}

const (
	commandsLength = 64 // of Zephyr's bit map of commands
	staticLength   = 22 // of one static address with its identity root

	// The bit that says that Read Static Addresses is supported.
	staticOctet, staticBit = 1, 0
)

// identifyZephyr asks a Zephyr controller for its version and, if it has no public address, for a static random one.
// It may have been built without vendor commands, and then says nothing.
func (s *session) identifyZephyr(ctx context.Context) error {
	v, known, err := readOptional(ctx, s, "Zephyr Read Version Information", command(zephyrReadVersion), ParseControllerVersion)
	if err != nil || !known {
		return err
	}
	s.info.Controller, s.info.Chip = v, v.Chip()
	if s.info.Address != nil {
		return nil
	}
	has, _, err := readOptional(ctx, s, "Zephyr Read Supported Commands", command(zephyrReadCommands), parseHasStatics)
	if err != nil || !has {
		return err
	}
	s.info.Address, _, err = readOptional(ctx, s, "Zephyr Read Static Addresses", command(zephyrReadStatics), parseStatics)
	return err
}

// parseHasStatics reads from the supported commands whether Read Static Addresses is one.
func parseHasStatics(b []byte) (bool, error) {
	if err := short("Zephyr Read Supported Commands: return", b, commandsLength); err != nil {
		return false, err
	}
	return b[staticOctet]>>staticBit&1 != 0, nil
}

// parseStatics reads the first address of an answer that can be an identity, nil if there is none. The identity
// root beside it is a secret of the chip that nothing here needs, and stays where it is.
func parseStatics(b []byte) (*hci.Address, error) {
	const what = "Zephyr Read Static Addresses: return"
	if err := short(what, b, 1); err != nil {
		return nil, err
	}
	n := int(b[0])
	if err := short(what, b, 1+n*staticLength); err != nil {
		return nil, err
	}
	for i := range n {
		a := hci.Address{Type: hci.Random, Octets: [6]byte(b[1+i*staticLength:])}
		if a.IsIdentity() {
			return &a, nil
		}
	}
	return nil, nil
}
