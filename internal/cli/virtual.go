package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jelling-ble/jelling/l2cap"
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
		return nil, usageError{fmt.Errorf("--transport virtual:%s: want nothing behind the colon", rest)}
	}
	air := virtual.NewAir(virtual.AirConfig{})
	o, err := startOximeter(ctx, air, oximeterConfig{interval: 500 * time.Millisecond})
	if err != nil {
		_ = air.Close()
		return nil, err
	}
	if err := o.echo(); err != nil {
		return nil, errors.Join(err, o.Close(), air.Close())
	}
	return &virtualRadio{air: air, oximeter: o, conn: air.NewController(virtual.ControllerConfig{Name: "box"}).Conn()}, nil
}

// echoSPSM is where the virtual oximeter sends back what it receives, for 'jelling l2cap cat' to have somebody
// to talk to.
const echoSPSM = 0x80

// echo serves echoSPSM until the oximeter is closed.
func (o *oximeter) echo() error {
	l, err := o.host.Listen(echoSPSM, l2cap.ListenConfig{})
	if err != nil {
		return err
	}
	o.listener = l
	go func() {
		for {
			channel, err := l.AcceptChannel(context.Background())
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(struct{ io.Writer }{channel}, struct{ io.Reader }{channel}) // until it ends
				_ = channel.Close()
			}()
		}
	}()
	return nil
}

func (v *virtualRadio) Close() error { return errors.Join(v.oximeter.Close(), v.air.Close()) }
