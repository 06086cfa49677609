package hci

import (
	"strings"
	"testing"
)

const extendedConnection = `
	Initiator_Filter_Policy  00
	Own_Address_Type         01
	Peer_Address_Type        01
	Peer_Address             30F0FF051CC0
	Initiating_PHYs          03
	Scan_Interval            6000
	Scan_Window              3000
	Connection_Interval_Min  1800
	Connection_Interval_Max  2800
	Max_Latency              0400
	Supervision_Timeout      A401
	Min_CE_Length            0200
	Max_CE_Length            0600
	Scan_Interval            0000
	Scan_Window              0000
	Connection_Interval_Min  0600
	Connection_Interval_Max  0700
	Max_Latency              0800
	Supervision_Timeout      0900
	Min_CE_Length            0A00
	Max_CE_Length            0B00`

func TestExtendedConnection(t *testing.T) {
	connect := LEExtendedCreateConnection{OwnAddressType: 1, Peer: device,
		Connect: []PHYConnect{{LE1M, 0x60, 0x30, parameters}, {LE2M, 0, 0, ConnectionParameters{6, 7, 8, 9, 10, 11}}}}
	enhanced := LEEnhancedConnectionComplete{connection, [6]byte{1, 2, 3, 4, 5, 0x46}, [6]byte{6, 5, 4, 3, 2, 0x47}}
	runCodec(t, []codecCase{
		{name: "LE Extended Create Connection", layout: extendedConnection, value: connect, parse: parser(ParseLEExtendedCreateConnection)},
		{name: "LE Extended Create Connection [v2]", layout: "Advertising_Handle 02 Subevent 05" + extendedConnection,
			value: LEExtendedCreateConnectionV2{2, 5, connect}, parse: parser(ParseLEExtendedCreateConnectionV2)},
		{name: "LE Enhanced Connection Complete [v2]", prefix: "29", layout: connectionHead + `
			Local_Resolvable_Private_Address  010203040546
			Peer_Resolvable_Private_Address   060504030247` + connectionTail + `
			Advertising_Handle  02
			Sync_Handle         FF0F`,
			value: LEEnhancedConnectionCompleteV2{enhanced, 2, NoSync}, parse: parser(ParseLEEnhancedConnectionCompleteV2)},
	})
}

// PHYs go out in their order, and with three of them the command is 58 octets long.
func TestConnectPHYsInOrder(t *testing.T) {
	c := LEExtendedCreateConnection{UseAcceptList: true, Connect: []PHYConnect{{PHY: LECoded, ScanInterval: 3}, {PHY: LE2M, ScanInterval: 2}, {PHY: LE1M, ScanInterval: 1}}}
	got := c.AppendTo(nil)
	if len(got) != 58 || got[0] != 1 || got[9] != 7 || got[10] != 1 || got[26] != 2 || got[42] != 3 {
		t.Errorf("% X", got)
	}
	got[9] = 0x0F
	if _, err := ParseLEExtendedCreateConnection(got); err == nil || !strings.Contains(err.Error(), "Connection: Scan_Interval: 58 octets, want 60") {
		t.Errorf("%v", err)
	}
}
