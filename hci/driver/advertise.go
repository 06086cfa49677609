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
	return c.advertise(ctx,
		hci.LESetAdvertisingParameters{IntervalMin: p.IntervalMin, IntervalMax: p.IntervalMax, Type: p.Type,
			OwnAddressType: byte(c.OwnAddress().Type), Peer: p.Peer, ChannelMap: allChannels},
		hci.LESetAdvertisingData{Data: p.Data},
		hci.LESetScanResponseData{Data: p.ScanResponse},
		hci.LESetAdvertisingEnable{Enable: true})
}

// StopAdvertising ends advertising; it does nothing where there is none.
func (c *Controller) StopAdvertising(ctx context.Context) error {
	return c.advertise(ctx, hci.LESetAdvertisingEnable{Enable: false})
}

func (c *Controller) advertise(ctx context.Context, commands ...hci.Command) error {
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	ctx = context.WithoutCancel(ctx) // not to be left half-way
	for _, cmd := range commands {
		if _, err := c.Do(ctx, cmd); err != nil {
			return err
		}
	}
	return nil
}
