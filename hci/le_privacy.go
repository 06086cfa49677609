package hci

import (
	"fmt"
	"io"
)

// LEAddDeviceToResolvingList gives the controller a peer's identity and the keys of both sides, all zero for
// a side that uses no private addresses (Vol 4, Part E, 7.8.38). It prints without the keys.
type LEAddDeviceToResolvingList struct {
	Peer              Address // an identity
	PeerIRK, LocalIRK [16]byte
}

func (LEAddDeviceToResolvingList) Opcode() Opcode { return OpLEAddDeviceToResolvingList }
func (c LEAddDeviceToResolvingList) AppendTo(b []byte) []byte {
	return append(append(c.Peer.AppendTo(b), c.PeerIRK[:]...), c.LocalIRK[:]...)
}

// String hides the keys.
func (LEAddDeviceToResolvingList) String() string { return OpLEAddDeviceToResolvingList.String() }

// Format implements fmt.Formatter and hides the keys.
func (c LEAddDeviceToResolvingList) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// ParseLEAddDeviceToResolvingList reads the parameters of LEAddDeviceToResolvingList.
func ParseLEAddDeviceToResolvingList(b []byte) (c LEAddDeviceToResolvingList, err error) {
	if err := shorter("LE Add Device To Resolving List", b, []field{{"Peer_Identity_Address_Type", 1}, {"Peer_Identity_Address", 7},
		{"Peer_IRK", 23}, {"Local_IRK", 39}}); err != nil {
		return c, err
	}
	c.Peer, _ = addressAt(b)
	copy(c.PeerIRK[:], b[7:])
	copy(c.LocalIRK[:], b[23:])
	return c, nil
}

// IdentityCommand is a command whose only parameter is an entry of the resolving list.
type IdentityCommand struct {
	Op   Opcode
	Peer Address // an identity
}

// LERemoveDeviceFromResolvingList removes an entry (Vol 4, Part E, 7.8.39).
func LERemoveDeviceFromResolvingList(peer Address) IdentityCommand {
	return IdentityCommand{OpLERemoveDeviceFromResolvingList, peer}
}

// LEReadPeerResolvableAddress asks which private address the peer uses (Vol 4, Part E, 7.8.42).
func LEReadPeerResolvableAddress(peer Address) IdentityCommand {
	return IdentityCommand{OpLEReadPeerResolvableAddress, peer}
}

// LEReadLocalResolvableAddress asks which private address is used towards the peer (Vol 4, Part E, 7.8.43).
func LEReadLocalResolvableAddress(peer Address) IdentityCommand {
	return IdentityCommand{OpLEReadLocalResolvableAddress, peer}
}

func (c IdentityCommand) Opcode() Opcode           { return c.Op }
func (c IdentityCommand) AppendTo(b []byte) []byte { return c.Peer.AppendTo(b) }

// ParseIdentityCommand reads the parameters of the command named by op.
func ParseIdentityCommand(op Opcode, b []byte) (IdentityCommand, error) {
	if err := shorter(op.String(), b, []field{{"Peer_Identity_Address_Type", 1}, {"Peer_Identity_Address", 7}}); err != nil {
		return IdentityCommand{}, err
	}
	a, _ := addressAt(b)
	return IdentityCommand{op, a}, nil
}

// ParseResolvableAddress reads the private address that LE Read Peer Resolvable Address and LE Read Local
// Resolvable Address return; command names it in the error.
func ParseResolvableAddress(command Opcode, b []byte) (Address, error) {
	if err := shorter(command.String()+": return", b, []field{{"Resolvable_Address", 6}}); err != nil {
		return Address{}, err
	}
	return Address{Type: Random, Octets: [6]byte(b)}, nil
}

// ParseListSize reads how many entries a list has room for, which the commands return that read the size
// of the filter accept, resolving and periodic advertiser lists; command names it in the error.
func ParseListSize(command Opcode, b []byte) (uint8, error) {
	return parseOctet(command.String()+": return", "List_Size", b)
}

// LESetAddressResolutionEnable lets the controller use its resolving list (Vol 4, Part E, 7.8.44).
type LESetAddressResolutionEnable struct{ Enable bool }

func (LESetAddressResolutionEnable) Opcode() Opcode             { return OpLESetAddressResolutionEnable }
func (c LESetAddressResolutionEnable) AppendTo(b []byte) []byte { return append(b, octet(c.Enable)) }

// ParseLESetAddressResolutionEnable reads the parameters of LESetAddressResolutionEnable.
func ParseLESetAddressResolutionEnable(b []byte) (LESetAddressResolutionEnable, error) {
	v, err := parseOctet("LE Set Address Resolution Enable", "Address_Resolution_Enable", b)
	return LESetAddressResolutionEnable{v != 0}, err
}

// LESetResolvablePrivateAddressTimeout sets how long the controller keeps a private address of its own, 1 to
// 3600 s (Vol 4, Part E, 7.8.45).
type LESetResolvablePrivateAddressTimeout struct{ Seconds uint16 }

func (LESetResolvablePrivateAddressTimeout) Opcode() Opcode {
	return OpLESetResolvablePrivateAddressTimeout
}
func (c LESetResolvablePrivateAddressTimeout) AppendTo(b []byte) []byte {
	return append16(b, c.Seconds)
}

// ParseLESetResolvablePrivateAddressTimeout reads the parameters of LESetResolvablePrivateAddressTimeout.
func ParseLESetResolvablePrivateAddressTimeout(b []byte) (LESetResolvablePrivateAddressTimeout, error) {
	if err := shorter("LE Set Resolvable Private Address Timeout", b, []field{{"RPA_Timeout", 2}}); err != nil {
		return LESetResolvablePrivateAddressTimeout{}, err
	}
	return LESetResolvablePrivateAddressTimeout{at16(b, 0)}, nil
}

// PrivacyMode is whether a peer with an IRK may still use its identity on air (Vol 4, Part E, 7.8.77).
type PrivacyMode uint8

const (
	NetworkPrivacy PrivacyMode = 0x00 // it may not
	DevicePrivacy  PrivacyMode = 0x01 // it may
)

// LESetPrivacyMode sets the privacy mode of an entry of the resolving list (Vol 4, Part E, 7.8.77).
type LESetPrivacyMode struct {
	Peer Address // an identity
	Mode PrivacyMode
}

func (LESetPrivacyMode) Opcode() Opcode             { return OpLESetPrivacyMode }
func (c LESetPrivacyMode) AppendTo(b []byte) []byte { return append(c.Peer.AppendTo(b), byte(c.Mode)) }

// ParseLESetPrivacyMode reads the parameters of LESetPrivacyMode.
func ParseLESetPrivacyMode(b []byte) (LESetPrivacyMode, error) {
	if err := shorter("LE Set Privacy Mode", b, []field{{"Peer_Identity_Address_Type", 1}, {"Peer_Identity_Address", 7}, {"Privacy_Mode", 8}}); err != nil {
		return LESetPrivacyMode{}, err
	}
	a, _ := addressAt(b)
	return LESetPrivacyMode{a, PrivacyMode(b[7])}, nil
}
