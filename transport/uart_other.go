//go:build !linux

package transport

import (
	"context"
	"errors"
)

const serialLinuxOnly = "serial lines are Linux only"

func openUART(_ context.Context, s Spec, _ Options) (Conn, error) {
	return nil, &OpenError{Op: opOpen, Spec: s, Err: errors.ErrUnsupported, Cause: serialLinuxOnly, Remedy: linuxOnlyRemedy}
}
