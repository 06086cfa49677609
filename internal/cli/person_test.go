package cli

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/jelling-ble/jelling/smp"
)

// The flags of who is asked, and what comes of them where there is no terminal.
func TestPerson(t *testing.T) {
	for _, x := range []struct {
		name   string
		person person
		want   any    // a Delegate's capabilities, nil for nobody
		fails  string // or this in a usage error
	}{
		{"nothing said", person{}, nil, ""},
		{"nothing said, and asks would be put at a terminal", person{asks: true}, nil, ""},
		{"none", person{io: "none", asks: true}, nil, ""},
		{"display", person{io: "display"}, smp.Capabilities{IO: smp.DisplayOnly, Keypress: true}, ""},
		{"display, on a board", person{io: "display", display: true}, smp.Capabilities{IO: smp.DisplayOnly, Keypress: true}, ""},
		{"display-yes-no", person{io: "display-yes-no"}, smp.Capabilities{IO: smp.DisplayYesNo, Keypress: true}, ""},
		{"keyboard", person{io: "keyboard"}, smp.Capabilities{IO: smp.KeyboardOnly, Keypress: true}, ""},
		{"keyboard-display", person{io: "keyboard-display"}, smp.Capabilities{IO: smp.KeyboardDisplay, Keypress: true}, ""},
		{"a passkey of the peer", person{passkey: "000042"}, smp.Capabilities{IO: smp.KeyboardOnly, FixedPasskey: true}, ""},
		{"a passkey of the peer, by name", person{passkey: "000042", io: "keyboard"}, smp.Capabilities{IO: smp.KeyboardOnly, FixedPasskey: true}, ""},
		{"a passkey of ours", person{passkey: "123456", io: "display"}, smp.Capabilities{IO: smp.DisplayOnly, FixedPasskey: true}, ""},
		{"a passkey of ours, on a board", person{passkey: "123456", display: true}, smp.Capabilities{IO: smp.DisplayOnly, FixedPasskey: true}, ""},
		{"a passkey that is trusted", person{passkey: "123456", trusted: true}, smp.Capabilities{IO: smp.KeyboardOnly}, ""},
		{"no such word", person{io: "telepathy"}, nil, "--io telepathy"},
		{"a keyboard where there is none", person{io: "keyboard", display: true}, nil, "no answers"},
		{"seven digits", person{passkey: "1234567"}, nil, "six digits"},
		{"two digits", person{passkey: "12"}, nil, "six digits"},
		{"no digits", person{passkey: "abc"}, nil, "six digits"},
		{"a sign", person{passkey: "-1"}, nil, "six digits"},
		{"a passkey to compare", person{passkey: "000001", io: "display-yes-no"}, nil, "want display"},
		{"trust in nothing", person{trusted: true}, nil, "without --passkey"},
	} {
		t.Run(x.name, func(t *testing.T) {
			d, err := x.person.delegate(strings.NewReader(""), io.Discard)
			var usage usageError
			switch {
			case x.fails != "":
				if !errors.As(err, &usage) || !strings.Contains(err.Error(), x.fails) {
					t.Errorf("%v", err)
				}
			case err != nil:
				t.Error(err)
			case x.want == nil:
				if d != nil {
					t.Errorf("%T", d)
				}
			case d == nil || d.Capabilities() != x.want:
				t.Errorf("%T, want %+v", d, x.want)
			}
		})
	}
}

// A board shows, and answers nothing.
func TestBoard(t *testing.T) {
	var out strings.Builder
	d, err := (&person{io: "display", display: true}).delegate(strings.NewReader("yes\nyes\n123456\n"), &out)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.Display(t.Context(), smp.Question{}, 7); n != 7 || err != nil || !strings.Contains(out.String(), "000007") {
		t.Errorf("%d, %v, %q", n, err, &out)
	}
	_, enter := d.Enter(t.Context(), smp.Question{})
	for _, err := range []error{enter, d.Confirm(t.Context(), smp.Question{}, 1), d.Consent(t.Context(), smp.Question{})} {
		if err == nil {
			t.Error("an answer from nowhere")
		}
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	closed, err := os.Create(t.TempDir() + "/closed")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, f := range map[string]any{"/dev/null": null, "a file": file, "a closed file": closed, "no file": strings.NewReader(""), "nothing": nil} {
		if isTerminal(f) {
			t.Errorf("%s is a terminal", name)
		}
	}
	if zero, err := os.Open("/dev/zero"); err == nil { // a character device all the same
		defer zero.Close()
		if !isTerminal(zero) {
			t.Error("a character device is none")
		}
	}
}

// Command lines of pairing, as a user types them.
func TestPairFlags(t *testing.T) {
	for _, x := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"pair", address, "--io", "telepathy"}, exitUsage, "--io telepathy"},
		{[]string{"pair", address, "--passkey", "1234567"}, exitUsage, "six digits"},
		{[]string{"pair", address, "--min-key-size", "6"}, exitUsage, "7 to 16"},
		{[]string{"subscribe", address, "2a5f", "--io", "telepathy"}, exitUsage, "--io telepathy"},
		{[]string{"advertise", "--profile", "none", "--pairable", "perhaps"}, exitUsage, "pairable"},
		{[]string{"pair", address, "--security", "authenticated"}, exitFailure, "no way to ask a person"},
		{[]string{"pair", address, "--security", "authenticated", "--passkey", "123456"}, exitFailure, "beforehand"},
		{[]string{"pair", address, "--security", "sc"}, exitFailure, "'jelling pair ADDRESS --security sc' asks"},
		{[]string{"pair", address, "--sc-only", "--min-key-size", "16", "--io", "none"}, exitOK, "paired"},
		{[]string{"pair", address, "--passkey", "123456", "--timeout", "20s"}, exitOK, "just-works"},
	} {
		t.Run(strings.Join(x.args, " "), func(t *testing.T) {
			r := jelling(t, t.TempDir(), x.args...)
			if r.status != x.status || !strings.Contains(r.stderr+r.stdout, x.says) {
				t.Errorf("status %d, want %d; %q\n%s%s", r.status, x.status, x.says, r.stdout, r.stderr)
			}
		})
	}
	// What nobody can answer on a board is refused before anything is opened.
	e := &env{person: &person{display: true}, pairable: smp.PairableAsk}
	if _, err := e.delegate(); !errors.As(err, &usageError{}) {
		t.Errorf("%v", err)
	}
	if d, err := (&env{}).delegate(); d != nil || err != nil {
		t.Errorf("%v, %v", d, err)
	}
}
