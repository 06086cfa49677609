package cli

import (
	"context"
	"io"
	"strings"
	"testing"
)

// What goes in comes back from the virtual oximeter's echo, and the end of the command is in order.
func TestL2CAPCat(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stdin, typing := io.Pipe()
	stdout, stderr := &lines{}, &lines{}
	const said = "the stones are Harald's own"
	stdout.line = func(line string) {
		if line == said {
			cancel(errInterrupted)
		}
	}
	go func() { _, _ = io.WriteString(typing, said+"\n") }()
	status := run(ctx, []string{"l2cap", "cat", "0x80", address, "--transport", "virtual:", "--state-dir", t.TempDir() + "/state"}, stdin, stdout, stderr, func(string) string { return "" })
	_ = stdin.Close()
	if status != 130 || stdout.String() != said+"\n" {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}

func TestL2CAPCatFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"l2cap cat", 2, "usage: jelling l2cap cat SPSM [PEER]"},
		{"l2cap cat 0x100", 2, "want a number from 1 to 255"},
		{"l2cap cat zero", 2, "want a number from 1 to 255"},
		{"l2cap cat 0x99 " + address, 1, "SPSM not supported"},
		{"l2cap cat 0x80 --timeout 100ms", 1, "--timeout"},
	} {
		if r := jelling(t, t.TempDir(), strings.Fields(c.args)...); r.status != c.status || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}
