package hci

import (
	"strings"
	"testing"
)

const extendedReport = `
	Event_Type                     1B00
	Address_Type                   03
	Address                        30F0FF051CC0
	Primary_PHY                    01
	Secondary_PHY                  02
	Advertising_SID                0A
	TX_Power                       7F
	RSSI                           C4
	Periodic_Advertising_Interval  5000
	Direct_Address_Type            FE
	Direct_Address                 010203040546
	Data_Length                    03
	Data                           020106`

var extendedReported = ExtendedAdvertisingReport{Type: ReportLegacy | ReportScanResponse | ReportConnectable | ReportScannable, Address: device, Resolved: true,
	PrimaryPHY: LE1M, SecondaryPHY: LE2M, SID: 10, TXPower: UnknownPower, RSSI: -60, PeriodicInterval: 80,
	Direct: Address{UnresolvedAddress, [6]byte{1, 2, 3, 4, 5, 0x46}}, Data: []byte{2, 1, 6}}

func TestExtendedScanning(t *testing.T) {
	anonymous := ExtendedAdvertisingReport{Type: ExtendedReportType(0).WithDataStatus(DataStatusTruncated), Address: Address{Type: AnonymousAddress},
		PrimaryPHY: LECoded, SecondaryPHY: LECoded, SID: 1, RSSI: -100, Data: []byte{}}
	runCodec(t, []codecCase{
		{name: "LE Set Extended Scan Parameters", layout: `
			Own_Address_Type        01
			Scanning_Filter_Policy  02
			Scanning_PHYs           05
			Scan_Type               01
			Scan_Interval           A000
			Scan_Window             3000
			Scan_Type               00
			Scan_Interval           4001
			Scan_Window             6000`,
			value: LESetExtendedScanParameters{1, 2, []PHYScan{{LE1M, true, 0xA0, 0x30}, {LECoded, false, 0x140, 0x60}}}, parse: parser(ParseLESetExtendedScanParameters)},
		{name: "LE Set Extended Scan Parameters", layout: "Own_Address_Type 00 Scanning_Filter_Policy 00 Scanning_PHYs 04 Scan_Type 01 Scan_Interval 1000 Scan_Window 1000",
			value: LESetExtendedScanParameters{0, 0, []PHYScan{{LECoded, true, 16, 16}}}, parse: parser(ParseLESetExtendedScanParameters)},
		{name: "LE Set Extended Scan Enable", layout: "Enable 01 Filter_Duplicates 02 Duration E803 Period 0A00",
			value: LESetExtendedScanEnable{true, FilterWithinAPeriod, 1000, 10}, parse: parser(ParseLESetExtendedScanEnable)},
		{name: "LE Extended Advertising Report", prefix: "0D", layout: "Num_Reports 01" + extendedReport,
			value: LEExtendedAdvertisingReport{[]ExtendedAdvertisingReport{extendedReported}}, parse: parser(ParseLEExtendedAdvertisingReport)},
		{name: "LE Extended Advertising Report", prefix: "0D", layout: "Num_Reports 02" + `
			Event_Type                     4000
			Address_Type                   FF
			Address                        000000000000
			Primary_PHY                    03
			Secondary_PHY                  03
			Advertising_SID                01
			TX_Power                       00
			RSSI                           9C
			Periodic_Advertising_Interval  0000
			Direct_Address_Type            00
			Direct_Address                 000000000000
			Data_Length                    00` + extendedReport,
			value: LEExtendedAdvertisingReport{[]ExtendedAdvertisingReport{anonymous, extendedReported}}, parse: parser(ParseLEExtendedAdvertisingReport)},
		{name: "LE Directed Advertising Report", prefix: "0B", layout: `
			Num_Reports          01
			Event_Type           01
			Address_Type         01
			Address              30F0FF051CC0
			Direct_Address_Type  01
			Direct_Address       010203040546
			RSSI                 C4`,
			value: LEDirectedAdvertisingReport{[]DirectedReport{{Type: ReportAdvDirectInd, Address: device, Direct: Address{Random, [6]byte{1, 2, 3, 4, 5, 0x46}}, RSSI: -60}}},
			parse: parser(ParseLEDirectedAdvertisingReport)},
	})
	if b := AppendEvent(nil, LEScanTimeout{}); string(b) != "\x04\x3E\x01\x11" {
		t.Errorf("LE Scan Timeout: % X", b)
	}
}

// Bits 5 and 6 of the type are the status of the data (Vol 4, Part E, 7.7.65.13).
func TestDataStatus(t *testing.T) {
	for typ, want := range map[ExtendedReportType]DataStatus{0x13: DataStatusComplete, 0x20: DataStatusMore, 0x40: DataStatusTruncated, 0x60: 3} {
		if typ.DataStatus() != want || (typ^0x60).WithDataStatus(want) != typ {
			t.Errorf("0x%02X: %v", uint16(typ), typ.DataStatus())
		}
	}
}

// PHYs go out in their order whatever order they are given in, each once: the mask says how many there are.
func TestScanPHYsInOrder(t *testing.T) {
	c := LESetExtendedScanParameters{Scan: []PHYScan{{LECoded, true, 3, 3}, {LE1M, false, 1, 1}, {LE1M, true, 9, 9}, {0, true, 7, 7}, {9, true, 7, 7}}}
	if got := c.AppendTo(nil); string(got) != string(unhex(t, "000005 0001000100 0103000300")) {
		t.Errorf("% X", got)
	}
}

// A count or a length that lies is refused, and data can't be appended to over what is behind it.
func TestExtendedReportIsContained(t *testing.T) {
	b := LEExtendedAdvertisingReport{[]ExtendedAdvertisingReport{extendedReported, extendedReported}}.AppendTo(nil)[1:]
	e, err := ParseLEExtendedAdvertisingReport(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(e.Reports[0].Data, 0x55)
	if b[28] != 0x1B {
		t.Error("the second report was overwritten")
	}
	b[0] = 255
	if _, err := ParseLEExtendedAdvertisingReport(b); err == nil || !strings.Contains(err.Error(), "Report: Event_Type:") {
		t.Errorf("%v", err)
	}
	b[0], b[24] = 1, 255
	if _, err := ParseLEExtendedAdvertisingReport(b); err == nil || !strings.Contains(err.Error(), "Report: Data:") {
		t.Errorf("%v", err)
	}
	if n := len(AppendEvent(nil, LEExtendedAdvertisingReport{[]ExtendedAdvertisingReport{{Data: make([]byte, 300)}}})); n != 3+255 {
		t.Errorf("%d octets", n)
	}
}
