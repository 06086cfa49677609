package gap

import (
	"context"
	"errors"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// LinkState is what a connection is like.
type LinkState struct {
	Interval           time.Duration // between connection events
	Latency            int           // events that the peripheral may be away
	Timeout            time.Duration // how long it lasts without the peer
	TX, RX             hci.PHY       // by which we send and receive
	TXOctets, RXOctets int           // that fit into one packet on air
	SubrateFactor      int           // one in so many connection events is used
	Continuation       int           // and so many more behind one with data
}

// LinkChanged tells what a connection is like now, when something of that has changed, whoever has asked for it.
type LinkChanged struct{ LinkState }

var (
	_ driver.ChangeHandler = (*Conn)(nil)
	_ driver.GrantHandler  = (*Conn)(nil)
)

// State is what the connection is like now, by what the controller last said.
func (c *Conn) State() LinkState {
	s := c.link.State()
	return LinkState{Interval: time.Duration(s.Interval) * intervalUnit, Latency: int(s.Latency), Timeout: time.Duration(s.SupervisionTimeout) * timeoutUnit,
		TX: s.TX, RX: s.RX, TXOctets: int(s.Data.TX.Octets), RXOctets: int(s.Data.RX.Octets),
		SubrateFactor: int(s.SubrateFactor), Continuation: int(s.Continuation)}
}

// changed tells of a change, unless it is the event of a refusal.
func (c *Conn) changed(status hci.Status) {
	if status == hci.Success {
		c.host.events.tell(c.Peer(), LinkChanged{c.State()})
	}
}

// HandleParameters implements driver.ConnHandler.
func (c *Conn) HandleParameters(e hci.LEConnectionUpdateComplete) { c.changed(e.Status) }

// HandlePHY implements driver.ChangeHandler.
func (c *Conn) HandlePHY(e hci.LEPHYUpdateComplete) { c.changed(e.Status) }

// HandleDataLength implements driver.ChangeHandler.
func (c *Conn) HandleDataLength(hci.LEDataLengthChange) { c.changed(hci.Success) }

// HandleSubrate implements driver.ChangeHandler.
func (c *Conn) HandleSubrate(e hci.LESubrateChange) { c.changed(e.Status) }

// SetPHY asks for the PHYs to send and to receive by, any of a set, 0 for no preference, and returns the link's state
// then, which may be that of before. The error is the hci.Status of the refusal, hci.UnsupportedRemoteFeature for a peer that knows LE 1M
// only, the end of the link, or ctx's.
func (c *Conn) SetPHY(ctx context.Context, tx, rx hci.PHYs) (LinkState, error) {
	p := hci.PHYPreference{TX: tx, RX: rx}
	if tx == 0 {
		p.AllPHYs |= 1
	}
	if rx == 0 {
		p.AllPHYs |= 1 << 1
	}
	_, err := c.link.SetPHY(ctx, p, 0)
	return c.State(), err
}

// SetDataLength has us send up to that many octets in one packet on air, 27 to 251, as far as the peer takes them. What
// comes of it is told by LinkChanged, if it is a change.
func (c *Conn) SetDataLength(ctx context.Context, octets int) error {
	return c.link.SetDataLength(ctx, dataLength(octets))
}

// Subrating is which connection events are to be used, for a link that is fast when there is data and costs little when
// there is none.
type Subrating struct {
	Min, Max     int // one in so many, 1 to 500; if Min is zero, 1
	Continuation int // how many more are used behind one with data, less than Max
	Latency      int // subrated events that the peripheral may be away
	// Timeout is how long the link lasts without the peer, more than twice what it may be away; if zero, as it is, and in
	// Preferences 32 s.
	Timeout time.Duration
}

// encode is the subrating in the units of HCI, with that time-out if it has none.
func (s Subrating) encode(timeout time.Duration) (hci.Subrating, error) {
	for _, n := range []int{s.Min, s.Max, s.Continuation, s.Latency} {
		if n < 0 || n > 500 {
			return hci.Subrating{}, hci.InvalidHCICommandParameters
		}
	}
	if s.Timeout == 0 {
		s.Timeout = timeout
	}
	return hci.Subrating{Min: uint16(max(s.Min, 1)), Max: uint16(max(s.Max, s.Min, 1)), MaxLatency: uint16(s.Latency),
		Continuation: uint16(s.Continuation), SupervisionTimeout: uint16(min(s.Timeout, maxTimeout) / timeoutUnit)}, nil
}

// Subrate asks for another subrating and returns the link's state then. Both hosts have to have said that they know of it,
// ours by Config.Preferences.
func (c *Conn) Subrate(ctx context.Context, s Subrating) (LinkState, error) {
	q, err := s.encode(c.State().Timeout)
	if err == nil {
		_, err = c.link.Subrate(ctx, q)
	}
	return c.State(), err
}

// ErrNoRSSI says that the controller does not know how strongly the peer is heard.
var ErrNoRSSI = errors.New("the controller does not know the RSSI")

// RSSI is how strongly the peer is heard, in dBm.
func (c *Conn) RSSI(ctx context.Context) (int, error) {
	dBm, ok, err := c.link.RSSI(ctx)
	if err == nil && !ok {
		err = ErrNoRSSI
	}
	return int(dBm), err
}

// TXPower is how strongly we send on the PHY in use, in dBm.
func (c *Conn) TXPower(ctx context.Context) (int, error) {
	now, _, err := c.link.TXPower(ctx, c.State().TX)
	return int(now), err
}

// RemoteTXPower asks how strongly the peer sends on the PHY in use, in dBm. With RSSI it tells the path loss.
func (c *Conn) RemoteTXPower(ctx context.Context) (int, error) {
	e, err := c.link.RemoteTXPower(ctx, c.State().RX)
	return int(e.Power), err
}

// ChannelMap is which of the 37 data channels are in use.
func (c *Conn) ChannelMap(ctx context.Context) (hci.ChannelMap, error) { return c.link.ChannelMap(ctx) }

// RemoteVersion asks for the version of the peer's controller, and who made it.
func (c *Conn) RemoteVersion(ctx context.Context) (hci.ReadRemoteVersionInformationComplete, error) {
	return c.link.RemoteVersion(ctx)
}

// RemoteFeatures asks for the LE features of the peer's controller, as in hci.FeatureLE2MPHY.
func (c *Conn) RemoteFeatures(ctx context.Context) (uint64, error) {
	e, err := c.link.RemoteFeatures(ctx)
	return e.Features, err
}
