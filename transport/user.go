package transport

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// hciPrefix stands before a controller's number in the name that the kernel gives it.
const hciPrefix = "hci"

const (
	maxIndex = 0xFFFE // the largest number that a controller can have
	noIndex  = 0xFFFF // none in particular
)

type userKind struct{}

func (userKind) name() Kind   { return User }
func (userKind) form() string { return "user:0 (or hci0)" }

func (userKind) parse(rest string) (Spec, string) {
	if strings.Contains(rest, ":") {
		a, ok := parseAddress(rest)
		if !ok {
			return Spec{}, "an address has six octets, as in user:00:1A:7D:DA:71:13"
		}
		return Spec{Address: addressText(a)}, ""
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(rest, hciPrefix), 10, 16)
	if err != nil || n > maxIndex {
		return Spec{}, "the controller is a number from 0 to 65534, as in user:0"
	}
	return Spec{Index: int(n)}, ""
}

func (userKind) format(s Spec) string {
	if s.Address != "" {
		return s.Address
	}
	return strconv.Itoa(s.Index)
}

func (userKind) open(ctx context.Context, s Spec, o Options) (Conn, error) {
	return openUser(ctx, s, o)
}

// parseAddress reads an address as people write it, the most significant octet first. One that is all zeros, as
// the kernel has it for a controller without, is nobody's.
func parseAddress(text string) (a [6]byte, ok bool) {
	octets := strings.Split(text, ":")
	if len(octets) != len(a) {
		return a, false
	}
	for i, octet := range octets {
		n, err := strconv.ParseUint(octet, 16, 8)
		if err != nil || len(octet) != 2 {
			return a, false
		}
		a[len(a)-1-i] = byte(n)
	}
	return a, a != [6]byte{}
}

// A UserChannel is the Conn of a kernel controller: As[UserChannel](conn).
type UserChannel interface {
	Conn
	// Adapter returns the controller as the kernel listed it when it was opened. One of the same address may have
	// another Index the next time.
	Adapter() Adapter
	// Stats returns what was counted since the controller was opened.
	Stats() UserStats
}

// UserStats are what a user channel counted since it was opened.
type UserStats struct {
	Unknown int // packets of types that are not HCI's, such as a driver's own, which were passed over
	Dropped int // packets that the kernel dropped, since they were not read in time; more than 0 ended the Conn
}

// A DropError is the end of a user channel whose reader was late: the kernel had no more room and dropped packets.
// What was in them nobody knows, so that the controller has to be opened and reset again.
type DropError struct {
	Packets int // how many
}

// Error says in one line what happened, and what helps.
func (e *DropError) Error() string {
	return fmt.Sprintf("%v: the kernel dropped %d packets that were not read in time", ErrOutOfStep, e.Packets)
}

// Unwrap returns ErrOutOfStep.
func (e *DropError) Unwrap() error { return ErrOutOfStep }
