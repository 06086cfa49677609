package vendor

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// settleBeforeRecords is what the minidriver takes to be there.
	settleBeforeRecords = 50 * time.Millisecond
	// settleAfterLaunch is what firmware takes to start. The chip's RTS means nothing meanwhile.
	settleAfterLaunch = 250 * time.Millisecond
)

// patch gives a Broadcom chip its firmware, unless it has it already or the kernel saw to it.
func (s *session) patch(ctx context.Context) error {
	if s.port == nil || s.info.Patched {
		return nil
	}
	const step = "firmware"
	path, records, err := s.firmware()
	var missing *MissingError
	if errors.As(err, &missing) && s.cfg.Unpatched {
		s.warn(step, err)
		return nil
	}
	if err != nil {
		return s.fail(step, err)
	}
	if err := s.download(ctx, records); err != nil {
		return err
	}
	err = s.launched(ctx)
	if isSilence(err) {
		err = &LaunchError{path, ErrNoAnswer}
	}
	if err != nil {
		return s.fail("launch", err)
	}
	chip := s.info.Chip
	if err := s.identify(ctx); err != nil {
		return err
	}
	s.info.Chip, s.info.Patched, s.info.Firmware = chip, true, path
	return nil
}

// download sends all records, the next when the last is answered.
func (s *session) download(ctx context.Context, records []Record) error {
	const step = "Download Minidriver"
	if _, err := s.ask(ctx, step, command(bcmStartDownload)); err != nil {
		return err
	}
	if err := wait(ctx, settleBeforeRecords); err != nil {
		return s.fail(step, err)
	}
	for i, r := range records {
		if _, err := s.ask(ctx, fmt.Sprintf("%v, record %d of %d", r, i+1, len(records)), r); err != nil {
			return err
		}
	}
	return nil
}

// launched goes to where firmware begins: at the ROM's rate, after a while, with HCI_Reset.
func (s *session) launched(ctx context.Context) error {
	if s.port.Baud() != romBaud {
		if err := s.port.SetBaud(ctx, romBaud); err != nil {
			return err
		}
	}
	if err := s.settle(ctx, settleAfterLaunch); err != nil {
		return err
	}
	return s.knock(ctx)
}

// giveAddress writes an address to a chip that has none, after its firmware, which may bring its placeholder back.
// A chip that does not take it stays without, which is a warning.
func (s *session) giveAddress(ctx context.Context) error {
	const step = "Write BD_ADDR"
	if s.info.Address != nil || s.cfg.Address == nil {
		return nil
	}
	a, err := s.cfg.Address(ctx)
	if err == nil && !UsablePublic(a) {
		err = fmt.Errorf("%s was given, which is no public address", a.Text())
	}
	if err != nil {
		if ctx.Err() != nil {
			return s.fail(step, err)
		}
		s.warn(step, err)
		return nil
	}
	if _, err := s.ask(ctx, step, command(bcmWriteAddress, a.Octets[:]...)); isRefusal(err) {
		s.warn(step, err)
		return nil
	} else if err != nil {
		return err
	}
	own, err := s.readAddress(ctx)
	if err != nil {
		return err
	}
	s.setAddress(own)
	if own != a {
		s.warn(step, fmt.Errorf("%v was written, and reads %v", a, own))
	}
	return nil
}
