package gap

import (
	"context"
	"iter"
)

// Advertise makes the host known until a peer connects, and returns the connection; then it advertises no more, whatever
// cfg.Restart says. A connection that came when nobody waited for it any more is returned first. It ends with ctx or the host,
// or when the advertising ends by itself. The errors are those of NewAdvertising and Advertising.Err. Several may run at
// once, as many as the controller has sets for.
func (h *Host) Advertise(ctx context.Context, cfg AdvertiseConfig) (*Conn, error) {
	cfg.Restart = RestartNever
	for c, err := range h.Accept(ctx, cfg) {
		return c, err
	}
	return nil, context.Cause(ctx)
}

// Accept advertises, and yields the connections that this leads to, until ctx ends or the loop over it is left; then it
// advertises no more, and the connections go on. The loop's body may keep a connection for as long as it likes: by
// cfg.Restart it is advertised meanwhile, and whoever connects then comes next. The error, if there is one, is the last
// thing yielded; the end of ctx is none.
func (h *Host) Accept(ctx context.Context, cfg AdvertiseConfig) iter.Seq2[*Conn, error] {
	return func(yield func(*Conn, error) bool) {
		for c := h.arrivals.waiting(); c != nil; c = h.arrivals.waiting() {
			if !yield(c, nil) {
				return
			}
		}
		a, err := h.NewAdvertising(ctx, cfg)
		if err != nil {
			if ctx.Err() == nil {
				yield(nil, err)
			}
			return
		}
		defer a.Close()
		for {
			c, err := a.Accept(ctx)
			if err != nil && ctx.Err() != nil || !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Broadcast advertises to everybody, and lets nobody connect, until ctx ends, whose cause it returns, or the advertising
// ends by itself after its duration or its number of events: then the error satisfies errors.Is for hci.AdvertisingTimeout or
// hci.LimitReached.
func (h *Host) Broadcast(ctx context.Context, cfg AdvertiseConfig) error {
	cfg.NonConnectable = true
	a, err := h.NewAdvertising(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-a.Done():
		return a.Err()
	}
}
