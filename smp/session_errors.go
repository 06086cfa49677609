package smp

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// ErrRefusedWeaker says that a pairing would have lowered authentication, Secure Connections or key size
// below the bond, and was refused.
var ErrRefusedWeaker = errors.New("would be weaker than the bond")

// ErrTimeout says that the peer did not answer for the 30 s of the specification (Vol 3, Part H, 3.4).
var ErrTimeout = errors.New("no answer for 30 s")

// LostBondError says that the peer has no key any more for its bond, and what was decided. It unwraps to
// Status, and to Err if there is one.
type LostBondError struct {
	Peer     hci.Address
	Status   hci.Status
	Decision Decision
	Err      error // why pairing again failed or was refused, or a *LinkError when the link is gone
}

func (e *LostBondError) Error() string {
	text := fmt.Sprintf("%s has lost its bond: %s: %s: %s", e.Peer, e.Status.Error(), e.Decision.Action, e.Decision.Why)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap is the status and the cause.
func (e *LostBondError) Unwrap() []error { return both(e.Status, e.Err) }

func both(status hci.Status, err error) []error {
	if err == nil {
		return []error{status}
	}
	return []error{status, err}
}

// EncryptionError says that encryption with the stored key failed, but not for want of a key at the peer. It
// unwraps to Status, and to Err if there is one.
type EncryptionError struct {
	Peer     hci.Address
	Status   hci.Status
	Decision Decision
	Err      error // a *LinkError when the link is gone
}

func (e *EncryptionError) Error() string {
	return fmt.Sprintf("encryption with %s: %s: %s: %s", e.Peer, e.Status.Error(), e.Decision.Action, e.Decision.Why)
}

// Unwrap is the status and the cause.
func (e *EncryptionError) Unwrap() []error { return both(e.Status, e.Err) }

// RefusedError says that the policy does not pair with this peer. It unwraps to Err if there is one.
type RefusedError struct {
	Peer     hci.Address
	Decision Decision
	Err      error // ErrRefusedWeaker, or a *LinkError when the link is gone
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("pairing with %s: %s: %s", e.Peer, e.Decision.Action, e.Decision.Why)
}

// Unwrap is the cause.
func (e *RefusedError) Unwrap() error { return e.Err }

// WaitError says that pairing with this peer failed too often to try again before Left has passed
// (Vol 3, Part H, 2.3.6). It unwraps to RepeatedAttempts.
type WaitError struct {
	Peer hci.Address
	Left time.Duration
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("pairing with %s: %s: wait %s", e.Peer, RepeatedAttempts.Error(), e.Left.Round(time.Millisecond))
}

// Unwrap is RepeatedAttempts.
func (e *WaitError) Unwrap() error { return RepeatedAttempts }

// LevelError says that the link is as secure as it can be made, and that this is not what was asked for.
type LevelError struct {
	Want Level
	Have Security
}

func (e *LevelError) Error() string {
	return fmt.Sprintf("the link is at level %s, want %s", e.Have.Level(), e.Want)
}

// LinkError says that the link is gone. It unwraps to the status and to net.ErrClosed.
type LinkError struct {
	Status hci.Status // the reason of the disconnection
}

func (e *LinkError) Error() string { return "link gone: " + e.Status.Error() }

// Unwrap is the status and net.ErrClosed.
func (e *LinkError) Unwrap() []error { return []error{e.Status, net.ErrClosed} }
