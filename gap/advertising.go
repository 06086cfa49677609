package gap

import (
	"context"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// ScanRequested tells that the event's peer has asked for the scan response.
type ScanRequested struct{}

// Advertising is one thing that the host advertises, until Close; on another controller after a recovery. Its methods
// may be called from any goroutine, but not by handlers.
type Advertising struct {
	host    *Host
	cfg     AdvertiseConfig
	arrived chan *Conn    // for Accept
	again   chan struct{} // holds a token when Accept found its connection gone
	led     chan struct{} // holds a token when it has led to a connection
	closing context.Context
	close   context.CancelFunc
	done    chan struct{} // closed when the goroutine has ended
	changes sync.Mutex    // one change of the payload at a time, and guards alone
	alone   bool          // the set that there is has no scan response

	mu      sync.Mutex // guards all below
	payload Payload
	train   []byte // periodic data
	set     *driver.AdvertisingSet
	on      *driver.Controller // that has set
	last    *Conn              // that it led to
	leads   int                // connections that it led to
	ends    int                // of them, those with which the set was reported to have stopped
	untold  bool               // it is being started, and Started has not been told
	err     error
}

// NewAdvertising begins to advertise, beside whatever else is advertised, scanned for and connected, as far as the controller
// can. The errors are a *ConfigError, a *PayloadError for what has no room, a *driver.StateError where the controller does
// not do this beside what it is at, and a *driver.CommandError: with hci.MemoryCapacityExceeded when it has no set left,
// with hci.UnsupportedFeatureOrParameter when it does not have what is asked for. ctx bounds the beginning alone.
func (h *Host) NewAdvertising(ctx context.Context, cfg AdvertiseConfig) (*Advertising, error) {
	if err := cfg.valid(); err != nil {
		return nil, err
	}
	a := &Advertising{host: h, cfg: cfg, arrived: make(chan *Conn, maxIncoming), again: make(chan struct{}, 1), led: make(chan struct{}, 1),
		done: make(chan struct{}), payload: cfg.Payload}
	if cfg.Periodic != nil {
		a.train = cfg.Periodic.Data
	}
	a.closing, a.close = context.WithCancel(context.Background())
	if err := h.arrivals.add(a); err != nil {
		a.close()
		return nil, err
	}
	ended, err := a.begin(ctx)
	if err != nil {
		a.end(err)
		return nil, err
	}
	go a.run(ended)
	return a, nil
}

// Accept waits for the next connection that the advertising leads to. It ends with ctx, and with the advertising, for
// Err's reason.
func (a *Advertising) Accept(ctx context.Context) (*Conn, error) {
	for {
		select {
		case c := <-a.arrived:
			if c.Err() == nil {
				return c, nil
			}
			if a.cfg.Restart == RestartNever { // it was gone before we looked
				select {
				case a.again <- struct{}{}:
				default:
				}
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-a.done:
			return nil, a.Err()
		}
	}
}

// Done is closed when it advertises no more, and will not again.
func (a *Advertising) Done() <-chan struct{} { return a.done }

// Err is why it has ended, nil while it has not: net.ErrClosed after Close; hci.AdvertisingTimeout or hci.LimitReached for
// its duration and its events; the refusal of the controller to go on; or the host's end.
func (a *Advertising) Err() error {
	select {
	case <-a.done:
		return a.err
	default:
		return nil
	}
}

// Close ends it, and waits for that. Connections that nobody has accepted are kept for whoever advertises next.
func (a *Advertising) Close() error {
	a.close()
	<-a.done
	return nil
}

// Set is the driver's advertising set, for what gap has no verb for; nil while there is none. After a recovery it is
// another one.
func (a *Advertising) Set() *driver.AdvertisingSet {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.set
}

// Update says something else from now on. What takes more than one command interrupts the advertising for a moment. What began
// without a scan response, and is not connectable, gets none by this.
func (a *Advertising) Update(ctx context.Context, p Payload) error {
	if !a.cfg.Peer.IsZero() && !a.cfg.Extended {
		return &ConfigError{"advertise: directed legacy advertising has no payload to update"}
	}
	return a.change(func() { a.payload = p }, func(set *driver.AdvertisingSet, c *driver.Controller) error {
		data, response, err := a.cfg.encode(p, c.Info().MaxAdvertisingData, a.alone)
		if err != nil {
			return err
		}
		if !a.cfg.Scannable || !a.cfg.Extended {
			if err := set.SetData(ctx, data); err != nil {
				return err
			}
		}
		if a.cfg.takesResponse() && !a.alone {
			return set.SetScanResponse(ctx, response)
		}
		return nil
	})
}

// UpdatePeriodic sends other data periodically from now on.
func (a *Advertising) UpdatePeriodic(ctx context.Context, data []byte) error {
	if a.cfg.Periodic == nil {
		return &ConfigError{"advertise: there is no periodic advertising to update"}
	}
	data = append([]byte(nil), data...)
	return a.change(func() { a.train = data }, func(set *driver.AdvertisingSet, _ *driver.Controller) error {
		return set.SetPeriodicData(ctx, data)
	})
}

// change brings a change to the controller, and notes it for the next one if this one took it, or is gone.
func (a *Advertising) change(note func(), apply func(*driver.AdvertisingSet, *driver.Controller) error) error {
	a.changes.Lock()
	defer a.changes.Unlock()
	if err := a.Err(); err != nil {
		return err
	}
	a.mu.Lock()
	set, c := a.set, a.on
	a.mu.Unlock()
	if set != nil {
		if err := apply(set, c); err != nil && c.Err() == nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	note()
	return nil
}

// takesResponse tells whether there may be a scan response: the controller refuses even an empty one elsewhere.
func (c *AdvertiseConfig) takesResponse() bool {
	if c.Extended {
		return c.Scannable
	}
	return c.Peer.IsZero()
}

// begin makes the set and starts it, on the controller that there is or is next.
func (a *Advertising) begin(ctx context.Context) (ended chan hci.LEAdvertisingSetTerminated, err error) {
	for {
		if err := a.host.awaitController(ctx); err != nil {
			return nil, err
		}
		c := a.host.Controller()
		ended := make(chan hci.LEAdvertisingSetTerminated, 1)
		if err = a.beginOn(ctx, c, setHandler{a, ended}); err == nil {
			return ended, nil
		} else if c.Err() == nil {
			return nil, err
		}
	}
}

func (a *Advertising) beginOn(ctx context.Context, c *driver.Controller, handler setHandler) error {
	a.changes.Lock()
	defer a.changes.Unlock()
	data, response, err := a.cfg.encode(a.payload, c.Info().MaxAdvertisingData, false)
	if err != nil {
		return err
	}
	a.alone = a.cfg.NonConnectable && !a.cfg.Scannable && len(response) == 0
	if err := a.host.updateResolving(ctx, c); err != nil { // it may be directed to one of them
		return err
	}
	set, err := c.NewAdvertisingSet(ctx, a.cfg.parameters(len(response) > 0), handler)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // not to be left half-way
	if err := a.fill(ctx, set, data, response); err != nil {
		a.host.warn(unless(c, set.Remove(ctx)))
		return err
	}
	a.mu.Lock()
	a.set, a.on = set, c
	a.mu.Unlock()
	if err := a.start(ctx); err != nil {
		a.remove()
		return err
	}
	return nil
}

// unless is an error that counts while the controller is there.
func unless(c *driver.Controller, err error) error {
	if c.Err() != nil {
		return nil
	}
	return err
}

// fill gives a new set what it is to say.
func (a *Advertising) fill(ctx context.Context, set *driver.AdvertisingSet, data, response []byte) error {
	if len(data) > 0 {
		if err := set.SetData(ctx, data); err != nil {
			return err
		}
	}
	if a.cfg.takesResponse() && len(response) > 0 {
		if err := set.SetScanResponse(ctx, response); err != nil {
			return err
		}
	}
	p := a.cfg.Periodic
	if p == nil {
		return nil
	}
	units := uint16(min(max(p.Interval, 7500*time.Microsecond), 0xFFFF*connectionUnit) / connectionUnit)
	if p.Interval == 0 {
		units = 0
	}
	for _, step := range []func() error{
		func() error {
			return set.SetPeriodic(ctx, driver.PeriodicParameters{IntervalMin: units, TXPower: p.IncludePower})
		},
		func() error { return set.SetPeriodicData(ctx, a.train) },
		func() error { return set.StartPeriodic(ctx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// start starts the set, for the first time or again.
func (a *Advertising) start(ctx context.Context) error {
	a.mu.Lock()
	a.untold = a.cfg.Started != nil
	a.mu.Unlock()
	err := a.Set().Start(ctx, driver.AdvertisingLimits{Duration: a.cfg.Duration, MaxEvents: a.cfg.MaxEvents})
	a.tellStarted(err)
	return err
}

// tellStarted tells that it has started, if it has, unless the connection that it led to was here before and has had that
// told.
func (a *Advertising) tellStarted(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.untold && err == nil {
		a.host.events.call(a.cfg.Started)
	}
	a.untold = false
}

// remove takes the set from its controller.
func (a *Advertising) remove() {
	a.mu.Lock()
	set, c := a.set, a.on
	a.set = nil
	a.mu.Unlock()
	if set != nil {
		a.host.warn(unless(c, set.Remove(context.Background())))
	}
}
