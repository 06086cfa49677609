package hci

// ReadRSSI asks how strongly a connection's peer is heard (Vol 4, Part E, 7.5.4).
func ReadRSSI(handle uint16) HandleCommand { return HandleCommand{OpReadRSSI, handle} }

// ConnectionPower is the RSSI that Read RSSI returns, and the level of Read Transmit Power Level, in dBm;
// an RSSI of UnknownPower is none.
type ConnectionPower struct {
	Handle uint16
	Power  int8
}

func (r ConnectionPower) AppendTo(b []byte) []byte {
	return append(append16(b, r.Handle), byte(r.Power))
}

// ParseRSSI reads what Read RSSI returns.
func ParseRSSI(b []byte) (ConnectionPower, error) {
	return parseConnectionPower("Read RSSI: return", "RSSI", b)
}

// ParseTransmitPowerLevel reads what Read Transmit Power Level returns.
func ParseTransmitPowerLevel(b []byte) (ConnectionPower, error) {
	return parseConnectionPower("Read Transmit Power Level: return", "TX_Power_Level", b)
}

func parseConnectionPower(name, power string, b []byte) (ConnectionPower, error) {
	if err := shorter(name, b, []field{{"Connection_Handle", 2}, {power, 3}}); err != nil {
		return ConnectionPower{}, err
	}
	return ConnectionPower{handleAt(b), int8(b[2])}, nil
}

// ReadTransmitPowerLevel asks for a connection's power (Vol 4, Part E, 7.3.35): Maximum what it may be, and
// otherwise what it is.
type ReadTransmitPowerLevel struct {
	Handle  uint16
	Maximum bool
}

func (ReadTransmitPowerLevel) Opcode() Opcode { return OpReadTransmitPowerLevel }
func (c ReadTransmitPowerLevel) AppendTo(b []byte) []byte {
	return append(append16(b, c.Handle), octet(c.Maximum))
}

// ParseReadTransmitPowerLevel reads the parameters of ReadTransmitPowerLevel.
func ParseReadTransmitPowerLevel(b []byte) (ReadTransmitPowerLevel, error) {
	if err := shorter("Read Transmit Power Level", b, []field{{"Connection_Handle", 2}, {"Type", 3}}); err != nil {
		return ReadTransmitPowerLevel{}, err
	}
	return ReadTransmitPowerLevel{handleAt(b), b[2] != 0}, nil
}

// TransmitPower is what LE Read Transmit Power returns, in dBm (Vol 4, Part E, 7.8.74).
type TransmitPower struct{ Min, Max int8 }

func (r TransmitPower) AppendTo(b []byte) []byte { return append(b, byte(r.Min), byte(r.Max)) }

// ParseTransmitPower reads TransmitPower.
func ParseTransmitPower(b []byte) (TransmitPower, error) {
	if err := shorter("LE Read Transmit Power: return", b, []field{{"Min_TX_Power", 1}, {"Max_TX_Power", 2}}); err != nil {
		return TransmitPower{}, err
	}
	return TransmitPower{int8(b[0]), int8(b[1])}, nil
}

// RFPathCompensation is what lies between transceiver and antenna, in units of 0.1 dB: what LE Read RF Path
// Compensation returns (Vol 4, Part E, 7.8.75).
type RFPathCompensation struct{ TX, RX int16 }

func (r RFPathCompensation) AppendTo(b []byte) []byte { return append16(b, uint16(r.TX), uint16(r.RX)) }

// ParseRFPathCompensation reads RFPathCompensation.
func ParseRFPathCompensation(b []byte) (RFPathCompensation, error) {
	return parseRFPathCompensation("LE Read RF Path Compensation: return", b)
}

func parseRFPathCompensation(name string, b []byte) (RFPathCompensation, error) {
	if err := shorter(name, b, []field{{"RF_TX_Path_Compensation_Value", 2}, {"RF_RX_Path_Compensation_Value", 4}}); err != nil {
		return RFPathCompensation{}, err
	}
	return RFPathCompensation{int16(at16(b, 0)), int16(at16(b, 2))}, nil
}

// LEWriteRFPathCompensation sets it (Vol 4, Part E, 7.8.76).
type LEWriteRFPathCompensation struct{ RFPathCompensation }

func (LEWriteRFPathCompensation) Opcode() Opcode { return OpLEWriteRFPathCompensation }

// ParseLEWriteRFPathCompensation reads the parameters of LEWriteRFPathCompensation.
func ParseLEWriteRFPathCompensation(b []byte) (LEWriteRFPathCompensation, error) {
	r, err := parseRFPathCompensation("LE Write RF Path Compensation", b)
	return LEWriteRFPathCompensation{r}, err
}

// PHYCommand is a command whose parameters are a connection handle and a PHY.
type PHYCommand struct {
	Op     Opcode
	Handle uint16
	PHY    PHY
}

// LEEnhancedReadTransmitPowerLevel asks for a connection's own power on a PHY (Vol 4, Part E, 7.8.117).
func LEEnhancedReadTransmitPowerLevel(handle uint16, phy PHY) PHYCommand {
	return PHYCommand{OpLEEnhancedReadTransmitPowerLevel, handle, phy}
}

// LEReadRemoteTransmitPowerLevel asks for the peer's power on a PHY, which comes by LETransmitPowerReporting
// (Vol 4, Part E, 7.8.118).
func LEReadRemoteTransmitPowerLevel(handle uint16, phy PHY) PHYCommand {
	return PHYCommand{OpLEReadRemoteTransmitPowerLevel, handle, phy}
}

func (c PHYCommand) Opcode() Opcode           { return c.Op }
func (c PHYCommand) AppendTo(b []byte) []byte { return append(append16(b, c.Handle), byte(c.PHY)) }

// ParsePHYCommand reads the parameters of the command named by op.
func ParsePHYCommand(op Opcode, b []byte) (PHYCommand, error) {
	if err := shorter(op.String(), b, []field{{"Connection_Handle", 2}, {"PHY", 3}}); err != nil {
		return PHYCommand{}, err
	}
	return PHYCommand{op, handleAt(b), PHY(b[2])}, nil
}

// EnhancedTransmitPowerLevel is what LE Enhanced Read Transmit Power Level returns, in dBm.
type EnhancedTransmitPowerLevel struct {
	Handle       uint16
	PHY          PHY
	Current, Max int8
}

func (r EnhancedTransmitPowerLevel) AppendTo(b []byte) []byte {
	return append(append16(b, r.Handle), byte(r.PHY), byte(r.Current), byte(r.Max))
}

// ParseEnhancedTransmitPowerLevel reads EnhancedTransmitPowerLevel.
func ParseEnhancedTransmitPowerLevel(b []byte) (EnhancedTransmitPowerLevel, error) {
	if err := shorter("LE Enhanced Read Transmit Power Level: return", b, []field{{"Connection_Handle", 2}, {"PHY", 3},
		{"Current_TX_Power_Level", 4}, {"Max_TX_Power_Level", 5}}); err != nil {
		return EnhancedTransmitPowerLevel{}, err
	}
	return EnhancedTransmitPowerLevel{handleAt(b), PHY(b[2]), int8(b[3]), int8(b[4])}, nil
}

// LESetPathLossReportingParameters sets the zones of path loss, in dB, and how many connection events one
// must last (Vol 4, Part E, 7.8.119).
type LESetPathLossReportingParameters struct {
	Handle               uint16
	High, HighHysteresis uint8 // High 0xFF: no such zone
	Low, LowHysteresis   uint8
	MinEvents            uint16
}

func (LESetPathLossReportingParameters) Opcode() Opcode { return OpLESetPathLossReportingParameters }
func (c LESetPathLossReportingParameters) AppendTo(b []byte) []byte {
	return append16(append(append16(b, c.Handle), c.High, c.HighHysteresis, c.Low, c.LowHysteresis), c.MinEvents)
}

// ParseLESetPathLossReportingParameters reads the parameters of LESetPathLossReportingParameters.
func ParseLESetPathLossReportingParameters(b []byte) (c LESetPathLossReportingParameters, err error) {
	if err := shorter("LE Set Path Loss Reporting Parameters", b, []field{{"Connection_Handle", 2}, {"High_Threshold", 3}, {"High_Hysteresis", 4},
		{"Low_Threshold", 5}, {"Low_Hysteresis", 6}, {"Min_Time_Spent", 8}}); err != nil {
		return c, err
	}
	return LESetPathLossReportingParameters{handleAt(b), b[2], b[3], b[4], b[5], at16(b, 6)}, nil
}

// LESetPathLossReportingEnable turns LEPathLossThreshold on and off (Vol 4, Part E, 7.8.120).
type LESetPathLossReportingEnable struct {
	Handle uint16
	Enable bool
}

func (LESetPathLossReportingEnable) Opcode() Opcode { return OpLESetPathLossReportingEnable }
func (c LESetPathLossReportingEnable) AppendTo(b []byte) []byte {
	return append(append16(b, c.Handle), octet(c.Enable))
}

// ParseLESetPathLossReportingEnable reads the parameters of LESetPathLossReportingEnable.
func ParseLESetPathLossReportingEnable(b []byte) (LESetPathLossReportingEnable, error) {
	if err := shorter("LE Set Path Loss Reporting Enable", b, []field{{"Connection_Handle", 2}, {"Enable", 3}}); err != nil {
		return LESetPathLossReportingEnable{}, err
	}
	return LESetPathLossReportingEnable{handleAt(b), b[2] != 0}, nil
}

// LESetTransmitPowerReportingEnable turns LETransmitPowerReporting on and off, for each side (Vol 4, Part E,
// 7.8.121).
type LESetTransmitPowerReportingEnable struct {
	Handle        uint16
	Local, Remote bool
}

func (LESetTransmitPowerReportingEnable) Opcode() Opcode {
	return OpLESetTransmitPowerReportingEnable
}
func (c LESetTransmitPowerReportingEnable) AppendTo(b []byte) []byte {
	return append(append16(b, c.Handle), octet(c.Local), octet(c.Remote))
}

// ParseLESetTransmitPowerReportingEnable reads the parameters of LESetTransmitPowerReportingEnable.
func ParseLESetTransmitPowerReportingEnable(b []byte) (LESetTransmitPowerReportingEnable, error) {
	if err := shorter("LE Set Transmit Power Reporting Enable", b, []field{{"Connection_Handle", 2}, {"Local_Enable", 3}, {"Remote_Enable", 4}}); err != nil {
		return LESetTransmitPowerReportingEnable{}, err
	}
	return LESetTransmitPowerReportingEnable{handleAt(b), b[2] != 0, b[3] != 0}, nil
}

// LEPathLossThreshold tells that a connection entered a zone: 0 low, 1 middle, 2 high (Vol 4, Part E,
// 7.7.65.32).
type LEPathLossThreshold struct {
	Handle   uint16
	PathLoss uint8 // dB; 0xFF: not known
	Zone     uint8
}

func (LEPathLossThreshold) Code() EventCode { return EvLEMeta }
func (e LEPathLossThreshold) AppendTo(b []byte) []byte {
	return append(append16(append(b, byte(EvLEPathLossThreshold)), e.Handle), e.PathLoss, e.Zone)
}

// ParseLEPathLossThreshold reads what follows the subevent code.
func ParseLEPathLossThreshold(b []byte) (LEPathLossThreshold, error) {
	if err := shorter("LE Path Loss Threshold", b, []field{{"Connection_Handle", 2}, {"Current_Path_Loss", 3}, {"Zone_Entered", 4}}); err != nil {
		return LEPathLossThreshold{}, err
	}
	return LEPathLossThreshold{handleAt(b), b[2], b[3]}, nil
}

// LETransmitPowerReporting tells a change of power, and answers LEReadRemoteTransmitPowerLevel (Vol 4, Part
// E, 7.7.65.33).
type LETransmitPowerReporting struct {
	Status Status
	Handle uint16
	Reason uint8 // 0 local change, 1 remote change, 2 the answer
	PHY    PHY
	Power  int8  // dBm; 126: the peer does not manage power on this PHY; 127: not known
	Limits uint8 // bit 0: at the least, bit 1: at the most
	Delta  int8  // dB; 127: not known
}

func (LETransmitPowerReporting) Code() EventCode { return EvLEMeta }
func (e LETransmitPowerReporting) AppendTo(b []byte) []byte {
	b = append16(append(b, byte(EvLETransmitPowerReporting), byte(e.Status)), e.Handle)
	return append(b, e.Reason, byte(e.PHY), byte(e.Power), e.Limits, byte(e.Delta))
}

// ParseLETransmitPowerReporting reads what follows the subevent code.
func ParseLETransmitPowerReporting(b []byte) (e LETransmitPowerReporting, err error) {
	if err := shorter("LE Transmit Power Reporting", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Reason", 4}, {"PHY", 5},
		{"TX_Power_Level", 6}, {"TX_Power_Level_Flag", 7}, {"Delta", 8}}); err != nil {
		return e, err
	}
	return LETransmitPowerReporting{Status(b[0]), handleAt(b[1:]), b[3], PHY(b[4]), int8(b[5]), b[6], int8(b[7])}, nil
}
