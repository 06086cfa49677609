package smp

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// screen is what a terminal shows.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// typed is a keyboard: its lines come when they are typed, and not before.
type typed struct {
	keys chan string
	rest string
}

func (k *typed) Read(b []byte) (int, error) {
	if k.rest == "" {
		text, ok := <-k.keys
		if !ok {
			return 0, io.EOF
		}
		k.rest = text
	}
	n := copy(b, k.rest)
	k.rest = k.rest[n:]
	return n, nil
}

func newTyped() *typed { return &typed{keys: make(chan string, 8)} }

func oximeterQuestion(t *testing.T) Question {
	return Question{Peer: addressOf(t, oximeterText), Role: hci.Central}
}

func TestTerminalAnswers(t *testing.T) {
	ctx := t.Context()
	q := oximeterQuestion(t)
	enter := func(want uint32) func(*Terminal) error {
		return func(x *Terminal) error {
			n, err := x.Enter(ctx, q)
			if err == nil && n != want {
				t.Errorf("entered %d, want %d", n, want)
			}
			return err
		}
	}
	confirm := func(x *Terminal) error { return x.Confirm(ctx, q, 7) }
	consent := func(x *Terminal) error { return x.Consent(ctx, q) }
	for _, x := range []struct {
		name  string
		input string
		ask   func(*Terminal) error
		want  error
		shows string
	}{
		{"a passkey", "123456\n", enter(123456), nil, "00:1C:05:FF:F0:30"},
		{"a short one", " 42 \n", enter(42), nil, "six digits"},
		{"zeros", "000000\r\n", enter(0), nil, ""},
		{"not digits, then digits", "12a456\n-1\n1234567\n0000001\n+12345\n000001\n", enter(1), nil, "nothing to refuse"},
		{"nothing", "\n", enter(0), errSaidNo, ""},
		{"no input for a passkey", "", enter(0), errNoInput, ""},
		{"a line without end", strings.Repeat("1", 10_000), enter(0), errNoInput, ""},
		{"the same number", "y\n", confirm, nil, "000007"},
		{"the same number, in capitals", "YES\n", confirm, nil, ""},
		{"another number", "n\n", confirm, errSaidNo, ""},
		{"anything else is no", "yep\n", confirm, errSaidNo, ""},
		{"an empty line is no", "\n", confirm, errSaidNo, "[y/N]"},
		{"no input for a number", "", confirm, errNoInput, ""},
		{"no newline at the end", "y", confirm, nil, ""},
		{"consent", "yes\n", consent, nil, "wants to pair"},
		{"no consent", "no\n", consent, errSaidNo, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			out := &screen{}
			err := x.ask(NewTerminal(strings.NewReader(x.input), out))
			if !errors.Is(err, x.want) || (err == nil) != (x.want == nil) {
				t.Errorf("%v, want %v", err, x.want)
			}
			if !strings.Contains(out.String(), x.shows) {
				t.Errorf("it shows %q, want %q in it", out, x.shows)
			}
		})
	}
}

// What is asked says whether there is a bond to lose, and whether it is lost.
func TestTerminalConsentNamesTheBond(t *testing.T) {
	for words, bond := range map[string]Record{
		"wants to pair":         {},
		"wants another":         {Bonded: true},
		"has lost its bond":     {Bonded: true, Lost: true},
		"or it is somebody els": {Bonded: true},
	} {
		out := &screen{}
		q := oximeterQuestion(t)
		q.Bond = bond
		_ = NewTerminal(strings.NewReader("y\n"), out).Consent(t.Context(), q)
		if !strings.Contains(out.String(), words) {
			t.Errorf("it asks %q, want %q in it", out, words)
		}
	}
}

func TestTerminalDisplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		out, pressed := &screen{}, make(chan Keypress, 8)
		x := NewTerminal(newTyped(), out)
		q := oximeterQuestion(t)
		q.Pressed = pressed
		if n, err := x.Display(ctx, q, 42); n != 42 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		pressed <- EntryStarted
		pressed <- DigitEntered
		synctest.Wait()
		cancel()
		for _, want := range []string{"000042", "entry started", "digit entered"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("it shows %q, want %q in it", out, want)
			}
		}
		if c := x.Capabilities(); c != (Capabilities{IO: KeyboardDisplay, Keypress: true}) || !c.authenticates() {
			t.Errorf("%+v", c)
		}
	})
}

// A question that is withdrawn leaves the terminal to the next, whose answer it does not give.
func TestTerminalWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, out := newTyped(), &screen{}
		defer close(keys.keys)
		x := NewTerminal(keys, out)
		q := oximeterQuestion(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := x.Confirm(ctx, q, 1); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(out.String(), "withdrawn") {
			t.Errorf("%v, %q", err, out)
		}
		keys.keys <- "y\n" // too late
		synctest.Wait()
		answer := make(chan error, 1)
		go func() { answer <- x.Confirm(t.Context(), q, 2) }()
		synctest.Wait()
		select {
		case err := <-answer:
			t.Fatalf("answered by what was typed before: %v", err)
		default:
		}
		keys.keys <- "n\n"
		if err := <-answer; !errors.Is(err, errSaidNo) {
			t.Errorf("%v", err)
		}

		// Withdrawn, and the next one asked before anything was typed: one line answers one question.
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := x.Confirm(ctx, q, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		go func() { answer <- x.Confirm(t.Context(), q, 4) }()
		synctest.Wait()
		keys.keys <- "n\n"
		if err := <-answer; !errors.Is(err, errSaidNo) {
			t.Errorf("%v", err)
		}
	})
}

// Two links ask at once, one after the other; who is withdrawn while waiting asks nothing.
func TestTerminalTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, out := newTyped(), &screen{}
		defer close(keys.keys)
		x := NewTerminal(keys, out)
		q := oximeterQuestion(t)
		first, second, third := make(chan error, 1), make(chan error, 1), make(chan error, 1)
		go func() { first <- x.Confirm(t.Context(), q, 1) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { second <- x.Confirm(ctx, q, 2) }()
		synctest.Wait()
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) || strings.Contains(out.String(), "000002") {
			t.Errorf("%v, %q", err, out)
		}
		go func() { third <- x.Confirm(t.Context(), q, 3) }()
		synctest.Wait()
		if strings.Contains(out.String(), "000003") {
			t.Errorf("two questions at once: %q", out)
		}
		keys.keys <- "y\n"
		if err := <-first; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		keys.keys <- "n\n"
		if err := <-third; !errors.Is(err, errSaidNo) {
			t.Error(err)
		}
	})
}
