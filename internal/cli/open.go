package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt/statestore"
	"github.com/jelling-ble/jelling/hci/vendor"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/smp/bondstore"
	"github.com/jelling-ble/jelling/transport"
)

// stateDirectory is where bonds are kept: --state-dir, systemd's $STATE_DIRECTORY, or the user's own.
func (e *env) stateDirectory() (string, error) {
	if e.stateDir != "" {
		return e.stateDir, nil
	}
	if dirs := e.getenv("STATE_DIRECTORY"); dirs != "" {
		first, _, _ := strings.Cut(dirs, ":")
		return first, nil
	}
	if dir := e.getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "jelling"), nil
	}
	if home := e.getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "jelling"), nil
	}
	return "", errors.New("no place for bonds: neither --state-dir nor $STATE_DIRECTORY, $XDG_STATE_HOME or $HOME says where")
}

// host is an open host and what goes with it.
type host struct {
	*gap.Host
	store   *bondstore.Store
	clients *statestore.Store // what GATT keeps of its peers
	close   []func() error    // in reverse order
}

func (h *host) Close() error {
	var errs []error
	for i := len(h.close) - 1; i >= 0; i-- {
		errs = append(errs, h.close[i]())
	}
	h.close = nil
	return errors.Join(errs...)
}

// maxBearers bounds --bearers: nobody has so many requests at once.
const maxBearers = 32

// openHost opens the store and the controller, and puts a host on it. Policy is what the flags say.
func (e *env) openHost(ctx context.Context) (*host, error) {
	return e.openHostFor(ctx, func(*host) (gap.Config, error) { return gap.Config{}, nil })
}

// openHostFor is openHost with what a command adds to the host's configuration, once the stores are open.
func (e *env) openHostFor(ctx context.Context, configure func(*host) (gap.Config, error)) (_ *host, err error) {
	h := &host{}
	defer func() {
		if err != nil {
			_ = h.Close()
		}
	}()
	delegate, err := e.delegate()
	if err != nil {
		return nil, err
	}
	dir, err := e.stateDirectory()
	if err != nil {
		return nil, err
	}
	if h.store, err = bondstore.Open(dir, e.storeConfig()); err != nil {
		return nil, err
	}
	h.close = append(h.close, h.store.Close)
	h.clients = statestore.Open(filepath.Join(dir, gattFolder))
	cfg, err := configure(h)
	if err != nil {
		return nil, err
	}
	controller, err := e.openTransport(ctx, h)
	if err != nil {
		return nil, err
	}
	conn, err := controller.open(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Security = smp.Config{Policy: e.peerPolicy(), Store: h.store, Delegate: delegate, Pairable: e.pairable}
	cfg.Identity, cfg.Logger, cfg.GATTStore = h.store, e.log, h.clients
	if cfg.Events == nil {
		cfg.Events = e.report
	}
	if cfg.Bearers = e.bearers; e.bearers < 0 || e.bearers > maxBearers {
		return nil, usageError{fmt.Errorf("--bearers %d: want 0 to %d", e.bearers, maxBearers)}
	}
	if e.hide {
		cfg.Privacy.Own = gap.OwnResolvable
	}
	cfg.Recovery, cfg.Chip, cfg.NoHostFlow = controller.recovery, controller.chip, e.noHostFlow
	if h.Host, err = gap.Open(ctx, conn, cfg); err != nil {
		return nil, err
	}
	h.close = append(h.close, h.Host.Close)
	h.close = append(h.close, e.notifyReady(h.Host), e.printStats(h.Host))
	return h, nil
}

// source is where a controller comes from, and comes from again when it has failed.
type source struct {
	open     func(context.Context) (transport.Conn, error)
	recovery gap.Recovery
	chip     *vendor.Config // nil where whoever is behind the transport has seen to it
}

// openTransport finds the controller that --transport names, or the first free one, with a capture of its
// packets where one is wanted.
func (e *env) openTransport(ctx context.Context, h *host) (source, error) {
	spec, err := e.chooseTransport(ctx)
	if err != nil {
		return source{}, err
	}
	capture, err := e.openCapture(h)
	if err != nil {
		return source{}, err
	}
	if spec.Kind == transport.Virtual {
		v, err := openVirtual(ctx, spec.Rest)
		if err != nil {
			return source{}, err
		}
		h.close = append(h.close, v.Close)
		return source{open: func(context.Context) (transport.Conn, error) {
			return transport.Tap(v.conn, capture, transport.Adapter{}), nil
		}}, nil
	}
	c := &controller{spec: spec, capture: capture, options: transport.Options{TakeOver: e.takeOver, Wait: e.wait, Log: e.log}}
	recovery := gap.Recovery{Rungs: c.rungs()}
	if err := e.takePowerLine(h, c, &recovery); err != nil {
		return source{}, err
	}
	if e.wait {
		recovery.Limit = -1
	}
	return source{c.open, recovery, chipOf(spec)}, nil
}

// chipOf is what the controller behind a serial line or a user channel may need; a socket's has what it needs.
func chipOf(spec transport.Spec) *vendor.Config {
	switch spec.Kind {
	case transport.UART:
		firmware := spec.Firmware
		if abs, err := filepath.Abs(firmware); firmware != "" && err == nil {
			firmware = abs
		}
		return &vendor.Config{Family: vendor.Family(spec.Chip), Baud: spec.Baud, Firmware: strings.TrimPrefix(firmware, "/")}
	case transport.ThreeWire, transport.User:
		return &vendor.Config{}
	}
	return nil
}

// controller is one that is opened again when it has failed. Owner: whoever opens, one at a time.
type controller struct {
	spec    transport.Spec
	options transport.Options
	capture *transport.Capture // nil for none
	adapter transport.Adapter  // the kernel's, zero where it has none
}

// open opens it, and remembers its address: peers know it by that, and once it was unplugged the kernel may give it
// another number.
func (c *controller) open(ctx context.Context) (transport.Conn, error) {
	conn, err := transport.Open(ctx, c.spec, c.options)
	if err != nil {
		return nil, err
	}
	if user, ok := transport.As[transport.UserChannel](conn); ok {
		if c.adapter = user.Adapter(); c.adapter.Address != [6]byte{} {
			c.spec = c.adapter.SpecByAddress()
		}
	}
	return transport.Tap(conn, c.capture, transport.Adapter{}), nil
}

// reopen opens it again; one that was unplugged is waited for.
func (c *controller) reopen(ctx context.Context) (transport.Conn, error) {
	c.options.Wait = true
	return c.open(ctx)
}

// rungs are the ways to get it back, the later the rougher: each time it is opened and reset, and before that on
// USB its port is.
func (c *controller) rungs() []gap.Rung {
	rungs := []gap.Rung{{Name: "reopen", Open: c.reopen}}
	if c.spec.Kind != transport.User {
		return rungs
	}
	return append(rungs, rungs[0], gap.Rung{Name: "USB reset", Open: func(ctx context.Context) (transport.Conn, error) {
		if err := transport.ResetUSB(c.adapter); err != nil && c.options.Log != nil {
			c.options.Log.Debugf("recovery: %v", err) // mostly that it does not hang on USB, and then reopening is all there is
		}
		return c.reopen(ctx)
	}})
}

// takePowerLine adds the rung of --power-line: the chip's power taken and given.
func (e *env) takePowerLine(h *host, c *controller, recovery *gap.Recovery) error {
	if e.powerLine == "" {
		return nil
	}
	chip, line, err := transport.ParsePowerLine(e.powerLine)
	if err != nil {
		return usageError{err}
	}
	power, err := transport.OpenPowerLine(chip, line)
	if err != nil {
		return err
	}
	h.close = append(h.close, power.Close)
	recovery.Rungs = append(recovery.Rungs, gap.Rung{Name: "power", Open: func(ctx context.Context) (transport.Conn, error) {
		if err := power.Cycle(ctx); err != nil {
			return nil, err
		}
		return c.reopen(ctx)
	}})
	return nil
}

// openCapture opens the capture that --capture asks for, nil for none, and has the log and the events stand in it too.
func (e *env) openCapture(h *host) (*transport.Capture, error) {
	if e.capture == "" {
		return nil, nil
	}
	capture, err := transport.CreateCapture(e.capture, transport.CaptureConfig{Format: e.captureFormat, Size: int64(e.captureSize), Count: e.captureCount, Log: e.log})
	if err != nil {
		return nil, err
	}
	h.close = append(h.close, capture.Close)
	fmt.Fprintf(e.stderr, "jelling: %s will hold the keys of every pairing in it (mode 0600); show it to nobody who should not have them\n", e.capture)
	e.log.AddHook(capture.Hook())
	e.tape = capture
	return capture, nil
}

// transportText is what --transport or JELLING_TRANSPORT says, empty for nothing.
func (e *env) transportText() string {
	if e.transport != "" {
		return e.transport
	}
	return e.getenv("JELLING_TRANSPORT")
}

// chooseTransport reads --transport or JELLING_TRANSPORT; without either it takes the first free controller.
func (e *env) chooseTransport(ctx context.Context) (transport.Spec, error) {
	if text := e.transportText(); text != "" {
		spec, err := transport.ParseSpec(text)
		if err != nil {
			return spec, usageError{err}
		}
		return spec, nil
	}
	adapters, err := e.system.adapters()
	var seen []string
	for _, a := range adapters {
		if e.wanted(a) {
			return a.Spec(), nil
		}
		seen = append(seen, a.String())
	}
	there := "the kernel has none"
	if len(seen) > 0 {
		there = strings.Join(seen, ", ")
	}
	const otherwise = "choose one with --transport, or try --transport virtual: which needs no hardware"
	switch {
	case err != nil:
		return transport.Spec{}, fmt.Errorf("no controller: %w; %s", err, otherwise)
	case e.wait:
		e.log.Warnf("waiting for a free controller: %s", there)
		a, err := e.system.await(ctx, e.wanted)
		return a.Spec(), err
	case len(seen) == 0:
		return transport.Spec{}, fmt.Errorf("no controller: %s; %s", there, otherwise)
	}
	return transport.Spec{}, fmt.Errorf("no free controller: %s; %s", there, otherwise)
}

// wanted reports whether a controller is one that was not named may be: a free one, or with --take-over one that no
// program holds by its user channel.
func (e *env) wanted(a transport.Adapter) bool {
	return a.Free() || e.takeOver && !a.Initializing() && e.system.inspect(a).State != transport.Held
}
