package transport

import (
	"context"
	"errors"
)

// openH5 opens the serial line of s and establishes a link over it.
func openH5(ctx context.Context, s Spec, o Options) (Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	line := s
	if line.Flow == "" {
		line.Flow = FlowNone
	}
	p, err := openPort(ctx, line)
	if err != nil {
		cause, remedy := explainSerial(line, err, procRoot)
		return nil, &OpenError{Op: opOpen, Spec: s, Err: err, Cause: cause, Remedy: remedy}
	}
	h, err := NewH5(ctx, p, H5Config{Baud: p.baud(), Log: o.Log})
	if err == nil {
		return h, nil
	}
	failed := &OpenError{Op: opOpen, Spec: s, Err: err}
	if e, ok := errors.AsType[*H5Error](err); ok {
		failed.Cause, failed.Remedy = explainH5(s, e)
	}
	return nil, failed
}
