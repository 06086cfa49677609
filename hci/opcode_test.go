package hci

import "testing"

// Opcodes are OGF<<10 | OCF (Vol 4, Part E, 5.4.1), with the groups 1 Link Control, 3 Controller & Baseband,
// 4 Informational, 8 LE.
func TestOpcodes(t *testing.T) {
	for _, c := range []struct {
		op       Opcode
		ogf, ocf uint16
		name     string
	}{
		{OpNone, 0, 0, "no command"},
		{OpDisconnect, 1, 0x06, "Disconnect"},
		{OpReadRemoteVersionInformation, 1, 0x1D, "Read Remote Version Information"},
		{OpSetEventMask, 3, 0x01, "Set Event Mask"},
		{OpReset, 3, 0x03, "Reset"},
		{OpReadTransmitPowerLevel, 3, 0x2D, "Read Transmit Power Level"},
		{OpSetControllerToHostFlowControl, 3, 0x31, "Set Controller To Host Flow Control"},
		{OpHostBufferSize, 3, 0x33, "Host Buffer Size"},
		{OpHostNumberOfCompletedPackets, 3, 0x35, "Host Number Of Completed Packets"},
		{OpSetEventMaskPage2, 3, 0x63, "Set Event Mask Page 2"},
		{OpReadLEHostSupport, 3, 0x6C, "Read LE Host Support"},
		{OpWriteLEHostSupport, 3, 0x6D, "Write LE Host Support"},
		{OpReadAuthenticatedPayloadTimeout, 3, 0x7B, "Read Authenticated Payload Timeout"},
		{OpWriteAuthenticatedPayloadTimeout, 3, 0x7C, "Write Authenticated Payload Timeout"},
		{OpReadLocalVersionInformation, 4, 0x01, "Read Local Version Information"},
		{OpReadLocalSupportedCommands, 4, 0x02, "Read Local Supported Commands"},
		{OpReadLocalSupportedFeatures, 4, 0x03, "Read Local Supported Features"},
		{OpReadBufferSize, 4, 0x05, "Read Buffer Size"},
		{OpReadBDADDR, 4, 0x09, "Read BD_ADDR"},
		{OpReadRSSI, 5, 0x05, "Read RSSI"},
		{OpLESetEventMask, 8, 0x01, "LE Set Event Mask"},
		{OpLEReadBufferSize, 8, 0x02, "LE Read Buffer Size"},
		{OpLEReadLocalSupportedFeatures, 8, 0x03, "LE Read Local Supported Features"},
		{OpLESetRandomAddress, 8, 0x05, "LE Set Random Address"},
		{OpLESetAdvertisingParameters, 8, 0x06, "LE Set Advertising Parameters"},
		{OpLEReadAdvertisingPhysicalChannelTxPower, 8, 0x07, "LE Read Advertising Physical Channel Tx Power"},
		{OpLESetAdvertisingData, 8, 0x08, "LE Set Advertising Data"},
		{OpLESetScanResponseData, 8, 0x09, "LE Set Scan Response Data"},
		{OpLESetAdvertisingEnable, 8, 0x0A, "LE Set Advertising Enable"},
		{OpLESetScanParameters, 8, 0x0B, "LE Set Scan Parameters"},
		{OpLESetScanEnable, 8, 0x0C, "LE Set Scan Enable"},
		{OpLECreateConnection, 8, 0x0D, "LE Create Connection"},
		{OpLECreateConnectionCancel, 8, 0x0E, "LE Create Connection Cancel"},
		{OpLEReadFilterAcceptListSize, 8, 0x0F, "LE Read Filter Accept List Size"},
		{OpLEClearFilterAcceptList, 8, 0x10, "LE Clear Filter Accept List"},
		{OpLEAddDeviceToFilterAcceptList, 8, 0x11, "LE Add Device To Filter Accept List"},
		{OpLERemoveDeviceFromFilterAcceptList, 8, 0x12, "LE Remove Device From Filter Accept List"},
		{OpLEConnectionUpdate, 8, 0x13, "LE Connection Update"},
		{OpLESetHostChannelClassification, 8, 0x14, "LE Set Host Channel Classification"},
		{OpLEReadChannelMap, 8, 0x15, "LE Read Channel Map"},
		{OpLEReadRemoteFeatures, 8, 0x16, "LE Read Remote Features"},
		{OpLEEncrypt, 8, 0x17, "LE Encrypt"},
		{OpLERand, 8, 0x18, "LE Rand"},
		{OpLEEnableEncryption, 8, 0x19, "LE Enable Encryption"},
		{OpLELongTermKeyRequestReply, 8, 0x1A, "LE Long Term Key Request Reply"},
		{OpLELongTermKeyRequestNegativeReply, 8, 0x1B, "LE Long Term Key Request Negative Reply"},
		{OpLEReadSupportedStates, 8, 0x1C, "LE Read Supported States"},
		{OpLERemoteConnectionParameterRequestReply, 8, 0x20, "LE Remote Connection Parameter Request Reply"},
		{OpLERemoteConnectionParameterRequestNegativeReply, 8, 0x21, "LE Remote Connection Parameter Request Negative Reply"},
		{OpLESetDataLength, 8, 0x22, "LE Set Data Length"},
		{OpLEReadSuggestedDefaultDataLength, 8, 0x23, "LE Read Suggested Default Data Length"},
		{OpLEWriteSuggestedDefaultDataLength, 8, 0x24, "LE Write Suggested Default Data Length"},
		{OpLEReadLocalP256PublicKey, 8, 0x25, "LE Read Local P-256 Public Key"},
		{OpLEGenerateDHKey, 8, 0x26, "LE Generate DHKey"},
		{OpLEAddDeviceToResolvingList, 8, 0x27, "LE Add Device To Resolving List"},
		{OpLERemoveDeviceFromResolvingList, 8, 0x28, "LE Remove Device From Resolving List"},
		{OpLEClearResolvingList, 8, 0x29, "LE Clear Resolving List"},
		{OpLEReadResolvingListSize, 8, 0x2A, "LE Read Resolving List Size"},
		{OpLEReadPeerResolvableAddress, 8, 0x2B, "LE Read Peer Resolvable Address"},
		{OpLEReadLocalResolvableAddress, 8, 0x2C, "LE Read Local Resolvable Address"},
		{OpLESetAddressResolutionEnable, 8, 0x2D, "LE Set Address Resolution Enable"},
		{OpLESetResolvablePrivateAddressTimeout, 8, 0x2E, "LE Set Resolvable Private Address Timeout"},
		{OpLEReadMaximumDataLength, 8, 0x2F, "LE Read Maximum Data Length"},
		{OpLEReadPHY, 8, 0x30, "LE Read PHY"},
		{OpLESetDefaultPHY, 8, 0x31, "LE Set Default PHY"},
		{OpLESetPHY, 8, 0x32, "LE Set PHY"},
		{OpLESetAdvertisingSetRandomAddress, 8, 0x35, "LE Set Advertising Set Random Address"},
		{OpLESetExtendedAdvertisingParameters, 8, 0x36, "LE Set Extended Advertising Parameters"},
		{OpLESetExtendedAdvertisingData, 8, 0x37, "LE Set Extended Advertising Data"},
		{OpLESetExtendedScanResponseData, 8, 0x38, "LE Set Extended Scan Response Data"},
		{OpLESetExtendedAdvertisingEnable, 8, 0x39, "LE Set Extended Advertising Enable"},
		{OpLEReadMaximumAdvertisingDataLength, 8, 0x3A, "LE Read Maximum Advertising Data Length"},
		{OpLEReadNumberOfSupportedAdvertisingSets, 8, 0x3B, "LE Read Number Of Supported Advertising Sets"},
		{OpLERemoveAdvertisingSet, 8, 0x3C, "LE Remove Advertising Set"},
		{OpLEClearAdvertisingSets, 8, 0x3D, "LE Clear Advertising Sets"},
		{OpLESetPeriodicAdvertisingParameters, 8, 0x3E, "LE Set Periodic Advertising Parameters"},
		{OpLESetPeriodicAdvertisingData, 8, 0x3F, "LE Set Periodic Advertising Data"},
		{OpLESetPeriodicAdvertisingEnable, 8, 0x40, "LE Set Periodic Advertising Enable"},
		{OpLESetExtendedScanParameters, 8, 0x41, "LE Set Extended Scan Parameters"},
		{OpLESetExtendedScanEnable, 8, 0x42, "LE Set Extended Scan Enable"},
		{OpLEExtendedCreateConnection, 8, 0x43, "LE Extended Create Connection"},
		{OpLEPeriodicAdvertisingCreateSync, 8, 0x44, "LE Periodic Advertising Create Sync"},
		{OpLEPeriodicAdvertisingCreateSyncCancel, 8, 0x45, "LE Periodic Advertising Create Sync Cancel"},
		{OpLEPeriodicAdvertisingTerminateSync, 8, 0x46, "LE Periodic Advertising Terminate Sync"},
		{OpLEAddDeviceToPeriodicAdvertiserList, 8, 0x47, "LE Add Device To Periodic Advertiser List"},
		{OpLERemoveDeviceFromPeriodicAdvertiserList, 8, 0x48, "LE Remove Device From Periodic Advertiser List"},
		{OpLEClearPeriodicAdvertiserList, 8, 0x49, "LE Clear Periodic Advertiser List"},
		{OpLEReadPeriodicAdvertiserListSize, 8, 0x4A, "LE Read Periodic Advertiser List Size"},
		{OpLEReadTransmitPower, 8, 0x4B, "LE Read Transmit Power"},
		{OpLEReadRFPathCompensation, 8, 0x4C, "LE Read RF Path Compensation"},
		{OpLEWriteRFPathCompensation, 8, 0x4D, "LE Write RF Path Compensation"},
		{OpLESetPrivacyMode, 8, 0x4E, "LE Set Privacy Mode"},
		{OpLESetConnectionlessCTETransmitParameters, 8, 0x51, "LE Set Connectionless CTE Transmit Parameters"},
		{OpLESetConnectionlessCTETransmitEnable, 8, 0x52, "LE Set Connectionless CTE Transmit Enable"},
		{OpLESetConnectionlessIQSamplingEnable, 8, 0x53, "LE Set Connectionless IQ Sampling Enable"},
		{OpLESetConnectionCTEReceiveParameters, 8, 0x54, "LE Set Connection CTE Receive Parameters"},
		{OpLESetConnectionCTETransmitParameters, 8, 0x55, "LE Set Connection CTE Transmit Parameters"},
		{OpLEConnectionCTERequestEnable, 8, 0x56, "LE Connection CTE Request Enable"},
		{OpLEConnectionCTEResponseEnable, 8, 0x57, "LE Connection CTE Response Enable"},
		{OpLEReadAntennaInformation, 8, 0x58, "LE Read Antenna Information"},
		{OpLESetPeriodicAdvertisingReceiveEnable, 8, 0x59, "LE Set Periodic Advertising Receive Enable"},
		{OpLEPeriodicAdvertisingSyncTransfer, 8, 0x5A, "LE Periodic Advertising Sync Transfer"},
		{OpLEPeriodicAdvertisingSetInfoTransfer, 8, 0x5B, "LE Periodic Advertising Set Info Transfer"},
		{OpLESetPeriodicAdvertisingSyncTransferParameters, 8, 0x5C, "LE Set Periodic Advertising Sync Transfer Parameters"},
		{OpLESetDefaultPeriodicAdvertisingSyncTransferParameters, 8, 0x5D, "LE Set Default Periodic Advertising Sync Transfer Parameters"},
		{OpLEGenerateDHKeyV2, 8, 0x5E, "LE Generate DHKey [v2]"},
		{OpLEModifySleepClockAccuracy, 8, 0x5F, "LE Modify Sleep Clock Accuracy"},
		{OpLERequestPeerSCA, 8, 0x6D, "LE Request Peer SCA"},
		{OpLESetHostFeature, 8, 0x74, "LE Set Host Feature"},
		{OpLEEnhancedReadTransmitPowerLevel, 8, 0x76, "LE Enhanced Read Transmit Power Level"},
		{OpLEReadRemoteTransmitPowerLevel, 8, 0x77, "LE Read Remote Transmit Power Level"},
		{OpLESetPathLossReportingParameters, 8, 0x78, "LE Set Path Loss Reporting Parameters"},
		{OpLESetPathLossReportingEnable, 8, 0x79, "LE Set Path Loss Reporting Enable"},
		{OpLESetTransmitPowerReportingEnable, 8, 0x7A, "LE Set Transmit Power Reporting Enable"},
		{OpLESetDataRelatedAddressChanges, 8, 0x7C, "LE Set Data Related Address Changes"},
		{OpLESetDefaultSubrate, 8, 0x7D, "LE Set Default Subrate"},
		{OpLESubrateRequest, 8, 0x7E, "LE Subrate Request"},
		{OpLESetExtendedAdvertisingParametersV2, 8, 0x7F, "LE Set Extended Advertising Parameters [v2]"},
		{OpLESetPeriodicAdvertisingSubeventData, 8, 0x82, "LE Set Periodic Advertising Subevent Data"},
		{OpLESetPeriodicAdvertisingResponseData, 8, 0x83, "LE Set Periodic Advertising Response Data"},
		{OpLESetPeriodicSyncSubevent, 8, 0x84, "LE Set Periodic Sync Subevent"},
		{OpLEExtendedCreateConnectionV2, 8, 0x85, "LE Extended Create Connection [v2]"},
		{OpLESetPeriodicAdvertisingParametersV2, 8, 0x86, "LE Set Periodic Advertising Parameters [v2]"},
	} {
		if want := Opcode(c.ogf<<10 | c.ocf); c.op != want {
			t.Errorf("%s is 0x%04X, want 0x%04X", c.name, uint16(c.op), uint16(want))
		}
		if c.op.String() != c.name || !c.op.Known() {
			t.Errorf("0x%04X is %q, known %v", uint16(c.op), c.op, c.op.Known())
		}
	}
	if op := Opcode(0xFC01); op.String() != "command 0xFC01" || op.Known() || AnsweredByStatus(op) {
		t.Errorf("%v, known %v", op, op.Known())
	}
}

// The commands whose descriptions in Vol 4, Part E, 7 say "HCI_Command_Status" under "events generated".
func TestAnsweredByStatus(t *testing.T) {
	byStatus := map[Opcode]bool{OpDisconnect: true, OpReadRemoteVersionInformation: true, OpLECreateConnection: true,
		OpLEConnectionUpdate: true, OpLEReadRemoteFeatures: true, OpLEEnableEncryption: true,
		OpLEReadLocalP256PublicKey: true, OpLEGenerateDHKey: true, OpLEGenerateDHKeyV2: true, OpLESetPHY: true,
		OpLEExtendedCreateConnection: true, OpLEExtendedCreateConnectionV2: true, OpLEPeriodicAdvertisingCreateSync: true,
		OpLERequestPeerSCA: true, OpLEReadRemoteTransmitPowerLevel: true, OpLESubrateRequest: true}
	for op := range opcodeNames {
		if AnsweredByStatus(op) != byStatus[op] {
			t.Errorf("%v: %v", op, !byStatus[op])
		}
		if Unanswered(op) != (op == 0x0C35) {
			t.Errorf("%v: unanswered %v", op, Unanswered(op))
		}
	}
}
