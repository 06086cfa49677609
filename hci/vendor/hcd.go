package vendor

import (
	"encoding/binary"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// A Record is one command of a .hcd file. It implements hci.Command.
type Record struct {
	Op         hci.Opcode
	Parameters []byte // aliases the file
}

// Opcode returns Op.
func (r Record) Opcode() hci.Opcode { return r.Op }

// AppendTo appends the parameters alone.
func (r Record) AppendTo(b []byte) []byte { return append(b, r.Parameters...) }

// String names the command, and where Write RAM writes.
func (r Record) String() string {
	switch {
	case r.Op == bcmLaunchRAM:
		return "Launch RAM"
	case r.Op == bcmWriteRAM && len(r.Parameters) >= addressLength:
		return fmt.Sprintf("Write RAM at 0x%08X", binary.LittleEndian.Uint32(r.Parameters))
	}
	return r.Op.String()
}

const (
	recordHeader  = 3 // opcode, length
	addressLength = 4 // of an address in the chip
	// maxFirmware is the longest firmware that is read, in octets. Those for a Raspberry Pi have up to 64 KB.
	maxFirmware = 1 << 20
)

// ParseHCD reads Broadcom's firmware: commands as they go to the chip, without their packet type, one behind the
// other. There have to be some Write RAM and then one Launch RAM, which ends the file. Download Minidriver, with
// which some files begin, is left out, since it goes before any file. The error is an *HCDError.
func ParseHCD(b []byte) ([]Record, error) {
	if len(b) > maxFirmware {
		return nil, &HCDError{maxFirmware, "longer than any firmware"}
	}
	var records []Record
	for at := 0; at < len(b); {
		r, cause := parseRecord(b[at:])
		if cause != "" {
			return nil, &HCDError{at, cause}
		}
		start := at
		at += recordHeader + len(r.Parameters)
		switch r.Op {
		case bcmStartDownload:
			if start != 0 {
				return nil, &HCDError{start, "Download Minidriver in the middle"}
			}
			continue
		case bcmLaunchRAM:
			if len(records) == 0 {
				return nil, &HCDError{start, "Launch RAM with nothing written"}
			}
			if at < len(b) {
				return nil, &HCDError{at, fmt.Sprintf("%d octets behind Launch RAM", len(b)-at)}
			}
			return append(records, r), nil
		}
		records = append(records, r)
	}
	return nil, &HCDError{len(b), "it ends without Launch RAM"}
}

// parseRecord reads the first record of b; cause says why it is none.
func parseRecord(b []byte) (r Record, cause string) {
	if len(b) < recordHeader {
		return r, fmt.Sprintf("it ends after %d octets of a record's header", len(b))
	}
	r.Op = hci.Opcode(binary.LittleEndian.Uint16(b))
	n := int(b[2])
	b = b[recordHeader:]
	switch {
	case r.Op == bcmStartDownload && n == 0, r.Op == bcmLaunchRAM && n == addressLength, r.Op == bcmWriteRAM && n > addressLength:
	case r.Op == bcmStartDownload, r.Op == bcmLaunchRAM, r.Op == bcmWriteRAM:
		return r, fmt.Sprintf("a record of command 0x%04X with %d octets", uint16(r.Op), n)
	default:
		return r, fmt.Sprintf("command 0x%04X, which does not belong into firmware", uint16(r.Op))
	}
	if len(b) < n {
		return r, fmt.Sprintf("it ends after %d of the %d octets of a record", len(b), n)
	}
	r.Parameters = b[:n:n]
	return r, ""
}
