package gap

import (
	"context"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/hci/vendor"
	"github.com/jelling-ble/jelling/transport"
)

// A serial line is what a chip's bring-up asks for.
var _ vendor.Port = transport.Serial(nil)

// handBackTimeout is how long Close waits for the controller to be left as whoever comes next expects it.
const handBackTimeout = 2 * time.Second

// prepare is the driver's hook for what the chip behind conn needs, nil where nothing is wanted.
func (h *Host) prepare(conn transport.Conn) func(context.Context, *driver.Controller) error {
	if h.cfg.Chip == nil {
		return nil
	}
	return func(ctx context.Context, c *driver.Controller) error {
		serial, port := portOf(conn)
		info, err := vendor.Start(ctx, c, port, *h.cfg.Chip)
		if err != nil {
			return err
		}
		for _, w := range info.Warnings {
			h.warn(w)
		}
		if serial != nil && info.Family == vendor.Broadcom {
			serial.SetChip(transport.ChipBroadcom)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.chip = &chip{info, port}
		return nil
	}
}

// chip is what the bring-up found, for the way back.
type chip struct {
	info vendor.Info
	port vendor.Port
}

// portOf is the serial line below conn; both nil where there is none.
func portOf(conn transport.Conn) (transport.Serial, vendor.Port) {
	if serial, ok := transport.As[transport.Serial](conn); ok {
		return serial, serial
	}
	return nil, nil
}

// ownAddress is the address that a controller has of its own: public if it is one, or the static random one
// that its chip brings; zero where there is none.
func (h *Host) ownAddress(c *driver.Controller) hci.Address {
	if a := c.Info().Address; vendor.UsablePublic(a) {
		return a
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.chip != nil && h.chip.info.Address != nil {
		return *h.chip.info.Address
	}
	return hci.Address{}
}

// handBack leaves the controller reset, and its chip at the rate that it starts with.
func (h *Host) handBack(c *driver.Controller) {
	if c.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handBackTimeout)
	defer cancel()
	h.mu.Lock()
	chip := h.chip
	h.mu.Unlock()
	var err error
	if chip != nil {
		err = vendor.Stop(ctx, c, chip.port, chip.info)
	} else {
		_, err = c.Do(ctx, hci.Reset)
	}
	if err != nil {
		h.logf("hand the controller back: %v", err)
	}
}
