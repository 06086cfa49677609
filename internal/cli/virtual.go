package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/transport"
	"github.com/jelling-ble/jelling/transport/virtual"
)

// virtualRadio is what --transport virtual: opens: an air of its own, with a pulse oximeter on it.
type virtualRadio struct {
	air      *virtual.Air
	conn     transport.Conn
	oximeter *oximeter
}

func openVirtual(ctx context.Context, rest string) (*virtualRadio, error) {
	if rest != "" {
		return nil, usageError{fmt.Errorf("--transport virtual:%s: want nothing behind virtual:", rest)}
	}
	air := virtual.NewAir(virtual.AirConfig{})
	o, err := startOximeter(ctx, air, oximeterConfig{interval: 500 * time.Millisecond})
	if err != nil {
		_ = air.Close()
		return nil, err
	}
	return &virtualRadio{air: air, oximeter: o, conn: air.NewController(virtual.ControllerConfig{Name: "box"}).Conn()}, nil
}

func (v *virtualRadio) Close() error { return errors.Join(v.oximeter.Close(), v.air.Close()) }
