//go:build !linux

package transport

import (
	"context"
	"errors"
	"testing"
)

func TestUARTIsLinuxOnly(t *testing.T) {
	_, err := Open(context.Background(), Spec{Kind: UART, Path: "COM3"}, Options{})
	var e *OpenError
	if !errors.As(err, &e) || !errors.Is(err, errors.ErrUnsupported) || e.Cause != serialLinuxOnly || e.Remedy == "" {
		t.Errorf("%v", err)
	}
}
