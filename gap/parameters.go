package gap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/l2cap"
)

// Units and bounds of connection parameters (Vol 4, Part E, 7.8.12).
const (
	intervalUnit = 1250 * time.Microsecond
	timeoutUnit  = 10 * time.Millisecond
	minInterval  = 6 * intervalUnit // 7.5 ms
	maxInterval  = 4 * time.Second
	maxLatency   = 499
	minTimeout   = 100 * time.Millisecond
	maxTimeout   = 32 * time.Second
	usualTimeout = 4 * time.Second
)

// Parameters are what a connection is to be like. Intervals are in steps of 1.25 ms and the time-out of 10 ms; what lies
// between is taken for the next below.
type Parameters struct {
	IntervalMin, IntervalMax time.Duration // 7.5 ms to 4 s; if IntervalMax is zero, IntervalMin
	Latency                  int           // connection events that the peripheral may be away, 0 to 499
	// Timeout is how long the link lasts without the peer, 100 ms to 32 s, and more than twice what the peripheral may be
	// away. If zero, 4 s, or six times that.
	Timeout time.Duration
}

// ParametersError says that the specification does not allow these parameters.
type ParametersError struct{ Parameters Parameters }

func (e *ParametersError) Error() string {
	p := e.Parameters
	return fmt.Sprintf("connection parameters that the specification does not allow: interval %v to %v, latency %d, time-out %v",
		p.IntervalMin, p.IntervalMax, p.Latency, p.Timeout)
}

// encode is the parameters in the units of HCI.
func (p Parameters) encode() (hci.ConnectionParameters, error) {
	if p.IntervalMax == 0 {
		p.IntervalMax = p.IntervalMin
	}
	if p.Timeout == 0 {
		p.Timeout = min(maxTimeout, max(usualTimeout, 6*time.Duration(p.Latency+1)*p.IntervalMax))
	}
	if p.IntervalMin < 0 || p.IntervalMax > maxInterval || p.Latency < 0 || p.Latency > maxLatency || p.Timeout > maxTimeout {
		return hci.ConnectionParameters{}, &ParametersError{p}
	}
	q := hci.ConnectionParameters{IntervalMin: uint16(p.IntervalMin / intervalUnit), IntervalMax: uint16(p.IntervalMax / intervalUnit),
		Latency: uint16(p.Latency), SupervisionTimeout: uint16(p.Timeout / timeoutUnit)}
	if !wish(q).Valid() {
		return q, &ParametersError{p}
	}
	return q, nil
}

// wish is parameters in the words of L2CAP, which knows what is valid.
func wish(q hci.ConnectionParameters) l2cap.Parameters {
	return l2cap.Parameters{IntervalMin: q.IntervalMin, IntervalMax: q.IntervalMax, Latency: q.Latency, Timeout: q.SupervisionTimeout}
}

// ParameterBounds are what a peripheral may have of us when it asks for other connection parameters. The zero value is
// whatever the specification allows.
type ParameterBounds struct {
	Refuse                   bool          // nothing at all
	IntervalMin, IntervalMax time.Duration // if zero, 7.5 ms and 4 s
	// LatencyMax is how many connection events it may be away; one that asks for more gets this. If zero, 499; if
	// negative, none.
	LatencyMax int
	TimeoutMax time.Duration // one that asks for more gets this; if zero, 32 s
}

// grant is what a peer gets: as much of what it asks for as lies within the bounds, if that is anything.
func (b ParameterBounds) grant(q hci.ConnectionParameters) (hci.ConnectionParameters, bool) {
	if b.Refuse || !wish(q).Valid() {
		return q, false
	}
	least, most, latency, timeout := minInterval, maxInterval, maxLatency, maxTimeout
	if b.IntervalMin > 0 {
		least = b.IntervalMin
	}
	if b.IntervalMax > 0 {
		most = b.IntervalMax
	}
	if b.LatencyMax != 0 {
		latency = max(0, b.LatencyMax)
	}
	if b.TimeoutMax > 0 {
		timeout = b.TimeoutMax
	}
	up := func(d time.Duration) uint16 {
		return uint16(min((d+intervalUnit-1)/intervalUnit, maxInterval/intervalUnit))
	}
	q.IntervalMin, q.IntervalMax = max(q.IntervalMin, up(least)), min(q.IntervalMax, uint16(min(most, maxInterval)/intervalUnit))
	q.Latency = min(q.Latency, uint16(min(latency, maxLatency)))
	q.SupervisionTimeout = min(q.SupervisionTimeout, uint16(min(timeout, maxTimeout)/timeoutUnit))
	return q, wish(q).Valid()
}

// bounds are those for this peer. A central decides for itself, and asks out of politeness.
func (c *Conn) bounds() ParameterBounds {
	if c.host.cfg.Bounds == nil || c.Role() == hci.Peripheral {
		return ParameterBounds{}
	}
	return c.host.cfg.Bounds(c.Peer())
}

// GrantParameters implements driver.GrantHandler: what the peer may have that asks by the link layer.
func (c *Conn) GrantParameters(r hci.LERemoteConnectionParameterRequest) (hci.ConnectionParameters, bool) {
	return c.bounds().grant(hci.ConnectionParameters{IntervalMin: r.IntervalMin, IntervalMax: r.IntervalMax, Latency: r.Latency,
		SupervisionTimeout: r.SupervisionTimeout})
}

// HandleParameterRequest implements driver.ConnHandler.
func (c *Conn) HandleParameterRequest(r hci.LERemoteConnectionParameterRequest) bool {
	_, ok := c.GrantParameters(r)
	return ok
}

// acceptParameters tells whether the peer may have anything of what it asks for by L2CAP.
func (c *Conn) acceptParameters(p l2cap.Parameters) bool {
	_, ok := c.bounds().grant(hci.ConnectionParameters{IntervalMin: p.IntervalMin, IntervalMax: p.IntervalMax, Latency: p.Latency,
		SupervisionTimeout: p.Timeout})
	return ok
}

// boundedLink is a connection as L2CAP sees it: it grants within our bounds.
type boundedLink struct {
	*driver.Conn
	conn *Conn
}

// UpdateParameters asks the controller for as much as may be of what L2CAP has accepted.
func (l boundedLink) UpdateParameters(q hci.ConnectionParameters) error {
	granted, ok := l.conn.bounds().grant(q)
	if !ok {
		return nil // the bounds have just changed
	}
	return l.Conn.UpdateParameters(granted)
}

// UpdateParameters asks for other connection parameters. As central it waits until they are in use; as peripheral until
// the central has agreed, by the link layer where both sides know how, and else by L2CAP. What changes is told by
// LinkChanged in any case. Errors: a *ParametersError, the hci.Status of the refusal or l2cap.ErrParametersRejected, the
// end of the link, ctx's.
func (c *Conn) UpdateParameters(ctx context.Context, p Parameters) error {
	q, err := p.encode()
	if err != nil {
		return err
	}
	if c.Role() == hci.Central || c.host.Controller().Info().Features&hci.FeatureConnectionParametersRequest != 0 {
		_, err := c.link.ChangeParameters(ctx, q)
		if c.Role() == hci.Central || !unknownThere(err) {
			return err
		}
	}
	return c.RequestParameters(ctx, wish(q))
}

// unknownThere tells an error of somebody, here or there, who does not know how.
func unknownThere(err error) bool {
	return errors.Is(err, hci.UnsupportedRemoteFeature) || errors.Is(err, hci.UnsupportedFeatureOrParameter) ||
		errors.Is(err, hci.UnknownLMPPDU) || errors.Is(err, hci.UnknownHCICommand)
}

// RequestParameters asks the central, as peripheral and by L2CAP, for other connection parameters.
func (c *Conn) RequestParameters(ctx context.Context, p l2cap.Parameters) error {
	defer c.brake.waiting()()
	return c.mux.RequestParameters(ctx, p)
}
