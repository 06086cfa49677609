package hci

import "encoding/binary"

// LESetEventMask chooses LE Meta's subevents: bit n is subevent n+1 (Vol 4, Part E, 7.8.1).
type LESetEventMask struct{ Mask uint64 }

// Bits of LESetEventMask.
const (
	LEEventMaskConnectionComplete                        uint64 = 1 << 0
	LEEventMaskAdvertisingReport                         uint64 = 1 << 1
	LEEventMaskConnectionUpdateComplete                  uint64 = 1 << 2
	LEEventMaskReadRemoteFeaturesComplete                uint64 = 1 << 3
	LEEventMaskLongTermKeyRequest                        uint64 = 1 << 4
	LEEventMaskRemoteConnectionParameterRequest          uint64 = 1 << 5
	LEEventMaskDataLengthChange                          uint64 = 1 << 6
	LEEventMaskReadLocalP256PublicKeyComplete            uint64 = 1 << 7
	LEEventMaskGenerateDHKeyComplete                     uint64 = 1 << 8
	LEEventMaskEnhancedConnectionComplete                uint64 = 1 << 9
	LEEventMaskDirectedAdvertisingReport                 uint64 = 1 << 10
	LEEventMaskPHYUpdateComplete                         uint64 = 1 << 11
	LEEventMaskExtendedAdvertisingReport                 uint64 = 1 << 12
	LEEventMaskPeriodicAdvertisingSyncEstablished        uint64 = 1 << 13
	LEEventMaskPeriodicAdvertisingReport                 uint64 = 1 << 14
	LEEventMaskPeriodicAdvertisingSyncLost               uint64 = 1 << 15
	LEEventMaskScanTimeout                               uint64 = 1 << 16
	LEEventMaskAdvertisingSetTerminated                  uint64 = 1 << 17
	LEEventMaskScanRequestReceived                       uint64 = 1 << 18
	LEEventMaskChannelSelectionAlgorithm                 uint64 = 1 << 19
	LEEventMaskConnectionlessIQReport                    uint64 = 1 << 20
	LEEventMaskConnectionIQReport                        uint64 = 1 << 21
	LEEventMaskCTERequestFailed                          uint64 = 1 << 22
	LEEventMaskPeriodicAdvertisingSyncTransferReceived   uint64 = 1 << 23
	LEEventMaskRequestPeerSCAComplete                    uint64 = 1 << 30
	LEEventMaskPathLossThreshold                         uint64 = 1 << 31
	LEEventMaskTransmitPowerReporting                    uint64 = 1 << 32
	LEEventMaskSubrateChange                             uint64 = 1 << 34
	LEEventMaskPeriodicAdvertisingSyncEstablishedV2      uint64 = 1 << 35
	LEEventMaskPeriodicAdvertisingReportV2               uint64 = 1 << 36
	LEEventMaskPeriodicAdvertisingSyncTransferReceivedV2 uint64 = 1 << 37
	LEEventMaskPeriodicAdvertisingSubeventDataRequest    uint64 = 1 << 38
	LEEventMaskPeriodicAdvertisingResponseReport         uint64 = 1 << 39
	LEEventMaskEnhancedConnectionCompleteV2              uint64 = 1 << 40
)

func (LESetEventMask) Opcode() Opcode             { return OpLESetEventMask }
func (c LESetEventMask) AppendTo(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, c.Mask) }

// ParseLESetEventMask reads the parameters of LESetEventMask.
func ParseLESetEventMask(b []byte) (LESetEventMask, error) {
	if err := shorter("LE Set Event Mask", b, []field{{"LE_Event_Mask", 8}}); err != nil {
		return LESetEventMask{}, err
	}
	return LESetEventMask{binary.LittleEndian.Uint64(b)}, nil
}

// LESetRandomAddress gives the controller its random address (Vol 4, Part E, 7.8.4).
type LESetRandomAddress struct{ Octets [6]byte }

func (LESetRandomAddress) Opcode() Opcode             { return OpLESetRandomAddress }
func (c LESetRandomAddress) AppendTo(b []byte) []byte { return append(b, c.Octets[:]...) }

// ParseLESetRandomAddress reads the parameters of LESetRandomAddress.
func ParseLESetRandomAddress(b []byte) (c LESetRandomAddress, err error) {
	if err := shorter("LE Set Random Address", b, []field{{"Random_Address", 6}}); err != nil {
		return c, err
	}
	copy(c.Octets[:], b)
	return c, nil
}

// AdvertisingType is a legacy advertising type (Vol 4, Part E, 7.8.5).
type AdvertisingType uint8

const (
	AdvInd           AdvertisingType = 0x00 // connectable and scannable undirected
	AdvDirectIndHigh AdvertisingType = 0x01 // connectable directed, high duty cycle
	AdvScanInd       AdvertisingType = 0x02 // scannable undirected
	AdvNonconnInd    AdvertisingType = 0x03 // neither
	AdvDirectIndLow  AdvertisingType = 0x04 // connectable directed, low duty cycle
)

// LESetAdvertisingParameters sets how to advertise (Vol 4, Part E, 7.8.5). Intervals are in units of
// 0.625 ms.
type LESetAdvertisingParameters struct {
	IntervalMin, IntervalMax uint16
	Type                     AdvertisingType
	OwnAddressType           uint8 // 0 public, 1 random, 2 and 3 resolvable with that fall-back
	Peer                     Address
	ChannelMap               uint8 // bits 0 to 2: channels 37 to 39
	FilterPolicy             uint8
}

func (LESetAdvertisingParameters) Opcode() Opcode { return OpLESetAdvertisingParameters }
func (c LESetAdvertisingParameters) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, c.IntervalMin)
	b = binary.LittleEndian.AppendUint16(b, c.IntervalMax)
	b = c.Peer.AppendTo(append(b, byte(c.Type), c.OwnAddressType))
	return append(b, c.ChannelMap, c.FilterPolicy)
}

// ParseLESetAdvertisingParameters reads the parameters of LESetAdvertisingParameters.
func ParseLESetAdvertisingParameters(b []byte) (c LESetAdvertisingParameters, err error) {
	if err := shorter("LE Set Advertising Parameters", b, []field{{"Advertising_Interval_Min", 2}, {"Advertising_Interval_Max", 4},
		{"Advertising_Type", 5}, {"Own_Address_Type", 6}, {"Peer_Address_Type", 7}, {"Peer_Address", 13},
		{"Advertising_Channel_Map", 14}, {"Advertising_Filter_Policy", 15}}); err != nil {
		return c, err
	}
	c = LESetAdvertisingParameters{IntervalMin: binary.LittleEndian.Uint16(b), IntervalMax: binary.LittleEndian.Uint16(b[2:]),
		Type: AdvertisingType(b[4]), OwnAddressType: b[5], ChannelMap: b[13], FilterPolicy: b[14]}
	c.Peer, _ = addressAt(b[6:])
	return c, nil
}

// MaxAdvertisingData is what a legacy advertisement and its scan response hold each, in octets.
const MaxAdvertisingData = 31

// advertisingData is a length and 31 octets; what is longer is cut.
type advertisingData struct{ Data []byte }

func (c advertisingData) AppendTo(b []byte) []byte {
	data := c.Data[:min(len(c.Data), MaxAdvertisingData)]
	var padded [MaxAdvertisingData]byte
	copy(padded[:], data)
	return append(append(b, byte(len(data))), padded[:]...)
}

func parseAdvertisingData(command string, b []byte) (advertisingData, error) {
	if err := shorter(command, b, []field{{"Data_Length", 1}, {"Data", 32}}); err != nil {
		return advertisingData{}, err
	}
	if b[0] > MaxAdvertisingData {
		return advertisingData{}, InvalidHCICommandParameters
	}
	end := 1 + b[0]
	return advertisingData{b[1:end:end]}, nil
}

// LESetAdvertisingData sets what is advertised, at most 31 octets (Vol 4, Part E, 7.8.7).
type LESetAdvertisingData struct{ Data []byte }

func (LESetAdvertisingData) Opcode() Opcode             { return OpLESetAdvertisingData }
func (c LESetAdvertisingData) AppendTo(b []byte) []byte { return advertisingData(c).AppendTo(b) }

// ParseLESetAdvertisingData reads the parameters of LESetAdvertisingData.
func ParseLESetAdvertisingData(b []byte) (LESetAdvertisingData, error) {
	c, err := parseAdvertisingData("LE Set Advertising Data", b)
	return LESetAdvertisingData(c), err
}

// LESetScanResponseData sets what an active scanner is told, at most 31 octets (Vol 4, Part E, 7.8.8).
type LESetScanResponseData struct{ Data []byte }

func (LESetScanResponseData) Opcode() Opcode             { return OpLESetScanResponseData }
func (c LESetScanResponseData) AppendTo(b []byte) []byte { return advertisingData(c).AppendTo(b) }

// ParseLESetScanResponseData reads the parameters of LESetScanResponseData.
func ParseLESetScanResponseData(b []byte) (LESetScanResponseData, error) {
	c, err := parseAdvertisingData("LE Set Scan Response Data", b)
	return LESetScanResponseData(c), err
}

// LESetAdvertisingEnable starts and stops advertising (Vol 4, Part E, 7.8.9).
type LESetAdvertisingEnable struct{ Enable bool }

func (LESetAdvertisingEnable) Opcode() Opcode             { return OpLESetAdvertisingEnable }
func (c LESetAdvertisingEnable) AppendTo(b []byte) []byte { return append(b, octet(c.Enable)) }

// ParseLESetAdvertisingEnable reads the parameters of LESetAdvertisingEnable.
func ParseLESetAdvertisingEnable(b []byte) (LESetAdvertisingEnable, error) {
	if err := shorter("LE Set Advertising Enable", b, []field{{"Advertising_Enable", 1}}); err != nil {
		return LESetAdvertisingEnable{}, err
	}
	return LESetAdvertisingEnable{b[0] != 0}, nil
}

// LESetScanParameters sets how to scan (Vol 4, Part E, 7.8.10). Interval and window are in units of
// 0.625 ms.
type LESetScanParameters struct {
	Active           bool
	Interval, Window uint16
	OwnAddressType   uint8
	FilterPolicy     uint8
}

func (LESetScanParameters) Opcode() Opcode { return OpLESetScanParameters }
func (c LESetScanParameters) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(append(b, octet(c.Active)), c.Interval)
	b = binary.LittleEndian.AppendUint16(b, c.Window)
	return append(b, c.OwnAddressType, c.FilterPolicy)
}

// ParseLESetScanParameters reads the parameters of LESetScanParameters.
func ParseLESetScanParameters(b []byte) (LESetScanParameters, error) {
	if err := shorter("LE Set Scan Parameters", b, []field{{"LE_Scan_Type", 1}, {"LE_Scan_Interval", 3}, {"LE_Scan_Window", 5},
		{"Own_Address_Type", 6}, {"Scanning_Filter_Policy", 7}}); err != nil {
		return LESetScanParameters{}, err
	}
	return LESetScanParameters{Active: b[0] != 0, Interval: binary.LittleEndian.Uint16(b[1:]), Window: binary.LittleEndian.Uint16(b[3:]),
		OwnAddressType: b[5], FilterPolicy: b[6]}, nil
}

// LESetScanEnable starts and stops scanning (Vol 4, Part E, 7.8.11).
type LESetScanEnable struct{ Enable, FilterDuplicates bool }

func (LESetScanEnable) Opcode() Opcode { return OpLESetScanEnable }
func (c LESetScanEnable) AppendTo(b []byte) []byte {
	return append(b, octet(c.Enable), octet(c.FilterDuplicates))
}

// ParseLESetScanEnable reads the parameters of LESetScanEnable.
func ParseLESetScanEnable(b []byte) (LESetScanEnable, error) {
	if err := shorter("LE Set Scan Enable", b, []field{{"LE_Scan_Enable", 1}, {"Filter_Duplicates", 2}}); err != nil {
		return LESetScanEnable{}, err
	}
	return LESetScanEnable{b[0] != 0, b[1] != 0}, nil
}

// ConnectionParameters are what a central asks of a connection, in the controller's units: intervals of
// 1.25 ms, latency in connection events, supervision time-out of 10 ms, connection event lengths of
// 0.625 ms.
type ConnectionParameters struct {
	IntervalMin, IntervalMax uint16
	Latency                  uint16
	SupervisionTimeout       uint16
	MinCELength, MaxCELength uint16
}

func (p ConnectionParameters) AppendTo(b []byte) []byte {
	for _, v := range [...]uint16{p.IntervalMin, p.IntervalMax, p.Latency, p.SupervisionTimeout, p.MinCELength, p.MaxCELength} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

func connectionParametersAt(b []byte) ConnectionParameters {
	at := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	return ConnectionParameters{IntervalMin: at(0), IntervalMax: at(2), Latency: at(4), SupervisionTimeout: at(6), MinCELength: at(8), MaxCELength: at(10)}
}

// LECreateConnection connects to an advertiser (Vol 4, Part E, 7.8.12). Scan interval and window are in
// units of 0.625 ms.
type LECreateConnection struct {
	ScanInterval, ScanWindow uint16
	UseAcceptList            bool // and not Peer
	Peer                     Address
	OwnAddressType           uint8
	Parameters               ConnectionParameters
}

func (LECreateConnection) Opcode() Opcode { return OpLECreateConnection }
func (c LECreateConnection) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, c.ScanInterval)
	b = binary.LittleEndian.AppendUint16(b, c.ScanWindow)
	b = c.Peer.AppendTo(append(b, octet(c.UseAcceptList)))
	return c.Parameters.AppendTo(append(b, c.OwnAddressType))
}

// ParseLECreateConnection reads the parameters of LECreateConnection.
func ParseLECreateConnection(b []byte) (c LECreateConnection, err error) {
	if err := shorter("LE Create Connection", b, []field{{"LE_Scan_Interval", 2}, {"LE_Scan_Window", 4}, {"Initiator_Filter_Policy", 5},
		{"Peer_Address_Type", 6}, {"Peer_Address", 12}, {"Own_Address_Type", 13}, {"Connection_Interval_Min", 15},
		{"Connection_Interval_Max", 17}, {"Max_Latency", 19}, {"Supervision_Timeout", 21}, {"Min_CE_Length", 23}, {"Max_CE_Length", 25}}); err != nil {
		return c, err
	}
	c = LECreateConnection{ScanInterval: binary.LittleEndian.Uint16(b), ScanWindow: binary.LittleEndian.Uint16(b[2:]),
		UseAcceptList: b[4] != 0, OwnAddressType: b[12], Parameters: connectionParametersAt(b[13:])}
	c.Peer, _ = addressAt(b[5:])
	return c, nil
}

// AcceptListEntry is the parameter of the commands that add to and remove from the filter accept list
// (Vol 4, Part E, 7.8.16 and 7.8.17).
type AcceptListEntry struct {
	Op     Opcode
	Device Address
}

// LEAddDeviceToFilterAcceptList adds a device to the filter accept list.
func LEAddDeviceToFilterAcceptList(a Address) AcceptListEntry {
	return AcceptListEntry{OpLEAddDeviceToFilterAcceptList, a}
}

// LERemoveDeviceFromFilterAcceptList removes a device from the filter accept list.
func LERemoveDeviceFromFilterAcceptList(a Address) AcceptListEntry {
	return AcceptListEntry{OpLERemoveDeviceFromFilterAcceptList, a}
}

func (c AcceptListEntry) Opcode() Opcode           { return c.Op }
func (c AcceptListEntry) AppendTo(b []byte) []byte { return c.Device.AppendTo(b) }

// ParseAcceptListEntry reads the parameters of the command named by op.
func ParseAcceptListEntry(op Opcode, b []byte) (AcceptListEntry, error) {
	if err := shorter(op.String(), b, []field{{"Address_Type", 1}, {"Address", 7}}); err != nil {
		return AcceptListEntry{}, err
	}
	a, _ := addressAt(b)
	return AcceptListEntry{op, a}, nil
}

// LEConnectionUpdate changes a connection's parameters (Vol 4, Part E, 7.8.18).
type LEConnectionUpdate struct {
	Handle     uint16
	Parameters ConnectionParameters
}

func (LEConnectionUpdate) Opcode() Opcode { return OpLEConnectionUpdate }
func (c LEConnectionUpdate) AppendTo(b []byte) []byte {
	return c.Parameters.AppendTo(binary.LittleEndian.AppendUint16(b, c.Handle))
}

// ParseLEConnectionUpdate reads the parameters of LEConnectionUpdate.
func ParseLEConnectionUpdate(b []byte) (LEConnectionUpdate, error) {
	if err := shorter("LE Connection Update", b, []field{{"Connection_Handle", 2}, {"Connection_Interval_Min", 4}, {"Connection_Interval_Max", 6},
		{"Max_Latency", 8}, {"Supervision_Timeout", 10}, {"Min_CE_Length", 12}, {"Max_CE_Length", 14}}); err != nil {
		return LEConnectionUpdate{}, err
	}
	return LEConnectionUpdate{handleAt(b), connectionParametersAt(b[2:])}, nil
}

// LEEncrypt is AES-128 in the controller (Vol 4, Part E, 7.8.22).
type LEEncrypt struct{ Key, Plaintext [16]byte }

func (LEEncrypt) Opcode() Opcode { return OpLEEncrypt }
func (c LEEncrypt) AppendTo(b []byte) []byte {
	return append(append(b, c.Key[:]...), c.Plaintext[:]...)
}

// ParseLEEncrypt reads the parameters of LEEncrypt.
func ParseLEEncrypt(b []byte) (c LEEncrypt, err error) {
	if err := shorter("LE Encrypt", b, []field{{"Key", 16}, {"Plaintext_Data", 32}}); err != nil {
		return c, err
	}
	copy(c.Key[:], b)
	copy(c.Plaintext[:], b[16:])
	return c, nil
}

// LEEnableEncryption encrypts a connection, or refreshes its key; only a central sends it (Vol 4, Part E,
// 7.8.24). Older specifications call it LE Start Encryption.
type LEEnableEncryption struct {
	Handle uint16
	Random [8]byte
	EDIV   uint16
	Key    [16]byte
}

func (LEEnableEncryption) Opcode() Opcode { return OpLEEnableEncryption }
func (c LEEnableEncryption) AppendTo(b []byte) []byte {
	b = append(binary.LittleEndian.AppendUint16(b, c.Handle), c.Random[:]...)
	return append(binary.LittleEndian.AppendUint16(b, c.EDIV), c.Key[:]...)
}

// ParseLEEnableEncryption reads the parameters of LEEnableEncryption.
func ParseLEEnableEncryption(b []byte) (c LEEnableEncryption, err error) {
	if err := shorter("LE Enable Encryption", b, []field{{"Connection_Handle", 2}, {"Random_Number", 10}, {"Encrypted_Diversifier", 12}, {"Long_Term_Key", 28}}); err != nil {
		return c, err
	}
	c.Handle, c.EDIV = handleAt(b), binary.LittleEndian.Uint16(b[10:])
	copy(c.Random[:], b[2:])
	copy(c.Key[:], b[12:])
	return c, nil
}

// LELongTermKeyRequestReply gives the controller the key it asked for (Vol 4, Part E, 7.8.25).
type LELongTermKeyRequestReply struct {
	Handle uint16
	Key    [16]byte
}

func (LELongTermKeyRequestReply) Opcode() Opcode { return OpLELongTermKeyRequestReply }
func (c LELongTermKeyRequestReply) AppendTo(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(b, c.Handle), c.Key[:]...)
}

// ParseLELongTermKeyRequestReply reads the parameters of LELongTermKeyRequestReply.
func ParseLELongTermKeyRequestReply(b []byte) (c LELongTermKeyRequestReply, err error) {
	if err := shorter("LE Long Term Key Request Reply", b, []field{{"Connection_Handle", 2}, {"Long_Term_Key", 18}}); err != nil {
		return c, err
	}
	c.Handle = handleAt(b)
	copy(c.Key[:], b[2:])
	return c, nil
}

// LERemoteConnectionParameterRequestReply accepts what the peer asked for (Vol 4, Part E, 7.8.31).
type LERemoteConnectionParameterRequestReply struct {
	Handle     uint16
	Parameters ConnectionParameters
}

func (LERemoteConnectionParameterRequestReply) Opcode() Opcode {
	return OpLERemoteConnectionParameterRequestReply
}
func (c LERemoteConnectionParameterRequestReply) AppendTo(b []byte) []byte {
	return LEConnectionUpdate(c).AppendTo(b)
}

// ParseLERemoteConnectionParameterRequestReply reads the parameters of LERemoteConnectionParameterRequestReply.
func ParseLERemoteConnectionParameterRequestReply(b []byte) (c LERemoteConnectionParameterRequestReply, err error) {
	if err := shorter("LE Remote Connection Parameter Request Reply", b, []field{{"Connection_Handle", 2}, {"Interval_Min", 4}, {"Interval_Max", 6},
		{"Max_Latency", 8}, {"Timeout", 10}, {"Min_CE_Length", 12}, {"Max_CE_Length", 14}}); err != nil {
		return c, err
	}
	return LERemoteConnectionParameterRequestReply{handleAt(b), connectionParametersAt(b[2:])}, nil
}

// LERemoteConnectionParameterRequestNegativeReply refuses what the peer asked for (Vol 4, Part E, 7.8.32).
type LERemoteConnectionParameterRequestNegativeReply struct {
	Handle uint16
	Reason Status
}

func (LERemoteConnectionParameterRequestNegativeReply) Opcode() Opcode {
	return OpLERemoteConnectionParameterRequestNegativeReply
}
func (c LERemoteConnectionParameterRequestNegativeReply) AppendTo(b []byte) []byte {
	return Disconnect(c).AppendTo(b)
}

// ParseLERemoteConnectionParameterRequestNegativeReply reads the parameters of
// LERemoteConnectionParameterRequestNegativeReply.
func ParseLERemoteConnectionParameterRequestNegativeReply(b []byte) (c LERemoteConnectionParameterRequestNegativeReply, err error) {
	if err := shorter("LE Remote Connection Parameter Request Negative Reply", b, []field{{"Connection_Handle", 2}, {"Reason", 3}}); err != nil {
		return c, err
	}
	return LERemoteConnectionParameterRequestNegativeReply{handleAt(b), Status(b[2])}, nil
}
