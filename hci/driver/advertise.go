package driver

import (
	"context"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

// AdvertiseParameters are how and what to advertise.
type AdvertiseParameters struct {
	IntervalMin, IntervalMax uint16 // 0.625 ms; if zero, 100 ms and the minimum
	Type                     hci.AdvertisingType
	Peer                     hci.Address // of directed advertising
	Data, ScanResponse       []byte      // at most 31 octets each
}

// legacyProperties are the properties of a set that advertises as a type of legacy advertising.
var legacyProperties = [...]hci.AdvertisingProperties{hci.AdvInd: hci.LegacyAdvInd, hci.AdvDirectIndHigh: hci.LegacyAdvDirectIndHigh,
	hci.AdvScanInd: hci.LegacyAdvScanInd, hci.AdvNonconnInd: hci.LegacyAdvNonconnInd, hci.AdvDirectIndLow: hci.LegacyAdvDirectIndLow}

// StartAdvertising advertises by legacy advertisements until StopAdvertising or until a peer connects, which
// ends it in the controller; it has a set of its own for that, whatever the family. One that advertises
// already refuses it with hci.CommandDisallowed.
func (c *Controller) StartAdvertising(ctx context.Context, p AdvertiseParameters) error {
	if len(p.Data) > hci.MaxAdvertisingData || len(p.ScanResponse) > hci.MaxAdvertisingData {
		return &CommandError{hci.OpLESetAdvertisingData, hci.PacketTooLong}
	}
	if int(p.Type) >= len(legacyProperties) {
		return &CommandError{c.advertiseOpcode(), hci.InvalidHCICommandParameters}
	}
	q := AdvertisingParameters{Properties: legacyProperties[p.Type], IntervalMin: uint32(p.IntervalMin), IntervalMax: uint32(p.IntervalMax), Peer: p.Peer}
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	s := c.plain
	if s == nil {
		s = &AdvertisingSet{c: c, handler: unheard{}}
		if !c.addSet(s) {
			return &CommandError{c.advertiseOpcode(), hci.MemoryCapacityExceeded}
		}
		c.plain = s
	} else if c.info.Extended() { // its data may be none that the new type can have
		if err := c.sequence(hci.LERemoveAdvertisingSet{AdvertisingHandle: s.handle}); err != nil && !errors.Is(err, hci.UnknownAdvertisingIdentifier) {
			return err
		}
	}
	return steps(
		func() error { return s.setParameters(q) },
		func() error { return s.setFresh(p.Data, false) },
		func() error { return s.setFresh(p.ScanResponse, true) },
		func() error { return s.start(AdvertisingLimits{}) },
	)
}

// setFresh sets the data of a set that is new, and so has none.
func (s *AdvertisingSet) setFresh(data []byte, response bool) error {
	if s.c.info.Extended() && len(data) == 0 {
		return nil
	}
	return s.setData(data, response)
}

// StopAdvertising ends what StartAdvertising began; it does nothing where there is none.
func (c *Controller) StopAdvertising(ctx context.Context) error {
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	if c.plain == nil {
		return c.Err()
	}
	return c.plain.disable()
}
