package virtual

import "github.com/jelling-ble/jelling/hci"

// Versions of the Core Specification, as controllers number them (Assigned Numbers, 2.1).
const (
	version40 = 0x06
	version50 = 0x09
	version54 = 0x0D
)

// versionFeatures are the LE features that each version of the Core Specification brought, of those that this radio has.
var versionFeatures = []struct {
	version  uint8
	features uint64
}{
	{version40, hci.FeatureLEEncryption},
	{0x07, hci.FeatureConnectionParametersRequest | hci.FeatureExtendedRejectIndication | hci.FeaturePeripheralInitiatedFeaturesExchange},
	{0x08, hci.FeatureLEDataPacketLengthExtension | hci.FeatureLLPrivacy | hci.FeatureExtendedScanningFilterPolicies},
	{version50, hci.FeatureLE2MPHY | hci.FeatureLECodedPHY | extendedFeature | periodicFeature},
	{0x0A, transferSender | transferRecipient},
	{0x0B, hci.FeatureLEPowerControlRequest | hci.FeatureLEPowerControlRequest<<1},
	{0x0C, hci.FeatureConnectionSubrating},
}

// featuresOf is what a controller of that version has.
func featuresOf(version uint8) (features uint64) {
	for _, v := range versionFeatures {
		if v.version <= version {
			features |= v.features
		}
	}
	return features
}

// features are the controller's and those for which its host has spoken.
func (c *Controller) features() uint64 { return c.config.Features | c.hostFeatures }

// has tells whether the controller has one of these features.
func (c *Controller) has(features uint64) bool { return c.features()&features != 0 }

var featureCommands = map[hci.Opcode]command{
	hci.OpLESetHostFeature: {length: 2, octet: 44, bit: 1, complete: (*Controller).setHostFeature},
}

// setHostFeature tells the controller what its host can do. There must be no connection yet (Vol 4, Part E, 7.8.115).
func (c *Controller) setHostFeature(p, r []byte) ([]byte, hci.Status) {
	q, err := hci.ParseLESetHostFeature(p)
	bit := uint64(1) << q.Bit
	switch {
	case err != nil, p[1] > 1:
		return r, hci.InvalidHCICommandParameters
	case bit != hci.FeatureConnectionSubratingHostSupport || !c.has(hci.FeatureConnectionSubrating):
		return r, hci.UnsupportedFeatureOrParameter
	case len(c.ends) > 0:
		return r, hci.CommandDisallowed
	}
	c.hostFeatures &^= bit
	if q.Supported {
		c.hostFeatures |= bit
	}
	return r, hci.Success
}
