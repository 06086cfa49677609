package hci

// ChannelMap has a bit for each of the 37 data channels (Vol 4, Part E, 7.8.19).
type ChannelMap [5]byte

// Has tells whether channel 0 to 36 is in the map.
func (m ChannelMap) Has(channel int) bool { return m[channel/8]>>(channel%8)&1 != 0 }

// LESetHostChannelClassification tells the controller which channels may be good; it needs two of them (Vol
// 4, Part E, 7.8.19).
type LESetHostChannelClassification struct{ Channels ChannelMap }

func (LESetHostChannelClassification) Opcode() Opcode { return OpLESetHostChannelClassification }
func (c LESetHostChannelClassification) AppendTo(b []byte) []byte {
	return append(b, c.Channels[:]...)
}

// ParseLESetHostChannelClassification reads the parameters of LESetHostChannelClassification.
func ParseLESetHostChannelClassification(b []byte) (LESetHostChannelClassification, error) {
	if err := shorter("LE Set Host Channel Classification", b, []field{{"Channel_Map", 5}}); err != nil {
		return LESetHostChannelClassification{}, err
	}
	return LESetHostChannelClassification{ChannelMap(b)}, nil
}

// LEReadChannelMap asks which channels a connection uses (Vol 4, Part E, 7.8.20).
func LEReadChannelMap(handle uint16) HandleCommand { return HandleCommand{OpLEReadChannelMap, handle} }

// ConnectionChannels is what LE Read Channel Map returns.
type ConnectionChannels struct {
	Handle   uint16
	Channels ChannelMap
}

func (r ConnectionChannels) AppendTo(b []byte) []byte {
	return append(append16(b, r.Handle), r.Channels[:]...)
}

// ParseConnectionChannels reads ConnectionChannels.
func ParseConnectionChannels(b []byte) (ConnectionChannels, error) {
	if err := shorter("LE Read Channel Map: return", b, []field{{"Connection_Handle", 2}, {"Channel_Map", 7}}); err != nil {
		return ConnectionChannels{}, err
	}
	return ConnectionChannels{handleAt(b), ChannelMap(b[2:])}, nil
}

// LEChannelSelectionAlgorithm tells a connection's way of hopping (Vol 4, Part E, 7.7.65.20).
type LEChannelSelectionAlgorithm struct {
	Handle    uint16
	Algorithm uint8 // 0 is #1, 1 is #2
}

func (LEChannelSelectionAlgorithm) Code() EventCode { return EvLEMeta }
func (e LEChannelSelectionAlgorithm) AppendTo(b []byte) []byte {
	return append(append16(append(b, byte(EvLEChannelSelectionAlgorithm)), e.Handle), e.Algorithm)
}

// ParseLEChannelSelectionAlgorithm reads what follows the subevent code.
func ParseLEChannelSelectionAlgorithm(b []byte) (LEChannelSelectionAlgorithm, error) {
	if err := shorter("LE Channel Selection Algorithm", b, []field{{"Connection_Handle", 2}, {"Channel_Selection_Algorithm", 3}}); err != nil {
		return LEChannelSelectionAlgorithm{}, err
	}
	return LEChannelSelectionAlgorithm{handleAt(b), b[2]}, nil
}

// LERequestPeerSCA asks how well the peer's sleep clock keeps time (Vol 4, Part E, 7.8.108).
func LERequestPeerSCA(handle uint16) HandleCommand { return HandleCommand{OpLERequestPeerSCA, handle} }

// LERequestPeerSCAComplete is its answer (Vol 4, Part E, 7.7.65.30).
type LERequestPeerSCAComplete struct {
	Status        Status
	Handle        uint16
	ClockAccuracy uint8 // 0: 251 to 500 ppm, … 7: 0 to 20 ppm
}

func (LERequestPeerSCAComplete) Code() EventCode { return EvLEMeta }
func (e LERequestPeerSCAComplete) AppendTo(b []byte) []byte {
	return append(append16(append(b, byte(EvLERequestPeerSCAComplete), byte(e.Status)), e.Handle), e.ClockAccuracy)
}

// ParseLERequestPeerSCAComplete reads what follows the subevent code.
func ParseLERequestPeerSCAComplete(b []byte) (LERequestPeerSCAComplete, error) {
	if err := shorter("LE Request Peer SCA Complete", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Peer_Clock_Accuracy", 4}}); err != nil {
		return LERequestPeerSCAComplete{}, err
	}
	return LERequestPeerSCAComplete{Status(b[0]), handleAt(b[1:]), b[3]}, nil
}

// LEModifySleepClockAccuracy has the controller change to a better clock (0) or a worse one (1) (Vol 4,
// Part E, 7.8.94).
type LEModifySleepClockAccuracy struct{ Action uint8 }

func (LEModifySleepClockAccuracy) Opcode() Opcode             { return OpLEModifySleepClockAccuracy }
func (c LEModifySleepClockAccuracy) AppendTo(b []byte) []byte { return append(b, c.Action) }

// ParseLEModifySleepClockAccuracy reads the parameters of LEModifySleepClockAccuracy.
func ParseLEModifySleepClockAccuracy(b []byte) (LEModifySleepClockAccuracy, error) {
	v, err := parseOctet("LE Modify Sleep Clock Accuracy", "Action", b)
	return LEModifySleepClockAccuracy{v}, err
}

// LESetHostFeature tells the controller that its host supports a feature, by the number of its bit (Vol 4,
// Part E, 7.8.115): 38 connection subrating.
type LESetHostFeature struct {
	Bit       uint8
	Supported bool
}

func (LESetHostFeature) Opcode() Opcode             { return OpLESetHostFeature }
func (c LESetHostFeature) AppendTo(b []byte) []byte { return append(b, c.Bit, octet(c.Supported)) }

// ParseLESetHostFeature reads the parameters of LESetHostFeature.
func ParseLESetHostFeature(b []byte) (LESetHostFeature, error) {
	if err := shorter("LE Set Host Feature", b, []field{{"Bit_Number", 1}, {"Bit_Value", 2}}); err != nil {
		return LESetHostFeature{}, err
	}
	return LESetHostFeature{b[0], b[1] != 0}, nil
}

// Subrating is which connection events a host wants used: every one in Min to Max, Continuation more
// behind one with data. MaxLatency is in subrated events, SupervisionTimeout in units of 10 ms.
type Subrating struct {
	Min, Max           uint16
	MaxLatency         uint16
	Continuation       uint16
	SupervisionTimeout uint16
}

func (s Subrating) AppendTo(b []byte) []byte {
	return append16(b, s.Min, s.Max, s.MaxLatency, s.Continuation, s.SupervisionTimeout)
}

func subratingAt(b []byte) Subrating {
	return Subrating{at16(b, 0), at16(b, 2), at16(b, 4), at16(b, 6), at16(b, 8)}
}

// LESetDefaultSubrate sets what a central accepts on new connections (Vol 4, Part E, 7.8.123).
type LESetDefaultSubrate struct{ Subrating }

func (LESetDefaultSubrate) Opcode() Opcode { return OpLESetDefaultSubrate }

// ParseLESetDefaultSubrate reads the parameters of LESetDefaultSubrate.
func ParseLESetDefaultSubrate(b []byte) (LESetDefaultSubrate, error) {
	if err := shorter("LE Set Default Subrate", b, []field{{"Subrate_Min", 2}, {"Subrate_Max", 4}, {"Max_Latency", 6}, {"Continuation_Number", 8},
		{"Supervision_Timeout", 10}}); err != nil {
		return LESetDefaultSubrate{}, err
	}
	return LESetDefaultSubrate{subratingAt(b)}, nil
}

// LESubrateRequest asks for another subrating (Vol 4, Part E, 7.8.124).
type LESubrateRequest struct {
	Handle uint16
	Subrating
}

func (LESubrateRequest) Opcode() Opcode { return OpLESubrateRequest }
func (c LESubrateRequest) AppendTo(b []byte) []byte {
	return c.Subrating.AppendTo(append16(b, c.Handle))
}

// ParseLESubrateRequest reads the parameters of LESubrateRequest.
func ParseLESubrateRequest(b []byte) (LESubrateRequest, error) {
	if err := shorter("LE Subrate Request", b, []field{{"Connection_Handle", 2}, {"Subrate_Min", 4}, {"Subrate_Max", 6}, {"Max_Latency", 8},
		{"Continuation_Number", 10}, {"Supervision_Timeout", 12}}); err != nil {
		return LESubrateRequest{}, err
	}
	return LESubrateRequest{handleAt(b), subratingAt(b[2:])}, nil
}

// LESubrateChange tells a connection's subrating (Vol 4, Part E, 7.7.65.35). SupervisionTimeout is in units
// of 10 ms.
type LESubrateChange struct {
	Status                                            Status
	Handle                                            uint16
	Factor, Latency, Continuation, SupervisionTimeout uint16
}

func (LESubrateChange) Code() EventCode { return EvLEMeta }
func (e LESubrateChange) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLESubrateChange), byte(e.Status))
	return append16(b, e.Handle, e.Factor, e.Latency, e.Continuation, e.SupervisionTimeout)
}

// ParseLESubrateChange reads what follows the subevent code.
func ParseLESubrateChange(b []byte) (LESubrateChange, error) {
	if err := shorter("LE Subrate Change", b, []field{{"Status", 1}, {"Connection_Handle", 3}, {"Subrate_Factor", 5}, {"Peripheral_Latency", 7},
		{"Continuation_Number", 9}, {"Supervision_Timeout", 11}}); err != nil {
		return LESubrateChange{}, err
	}
	return LESubrateChange{Status(b[0]), handleAt(b[1:]), at16(b, 3), at16(b, 5), at16(b, 7), at16(b, 9)}, nil
}
