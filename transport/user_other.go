//go:build !linux

package transport

import (
	"context"
	"errors"
)

const (
	linuxOnly       = "the HCI user channel is Linux only"
	linuxOnlyRemedy = "use tcp:host:port or unix:/path to a controller that somebody serves, or virtual:"
)

func openUser(_ context.Context, s Spec, _ Options) (Conn, error) {
	return nil, &OpenError{Op: opOpen, Spec: s, Err: errors.ErrUnsupported, Cause: linuxOnly, Remedy: linuxOnlyRemedy}
}

// Adapters lists the controllers that the kernel knows: Linux only, elsewhere an *OpenError with
// errors.ErrUnsupported.
func Adapters() ([]Adapter, error) {
	return nil, &OpenError{Op: opList, Err: errors.ErrUnsupported, Cause: linuxOnly, Remedy: linuxOnlyRemedy}
}

// AwaitAdapter waits for a controller of the kernel: Linux only, elsewhere an *OpenError with errors.ErrUnsupported.
func AwaitAdapter(context.Context, func(Adapter) bool) (Adapter, error) {
	_, err := Adapters()
	return Adapter{}, err
}

// Inspect finds out whether a controller can be had: Linux only, elsewhere nothing is found out.
func (a Adapter) Inspect() Condition { return Condition{State: a.state()} }
