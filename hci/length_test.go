package hci

import "testing"

// The parameter lengths of commands, as their tables in Vol 4, Part E, 7 add up. A controller refuses any
// other (InvalidHCICommandParameters).
func TestCommandLengths(t *testing.T) {
	for _, c := range []struct {
		command Command
		length  int
	}{
		{Disconnect{}, 3},
		{ReadRemoteVersionInformation(0), 2},
		{SetEventMask{}, 8},
		{Reset, 0},
		{WriteLEHostSupport{}, 2},
		{ReadLocalVersionInformation, 0},
		{ReadLocalSupportedCommands, 0},
		{ReadLocalSupportedFeatures, 0},
		{ReadBufferSize, 0},
		{ReadBDADDR, 0},
		{LESetEventMask{}, 8},
		{LEReadBufferSize, 0},
		{LEReadLocalSupportedFeatures, 0},
		{LESetRandomAddress{}, 6},
		{LESetAdvertisingParameters{}, 15},
		{LESetAdvertisingData{}, 32},
		{LESetScanResponseData{}, 32},
		{LESetAdvertisingEnable{}, 1},
		{LESetScanParameters{}, 7},
		{LESetScanEnable{}, 2},
		{LECreateConnection{}, 25},
		{LECreateConnectionCancel, 0},
		{LEReadFilterAcceptListSize, 0},
		{LEClearFilterAcceptList, 0},
		{LEAddDeviceToFilterAcceptList(Address{}), 7},
		{LERemoveDeviceFromFilterAcceptList(Address{}), 7},
		{LEConnectionUpdate{}, 14},
		{LEReadRemoteFeatures(0), 2},
		{LEEncrypt{}, 32},
		{LERand, 0},
		{LEEnableEncryption{}, 28},
		{LELongTermKeyRequestReply{}, 18},
		{LELongTermKeyRequestNegativeReply(0), 2},
		{LEReadSupportedStates, 0},
		{LERemoteConnectionParameterRequestReply{}, 14},
		{LERemoteConnectionParameterRequestNegativeReply{}, 3},
		{HostBufferSize{}, 7},
		{HostCompletedPacketsOf(CompletedPackets{}), 5},
		{LESetExtendedAdvertisingParameters{}, 25},
		{LESetExtendedAdvertisingParametersV2{}, 27},
		{LESetExtendedAdvertisingData{}, 4},
		{LESetExtendedAdvertisingEnable{Sets: make([]EnabledSet, 1)}, 6},
		{LESetExtendedScanParameters{Scan: []PHYScan{{PHY: LE1M}, {PHY: LECoded}}}, 13},
		{LESetExtendedScanEnable{}, 6},
		{LEExtendedCreateConnection{Connect: []PHYConnect{{PHY: LE1M}}}, 26},
		{LEExtendedCreateConnectionV2{LEExtendedCreateConnection: LEExtendedCreateConnection{Connect: []PHYConnect{{PHY: LE1M}}}}, 28},
		{LEAddDeviceToResolvingList{}, 39},
		{LESetPrivacyMode{}, 8},
		{LESetPHY{}, 7},
		{LESetDataLength{}, 6},
		{LESubrateRequest{}, 12},
		{LESetPathLossReportingParameters{}, 8},
		{LESetPeriodicAdvertisingParameters{}, 7},
		{LESetPeriodicAdvertisingParametersV2{}, 12},
		{LEPeriodicAdvertisingCreateSync{}, 14},
		{LESetPeriodicAdvertisingSyncTransferParameters{}, 8},
		{LEGenerateDHKey{}, 64},
		{LEGenerateDHKeyV2{}, 65},
	} {
		if got := len(c.command.AppendTo(nil)); got != c.length {
			t.Errorf("%v: %d octets, want %d", c.command.Opcode(), got, c.length)
		}
		if !c.command.Opcode().Known() {
			t.Errorf("%v has no name", c.command.Opcode())
		}
	}
}

// The parameter lengths of events, subevent codes included.
func TestEventLengths(t *testing.T) {
	for _, c := range []struct {
		event  EventParameters
		length int
	}{
		{DisconnectionComplete{}, 4},
		{EncryptionChange{}, 4},
		{ReadRemoteVersionInformationComplete{}, 8},
		{CommandComplete{}, 3},
		{CommandStatus{}, 4},
		{HardwareError{}, 1},
		{CompletedPacketsOf(CompletedPackets{}), 5},
		{EncryptionKeyRefreshComplete{}, 3},
		{LEConnectionComplete{}, 19},
		{LEAdvertisingReport{[]AdvertisingReport{{}}}, 12},
		{LEAdvertisingReport{[]AdvertisingReport{{Data: make([]byte, 31)}}}, 43},
		{LEConnectionUpdateComplete{}, 10},
		{LEReadRemoteFeaturesComplete{}, 12},
		{LELongTermKeyRequest{}, 13},
		{LERemoteConnectionParameterRequest{}, 11},
		{LEEnhancedConnectionComplete{}, 31},
		{LEEnhancedConnectionCompleteV2{}, 34},
		{LEDataLengthChange{}, 11},
		{LEPHYUpdateComplete{}, 6},
		{LEExtendedAdvertisingReport{[]ExtendedAdvertisingReport{{}}}, 26},
		{LEDirectedAdvertisingReport{[]DirectedReport{{}}}, 18},
		{LEAdvertisingSetTerminated{}, 6},
		{LEScanRequestReceived{}, 9},
		{LEPeriodicAdvertisingSyncEstablished{}, 16},
		{LEPeriodicAdvertisingSyncEstablishedV2{}, 20},
		{LEPeriodicAdvertisingReport{}, 8},
		{LEPeriodicAdvertisingReportV2{}, 11},
		{LEPeriodicAdvertisingSyncTransferReceived{}, 20},
		{LEPeriodicAdvertisingSyncTransferReceivedV2{}, 24},
		{LETransmitPowerReporting{}, 9},
		{LESubrateChange{}, 12},
		{LEReadLocalP256PublicKeyComplete{}, 66},
		{LEGenerateDHKeyComplete{}, 34},
		{EncryptionChangeV2{}, 5},
	} {
		if got := len(c.event.AppendTo(nil)); got != c.length {
			t.Errorf("%T: %d octets, want %d", c.event, got, c.length)
		}
	}
}

// The lengths of return parameters, without their status.
func TestReturnLengths(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  appender
		length int
	}{
		{"Read Local Version Information", LocalVersion{}, 8},
		{"Read Buffer Size", BufferSize{}, 7},
		{"LE Read Buffer Size", LEBufferSize{}, 3},
	} {
		if got := len(c.value.AppendTo(nil)); got != c.length {
			t.Errorf("%s: %d octets, want %d", c.name, got, c.length)
		}
	}
}
