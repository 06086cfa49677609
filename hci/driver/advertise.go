package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// AdvertiseParameters are how and what to advertise.
type AdvertiseParameters struct {
	IntervalMin, IntervalMax uint16 // 0.625 ms; if zero, 100 ms and the minimum
	Type                     hci.AdvertisingType
	Peer                     hci.Address // of directed advertising
	Data, ScanResponse       []byte      // at most 31 octets each
}

// StartAdvertising advertises until StopAdvertising or until a peer connects, which ends it in the
// controller. One that advertises already refuses it with hci.CommandDisallowed.
func (c *Controller) StartAdvertising(ctx context.Context, p AdvertiseParameters) error {
	if len(p.Data) > hci.MaxAdvertisingData || len(p.ScanResponse) > hci.MaxAdvertisingData {
		return &CommandError{hci.OpLESetAdvertisingData, hci.PacketTooLong}
	}
	if p.IntervalMin == 0 {
		p.IntervalMin = 160
	}
	p.IntervalMax = max(p.IntervalMin, p.IntervalMax)
	const allChannels = 0b111
	how := hci.LESetAdvertisingParameters{IntervalMin: p.IntervalMin, IntervalMax: p.IntervalMax, Type: p.Type, Peer: p.Peer, ChannelMap: allChannels}
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	how.OwnAddressType = c.ownAddressType()
	ends := c.advertisingEnds.Load() // a peer that connects at once ends it before we are told that it has begun
	err := c.doAll(how, hci.LESetAdvertisingData{Data: p.Data}, hci.LESetScanResponseData{Data: p.ScanResponse}, hci.LESetAdvertisingEnable{Enable: true})
	if err == nil {
		c.advertiser = advertiser{on: true, how: how, ends: ends}
	}
	return err
}

// StopAdvertising ends advertising; it does nothing where there is none.
func (c *Controller) StopAdvertising(ctx context.Context) error {
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	c.advertiser.on = false
	return c.enableAdvertising(false)
}

// doAll sends commands up to the first error, whoever has gone meanwhile: they are not to be left half-way.
func (c *Controller) doAll(commands ...hci.Command) error {
	for _, cmd := range commands {
		if _, err := c.Do(context.Background(), cmd); err != nil {
			return err
		}
	}
	return nil
}
