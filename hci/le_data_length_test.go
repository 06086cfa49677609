package hci

import "testing"

func TestDataLength(t *testing.T) {
	most, least := DataLength{MaxDataOctets, MaxDataTime}, DataLength{MinDataOctets, MinDataTime}
	runCodec(t, []codecCase{
		{name: "LE Set Data Length", layout: "Connection_Handle 4000 TX_Octets FB00 TX_Time 9042", value: LESetDataLength{0x40, most}, parse: parser(ParseLESetDataLength)},
		{name: "LE Write Suggested Default Data Length", layout: "Suggested_Max_TX_Octets FB00 Suggested_Max_TX_Time 9042",
			value: LEWriteSuggestedDefaultDataLength{most}, parse: parser(ParseLEWriteSuggestedDefaultDataLength)},
		{name: "LE Read Suggested Default Data Length: return", layout: "Suggested_Max_TX_Octets 1B00 Suggested_Max_TX_Time 4801",
			value: least, parse: parser(ParseSuggestedDefaultDataLength)},
		{name: "LE Read Maximum Data Length: return", layout: `
			Supported_Max_TX_Octets  FB00
			Supported_Max_TX_Time    9042
			Supported_Max_RX_Octets  1B00
			Supported_Max_RX_Time    4801`,
			value: DataLengths{most, least}, parse: parser(ParseMaximumDataLength)},
		{name: "LE Data Length Change", prefix: "07", layout: `
			Connection_Handle  4000
			Max_TX_Octets      1B00
			Max_TX_Time        4801
			Max_RX_Octets      FB00
			Max_RX_Time        9042`,
			value: LEDataLengthChange{0x40, DataLengths{least, most}}, parse: parser(ParseLEDataLengthChange)},
	})
}
