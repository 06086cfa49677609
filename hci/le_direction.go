package hci

// Direction finding: constant tone extensions (CTE), and the samples that a receiver takes of them.

// Types of constant tone extensions; commands that take several at once have a bit for each.
const (
	CTEAoA  uint8 = 0 // angle of arrival
	CTEAoD1 uint8 = 1 // angle of departure, slots of 1 µs
	CTEAoD2 uint8 = 2 // angle of departure, slots of 2 µs
)

// MaxSwitchingPattern is the most antennas that a pattern names.
const MaxSwitchingPattern = 0x4B

// appendPattern appends antennas in the order in which they take turns; what is more than fits is cut.
func appendPattern(b, antennas []byte) []byte { return appendCounted(b, antennas, MaxSwitchingPattern) }

// patternAt reads what appendPattern wrote at i.
func patternAt(packet string, b []byte, i int) ([]byte, error) {
	if err := shorter(packet, b, []field{{"Switching_Pattern_Length", i + 1}}); err != nil {
		return nil, err
	}
	end := i + 1 + int(b[i])
	if err := shorter(packet, b, []field{{"Antenna_IDs", end}}); err != nil {
		return nil, err
	}
	if int(b[i]) > MaxSwitchingPattern {
		return nil, InvalidHCICommandParameters
	}
	return b[i+1 : end : end], nil
}

// LESetConnectionlessCTETransmitParameters adds constant tone extensions to a set's periodic advertising (Vol 4, Part E,
// 7.8.80). Length is in units of 8 µs, Count per periodic event. Antennas aliases what was parsed.
type LESetConnectionlessCTETransmitParameters struct {
	AdvertisingHandle uint8
	Length            uint8
	Type              uint8
	Count             uint8
	Antennas          []byte
}

func (LESetConnectionlessCTETransmitParameters) Opcode() Opcode {
	return OpLESetConnectionlessCTETransmitParameters
}
func (c LESetConnectionlessCTETransmitParameters) AppendTo(b []byte) []byte {
	return appendPattern(append(b, c.AdvertisingHandle, c.Length, c.Type, c.Count), c.Antennas)
}

// ParseLESetConnectionlessCTETransmitParameters reads the parameters of LESetConnectionlessCTETransmitParameters.
func ParseLESetConnectionlessCTETransmitParameters(b []byte) (c LESetConnectionlessCTETransmitParameters, err error) {
	name := OpLESetConnectionlessCTETransmitParameters.String()
	if err := shorter(name, b, []field{{"Advertising_Handle", 1}, {"CTE_Length", 2}, {"CTE_Type", 3}, {"CTE_Count", 4}}); err != nil {
		return c, err
	}
	antennas, err := patternAt(name, b, 4)
	if err != nil {
		return c, err
	}
	return LESetConnectionlessCTETransmitParameters{b[0], b[1], b[2], b[3], antennas}, nil
}

// LESetConnectionlessCTETransmitEnable turns them on and off (Vol 4, Part E, 7.8.81).
type LESetConnectionlessCTETransmitEnable struct {
	AdvertisingHandle uint8
	Enable            bool
}

func (LESetConnectionlessCTETransmitEnable) Opcode() Opcode {
	return OpLESetConnectionlessCTETransmitEnable
}
func (c LESetConnectionlessCTETransmitEnable) AppendTo(b []byte) []byte {
	return append(b, c.AdvertisingHandle, octet(c.Enable))
}

// ParseLESetConnectionlessCTETransmitEnable reads the parameters of LESetConnectionlessCTETransmitEnable.
func ParseLESetConnectionlessCTETransmitEnable(b []byte) (c LESetConnectionlessCTETransmitEnable, err error) {
	if err := shorter(OpLESetConnectionlessCTETransmitEnable.String(), b, []field{{"Advertising_Handle", 1}, {"CTE_Enable", 2}}); err != nil {
		return c, err
	}
	return LESetConnectionlessCTETransmitEnable{b[0], b[1] != 0}, nil
}

// LESetConnectionlessIQSamplingEnable begins and ends sampling of a periodic advertiser that is followed (Vol 4, Part E,
// 7.8.82). SlotDurations are in µs, MaxSampled per periodic event, 0 for all; Antennas aliases what was parsed. The
// controller returns the sync handle.
type LESetConnectionlessIQSamplingEnable struct {
	SyncHandle    uint16
	Enable        bool
	SlotDurations uint8
	MaxSampled    uint8
	Antennas      []byte
}

func (LESetConnectionlessIQSamplingEnable) Opcode() Opcode {
	return OpLESetConnectionlessIQSamplingEnable
}
func (c LESetConnectionlessIQSamplingEnable) AppendTo(b []byte) []byte {
	return appendPattern(append(append16(b, c.SyncHandle), octet(c.Enable), c.SlotDurations, c.MaxSampled), c.Antennas)
}

// ParseLESetConnectionlessIQSamplingEnable reads the parameters of LESetConnectionlessIQSamplingEnable.
func ParseLESetConnectionlessIQSamplingEnable(b []byte) (c LESetConnectionlessIQSamplingEnable, err error) {
	name := OpLESetConnectionlessIQSamplingEnable.String()
	if err := shorter(name, b, []field{{"Sync_Handle", 2}, {"Sampling_Enable", 3}, {"Slot_Durations", 4}, {"Max_Sampled_CTEs", 5}}); err != nil {
		return c, err
	}
	antennas, err := patternAt(name, b, 5)
	if err != nil {
		return c, err
	}
	return LESetConnectionlessIQSamplingEnable{handleAt(b), b[2] != 0, b[3], b[4], antennas}, nil
}

// LESetConnectionCTEReceiveParameters begins and ends sampling on a connection (Vol 4, Part E, 7.8.83). SlotDurations are
// in µs; Antennas aliases what was parsed. The controller returns the handle.
type LESetConnectionCTEReceiveParameters struct {
	Handle        uint16
	Enable        bool
	SlotDurations uint8
	Antennas      []byte
}

func (LESetConnectionCTEReceiveParameters) Opcode() Opcode {
	return OpLESetConnectionCTEReceiveParameters
}
func (c LESetConnectionCTEReceiveParameters) AppendTo(b []byte) []byte {
	return appendPattern(append(append16(b, c.Handle), octet(c.Enable), c.SlotDurations), c.Antennas)
}

// ParseLESetConnectionCTEReceiveParameters reads the parameters of LESetConnectionCTEReceiveParameters.
func ParseLESetConnectionCTEReceiveParameters(b []byte) (c LESetConnectionCTEReceiveParameters, err error) {
	name := OpLESetConnectionCTEReceiveParameters.String()
	if err := shorter(name, b, []field{{"Connection_Handle", 2}, {"Sampling_Enable", 3}, {"Slot_Durations", 4}}); err != nil {
		return c, err
	}
	antennas, err := patternAt(name, b, 4)
	if err != nil {
		return c, err
	}
	return LESetConnectionCTEReceiveParameters{handleAt(b), b[2] != 0, b[3], antennas}, nil
}

// LESetConnectionCTETransmitParameters says what may be sent to a peer that asks (Vol 4, Part E, 7.8.84): Types has bit 0
// for AoA, 1 and 2 for AoD. Antennas aliases what was parsed. The controller returns the handle.
type LESetConnectionCTETransmitParameters struct {
	Handle   uint16
	Types    uint8
	Antennas []byte
}

func (LESetConnectionCTETransmitParameters) Opcode() Opcode {
	return OpLESetConnectionCTETransmitParameters
}
func (c LESetConnectionCTETransmitParameters) AppendTo(b []byte) []byte {
	return appendPattern(append(append16(b, c.Handle), c.Types), c.Antennas)
}

// ParseLESetConnectionCTETransmitParameters reads the parameters of LESetConnectionCTETransmitParameters.
func ParseLESetConnectionCTETransmitParameters(b []byte) (c LESetConnectionCTETransmitParameters, err error) {
	name := OpLESetConnectionCTETransmitParameters.String()
	if err := shorter(name, b, []field{{"Connection_Handle", 2}, {"CTE_Types", 3}}); err != nil {
		return c, err
	}
	antennas, err := patternAt(name, b, 3)
	if err != nil {
		return c, err
	}
	return LESetConnectionCTETransmitParameters{handleAt(b), b[2], antennas}, nil
}

// LEConnectionCTERequestEnable asks a peer for them, once or every Interval connection events (Vol 4, Part E, 7.8.85).
// Length is in units of 8 µs. The controller returns the handle.
type LEConnectionCTERequestEnable struct {
	Handle   uint16
	Enable   bool
	Interval uint16 // 0 for once
	Length   uint8
	Type     uint8
}

func (LEConnectionCTERequestEnable) Opcode() Opcode { return OpLEConnectionCTERequestEnable }
func (c LEConnectionCTERequestEnable) AppendTo(b []byte) []byte {
	return append(append16(append(append16(b, c.Handle), octet(c.Enable)), c.Interval), c.Length, c.Type)
}

// ParseLEConnectionCTERequestEnable reads the parameters of LEConnectionCTERequestEnable.
func ParseLEConnectionCTERequestEnable(b []byte) (c LEConnectionCTERequestEnable, err error) {
	if err := shorter(OpLEConnectionCTERequestEnable.String(), b, []field{{"Connection_Handle", 2}, {"Enable", 3}, {"CTE_Request_Interval", 5},
		{"Requested_CTE_Length", 6}, {"Requested_CTE_Type", 7}}); err != nil {
		return c, err
	}
	return LEConnectionCTERequestEnable{handleAt(b), b[2] != 0, at16(b, 3), b[5], b[6]}, nil
}

// LEConnectionCTEResponseEnable lets a peer have them (Vol 4, Part E, 7.8.86). The controller returns the handle.
type LEConnectionCTEResponseEnable struct {
	Handle uint16
	Enable bool
}

func (LEConnectionCTEResponseEnable) Opcode() Opcode { return OpLEConnectionCTEResponseEnable }
func (c LEConnectionCTEResponseEnable) AppendTo(b []byte) []byte {
	return append(append16(b, c.Handle), octet(c.Enable))
}

// ParseLEConnectionCTEResponseEnable reads the parameters of LEConnectionCTEResponseEnable.
func ParseLEConnectionCTEResponseEnable(b []byte) (c LEConnectionCTEResponseEnable, err error) {
	if err := shorter(OpLEConnectionCTEResponseEnable.String(), b, []field{{"Connection_Handle", 2}, {"Enable", 3}}); err != nil {
		return c, err
	}
	return LEConnectionCTEResponseEnable{handleAt(b), b[2] != 0}, nil
}

// AntennaInformation is what LE Read Antenna Information returns (Vol 4, Part E, 7.8.87). Rates: bit 0 for AoD transmission with slots of 1 µs,
// bit 1 for AoD reception, bit 2 for AoA. MaxLength is in units of 8 µs.
type AntennaInformation struct{ Rates, Antennas, MaxPattern, MaxLength uint8 }

func (r AntennaInformation) AppendTo(b []byte) []byte {
	return append(b, r.Rates, r.Antennas, r.MaxPattern, r.MaxLength)
}

// ParseAntennaInformation reads AntennaInformation.
func ParseAntennaInformation(b []byte) (AntennaInformation, error) {
	if err := shorter("LE Read Antenna Information: return", b, []field{{"Supported_Switching_Sampling_Rates", 1}, {"Num_Antennae", 2},
		{"Max_Switching_Pattern_Length", 3}, {"Max_CTE_Length", 4}}); err != nil {
		return AntennaInformation{}, err
	}
	return AntennaInformation{b[0], b[1], b[2], b[3]}, nil
}
