package vendor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ErrNoAnswer is in the error of a command that the controller did not answer in time.
var ErrNoAnswer = errors.New("the controller did not answer in time")

// errFixedRate is a controller that can't be told a rate.
var errFixedRate = errors.New("this controller's rate can't be changed from here")

// Error is a procedure that failed. It unwraps to why: an hci.Status for errors.As where the controller refused,
// ErrNoAnswer, a *ContactError, *FamilyError, *MissingError, *FileError, *LaunchError or *RateError, or the context's
// error.
type Error struct {
	Chip string // what is known of the chip; may be empty
	Step string // what was being done
	Err  error
}

// Error says in one line what failed at which step.
func (e *Error) Error() string {
	chip := e.Chip
	if chip == "" {
		chip = "the controller"
	}
	return fmt.Sprintf("bring-up of %s: %s: %v", chip, e.Step, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// fail makes an error of a step, unless it is one already.
func (s *session) fail(step string, err error) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	return &Error{Chip: s.info.Chip, Step: step, Err: err}
}

// warn notes what did not go as it should and was not needed.
func (s *session) warn(step string, err error) {
	s.info.Warnings = append(s.info.Warnings, s.fail(step, err))
}

// ContactError is a controller that answers at no rate.
type ContactError struct {
	Rates []int // those tried, in bits per second; none on a user channel
}

// Error lists the rates.
func (e *ContactError) Error() string {
	if len(e.Rates) == 0 {
		return "no answer to HCI_Reset"
	}
	rates := make([]string, len(e.Rates))
	for i, r := range e.Rates {
		rates[i] = fmt.Sprint(r)
	}
	return fmt.Sprintf("no answer to HCI_Reset at %s baud", strings.Join(rates, ", "))
}

// Unwrap returns ErrNoAnswer.
func (e *ContactError) Unwrap() error { return ErrNoAnswer }

// FamilyError is a controller of another make than it was said to be.
type FamilyError struct {
	Want    Family
	Company uint16 // whose the controller is, by its company identifier
}

// Error says whose the controller is.
func (e *FamilyError) Error() string {
	return fmt.Sprintf("not a %s chip: its company identifier is 0x%04X", e.Want, e.Company)
}

// MissingError is firmware that was not found.
type MissingError struct {
	Chip  string   // as the chip says; empty if it does not
	Tried []string // paths, best first; each was also tried with .zst and .xz behind it
}

// Error lists the paths.
func (e *MissingError) Error() string {
	chip := e.Chip
	if chip == "" {
		chip = "the chip"
	}
	return fmt.Sprintf("no firmware for %s; tried, also with .zst and .xz: %s", chip, strings.Join(e.Tried, ", "))
}

// Unwrap returns fs.ErrNotExist.
func (e *MissingError) Unwrap() error { return fs.ErrNotExist }

// FileError is a firmware file that is there and can't be used. Nothing of it has been sent.
type FileError struct {
	Path string
	Err  error // mostly a *HCDError, or what reading or decompressing says
}

// Error names the file.
func (e *FileError) Error() string { return fmt.Sprintf("firmware %s: %v", e.Path, e.Err) }

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// LaunchError is a chip that took firmware and then fell silent, as chips do with another one's. Nothing but
// cutting its power brings it back.
type LaunchError struct {
	Path string // of the firmware
	Err  error
}

// Error says what helps.
func (e *LaunchError) Error() string {
	return fmt.Sprintf("silent since it was started with %s, which may be for another chip (cut its power): %v", e.Path, e.Err)
}

// Unwrap returns Err.
func (e *LaunchError) Unwrap() error { return e.Err }

// RateError is a rate that could not be changed.
type RateError struct {
	From, To int // in bits per second
	Err      error
}

// Error names both rates.
func (e *RateError) Error() string {
	return fmt.Sprintf("from %d to %d baud: %v", e.From, e.To, e.Err)
}

// Unwrap returns Err.
func (e *RateError) Unwrap() error { return e.Err }

// HCDError is a file that is no firmware in the .hcd format.
type HCDError struct {
	Offset int    // where in the file, in octets
	Cause  string // what is wrong there
}

// Error says what is wrong where.
func (e *HCDError) Error() string { return fmt.Sprintf("at octet %d: %s", e.Offset, e.Cause) }
