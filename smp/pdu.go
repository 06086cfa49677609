package smp

import (
	"errors"
	"fmt"
)

// code is the first octet of a PDU (Vol 3, Part H, 3.3).
type code uint8

const (
	codePairingRequest        code = 0x01
	codePairingResponse       code = 0x02
	codePairingConfirm        code = 0x03
	codePairingRandom         code = 0x04
	codePairingFailed         code = 0x05
	codeEncryptionInformation code = 0x06
	codeCentralIdentification code = 0x07
	codeIdentityInformation   code = 0x08
	codeIdentityAddress       code = 0x09
	codeSigningInformation    code = 0x0A
	codeSecurityRequest       code = 0x0B
	codePublicKey             code = 0x0C
	codeDHKeyCheck            code = 0x0D
	codeKeypress              code = 0x0E
)

var codes = [...]struct {
	name   string
	octets int // of the PDU, its code included; every PDU has one length
}{
	codePairingRequest:        {"Pairing Request", 7},
	codePairingResponse:       {"Pairing Response", 7},
	codePairingConfirm:        {"Pairing Confirm", 17},
	codePairingRandom:         {"Pairing Random", 17},
	codePairingFailed:         {"Pairing Failed", 2},
	codeEncryptionInformation: {"Encryption Information", 17},
	codeCentralIdentification: {"Central Identification", 11},
	codeIdentityInformation:   {"Identity Information", 17},
	codeIdentityAddress:       {"Identity Address Information", 8},
	codeSigningInformation:    {"Signing Information", 17},
	codeSecurityRequest:       {"Security Request", 2},
	codePublicKey:             {"Pairing Public Key", 65},
	codeDHKeyCheck:            {"Pairing DHKey Check", 17},
	codeKeypress:              {"Pairing Keypress Notification", 2},
}

// known tells a code of the specification from the reserved ones, whose PDUs are ignored (3.3).
func (c code) known() bool { return int(c) < len(codes) && codes[c].octets > 0 }

func (c code) String() string {
	if c.known() {
		return codes[c].name
	}
	return fmt.Sprintf("SMP code 0x%02X", uint8(c))
}

var errEmptyPDU = errors.New("SMP PDU without a code")

// check tells whether b is a PDU of that code and of its one length.
func check(b []byte, c code) error {
	switch {
	case len(b) == 0:
		return errEmptyPDU
	case code(b[0]) != c:
		return fmt.Errorf("%v: want %v", code(b[0]), c)
	case len(b) != codes[c].octets:
		return fmt.Errorf("%v of %d octets: want %d", c, len(b), codes[c].octets)
	}
	return nil
}

// pairingFailed is a Pairing Failed (3.5.5).
type pairingFailed struct{ reason Reason }

func (p pairingFailed) appendTo(b []byte) []byte {
	return append(b, byte(codePairingFailed), byte(p.reason))
}

func parsePairingFailed(b []byte) (pairingFailed, error) {
	if err := check(b, codePairingFailed); err != nil {
		return pairingFailed{}, err
	}
	return pairingFailed{Reason(b[1])}, nil
}

// securityRequest is a Security Request (3.6.7).
type securityRequest struct{ auth AuthReq }

func (p securityRequest) appendTo(b []byte) []byte {
	return append(b, byte(codeSecurityRequest), byte(p.auth))
}

func parseSecurityRequest(b []byte) (securityRequest, error) {
	if err := check(b, codeSecurityRequest); err != nil {
		return securityRequest{}, err
	}
	return securityRequest{AuthReq(b[1])}, nil
}

// appendValue appends one of the PDUs that are sixteen octets and nothing else: Pairing Confirm (3.5.3),
// Pairing Random (3.5.4), Pairing DHKey Check (3.5.7), Encryption Information (3.6.2), Identity
// Information (3.6.4) and Signing Information (3.6.6).
func appendValue(b []byte, c code, value Key) []byte {
	return append(append(b, byte(c)), value[:]...)
}

func parseValue(b []byte, c code) (Key, error) {
	if err := check(b, c); err != nil {
		return Key{}, err
	}
	return Key(b[1:]), nil
}
