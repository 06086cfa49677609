package att

import (
	"errors"
	"fmt"
	"net"
)

// An ErrorCode is the reason in an Error Response (Vol 3, Part F, 3.4.1.1). It is a comparable error:
// errors.Is(err, att.ErrInvalidHandle).
type ErrorCode uint8

// The error codes of the Attribute Protocol, and the common profile and service error codes (Supplement, Part B).
const (
	ErrInvalidHandle               ErrorCode = 0x01
	ErrReadNotPermitted            ErrorCode = 0x02
	ErrWriteNotPermitted           ErrorCode = 0x03
	ErrInvalidPDU                  ErrorCode = 0x04
	ErrInsufficientAuthentication  ErrorCode = 0x05
	ErrRequestNotSupported         ErrorCode = 0x06
	ErrInvalidOffset               ErrorCode = 0x07
	ErrInsufficientAuthorization   ErrorCode = 0x08
	ErrPrepareQueueFull            ErrorCode = 0x09
	ErrAttributeNotFound           ErrorCode = 0x0A
	ErrAttributeNotLong            ErrorCode = 0x0B
	ErrEncryptionKeySizeTooShort   ErrorCode = 0x0C
	ErrInvalidAttributeValueLength ErrorCode = 0x0D
	ErrUnlikelyError               ErrorCode = 0x0E
	ErrInsufficientEncryption      ErrorCode = 0x0F
	ErrUnsupportedGroupType        ErrorCode = 0x10
	ErrInsufficientResources       ErrorCode = 0x11
	ErrDatabaseOutOfSync           ErrorCode = 0x12
	ErrValueNotAllowed             ErrorCode = 0x13
	ErrWriteRequestRejected        ErrorCode = 0xFC
	ErrCCCDImproperlyConfigured    ErrorCode = 0xFD
	ErrProcedureAlreadyInProgress  ErrorCode = 0xFE
	ErrOutOfRange                  ErrorCode = 0xFF
	firstApplicationError          ErrorCode = 0x80
	lastApplicationError           ErrorCode = 0x9F
	firstCommonProfileError        ErrorCode = 0xE0
)

// errorNames are the specification's names, in the style of Go's errors.
var errorNames = [256]string{
	ErrInvalidHandle:               "invalid handle",
	ErrReadNotPermitted:            "read not permitted",
	ErrWriteNotPermitted:           "write not permitted",
	ErrInvalidPDU:                  "invalid PDU",
	ErrInsufficientAuthentication:  "insufficient authentication",
	ErrRequestNotSupported:         "request not supported",
	ErrInvalidOffset:               "invalid offset",
	ErrInsufficientAuthorization:   "insufficient authorization",
	ErrPrepareQueueFull:            "prepare queue full",
	ErrAttributeNotFound:           "attribute not found",
	ErrAttributeNotLong:            "attribute not long",
	ErrEncryptionKeySizeTooShort:   "encryption key size too short",
	ErrInvalidAttributeValueLength: "invalid attribute value length",
	ErrUnlikelyError:               "unlikely error",
	ErrInsufficientEncryption:      "insufficient encryption",
	ErrUnsupportedGroupType:        "unsupported group type",
	ErrInsufficientResources:       "insufficient resources",
	ErrDatabaseOutOfSync:           "database out of sync",
	ErrValueNotAllowed:             "value not allowed",
	ErrWriteRequestRejected:        "write request rejected",
	ErrCCCDImproperlyConfigured:    "client characteristic configuration descriptor improperly configured",
	ErrProcedureAlreadyInProgress:  "procedure already in progress",
	ErrOutOfRange:                  "out of range",
}

// Application tells whether the code's meaning is the application's: 0x80 to 0x9F.
func (e ErrorCode) Application() bool {
	return firstApplicationError <= e && e <= lastApplicationError
}

// CommonProfile tells whether the code is one of the common profile and service errors: 0xE0 to 0xFF.
func (e ErrorCode) CommonProfile() bool { return e >= firstCommonProfileError }

// Error is the code's name and number.
func (e ErrorCode) Error() string {
	name := errorNames[e]
	switch {
	case name != "":
	case e.Application():
		name = "application error"
	case e.CommonProfile():
		name = "common profile error"
	default:
		name = "reserved error"
	}
	return fmt.Sprintf("%s (0x%02x)", name, uint8(e))
}

// An Error is a request refused by a server: what an Error Response says. It unwraps to its Code.
type Error struct {
	Op     Opcode    // the request
	Handle uint16    // the attribute that is to blame, or 0
	Code   ErrorCode // why
}

// Error names the request, the handle and the reason.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %v", where(e.Op, e.Handle), e.Code)
}

// where names an operation for an error, with its handle if it has one.
func where(op Opcode, handle uint16) string {
	if handle == 0 {
		return op.String()
	}
	return fmt.Sprintf("%v, handle 0x%04x", op, handle)
}

// Unwrap is the Code.
func (e *Error) Unwrap() error { return e.Code }

var (
	// ErrTimeout is why a bearer ended on which a request or an indication was not answered within [TransactionTimeout].
	ErrTimeout = errors.New("att: no answer within 30 s")
	// ErrMalformed is wrapped by every [*MalformedError].
	ErrMalformed = errors.New("att: malformed PDU")
	// ErrUnexpected is the error of a request that was answered by a response to another one.
	ErrUnexpected = errors.New("att: response to another request")
	// ErrTooLong is the error of a value or list that does not fit the bearer's MTU.
	ErrTooLong = errors.New("att: longer than the MTU")
)

// A MalformedError is a PDU that is not as the specification says. It unwraps to [ErrMalformed].
type MalformedError struct {
	Op     Opcode // the PDU that was being parsed
	Len    int    // its length in octets, opcode included; 0 if it was not kept
	Reason string // what is wrong with it
}

// Error names the PDU, its length, and what is wrong.
func (e *MalformedError) Error() string {
	if e.Len == 0 {
		return fmt.Sprintf("att: malformed %v: %s", e.Op, e.Reason)
	}
	return fmt.Sprintf("att: malformed %v of %d octets: %s", e.Op, e.Len, e.Reason)
}

// Unwrap is ErrMalformed.
func (e *MalformedError) Unwrap() error { return ErrMalformed }

// A ClosedError is the error of every operation on a bearer that has ended. Both [net.ErrClosed] and the reason hold for errors.Is.
type ClosedError struct {
	Err error // why the bearer ended; nil if nobody knows
}

// Error says why the bearer ended.
func (e *ClosedError) Error() string {
	if e.Err == nil {
		return "att: bearer ended"
	}
	return "att: bearer ended: " + e.Err.Error()
}

// Unwrap is the reason.
func (e *ClosedError) Unwrap() error { return e.Err }

// Is holds for [net.ErrClosed].
func (e *ClosedError) Is(target error) bool { return target == net.ErrClosed }
