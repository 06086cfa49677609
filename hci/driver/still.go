package driver

import (
	"context"
	"errors"

	"github.com/jelling-ble/jelling/hci"
)

// still has the controller neither scan nor advertise nor initiate while f runs, and go on afterwards. It is the one place
// for what a controller refuses to change in use: its random address, its filter accept list, its resolving list
// (Vol 4, Part E, 7.8.4, 7.8.16 and 7.8.38). What was not going on costs no command. It may not be called by who holds
// the radio token.
//
// The order is that of create, which takes the radio while it is creating a connection.
func (c *Controller) still(ctx context.Context, f func() error) error {
	resume, err := c.haltInitiating(ctx)
	if err != nil {
		return err
	}
	defer resume()
	if err := c.takeRadio(ctx); err != nil {
		return err
	}
	defer c.freeRadio()
	scanning, advertising := c.scan.on, c.advertises()
	if scanning {
		c.note(c.enableScan(false)) // if it does not stop, f is refused, and says so
	}
	if advertising {
		c.note(c.enableAdvertising(false))
		advertising = c.advertises() // or somebody has connected, which is known when it is answered
	}
	err = f()
	if advertising {
		err = errors.Join(err, c.resumeAdvertising())
	}
	if scanning {
		err = errors.Join(err, c.applyScan())
	}
	return err
}

// halt is a request to let go of what the controller initiates: who initiates closes halted when that is done, and
// begins anew once resume is closed.
type halt struct{ halted, resume chan struct{} }

// haltInitiating lets nobody initiate until resume is called.
func (c *Controller) haltInitiating(ctx context.Context) (resume func(), err error) {
	h := halt{make(chan struct{}), make(chan struct{})}
	select {
	case c.creating <- struct{}{}: // nobody does
		return func() { <-c.creating }, nil
	case c.halts <- h:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.ended:
		return nil, c.Err()
	}
	select { // soon: it is bounded by a command's time-out
	case <-h.halted:
		return func() { close(h.resume) }, nil
	case <-c.ended:
		return nil, c.Err()
	}
}

// advertiser is what there is of advertising; guarded by the radio token.
type advertiser struct {
	on   bool // begun, and not ended by us
	how  hci.LESetAdvertisingParameters
	ends uint64 // of Controller.advertisingEnds, when it began
}

// advertises tells whether the controller advertises.
func (c *Controller) advertises() bool {
	return c.advertiser.on && c.advertiser.ends == c.advertisingEnds.Load()
}

// resumeAdvertising goes on, under the address that there is now.
func (c *Controller) resumeAdvertising() error {
	if kind := c.ownAddressType(); kind != c.advertiser.how.OwnAddressType {
		c.advertiser.how.OwnAddressType = kind
		if _, err := c.Do(context.Background(), c.advertiser.how); err != nil {
			return err
		}
	}
	return c.enableAdvertising(true)
}

// enableAdvertising turns what was advertised last on or off.
func (c *Controller) enableAdvertising(on bool) error {
	_, err := c.Do(context.Background(), hci.LESetAdvertisingEnable{Enable: on})
	return err
}
