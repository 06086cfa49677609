package hci

import (
	"bytes"
	"errors"
	"testing"
)

var parameters = ConnectionParameters{IntervalMin: 24, IntervalMax: 40, Latency: 4, SupervisionTimeout: 420, MinCELength: 2, MaxCELength: 6}

func TestLECommands(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "LE Set Event Mask", layout: "LE_Event_Mask 7F02000000000000",
			value: LESetEventMask{LEEventMaskConnectionComplete | LEEventMaskAdvertisingReport | LEEventMaskConnectionUpdateComplete |
				LEEventMaskReadRemoteFeaturesComplete | LEEventMaskLongTermKeyRequest | LEEventMaskRemoteConnectionParameterRequest |
				LEEventMaskDataLengthChange | LEEventMaskEnhancedConnectionComplete},
			parse: parser(ParseLESetEventMask)},
		{name: "LE Set Random Address", layout: "Random_Address 30F0FF051CC0", value: LESetRandomAddress{device.Octets}, parse: parser(ParseLESetRandomAddress)},
		{name: "LE Set Advertising Parameters", layout: `
			Advertising_Interval_Min   A000
			Advertising_Interval_Max   B000
			Advertising_Type           04
			Own_Address_Type           01
			Peer_Address_Type          01
			Peer_Address               30F0FF051CC0
			Advertising_Channel_Map    07
			Advertising_Filter_Policy  03`,
			value: LESetAdvertisingParameters{IntervalMin: 0xA0, IntervalMax: 0xB0, Type: AdvDirectIndLow, OwnAddressType: 1, Peer: device, ChannelMap: 7, FilterPolicy: 3},
			parse: parser(ParseLESetAdvertisingParameters)},
		{name: "LE Set Advertising Enable", layout: "Advertising_Enable 01", value: LESetAdvertisingEnable{true}, parse: parser(ParseLESetAdvertisingEnable)},
		{name: "LE Set Advertising Enable", layout: "Advertising_Enable 00", value: LESetAdvertisingEnable{}, parse: parser(ParseLESetAdvertisingEnable)},
		{name: "LE Set Scan Parameters", layout: `
			LE_Scan_Type            01
			LE_Scan_Interval        A000
			LE_Scan_Window          3000
			Own_Address_Type        01
			Scanning_Filter_Policy  02`,
			value: LESetScanParameters{Active: true, Interval: 0xA0, Window: 0x30, OwnAddressType: 1, FilterPolicy: 2}, parse: parser(ParseLESetScanParameters)},
		{name: "LE Set Scan Enable", layout: "LE_Scan_Enable 01 Filter_Duplicates 00", value: LESetScanEnable{Enable: true}, parse: parser(ParseLESetScanEnable)},
		{name: "LE Set Scan Enable", layout: "LE_Scan_Enable 00 Filter_Duplicates 01", value: LESetScanEnable{FilterDuplicates: true}, parse: parser(ParseLESetScanEnable)},
		{name: "LE Create Connection", layout: `
			LE_Scan_Interval         6000
			LE_Scan_Window           3000
			Initiator_Filter_Policy  00
			Peer_Address_Type        01
			Peer_Address             30F0FF051CC0
			Own_Address_Type         01
			Connection_Interval_Min  1800
			Connection_Interval_Max  2800
			Max_Latency              0400
			Supervision_Timeout      A401
			Min_CE_Length            0200
			Max_CE_Length            0600`,
			value: LECreateConnection{ScanInterval: 0x60, ScanWindow: 0x30, Peer: device, OwnAddressType: 1, Parameters: parameters},
			parse: parser(ParseLECreateConnection)},
		{name: "LE Create Connection", layout: `
			LE_Scan_Interval         0400
			LE_Scan_Window           0400
			Initiator_Filter_Policy  01
			Peer_Address_Type        00
			Peer_Address             000000000000
			Own_Address_Type         00
			Connection_Interval_Min  0000
			Connection_Interval_Max  0000
			Max_Latency              0000
			Supervision_Timeout      0000
			Min_CE_Length            0000
			Max_CE_Length            0000`,
			value: LECreateConnection{ScanInterval: 4, ScanWindow: 4, UseAcceptList: true}, parse: parser(ParseLECreateConnection)},
		{name: "LE Add Device To Filter Accept List", layout: "Address_Type 01 Address 30F0FF051CC0",
			value: LEAddDeviceToFilterAcceptList(device), parse: parseAcceptList(OpLEAddDeviceToFilterAcceptList)},
		{name: "LE Remove Device From Filter Accept List", layout: "Address_Type 01 Address 30F0FF051CC0",
			value: LERemoveDeviceFromFilterAcceptList(device), parse: parseAcceptList(OpLERemoveDeviceFromFilterAcceptList)},
		{name: "LE Connection Update", layout: `
			Connection_Handle        4000
			Connection_Interval_Min  1800
			Connection_Interval_Max  2800
			Max_Latency              0400
			Supervision_Timeout      A401
			Min_CE_Length            0200
			Max_CE_Length            0600`,
			value: LEConnectionUpdate{0x40, parameters}, parse: parser(ParseLEConnectionUpdate)},
		{name: "LE Encrypt", layout: "Key " + octets16 + " Plaintext_Data " + octets8 + octets8,
			value: LEEncrypt{array16, [16]byte(append(array8[:], array8[:]...))}, parse: parser(ParseLEEncrypt)},
		{name: "LE Enable Encryption", layout: "Connection_Handle 4000 Random_Number " + octets8 + " Encrypted_Diversifier 3412 Long_Term_Key " + octets16,
			value: LEEnableEncryption{0x40, array8, 0x1234, array16}, parse: parser(ParseLEEnableEncryption)},
		{name: "LE Long Term Key Request Reply", layout: "Connection_Handle 4000 Long_Term_Key " + octets16,
			value: LELongTermKeyRequestReply{0x40, array16}, parse: parser(ParseLELongTermKeyRequestReply)},
		{name: "LE Remote Connection Parameter Request Reply", layout: `
			Connection_Handle  4000
			Interval_Min       1800
			Interval_Max       2800
			Max_Latency        0400
			Timeout            A401
			Min_CE_Length      0200
			Max_CE_Length      0600`,
			value: LERemoteConnectionParameterRequestReply{0x40, parameters}, parse: parser(ParseLERemoteConnectionParameterRequestReply)},
		{name: "LE Remote Connection Parameter Request Negative Reply", layout: "Connection_Handle 4000 Reason 3B",
			value: LERemoteConnectionParameterRequestNegativeReply{0x40, UnacceptableConnectionParameters}, parse: parser(ParseLERemoteConnectionParameterRequestNegativeReply)},
	})
}

func parseAcceptList(op Opcode) func([]byte) (any, error) {
	return parser(func(b []byte) (AcceptListEntry, error) { return ParseAcceptListEntry(op, b) })
}

// Advertising data and scan response data are 31 octets on the wire, whatever is in them.
func TestAdvertisingData(t *testing.T) {
	full := bytes.Repeat([]byte{0x5A}, MaxAdvertisingData)
	for _, c := range []struct {
		name       string
		data, want []byte
	}{
		{"empty", nil, nil},
		{"flags", []byte{2, 1, 6}, []byte{2, 1, 6}},
		{"full", full, full},
		{"cut to what fits", append(bytes.Clone(full), 1), full},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := append([]byte{byte(len(c.want))}, make([]byte, MaxAdvertisingData)...)
			copy(want[1:], c.want)
			advertising, response := LESetAdvertisingData{c.data}.AppendTo(nil), LESetScanResponseData{c.data}.AppendTo(nil)
			if !bytes.Equal(advertising, want) || !bytes.Equal(response, want) {
				t.Errorf("% X and % X, want % X", advertising, response, want)
			}
			a, err1 := ParseLESetAdvertisingData(append(want, 1))
			s, err2 := ParseLESetScanResponseData(append(want, 1))
			if err1 != nil || err2 != nil || !bytes.Equal(a.Data, c.want) || !bytes.Equal(s.Data, c.want) {
				t.Errorf("% X, %v and % X, %v", a.Data, err1, s.Data, err2)
			}
			ends := []field{{"Data_Length", 1}, {"Data", 32}}
			wantCut(t, "LE Set Advertising Data", want, ends, parser(ParseLESetAdvertisingData))
			wantCut(t, "LE Set Scan Response Data", want, ends, parser(ParseLESetScanResponseData))
		})
	}
	bad := append([]byte{32}, make([]byte, 40)...)
	if _, err := ParseLESetAdvertisingData(bad); !errors.Is(err, InvalidHCICommandParameters) {
		t.Errorf("a length of 32: %v", err)
	}
}

// Peer address types 2 and 3 are identities of that type; what the specification does not have stays what it is.
func TestPeerAddressTypes(t *testing.T) {
	for typ, want := range map[byte]AddressType{0: Public, 1: Random, 2: Public, 3: Random, 4: 4, 0xFF: 0xFF} {
		b := LECreateConnection{}.AppendTo(nil)
		b[5] = typ
		if c, err := ParseLECreateConnection(b); err != nil || c.Peer.Type != want {
			t.Errorf("type %d is %v, %v; want %v", typ, c.Peer.Type, err, want)
		}
	}
}
