package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// PeriodicParameters are how a set advertises periodically beside its extended advertising, which has to be
// neither connectable, scannable, legacy nor anonymous.
type PeriodicParameters struct {
	IntervalMin, IntervalMax uint16 // 1.25 ms; if zero, 100 ms and the minimum
	TXPower                  bool   // include it
	// Subevents and ResponseSlots make it periodic advertising with responses, where the controller has
	// hci.FeaturePAwRAdvertiser. The data of the subevents go by Controller.Do with an hci.Raw, what comes of them
	// by HandleSubevent.
	Subevents     hci.Subevents
	ResponseSlots uint8
}

const (
	defaultPeriodicInterval = 80 // 100 ms
	periodicTXPower         = 1 << 6
)

// SetPeriodic gives a set periodic advertising, or changes how it is done; that has to be stopped.
func (s *AdvertisingSet) SetPeriodic(ctx context.Context, p PeriodicParameters) error {
	if p.IntervalMin == 0 {
		p.IntervalMin = defaultPeriodicInterval
	}
	p.IntervalMax = max(p.IntervalMin, p.IntervalMax)
	v1 := hci.LESetPeriodicAdvertisingParameters{AdvertisingHandle: s.handle, IntervalMin: p.IntervalMin, IntervalMax: p.IntervalMax}
	if p.TXPower {
		v1.Properties = periodicTXPower
	}
	if p.Subevents == (hci.Subevents{}) {
		return s.periodically(ctx, v1)
	}
	if s.c.info.Features&hci.FeaturePAwRAdvertiser == 0 {
		return unsupported(hci.OpLESetPeriodicAdvertisingParametersV2)
	}
	return s.periodically(ctx, hci.LESetPeriodicAdvertisingParametersV2{LESetPeriodicAdvertisingParameters: v1, Subevents: p.Subevents, ResponseSlots: p.ResponseSlots})
}

// SetPeriodicData sets what is advertised periodically. What takes several commands, more than 252 octets,
// stops it and starts it again.
func (s *AdvertisingSet) SetPeriodicData(ctx context.Context, data []byte) error {
	if len(data) > s.c.info.MaxAdvertisingData {
		return &CommandError{hci.OpLESetPeriodicAdvertisingData, hci.PacketTooLong}
	}
	return s.change(ctx, false, func() error {
		if !s.c.info.Periodic() {
			return unsupported(hci.OpLESetPeriodicAdvertisingData)
		}
		again := s.periodic && len(data) > hci.MaxPeriodicFragment
		if again {
			if err := s.stopPeriodic(); err != nil {
				return err
			}
		}
		err := fragments(data, hci.MaxPeriodicFragment, func(o hci.DataOperation, part []byte) error {
			return s.c.sequence(hci.LESetPeriodicAdvertisingData{AdvertisingHandle: s.handle, Operation: o, Data: part})
		})
		if again {
			if started := s.startPeriodic(); err == nil {
				err = started
			}
		}
		return err
	})
}

// StartPeriodic starts periodic advertising. It begins on air once the set itself advertises, and goes on when
// that stops.
func (s *AdvertisingSet) StartPeriodic(ctx context.Context) error {
	return s.change(ctx, false, s.startPeriodic)
}

// StopPeriodic ends periodic advertising; it does nothing where there is none.
func (s *AdvertisingSet) StopPeriodic(ctx context.Context) error {
	return s.change(ctx, false, s.stopPeriodic)
}

func (s *AdvertisingSet) startPeriodic() error {
	if !s.c.info.Periodic() {
		return unsupported(hci.OpLESetPeriodicAdvertisingEnable)
	}
	err := s.c.sequence(hci.LESetPeriodicAdvertisingEnable{Enable: 1, AdvertisingHandle: s.handle})
	s.periodic = s.periodic || err == nil
	return err
}

func (s *AdvertisingSet) stopPeriodic() error {
	if !s.periodic {
		return nil
	}
	s.periodic = false
	return s.c.sequence(hci.LESetPeriodicAdvertisingEnable{AdvertisingHandle: s.handle})
}

// periodically sends a command of periodic advertising, where there is such a thing.
func (s *AdvertisingSet) periodically(ctx context.Context, cmd hci.Command) error {
	return s.change(ctx, false, func() error {
		if !s.c.info.Periodic() {
			return unsupported(cmd.Opcode())
		}
		return s.c.sequence(cmd)
	})
}
