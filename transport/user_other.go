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
