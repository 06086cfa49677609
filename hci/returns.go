package hci

import "encoding/binary"

// ReturnStatus is the status that begins a command's return parameters.
func ReturnStatus(command Opcode, b []byte) (Status, error) {
	if len(b) < 1 {
		return 0, &ShortError{What: command.String() + ": return: Status", Length: 0, Want: 1}
	}
	return Status(b[0]), nil
}

// The Parse functions below take return parameters from behind the status; AppendTo appends them so.

// LocalVersion is what Read Local Version Information returns (Vol 4, Part E, 7.4.1).
type LocalVersion struct {
	HCIVersion    uint8
	HCISubversion uint16
	LMPVersion    uint8
	Company       uint16
	LMPSubversion uint16
}

func (r LocalVersion) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(append(b, r.HCIVersion), r.HCISubversion)
	b = binary.LittleEndian.AppendUint16(append(b, r.LMPVersion), r.Company)
	return binary.LittleEndian.AppendUint16(b, r.LMPSubversion)
}

// ParseLocalVersion reads LocalVersion.
func ParseLocalVersion(b []byte) (r LocalVersion, err error) {
	if err := shorter("Read Local Version Information: return", b, []field{{"HCI_Version", 1}, {"HCI_Subversion", 3}, {"LMP_Version", 4},
		{"Company_Identifier", 6}, {"LMP_Subversion", 8}}); err != nil {
		return r, err
	}
	at := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	return LocalVersion{b[0], at(1), b[3], at(4), at(6)}, nil
}

// SupportedCommands is the bit map of Read Local Supported Commands (Vol 4, Part E, 6.27).
type SupportedCommands [64]byte

// Has tells whether the command at that octet and bit is supported.
func (s SupportedCommands) Has(octet, bit int) bool { return s[octet]>>bit&1 != 0 }

// ParseSupportedCommands reads SupportedCommands.
func ParseSupportedCommands(b []byte) (r SupportedCommands, err error) {
	if err := shorter("Read Local Supported Commands: return", b, []field{{"Supported_Commands", 64}}); err != nil {
		return r, err
	}
	copy(r[:], b)
	return r, nil
}

// ParseFeatures reads the bit map that Read Local Supported Features, LE Read Local Supported Features and
// LE Read Supported States return; command names it in the error.
func ParseFeatures(command Opcode, b []byte) (uint64, error) {
	if err := shorter(command.String()+": return", b, []field{{"Features", 8}}); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// Bits of LE features (Vol 6, Part B, 4.6). Those for host support are set by LESetHostFeature. Power control
// requests have bit 34 as well, which is always as bit 33.
const (
	FeatureLEEncryption                             uint64 = 1 << 0
	FeatureConnectionParametersRequest              uint64 = 1 << 1
	FeatureExtendedRejectIndication                 uint64 = 1 << 2
	FeaturePeripheralInitiatedFeaturesExchange      uint64 = 1 << 3
	FeatureLEPing                                   uint64 = 1 << 4
	FeatureLEDataPacketLengthExtension              uint64 = 1 << 5
	FeatureLLPrivacy                                uint64 = 1 << 6
	FeatureExtendedScanningFilterPolicies           uint64 = 1 << 7
	FeatureLE2MPHY                                  uint64 = 1 << 8
	FeatureStableModulationIndexTransmitter         uint64 = 1 << 9
	FeatureStableModulationIndexReceiver            uint64 = 1 << 10
	FeatureLECodedPHY                               uint64 = 1 << 11
	FeatureLEExtendedAdvertising                    uint64 = 1 << 12
	FeatureLEPeriodicAdvertising                    uint64 = 1 << 13
	FeatureChannelSelectionAlgorithm2               uint64 = 1 << 14
	FeatureLEPowerClass1                            uint64 = 1 << 15
	FeatureMinimumNumberOfUsedChannels              uint64 = 1 << 16
	FeatureConnectionCTERequest                     uint64 = 1 << 17
	FeatureConnectionCTEResponse                    uint64 = 1 << 18
	FeatureConnectionlessCTETransmitter             uint64 = 1 << 19
	FeatureConnectionlessCTEReceiver                uint64 = 1 << 20
	FeatureAntennaSwitchingTransmission             uint64 = 1 << 21
	FeatureAntennaSwitchingReception                uint64 = 1 << 22
	FeatureReceivingConstantToneExtensions          uint64 = 1 << 23
	FeaturePeriodicAdvertisingSyncTransferSender    uint64 = 1 << 24
	FeaturePeriodicAdvertisingSyncTransferRecipient uint64 = 1 << 25
	FeatureSleepClockAccuracyUpdates                uint64 = 1 << 26
	FeatureRemotePublicKeyValidation                uint64 = 1 << 27
	FeatureCISCentral                               uint64 = 1 << 28
	FeatureCISPeripheral                            uint64 = 1 << 29
	FeatureIsochronousBroadcaster                   uint64 = 1 << 30
	FeatureSynchronizedReceiver                     uint64 = 1 << 31
	FeatureCISHostSupport                           uint64 = 1 << 32
	FeatureLEPowerControlRequest                    uint64 = 1 << 33
	FeatureLEPathLossMonitoring                     uint64 = 1 << 35
	FeaturePeriodicAdvertisingADI                   uint64 = 1 << 36
	FeatureConnectionSubrating                      uint64 = 1 << 37
	FeatureConnectionSubratingHostSupport           uint64 = 1 << 38
	FeatureChannelClassification                    uint64 = 1 << 39
	FeatureAdvertisingCodingSelection               uint64 = 1 << 40
	FeatureAdvertisingCodingSelectionHostSupport    uint64 = 1 << 41
	FeaturePAwRAdvertiser                           uint64 = 1 << 43
	FeaturePAwRScanner                              uint64 = 1 << 44
)

// Bits of LMP features (Vol 2, Part C, 3.3).
const (
	LMPFeatureBREDRNotSupported uint64 = 1 << 37
	LMPFeatureLESupported       uint64 = 1 << 38
)

// BufferSize is what Read Buffer Size returns (Vol 4, Part E, 7.4.5).
type BufferSize struct {
	ACLLength  uint16 // octets in one packet
	SCOLength  uint8
	ACLPackets uint16
	SCOPackets uint16
}

func (r BufferSize) AppendTo(b []byte) []byte {
	b = append(binary.LittleEndian.AppendUint16(b, r.ACLLength), r.SCOLength)
	return binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, r.ACLPackets), r.SCOPackets)
}

// ParseBufferSize reads BufferSize.
func ParseBufferSize(b []byte) (r BufferSize, err error) {
	if err := shorter("Read Buffer Size: return", b, []field{{"ACL_Data_Packet_Length", 2}, {"Synchronous_Data_Packet_Length", 3},
		{"Total_Num_ACL_Data_Packets", 5}, {"Total_Num_Synchronous_Data_Packets", 7}}); err != nil {
		return r, err
	}
	at := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	return BufferSize{at(0), b[2], at(3), at(5)}, nil
}

// LEBufferSize is what LE Read Buffer Size returns; zeros mean that the buffers of Read Buffer Size are
// shared (Vol 4, Part E, 7.8.2).
type LEBufferSize struct {
	ACLLength  uint16 // octets in one packet
	ACLPackets uint8
}

func (r LEBufferSize) AppendTo(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(b, r.ACLLength), r.ACLPackets)
}

// ParseLEBufferSize reads LEBufferSize.
func ParseLEBufferSize(b []byte) (LEBufferSize, error) {
	if err := shorter("LE Read Buffer Size: return", b, []field{{"LE_ACL_Data_Packet_Length", 2}, {"Total_Num_LE_ACL_Data_Packets", 3}}); err != nil {
		return LEBufferSize{}, err
	}
	return LEBufferSize{binary.LittleEndian.Uint16(b), b[2]}, nil
}

// ParseBDADDR reads the public address that Read BD_ADDR returns (Vol 4, Part E, 7.4.6).
func ParseBDADDR(b []byte) (a Address, err error) {
	if err := shorter("Read BD_ADDR: return", b, []field{{"BD_ADDR", 6}}); err != nil {
		return a, err
	}
	copy(a.Octets[:], b)
	return a, nil
}

// ParseHandle reads the connection handle that many commands return.
func ParseHandle(command Opcode, b []byte) (uint16, error) {
	if err := shorter(command.String()+": return", b, []field{{"Connection_Handle", 2}}); err != nil {
		return 0, err
	}
	return handleAt(b), nil
}

// ParseLEEncryptReturn reads the encrypted block (Vol 4, Part E, 7.8.22).
func ParseLEEncryptReturn(b []byte) (r [16]byte, err error) {
	if err := shorter("LE Encrypt: return", b, []field{{"Encrypted_Data", 16}}); err != nil {
		return r, err
	}
	copy(r[:], b)
	return r, nil
}

// ParseLERandReturn reads the random number (Vol 4, Part E, 7.8.23).
func ParseLERandReturn(b []byte) (r [8]byte, err error) {
	if err := shorter("LE Rand: return", b, []field{{"Random_Number", 8}}); err != nil {
		return r, err
	}
	copy(r[:], b)
	return r, nil
}
