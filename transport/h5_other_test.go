//go:build !linux

package transport

import (
	"context"
	"errors"
	"testing"
)

func TestH5IsLinuxOnly(t *testing.T) {
	_, err := Open(context.Background(), Spec{Kind: ThreeWire, Path: "COM3"}, Options{})
	var e *OpenError
	if !errors.As(err, &e) || !errors.Is(err, errors.ErrUnsupported) || e.Cause != serialLinuxOnly || e.Remedy == "" {
		t.Errorf("%v", err)
	}
}
