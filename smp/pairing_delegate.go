package smp

import (
	"context"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"
)

// delegate is what a pairing asks of a person. Each question has a goroutine of its own, and ctx ends with the
// pairing: a question is withdrawn when the peer gives up, is silent for 30 s, or is gone.
type delegate interface {
	// capabilities is what there is to show and to ask with.
	capabilities() Capabilities
	// display shows a passkey until ctx ends, and returns at once: the proposed one, or another that it shows.
	// Where the peer tells of the keys pressed on its side, they come through pressed, which is never closed.
	display(ctx context.Context, proposed uint32, pressed <-chan Keypress) (passkey uint32, err error)
	// enter waits for the passkey that the peer displays, or that a person makes up for both. Where the peer wants to
	// be told of the keys pressed, press is not nil.
	enter(ctx context.Context, press func(Keypress)) (passkey uint32, err error)
	// compare waits for a person to see the same number on both sides.
	compare(ctx context.Context, number uint32) error
}

// maxPressed is how many keypresses wait for whoever displays them, and how many we tell of in one pairing; what
// is more is dropped.
const maxPressed = 64

var (
	errEarly   = errors.New("a second PDU while a person is asked")
	errPasskey = errors.New("passkey of more than six digits")
)

// askPerson puts a question while the peer goes on: its next PDU is kept for the phase that it belongs to. If the
// question has no answer, the peer is told by the Reason in its error, or else by refusal. The question must
// not touch the pairing.
func askPerson[T any](s *pairing, refusal Reason, question func(context.Context) (T, error)) (answer T, tell Reason, err error) {
	type reply struct {
		answer T
		err    error
	}
	replies := make(chan reply, 1)
	ctx, withdraw := context.WithDeadline(s.ctx, s.deadline)
	context.AfterFunc(s.ctx, withdraw) // and not before: what is displayed stays so when display has returned
	waiting, answered := context.WithCancel(s.ctx)
	defer answered()
	go func() {
		defer answered()
		answer, err := question(ctx)
		replies <- reply{answer, err}
	}()
	for {
		ev, tell, err := s.next(waiting)
		switch {
		case errors.Is(err, context.Canceled) && s.ctx.Err() == nil:
			r := <-replies
			if r.err != nil && !time.Now().Before(s.deadline) { // the time is over for it and for the pairing
				tell, err := s.silence(r.err)
				return r.answer, tell, err
			}
			tell, err := reasonOf(r.err, refusal)
			return r.answer, tell, err
		case err != nil:
			return answer, tell, err
		case ev.encryption: // of a time before ours
		case len(s.early) > 0:
			return answer, UnspecifiedReason, errEarly
		default:
			s.early = [][]byte{ev.pdu}
		}
	}
}

// passkey displays a passkey or has it entered, whichever the model wants of our side, and returns it as the
// secret that both have.
func (s *pairing) passkey() (secret Key, tell Reason, err error) {
	question := s.displays
	if enters, _ := byRole(s, s.model.initiatorEnters, s.model.responderEnters); enters {
		question = s.enters
	}
	passkey, tell, err := question()
	if err != nil {
		return Key{}, tell, err
	}
	if passkey >= digits {
		return Key{}, PasskeyEntryFailed, errPasskey
	}
	binary.LittleEndian.PutUint32(secret[:], passkey)
	return secret, 0, nil
}

// displays shows a passkey.
func (s *pairing) displays() (passkey uint32, tell Reason, err error) {
	var b [8]byte
	s.p.random(b[:])
	proposed := uint32(binary.LittleEndian.Uint64(b[:]) % digits)
	if s.keypress() {
		s.pressed = make(chan Keypress, maxPressed)
	}
	person, pressed := s.p.delegate, s.pressed
	return askPerson(s, PasskeyEntryFailed, func(ctx context.Context) (uint32, error) {
		return person.display(ctx, proposed, pressed)
	})
}

// enters has a passkey entered, and tells the peer of the keys pressed where it wants to know. That the time runs
// on meanwhile is what the peer expects: to hear of a key gives it no more of it (3.4).
func (s *pairing) enters() (passkey uint32, tell Reason, err error) {
	person := s.p.delegate
	if !s.keypress() {
		return askPerson(s, PasskeyEntryFailed, func(ctx context.Context) (uint32, error) { return person.enter(ctx, nil) })
	}
	wire := s.wire
	var pressed atomic.Int32
	notify := func(k Keypress) error { return wire.send([]byte{byte(codeKeypress), byte(k)}) }
	if err := notify(EntryStarted); err != nil {
		return 0, 0, err
	}
	passkey, tell, err = askPerson(s, PasskeyEntryFailed, func(ctx context.Context) (uint32, error) {
		return person.enter(ctx, func(k Keypress) {
			if ctx.Err() == nil && pressed.Add(1) <= maxPressed {
				_ = notify(k) // a link that is gone tells of itself
			}
		})
	})
	if err == nil {
		err = notify(EntryCompleted)
	}
	return passkey, tell, err
}

// keypress tells whether both sides want notifications of keys pressed (3.5.1).
func (s *pairing) keypress() bool { return s.request.auth.Keypress() && s.response.auth.Keypress() }
