package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/smp"
)

// person is what the flags say about who is asked while devices pair.
type person struct {
	io      string // one of ioWords, or empty
	passkey string // given beforehand, or empty
	trusted bool   // and nobody else knows it
	display bool   // there is nothing to read answers from
	asks    bool   // a terminal is asked without being told to
}

// ioWords are the words of --io.
var ioWords = map[string]smp.IOCapability{
	"none": smp.NoInputNoOutput, "display": smp.DisplayOnly, "display-yes-no": smp.DisplayYesNo, "keyboard": smp.KeyboardOnly,
	"keyboard-display": smp.KeyboardDisplay,
}

// peerPolicy is what the flags say of every peer.
func (e *env) peerPolicy() smp.Policy {
	p := smp.Policy{Bonding: e.bonding, LostBond: e.lostBond, MinKeySize: e.minKeySize}
	if e.secureOnly {
		p.SecureConnections = smp.SecureConnectionsOnly
	}
	return p
}

// delegate is who is asked while devices pair; nil for nobody.
func (e *env) delegate() (smp.Delegate, error) {
	if e.minKeySize != 0 && (e.minKeySize < 7 || e.minKeySize > 16) {
		return nil, usageError{fmt.Errorf("--min-key-size %d: want 7 to 16 octets", e.minKeySize)}
	}
	if e.person == nil {
		return nil, nil
	}
	if e.person.display && e.pairable == smp.PairableAsk {
		return nil, usageError{errors.New("--pairable ask: standard input has values here and no answers; want always or off")}
	}
	return e.person.delegate(e.stdin, e.stderr)
}

// flags adds the flags to a command.
func (p *person) flags(cmd *cobra.Command) {
	words, without := "none|display|display-yes-no|keyboard|keyboard-display", "none"
	switch {
	case p.display:
		words = "none|display"
	case p.asks:
		without = "keyboard-display at a terminal, else none"
	}
	f := cmd.Flags()
	f.StringVar(&p.io, "io", "", words+": what a person here can see and do while devices pair (default "+without+")")
	f.StringVar(&p.passkey, "passkey", "", "six digits known beforehand: the peer's, which are entered, or with --io display ours; a key made with them counts as not authenticated")
	f.BoolVar(&p.trusted, "trust-passkey", false, "nobody else can know --passkey, so that the key counts as authenticated")
}

// delegate is who is asked; nil for nobody.
func (p *person) delegate(in io.Reader, out io.Writer) (smp.Delegate, error) {
	capability, known := ioWords[p.io]
	switch {
	case p.io != "" && !known:
		return nil, usageError{fmt.Errorf("--io %s: want none, display, display-yes-no, keyboard or keyboard-display", p.io)}
	case p.display && known && capability != smp.DisplayOnly && capability != smp.NoInputNoOutput:
		return nil, usageError{fmt.Errorf("--io %s: standard input has values here and no answers; want none or display", p.io)}
	case p.passkey != "":
		return p.fixed(capability, known)
	case p.trusted:
		return nil, usageError{errors.New("--trust-passkey without --passkey")}
	case known && capability == smp.NoInputNoOutput, !known && !(p.asks && isTerminal(in) && isTerminal(out)):
		return nil, nil
	}
	t := smp.NewTerminal(in, out)
	if known {
		t.IO = capability
	}
	if p.display {
		return board{terminal: t}, nil
	}
	return t, nil
}

// board shows passkeys and asks nothing.
type board struct {
	smp.Headless
	terminal *smp.Terminal
}

func (b board) Capabilities() smp.Capabilities { return b.terminal.Capabilities() }
func (b board) Display(ctx context.Context, q smp.Question, proposed uint32) (uint32, error) {
	return b.terminal.Display(ctx, q, proposed)
}

// fixed is a passkey that is known beforehand: entered here, unless this side is to display it.
func (p *person) fixed(capability smp.IOCapability, known bool) (smp.Delegate, error) {
	n, err := strconv.ParseUint(p.passkey, 10, 32)
	if err != nil || len(p.passkey) != 6 {
		return nil, usageError{errors.New("--passkey: want six digits, leading zeros too")}
	}
	if known && capability != smp.DisplayOnly && capability != smp.KeyboardOnly {
		return nil, usageError{fmt.Errorf("--passkey with --io %s: want display, to show it, or keyboard, to enter it", p.io)}
	}
	shown := capability == smp.DisplayOnly && (known || p.display)
	return smp.FixedPasskey{Passkey: uint32(n), Entered: !shown, Authenticates: p.trusted}, nil
}

// isTerminal tells whether a person may be behind a file: it is a character device, and not the one that is nothing.
func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && !os.SameFile(info, null)
}
