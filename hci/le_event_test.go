package hci

import (
	"bytes"
	"strings"
	"testing"
)

var connection = LEConnectionComplete{Handle: 0x40, Role: Peripheral, Peer: device, Interval: 24, Latency: 4, SupervisionTimeout: 420, ClockAccuracy: 5}

const (
	connectionHead = `
		Status                  00
		Connection_Handle       4000
		Role                    01
		Peer_Address_Type       01
		Peer_Address            30F0FF051CC0`
	connectionTail = `
		Connection_Interval     1800
		Peripheral_Latency      0400
		Supervision_Timeout     A401
		Central_Clock_Accuracy  05`
)

func TestLEEvents(t *testing.T) {
	resolved := connection
	resolved.PeerResolved = true
	runCodec(t, []codecCase{
		{name: "LE Connection Complete", prefix: "01", layout: connectionHead + connectionTail, value: connection, parse: parser(ParseLEConnectionComplete)},
		{name: "LE Connection Complete", prefix: "01", layout: `
			Status                  3E
			Connection_Handle       0000
			Role                    00
			Peer_Address_Type       00
			Peer_Address            000000000000
			Connection_Interval     0000
			Peripheral_Latency      0000
			Supervision_Timeout     0000
			Central_Clock_Accuracy  00`,
			value: LEConnectionComplete{Status: ConnectionFailedToBeEstablished}, parse: parser(ParseLEConnectionComplete)},
		{name: "LE Enhanced Connection Complete", prefix: "0A",
			layout: strings.ReplaceAll(connectionHead, "Type       01", "Type       03") + `
			Local_Resolvable_Private_Address  010203040546
			Peer_Resolvable_Private_Address   060504030247` + connectionTail,
			value: LEEnhancedConnectionComplete{resolved, [6]byte{1, 2, 3, 4, 5, 0x46}, [6]byte{6, 5, 4, 3, 2, 0x47}}, parse: parser(ParseLEEnhancedConnectionComplete)},
		{name: "LE Advertising Report", prefix: "02", layout: "Num_Reports 00", value: LEAdvertisingReport{[]AdvertisingReport{}}, parse: parser(ParseLEAdvertisingReport)},
		{name: "LE Advertising Report", prefix: "02", layout: `
			Num_Reports   01
			Event_Type    00
			Address_Type  01
			Address       30F0FF051CC0
			Data_Length   03
			Data          020106
			RSSI          C4`,
			value: LEAdvertisingReport{[]AdvertisingReport{{Type: ReportAdvInd, Address: device, Data: []byte{2, 1, 6}, RSSI: -60}}}, parse: parser(ParseLEAdvertisingReport)},
		{name: "LE Advertising Report", prefix: "02", layout: `
			Num_Reports   02
			Event_Type    04
			Address_Type  03
			Address       30F0FF051CC0
			Data_Length   00
			RSSI          7F
			Event_Type    03
			Address_Type  00
			Address       30F0FF051CC0
			Data_Length   01
			Data          AA
			RSSI          14`,
			value: LEAdvertisingReport{[]AdvertisingReport{
				{Type: ReportScanRsp, Address: device, Resolved: true, Data: []byte{}, RSSI: 127},
				{Type: ReportAdvNonconnInd, Address: Address{Octets: device.Octets}, Data: []byte{0xAA}, RSSI: 20}}}, parse: parser(ParseLEAdvertisingReport)},
		{name: "LE Connection Update Complete", prefix: "03", layout: `
			Status               00
			Connection_Handle    4000
			Connection_Interval  1800
			Peripheral_Latency   0400
			Supervision_Timeout  A401`,
			value: LEConnectionUpdateComplete{Success, 0x40, 24, 4, 420}, parse: parser(ParseLEConnectionUpdateComplete)},
		{name: "LE Read Remote Features Complete", prefix: "04", layout: "Status 00 Connection_Handle 4000 LE_Features " + octets8,
			value: LEReadRemoteFeaturesComplete{Success, 0x40, 0x0807060504030201}, parse: parser(ParseLEReadRemoteFeaturesComplete)},
		{name: "LE Long Term Key Request", prefix: "05", layout: "Connection_Handle 4000 Random_Number " + octets8 + " Encrypted_Diversifier 3412",
			value: LELongTermKeyRequest{0x40, array8, 0x1234}, parse: parser(ParseLELongTermKeyRequest)},
		{name: "LE Remote Connection Parameter Request", prefix: "06", layout: `
			Connection_Handle  4000
			Interval_Min       0600
			Interval_Max       800C
			Max_Latency        F301
			Timeout            800C`,
			value: LERemoteConnectionParameterRequest{0x40, 6, 3200, 499, 3200}, parse: parser(ParseLERemoteConnectionParameterRequest)},
	})
}

func TestLEMeta(t *testing.T) {
	wantCut(t, "LE Meta", []byte{1}, []field{{"Subevent_Code", 1}}, func(b []byte) (any, error) { _, _, err := ParseLEMeta(b); return nil, err })
	for _, e := range []EventParameters{connection, LEEnhancedConnectionComplete{}, LEAdvertisingReport{}, LEConnectionUpdateComplete{},
		LEReadRemoteFeaturesComplete{}, LELongTermKeyRequest{}, LERemoteConnectionParameterRequest{}} {
		octets := e.AppendTo(nil)
		code, rest, err := ParseLEMeta(octets)
		if e.Code() != EvLEMeta || err != nil || byte(code) != octets[0] || !bytes.Equal(rest, octets[1:]) {
			t.Errorf("%T: %v % X, %v", e, code, rest, err)
		}
	}
}

// Peer address types 2 and 3 are identities that the controller resolved: complaint 25, types mixed up.
func TestResolvedPeer(t *testing.T) {
	for typ, want := range map[byte]struct {
		typ      AddressType
		resolved bool
	}{0: {Public, false}, 1: {Random, false}, 2: {Public, true}, 3: {Random, true}, 4: {4, false}, 0xFE: {0xFE, false}} {
		b := connection.AppendTo(nil)[1:]
		b[4] = typ
		e, err := ParseLEConnectionComplete(b)
		if err != nil || e.Peer.Type != want.typ || e.PeerResolved != want.resolved || e.Peer.Octets != device.Octets {
			t.Errorf("type %d: %v, resolved %v, %v", typ, e.Peer.Text(), e.PeerResolved, err)
		}
		if got := e.AppendTo(nil)[1:]; !bytes.Equal(got, b) {
			t.Errorf("type %d: % X became % X", typ, b, got)
		}
	}
}

// A report's data can't be appended to over the next report, and a lying count or length is refused
// (complaint 20: a malformed advertisement panics).
func TestAdvertisingReportIsContained(t *testing.T) {
	one := LEAdvertisingReport{[]AdvertisingReport{{Address: device, Data: []byte{1}, RSSI: -1}}}.AppendTo(nil)[1:]
	e, err := ParseLEAdvertisingReport(one)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(e.Reports[0].Data, 0x55)
	if one[len(one)-1] != 0xFF {
		t.Error("the RSSI was overwritten by an append to the data")
	}
	for _, c := range []struct {
		name   string
		change func([]byte)
		want   string
	}{
		{"more reports than there are", func(b []byte) { b[0] = 255 }, "Event_Type"},
		{"more data than there is", func(b []byte) { b[9] = 255 }, "Data"},
		{"the RSSI eaten by the data", func(b []byte) { b[9] = 2 }, "RSSI"},
	} {
		b := bytes.Clone(one)
		c.change(b)
		if e, err := ParseLEAdvertisingReport(b); err == nil || !strings.Contains(err.Error(), "LE Advertising Report: "+c.want+":") || e.Reports != nil {
			t.Errorf("%s: %+v, %v", c.name, e, err)
		}
	}
}
