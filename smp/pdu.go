package smp

import "fmt"

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

// AuthReq is the flags of a Pairing Request, Pairing Response or Security Request (Vol 3, Part H, 3.5.1).
// Reserved bits are ignored: peers exist that echo them.
type AuthReq uint8

const (
	authBonding  AuthReq = 0x01
	authMITM     AuthReq = 0x04
	authSecure   AuthReq = 0x08
	authKeypress AuthReq = 0x10
	authCT2      AuthReq = 0x20
)

// Bonding tells whether keys are to be kept. The two bits have two values more, reserved, which ask for
// nothing that we know.
func (a AuthReq) Bonding() bool { return a&0x03 == authBonding }

// MITM tells whether protection against somebody in the middle is asked for.
func (a AuthReq) MITM() bool { return a&authMITM != 0 }

// SecureConnections tells whether the sender supports LE Secure Connections pairing.
func (a AuthReq) SecureConnections() bool { return a&authSecure != 0 }

// securityRequest is a Security Request (3.6.7).
type securityRequest struct{ auth AuthReq }

func (p securityRequest) appendTo(b []byte) []byte {
	return append(b, byte(codeSecurityRequest), byte(p.auth))
}

func parseSecurityRequest(b []byte) (securityRequest, error) {
	if err := check(b, codeSecurityRequest, 2); err != nil {
		return securityRequest{}, err
	}
	return securityRequest{AuthReq(b[1])}, nil
}

// pairingFailed is a Pairing Failed (3.5.5).
type pairingFailed struct{ reason Reason }

func (p pairingFailed) appendTo(b []byte) []byte {
	return append(b, byte(codePairingFailed), byte(p.reason))
}

func parsePairingFailed(b []byte) (pairingFailed, error) {
	if err := check(b, codePairingFailed, 2); err != nil {
		return pairingFailed{}, err
	}
	return pairingFailed{Reason(b[1])}, nil
}

// check tells whether b is a PDU of that code and exactly that many octets.
func check(b []byte, c code, octets int) error {
	if len(b) != octets || code(b[0]) != c {
		return fmt.Errorf("SMP PDU of %d octets: want code 0x%02X and %d octets", len(b), uint8(c), octets)
	}
	return nil
}
