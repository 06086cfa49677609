package smp

import (
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// Wait is how long pairing with a peer has to wait after failures (Vol 3, Part H, 2.3.6), as remaining
// time, so that it can be saved without a clock.
type Wait struct {
	Peer     hci.Address   // identity address, or the address on air where none is known
	Failures int           // failed pairings that still count
	Left     time.Duration // until the next pairing may begin
}
