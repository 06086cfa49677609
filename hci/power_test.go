package hci

import "testing"

func TestPower(t *testing.T) {
	runCodec(t, []codecCase{
		{name: "Read RSSI", layout: "Connection_Handle 4000", value: ReadRSSI(0x40), parse: parseHandleCommand(OpReadRSSI)},
		{name: "Read RSSI: return", layout: "Connection_Handle 4000 RSSI C4", value: ConnectionPower{0x40, -60}, parse: parser(ParseRSSI)},
		{name: "Read Transmit Power Level", layout: "Connection_Handle 4000 Type 01", value: ReadTransmitPowerLevel{0x40, true}, parse: parser(ParseReadTransmitPowerLevel)},
		{name: "Read Transmit Power Level: return", layout: "Connection_Handle 4000 TX_Power_Level 08",
			value: ConnectionPower{0x40, 8}, parse: parser(ParseTransmitPowerLevel)},
		{name: "LE Read Transmit Power: return", layout: "Min_TX_Power EC Max_TX_Power 0A", value: TransmitPower{-20, 10}, parse: parser(ParseTransmitPower)},
		{name: "LE Read RF Path Compensation: return", layout: "RF_TX_Path_Compensation_Value F6FF RF_RX_Path_Compensation_Value 0A00",
			value: RFPathCompensation{-10, 10}, parse: parser(ParseRFPathCompensation)},
		{name: "LE Write RF Path Compensation", layout: "RF_TX_Path_Compensation_Value F6FF RF_RX_Path_Compensation_Value 0A00",
			value: LEWriteRFPathCompensation{RFPathCompensation{-10, 10}}, parse: parser(ParseLEWriteRFPathCompensation)},
		{name: "LE Enhanced Read Transmit Power Level", layout: "Connection_Handle 4000 PHY 04",
			value: LEEnhancedReadTransmitPowerLevel(0x40, LECodedS2), parse: parsePHY(OpLEEnhancedReadTransmitPowerLevel)},
		{name: "LE Enhanced Read Transmit Power Level: return", layout: "Connection_Handle 4000 PHY 02 Current_TX_Power_Level FC Max_TX_Power_Level 08",
			value: EnhancedTransmitPowerLevel{0x40, LE2M, -4, 8}, parse: parser(ParseEnhancedTransmitPowerLevel)},
		{name: "LE Read Remote Transmit Power Level", layout: "Connection_Handle 4000 PHY 01",
			value: LEReadRemoteTransmitPowerLevel(0x40, LE1M), parse: parsePHY(OpLEReadRemoteTransmitPowerLevel)},
		{name: "LE Set Path Loss Reporting Parameters", layout: `
			Connection_Handle  4000
			High_Threshold     50
			High_Hysteresis    05
			Low_Threshold      28
			Low_Hysteresis     04
			Min_Time_Spent     0A00`,
			value: LESetPathLossReportingParameters{0x40, 80, 5, 40, 4, 10}, parse: parser(ParseLESetPathLossReportingParameters)},
		{name: "LE Set Path Loss Reporting Enable", layout: "Connection_Handle 4000 Enable 01",
			value: LESetPathLossReportingEnable{0x40, true}, parse: parser(ParseLESetPathLossReportingEnable)},
		{name: "LE Set Transmit Power Reporting Enable", layout: "Connection_Handle 4000 Local_Enable 00 Remote_Enable 01",
			value: LESetTransmitPowerReportingEnable{0x40, false, true}, parse: parser(ParseLESetTransmitPowerReportingEnable)},
		{name: "LE Path Loss Threshold", prefix: "20", layout: "Connection_Handle 4000 Current_Path_Loss 51 Zone_Entered 02",
			value: LEPathLossThreshold{0x40, 81, 2}, parse: parser(ParseLEPathLossThreshold)},
		{name: "LE Transmit Power Reporting", prefix: "21", layout: `
			Status               00
			Connection_Handle    4000
			Reason               02
			PHY                  01
			TX_Power_Level       FC
			TX_Power_Level_Flag  01
			Delta                FE`,
			value: LETransmitPowerReporting{Success, 0x40, 2, LE1M, -4, 1, -2}, parse: parser(ParseLETransmitPowerReporting)},
	})
}

func parsePHY(op Opcode) func([]byte) (any, error) {
	return parser(func(b []byte) (PHYCommand, error) { return ParsePHYCommand(op, b) })
}
