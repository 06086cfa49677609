package driver

import (
	"context"
	"errors"
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
	on      bool
	address hci.Address // on air
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

// change does something with the radio token; if pause, not while the set advertises.
func (s *AdvertisingSet) change(ctx context.Context, pause bool, f func() error) error {
	if err := s.c.takeRadio(ctx); err != nil {
		return err
	}
	defer s.c.freeRadio()
	switch {
	case s.removed:
		return &CommandError{s.c.advertiseOpcode(), hci.UnknownAdvertisingIdentifier}
	case !pause || !s.Advertising():
		return f()
	}
	on, err := s.pause()
	if err != nil {
		return err
	}
	err = f()
	if on {
		err = errors.Join(err, s.enable(s.limits))
	}
	return err
}

// pause stops the set, and tells whether it is to go on: not if it ended by itself before it was stopped.
func (s *AdvertisingSet) pause() (on bool, err error) {
	if !s.Advertising() {
		return false, nil
	}
	if err := s.disableCommand(); err != nil {
		return false, err
	}
	return s.setOn(false), nil
}

// own is the address that the set is to use, and its Own_Address_Type.
func (s *AdvertisingSet) own(p AdvertisingParameters) (own hci.Address, kind byte) {
	own, kind = s.c.OwnAddress(), s.c.ownAddressType()
	if !p.Address.IsZero() && s.c.info.Extended() {
		own = hci.Address{Type: hci.Random, Octets: p.Address.Octets}
		kind |= byte(hci.Random)
	}
	if p.Properties&hci.AdvertiseDirected != 0 && s.c.Resolves(p.Peer) {
		kind |= 2 // or who answers under a private address is not known for the one that is meant
	}
	return own, kind
}

// refreshAddress takes over what has changed of our address since the parameters were set.
func (s *AdvertisingSet) refreshAddress() error {
	own, kind := s.own(s.parameters)
	switch {
	case kind != s.kind:
		return s.setParameters(s.parameters)
	case own == s.Address():
		return nil
	}
	if s.c.info.Extended() {
		if err := s.setRandomAddress(own); err != nil {
			return err
		}
	}
	s.setAddress(own)
	return nil
}

func (s *AdvertisingSet) setParameters(p AdvertisingParameters) error {
	p = p.withDefaults()
	own, kind := s.own(p)
	var err error
	if s.c.info.Extended() {
		err = s.setExtendedParameters(p, own, kind)
	} else {
		err = s.setLegacyParameters(p, kind)
	}
	if err != nil {
		return err
	}
	s.parameters, s.kind = p, kind
	s.setAddress(own)
	return nil
}

func (s *AdvertisingSet) setAddress(own hci.Address) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.address = own
}

func (p AdvertisingParameters) withDefaults() AdvertisingParameters {
	if p.IntervalMin == 0 {
		p.IntervalMin = defaultInterval
	}
	p.IntervalMax = max(p.IntervalMin, p.IntervalMax)
	if p.ChannelMap == 0 {
		p.ChannelMap = allChannels
	}
	if p.PrimaryPHY == 0 {
		p.PrimaryPHY = hci.LE1M
	}
	if p.SecondaryPHY == 0 {
		p.SecondaryPHY = p.PrimaryPHY
	}
	return p
}

func (s *AdvertisingSet) setExtendedParameters(p AdvertisingParameters, own hci.Address, kind byte) error {
	power := hci.NoPreference
	if p.TXPower != nil {
		power = *p.TXPower
	}
	ret, err := s.c.Do(context.Background(), hci.LESetExtendedAdvertisingParameters{AdvertisingHandle: s.handle, Properties: p.Properties,
		IntervalMin: p.IntervalMin, IntervalMax: p.IntervalMax, ChannelMap: p.ChannelMap, OwnAddressType: kind, Peer: p.Peer,
		FilterPolicy: p.FilterPolicy, TXPower: power, PrimaryPHY: p.PrimaryPHY, SecondaryMaxSkip: p.SecondaryMaxSkip,
		SecondaryPHY: p.SecondaryPHY, SID: p.SID, NotifyScanRequests: p.NotifyScanRequests})
	if err != nil {
		return err
	}
	if s.txPower, err = hci.ParseSelectedTXPower(hci.OpLESetExtendedAdvertisingParameters, ret); err != nil {
		s.txPower = hci.NoPreference
	}
	return s.setRandomAddress(own)
}

// setRandomAddress gives the set its address, if that is a random one.
func (s *AdvertisingSet) setRandomAddress(own hci.Address) error {
	if own.Type != hci.Random {
		return nil
	}
	return s.c.sequence(hci.LESetAdvertisingSetRandomAddress{AdvertisingHandle: s.handle, Octets: own.Octets})
}

// setData sets the advertising data or the scan response, in as many commands as it takes.
func (s *AdvertisingSet) setData(data []byte, response bool) error {
	op := hci.OpLESetExtendedAdvertisingData
	limit := s.c.info.MaxAdvertisingData
	if !s.c.info.Extended() || s.parameters.Properties&hci.AdvertiseLegacy != 0 {
		limit = hci.MaxAdvertisingData
	}
	if response {
		op = hci.OpLESetExtendedScanResponseData
	}
	if len(data) > limit {
		return &CommandError{op, hci.PacketTooLong}
	}
	if !s.c.info.Extended() {
		return s.setLegacyData(data, response)
	}
	return fragments(data, hci.MaxExtendedFragment, func(o hci.DataOperation, part []byte) error {
		d := hci.LESetExtendedAdvertisingData{AdvertisingHandle: s.handle, Operation: o, FragmentPreference: 1, Data: part}
		if response {
			return s.c.sequence(hci.LESetExtendedScanResponseData(d))
		}
		return s.c.sequence(d)
	})
}

// fragments sends data in parts of at most most octets.
func fragments(data []byte, most int, send func(hci.DataOperation, []byte) error) error {
	if len(data) <= most {
		return send(hci.DataComplete, data)
	}
	operation := hci.DataFirst
	for len(data) > most {
		if err := send(operation, data[:most]); err != nil {
			return err
		}
		data, operation = data[most:], hci.DataIntermediate
	}
	return send(hci.DataLast, data)
}

// enable starts the set. That it is on is noted before the controller can say that it is over.
func (s *AdvertisingSet) enable(l AdvertisingLimits) error {
	if l.Duration < 0 || l.Duration > maxDuration {
		return &CommandError{hci.OpLESetExtendedAdvertisingEnable, hci.InvalidHCICommandParameters}
	}
	if !s.Advertising() {
		if err := s.refreshAddress(); err != nil {
			return err
		}
	}
	if !s.c.info.Extended() {
		return s.enableLegacy(l)
	}
	duration := l.Duration
	if s.parameters.Properties&hci.AdvertiseHighDutyDirected != 0 && duration == 0 {
		duration = highDutyDuration
	}
	was := s.setOn(true)
	err := s.c.sequence(hci.LESetExtendedAdvertisingEnable{Enable: true, Sets: []hci.EnabledSet{{AdvertisingHandle: s.handle,
		Duration: uint16((duration + durationUnit - 1) / durationUnit), MaxEvents: l.MaxEvents}}})
	if err != nil {
		s.setOn(was)
		return err
	}
	s.limits = l
	return nil
}

func (s *AdvertisingSet) disable() error {
	err := s.disableCommand()
	s.setOn(false)
	return err
}

func (s *AdvertisingSet) disableCommand() error {
	if !s.c.info.Extended() {
		s.stopTimer()
		return s.c.sequence(hci.LESetAdvertisingEnable{Enable: false})
	}
	return s.c.sequence(hci.LESetExtendedAdvertisingEnable{Sets: []hci.EnabledSet{{AdvertisingHandle: s.handle}}})
}

// setOn notes whether the set advertises, and tells whether it did.
func (s *AdvertisingSet) setOn(on bool) (was bool) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	was, s.on = s.on, on
	return was
}

// unheard is the handler of a set that nobody listens to.
type unheard struct{}

func (unheard) HandleAdvertisingTerminated(hci.LEAdvertisingSetTerminated) {}
func (unheard) HandleScanRequest(hci.LEScanRequestReceived)                {}
func (unheard) HandleSubevent(hci.Subevent, []byte)                        {}

// set is the set that an event names, nil when there is none.
func (c *Controller) set(handle uint8) *AdvertisingSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sets[handle]
}

// handleSetEvent handles the events of advertising sets: the loop.
func (c *Controller) handleSetEvent(code hci.Subevent, b []byte) error {
	if len(b) < 2 {
		return &hci.ShortError{What: code.String() + ": Advertising_Handle", Length: len(b), Want: 2}
	}
	handle := b[0]
	if code == hci.EvLEAdvertisingSetTerminated {
		handle = b[1]
	}
	s := c.set(handle)
	if s == nil {
		c.stats.UnknownHandles++
		return nil
	}
	switch code {
	case hci.EvLEAdvertisingSetTerminated:
		e, err := hci.ParseLEAdvertisingSetTerminated(b)
		if err != nil {
			return err
		}
		s.terminated(e)
	case hci.EvLEScanRequestReceived:
		e, err := hci.ParseLEScanRequestReceived(b)
		if err != nil {
			return err
		}
		s.handler.HandleScanRequest(e)
	default:
		s.handler.HandleSubevent(code, b)
	}
	return nil
}

func (s *AdvertisingSet) terminated(e hci.LEAdvertisingSetTerminated) {
	if conn := s.c.conns[e.Handle]; conn != nil && e.Status == hci.Success {
		conn.ledFrom(s.Address())
	}
	s.setOn(false)
	s.handler.HandleAdvertisingTerminated(e)
}
