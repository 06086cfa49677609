package transport

import (
	"context"
	"errors"
)

func openUART(_ context.Context, s Spec, _ Options) (Conn, error) {
	return nil, &OpenError{Op: opOpen, Spec: s, Err: errors.ErrUnsupported}
}
