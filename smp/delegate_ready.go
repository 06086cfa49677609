package smp

import (
	"context"
	"errors"
)

var (
	errNobody    = errors.New("there is nobody to ask")
	errNoConsent = errors.New("a fixed passkey consents to nothing")
)

// Headless is the Delegate of a host with nobody to ask. It has neither input nor output, so that pairing is Just
// Works or out of band, never confirms a number and consents to nothing.
type Headless struct{}

// Capabilities is NoInputNoOutput.
func (Headless) Capabilities() Capabilities { return Capabilities{IO: NoInputNoOutput} }

// Display fails.
func (Headless) Display(context.Context, Question, uint32) (uint32, error) { return 0, errNobody }

// Enter fails.
func (Headless) Enter(context.Context, Question) (uint32, error) { return 0, errNobody }

// Confirm fails.
func (Headless) Confirm(context.Context, Question, uint32) error { return errNobody }

// Consent fails.
func (Headless) Consent(context.Context, Question) error { return errNobody }

// FixedPasskey is the Delegate of a host whose passkey never changes, or which knows that of its peer: from a
// label, a manual, a configuration file. Everybody who has seen it can be in the middle, so that a key made with
// it counts as not authenticated.
type FixedPasskey struct {
	Passkey uint32 // six digits
	// Entered is for a host that enters the passkey of its peer; otherwise the peer enters ours.
	Entered bool
	// Authenticates makes a key made with the passkey count as authenticated: say so only where nobody but the two
	// sides can know it.
	Authenticates bool
}

// Capabilities is DisplayOnly, or KeyboardOnly where the passkey is entered.
func (f FixedPasskey) Capabilities() Capabilities {
	c := Capabilities{IO: DisplayOnly, FixedPasskey: !f.Authenticates}
	if f.Entered {
		c.IO = KeyboardOnly
	}
	return c
}

// Display is the passkey, whatever is proposed.
func (f FixedPasskey) Display(context.Context, Question, uint32) (uint32, error) {
	return f.Passkey, nil
}

// Enter is the passkey.
func (f FixedPasskey) Enter(context.Context, Question) (uint32, error) { return f.Passkey, nil }

// Confirm fails: there is nobody to look at a number.
func (FixedPasskey) Confirm(context.Context, Question, uint32) error { return errNobody }

// Consent fails.
func (FixedPasskey) Consent(context.Context, Question) error { return errNoConsent }
