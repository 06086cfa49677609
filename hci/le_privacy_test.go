package hci

import "testing"

func TestPrivacy(t *testing.T) {
	const peer = "Peer_Identity_Address_Type 01 Peer_Identity_Address 30F0FF051CC0 "
	cases := []codecCase{
		{name: "LE Add Device To Resolving List", layout: peer + "Peer_IRK " + octets16 + " Local_IRK " + octets8 + octets8,
			value: LEAddDeviceToResolvingList{device, array16, [16]byte(append(array8[:], array8[:]...))}, parse: parser(ParseLEAddDeviceToResolvingList)},
		{name: "LE Set Address Resolution Enable", layout: "Address_Resolution_Enable 01",
			value: LESetAddressResolutionEnable{true}, parse: parser(ParseLESetAddressResolutionEnable)},
		{name: "LE Set Resolvable Private Address Timeout", layout: "RPA_Timeout 8403",
			value: LESetResolvablePrivateAddressTimeout{900}, parse: parser(ParseLESetResolvablePrivateAddressTimeout)},
		{name: "LE Set Privacy Mode", layout: peer + "Privacy_Mode 01", value: LESetPrivacyMode{device, DevicePrivacy}, parse: parser(ParseLESetPrivacyMode)},
		{name: "LE Read Peer Resolvable Address: return", layout: "Resolvable_Address 010203040546", value: fixed{1, 2, 3, 4, 5, 0x46},
			parse: octetsOf(func(b []byte) ([]byte, error) {
				a, err := ParseResolvableAddress(OpLEReadPeerResolvableAddress, b)
				return a.Octets[:], err
			})},
		{name: "LE Read Resolving List Size: return", layout: "List_Size 08", value: fixed{8},
			parse: octetsOf(func(b []byte) ([]byte, error) {
				n, err := ParseListSize(OpLEReadResolvingListSize, b)
				return []byte{n}, err
			})},
	}
	for _, c := range []IdentityCommand{LERemoveDeviceFromResolvingList(device), LEReadPeerResolvableAddress(device), LEReadLocalResolvableAddress(device)} {
		cases = append(cases, codecCase{name: c.Op.String(), layout: peer, value: c, parse: parseIdentity(c.Op)})
	}
	runCodec(t, cases)
}

func parseIdentity(op Opcode) func([]byte) (any, error) {
	return parser(func(b []byte) (IdentityCommand, error) { return ParseIdentityCommand(op, b) })
}
