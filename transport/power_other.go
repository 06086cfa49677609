//go:build !linux

package transport

import (
	"context"
	"errors"
)

// A PowerLine is a GPIO line that switches a controller's power. There are none here.
type PowerLine struct{}

// OpenPowerLine fails with errors.ErrUnsupported: GPIO lines are Linux's.
func OpenPowerLine(chip, line string) (*PowerLine, error) { return nil, errors.ErrUnsupported }

// Cycle fails with errors.ErrUnsupported.
func (*PowerLine) Cycle(context.Context) error { return errors.ErrUnsupported }

// Close does nothing.
func (*PowerLine) Close() error { return nil }

// ResetUSB fails with errors.ErrUnsupported.
func ResetUSB(Adapter) error { return errors.ErrUnsupported }
