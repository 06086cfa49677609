package att_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/att"
)

func TestErrorCodeNames(t *testing.T) {
	for _, c := range []struct {
		code att.ErrorCode
		want string
	}{
		{0x00, "reserved error (0x00)"},
		{att.ErrInvalidHandle, "invalid handle (0x01)"},
		{att.ErrInsufficientAuthentication, "insufficient authentication (0x05)"},
		{att.ErrValueNotAllowed, "value not allowed (0x13)"},
		{0x14, "reserved error (0x14)"},
		{0x7F, "reserved error (0x7f)"},
		{0x80, "application error (0x80)"},
		{0x9F, "application error (0x9f)"},
		{0xA0, "reserved error (0xa0)"},
		{0xDF, "reserved error (0xdf)"},
		{0xE0, "common profile error (0xe0)"},
		{0xFB, "common profile error (0xfb)"},
		{att.ErrWriteRequestRejected, "write request rejected (0xfc)"},
		{att.ErrOutOfRange, "out of range (0xff)"},
	} {
		if got := c.code.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	for code := range 0x14 {
		if code > 0 && strings.HasPrefix(att.ErrorCode(code).Error(), "reserved") {
			t.Errorf("0x%02x has no name", code)
		}
	}
}

func TestErrorCodeRanges(t *testing.T) {
	for code := range 0x100 {
		e := att.ErrorCode(code)
		if e.Application() != (code >= 0x80 && code <= 0x9F) {
			t.Errorf("0x%02x: Application is %v", code, e.Application())
		}
		if e.CommonProfile() != (code >= 0xE0) {
			t.Errorf("0x%02x: CommonProfile is %v", code, e.CommonProfile())
		}
	}
}

func TestErrorUnwraps(t *testing.T) {
	err := fmt.Errorf("reading: %w", &att.Error{Op: att.OpReadRequest, Handle: 0x0010, Code: att.ErrInsufficientEncryption})
	if !errors.Is(err, att.ErrInsufficientEncryption) || errors.Is(err, att.ErrInvalidHandle) {
		t.Errorf("%v does not unwrap to its code", err)
	}
	if e, ok := errors.AsType[*att.Error](err); !ok || e.Handle != 0x0010 {
		t.Errorf("%v has no handle", err)
	}
	if want := "reading: ATT_READ_REQ, handle 0x0010: insufficient encryption (0x0f)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestErrorWithoutHandle(t *testing.T) {
	err := &att.Error{Op: att.OpExecuteWriteRequest, Code: att.ErrPrepareQueueFull}
	if want := "ATT_EXECUTE_WRITE_REQ: prepare queue full (0x09)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	long := &att.MalformedError{Op: att.OpReadResponse, Reason: "longer than the MTU"}
	if want := "att: malformed ATT_READ_RSP: longer than the MTU"; long.Error() != want {
		t.Errorf("got %q, want %q", long, want)
	}
}

func TestClosedErrorUnwraps(t *testing.T) {
	var err error = &att.ClosedError{Err: io.ErrUnexpectedEOF}
	if !errors.Is(err, net.ErrClosed) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v does not say why", err)
	}
	if err = (&att.ClosedError{}); !errors.Is(err, net.ErrClosed) || err.Error() != "att: bearer ended" {
		t.Errorf("%v", err)
	}
}

func TestOpcodes(t *testing.T) {
	kinds := map[att.Kind]int{}
	names := map[string]bool{}
	for i := range 0x100 {
		op := att.Opcode(i)
		kinds[op.Kind()]++
		if names[op.String()] {
			t.Errorf("%v: a name twice", op)
		}
		names[op.String()] = true
		if op.Kind() == att.KindCommand && !op.IsCommand() {
			t.Errorf("%v has no command flag", op)
		}
		// Every answer is one more than what it answers: the transactions rely on it.
		if k := op.Kind(); k == att.KindRequest && (op+1).Kind() != att.KindResponse || k == att.KindIndication && (op+1).Kind() != att.KindConfirmation {
			t.Errorf("%v is not answered by %v", op, op+1)
		}
	}
	want := map[att.Kind]int{
		att.KindRequest: 12, att.KindResponse: 13, att.KindCommand: 2, att.KindNotification: 2,
		att.KindIndication: 1, att.KindConfirmation: 1, att.KindUnknown: 256 - 31,
	}
	for k, n := range want {
		if kinds[k] != n {
			t.Errorf("kind %d: %d opcodes, want %d", k, kinds[k], n)
		}
	}
	if got := att.Opcode(0xBF).String(); got != "ATT opcode 0xbf" {
		t.Error(got)
	}
}
