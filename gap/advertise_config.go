package gap

import (
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// AdvertiseConfig is how and what to advertise. Its zero value is connectable, by legacy advertisements, and scannable.
type AdvertiseConfig struct {
	Payload
	Interval time.Duration // 20 ms to 10.24 s, to 40.96 s if Extended; if zero, 100 ms
	// Started is called whenever the controller has begun to advertise, in order with what Config.Events is told and from
	// its goroutine. If nil, nobody is told.
	Started func()
	// Restart is what to do after a connection.
	Restart Restart

	// Extended advertises by extended advertisements, which take more than 31 octets and other PHYs, and which scanners of
	// before Bluetooth 5 do not hear. A connectable one is not scannable. A controller that has none of them does what is
	// nearest among legacy ones.
	Extended bool
	// NonConnectable is for broadcasts: nobody can connect. It is scannable where the payload takes a scan response, or with
	// Extended, Scannable says so; then all of the payload is in the scan response.
	NonConnectable, Scannable bool
	// Peer makes it directed: nobody else can connect. It has no payload. Its address is its identity, or what it
	// has on air.
	Peer hci.Address
	// HighDuty is directed advertising at once and without a pause, for 1.28 s; not with Extended.
	HighDuty bool
	// Accepted lets only peers of Host.SetAcceptList connect, and ask for the scan response.
	Accepted bool

	PrimaryPHY   hci.PHY // LE1M or LECoded; if zero, LE1M; others need Extended
	SecondaryPHY hci.PHY // of Extended; if zero, PrimaryPHY
	SID          uint8   // 0 to 15, by which scanners tell the sets of a device apart, of Extended
	Anonymous    bool    // no address; Extended and NonConnectable
	IncludePower bool    // tell the power beside the payload, of Extended
	Power        *int8   // dBm; if nil, the controller's choice
	// Address is a random address for this set alone; if zero, the host's. A controller with the legacy commands alone
	// has one address for all that it does.
	Address hci.Address

	Duration     time.Duration // ends it by itself, up to 655.35 s; if zero, without end
	MaxEvents    uint8         // advertising events that end it, of Extended commands; if zero, without end
	ScanRequests bool          // tell of them by ScanRequested, where the controller does

	// Periodic is periodic advertising beside it, where the controller has it. It needs Extended and NonConnectable.
	Periodic *PeriodicConfig
}

// PeriodicConfig is periodic advertising: data that whoever is synchronized finds at a known time.
type PeriodicConfig struct {
	Interval     time.Duration // 7.5 ms to 81.92 s; if zero, 100 ms
	Data         []byte        // as AppendAD or Payload.EncodeExtended make it
	IncludePower bool
}

// Restart is what becomes of advertising that led to a connection.
type Restart uint8

const (
	// RestartAtOnce goes on for the next peer; where the controller refuses that beside the connections that there are, as
	// soon as one of them has ended.
	RestartAtOnce Restart = iota
	// RestartWhenFree goes on when the connection has ended.
	RestartWhenFree
	// RestartNever does not.
	RestartNever
)

// ConfigError says what is wrong with a configuration.
type ConfigError struct{ What string }

func (e *ConfigError) Error() string { return e.What }

// valid refuses what no controller could do, in clearer words than it.
func (c *AdvertiseConfig) valid() error {
	directed := !c.Peer.IsZero()
	for _, rule := range []struct {
		broken bool
		what   string
	}{
		{c.HighDuty && (!directed || c.Extended), "a high duty cycle is for directed legacy advertising alone"},
		{directed && c.NonConnectable && !c.Extended, "legacy advertising that is directed is connectable"},
		{!c.Extended && (c.Anonymous || c.IncludePower || c.Periodic != nil),
			"only extended advertising is anonymous, periodic, or has its power beside the payload"},
		{!c.Extended && (notLE1M(c.PrimaryPHY) || notLE1M(c.SecondaryPHY)), "legacy advertising is on LE 1M"},
		{c.PrimaryPHY == hci.LE2M, "advertising begins on LE 1M or LE Coded"},
		{c.Anonymous && (!c.NonConnectable || c.Scannable), "anonymous advertising is neither connectable nor scannable"},
		{c.Scannable && c.Extended && !c.NonConnectable, "extended advertising that is connectable is not scannable"},
		{c.Periodic != nil && (!c.NonConnectable || c.Scannable || c.Anonymous), "periodic advertising goes with what is neither connectable, scannable nor anonymous"},
		{c.SID > 15, "an advertising SID is at most 15"},
		{c.Duration < 0, "a duration is not negative"},
	} {
		if rule.broken {
			return &ConfigError{fmt.Sprintf("advertise: %s", rule.what)}
		}
	}
	return nil
}

func notLE1M(p hci.PHY) bool { return p != 0 && p != hci.LE1M }

// properties are those of the set, where it has a scan response.
func (c *AdvertiseConfig) properties(response bool) (p hci.AdvertisingProperties) {
	if !c.Extended {
		switch {
		case c.HighDuty:
			return hci.LegacyAdvDirectIndHigh
		case !c.Peer.IsZero():
			return hci.LegacyAdvDirectIndLow
		case !c.NonConnectable:
			return hci.LegacyAdvInd
		case response || c.Scannable:
			return hci.LegacyAdvScanInd
		}
		return hci.LegacyAdvNonconnInd
	}
	for property, on := range map[hci.AdvertisingProperties]bool{hci.AdvertiseConnectable: !c.NonConnectable, hci.AdvertiseScannable: c.Scannable,
		hci.AdvertiseDirected: !c.Peer.IsZero(), hci.AdvertiseAnonymous: c.Anonymous, hci.AdvertiseTXPower: c.IncludePower} {
		if on {
			p |= property
		}
	}
	return p
}

// parameters are what the driver is told.
func (c *AdvertiseConfig) parameters(response bool) driver.AdvertisingParameters {
	p := driver.AdvertisingParameters{Properties: c.properties(response), Peer: c.Peer, TXPower: c.Power, PrimaryPHY: c.PrimaryPHY,
		SecondaryPHY: c.SecondaryPHY, SID: c.SID, NotifyScanRequests: c.ScanRequests, Address: c.Address}
	if c.Interval > 0 {
		longest := 10240 * time.Millisecond
		if c.Extended {
			longest = 40960 * time.Millisecond
		}
		p.IntervalMin = uint32(min(max(c.Interval, 20*time.Millisecond), longest) / advertisingUnit)
		p.IntervalMax = p.IntervalMin
	}
	if c.Accepted {
		p.FilterPolicy = 0b11
	}
	return p
}

// Octets that an extended advertisement which must not be continued in another has for data: all connectable ones
// (Vol 6, Part B, 2.3.4: 255 without the length, flags, address and set of the extended header), and of those, what the
// target's address and the power take away.
const (
	maxConnectableData = 245
	targetOctets       = 6
	powerOctets        = 1
)

// encode lays the payload out for a controller that takes so many octets; alone, where a legacy set has no scan response.
func (c *AdvertiseConfig) encode(p Payload, most int, alone bool) (data, response []byte, err error) {
	switch {
	case !c.Peer.IsZero() && !c.Extended:
		return nil, nil, nil
	case !c.Extended && alone:
		most = min(most, hci.MaxAdvertisingData)
	case !c.Extended:
		l := layout{{limit: hci.MaxAdvertisingData}, {limit: hci.MaxAdvertisingData}}
		err = p.lay(l)
		return l[0].b, l[1].b, err
	}
	if c.Extended && !c.NonConnectable {
		room := maxConnectableData
		if !c.Peer.IsZero() {
			room -= targetOctets
		}
		if c.IncludePower {
			room -= powerOctets
		}
		most = min(most, room)
	}
	inResponse := c.Extended && c.Scannable
	if inResponse {
		p.Discoverable = NoFlags
	}
	l := layout{{limit: most}}
	if err = p.lay(l); inResponse {
		return nil, l[0].b, err
	}
	return l[0].b, nil, err
}
