package smp

import "fmt"

// IOCapability is what a device has to show and to ask a person with (Vol 3, Part H, 3.5.1).
type IOCapability uint8

const (
	DisplayOnly     IOCapability = 0x00
	DisplayYesNo    IOCapability = 0x01
	KeyboardOnly    IOCapability = 0x02
	NoInputNoOutput IOCapability = 0x03
	KeyboardDisplay IOCapability = 0x04
)

var ioCapabilityNames = [...]string{"DisplayOnly", "DisplayYesNo", "KeyboardOnly", "NoInputNoOutput", "KeyboardDisplay"}

func (c IOCapability) String() string {
	if int(c) < len(ioCapabilityNames) {
		return ioCapabilityNames[c]
	}
	return fmt.Sprintf("IO capability 0x%02X", uint8(c))
}

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

// Keypress tells whether the sender wants to know of keys pressed while a passkey is entered.
func (a AuthReq) Keypress() bool { return a&authKeypress != 0 }

// CT2 tells whether the sender can derive keys for the other transport by h7.
func (a AuthReq) CT2() bool { return a&authCT2 != 0 }

// KeyDistribution says which keys are distributed (Vol 3, Part H, 3.6.1). Reserved bits are ignored.
type KeyDistribution uint8

const (
	DistributeEnc  KeyDistribution = 1 << 0 // LTK, EDIV and Rand
	DistributeID   KeyDistribution = 1 << 1 // IRK and identity address
	DistributeSign KeyDistribution = 1 << 2 // CSRK
	DistributeLink KeyDistribution = 1 << 3 // BR/EDR link key, never from us
)

// distributable is the keys that have PDUs, all that is ever agreed on.
const distributable = DistributeEnc | DistributeID | DistributeSign

// The number of octets that an encryption key may have (2.3.4).
const (
	leastKeySize = 7
	mostKeySize  = 16
)

// features is a Pairing Request (3.5.1) or a Pairing Response (3.5.2).
type features struct {
	code       code
	io         IOCapability
	oob        bool // the sender has the peer's out of band data
	auth       AuthReq
	maxKeySize int // octets
	initiator  KeyDistribution
	responder  KeyDistribution
}

func (p features) appendTo(b []byte) []byte {
	oob := byte(0)
	if p.oob {
		oob = 1
	}
	return append(b, byte(p.code), byte(p.io), oob, byte(p.auth), byte(p.maxKeySize), byte(p.initiator), byte(p.responder))
}

// parseFeatures reads a PDU of that code. It refuses reserved IO capabilities, OOB flags and key sizes above
// the largest, all of them invalid parameters; a key size that is too small has a Reason of its own and is
// left to the reader.
func parseFeatures(b []byte, c code) (features, error) {
	if err := check(b, c); err != nil {
		return features{}, err
	}
	p := features{c, IOCapability(b[1]), b[2] == 1, AuthReq(b[3]), int(b[4]), KeyDistribution(b[5]), KeyDistribution(b[6])}
	switch {
	case p.io > KeyboardDisplay:
		return features{}, fmt.Errorf("%v: %v is reserved", c, p.io)
	case b[2] > 1:
		return features{}, fmt.Errorf("%v: OOB data flag 0x%02X is reserved", c, b[2])
	case p.maxKeySize > mostKeySize:
		return features{}, fmt.Errorf("%v: maximum key size of %d octets", c, p.maxKeySize)
	}
	return p, nil
}

// ioCap is the octets that the DHKey checks are computed from (2.2.8).
func (p features) ioCap() [3]byte {
	b := p.appendTo(make([]byte, 0, 7))
	return [3]byte(b[1:4])
}
