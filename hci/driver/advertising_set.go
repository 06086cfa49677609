package driver

import (
	"context"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// AdvertisingParameters are how a set advertises. The zero value is a beacon: not connectable, not scannable.
type AdvertisingParameters struct {
	Properties               hci.AdvertisingProperties
	IntervalMin, IntervalMax uint32      // 0.625 ms; if zero, 100 ms and the minimum
	ChannelMap               uint8       // bits 0 to 2: channels 37 to 39; if zero, all
	Peer                     hci.Address // of directed advertising
	FilterPolicy             uint8       // bit 0: scan requests, bit 1: connect requests of the accept list only
	TXPower                  *int8       // dBm; if nil, the controller's choice
	PrimaryPHY               hci.PHY     // LE1M or LECoded; if zero, LE1M
	SecondaryPHY             hci.PHY     // of extended advertising; if zero, as PrimaryPHY
	SecondaryMaxSkip         uint8       // advertising events that may go without the secondary channels
	SID                      uint8       // 0 to 15
	NotifyScanRequests       bool
	// Address is the random address that the set uses where the controller does not make a private one for Peer. If
	// zero, the controller's OwnAddress. The legacy family has one address for all that it does, and ignores it.
	Address hci.Address
}

// AdvertisingHandler is what is told of a set: on the controller's loop, so it must not wait.
type AdvertisingHandler interface {
	// HandleAdvertisingTerminated tells that the set stopped by itself: Success with the handle of the connection
	// that it led to, which HandleConnection has been told of, AdvertisingTimeout for its duration, LimitReached for
	// its number of events, any other status for a failure.
	HandleAdvertisingTerminated(hci.LEAdvertisingSetTerminated)
	// HandleScanRequest tells who asked for the scan response, where NotifyScanRequests is set.
	HandleScanRequest(hci.LEScanRequestReceived)
	// HandleSubevent brings an event of periodic advertising with responses as it came, behind the subevent code:
	// LE Periodic Advertising Subevent Data Request or Response Report. It is good during the call.
	HandleSubevent(code hci.Subevent, parameters []byte)
}

// AdvertisingSet is one thing that the controller advertises. A controller with the legacy family alone has
// one of them; there, what is extended is as near to it as can be: connectable sets are scannable too.
// Its methods may be called from anywhere but the loop; they go one after the other, and once begun to the
// end, whatever becomes of their contexts.
type AdvertisingSet struct {
	c       *Controller
	handle  uint8
	handler AdvertisingHandler

	// Guarded by the radio token.
	parameters AdvertisingParameters
	kind       byte // Own_Address_Type in use
	txPower    int8
	limits     AdvertisingLimits
	timer      *time.Timer // ends it after its duration, where the controller knows of none
	run        int         // counts the times that it was started
	periodic   bool        // it advertises periodically
	removed    bool

	// Guarded by the controller's mu.
	on       bool
	highDuty bool        // directed, with a high duty cycle
	address  hci.Address // on air
}

// AdvertisingLimits end advertising by themselves.
type AdvertisingLimits struct {
	// Duration is in steps of 10 ms, rounded up, at most 655.35 s. If zero, without end, but 1.28 s for directed
	// advertising with a high duty cycle.
	Duration  time.Duration
	MaxEvents uint8 // advertising events; if zero, without end. The legacy family has no such limit
}

// What the commands of a set can say (Vol 4, Part E, 7.8.53 and 7.8.56).
const (
	maxSets          = 0xF0 // advertising handles that there are
	durationUnit     = 10 * time.Millisecond
	maxDuration      = 0xFFFF * durationUnit
	highDutyDuration = 1280 * time.Millisecond // the longest, and some duration there must be
	defaultInterval  = 160                     // 100 ms
	allChannels      = 0b111
)

// NewAdvertisingSet makes a set, which does not advertise yet. Handler may be nil. The error is a
// *CommandError, with hci.MemoryCapacityExceeded where there are as many sets as the controller has.
func (c *Controller) NewAdvertisingSet(ctx context.Context, p AdvertisingParameters, handler AdvertisingHandler) (*AdvertisingSet, error) {
	if handler == nil {
		handler = unheard{}
	}
	if err := c.takeRadio(ctx); err != nil {
		return nil, err
	}
	defer c.freeRadio()
	s := &AdvertisingSet{c: c, handler: handler}
	if !c.addSet(s) {
		return nil, &CommandError{c.advertiseOpcode(), hci.MemoryCapacityExceeded}
	}
	if err := s.setParameters(p); err != nil {
		c.removeSet(s)
		return nil, err
	}
	return s, nil
}

// addSet gives a set the first free handle.
func (c *Controller) addSet(s *AdvertisingSet) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.info.Extended() && len(c.sets) > 0 {
		return false
	}
	for h := range uint8(maxSets) {
		if c.sets[h] == nil {
			s.handle = h
			c.sets[h] = s
			return true
		}
	}
	return false
}

func (c *Controller) removeSet(s *AdvertisingSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sets, s.handle)
}

func (c *Controller) advertiseOpcode() hci.Opcode {
	if c.info.Extended() {
		return hci.OpLESetExtendedAdvertisingParameters
	}
	return hci.OpLESetAdvertisingParameters
}

// Handle is the advertising handle, as events and other commands name the set; 0 in the legacy family.
func (s *AdvertisingSet) Handle() uint8 { return s.handle }

// Address is the address that the set uses on air, unless the controller makes a private one.
func (s *AdvertisingSet) Address() hci.Address {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.address
}

// Advertising tells whether the set advertises.
func (s *AdvertisingSet) Advertising() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.on
}

// SetParameters changes how the set advertises. While it does, it is stopped for it and started again, with
// its limits from the beginning.
func (s *AdvertisingSet) SetParameters(ctx context.Context, p AdvertisingParameters) error {
	return s.change(ctx, true, func() error { return s.setParameters(p) })
}

// TXPower is the power in dBm that the controller chose; hci.NoPreference where it does not tell.
func (s *AdvertisingSet) TXPower(ctx context.Context) (power int8, err error) {
	err = s.change(ctx, false, func() error { power = s.txPower; return nil })
	return power, err
}

// SetRandomAddress gives the set another random address; a connectable set is stopped for it and started again.
func (s *AdvertisingSet) SetRandomAddress(ctx context.Context, a hci.Address) error {
	return s.change(ctx, true, func() error {
		p := s.parameters
		p.Address = a
		return s.setParameters(p)
	})
}

// SetData sets what the set advertises: at most 31 octets by legacy advertisements, else what
// Info.MaxAdvertisingData says. What takes several commands stops the set and starts it again.
func (s *AdvertisingSet) SetData(ctx context.Context, data []byte) error {
	return s.change(ctx, len(data) > hci.MaxExtendedFragment, func() error { return s.setData(data, false) })
}

// SetScanResponse sets what a scannable set tells active scanners, like SetData.
func (s *AdvertisingSet) SetScanResponse(ctx context.Context, data []byte) error {
	return s.change(ctx, len(data) > hci.MaxExtendedFragment, func() error { return s.setData(data, true) })
}

// Start begins to advertise, until Stop, a connection or a limit; one that advertises begins again. Where the
// controller can't do it beside what else it does, the error says so.
func (s *AdvertisingSet) Start(ctx context.Context, l AdvertisingLimits) error {
	return s.change(ctx, false, func() error { return s.start(l) })
}

// start is enable with an error that says more.
func (s *AdvertisingSet) start(l AdvertisingLimits) error {
	err := s.enable(l)
	if s.parameters.Properties&hci.AdvertiseConnectable != 0 {
		return s.c.explain(err, connectableAdvertising)
	}
	return err
}

// Stop ends advertising; it does nothing where there is none.
func (s *AdvertisingSet) Stop(ctx context.Context) error {
	return s.change(ctx, false, s.disable)
}

// Remove ends the set, and its periodic advertising. The set is good for nothing afterwards.
func (s *AdvertisingSet) Remove(ctx context.Context) error {
	return s.change(ctx, false, func() error {
		if err := refused(s.disable()); err != nil {
			return err
		}
		if s.c.info.Extended() {
			if err := s.stopPeriodic(); err != nil {
				return err
			}
			if err := s.c.sequence(hci.LERemoveAdvertisingSet{AdvertisingHandle: s.handle}); err != nil {
				return err
			}
		}
		s.removed = true
		s.c.removeSet(s)
		return nil
	})
}
