package vendor

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/jelling-ble/jelling/hci"
)

// Company identifiers, as Read Local Version Information returns them (Assigned Numbers, 7.1).
const (
	companyInfineon        = 0x0009
	companyBroadcom        = 0x000F
	companyNordic          = 0x0059
	companyCypress         = 0x0131
	companyLinuxFoundation = 0x05F1 // Zephyr's controller
	companySynaptics       = 0x0A76
)

// familyOf is whose vendor commands a company's controllers understand.
func familyOf(company uint16) Family {
	switch company {
	case companyBroadcom, companyCypress, companyInfineon, companySynaptics:
		return Broadcom
	case companyNordic, companyLinuxFoundation:
		return Zephyr
	}
	return None
}

// identify asks what the controller is, in words that every controller knows and then in its maker's.
func (s *session) identify(ctx context.Context) error {
	var err error
	s.info.Version, err = read(ctx, s, "Read Local Version Information", hci.ReadLocalVersionInformation, hci.ParseLocalVersion)
	if err != nil {
		return err
	}
	family := familyOf(s.info.Version.Company)
	switch s.cfg.Family {
	case Auto:
	case None:
		family = None
	default:
		if s.cfg.Family != family {
			return s.fail("identification", &FamilyError{s.cfg.Family, s.info.Version.Company})
		}
	}
	s.info.Family = family
	// LE-only controllers know no local name.
	s.info.Name, _, err = readOptional(ctx, s, "Read Local Name", command(opReadLocalName), parseName)
	if err != nil {
		return err
	}
	own, err := s.readAddress(ctx)
	if err != nil {
		return err
	}
	s.setAddress(own)
	switch family {
	case Broadcom:
		s.info.Chip, s.info.Patched = chipOf(s.info.Name, s.info.Version.LMPSubversion)
	case Zephyr:
		return s.identifyZephyr(ctx)
	}
	return nil
}

// nameLength is the length of Local_Name (Vol 4, Part E, 7.3.12).
const nameLength = 248

// parseName reads what Read Local Name returns: UTF-8 up to a zero octet. What can't be printed is taken out,
// since the name goes into logs and file names.
func parseName(b []byte) (string, error) {
	if err := short("Read Local Name: return: Local_Name", b, nameLength); err != nil {
		return "", err
	}
	b, _, _ = bytes.Cut(b[:nameLength], []byte{0})
	printable := func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}
	return strings.TrimSpace(strings.Map(printable, string(b))), nil
}

// readAddress reads the public address; zero where the controller does not know that command.
func (s *session) readAddress(ctx context.Context) (hci.Address, error) {
	a, _, err := readOptional(ctx, s, "Read BD_ADDR", hci.ReadBDADDR, hci.ParseBDADDR)
	return a, err
}

// setAddress notes the controller's public address, if it is one.
func (s *session) setAddress(a hci.Address) {
	s.info.Address = nil
	if UsablePublic(a) {
		s.info.Address = &a
	}
}

// chipOf is what a Broadcom chip is. Its ROM has the chip's name, and nothing but that, for its local name, which
// firmware replaces by a longer one. The name decides and not the LMP subversion, which only serves where the name
// has nothing to say: that of a chip with firmware, or an empty one.
func chipOf(name string, subversion uint16) (chip string, patched bool) {
	if isChipName(name) {
		return name, false
	}
	return chipsBySubversion[subversion], name != ""
}

// isChipName tells names as "BCM43430A1" from all others.
func isChipName(name string) bool {
	const prefix, shortest, longest = 3, 7, 12
	if len(name) < shortest || len(name) > longest || !slices.Contains([]string{"BCM", "CYW", "SYN"}, name[:prefix]) {
		return false
	}
	for i, c := range name[prefix:] {
		digit := c >= '0' && c <= '9'
		if !digit && (i < 4 || c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// chipsBySubversion names Broadcom's UART chips by their LMP subversion, as the kernel does.
var chipsBySubversion = map[uint16]string{
	0x1111: "BCM4362A2",
	0x2119: "BCM4373A0",
	0x2122: "BCM4343A0",
	0x2128: "BCM4384A0",
	0x2209: "BCM43430A1",
	0x220E: "BCM20702A1",
	0x230F: "BCM4356A2",
	0x2310: "BCM4343A2",
	0x2409: "BCM4356A3",
	0x4103: "BCM4330B1",
	0x4106: "BCM4335A0",
	0x410C: "BCM43430B0",
	0x410D: "BCM4334B0",
	0x410E: "BCM43341B0",
	0x4119: "BCM4384B0",
	0x4204: "BCM2076B1",
	0x420D: "BCM4349B1",
	0x420E: "BCM4349B1",
	0x4217: "BCM4329B1",
	0x4406: "BCM4324B3",
	0x4606: "BCM4324B5",
	0x6106: "BCM4359C0",
	0x6109: "BCM4335C0",
	0x610C: "BCM4354",
	0x6119: "BCM4345C0",
	0x6606: "BCM4345C5",
}
