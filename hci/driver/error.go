package driver

import (
	"errors"
	"fmt"
	"net"

	"github.com/jelling-ble/jelling/hci"
)

// Errors of a controller.
var (
	ErrCommandTimeout  = errors.New("the controller did not answer in time")
	ErrNoAnswer        = errors.New("the peer did not answer in time")
	ErrTooManyCommands = errors.New("hci: too many commands waiting for the controller")
)

// CommandError says which command failed. It unwraps to the hci.Status of the controller's answer, or to
// what came in its place.
type CommandError struct {
	Opcode hci.Opcode
	Err    error
}

func (e *CommandError) Error() string { return fmt.Sprintf("hci: %v: %v", e.Opcode, e.Err) }
func (e *CommandError) Unwrap() error { return e.Err }

// DisconnectedError says why a connection ended. It satisfies errors.Is for net.ErrClosed and for its
// hci.Status.
type DisconnectedError struct {
	Peer   hci.Address
	Reason hci.Status
}

func (e *DisconnectedError) Error() string {
	return fmt.Sprintf("%v disconnected: %v", e.Peer, e.Reason)
}

// Unwrap gives the reason and net.ErrClosed.
func (e *DisconnectedError) Unwrap() []error { return []error{e.Reason, net.ErrClosed} }

// ClosedError says why a controller is gone: Close, or what failed. It satisfies errors.Is for net.ErrClosed.
type ClosedError struct{ Cause error }

func (e *ClosedError) Error() string {
	if e.Cause == nil {
		return "controller closed"
	}
	return fmt.Sprintf("controller lost: %v", e.Cause)
}

// Unwrap gives the cause and net.ErrClosed.
func (e *ClosedError) Unwrap() []error {
	if e.Cause == nil {
		return []error{net.ErrClosed}
	}
	return []error{e.Cause, net.ErrClosed}
}

// HardwareError is the controller's word that it failed, with its code.
type HardwareError struct{ Code uint8 }

func (e *HardwareError) Error() string {
	return fmt.Sprintf("the controller reported hardware error 0x%02X", e.Code)
}
