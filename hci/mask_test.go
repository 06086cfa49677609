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
		LEEventMaskConnectionComplete:               EvLEConnectionComplete,
		LEEventMaskAdvertisingReport:                EvLEAdvertisingReport,
		LEEventMaskConnectionUpdateComplete:         EvLEConnectionUpdateComplete,
		LEEventMaskReadRemoteFeaturesComplete:       EvLEReadRemoteFeaturesComplete,
		LEEventMaskLongTermKeyRequest:               EvLELongTermKeyRequest,
		LEEventMaskRemoteConnectionParameterRequest: EvLERemoteConnectionParameterRequest,
		LEEventMaskDataLengthChange:                 EvLEDataLengthChange,
		LEEventMaskEnhancedConnectionComplete:       EvLEEnhancedConnectionComplete,
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
		"LE Encryption": {FeatureLEEncryption, 0},
		"Connection Parameters Request Procedure": {FeatureConnectionParametersRequest, 1},
		"LE Data Packet Length Extension":         {FeatureLEDataPacketLengthExtension, 5},
		"LL Privacy":                              {FeatureLLPrivacy, 6},
		"LE 2M PHY":                               {FeatureLE2MPHY, 8},
		"LE Coded PHY":                            {FeatureLECodedPHY, 11},
		"LE Extended Advertising":                 {FeatureLEExtendedAdvertising, 12},
		"BR/EDR Not Supported":                    {LMPFeatureBREDRNotSupported, 37},
		"LE Supported (Controller)":               {LMPFeatureLESupported, 38},
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
