package transport

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestOpenRefuses(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		spec Spec
		is   error
		text string
	}{
		{"virtual", context.Background(), Spec{Kind: Virtual, Rest: "x"}, ErrVirtual,
			"open virtual:x: not a controller that can be opened here (virtual controllers are opened by package transport/virtual)"},
		{"zero", context.Background(), Spec{}, errors.ErrUnsupported, "open :: no such kind of transport (unsupported operation)"},
		{"unknown", context.Background(), Spec{Kind: "usb"}, errors.ErrUnsupported, "open usb:: no such kind of transport (unsupported operation)"},
		{"cancelled", cancelled, Spec{Kind: User}, context.Canceled, "open user:0: not tried (context canceled)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Open(tt.ctx, tt.spec, Options{})
			var e *OpenError
			if c != nil || !errors.As(err, &e) || !errors.Is(err, tt.is) || e.Spec != tt.spec {
				t.Fatalf("Open = %v, %v", c, err)
			}
			if err.Error() != tt.text {
				t.Errorf("error %q, want %q", err, tt.text)
			}
			if tt.ctx == context.Background() && (e.Remedy == "" || strings.Contains(e.Remedy, "\n")) {
				t.Errorf("remedy %q", e.Remedy)
			}
		})
	}
}

func TestOpenErrorText(t *testing.T) {
	tests := []struct {
		err  OpenError
		want string
	}{
		{OpenError{Op: opOpen, Spec: Spec{Kind: User, Index: 2}, Err: fs.ErrPermission, Cause: "no capability"}, "open user:2: no capability (permission denied)"},
		{OpenError{Op: opOpen, Spec: Spec{Kind: User}, Err: fs.ErrInvalid}, "open user:0: invalid argument"},
		{OpenError{Op: opList, Err: fs.ErrPermission, Cause: "none"}, "list controllers: none (permission denied)"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		if !errors.Is(&tt.err, tt.err.Err) {
			t.Errorf("%q does not unwrap", &tt.err)
		}
	}
}
