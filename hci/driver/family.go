package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// Between two resets a controller takes either the legacy or the extended commands for advertising, scanning
// and initiating, and refuses the other family once it has heard one (Vol 4, Part E, 3.1.1). So the choice is
// made once, by what it says it has, for all three.

// extendedCommands are what the extended family can't do without.
var extendedCommands = [...]hci.Opcode{
	hci.OpLESetExtendedScanParameters, hci.OpLESetExtendedScanEnable,
	hci.OpLESetExtendedAdvertisingParameters, hci.OpLESetExtendedAdvertisingData, hci.OpLESetExtendedScanResponseData,
	hci.OpLESetExtendedAdvertisingEnable, hci.OpLESetAdvertisingSetRandomAddress, hci.OpLERemoveAdvertisingSet,
	hci.OpLEExtendedCreateConnection,
}

// Extended tells whether the controller has the extended family of commands, in whole; then that is used, and
// else the legacy one.
func (i Info) Extended() bool {
	if i.Features&hci.FeatureLEExtendedAdvertising == 0 {
		return false
	}
	for _, op := range extendedCommands {
		if !i.Commands.Supports(op) {
			return false
		}
	}
	return true
}

// Coded tells whether the controller scans, advertises and initiates on LE Coded.
func (i Info) Coded() bool { return i.Extended() && i.Features&hci.FeatureLECodedPHY != 0 }

// Periodic tells whether the controller advertises periodically, and follows those that do.
func (i Info) Periodic() bool {
	return i.Extended() && i.Features&hci.FeatureLEPeriodicAdvertising != 0
}

// PeriodicADI tells whether the controller knows by an ID in periodic advertising whether its data have changed.
func (i Info) PeriodicADI() bool {
	return i.Periodic() && i.Features&hci.FeaturePeriodicAdvertisingADI != 0
}

// readExtended asks what the extended family is limited to. One that does not say has what it must: one set
// with the data of legacy advertising.
func (c *Controller) readExtended(ctx context.Context) error {
	i := &c.info
	i.AdvertisingSets, i.MaxAdvertisingData = 1, hci.MaxAdvertisingData
	if !i.Extended() {
		return nil
	}
	return steps(
		ask1(ctx, c, hci.LEReadNumberOfSupportedAdvertisingSets, false, func(b []byte) (int, error) {
			n, err := hci.ParseAdvertisingSets(b)
			return max(1, int(n)), err
		}, &i.AdvertisingSets),
		ask1(ctx, c, hci.LEReadMaximumAdvertisingDataLength, false, func(b []byte) (int, error) {
			n, err := hci.ParseMaximumAdvertisingDataLength(b)
			return min(max(hci.MaxAdvertisingData, int(n)), maxAdvertisingData), err
		}, &i.MaxAdvertisingData),
	)
}

// unsupported is the error for what the controller does not have: what it would answer itself.
func unsupported(op hci.Opcode) error {
	return &CommandError{op, hci.UnsupportedFeatureOrParameter}
}

// sequence sends commands one after the other, to the end, since a controller is not to be left half-way. The
// radio token is held.
func (c *Controller) sequence(commands ...hci.Command) error {
	for _, cmd := range commands {
		if _, err := c.Do(context.Background(), cmd); err != nil {
			return err
		}
	}
	return nil
}
