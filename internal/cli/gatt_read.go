package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
)

func newRead(e *env) *cobra.Command {
	who := &person{}
	var handle string
	cmd := &cobra.Command{
		Use:   "read PEER [CHARACTERISTIC]",
		Short: "Read a value of a peer, whole",
		Long: `Read reads the value of a characteristic, of every one where there are several, or with --handle of any attribute.
Long values are read to their end. Where the peer asks for more security, the link is secured as the flags say.

` + peerForms + `

` + characteristicForms + `

--timeout limits the whole (default 1m). With --json a value has value (hexadecimal), text, and fields with names and
units where it is a standard one.`,
		Args: args(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, given []string) error {
			s, err := selectionOf(given[1:], handle)
			if err != nil {
				return err
			}
			e.person = who
			return e.connected(cmd.Context(), given[0], func(ctx context.Context, c *gap.Conn) error { return e.read(ctx, c, s) })
		},
	}
	who.flags(cmd)
	handleFlag(cmd, &handle)
	return cmd
}

// selectionOf is what the arguments behind PEER, or --handle, mean.
func selectionOf(given []string, handle string) (selection, error) {
	switch {
	case len(given) == 0 && handle == "":
		return selection{}, usageError{fmt.Errorf("which one: want CHARACTERISTIC or --handle")}
	case len(given) > 0 && handle != "":
		return selection{}, usageError{fmt.Errorf("CHARACTERISTIC %q and --handle %s: one of them is enough", given[0], handle)}
	case len(given) > 0:
		return parseSelection(given[0], "")
	}
	return parseSelection("", handle)
}

func (e *env) read(ctx context.Context, c *gap.Conn, s selection) error {
	if s.handle != 0 {
		r, err := s.one(ctx, c)
		if err != nil {
			return err
		}
		return e.readOne(ctx, c, r)
	}
	found, err := s.find(ctx, c)
	for _, ch := range found {
		if err == nil {
			err = e.readOne(ctx, c, remote{ch.ValueHandle, ch.UUID, ch.Properties})
		}
	}
	return err
}

func (e *env) readOne(ctx context.Context, c *gap.Conn, r remote) error {
	octets, err := c.Client().Read(ctx, r.handle)
	if err != nil {
		return err
	}
	e.out.data(time.Now(), "value", c.Peer().String(), append(r.about(), valueFields(r.uuid, octets)...),
		fmt.Sprintf("0x%04x  %s  %s", r.handle, called(r.uuid), valueText(r.uuid, octets)))
	return nil
}
