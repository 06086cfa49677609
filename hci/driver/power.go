package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// RSSI is how strongly the peer is heard, in dBm; ok is false where the controller does not know (Vol 4, Part E, 7.5.4).
func (c *Conn) RSSI(ctx context.Context) (dBm int8, ok bool, err error) {
	r, err := read(ctx, c, hci.ReadRSSI(c.handle), hci.ParseRSSI)
	return r.Power, err == nil && r.Power != hci.UnknownPower, err
}

// TXPower is how strongly we send, and how strongly we could, in dBm, on a PHY; a controller that does not tell PHYs
// apart says it of all (Vol 4, Part E, 7.8.117 and 7.3.35).
func (c *Conn) TXPower(ctx context.Context, phy hci.PHY) (now, most int8, err error) {
	if c.c.info.Commands.Supports(hci.OpLEEnhancedReadTransmitPowerLevel) {
		r, err := read(ctx, c, hci.LEEnhancedReadTransmitPowerLevel(c.handle, phy), hci.ParseEnhancedTransmitPowerLevel)
		return r.Current, r.Max, err
	}
	current, err := read(ctx, c, hci.ReadTransmitPowerLevel{Handle: c.handle}, hci.ParseTransmitPowerLevel)
	if err != nil {
		return 0, 0, err
	}
	maximum, err := read(ctx, c, hci.ReadTransmitPowerLevel{Handle: c.handle, Maximum: true}, hci.ParseTransmitPowerLevel)
	return current.Power, maximum.Power, err
}

// RemoteTXPower asks how strongly the peer sends on a PHY, in dBm (Vol 4, Part E, 7.8.118).
func (c *Conn) RemoteTXPower(ctx context.Context, phy hci.PHY) (hci.LETransmitPowerReporting, error) {
	return ask(ctx, c, &c.power, hci.LEReadRemoteTransmitPowerLevel(c.handle, phy))
}

// ChannelMap is which channels the connection uses (Vol 4, Part E, 7.8.20).
func (c *Conn) ChannelMap(ctx context.Context) (hci.ChannelMap, error) {
	r, err := read(ctx, c, hci.LEReadChannelMap(c.handle), hci.ParseConnectionChannels)
	return r.Channels, err
}

// ClassifyChannels tells the controller which channels may be good, at least two; it leaves the others out of the
// connections in which we are central (Vol 4, Part E, 7.8.19).
func (c *Controller) ClassifyChannels(ctx context.Context, m hci.ChannelMap) error {
	_, err := c.Do(ctx, hci.LESetHostChannelClassification{Channels: m})
	return err
}

// SuggestDataLength tells the controller how long packets may be on connections to come; it asks their peers by
// itself (Vol 4, Part E, 7.8.35).
func (c *Controller) SuggestDataLength(ctx context.Context, tx hci.DataLength) error {
	_, err := c.Do(ctx, hci.LEWriteSuggestedDefaultDataLength{TX: tx})
	return err
}

// PreferPHY tells the controller which PHYs connections to come may have where a peer asks (Vol 4, Part E, 7.8.48).
func (c *Controller) PreferPHY(ctx context.Context, p hci.PHYPreference) error {
	_, err := c.Do(ctx, hci.LESetDefaultPHY{PHYPreference: p})
	return err
}

// SupportSubrating says that we know of subrating, on connections to come, and what a peripheral may ask for (Vol 4,
// Part E, 7.8.115 and 7.8.123). There must be no connection yet.
func (c *Controller) SupportSubrating(ctx context.Context, acceptable hci.Subrating) error {
	const hostSupport = 38 // the bit of hci.FeatureConnectionSubratingHostSupport
	return steps(
		func() error { _, err := c.Do(ctx, hci.LESetDefaultSubrate{Subrating: acceptable}); return err },
		func() error { _, err := c.Do(ctx, hci.LESetHostFeature{Bit: hostSupport, Supported: true}); return err },
	)
}

// read sends a command of a connection's, and parses what it returns.
func read[T any](ctx context.Context, c *Conn, cmd hci.Command, parse func([]byte) (T, error)) (value T, err error) {
	b, err := c.do(ctx, cmd)
	if err != nil {
		return value, err
	}
	return parse(b)
}
