package hci

// IQSample is one sample of a constant tone extension. Both are -128 where the controller had none to give.
type IQSample struct{ I, Q int8 }

// MaxIQSamples is how many samples one report has.
const MaxIQSamples = 0x52

// IQSamples are a constant tone extension as it was received. What is more than MaxIQSamples is cut.
type IQSamples struct {
	RSSI          int16 // 0.1 dBm
	RSSIAntenna   uint8
	Type          uint8
	SlotDurations uint8 // µs
	PacketStatus  uint8 // 0 for a good CRC
	EventCounter  uint16
	Samples       []IQSample
}

func (s IQSamples) AppendTo(b []byte) []byte {
	b = append(append16(b, uint16(s.RSSI)), s.RSSIAntenna, s.Type, s.SlotDurations, s.PacketStatus)
	samples := s.Samples[:min(len(s.Samples), MaxIQSamples)]
	b = append(append16(b, s.EventCounter), byte(len(samples)))
	for _, one := range samples {
		b = append(b, byte(one.I), byte(one.Q))
	}
	return b
}

// iqSamplesAt reads samples from i on; counter is the name of their counter.
func iqSamplesAt(packet, counter string, b []byte, i int) (s IQSamples, err error) {
	if err := shorter(packet, b, []field{{"RSSI", i + 2}, {"RSSI_Antenna_ID", i + 3}, {"CTE_Type", i + 4}, {"Slot_Durations", i + 5},
		{"Packet_Status", i + 6}, {counter, i + 8}, {"Sample_Count", i + 9}}); err != nil {
		return s, err
	}
	s = IQSamples{RSSI: int16(at16(b, i)), RSSIAntenna: b[i+2], Type: b[i+3], SlotDurations: b[i+4], PacketStatus: b[i+5], EventCounter: at16(b, i+6)}
	count, at := int(b[i+8]), i+9
	if count > MaxIQSamples {
		return IQSamples{}, InvalidHCICommandParameters
	}
	for ; count > 0; count-- {
		if err := shorter(packet, b, []field{{"I_Sample", at + 1}, {"Q_Sample", at + 2}}); err != nil {
			return IQSamples{}, err
		}
		s.Samples = append(s.Samples, IQSample{int8(b[at]), int8(b[at+1])})
		at += 2
	}
	return s, nil
}

// LEConnectionlessIQReport is what was sampled of a periodic advertiser (Vol 4, Part E, 7.7.65.21).
type LEConnectionlessIQReport struct {
	SyncHandle uint16
	Channel    uint8
	IQSamples
}

func (LEConnectionlessIQReport) Code() EventCode { return EvLEMeta }
func (e LEConnectionlessIQReport) AppendTo(b []byte) []byte {
	return e.IQSamples.AppendTo(append(append16(append(b, byte(EvLEConnectionlessIQReport)), e.SyncHandle), e.Channel))
}

// ParseLEConnectionlessIQReport reads what follows the subevent code.
func ParseLEConnectionlessIQReport(b []byte) (e LEConnectionlessIQReport, err error) {
	name := EvLEConnectionlessIQReport.String()
	if err := shorter(name, b, []field{{"Sync_Handle", 2}, {"Channel_Index", 3}}); err != nil {
		return e, err
	}
	samples, err := iqSamplesAt(name, "Periodic_Event_Counter", b, 3)
	if err != nil {
		return e, err
	}
	return LEConnectionlessIQReport{handleAt(b), b[2], samples}, nil
}

// LEConnectionIQReport is what was sampled on a connection (Vol 4, Part E, 7.7.65.22).
type LEConnectionIQReport struct {
	Handle  uint16
	PHY     PHY
	Channel uint8
	IQSamples
}

func (LEConnectionIQReport) Code() EventCode { return EvLEMeta }
func (e LEConnectionIQReport) AppendTo(b []byte) []byte {
	return e.IQSamples.AppendTo(append(append16(append(b, byte(EvLEConnectionIQReport)), e.Handle), byte(e.PHY), e.Channel))
}

// ParseLEConnectionIQReport reads what follows the subevent code.
func ParseLEConnectionIQReport(b []byte) (e LEConnectionIQReport, err error) {
	name := EvLEConnectionIQReport.String()
	if err := shorter(name, b, []field{{"Connection_Handle", 2}, {"RX_PHY", 3}, {"Data_Channel_Index", 4}}); err != nil {
		return e, err
	}
	samples, err := iqSamplesAt(name, "Connection_Event_Counter", b, 4)
	if err != nil {
		return e, err
	}
	return LEConnectionIQReport{handleAt(b), PHY(b[2]), b[3], samples}, nil
}

// LECTERequestFailed tells that a peer that was asked for a constant tone extension has sent none, or has refused (Vol 4,
// Part E, 7.7.65.23).
type LECTERequestFailed struct {
	Status Status // Success: the response had none
	Handle uint16
}

func (LECTERequestFailed) Code() EventCode { return EvLEMeta }
func (e LECTERequestFailed) AppendTo(b []byte) []byte {
	return append16(append(b, byte(EvLECTERequestFailed), byte(e.Status)), e.Handle)
}

// ParseLECTERequestFailed reads what follows the subevent code.
func ParseLECTERequestFailed(b []byte) (LECTERequestFailed, error) {
	if err := shorter(EvLECTERequestFailed.String(), b, []field{{"Status", 1}, {"Connection_Handle", 3}}); err != nil {
		return LECTERequestFailed{}, err
	}
	return LECTERequestFailed{Status(b[0]), handleAt(b[1:])}, nil
}
