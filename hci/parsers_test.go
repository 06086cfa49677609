package hci

// The parsers of what is beyond legacy advertising, scanning and connecting, for the tests that try all.

func laterCommandParsers(op Opcode) []func([]byte) (any, error) {
	return []func([]byte) (any, error){
		parseIdentity(op), parsePHY(op), parsePeriodicAdvertiser(op),
		parser(ParseLESetExtendedAdvertisingParameters),
		parser(ParseLESetExtendedAdvertisingParametersV2),
		parser(ParseLESetAdvertisingSetRandomAddress),
		parser(ParseLESetExtendedAdvertisingData),
		parser(ParseLESetExtendedScanResponseData),
		parser(ParseLESetExtendedAdvertisingEnable),
		parser(ParseLERemoveAdvertisingSet),
		parser(ParseLESetDataRelatedAddressChanges),
		parser(ParseLESetExtendedScanParameters),
		parser(ParseLESetExtendedScanEnable),
		parser(ParseLEExtendedCreateConnection),
		parser(ParseLEExtendedCreateConnectionV2),
		parser(ParseLEAddDeviceToResolvingList),
		parser(ParseLESetAddressResolutionEnable),
		parser(ParseLESetResolvablePrivateAddressTimeout),
		parser(ParseLESetPrivacyMode),
		parser(ParseLESetDefaultPHY),
		parser(ParseLESetPHY),
		parser(ParseLESetDataLength),
		parser(ParseLEWriteSuggestedDefaultDataLength),
		parser(ParseSetControllerToHostFlowControl),
		parser(ParseHostBufferSize),
		parser(ParseHostNumberOfCompletedPackets),
		parser(ParseLESetHostChannelClassification),
		parser(ParseLEModifySleepClockAccuracy),
		parser(ParseLESetHostFeature),
		parser(ParseLESetDefaultSubrate),
		parser(ParseLESubrateRequest),
		parser(ParseReadTransmitPowerLevel),
		parser(ParseLEWriteRFPathCompensation),
		parser(ParseLESetPathLossReportingParameters),
		parser(ParseLESetPathLossReportingEnable),
		parser(ParseLESetTransmitPowerReportingEnable),
		parser(ParseLEGenerateDHKey),
		parser(ParseLEGenerateDHKeyV2),
		parser(ParseSetEventMaskPage2),
		parser(ParseWriteAuthenticatedPayloadTimeout),
		parser(ParseLESetPeriodicAdvertisingParameters),
		parser(ParseLESetPeriodicAdvertisingParametersV2),
		parser(ParseLESetPeriodicAdvertisingData),
		parser(ParseLESetPeriodicAdvertisingEnable),
		parser(ParseLEPeriodicAdvertisingCreateSync),
		parser(ParseLEPeriodicAdvertisingTerminateSync),
		parser(ParseLESetPeriodicAdvertisingReceiveEnable),
		parser(ParseLEPeriodicAdvertisingSyncTransfer),
		parser(ParseLEPeriodicAdvertisingSetInfoTransfer),
		parser(ParseLESetPeriodicAdvertisingSyncTransferParameters),
		parser(ParseLESetDefaultPeriodicAdvertisingSyncTransferParameters),
	}
}

func laterEventParsers() []func([]byte) (any, error) {
	return []func([]byte) (any, error){
		parser(ParseDataBufferOverflow),
		parser(ParseAuthenticatedPayloadTimeoutExpired),
		parser(ParseEncryptionChangeV2),
	}
}

func laterMetaParsers() []func([]byte) (any, error) {
	return []func([]byte) (any, error){
		parser(ParseLEAdvertisingSetTerminated),
		parser(ParseLEScanRequestReceived),
		parser(ParseLEExtendedAdvertisingReport),
		parser(ParseLEDirectedAdvertisingReport),
		parser(ParseLEEnhancedConnectionCompleteV2),
		parser(ParseLEPHYUpdateComplete),
		parser(ParseLEDataLengthChange),
		parser(ParseLEChannelSelectionAlgorithm),
		parser(ParseLERequestPeerSCAComplete),
		parser(ParseLESubrateChange),
		parser(ParseLEPathLossThreshold),
		parser(ParseLETransmitPowerReporting),
		parser(ParseLEReadLocalP256PublicKeyComplete),
		parser(ParseLEGenerateDHKeyComplete),
		parser(ParseLEPeriodicAdvertisingSyncEstablished),
		parser(ParseLEPeriodicAdvertisingSyncEstablishedV2),
		parser(ParseLEPeriodicAdvertisingSyncLost),
		parser(ParseLEPeriodicAdvertisingReport),
		parser(ParseLEPeriodicAdvertisingReportV2),
		parser(ParseLEPeriodicAdvertisingSyncTransferReceived),
		parser(ParseLEPeriodicAdvertisingSyncTransferReceivedV2),
	}
}

func laterReturnParsers() []func([]byte) (any, error) {
	return []func([]byte) (any, error){
		parser(ParseConnectionPHY),
		parser(ParseSuggestedDefaultDataLength),
		parser(ParseMaximumDataLength),
		parser(ParseConnectionChannels),
		parser(ParseRSSI),
		parser(ParseTransmitPowerLevel),
		parser(ParseTransmitPower),
		parser(ParseRFPathCompensation),
		parser(ParseEnhancedTransmitPowerLevel),
		parser(ParseAuthenticatedPayloadTimeout),
	}
}
