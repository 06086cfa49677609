package hci

import "testing"

// Octets and bits as the table in Vol 4, Part E, 6.27 has them: some of each octet.
func TestSupportedCommandBits(t *testing.T) {
	for op, want := range map[Opcode][2]int{
		OpDisconnect: {0, 5}, OpReadRemoteVersionInformation: {2, 7}, OpSetEventMask: {5, 6}, OpReset: {5, 7}, OpReadTransmitPowerLevel: {10, 2},
		OpSetControllerToHostFlowControl: {10, 5}, OpHostBufferSize: {10, 6}, OpHostNumberOfCompletedPackets: {10, 7},
		OpReadLocalVersionInformation: {14, 3}, OpReadBufferSize: {14, 7}, OpReadBDADDR: {15, 1}, OpReadRSSI: {15, 5}, OpSetEventMaskPage2: {22, 2},
		OpWriteLEHostSupport: {24, 6}, OpLESetEventMask: {25, 0}, OpLESetAdvertisingData: {25, 7}, OpLESetScanResponseData: {26, 0},
		OpLEClearFilterAcceptList: {26, 7}, OpLEConnectionUpdate: {27, 2}, OpLERand: {27, 7}, OpLEEnableEncryption: {28, 0}, OpLEReadSupportedStates: {28, 3},
		OpWriteAuthenticatedPayloadTimeout: {32, 5}, OpLERemoteConnectionParameterRequestReply: {33, 4}, OpLESetDataLength: {33, 6},
		OpLEAddDeviceToResolvingList: {34, 3}, OpLESetAddressResolutionEnable: {35, 1}, OpLESetPHY: {35, 6}, OpLESetExtendedAdvertisingParameters: {36, 2},
		OpLEReadNumberOfSupportedAdvertisingSets: {36, 7}, OpLESetExtendedScanParameters: {37, 5}, OpLEExtendedCreateConnection: {37, 7},
		OpLEPeriodicAdvertisingCreateSync: {38, 0}, OpLEReadTransmitPower: {38, 7}, OpLESetPrivacyMode: {39, 2}, OpLEPeriodicAdvertisingSyncTransfer: {40, 6},
		OpLEGenerateDHKeyV2: {41, 2}, OpLERequestPeerSCA: {43, 2}, OpLESetHostFeature: {44, 1}, OpLESetDataRelatedAddressChanges: {45, 6},
		OpLESubrateRequest: {46, 1}, OpLESetExtendedAdvertisingParametersV2: {46, 2}, OpLESetPeriodicAdvertisingSubeventData: {46, 5},
		OpLEExtendedCreateConnectionV2: {47, 0}, OpLESetPeriodicAdvertisingParametersV2: {47, 1},
	} {
		var s SupportedCommands
		s.Add(op)
		if !s.Has(want[0], want[1]) || s[want[0]] != 1<<want[1] || !s.Supports(op) {
			t.Errorf("%v is not octet %d, bit %d", op, want[0], want[1])
		}
	}
}

// Every command but the one that asks has a bit, and none has another's.
func TestSupportedCommandsDiffer(t *testing.T) {
	seen := map[uint16]Opcode{}
	for op := range opcodeNames {
		bit, known := commandBits[op]
		if known == (op == OpNone || op == OpReadLocalSupportedCommands) {
			t.Errorf("%v: %v", op, known)
		}
		if other, twice := seen[bit]; known && twice {
			t.Errorf("%v and %v have bit %d", op, other, bit)
		}
		seen[bit] = op
	}
	var s SupportedCommands
	s.Add(OpNone, 0xFC01, OpReadLocalSupportedCommands)
	if s != (SupportedCommands{}) || !s.Supports(OpReadLocalSupportedCommands) || s.Supports(0xFC01) || s.Supports(OpReset) {
		t.Errorf("% X", s)
	}
}
