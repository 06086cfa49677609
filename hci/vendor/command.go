package vendor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// Commands that package hci has no need for. The same number means different things to different makers, so that
// each name begins with its family.
const (
	opReadLocalName hci.Opcode = 0x0C14 // Vol 4, Part E, 7.3.12

	bcmWriteAddress    hci.Opcode = 0xFC01
	bcmSetBaud         hci.Opcode = 0xFC18
	bcmStartDownload   hci.Opcode = 0xFC2E // the minidriver
	bcmSetClock        hci.Opcode = 0xFC45
	bcmWriteRAM        hci.Opcode = 0xFC4C
	bcmLaunchRAM       hci.Opcode = 0xFC4E
	zephyrReadVersion  hci.Opcode = 0xFC01
	zephyrReadCommands hci.Opcode = 0xFC02
	zephyrReadStatics  hci.Opcode = 0xFC09
)

func command(op hci.Opcode, parameters ...byte) hci.Command {
	return hci.Raw{Op: op, Parameters: parameters}
}

// ask sends a command and waits for its answer, as long as one may take. Step names it in the error.
func (s *session) ask(ctx context.Context, step string, cmd hci.Command) ([]byte, error) {
	return s.askFor(ctx, s.cfg.CommandTimeout, step, cmd)
}

func (s *session) askFor(ctx context.Context, limit time.Duration, step string, cmd hci.Command) ([]byte, error) {
	within, cancel := context.WithTimeoutCause(ctx, limit, ErrNoAnswer)
	defer cancel()
	ret, err := s.Do(within, cmd)
	switch {
	case err == nil:
		return ret, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		err = ErrNoAnswer
	}
	return nil, s.fail(step, err)
}

// isRefusal tells an error by which the controller itself answered from every other.
func isRefusal(err error) bool {
	var status hci.Status
	return errors.As(err, &status)
}

// read sends a command whose answer begins with something, which parse reads.
func read[T any](ctx context.Context, s *session, step string, cmd hci.Command, parse func([]byte) (T, error)) (T, error) {
	ret, err := s.ask(ctx, step, cmd)
	if err != nil {
		var none T
		return none, err
	}
	v, err := parse(ret)
	return v, s.fail(step, err)
}

// readOptional is read for what a controller may refuse to know.
func readOptional[T any](ctx context.Context, s *session, step string, cmd hci.Command, parse func([]byte) (T, error)) (T, bool, error) {
	v, err := read(ctx, s, step, cmd, parse)
	if isRefusal(err) {
		return v, false, nil
	}
	return v, err == nil, err
}

// short is nil when b has want octets or more.
func short(what string, b []byte, want int) error {
	if len(b) < want {
		return &hci.ShortError{What: what, Length: len(b), Want: want}
	}
	return nil
}

// settleAfterReset is how long a chip is left alone after HCI_Reset.
const settleAfterReset = 100 * time.Millisecond

// reset resets the controller, and leaves it alone for a while.
func (s *session) reset(ctx context.Context) error {
	const step = "HCI_Reset"
	if _, err := s.ask(ctx, step, hci.Reset); err != nil {
		return err
	}
	return s.fail(step, wait(ctx, settleAfterReset))
}

// settle waits while the chip starts anew, and drops what its line says meanwhile.
func (s *session) settle(ctx context.Context, d time.Duration) error {
	if err := s.port.Discard(ctx, d); err != nil {
		return fmt.Errorf("discard what is received: %w", err)
	}
	return nil
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
