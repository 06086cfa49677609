package vendor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

const (
	// romBaud is the rate of a Broadcom chip's ROM, and of its firmware when it is launched.
	romBaud = 115200
	// clockBaud is the fastest rate for which a Broadcom chip's usual UART clock is enough.
	clockBaud = 3_000_000
	// clock48MHz is the parameter that makes its UART clock 48 MHz.
	clock48MHz = 1

	// contactTimeout is how long HCI_Reset may go without an answer while the rate is in doubt.
	contactTimeout = time.Second
	// contactTries is how many HCI_Resets are sent at one rate: what stood in the chip's parser when the last
	// host was killed swallows one, and noise may take another.
	contactTries = 3
	// settleAfterRate is how long a chip may take from its answer to its new rate.
	settleAfterRate = 20 * time.Millisecond
)

// otherRates are where a chip may be that an earlier host left without restoring the rate, and where modules with
// firmware of their own begin.
var otherRates = []int{romBaud, 3_000_000, 921_600, 1_000_000, 460_800}

// contact resets the controller, at whatever rate it listens. It leaves the Port at that rate, or where it was.
func (s *session) contact(ctx context.Context) error {
	const step = "first contact"
	if s.port == nil {
		err := s.knock(ctx)
		if isSilence(err) {
			err = &ContactError{}
		}
		return s.fail(step, err)
	}
	first := s.port.Baud()
	tried := &ContactError{}
	for _, baud := range slices.Concat([]int{first, s.cfg.Baud}, otherRates) {
		if slices.Contains(tried.Rates, baud) {
			continue
		}
		if baud != s.port.Baud() && s.port.SetBaud(ctx, baud) != nil {
			if ctx.Err() != nil {
				return s.fail(step, context.Cause(ctx))
			}
			continue // the line does not do it, and so neither did an earlier host
		}
		tried.Rates = append(tried.Rates, baud)
		if err := s.knock(ctx); !isSilence(err) {
			return s.fail(step, err)
		}
	}
	if err := s.port.SetBaud(ctx, first); err != nil {
		return s.fail(step, errors.Join(tried, err))
	}
	return s.fail(step, tried)
}

func isSilence(err error) bool { return errors.Is(err, ErrNoAnswer) }

// knock sends HCI_Resets at the rate there is, until one is answered.
func (s *session) knock(ctx context.Context) (err error) {
	for range contactTries {
		if _, err = s.askFor(ctx, contactTimeout, "HCI_Reset", hci.Reset); !isSilence(err) {
			break
		}
	}
	if err != nil {
		return err
	}
	return wait(ctx, settleAfterReset)
}

// operate brings chip and line to the rate they are to work at. A rate that can't be had is a warning, as long as
// the chip still answers at the one there is.
func (s *session) operate(ctx context.Context) error {
	const step = "operating rate"
	if s.port == nil || s.port.Baud() == s.cfg.Baud {
		return nil
	}
	before, to := s.port.Baud(), s.cfg.Baud
	if err := s.tryLine(ctx, to); err != nil {
		if s.port.Baud() != before || ctx.Err() != nil {
			return s.fail(step, err)
		}
		s.warn(step, &RateError{before, to, err})
		return nil
	}
	failed := s.setRate(ctx, to)
	if failed == nil || ctx.Err() != nil {
		return failed
	}
	if s.port.Baud() != before {
		if err := s.port.SetBaud(ctx, before); err != nil {
			return s.fail(step, errors.Join(failed, err))
		}
	}
	if s.knock(ctx) != nil {
		return failed
	}
	s.warn(step, failed)
	return nil
}

// tryLine finds out whether the line can do a rate, before the chip is told. The line is at its old rate again
// afterwards.
func (s *session) tryLine(ctx context.Context, baud int) error {
	before := s.port.Baud()
	if err := s.port.SetBaud(ctx, baud); err != nil {
		return err
	}
	return s.port.SetBaud(ctx, before)
}

// setRate tells a Broadcom chip to change its rate, follows it, and makes sure that it is there. The chip answers
// at the old rate and changes then.
func (s *session) setRate(ctx context.Context, baud int) error {
	const step = "operating rate"
	before := s.port.Baud()
	fail := func(err error) error { return s.fail(step, &RateError{before, baud, err}) }
	own, err := s.readAddress(ctx)
	if err != nil {
		return fail(err)
	}
	if baud > clockBaud {
		if _, err := s.ask(ctx, "UART clock", command(bcmSetClock, clock48MHz)); err != nil {
			return fail(err)
		}
	}
	parameters := binary.LittleEndian.AppendUint32([]byte{0, 0}, uint32(baud))
	if _, err := s.ask(ctx, "UART rate", command(bcmSetBaud, parameters...)); err != nil {
		return fail(err)
	}
	if err := s.port.SetBaud(ctx, baud); err != nil {
		return fail(err)
	}
	if err := s.settle(ctx, settleAfterRate); err != nil {
		return fail(err)
	}
	seen, err := s.readAddress(ctx)
	if isSilence(err) {
		seen, err = s.readAddress(ctx) // the first may have met the end of the change
	}
	refused := own.IsZero() || seen.IsZero() // which is an answer as well
	if err == nil && seen != own && !refused {
		err = fmt.Errorf("the controller's address reads %v now, and was %v", seen, own)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}
