package hci

import (
	"errors"
	"testing"
)

const (
	periodicParameters = `
		Advertising_Handle                 01
		Periodic_Advertising_Interval_Min  5000
		Periodic_Advertising_Interval_Max  A000
		Periodic_Advertising_Properties    4000`
	periodicTrain = `
		Sync_Handle                    0200
		Advertising_SID                0A
		Advertiser_Address_Type        03
		Advertiser_Address             30F0FF051CC0
		Advertiser_PHY                 02
		Periodic_Advertising_Interval  5000
		Advertiser_Clock_Accuracy      05`
	periodicSubevents = `
		Num_Subevents          04
		Subevent_Interval      06
		Response_Slot_Delay    02
		Response_Slot_Spacing  08`
)

var (
	train         = PeriodicTrain{2, 10, device, true, LE2M, 80, 5}
	fourSubevents = Subevents{4, 6, 2, 8}
)

func TestPeriodicAdvertising(t *testing.T) {
	set := LESetPeriodicAdvertisingParameters{1, 80, 160, 0x40}
	runCodec(t, []codecCase{
		{name: "LE Set Periodic Advertising Parameters", layout: periodicParameters, value: set, parse: parser(ParseLESetPeriodicAdvertisingParameters)},
		{name: "LE Set Periodic Advertising Parameters [v2]", layout: periodicParameters + periodicSubevents + " Num_Response_Slots 05",
			value: LESetPeriodicAdvertisingParametersV2{set, fourSubevents, 5}, parse: parser(ParseLESetPeriodicAdvertisingParametersV2)},
		{name: "LE Set Periodic Advertising Data", layout: "Advertising_Handle 01 Operation 01 Advertising_Data_Length 02 Advertising_Data AABB",
			value: LESetPeriodicAdvertisingData{1, DataFirst, []byte{0xAA, 0xBB}}, parse: parser(ParseLESetPeriodicAdvertisingData)},
		{name: "LE Set Periodic Advertising Enable", layout: "Enable 03 Advertising_Handle 01",
			value: LESetPeriodicAdvertisingEnable{3, 1}, parse: parser(ParseLESetPeriodicAdvertisingEnable)},
	})
	if got := AppendCommand(nil, LESetPeriodicAdvertisingData{Data: make([]byte, 300)}); len(got) != 4+255 || got[6] != 252 {
		t.Errorf("%d octets", len(got))
	}
	if _, err := ParseLESetPeriodicAdvertisingData(append([]byte{0, 3, 253}, make([]byte, 253)...)); !errors.Is(err, InvalidHCICommandParameters) {
		t.Errorf("%v", err)
	}
}

func TestPeriodicSync(t *testing.T) {
	established := LEPeriodicAdvertisingSyncEstablished{Success, train}
	report := LEPeriodicAdvertisingReport{2, UnknownPower, -60, 0xFF, DataStatusMore, []byte{0xAA, 0xBB}}
	advertiser := "Advertiser_Address_Type 01 Advertiser_Address 30F0FF051CC0 Advertising_SID 0A"
	runCodec(t, []codecCase{
		{name: "LE Periodic Advertising Create Sync", layout: `
			Options                  02
			Advertising_SID          0A
			Advertiser_Address_Type  01
			Advertiser_Address       30F0FF051CC0
			Skip                     0300
			Sync_Timeout             E803
			Sync_CTE_Type            10`,
			value: LEPeriodicAdvertisingCreateSync{2, 10, device, SyncOptions{3, 1000, 0x10}}, parse: parser(ParseLEPeriodicAdvertisingCreateSync)},
		{name: "LE Periodic Advertising Terminate Sync", layout: "Sync_Handle 0200",
			value: LEPeriodicAdvertisingTerminateSync{2}, parse: parser(ParseLEPeriodicAdvertisingTerminateSync)},
		{name: "LE Add Device To Periodic Advertiser List", layout: advertiser, value: LEAddDeviceToPeriodicAdvertiserList(device, 10),
			parse: parsePeriodicAdvertiser(OpLEAddDeviceToPeriodicAdvertiserList)},
		{name: "LE Remove Device From Periodic Advertiser List", layout: advertiser, value: LERemoveDeviceFromPeriodicAdvertiserList(device, 10),
			parse: parsePeriodicAdvertiser(OpLERemoveDeviceFromPeriodicAdvertiserList)},
		{name: "LE Set Periodic Advertising Receive Enable", layout: "Sync_Handle 0200 Enable 03",
			value: LESetPeriodicAdvertisingReceiveEnable{2, 3}, parse: parser(ParseLESetPeriodicAdvertisingReceiveEnable)},
		{name: "LE Periodic Advertising Sync Established", prefix: "0E", layout: "Status 00" + periodicTrain,
			value: established, parse: parser(ParseLEPeriodicAdvertisingSyncEstablished)},
		{name: "LE Periodic Advertising Sync Established [v2]", prefix: "24", layout: "Status 00" + periodicTrain + periodicSubevents,
			value: LEPeriodicAdvertisingSyncEstablishedV2{established, fourSubevents}, parse: parser(ParseLEPeriodicAdvertisingSyncEstablishedV2)},
		{name: "LE Periodic Advertising Sync Lost", prefix: "10", layout: "Sync_Handle 0200",
			value: LEPeriodicAdvertisingSyncLost{2}, parse: parser(ParseLEPeriodicAdvertisingSyncLost)},
		{name: "LE Periodic Advertising Report", prefix: "0F", layout: "Sync_Handle 0200 TX_Power 7F RSSI C4 CTE_Type FF Data_Status 01 Data_Length 02 Data AABB",
			value: report, parse: parser(ParseLEPeriodicAdvertisingReport)},
		{name: "LE Periodic Advertising Report [v2]", prefix: "25", layout: `
			Sync_Handle             0200
			TX_Power                7F
			RSSI                    C4
			CTE_Type                FF
			Periodic_Event_Counter  3412
			Subevent                03
			Data_Status             01
			Data_Length             02
			Data                    AABB`,
			value: LEPeriodicAdvertisingReportV2{report, 0x1234, 3}, parse: parser(ParseLEPeriodicAdvertisingReportV2)},
	})
	report.Data = make([]byte, 300)
	for _, e := range []EventParameters{report, LEPeriodicAdvertisingReportV2{LEPeriodicAdvertisingReport: report}} {
		if got := len(AppendEvent(nil, e)); got != 3+255 {
			t.Errorf("%T: %d octets", e, got)
		}
	}
}

func parsePeriodicAdvertiser(op Opcode) func([]byte) (any, error) {
	return parser(func(b []byte) (PeriodicAdvertiser, error) { return ParsePeriodicAdvertiser(op, b) })
}

func TestSyncTransfer(t *testing.T) {
	options := SyncOptions{3, 1000, 0x10}
	received := LEPeriodicAdvertisingSyncTransferReceived{Success, 0x40, 0x1234, train}
	const head = "Status 00 Connection_Handle 4000 Service_Data 3412"
	runCodec(t, []codecCase{
		{name: "LE Periodic Advertising Sync Transfer", layout: "Connection_Handle 4000 Service_Data 3412 Sync_Handle 0200",
			value: LEPeriodicAdvertisingSyncTransfer{0x40, 0x1234, 2}, parse: parser(ParseLEPeriodicAdvertisingSyncTransfer)},
		{name: "LE Periodic Advertising Set Info Transfer", layout: "Connection_Handle 4000 Service_Data 3412 Advertising_Handle 01",
			value: LEPeriodicAdvertisingSetInfoTransfer{0x40, 0x1234, 1}, parse: parser(ParseLEPeriodicAdvertisingSetInfoTransfer)},
		{name: "LE Set Periodic Advertising Sync Transfer Parameters", layout: "Connection_Handle 4000 Mode 02 Skip 0300 Sync_Timeout E803 CTE_Type 10",
			value: LESetPeriodicAdvertisingSyncTransferParameters{0x40, 2, options}, parse: parser(ParseLESetPeriodicAdvertisingSyncTransferParameters)},
		{name: "LE Set Default Periodic Advertising Sync Transfer Parameters", layout: "Mode 02 Skip 0300 Sync_Timeout E803 CTE_Type 10",
			value: LESetDefaultPeriodicAdvertisingSyncTransferParameters{2, options}, parse: parser(ParseLESetDefaultPeriodicAdvertisingSyncTransferParameters)},
		{name: "LE Periodic Advertising Sync Transfer Received", prefix: "18", layout: head + periodicTrain,
			value: received, parse: parser(ParseLEPeriodicAdvertisingSyncTransferReceived)},
		{name: "LE Periodic Advertising Sync Transfer Received [v2]", prefix: "26", layout: head + periodicTrain + periodicSubevents,
			value: LEPeriodicAdvertisingSyncTransferReceivedV2{received, fourSubevents}, parse: parser(ParseLEPeriodicAdvertisingSyncTransferReceivedV2)},
	})
}
