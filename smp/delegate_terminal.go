package smp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

var (
	errSaidNo  = errors.New("the answer was no")
	errNoInput = errors.New("there is nothing to read an answer from")
)

// Terminal is a Delegate for a person at a terminal, who is asked by lines of text. One question is put at a time,
// and input is read while one is put and not before. It can show, confirm and enter.
type Terminal struct {
	// IO is what it admits to; it may be set before the Terminal is used. NewTerminal says KeyboardDisplay.
	IO IOCapability

	turn    chan struct{}  // capacity 1: who puts the one question; in and reading are its
	in      *bufio.Scanner // and the reader's, while there is one
	reading bool           // a goroutine waits for a line
	lines   chan line      // capacity 1: what it read

	mu  sync.Mutex
	out io.Writer // guarded by mu
}

// line is a line of input, or the end of it.
type line struct {
	text string
	ok   bool
}

// maxLine bounds an answer, in octets.
const maxLine = 256

// NewTerminal asks through out, and reads answers from in: standard error and standard input, say. The goroutine
// that waits for input lasts until there is some, or its end.
func NewTerminal(in io.Reader, out io.Writer) *Terminal {
	t := &Terminal{
		IO: KeyboardDisplay, in: bufio.NewScanner(in), out: out,
		turn: make(chan struct{}, 1), lines: make(chan line, 1),
	}
	t.in.Buffer(make([]byte, maxLine), maxLine)
	return t
}

// Capabilities is IO. It is glad to hear of keys that the peer's user presses; those pressed on it come as a line.
func (t *Terminal) Capabilities() Capabilities { return Capabilities{IO: t.IO, Keypress: true} }

// Display prints the proposed passkey.
func (t *Terminal) Display(ctx context.Context, q Question, proposed uint32) (uint32, error) {
	t.say("Enter the passkey %06d on %s.\n", proposed, q.Peer)
	if q.Pressed != nil {
		go t.follow(ctx, q)
	}
	return proposed, nil
}

// follow tells of the keys pressed on the peer's side.
func (t *Terminal) follow(ctx context.Context, q Question) {
	for {
		select {
		case k := <-q.Pressed:
			t.say("%s: %s.\n", q.Peer, k)
		case <-ctx.Done():
			return
		}
	}
}

// Enter asks for the passkey until it has six digits at the most; an empty line refuses.
func (t *Terminal) Enter(ctx context.Context, q Question) (uint32, error) {
	prompt := fmt.Sprintf("Passkey that %s shows, or that you enter on both (six digits): ", q.Peer)
	for {
		text, err := t.ask(ctx, prompt)
		if err != nil {
			return 0, err
		}
		if text == "" {
			return 0, errSaidNo
		}
		if n, err := strconv.ParseUint(text, 10, 32); err == nil && n < digits && len(text) <= 6 {
			return uint32(n), nil
		}
		prompt = "Six digits, please, or nothing to refuse: "
	}
}

// Confirm asks whether the peer shows the same number.
func (t *Terminal) Confirm(ctx context.Context, q Question, number uint32) error {
	return t.yes(ctx, fmt.Sprintf("Does %s show %06d? [y/N] ", q.Peer, number))
}

// Consent asks whether the peer may pair.
func (t *Terminal) Consent(ctx context.Context, q Question) error {
	switch {
	case !q.Bond.Bonded:
		return t.yes(ctx, fmt.Sprintf("%s wants to pair. Let it? [y/N] ", q.Peer))
	case q.Bond.Lost:
		return t.yes(ctx, fmt.Sprintf("%s has lost its bond with us, or it is somebody else. Pair again? [y/N] ", q.Peer))
	}
	return t.yes(ctx, fmt.Sprintf("%s has a bond with us and wants another, or it is somebody else. Pair again? [y/N] ", q.Peer))
}

func (t *Terminal) yes(ctx context.Context, prompt string) error {
	text, err := t.ask(ctx, prompt)
	if err != nil {
		return err
	}
	if text = strings.ToLower(text); text != "y" && text != "yes" {
		return errSaidNo
	}
	return nil
}

// ask puts a question when it is its turn, and waits for a line.
func (t *Terminal) ask(ctx context.Context, prompt string) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case <-t.lines: // the answer to a question that was withdrawn
		t.reading = false
	default:
	}
	t.say("%s", prompt)
	if !t.reading { // otherwise the line that was to answer that question answers this one
		t.reading = true
		go func() {
			ok := t.in.Scan()
			t.lines <- line{t.in.Text(), ok}
		}()
	}
	select {
	case l := <-t.lines:
		t.reading = false
		if !l.ok {
			t.say("\n")
			return "", errNoInput
		}
		return strings.TrimSpace(l.text), nil
	case <-ctx.Done():
		t.say("\n(The question is withdrawn.)\n")
		return "", ctx.Err()
	}
}

func (t *Terminal) say(format string, a ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.out, format, a...) // a terminal that is gone answers nothing either
}
