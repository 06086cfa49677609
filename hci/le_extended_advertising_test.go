package hci

import (
	"bytes"
	"errors"
	"testing"
)

const extendedAdvertising = `
	Advertising_Handle                01
	Advertising_Event_Properties      5300
	Primary_Advertising_Interval_Min  A00001
	Primary_Advertising_Interval_Max  B00002
	Primary_Advertising_Channel_Map   07
	Own_Address_Type                  01
	Peer_Address_Type                 01
	Peer_Address                      30F0FF051CC0
	Advertising_Filter_Policy         02
	Advertising_TX_Power              7F
	Primary_Advertising_PHY           03
	Secondary_Advertising_Max_Skip    04
	Secondary_Advertising_PHY         02
	Advertising_SID                   0F
	Scan_Request_Notification_Enable  01`

var extendedSet = LESetExtendedAdvertisingParameters{AdvertisingHandle: 1, Properties: LegacyAdvInd | AdvertiseTXPower, IntervalMin: 0x100A0, IntervalMax: 0x200B0,
	ChannelMap: 7, OwnAddressType: 1, Peer: device, FilterPolicy: 2, TXPower: NoPreference, PrimaryPHY: LECoded, SecondaryMaxSkip: 4,
	SecondaryPHY: LE2M, SID: 15, NotifyScanRequests: true}

func TestExtendedAdvertising(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "LE Set Extended Advertising Parameters", layout: extendedAdvertising, value: extendedSet, parse: parser(ParseLESetExtendedAdvertisingParameters)},
		{name: "LE Set Extended Advertising Parameters [v2]", layout: extendedAdvertising + `
			Primary_Advertising_PHY_Options    01
			Secondary_Advertising_PHY_Options  04`,
			value: LESetExtendedAdvertisingParametersV2{extendedSet, 1, 4}, parse: parser(ParseLESetExtendedAdvertisingParametersV2)},
		{name: "LE Set Advertising Set Random Address", layout: "Advertising_Handle 02 Random_Address 30F0FF051CC0",
			value: LESetAdvertisingSetRandomAddress{2, device.Octets}, parse: parser(ParseLESetAdvertisingSetRandomAddress)},
		{name: "LE Set Extended Advertising Data", layout: `
			Advertising_Handle       01
			Operation                03
			Fragment_Preference      01
			Advertising_Data_Length  03
			Advertising_Data         020106`,
			value: LESetExtendedAdvertisingData{1, DataComplete, 1, []byte{2, 1, 6}}, parse: parser(ParseLESetExtendedAdvertisingData)},
		{name: "LE Set Extended Scan Response Data", layout: `
			Advertising_Handle         01
			Operation                  00
			Fragment_Preference        00
			Scan_Response_Data_Length  00`,
			value: LESetExtendedScanResponseData{1, DataIntermediate, 0, []byte{}}, parse: parser(ParseLESetExtendedScanResponseData)},
		{name: "LE Set Extended Advertising Enable", layout: "Enable 00 Num_Sets 00",
			value: LESetExtendedAdvertisingEnable{false, []EnabledSet{}}, parse: parser(ParseLESetExtendedAdvertisingEnable)},
		{name: "LE Set Extended Advertising Enable", layout: `
			Enable                           01
			Num_Sets                         02
			Advertising_Handle               01
			Duration                         E803
			Max_Extended_Advertising_Events  05
			Advertising_Handle               02
			Duration                         0000
			Max_Extended_Advertising_Events  00`,
			value: LESetExtendedAdvertisingEnable{true, []EnabledSet{{1, 1000, 5}, {2, 0, 0}}}, parse: parser(ParseLESetExtendedAdvertisingEnable)},
		{name: "LE Remove Advertising Set", layout: "Advertising_Handle 02", value: LERemoveAdvertisingSet{2}, parse: parser(ParseLERemoveAdvertisingSet)},
		{name: "LE Set Data Related Address Changes", layout: "Advertising_Handle 02 Change_Reasons 03",
			value: LESetDataRelatedAddressChanges{2, 3}, parse: parser(ParseLESetDataRelatedAddressChanges)},
		{name: "LE Advertising Set Terminated", prefix: "12", layout: `
			Status                                      00
			Advertising_Handle                          01
			Connection_Handle                           4000
			Num_Completed_Extended_Advertising_Events   07`,
			value: LEAdvertisingSetTerminated{Success, 1, 0x40, 7}, parse: parser(ParseLEAdvertisingSetTerminated)},
		{name: "LE Scan Request Received", prefix: "13", layout: "Advertising_Handle 01 Scanner_Address_Type 03 Scanner_Address 30F0FF051CC0",
			value: LEScanRequestReceived{1, device, true}, parse: parser(ParseLEScanRequestReceived)},
		{name: "LE Set Extended Advertising Parameters: return", layout: "Selected_TX_Power F8", value: fixed{0xF8},
			parse: octetsOf(func(b []byte) ([]byte, error) {
				v, err := ParseSelectedTXPower(OpLESetExtendedAdvertisingParameters, b)
				return []byte{byte(v)}, err
			})},
		{name: "LE Read Maximum Advertising Data Length: return", layout: "Max_Advertising_Data_Length 7206", value: fixed{0x72, 6},
			parse: octetsOf(func(b []byte) ([]byte, error) {
				v, err := ParseMaximumAdvertisingDataLength(b)
				return append16(nil, v), err
			})},
		{name: "LE Read Number Of Supported Advertising Sets: return", layout: "Num_Supported_Advertising_Sets 10", value: fixed{16},
			parse: octetsOf(func(b []byte) ([]byte, error) { v, err := ParseAdvertisingSets(b); return []byte{v}, err })},
		{name: "LE Read Advertising Physical Channel Tx Power: return", layout: "TX_Power_Level EC", value: fixed{0xEC},
			parse: octetsOf(func(b []byte) ([]byte, error) { v, err := ParseAdvertisingTXPower(b); return []byte{byte(v)}, err })},
	})
}

// The sums of properties that stand for legacy PDUs, by the table in Vol 4, Part E, 7.8.53.
func TestLegacyProperties(t *testing.T) {
	for got, want := range map[AdvertisingProperties]uint16{LegacyAdvInd: 0x13, LegacyAdvDirectIndLow: 0x15, LegacyAdvDirectIndHigh: 0x1D,
		LegacyAdvScanInd: 0x12, LegacyAdvNonconnInd: 0x10} {
		if uint16(got) != want {
			t.Errorf("0x%02X, want 0x%02X", uint16(got), want)
		}
	}
}

// What is longer than a command is cut, and a length or a count that no command can have is refused.
func TestExtendedAdvertisingLimits(t *testing.T) {
	long := make([]byte, 300)
	if got := AppendCommand(nil, LESetExtendedAdvertisingData{Data: long}); len(got) != 4+4+251 || got[3] != 255 || got[7] != 251 {
		t.Errorf("%d octets: % X", len(got), got[:8])
	}
	if got := AppendCommand(nil, LESetExtendedAdvertisingEnable{true, make([]EnabledSet, 100)}); len(got) != 4+2+4*63 || got[5] != 63 {
		t.Errorf("%d octets: % X", len(got), got[:8])
	}
	_, err1 := ParseLESetExtendedAdvertisingData(append([]byte{0, 3, 0, 252}, long...))
	_, err2 := ParseLESetExtendedScanResponseData(append([]byte{0, 3, 0, 255}, long...))
	_, err3 := ParseLESetExtendedAdvertisingEnable(append([]byte{1, 64}, long...))
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, InvalidHCICommandParameters) {
			t.Errorf("%v", err)
		}
	}
	c, err := ParseLESetExtendedAdvertisingData(LESetExtendedAdvertisingData{Data: bytes.Repeat([]byte{9}, 251)}.AppendTo(nil))
	if err != nil || len(c.Data) != 251 || cap(c.Data) != 251 {
		t.Errorf("%d octets, %v", len(c.Data), err)
	}
}
