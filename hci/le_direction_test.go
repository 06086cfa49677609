package hci

import (
	"errors"
	"testing"
)

func TestDirectionFinding(t *testing.T) {
	three := []byte{1, 2, 3}
	runCodec(t, []codecCase{
		{name: "LE Set Connectionless CTE Transmit Parameters", layout: "Advertising_Handle 01 CTE_Length 14 CTE_Type 02 CTE_Count 04 Switching_Pattern_Length 03 Antenna_IDs 010203",
			value: LESetConnectionlessCTETransmitParameters{1, 20, CTEAoD2, 4, three}, parse: parser(ParseLESetConnectionlessCTETransmitParameters)},
		{name: "LE Set Connectionless CTE Transmit Enable", layout: "Advertising_Handle 01 CTE_Enable 01",
			value: LESetConnectionlessCTETransmitEnable{1, true}, parse: parser(ParseLESetConnectionlessCTETransmitEnable)},
		{name: "LE Set Connectionless IQ Sampling Enable", layout: `
			Sync_Handle               0200
			Sampling_Enable           01
			Slot_Durations            02
			Max_Sampled_CTEs          05
			Switching_Pattern_Length  03
			Antenna_IDs               010203`,
			value: LESetConnectionlessIQSamplingEnable{2, true, 2, 5, three}, parse: parser(ParseLESetConnectionlessIQSamplingEnable)},
		{name: "LE Set Connection CTE Receive Parameters", layout: "Connection_Handle 4000 Sampling_Enable 01 Slot_Durations 02 Switching_Pattern_Length 03 Antenna_IDs 010203",
			value: LESetConnectionCTEReceiveParameters{0x40, true, 2, three}, parse: parser(ParseLESetConnectionCTEReceiveParameters)},
		{name: "LE Set Connection CTE Transmit Parameters", layout: "Connection_Handle 4000 CTE_Types 05 Switching_Pattern_Length 03 Antenna_IDs 010203",
			value: LESetConnectionCTETransmitParameters{0x40, 5, three}, parse: parser(ParseLESetConnectionCTETransmitParameters)},
		{name: "LE Connection CTE Request Enable", layout: "Connection_Handle 4000 Enable 01 CTE_Request_Interval 2C01 Requested_CTE_Length 14 Requested_CTE_Type 01",
			value: LEConnectionCTERequestEnable{0x40, true, 300, 20, CTEAoD1}, parse: parser(ParseLEConnectionCTERequestEnable)},
		{name: "LE Connection CTE Response Enable", layout: "Connection_Handle 4000 Enable 01",
			value: LEConnectionCTEResponseEnable{0x40, true}, parse: parser(ParseLEConnectionCTEResponseEnable)},
		{name: "LE Read Antenna Information: return", layout: `
			Supported_Switching_Sampling_Rates  07
			Num_Antennae                        04
			Max_Switching_Pattern_Length        4B
			Max_CTE_Length                      14`,
			value: AntennaInformation{7, 4, 75, 20}, parse: parser(ParseAntennaInformation)},
	})
	if got := AppendCommand(nil, LEReadAntennaInformation); len(got) != 4 || got[1] != 0x58 || got[2] != 0x20 {
		t.Errorf("LE Read Antenna Information: % X", got)
	}
}

func TestIQReports(t *testing.T) {
	const samples = `
		RSSI             DCFD
		RSSI_Antenna_ID  01
		CTE_Type         02
		Slot_Durations   02
		Packet_Status    01
		%s  3412
		Sample_Count     02
		I_Sample         05
		Q_Sample         FB
		I_Sample         80
		Q_Sample         7F`
	want := IQSamples{RSSI: -548, RSSIAntenna: 1, Type: CTEAoD2, SlotDurations: 2, PacketStatus: 1, EventCounter: 0x1234, Samples: []IQSample{{5, -5}, {-128, 127}}}
	runCodec(t, []codecCase{
		{name: "LE Connectionless IQ Report", prefix: "15", layout: "Sync_Handle 0200 Channel_Index 25" + counter(samples, "Periodic_Event_Counter"),
			value: LEConnectionlessIQReport{2, 37, want}, parse: parser(ParseLEConnectionlessIQReport)},
		{name: "LE Connection IQ Report", prefix: "16", layout: "Connection_Handle 4000 RX_PHY 02 Data_Channel_Index 25" + counter(samples, "Connection_Event_Counter"),
			value: LEConnectionIQReport{0x40, LE2M, 37, want}, parse: parser(ParseLEConnectionIQReport)},
		{name: "LE CTE Request Failed", prefix: "17", layout: "Status 1A Connection_Handle 4000",
			value: LECTERequestFailed{0x1A, 0x40}, parse: parser(ParseLECTERequestFailed)},
	})
}

// What has no place is cut when it is written, and refused when it is read.
func TestDirectionFindingBounds(t *testing.T) {
	if got := (LESetConnectionCTETransmitParameters{Antennas: make([]byte, 100)}).AppendTo(nil); len(got) != 4+MaxSwitchingPattern || got[3] != MaxSwitchingPattern {
		t.Errorf("%d antennas of 100", got[3])
	}
	if got := (LEConnectionIQReport{IQSamples: IQSamples{Samples: make([]IQSample, 200)}}).AppendTo(nil); got[13] != MaxIQSamples || len(got) != 14+2*MaxIQSamples || len(got) > 255 {
		t.Errorf("%d samples of 200", got[13])
	}
	if _, err := ParseLESetConnectionCTETransmitParameters(append([]byte{1, 0, 0, 76}, make([]byte, 76)...)); !errors.Is(err, InvalidHCICommandParameters) {
		t.Errorf("76 antennas: %v", err)
	}
	if _, err := ParseLEConnectionlessIQReport(append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 83}, make([]byte, 166)...)); !errors.Is(err, InvalidHCICommandParameters) {
		t.Errorf("83 samples: %v", err)
	}
}
