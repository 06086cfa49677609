package hci

import "testing"

func TestConnectionProcedures(t *testing.T) {
	channels := ChannelMap{0xFF, 0x0F, 0, 0x80, 0x1F}
	subrating := Subrating{1, 10, 2, 3, 420}
	const subrates = "Subrate_Min 0100 Subrate_Max 0A00 Max_Latency 0200 Continuation_Number 0300 Supervision_Timeout A401"
	runCodec(t, []codecCase{
		{name: "LE Set Host Channel Classification", layout: "Channel_Map FF0F00801F",
			value: LESetHostChannelClassification{channels}, parse: parser(ParseLESetHostChannelClassification)},
		{name: "LE Read Channel Map", layout: "Connection_Handle 4000", value: LEReadChannelMap(0x40), parse: parseHandleCommand(OpLEReadChannelMap)},
		{name: "LE Read Channel Map: return", layout: "Connection_Handle 4000 Channel_Map FF0F00801F",
			value: ConnectionChannels{0x40, channels}, parse: parser(ParseConnectionChannels)},
		{name: "LE Channel Selection Algorithm", prefix: "14", layout: "Connection_Handle 4000 Channel_Selection_Algorithm 01",
			value: LEChannelSelectionAlgorithm{0x40, 1}, parse: parser(ParseLEChannelSelectionAlgorithm)},
		{name: "LE Request Peer SCA", layout: "Connection_Handle 4000", value: LERequestPeerSCA(0x40), parse: parseHandleCommand(OpLERequestPeerSCA)},
		{name: "LE Request Peer SCA Complete", prefix: "1F", layout: "Status 00 Connection_Handle 4000 Peer_Clock_Accuracy 07",
			value: LERequestPeerSCAComplete{Success, 0x40, 7}, parse: parser(ParseLERequestPeerSCAComplete)},
		{name: "LE Modify Sleep Clock Accuracy", layout: "Action 01", value: LEModifySleepClockAccuracy{1}, parse: parser(ParseLEModifySleepClockAccuracy)},
		{name: "LE Set Host Feature", layout: "Bit_Number 26 Bit_Value 01", value: LESetHostFeature{38, true}, parse: parser(ParseLESetHostFeature)},
		{name: "LE Set Default Subrate", layout: subrates, value: LESetDefaultSubrate{subrating}, parse: parser(ParseLESetDefaultSubrate)},
		{name: "LE Subrate Request", layout: "Connection_Handle 4000 " + subrates, value: LESubrateRequest{0x40, subrating}, parse: parser(ParseLESubrateRequest)},
		{name: "LE Subrate Change", prefix: "23", layout: `
			Status               00
			Connection_Handle    4000
			Subrate_Factor       0A00
			Peripheral_Latency   0200
			Continuation_Number  0300
			Supervision_Timeout  A401`,
			value: LESubrateChange{Success, 0x40, 10, 2, 3, 420}, parse: parser(ParseLESubrateChange)},
	})
	for channel, want := range map[int]bool{0: true, 11: true, 12: false, 30: false, 31: true, 36: true} {
		if channels.Has(channel) != want {
			t.Errorf("channel %d: %v", channel, !want)
		}
	}
}
