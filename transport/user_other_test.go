//go:build !linux

package transport

import (
	"context"
	"errors"
	"testing"
)

func TestUserChannelIsLinuxOnly(t *testing.T) {
	_, err := Open(context.Background(), Spec{Kind: User}, Options{})
	_, listErr := Adapters()
	for _, err := range []error{err, listErr} {
		var e *OpenError
		if !errors.As(err, &e) || !errors.Is(err, errors.ErrUnsupported) || e.Cause != linuxOnly || e.Remedy == "" {
			t.Errorf("%v", err)
		}
	}
}
