package driver

import (
	"context"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// The one set of the legacy family.

// legacyType is the type of legacy advertising that is nearest to a set's properties.
func legacyType(p hci.AdvertisingProperties) hci.AdvertisingType {
	switch {
	case p&hci.AdvertiseHighDutyDirected != 0:
		return hci.AdvDirectIndHigh
	case p&hci.AdvertiseDirected != 0:
		return hci.AdvDirectIndLow
	case p&hci.AdvertiseConnectable != 0:
		return hci.AdvInd
	case p&hci.AdvertiseScannable != 0:
		return hci.AdvScanInd
	}
	return hci.AdvNonconnInd
}

// extendedOnly are properties that nothing in the legacy family comes near to.
const extendedOnly = hci.AdvertiseAnonymous | hci.AdvertiseTXPower

// maxLegacyInterval is the longest of the legacy family, in units of 0.625 ms.
const maxLegacyInterval = 0x4000

func (s *AdvertisingSet) setLegacyParameters(p AdvertisingParameters, own byte) error {
	directed := p.Properties & hci.AdvertiseDirected
	if p.Properties&extendedOnly != 0 || directed != 0 && p.Properties&hci.AdvertiseConnectable == 0 || p.PrimaryPHY != hci.LE1M {
		return unsupported(hci.OpLESetAdvertisingParameters)
	}
	s.txPower = hci.NoPreference
	return s.c.sequence(hci.LESetAdvertisingParameters{IntervalMin: uint16(min(p.IntervalMin, maxLegacyInterval)),
		IntervalMax: uint16(min(p.IntervalMax, maxLegacyInterval)), Type: legacyType(p.Properties), OwnAddressType: own, Peer: p.Peer,
		ChannelMap: p.ChannelMap, FilterPolicy: p.FilterPolicy})
}

func (s *AdvertisingSet) setLegacyData(data []byte, response bool) error {
	if response {
		return s.c.sequence(hci.LESetScanResponseData{Data: data})
	}
	return s.c.sequence(hci.LESetAdvertisingData{Data: data})
}

func (s *AdvertisingSet) enableLegacy(l AdvertisingLimits) error {
	if l.MaxEvents != 0 {
		return unsupported(hci.OpLESetAdvertisingEnable)
	}
	s.stopTimer()
	s.run++
	was := s.setOn(true)
	if err := s.c.sequence(hci.LESetAdvertisingEnable{Enable: true}); err != nil {
		s.setOn(was)
		return err
	}
	s.limits = l
	if l.Duration > 0 {
		run := s.run
		s.timer = time.AfterFunc(l.Duration, func() { s.c.spawn(func() { s.expire(run) }) })
	}
	return nil
}

func (s *AdvertisingSet) stopTimer() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// expire ends advertising for its duration, which the legacy family knows nothing of, unless it has ended or
// begun again since.
func (s *AdvertisingSet) expire(run int) {
	if s.c.takeRadio(context.Background()) != nil {
		return
	}
	defer s.c.freeRadio()
	if s.run != run || !s.Advertising() {
		return
	}
	s.c.note(s.disable())
	s.c.note(s.c.onLoop(func() {
		s.handler.HandleAdvertisingTerminated(hci.LEAdvertisingSetTerminated{Status: hci.AdvertisingTimeout, AdvertisingHandle: s.handle})
	}))
}

// legacyTerminated tells sets what a Connection Complete means for them: the legacy one has a connection, or directed
// advertising with a high duty cycle is over. The loop.
func (c *Controller) legacyTerminated(e hci.LEConnectionComplete) {
	switch s := c.set(0); {
	case e.Status == hci.AdvertisingTimeout:
		c.directedTimedOut()
	case c.info.Extended() || e.Status != hci.Success || e.Role != hci.Peripheral:
	case s != nil && s.Advertising():
		s.terminated(hci.LEAdvertisingSetTerminated{Status: e.Status, Handle: e.Handle})
	}
}
