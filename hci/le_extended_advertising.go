package hci

// AdvertisingProperties are what the advertisements of a set are (Vol 4, Part E, 7.8.53).
type AdvertisingProperties uint16

const (
	AdvertiseConnectable      AdvertisingProperties = 1 << 0
	AdvertiseScannable        AdvertisingProperties = 1 << 1
	AdvertiseDirected         AdvertisingProperties = 1 << 2
	AdvertiseHighDutyDirected AdvertisingProperties = 1 << 3
	AdvertiseLegacy           AdvertisingProperties = 1 << 4 // by legacy PDUs, of which only the Legacy sums below exist
	AdvertiseAnonymous        AdvertisingProperties = 1 << 5
	AdvertiseTXPower          AdvertisingProperties = 1 << 6

	LegacyAdvInd           = AdvertiseLegacy | AdvertiseConnectable | AdvertiseScannable
	LegacyAdvDirectIndLow  = AdvertiseLegacy | AdvertiseConnectable | AdvertiseDirected
	LegacyAdvDirectIndHigh = LegacyAdvDirectIndLow | AdvertiseHighDutyDirected
	LegacyAdvScanInd       = AdvertiseLegacy | AdvertiseScannable
	LegacyAdvNonconnInd    = AdvertiseLegacy
)

// NoPreference is the TX power that leaves the choice to the controller.
const NoPreference int8 = 127

// LESetExtendedAdvertisingParameters makes an advertising set or changes one (Vol 4, Part E, 7.8.53). The
// controller returns the TX power that it took. Intervals are in units of 0.625 ms, 24 bits wide.
type LESetExtendedAdvertisingParameters struct {
	AdvertisingHandle        uint8
	Properties               AdvertisingProperties
	IntervalMin, IntervalMax uint32
	ChannelMap               uint8 // bits 0 to 2: channels 37 to 39
	OwnAddressType           uint8
	Peer                     Address
	FilterPolicy             uint8
	TXPower                  int8 // dBm, or NoPreference
	PrimaryPHY               PHY  // LE1M or LECoded
	SecondaryMaxSkip         uint8
	SecondaryPHY             PHY
	SID                      uint8
	NotifyScanRequests       bool
}

func (LESetExtendedAdvertisingParameters) Opcode() Opcode {
	return OpLESetExtendedAdvertisingParameters
}
func (c LESetExtendedAdvertisingParameters) AppendTo(b []byte) []byte {
	b = append16(append(b, c.AdvertisingHandle), uint16(c.Properties))
	b = append24(append24(b, c.IntervalMin), c.IntervalMax)
	b = c.Peer.AppendTo(append(b, c.ChannelMap, c.OwnAddressType))
	return append(b, c.FilterPolicy, byte(c.TXPower), byte(c.PrimaryPHY), c.SecondaryMaxSkip, byte(c.SecondaryPHY), c.SID, octet(c.NotifyScanRequests))
}

var extendedAdvertisingFields = []field{{"Advertising_Handle", 1}, {"Advertising_Event_Properties", 3}, {"Primary_Advertising_Interval_Min", 6},
	{"Primary_Advertising_Interval_Max", 9}, {"Primary_Advertising_Channel_Map", 10}, {"Own_Address_Type", 11}, {"Peer_Address_Type", 12},
	{"Peer_Address", 18}, {"Advertising_Filter_Policy", 19}, {"Advertising_TX_Power", 20}, {"Primary_Advertising_PHY", 21},
	{"Secondary_Advertising_Max_Skip", 22}, {"Secondary_Advertising_PHY", 23}, {"Advertising_SID", 24}, {"Scan_Request_Notification_Enable", 25},
	{"Primary_Advertising_PHY_Options", 26}, {"Secondary_Advertising_PHY_Options", 27}}

// ParseLESetExtendedAdvertisingParameters reads the parameters of LESetExtendedAdvertisingParameters.
func ParseLESetExtendedAdvertisingParameters(b []byte) (c LESetExtendedAdvertisingParameters, err error) {
	if err := shorter(OpLESetExtendedAdvertisingParameters.String(), b, extendedAdvertisingFields[:15]); err != nil {
		return c, err
	}
	c = LESetExtendedAdvertisingParameters{AdvertisingHandle: b[0], Properties: AdvertisingProperties(at16(b, 1)), IntervalMin: at24(b, 3),
		IntervalMax: at24(b, 6), ChannelMap: b[9], OwnAddressType: b[10], FilterPolicy: b[18], TXPower: int8(b[19]), PrimaryPHY: PHY(b[20]),
		SecondaryMaxSkip: b[21], SecondaryPHY: PHY(b[22]), SID: b[23], NotifyScanRequests: b[24] != 0}
	c.Peer, _ = addressAt(b[11:])
	return c, nil
}

// LESetExtendedAdvertisingParametersV2 also chooses the coding of LE Coded: 0 no preference, 1 and 2
// prefer S=2 and S=8, 3 and 4 require them (Vol 4, Part E, 7.8.53).
type LESetExtendedAdvertisingParametersV2 struct {
	LESetExtendedAdvertisingParameters
	PrimaryPHYOptions, SecondaryPHYOptions uint8
}

func (LESetExtendedAdvertisingParametersV2) Opcode() Opcode {
	return OpLESetExtendedAdvertisingParametersV2
}
func (c LESetExtendedAdvertisingParametersV2) AppendTo(b []byte) []byte {
	return append(c.LESetExtendedAdvertisingParameters.AppendTo(b), c.PrimaryPHYOptions, c.SecondaryPHYOptions)
}

// ParseLESetExtendedAdvertisingParametersV2 reads the parameters of LESetExtendedAdvertisingParametersV2.
func ParseLESetExtendedAdvertisingParametersV2(b []byte) (c LESetExtendedAdvertisingParametersV2, err error) {
	if err := shorter(OpLESetExtendedAdvertisingParametersV2.String(), b, extendedAdvertisingFields); err != nil {
		return c, err
	}
	v1, err := ParseLESetExtendedAdvertisingParameters(b)
	return LESetExtendedAdvertisingParametersV2{v1, b[25], b[26]}, err
}

// ParseSelectedTXPower reads the TX power in dBm that both versions of LE Set Extended Advertising Parameters
// return.
func ParseSelectedTXPower(command Opcode, b []byte) (int8, error) {
	v, err := parseOctet(command.String()+": return", "Selected_TX_Power", b)
	return int8(v), err
}

// LESetAdvertisingSetRandomAddress gives a set its random address (Vol 4, Part E, 7.8.52).
type LESetAdvertisingSetRandomAddress struct {
	AdvertisingHandle uint8
	Octets            [6]byte
}

func (LESetAdvertisingSetRandomAddress) Opcode() Opcode { return OpLESetAdvertisingSetRandomAddress }
func (c LESetAdvertisingSetRandomAddress) AppendTo(b []byte) []byte {
	return append(append(b, c.AdvertisingHandle), c.Octets[:]...)
}

// ParseLESetAdvertisingSetRandomAddress reads the parameters of LESetAdvertisingSetRandomAddress.
func ParseLESetAdvertisingSetRandomAddress(b []byte) (c LESetAdvertisingSetRandomAddress, err error) {
	if err := shorter("LE Set Advertising Set Random Address", b, []field{{"Advertising_Handle", 1}, {"Random_Address", 7}}); err != nil {
		return c, err
	}
	c.AdvertisingHandle = b[0]
	copy(c.Octets[:], b[1:])
	return c, nil
}

// DataOperation tells which part of the data a command brings (Vol 4, Part E, 7.8.54).
type DataOperation uint8

const (
	DataIntermediate DataOperation = 0x00
	DataFirst        DataOperation = 0x01
	DataLast         DataOperation = 0x02
	DataComplete     DataOperation = 0x03 // all of it
	DataUnchanged    DataOperation = 0x04 // only a new data ID
)

// MaxExtendedFragment is what one command holds of a set's data, in octets; the controller says how many
// there may be in all (LE Read Maximum Advertising Data Length).
const MaxExtendedFragment = 251

// extendedData is the parameters of the two commands below; what is longer is cut.
type extendedData struct {
	AdvertisingHandle  uint8
	Operation          DataOperation
	FragmentPreference uint8
	Data               []byte
}

func (c extendedData) AppendTo(b []byte) []byte {
	return appendCounted(append(b, c.AdvertisingHandle, byte(c.Operation), c.FragmentPreference), c.Data, MaxExtendedFragment)
}

func parseExtendedData(command, name string, b []byte) (c extendedData, err error) {
	if err := shorter(command, b, []field{{"Advertising_Handle", 1}, {"Operation", 2}, {"Fragment_Preference", 3}}); err != nil {
		return c, err
	}
	data, _, err := countedAt(command, name, b, 3)
	if err != nil {
		return c, err
	}
	if len(data) > MaxExtendedFragment {
		return c, InvalidHCICommandParameters
	}
	return extendedData{b[0], DataOperation(b[1]), b[2], data}, nil
}

// LESetExtendedAdvertisingData sets what a set advertises, or a fragment of it, at most 251 octets (Vol 4,
// Part E, 7.8.54). FragmentPreference 1 asks the controller not to fragment any further.
type LESetExtendedAdvertisingData struct {
	AdvertisingHandle  uint8
	Operation          DataOperation
	FragmentPreference uint8
	Data               []byte
}

func (LESetExtendedAdvertisingData) Opcode() Opcode             { return OpLESetExtendedAdvertisingData }
func (c LESetExtendedAdvertisingData) AppendTo(b []byte) []byte { return extendedData(c).AppendTo(b) }

// ParseLESetExtendedAdvertisingData reads the parameters of LESetExtendedAdvertisingData.
func ParseLESetExtendedAdvertisingData(b []byte) (LESetExtendedAdvertisingData, error) {
	c, err := parseExtendedData("LE Set Extended Advertising Data", "Advertising_Data", b)
	return LESetExtendedAdvertisingData(c), err
}

// LESetExtendedScanResponseData sets what an active scanner is told, or a fragment of it, at most 251 octets
// (Vol 4, Part E, 7.8.55).
type LESetExtendedScanResponseData struct {
	AdvertisingHandle  uint8
	Operation          DataOperation
	FragmentPreference uint8
	Data               []byte
}

func (LESetExtendedScanResponseData) Opcode() Opcode             { return OpLESetExtendedScanResponseData }
func (c LESetExtendedScanResponseData) AppendTo(b []byte) []byte { return extendedData(c).AppendTo(b) }

// ParseLESetExtendedScanResponseData reads the parameters of LESetExtendedScanResponseData.
func ParseLESetExtendedScanResponseData(b []byte) (LESetExtendedScanResponseData, error) {
	c, err := parseExtendedData("LE Set Extended Scan Response Data", "Scan_Response_Data", b)
	return LESetExtendedScanResponseData(c), err
}

// EnabledSet is one set of LESetExtendedAdvertisingEnable. Duration is in units of 10 ms; zero of either
// limit is without end.
type EnabledSet struct {
	AdvertisingHandle uint8
	Duration          uint16
	MaxEvents         uint8
}

// MaxEnabledSets is how many sets one command can name.
const MaxEnabledSets = 63

// LESetExtendedAdvertisingEnable starts and stops sets (Vol 4, Part E, 7.8.56). Without Sets it stops all.
// What is more than MaxEnabledSets is left out.
type LESetExtendedAdvertisingEnable struct {
	Enable bool
	Sets   []EnabledSet
}

func (LESetExtendedAdvertisingEnable) Opcode() Opcode { return OpLESetExtendedAdvertisingEnable }
func (c LESetExtendedAdvertisingEnable) AppendTo(b []byte) []byte {
	sets := c.Sets[:min(len(c.Sets), MaxEnabledSets)]
	b = append(b, octet(c.Enable), byte(len(sets)))
	for _, s := range sets {
		b = append(append16(append(b, s.AdvertisingHandle), s.Duration), s.MaxEvents)
	}
	return b
}

// ParseLESetExtendedAdvertisingEnable reads the parameters of LESetExtendedAdvertisingEnable.
func ParseLESetExtendedAdvertisingEnable(b []byte) (c LESetExtendedAdvertisingEnable, err error) {
	const name = "LE Set Extended Advertising Enable"
	if err := shorter(name, b, []field{{"Enable", 1}, {"Num_Sets", 2}}); err != nil {
		return c, err
	}
	sets := make([]EnabledSet, 0, min(int(b[1]), len(b)/4))
	for at := 2; len(sets) < int(b[1]); at += 4 {
		if err := shorter(name, b, []field{{"Advertising_Handle", at + 1}, {"Duration", at + 3}, {"Max_Extended_Advertising_Events", at + 4}}); err != nil {
			return c, err
		}
		if len(sets) == MaxEnabledSets {
			return c, InvalidHCICommandParameters
		}
		sets = append(sets, EnabledSet{b[at], at16(b, at+1), b[at+3]})
	}
	return LESetExtendedAdvertisingEnable{b[0] != 0, sets}, nil
}

// LERemoveAdvertisingSet forgets a set that is not enabled (Vol 4, Part E, 7.8.59).
type LERemoveAdvertisingSet struct{ AdvertisingHandle uint8 }

func (LERemoveAdvertisingSet) Opcode() Opcode             { return OpLERemoveAdvertisingSet }
func (c LERemoveAdvertisingSet) AppendTo(b []byte) []byte { return append(b, c.AdvertisingHandle) }

// ParseLERemoveAdvertisingSet reads the parameters of LERemoveAdvertisingSet.
func ParseLERemoveAdvertisingSet(b []byte) (LERemoveAdvertisingSet, error) {
	v, err := parseOctet("LE Remove Advertising Set", "Advertising_Handle", b)
	return LERemoveAdvertisingSet{v}, err
}

// LESetDataRelatedAddressChanges has the controller change a set's private address when its data change
// (Vol 4, Part E, 7.8.122): bit 0 for advertising data, bit 1 for scan response data.
type LESetDataRelatedAddressChanges struct{ AdvertisingHandle, ChangeReasons uint8 }

func (LESetDataRelatedAddressChanges) Opcode() Opcode { return OpLESetDataRelatedAddressChanges }
func (c LESetDataRelatedAddressChanges) AppendTo(b []byte) []byte {
	return append(b, c.AdvertisingHandle, c.ChangeReasons)
}

// ParseLESetDataRelatedAddressChanges reads the parameters of LESetDataRelatedAddressChanges.
func ParseLESetDataRelatedAddressChanges(b []byte) (LESetDataRelatedAddressChanges, error) {
	if err := shorter("LE Set Data Related Address Changes", b, []field{{"Advertising_Handle", 1}, {"Change_Reasons", 2}}); err != nil {
		return LESetDataRelatedAddressChanges{}, err
	}
	return LESetDataRelatedAddressChanges{b[0], b[1]}, nil
}

// ParseMaximumAdvertisingDataLength reads the octets that a set's data may have, which LE Read Maximum
// Advertising Data Length returns (Vol 4, Part E, 7.8.57).
func ParseMaximumAdvertisingDataLength(b []byte) (uint16, error) {
	if err := shorter("LE Read Maximum Advertising Data Length: return", b, []field{{"Max_Advertising_Data_Length", 2}}); err != nil {
		return 0, err
	}
	return at16(b, 0), nil
}

// ParseAdvertisingSets reads the number of sets that LE Read Number Of Supported Advertising Sets returns; it
// can change (Vol 4, Part E, 7.8.58).
func ParseAdvertisingSets(b []byte) (uint8, error) {
	return parseOctet("LE Read Number Of Supported Advertising Sets: return", "Num_Supported_Advertising_Sets", b)
}

// ParseAdvertisingTXPower reads the TX power in dBm that LE Read Advertising Physical Channel Tx Power
// returns (Vol 4, Part E, 7.8.6).
func ParseAdvertisingTXPower(b []byte) (int8, error) {
	v, err := parseOctet("LE Read Advertising Physical Channel Tx Power: return", "TX_Power_Level", b)
	return int8(v), err
}

// LEAdvertisingSetTerminated tells that a set stopped by itself: for a connection (Success, and Handle is
// its), for its duration (AdvertisingTimeout) or for its number of events (LimitReached) (Vol 4, Part E,
// 7.7.65.18).
type LEAdvertisingSetTerminated struct {
	Status            Status
	AdvertisingHandle uint8
	Handle            uint16
	CompletedEvents   uint8
}

func (LEAdvertisingSetTerminated) Code() EventCode { return EvLEMeta }
func (e LEAdvertisingSetTerminated) AppendTo(b []byte) []byte {
	return append(append16(append(b, byte(EvLEAdvertisingSetTerminated), byte(e.Status), e.AdvertisingHandle), e.Handle), e.CompletedEvents)
}

// ParseLEAdvertisingSetTerminated reads what follows the subevent code.
func ParseLEAdvertisingSetTerminated(b []byte) (e LEAdvertisingSetTerminated, err error) {
	if err := shorter("LE Advertising Set Terminated", b, []field{{"Status", 1}, {"Advertising_Handle", 2}, {"Connection_Handle", 4},
		{"Num_Completed_Extended_Advertising_Events", 5}}); err != nil {
		return e, err
	}
	return LEAdvertisingSetTerminated{Status(b[0]), b[1], handleAt(b[2:]), b[4]}, nil
}

// LEScanRequestReceived tells who asked a set for its scan response (Vol 4, Part E, 7.7.65.19).
type LEScanRequestReceived struct {
	AdvertisingHandle uint8
	Scanner           Address
	Resolved          bool
}

func (LEScanRequestReceived) Code() EventCode { return EvLEMeta }
func (e LEScanRequestReceived) AppendTo(b []byte) []byte {
	b = append(b, byte(EvLEScanRequestReceived), e.AdvertisingHandle, identityType(e.Scanner, e.Resolved))
	return append(b, e.Scanner.Octets[:]...)
}

// ParseLEScanRequestReceived reads what follows the subevent code.
func ParseLEScanRequestReceived(b []byte) (e LEScanRequestReceived, err error) {
	if err := shorter("LE Scan Request Received", b, []field{{"Advertising_Handle", 1}, {"Scanner_Address_Type", 2}, {"Scanner_Address", 8}}); err != nil {
		return e, err
	}
	e.AdvertisingHandle = b[0]
	e.Scanner, e.Resolved = addressAt(b[1:])
	return e, nil
}
