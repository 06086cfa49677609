package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/gatt/assigned"
)

func newTree(e *env) *cobra.Command {
	t, who := &tree{env: e}, &person{}
	cmd := &cobra.Command{
		Use:   "tree PEER",
		Short: "List a peer's services, characteristics and descriptors",
		Long: `Tree lists what a peer's GATT server has: services with the handles they span, characteristics with the handle of
their value and their properties, descriptors. With --values it reads what can be read, which may raise the link's
security.

` + peerForms + `

--timeout limits the whole (default 1m). With --json the objects are service, include, characteristic and descriptor.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			e.person = who
			return e.connected(cmd.Context(), given[0], t.list)
		},
	}
	who.flags(cmd)
	cmd.Flags().BoolVar(&t.values, "values", false, "read and show the values")
	return cmd
}

// tree is one run of the command.
type tree struct {
	*env
	values bool
}

func (t *tree) list(ctx context.Context, c *gap.Conn) error {
	services, err := c.Client().Discover(ctx)
	if err != nil {
		return err
	}
	for _, s := range services {
		if err := t.service(ctx, c, s); err != nil {
			return err
		}
	}
	return nil
}

// say prints one line of the tree.
func (t *tree) say(c *gap.Conn, event string, f fields, text string) {
	t.out.data(time.Now(), event, c.Peer().String(), f, text)
}

func (t *tree) service(ctx context.Context, c *gap.Conn, s gatt.RemoteService) error {
	t.say(c, "service", fields{{"handle", s.Handle}, {"end", s.End}, {"uuid", s.UUID.String()}, {"name", assigned.Name(s.UUID)}, {"primary", !s.Secondary}},
		fmt.Sprintf("0x%04x-0x%04x  %s%s", s.Handle, s.End, ifElse(s.Secondary, "secondary ", ""), called(s.UUID)))
	for _, i := range s.Includes {
		t.say(c, "include", fields{{"handle", i.Handle}, {"start", i.Start}, {"end", i.End}, {"uuid", i.UUID.String()}, {"name", assigned.Name(i.UUID)}},
			fmt.Sprintf("  0x%04x  includes 0x%04x-0x%04x  %s", i.Handle, i.Start, i.End, called(i.UUID)))
	}
	for _, ch := range s.Characteristics {
		if err := t.characteristic(ctx, c, ch); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) characteristic(ctx context.Context, c *gap.Conn, ch gatt.RemoteCharacteristic) error {
	properties := ch.Properties.String()
	more, shown, err := t.read(ctx, c, ch.ValueHandle, ch.UUID, t.values && ch.Properties.Has(gatt.Read))
	if err != nil {
		return err
	}
	f := fields{{"handle", ch.ValueHandle}, {"declaration", ch.Handle}, {"end", ch.End}, {"uuid", ch.UUID.String()}, {"name", assigned.Name(ch.UUID)},
		{"properties", strings.Fields(properties)}}
	t.say(c, "characteristic", append(f, more...), fmt.Sprintf("  0x%04x  %s  (%s)%s", ch.ValueHandle, called(ch.UUID), properties, shown))
	for _, d := range ch.Descriptors {
		more, shown, err := t.read(ctx, c, d.Handle, d.UUID, t.values)
		if err != nil {
			return err
		}
		f := fields{{"handle", d.Handle}, {"uuid", d.UUID.String()}, {"name", assigned.Name(d.UUID)}}
		t.say(c, "descriptor", append(f, more...), fmt.Sprintf("    0x%04x  %s%s", d.Handle, called(d.UUID), shown))
	}
	return nil
}

// read reads a value, if it is wanted. That the server refuses is part of the tree, and so is what security was not raised for.
func (t *tree) read(ctx context.Context, c *gap.Conn, handle uint16, uuid att.UUID, wanted bool) (f fields, shown string, err error) {
	if !wanted {
		return nil, "", nil
	}
	octets, err := c.Client().Read(ctx, handle)
	var refusal *att.Error
	switch {
	case err == nil:
		return valueFields(uuid, octets), ": " + valueText(uuid, octets), nil
	case errors.As(err, &refusal) && c.Err() == nil && ctx.Err() == nil:
		return fields{{"error", refusal.Code.Error()}}, ": " + refusal.Code.Error(), nil
	}
	return nil, "", err
}
