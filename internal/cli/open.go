package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jelling-ble/jelling/gap"
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

func (e *env) storeConfig() bondstore.Config { return bondstore.Config{Log: e.log} }

// host is an open host and what goes with it.
type host struct {
	*gap.Host
	store *bondstore.Store
	close []func() error // in reverse order
}

func (h *host) Close() error {
	var errs []error
	for i := len(h.close) - 1; i >= 0; i-- {
		errs = append(errs, h.close[i]())
	}
	h.close = nil
	return errors.Join(errs...)
}

// openHost opens the store and the controller, and puts a host on it. Policy is what the flags say.
func (e *env) openHost(ctx context.Context) (_ *host, err error) {
	h := &host{}
	defer func() {
		if err != nil {
			_ = h.Close()
		}
	}()
	dir, err := e.stateDirectory()
	if err != nil {
		return nil, err
	}
	if h.store, err = bondstore.Open(dir, e.storeConfig()); err != nil {
		return nil, err
	}
	h.close = append(h.close, h.store.Close)
	controller, err := e.openTransport(ctx, h)
	if err != nil {
		return nil, err
	}
	conn, err := controller.open(ctx)
	if err != nil {
		return nil, err
	}
	h.Host, err = gap.Open(ctx, conn, gap.Config{
		Security: smp.Config{Policy: smp.Policy{Bonding: e.bonding, LostBond: e.lostBond}, Store: h.store},
		Identity: h.store,
		Events:   e.report,
		Recovery: gap.Recovery{Rungs: controller.rungs},
		Logger:   e.log,
	})
	if err != nil {
		return nil, err
	}
	h.close = append(h.close, h.Host.Close)
	return h, nil
}

// source is where a controller comes from, and comes from again when it has failed.
type source struct {
	open  func(context.Context) (transport.Conn, error)
	rungs []gap.Rung
}

// openTransport finds the controller that --transport names, or the first free one, with a capture of its
// packets where one is wanted.
func (e *env) openTransport(ctx context.Context, h *host) (source, error) {
	spec, adapter, err := e.chooseTransport()
	if err != nil {
		return source{}, err
	}
	var capture *transport.Capture // a Tap on none does nothing
	if e.capture != "" {
		if capture, err = transport.CreateCapture(e.capture, transport.CaptureConfig{Log: e.log}); err != nil {
			return source{}, err
		}
		h.close = append(h.close, capture.Close)
		fmt.Fprintf(e.stderr, "jelling: %s will hold the keys of every pairing in it (mode 0600); show it to nobody who should not have them\n", e.capture)
	}
	if spec.Kind == transport.Virtual {
		v, err := openVirtual(ctx, spec.Rest)
		if err != nil {
			return source{}, err
		}
		h.close = append(h.close, v.Close)
		return source{open: func(context.Context) (transport.Conn, error) { return transport.Tap(v.conn, capture, adapter), nil }}, nil
	}
	open := func(ctx context.Context) (transport.Conn, error) {
		conn, err := transport.Open(ctx, spec, transport.Options{Log: e.log})
		if err != nil {
			return nil, err
		}
		return transport.Tap(conn, capture, adapter), nil
	}
	return source{open, []gap.Rung{{Name: "reopen", Open: open}}}, nil
}

// chooseTransport reads --transport or JELLING_TRANSPORT; without either it takes the first free controller.
func (e *env) chooseTransport() (transport.Spec, transport.Adapter, error) {
	text := e.transport
	if text == "" {
		text = e.getenv("JELLING_TRANSPORT")
	}
	if text != "" {
		spec, err := transport.ParseSpec(text)
		if err != nil {
			return spec, transport.Adapter{}, usageError{err}
		}
		return spec, transport.Adapter{Index: spec.Index}, nil
	}
	adapters, err := transport.Adapters()
	var seen []string
	for _, a := range adapters {
		if a.Free() {
			return a.Spec(), a, nil
		}
		seen = append(seen, a.String())
	}
	const otherwise = "choose one with --transport, or try --transport virtual: which needs no hardware"
	switch {
	case err != nil:
		return transport.Spec{}, transport.Adapter{}, fmt.Errorf("no controller: %w; %s", err, otherwise)
	case len(seen) == 0:
		return transport.Spec{}, transport.Adapter{}, fmt.Errorf("no controller: the kernel has none; %s", otherwise)
	}
	return transport.Spec{}, transport.Adapter{}, fmt.Errorf("no free controller: %s; %s", strings.Join(seen, ", "), otherwise)
}
