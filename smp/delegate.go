package smp

import (
	"context"
	"fmt"

	"github.com/jelling-ble/jelling/hci"
)

// Delegate is the person behind a host, or what stands in for one: [Headless], [FixedPasskey], a [Terminal], or an
// appliance's own display and buttons.
//
// Each question has a goroutine of its own and may wait for as long as its context lasts, which has a deadline:
// no longer than the 30 s that SMP leaves (Vol 3, Part H, 3.4). The context ends earlier when the question is
// withdrawn, because the pairing has ended or the link is gone; the answer then is of no interest any more.
// Several links may ask at the same time. An error is a no; a [Reason] in it is what the peer is told.
type Delegate interface {
	// Capabilities is what there is to show and to ask with. It is asked when a pairing begins, and must not wait.
	Capabilities() Capabilities
	// Display begins to show a passkey of six digits and returns at once; it is shown until ctx ends. The proposed
	// one is random. Who shows another returns that.
	Display(ctx context.Context, q Question, proposed uint32) (shown uint32, err error)
	// Enter waits for the passkey that the peer displays, or, where neither side can display one, for one that a
	// person makes up for both.
	Enter(ctx context.Context, q Question) (passkey uint32, err error)
	// Confirm waits for a person to see the same number of six digits on both sides.
	Confirm(ctx context.Context, q Question, number uint32) error
	// Consent waits for a person to let the peer pair, or pair again over the bond in q.
	Consent(ctx context.Context, q Question) error
}

// Capabilities is what a Delegate has to show and to ask with.
type Capabilities struct {
	IO IOCapability
	// Keypress offers notifications of each key pressed while a passkey is entered (Vol 3, Part H, 3.5.8).
	Keypress bool
	// FixedPasskey: passkeys are not made anew for each pairing but printed on a label or the like. Who has seen
	// one once knows it, so that a key made with it counts as not authenticated.
	FixedPasskey bool
}

// authenticates tells whether some way of pairing without out of band data gives an authenticated key.
func (c Capabilities) authenticates() bool {
	return c.IO.asks() && (!c.FixedPasskey || c.IO.compares())
}

// asks tells whether there is anything to show or to ask with.
func (c IOCapability) asks() bool { return c != NoInputNoOutput }

// Question is what a Delegate may want to know to put a question to a person.
type Question struct {
	Peer hci.Address // its identity; its address on air until or unless that is known
	Role hci.Role    // ours: the central began the pairing
	Bond Record      // what is kept about the peer, without its keys; zero for a stranger
	// Pressed comes with Display where the peer tells of the keys pressed on its side. It is never closed.
	Pressed <-chan Keypress
	// Press comes with Enter where the peer wants to be told of the keys pressed on ours; else it is nil. That
	// entry begins and is complete is told without it.
	Press func(Keypress)
}

// Keypress is what a Pairing Keypress Notification tells (Vol 3, Part H, 3.5.8).
type Keypress uint8

const (
	EntryStarted   Keypress = 0x00
	DigitEntered   Keypress = 0x01
	DigitErased    Keypress = 0x02
	Cleared        Keypress = 0x03
	EntryCompleted Keypress = 0x04
)

var keypressNames = [...]string{"entry started", "digit entered", "digit erased", "cleared", "entry completed"}

func (k Keypress) String() string {
	if int(k) < len(keypressNames) {
		return keypressNames[k]
	}
	return fmt.Sprintf("keypress 0x%02X", uint8(k))
}

// digits is how many passkeys and how many numbers to compare there are (Vol 3, Part H, 2.3.5.3).
const digits = 1_000_000

// person is the host's Delegate in one pairing.
type person struct {
	Delegate
	with     Capabilities
	question Question
}

func (p person) capabilities() Capabilities { return p.with }

func (p person) display(ctx context.Context, proposed uint32, pressed <-chan Keypress) (uint32, error) {
	q := p.question
	q.Pressed = pressed
	return p.Display(ctx, q, proposed)
}

func (p person) enter(ctx context.Context, press func(Keypress)) (uint32, error) {
	q := p.question
	q.Press = press
	return p.Enter(ctx, q)
}

func (p person) compare(ctx context.Context, number uint32) error {
	return p.Confirm(ctx, p.question, number)
}
