package driver

import (
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// StateError says what a controller refused because of what else it does, by what it says of itself (LE Read
// Supported States). It unwraps to the controller's answer.
type StateError struct {
	Doing, Beside string // "connectable advertising", "a connection as central"
	Err           error
}

func (e *StateError) Error() string {
	return fmt.Sprintf("%v: this controller can't do %s beside %s", e.Err, e.Doing, e.Beside)
}

// Unwrap gives the controller's answer, a *CommandError.
func (e *StateError) Unwrap() error { return e.Err }

// activity is what a controller may be at.
type activity string

const (
	connectableAdvertising activity = "connectable advertising"
	passiveScanning        activity = "passive scanning"
	activeScanning         activity = "active scanning"
	asCentral              activity = "a connection as central"
	asPeripheral           activity = "a connection as peripheral"
)

// together are the pairs of activities that a controller says whether it can do at once.
var together = []struct {
	a, b activity
	bit  uint64
}{
	{connectableAdvertising, passiveScanning, hci.StateConnectableAndPassiveScanning},
	{connectableAdvertising, activeScanning, hci.StateConnectableAndActiveScanning},
	{connectableAdvertising, asCentral, hci.StateConnectableAndCentral},
	{connectableAdvertising, asPeripheral, hci.StateConnectableAndPeripheral},
	{passiveScanning, asCentral, hci.StatePassiveScanningAndCentral},
	{passiveScanning, asPeripheral, hci.StatePassiveScanningAndPeripheral},
	{activeScanning, asCentral, hci.StateActiveScanningAndCentral},
	{activeScanning, asPeripheral, hci.StateActiveScanningAndPeripheral},
}

// explain says why the controller refused to begin something, where it says itself that it can't do that beside
// what it is at. The radio token is held.
func (c *Controller) explain(err error, doing activity) error {
	if c.info.States == 0 || !errors.Is(err, hci.CommandDisallowed) && !errors.Is(err, hci.ConnectionLimitExceeded) {
		return err
	}
	at := c.activities()
	for _, t := range together {
		beside := t.b
		if t.b == doing {
			beside = t.a
		} else if t.a != doing {
			continue
		}
		if c.info.States&t.bit == 0 && at[beside] {
			return &StateError{string(doing), string(beside), err}
		}
	}
	return err
}

// activities is what the controller is at.
func (c *Controller) activities() map[activity]bool {
	at := map[activity]bool{}
	if c.scan.on {
		at[passiveScanning], at[activeScanning] = c.scan.parameters.Passive, !c.scan.parameters.Passive
	}
	for h := range uint8(maxSets) {
		if s := c.set(h); s != nil && s.Advertising() && s.parameters.Properties&hci.AdvertiseConnectable != 0 {
			at[connectableAdvertising] = true
		}
	}
	c.note(c.onLoop(func() {
		for _, conn := range c.conns {
			at[asCentral] = at[asCentral] || conn.Role() == hci.Central
			at[asPeripheral] = at[asPeripheral] || conn.Role() == hci.Peripheral
		}
	}))
	return at
}
