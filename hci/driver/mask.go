package driver

import (
	"context"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

// eventMask is every event outside LE Meta that the loop handles and that a mask has a bit for.
const eventMask = hci.EventMaskDisconnectionComplete | hci.EventMaskEncryptionChange |
	hci.EventMaskReadRemoteVersionInformationComplete | hci.EventMaskHardwareError | hci.EventMaskDataBufferOverflow |
	hci.EventMaskEncryptionKeyRefreshComplete | hci.EventMaskLEMeta

// leEvents are the LE events that the loop handles, each with when the controller is asked for it: nil is always. A
// controller is told of no bit that it may not know, since older ones refuse those.
var leEvents = []struct {
	bits uint64
	when func(*Controller) bool
}{
	{hci.LEEventMaskConnectionComplete | hci.LEEventMaskAdvertisingReport | hci.LEEventMaskConnectionUpdateComplete |
		hci.LEEventMaskReadRemoteFeaturesComplete | hci.LEEventMaskLongTermKeyRequest, nil},
	{hci.LEEventMaskRemoteConnectionParameterRequest, has(hci.FeatureConnectionParametersRequest)},
	{hci.LEEventMaskDataLengthChange, has(hci.FeatureLEDataPacketLengthExtension)},
	{hci.LEEventMaskPHYUpdateComplete, has(hci.FeatureLE2MPHY | hci.FeatureLECodedPHY)},
	{hci.LEEventMaskTransmitPowerReporting, has(hci.FeatureLEPowerControlRequest)},
	{hci.LEEventMaskSubrateChange, has(hci.FeatureConnectionSubrating)},
	// The plain one has no place for private addresses.
	{hci.LEEventMaskEnhancedConnectionComplete, (*Controller).CanResolve},
	{hci.LEEventMaskDirectedAdvertisingReport, has(hci.FeatureExtendedScanningFilterPolicies)},
	{hci.LEEventMaskExtendedAdvertisingReport | hci.LEEventMaskAdvertisingSetTerminated | hci.LEEventMaskScanRequestReceived,
		func(c *Controller) bool { return c.info.Extended() }},
	{hci.LEEventMaskPeriodicAdvertisingSyncEstablished | hci.LEEventMaskPeriodicAdvertisingReport | hci.LEEventMaskPeriodicAdvertisingSyncLost,
		func(c *Controller) bool { return c.info.Periodic() }},
	{hci.LEEventMaskPeriodicAdvertisingSyncTransferReceived, has(hci.FeaturePeriodicAdvertisingSyncTransferRecipient)},
	{hci.LEEventMaskPeriodicAdvertisingSubeventDataRequest | hci.LEEventMaskPeriodicAdvertisingResponseReport, has(hci.FeaturePAwRAdvertiser)},
	{hci.LEEventMaskPeriodicAdvertisingSyncEstablishedV2 | hci.LEEventMaskPeriodicAdvertisingReportV2 |
		hci.LEEventMaskPeriodicAdvertisingSyncTransferReceivedV2, has(hci.FeaturePAwRScanner)},
}

// has asks for any of these LE features.
func has(feature uint64) func(*Controller) bool {
	return func(c *Controller) bool { return c.info.Features&feature != 0 }
}

// setMasks asks for the events that the loop handles, and for no others.
func (c *Controller) setMasks(ctx context.Context) error {
	le := uint64(0)
	for _, e := range leEvents {
		if e.when == nil || e.when(c) {
			le |= e.bits
		}
	}
	for _, cmd := range []hci.Command{hci.SetEventMask{Mask: eventMask}, hci.LESetEventMask{Mask: le}} {
		if _, err := c.Do(ctx, cmd); err != nil && !errors.Is(err, hci.UnknownHCICommand) {
			return err
		}
	}
	return nil // a controller that knows no masks tells everything
}
