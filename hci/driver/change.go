package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// LinkState is what the controller last said of a connection, in its units: intervals of 1.25 ms, time-outs of 10 ms.
type LinkState struct {
	Interval, Latency, SupervisionTimeout uint16
	TX, RX                                hci.PHY         // LE 1M until it says otherwise, soon after the beginning
	Data                                  hci.DataLengths // 27 octets each way until it says otherwise
	SubrateFactor, Continuation           uint16          // 1 and 0 until it says otherwise
}

// ChangeHandler is what a ConnHandler may have besides, to be told of changes of the connection, whoever has asked for
// them. Its methods are called on the controller's loop and must not wait. Events that say that something was refused
// come too.
type ChangeHandler interface {
	HandlePHY(hci.LEPHYUpdateComplete)
	HandleDataLength(hci.LEDataLengthChange)
	HandleSubrate(hci.LESubrateChange)
}

// stateOf is the state that a connection begins in.
func stateOf(e hci.LEConnectionComplete) LinkState {
	d := hci.DataLength{Octets: hci.MinDataOctets, Time: hci.MinDataTime}
	return LinkState{Interval: e.Interval, Latency: e.Latency, SupervisionTimeout: e.SupervisionTimeout, TX: hci.LE1M, RX: hci.LE1M,
		Data: hci.DataLengths{TX: d, RX: d}, SubrateFactor: 1}
}

// State is what the connection is like now.
func (c *Conn) State() LinkState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// change notes a change that the controller told of, if it was one.
func (c *Conn) change(status hci.Status, f func(*LinkState)) {
	if status != hci.Success {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.state)
}

// handleChange handles the events that tell of changes: the loop.
func (c *Controller) handleChange(code hci.Subevent, b []byte) error {
	switch code {
	case hci.EvLEConnectionUpdateComplete:
		e, err := hci.ParseLEConnectionUpdateComplete(b)
		return changed(c, e, err, e.Handle, (*Conn).parametersChanged)
	case hci.EvLEPHYUpdateComplete:
		e, err := hci.ParseLEPHYUpdateComplete(b)
		return changed(c, e, err, e.Handle, (*Conn).phyChanged)
	case hci.EvLEDataLengthChange:
		e, err := hci.ParseLEDataLengthChange(b)
		return changed(c, e, err, e.Handle, (*Conn).lengthChanged)
	case hci.EvLESubrateChange:
		e, err := hci.ParseLESubrateChange(b)
		return changed(c, e, err, e.Handle, (*Conn).subrateChanged)
	default:
		e, err := hci.ParseLETransmitPowerReporting(b)
		return changed(c, e, err, e.Handle, (*Conn).powerReported)
	}
}

// changed gives an event to the connection that it is of.
func changed[T any](c *Controller, e T, err error, handle uint16, f func(*Conn, T)) error {
	if conn := c.find(handle, err); conn != nil {
		f(conn, e)
	}
	return err
}

func (c *Conn) parametersChanged(e hci.LEConnectionUpdateComplete) {
	c.change(e.Status, func(s *LinkState) {
		s.Interval, s.Latency, s.SupervisionTimeout = e.Interval, e.Latency, e.SupervisionTimeout
		s.SubrateFactor, s.Continuation = 1, 0 // Vol 6, Part B, 5.1.1
	})
	settle(c, &c.updated, remote[hci.LEConnectionUpdateComplete]{e, e.Status.Err()})
	c.handler.HandleParameters(e)
}

func (c *Conn) phyChanged(e hci.LEPHYUpdateComplete) {
	c.change(e.Status, func(s *LinkState) { s.TX, s.RX = e.TX, e.RX })
	settle(c, &c.phy, remote[hci.LEPHYUpdateComplete]{e, e.Status.Err()})
	if h, ok := c.handler.(ChangeHandler); ok {
		h.HandlePHY(e)
	}
}

func (c *Conn) lengthChanged(e hci.LEDataLengthChange) {
	c.change(hci.Success, func(s *LinkState) { s.Data = e.DataLengths })
	if h, ok := c.handler.(ChangeHandler); ok {
		h.HandleDataLength(e)
	}
}

func (c *Conn) subrateChanged(e hci.LESubrateChange) {
	c.change(e.Status, func(s *LinkState) {
		s.SubrateFactor, s.Continuation, s.Latency, s.SupervisionTimeout = e.Factor, e.Continuation, e.Latency, e.SupervisionTimeout
	})
	settle(c, &c.subrate, remote[hci.LESubrateChange]{e, e.Status.Err()})
	if h, ok := c.handler.(ChangeHandler); ok {
		h.HandleSubrate(e)
	}
}

// remotePowerRead is the reason by which LE Transmit Power Reporting answers us.
const remotePowerRead = 0x02

func (c *Conn) powerReported(e hci.LETransmitPowerReporting) {
	if e.Reason == remotePowerRead {
		settle(c, &c.power, remote[hci.LETransmitPowerReporting]{e, e.Status.Err()})
	}
}

// ChangeParameters asks for other connection parameters and waits for what comes of it: as central what we say, as
// peripheral, by the link layer, what the central grants (Vol 4, Part E, 7.8.18). A controller or a peer without the
// Connection Parameters Request feature refuses it to a peripheral, which then has L2CAP to ask by. The error is a *CommandError
// where our controller refuses, and otherwise the hci.Status that the peer's side gave.
func (c *Conn) ChangeParameters(ctx context.Context, p hci.ConnectionParameters) (hci.LEConnectionUpdateComplete, error) {
	return ask(ctx, c, &c.updated, hci.LEConnectionUpdate{Handle: c.handle, Parameters: p})
}

// SetPHY asks for other PHYs and waits for what comes of it, which may be those of before (Vol 4, Part E, 7.8.49).
// Options are hci.LESetPHY's.
func (c *Conn) SetPHY(ctx context.Context, p hci.PHYPreference, options uint16) (hci.LEPHYUpdateComplete, error) {
	return ask(ctx, c, &c.phy, hci.LESetPHY{Handle: c.handle, PHYPreference: p, Options: options})
}

// learnPHY asks for the PHYs that a connection has begun on, where they may be others than LE 1M: the loop.
func (c *Conn) learnPHY() {
	if !c.c.info.Extended() || !c.c.info.Commands.Supports(hci.OpLEReadPHY) {
		return
	}
	c.c.note(c.c.enqueue(newCommand(c, hci.LEReadPHY(c.handle), func(ret []byte, err error) {
		if e, bad := hci.ParseConnectionPHY(ret); err == nil && bad == nil {
			c.change(hci.Success, func(s *LinkState) { s.TX, s.RX = e.TX, e.RX })
		}
	})))
}

// PHY reads the PHYs in use (Vol 4, Part E, 7.8.47).
func (c *Conn) PHY(ctx context.Context) (hci.ConnectionPHY, error) {
	return read(ctx, c, hci.LEReadPHY(c.handle), hci.ParseConnectionPHY)
}

// SetDataLength tells the controller how long the packets may be that it sends (Vol 4, Part E, 7.8.33). What comes of
// it is told by ChangeHandler and State, if it is a change.
func (c *Conn) SetDataLength(ctx context.Context, tx hci.DataLength) error {
	_, err := c.do(ctx, hci.LESetDataLength{Handle: c.handle, TX: tx})
	return err
}

// Subrate asks for another subrating and waits for what comes of it (Vol 4, Part E, 7.8.124). Both hosts have to have
// said, before they were connected, that they support it; see Controller.SupportSubrating.
func (c *Conn) Subrate(ctx context.Context, s hci.Subrating) (hci.LESubrateChange, error) {
	return ask(ctx, c, &c.subrate, hci.LESubrateRequest{Handle: c.handle, Subrating: s})
}
