package gap

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// Preferences are what connections to come are to be like, as far as our controller and the peer's know how. The zero
// value leaves it to the controller.
type Preferences struct {
	// PHYs are those that peers may ask for; if zero, all that the controller has.
	PHYs hci.PHYs
	// DataLength is how many octets we want to send in one packet on air, 27 to 251; peers are asked for it as soon as they
	// are connected. If zero, the controller's choice, which mostly is 27 until Conn.SetDataLength.
	DataLength int
	// Subrating is the most that peripherals may have of it, and says to all peers that we know of subrating. If Max
	// is zero, we don't.
	Subrating Subrating
}

// prefer tells a controller that has just been started. What it does not know, it is not told.
func (h *Host) prefer(ctx context.Context, c *driver.Controller) {
	p, info := h.cfg.Preferences, c.Info()
	if p.PHYs != 0 && info.Commands.Supports(hci.OpLESetDefaultPHY) {
		h.warn(c.PreferPHY(ctx, hci.PHYPreference{TX: p.PHYs, RX: p.PHYs}))
	}
	if p.DataLength != 0 && info.Commands.Supports(hci.OpLEWriteSuggestedDefaultDataLength) {
		h.warn(c.SuggestDataLength(ctx, dataLength(p.DataLength)))
	}
	if p.Subrating.Max != 0 && info.Commands.Supports(hci.OpLESetDefaultSubrate) {
		s, err := p.Subrating.encode(maxTimeout)
		if err == nil {
			err = c.SupportSubrating(ctx, s)
		}
		h.warn(err)
	}
}

// dataLength is that many octets, in as much time as they take on any PHY.
func dataLength(octets int) hci.DataLength {
	octets = min(max(octets, hci.MinDataOctets), hci.MaxDataOctets)
	return hci.DataLength{Octets: uint16(octets), Time: hci.MaxDataTime}
}
