package hci

import (
	"math/bits"
	"testing"
)

// Bit n of the event mask is event n+1, up to 0x3F where the masks of later events begin anew (Vol 4,
// Part E, 7.3.1); LE Meta is bit 61.
func TestEventMaskBits(t *testing.T) {
	for bit, event := range map[uint64]EventCode{
		EventMaskDisconnectionComplete:                EvDisconnectionComplete,
		EventMaskEncryptionChange:                     EvEncryptionChange,
		EventMaskReadRemoteVersionInformationComplete: EvReadRemoteVersionInformationComplete,
		EventMaskHardwareError:                        EvHardwareError,
		EventMaskDataBufferOverflow:                   EvDataBufferOverflow,
		EventMaskEncryptionKeyRefreshComplete:         EvEncryptionKeyRefreshComplete,
		EventMaskLEMeta:                               EvLEMeta,
	} {
		if bits.OnesCount64(bit) != 1 || bits.TrailingZeros64(bit)+1 != int(event) {
			t.Errorf("%v (0x%02X) has bit %d", event, uint8(event), bits.TrailingZeros64(bit))
		}
	}
}

// Bit n of the LE event mask is subevent n+1 (Vol 4, Part E, 7.8.1).
func TestLEEventMaskBits(t *testing.T) {
	for bit, subevent := range map[uint64]Subevent{
		LEEventMaskConnectionComplete:                        EvLEConnectionComplete,
		LEEventMaskAdvertisingReport:                         EvLEAdvertisingReport,
		LEEventMaskConnectionUpdateComplete:                  EvLEConnectionUpdateComplete,
		LEEventMaskReadRemoteFeaturesComplete:                EvLEReadRemoteFeaturesComplete,
		LEEventMaskLongTermKeyRequest:                        EvLELongTermKeyRequest,
		LEEventMaskRemoteConnectionParameterRequest:          EvLERemoteConnectionParameterRequest,
		LEEventMaskDataLengthChange:                          EvLEDataLengthChange,
		LEEventMaskReadLocalP256PublicKeyComplete:            EvLEReadLocalP256PublicKeyComplete,
		LEEventMaskGenerateDHKeyComplete:                     EvLEGenerateDHKeyComplete,
		LEEventMaskEnhancedConnectionComplete:                EvLEEnhancedConnectionComplete,
		LEEventMaskDirectedAdvertisingReport:                 EvLEDirectedAdvertisingReport,
		LEEventMaskPHYUpdateComplete:                         EvLEPHYUpdateComplete,
		LEEventMaskExtendedAdvertisingReport:                 EvLEExtendedAdvertisingReport,
		LEEventMaskPeriodicAdvertisingSyncEstablished:        EvLEPeriodicAdvertisingSyncEstablished,
		LEEventMaskPeriodicAdvertisingReport:                 EvLEPeriodicAdvertisingReport,
		LEEventMaskPeriodicAdvertisingSyncLost:               EvLEPeriodicAdvertisingSyncLost,
		LEEventMaskScanTimeout:                               EvLEScanTimeout,
		LEEventMaskAdvertisingSetTerminated:                  EvLEAdvertisingSetTerminated,
		LEEventMaskScanRequestReceived:                       EvLEScanRequestReceived,
		LEEventMaskChannelSelectionAlgorithm:                 EvLEChannelSelectionAlgorithm,
		LEEventMaskConnectionlessIQReport:                    EvLEConnectionlessIQReport,
		LEEventMaskConnectionIQReport:                        EvLEConnectionIQReport,
		LEEventMaskCTERequestFailed:                          EvLECTERequestFailed,
		LEEventMaskPeriodicAdvertisingSyncTransferReceived:   EvLEPeriodicAdvertisingSyncTransferReceived,
		LEEventMaskRequestPeerSCAComplete:                    EvLERequestPeerSCAComplete,
		LEEventMaskPathLossThreshold:                         EvLEPathLossThreshold,
		LEEventMaskTransmitPowerReporting:                    EvLETransmitPowerReporting,
		LEEventMaskSubrateChange:                             EvLESubrateChange,
		LEEventMaskPeriodicAdvertisingSyncEstablishedV2:      EvLEPeriodicAdvertisingSyncEstablishedV2,
		LEEventMaskPeriodicAdvertisingReportV2:               EvLEPeriodicAdvertisingReportV2,
		LEEventMaskPeriodicAdvertisingSyncTransferReceivedV2: EvLEPeriodicAdvertisingSyncTransferReceivedV2,
		LEEventMaskPeriodicAdvertisingSubeventDataRequest:    EvLEPeriodicAdvertisingSubeventDataRequest,
		LEEventMaskPeriodicAdvertisingResponseReport:         EvLEPeriodicAdvertisingResponseReport,
		LEEventMaskEnhancedConnectionCompleteV2:              EvLEEnhancedConnectionCompleteV2,
	} {
		if bits.OnesCount64(bit) != 1 || bits.TrailingZeros64(bit)+1 != int(subevent) {
			t.Errorf("%v (0x%02X) has bit %d", subevent, uint8(subevent), bits.TrailingZeros64(bit))
		}
	}
}

// Feature bits by their numbers: LE in Vol 6, Part B, 4.6, LMP in Vol 2, Part C, 3.3. Octets go out least
// significant first, so bit 37 is bit 5 of the fifth octet.
func TestFeatureBits(t *testing.T) {
	for name, c := range map[string]struct {
		bit    uint64
		number int
	}{
		"LEEncryption":                                 {FeatureLEEncryption, 0},
		"Connection Parameters Request":                {FeatureConnectionParametersRequest, 1},
		"Extended Reject Indication":                   {FeatureExtendedRejectIndication, 2},
		"Peripheral Initiated Features Exchange":       {FeaturePeripheralInitiatedFeaturesExchange, 3},
		"LEPing":                                       {FeatureLEPing, 4},
		"LEData Packet Length Extension":               {FeatureLEDataPacketLengthExtension, 5},
		"LLPrivacy":                                    {FeatureLLPrivacy, 6},
		"Extended Scanning Filter Policies":            {FeatureExtendedScanningFilterPolicies, 7},
		"LE2MPHY":                                      {FeatureLE2MPHY, 8},
		"Stable Modulation Index Transmitter":          {FeatureStableModulationIndexTransmitter, 9},
		"Stable Modulation Index Receiver":             {FeatureStableModulationIndexReceiver, 10},
		"LECoded PHY":                                  {FeatureLECodedPHY, 11},
		"LEExtended Advertising":                       {FeatureLEExtendedAdvertising, 12},
		"LEPeriodic Advertising":                       {FeatureLEPeriodicAdvertising, 13},
		"Channel Selection Algorithm 2":                {FeatureChannelSelectionAlgorithm2, 14},
		"LEPower Class 1":                              {FeatureLEPowerClass1, 15},
		"Minimum Number Of Used Channels":              {FeatureMinimumNumberOfUsedChannels, 16},
		"Connection CTERequest":                        {FeatureConnectionCTERequest, 17},
		"Connection CTEResponse":                       {FeatureConnectionCTEResponse, 18},
		"Connectionless CTETransmitter":                {FeatureConnectionlessCTETransmitter, 19},
		"Connectionless CTEReceiver":                   {FeatureConnectionlessCTEReceiver, 20},
		"Antenna Switching Transmission":               {FeatureAntennaSwitchingTransmission, 21},
		"Antenna Switching Reception":                  {FeatureAntennaSwitchingReception, 22},
		"Receiving Constant Tone Extensions":           {FeatureReceivingConstantToneExtensions, 23},
		"Periodic Advertising Sync Transfer Sender":    {FeaturePeriodicAdvertisingSyncTransferSender, 24},
		"Periodic Advertising Sync Transfer Recipient": {FeaturePeriodicAdvertisingSyncTransferRecipient, 25},
		"Sleep Clock Accuracy Updates":                 {FeatureSleepClockAccuracyUpdates, 26},
		"Remote Public Key Validation":                 {FeatureRemotePublicKeyValidation, 27},
		"CISCentral":                                   {FeatureCISCentral, 28},
		"CISPeripheral":                                {FeatureCISPeripheral, 29},
		"Isochronous Broadcaster":                      {FeatureIsochronousBroadcaster, 30},
		"Synchronized Receiver":                        {FeatureSynchronizedReceiver, 31},
		"CISHost Support":                              {FeatureCISHostSupport, 32},
		"LEPower Control Request":                      {FeatureLEPowerControlRequest, 33},
		"LEPath Loss Monitoring":                       {FeatureLEPathLossMonitoring, 35},
		"Periodic Advertising ADI":                     {FeaturePeriodicAdvertisingADI, 36},
		"Connection Subrating":                         {FeatureConnectionSubrating, 37},
		"Connection Subrating Host Support":            {FeatureConnectionSubratingHostSupport, 38},
		"Channel Classification":                       {FeatureChannelClassification, 39},
		"Advertising Coding Selection":                 {FeatureAdvertisingCodingSelection, 40},
		"Advertising Coding Selection Host Support":    {FeatureAdvertisingCodingSelectionHostSupport, 41},
		"PAw RAdvertiser":                              {FeaturePAwRAdvertiser, 43},
		"PAw RScanner":                                 {FeaturePAwRScanner, 44},
		"BR/EDR Not Supported":                         {LMPFeatureBREDRNotSupported, 37},
		"LE Supported (Controller)":                    {LMPFeatureLESupported, 38},
	} {
		if c.bit != 1<<c.number {
			t.Errorf("%s is 0x%X, want bit %d", name, c.bit, c.number)
		}
	}
	features, err := ParseFeatures(OpReadLocalSupportedFeatures, []byte{0, 0, 0, 0, 1<<5 | 1<<6, 0, 0, 0})
	if err != nil || features != LMPFeatureBREDRNotSupported|LMPFeatureLESupported {
		t.Errorf("%x, %v", features, err)
	}
}
