package hci

import (
	"errors"
	"strings"
	"testing"
)

// counter puts a counter's name into a layout.
func counter(layout, name string) string { return strings.Replace(layout, "%s", name, 1) }

func TestPeriodicResponses(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "LE Set Periodic Advertising Subevent Data", layout: `
			Advertising_Handle    01
			Num_Subevents         02
			Subevent              03
			Response_Slot_Start   04
			Response_Slot_Count   05
			Subevent_Data_Length  02
			Subevent_Data         AABB
			Subevent              06
			Response_Slot_Start   07
			Response_Slot_Count   08
			Subevent_Data_Length  01
			Subevent_Data         CC`,
			value: LESetPeriodicAdvertisingSubeventData{1, []SubeventData{{3, 4, 5, []byte{0xAA, 0xBB}}, {6, 7, 8, []byte{0xCC}}}},
			parse: parser(ParseLESetPeriodicAdvertisingSubeventData)},
		{name: "LE Set Periodic Advertising Response Data", layout: `
			Sync_Handle           0200
			Request_Event         3412
			Request_Subevent      03
			Response_Subevent     04
			Response_Slot         05
			Response_Data_Length  02
			Response_Data         AABB`,
			value: LESetPeriodicAdvertisingResponseData{2, 0x1234, 3, 4, 5, []byte{0xAA, 0xBB}}, parse: parser(ParseLESetPeriodicAdvertisingResponseData)},
		{name: "LE Set Periodic Sync Subevent", layout: "Sync_Handle 0200 Periodic_Advertising_Properties 4000 Num_Subevents 03 Subevent 010305",
			value: LESetPeriodicSyncSubevent{2, 0x40, []byte{1, 3, 5}}, parse: parser(ParseLESetPeriodicSyncSubevent)},
		{name: "LE Periodic Advertising Subevent Data Request", prefix: "27", layout: "Advertising_Handle 01 Subevent_Start 7F Subevent_Data_Count 05",
			value: LEPeriodicAdvertisingSubeventDataRequest{1, 127, 5}, parse: parser(ParseLEPeriodicAdvertisingSubeventDataRequest)},
		{name: "LE Periodic Advertising Response Report", prefix: "28", layout: `
			Advertising_Handle  01
			Subevent            02
			Tx_Status           01
			Num_Responses       02
			TX_Power            7F
			RSSI                C4
			CTE_Type            FF
			Response_Slot       03
			Data_Status         00
			Data_Length         02
			Data                AABB
			TX_Power            04
			RSSI                C5
			CTE_Type            00
			Response_Slot       09
			Data_Status         FF
			Data_Length         01
			Data                CC`,
			value: LEPeriodicAdvertisingResponseReport{1, 2, 1, []PeriodicResponse{{UnknownPower, -60, 0xFF, 3, 0, []byte{0xAA, 0xBB}}, {4, -59, 0, 9, 0xFF, []byte{0xCC}}}},
			parse: parser(ParseLEPeriodicAdvertisingResponseReport)},
	})
}

// A command holds 255 octets: what does not fit is left out or cut, and never half a subevent sent.
func TestPeriodicResponseBounds(t *testing.T) {
	c := LESetPeriodicAdvertisingSubeventData{1, []SubeventData{{1, 0, 0, make([]byte, 200)}, {2, 0, 0, make([]byte, 45)}, {3, 0, 0, nil}}}
	if got := c.AppendTo(nil); len(got) != 255 || got[1] != 2 {
		t.Errorf("%d subevents, %d octets", got[1], len(got))
	}
	c.Subevents[1].Data = make([]byte, 46)
	if got := c.AppendTo(nil); len(got) != 206 || got[1] != 1 {
		t.Errorf("%d subevents, %d octets", got[1], len(got))
	}
	if got := (LESetPeriodicAdvertisingResponseData{Data: make([]byte, 300)}).AppendTo(nil); len(got) != 255 {
		t.Errorf("%d octets", len(got))
	}
	if got := (LESetPeriodicSyncSubevent{Subevents: make([]byte, 200)}).AppendTo(nil); len(got) != 5+128 {
		t.Errorf("%d octets", len(got))
	}
	if _, err := ParseLESetPeriodicAdvertisingResponseData(append([]byte{7: 248}, make([]byte, 248)...)); !errors.Is(err, InvalidHCICommandParameters) {
		t.Errorf("248 octets: %v", err)
	}
	if _, err := ParseLESetPeriodicSyncSubevent(append([]byte{4: 129}, make([]byte, 129)...)); !errors.Is(err, InvalidHCICommandParameters) {
		t.Errorf("129 subevents: %v", err)
	}
}
