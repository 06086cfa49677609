package gap

import (
	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/l2cap"
)

// Stats are the counters of every layer of a host, at one time. What counts for a controller or a connection begins
// with that.
type Stats struct {
	Controller     driver.Statistics
	EventsLost     uint64 // events that found Config.Events too slow
	ReportsDropped uint64 // advertisements that found a Scan too slow
	Connections    []ConnStats
}

// ConnStats are the counters of one connection.
type ConnStats struct {
	Peer  hci.Address // its identity where that is known
	OnAir hci.Address
	L2CAP l2cap.Statistics
	ATT   att.Stats // of the first bearer
	GATT  gatt.ClientStats
	// Unbelieved is how many PDUs were dropped before the link was secure: more than a peer may have open, or values in
	// the clear from a peer that should have a key.
	Unbelieved uint64
}

// Stats collects the counters. It waits for the controller's loop; neither a handler nor Config.Events is on that, so
// that they may call it. The error says that the controller is gone; the rest is good.
func (h *Host) Stats() (s Stats, err error) {
	s.Controller, err = h.Controller().Statistics()
	s.EventsLost, s.ReportsDropped = h.events.losses(), h.DroppedAdvertisements()
	for _, c := range h.Conns() {
		s.Connections = append(s.Connections, c.stats())
	}
	return s, err
}

func (c *Conn) stats() ConnStats {
	return ConnStats{Peer: c.Peer(), OnAir: c.OnAir(), L2CAP: c.mux.Statistics(), ATT: c.gatt.ATT().Stats(),
		GATT: c.Client().Stats(), Unbelieved: c.gate.losses()}
}

func (e *events) losses() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lost
}

func (g *gate) losses() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost
}
