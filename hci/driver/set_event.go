package driver

import "github.com/jelling-ble/jelling/hci"

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

// directedTimedOut is a Connection Complete that says so: of the legacy family, and of some controllers for sets, instead
// of the event of the set or beside it (Vol 4, Part E, 7.8.56). The loop.
func (c *Controller) directedTimedOut() {
	for h := range uint8(maxSets) {
		if s := c.set(h); s != nil && s.advertisesHighDuty() {
			s.terminated(hci.LEAdvertisingSetTerminated{Status: hci.AdvertisingTimeout, AdvertisingHandle: h})
			return
		}
	}
}

func (s *AdvertisingSet) advertisesHighDuty() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.on && (s.highDuty || !s.c.info.Extended()) // of the legacy family it can only be the one
}

func (s *AdvertisingSet) terminated(e hci.LEAdvertisingSetTerminated) {
	if conn := s.c.conns[e.Handle]; conn != nil && e.Status == hci.Success {
		conn.ledFrom(s.Address())
	}
	if was := s.setOn(false); !was && e.Status == hci.AdvertisingTimeout {
		return // told already
	}
	s.handler.HandleAdvertisingTerminated(e)
}
