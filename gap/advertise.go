package gap

import (
	"context"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// AdvertiseConfig is how and what to advertise.
type AdvertiseConfig struct {
	Payload
	Interval time.Duration // 20 ms to 10.24 s; if zero, 100 ms
	// Started is called whenever the controller has begun to advertise, and must not wait. If nil, nobody is told.
	Started func()
}

// Advertise makes the host known until a peer connects, and returns the connection; then it advertises no
// more. A connection that came when nobody waited for it any more is returned first. It ends with ctx or the
// controller. One may run at a time.
func (h *Host) Advertise(ctx context.Context, cfg AdvertiseConfig) (*Conn, error) {
	p := driver.AdvertiseParameters{Type: hci.AdvInd}
	if cfg.Interval > 0 {
		units := uint16(min(max(cfg.Interval, 20*time.Millisecond), 10240*time.Millisecond) / (625 * time.Microsecond))
		p.IntervalMin, p.IntervalMax = units, units
	}
	p.Data, p.ScanResponse = cfg.Payload.Encode()
	for {
		if c := h.waiting(); c != nil {
			return c, nil
		}
		if err := h.awaitController(ctx); err != nil {
			return nil, err
		}
		controller := h.Controller()
		err := controller.StartAdvertising(ctx, p)
		if err != nil && controller.Err() == nil {
			return nil, err
		}
		if err == nil && cfg.Started != nil {
			cfg.Started()
		}
		select {
		case c := <-h.incoming:
			if c.Err() == nil {
				return c, nil
			}
			// It was gone before we looked, or is one of before, and we advertise still.
			if err := controller.StopAdvertising(ctx); err != nil && controller.Err() == nil {
				return nil, err
			}
		case <-ctx.Done():
			if err := controller.StopAdvertising(context.WithoutCancel(ctx)); err != nil {
				h.logf("stop advertising: %v", err)
			}
			return nil, context.Cause(ctx)
		case <-controller.Done():
		}
	}
}

// waiting is a connection that nobody has taken, nil when there is none; those that have ended are let go.
func (h *Host) waiting() *Conn {
	for {
		select {
		case c := <-h.incoming:
			if c.Err() == nil {
				return c
			}
		default:
			return nil
		}
	}
}
