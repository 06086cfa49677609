package smp

import (
	"context"
	"encoding/binary"
	"errors"
)

// delegate is what a pairing asks of a person. Each question has a goroutine of its own, and ctx ends with the
// pairing: a question is withdrawn when the peer gives up, is silent for 30 s, or is gone.
type delegate interface {
	// capability is what there is to show and to ask with.
	capability() IOCapability
	// display shows a passkey until ctx ends, and returns at once: the proposed one, or another that it shows.
	display(ctx context.Context, proposed uint32) (passkey uint32, err error)
	// enter waits for the passkey that the peer displays, or that a person makes up for both.
	enter(ctx context.Context) (passkey uint32, err error)
	// compare waits for a person to see the same number on both sides.
	compare(ctx context.Context, number uint32) error
}

// digits is how many passkeys and how many numbers to compare there are (Vol 3, Part H, 2.3.5.3).
const digits = 1_000_000

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
	ctx := s.ctx // a question may outlive the pairing, which keeps nothing of its state
	waiting, answered := context.WithCancel(ctx)
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
			tell, err := reasonOf(r.err, refusal)
			return r.answer, tell, err
		case err != nil:
			return answer, tell, err
		case ev.encryption: // of a time before ours
		case s.early != nil:
			return answer, UnspecifiedReason, errEarly
		default:
			s.early = ev.pdu
		}
	}
}

// passkey displays a passkey or has it entered, whichever the model wants of our side, and returns it as the
// secret that both have.
func (s *pairing) passkey() (secret Key, tell Reason, err error) {
	person := s.p.delegate
	question := person.enter
	if enters, _ := byRole(s, s.model.initiatorEnters, s.model.responderEnters); !enters {
		var b [8]byte
		s.p.random(b[:])
		proposed := uint32(binary.LittleEndian.Uint64(b[:]) % digits)
		question = func(ctx context.Context) (uint32, error) { return person.display(ctx, proposed) }
	}
	passkey, tell, err := askPerson(s, PasskeyEntryFailed, question)
	if err != nil {
		return Key{}, tell, err
	}
	if passkey >= digits {
		return Key{}, PasskeyEntryFailed, errPasskey
	}
	binary.LittleEndian.PutUint32(secret[:], passkey)
	return secret, 0, nil
}
