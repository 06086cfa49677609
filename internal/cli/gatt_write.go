package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/profile"
)

func newWrite(e *env) *cobra.Command {
	w, who := &writing{env: e}, &person{}
	var handle string
	cmd := &cobra.Command{
		Use:   "write PEER [CHARACTERISTIC] VALUE",
		Short: "Write a value of a peer",
		Long: `Write writes the value of a characteristic, or with --handle of any attribute, and waits until the peer has said yes;
a value longer than a PDU goes in parts. A characteristic that only takes writes without a response gets one.

VALUE has a form and a colon before it: hex:0050, text:hello, uint8:5, sint16:-2, and so on up to 64 bits, least
significant octet first. Without a form it is hexadecimal.

` + peerForms + `

` + characteristicForms + `

--timeout limits the whole (default 1m).`,
		Args: args(cobra.RangeArgs(2, 3)),
		RunE: func(cmd *cobra.Command, given []string) error {
			s, err := selectionOf(given[1:len(given)-1], handle)
			if err != nil {
				return err
			}
			if err := w.parse(given[len(given)-1]); err != nil {
				return usageError{err}
			}
			e.person = who
			return e.connected(cmd.Context(), given[0], func(ctx context.Context, c *gap.Conn) error { return w.run(ctx, c, s) })
		},
	}
	who.flags(cmd)
	handleFlag(cmd, &handle)
	cmd.Flags().BoolVar(&w.command, "no-response", false, "ask for no response; nobody tells whether it was written")
	cmd.Flags().BoolVar(&w.signed, "signed", false, "without a response, and signed where the link is not encrypted")
	cmd.Flags().BoolVar(&w.reliable, "reliable", false, "in parts, also what fits one PDU: the peer repeats each, and writes them only if that is right")
	return cmd
}

// writing is one run of the command.
type writing struct {
	*env
	value                     []byte
	command, signed, reliable bool
}

// parse reads VALUE.
func (w *writing) parse(text string) (err error) {
	form, rest, ok := strings.Cut(text, ":")
	if !ok {
		form, rest = "hex", text
	}
	if w.value, err = profile.ParseValue(form, rest); err != nil {
		return fmt.Errorf("VALUE %q: %w", text, err)
	}
	if len(w.value) > att.MaxValueLen {
		return fmt.Errorf("VALUE: %d octets, at most %d may be", len(w.value), att.MaxValueLen)
	}
	ways := 0
	for _, way := range []bool{w.command, w.signed, w.reliable} {
		if way {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("--no-response, --signed and --reliable: only one can be")
	}
	return nil
}

func (w *writing) run(ctx context.Context, c *gap.Conn, s selection) error {
	r, err := s.one(ctx, c)
	if err != nil {
		return err
	}
	if err := w.write(ctx, c, r); err != nil {
		return err
	}
	digits := hex.EncodeToString(w.value)
	w.out.event(time.Now(), "written", c.Peer().String(), append(r.about(), field{"value", digits}), fmt.Sprintf("written: 0x%04x  %s  %s", r.handle, called(r.uuid), digits))
	return nil
}

// write writes in the way that is wanted, or that the characteristic takes. Behind a command goes a request: its answer says that the command has
// arrived, so that the link can be ended.
func (w *writing) write(ctx context.Context, c *gap.Conn, r remote) error {
	const answered, unanswered = gatt.Write, gatt.WriteWithoutResponse
	switch {
	case w.reliable:
		return c.Client().ReliableWrite(ctx, att.HandleValue{Handle: r.handle, Value: w.value})
	case w.signed:
		if err := c.Client().SignedWrite(ctx, r.handle, w.value); err != nil {
			return err
		}
	case w.command || r.properties.Has(unanswered) && !r.properties.Has(answered):
		if err := c.Client().WriteCommand(ctx, r.handle, w.value); err != nil {
			return err
		}
	default:
		return c.Client().Write(ctx, r.handle, w.value)
	}
	_, err := typeOf(ctx, c, r.handle)
	return err
}
