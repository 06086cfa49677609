//go:build !linux

package transport

import (
	"context"
	"errors"
)

func openH5(_ context.Context, s Spec, _ Options) (Conn, error) {
	return nil, &OpenError{Op: opOpen, Spec: s, Err: errors.ErrUnsupported, Cause: serialLinuxOnly, Remedy: linuxOnlyRemedy}
}
