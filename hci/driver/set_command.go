package driver

import (
	"context"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

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
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.highDuty = p.Properties&hci.AdvertiseHighDutyDirected != 0
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
