package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

func newL2CAP(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "l2cap",
		Short: "Credit-based channels",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c := &cat{env: e}
	catCommand := &cobra.Command{
		Use:   "cat SPSM [PEER]",
		Short: "Carry standard input and output over a channel, as netcat does",
		Long: `Cat opens a channel to SPSM (0x0080 to 0x00FF are free to use) of PEER; without PEER it advertises, and
takes the first channel that a peer opens to SPSM. It ends when the peer disconnects the channel; with --shut
also at the end of standard input.`,
		Args: args(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, given []string) error { return c.run(cmd.Context(), given) },
	}
	catCommand.Flags().StringVar(&c.name, "name", "Jelling", "the name to advertise")
	catCommand.Flags().BoolVarP(&c.shut, "shut", "N", false, "disconnect the channel at the end of standard input")
	cmd.AddCommand(catCommand)
	return cmd
}

// cat is one run of the command.
type cat struct {
	*env
	name string
	shut bool
}

func (c *cat) run(ctx context.Context, given []string) error {
	spsm, err := strconv.ParseUint(given[0], 0, 8)
	if err != nil || spsm == 0 {
		return usageError{fmt.Errorf("SPSM %q: want a number from 1 to 255, like 0x80", given[0])}
	}
	h, err := c.openHost(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	limit, cancel := limited(ctx, c.timeout)
	defer cancel()
	var channel *l2cap.CreditChannel
	if len(given) == 2 {
		channel, err = c.dial(limit, h, given[1], uint16(spsm))
	} else {
		channel, err = c.accept(limit, h, uint16(spsm))
	}
	if err != nil {
		return err
	}
	return c.carry(ctx, channel)
}

func (c *cat) dial(ctx context.Context, h *host, address string, spsm uint16) (*l2cap.CreditChannel, error) {
	t, err := parseTarget(address)
	if err != nil {
		return nil, err
	}
	peer, err := h.resolve(ctx, t)
	if err != nil {
		return nil, err
	}
	conn, err := h.Connect(ctx, peer, gap.ConnectConfig{Security: c.security, NoGATT: true})
	if err != nil {
		return nil, err
	}
	channel, err := conn.Dial(ctx, spsm, l2cap.ChannelConfig{})
	if err != nil {
		c.securing.wait(ctx, conn.Done())
	}
	return channel, err
}

func (c *cat) accept(ctx context.Context, h *host, spsm uint16) (*l2cap.CreditChannel, error) {
	need := l2cap.Security{Encrypted: c.security >= smp.LevelEncrypted, Authenticated: c.security >= smp.LevelAuthenticated}
	l, err := h.Listen(spsm, l2cap.ListenConfig{Security: need})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(ctx)
	advertised := make(chan struct{})
	defer func() { cancel(); <-advertised }()
	go func() {
		defer close(advertised)
		for ctx.Err() == nil {
			conn, err := h.Advertise(ctx, gap.AdvertiseConfig{Payload: gap.Payload{Name: c.name}})
			if err != nil {
				return
			}
			select {
			case <-conn.Done():
			case <-ctx.Done():
			}
		}
	}()
	return l.AcceptChannel(ctx)
}

// carry moves octets both ways until the peer has had enough, or we have. Reading standard input cannot be
// interrupted, so that its goroutine may be left behind.
func (c *cat) carry(ctx context.Context, channel *l2cap.CreditChannel) error {
	stop := context.AfterFunc(ctx, func() { _ = channel.Close() })
	defer stop()
	go func() {
		_, _ = io.Copy(struct{ io.Writer }{channel}, c.stdin) // the reader below hears why, if it fails
		if c.shut {
			_ = channel.Close()
		}
	}()
	_, err := io.Copy(c.out.stdout, struct{ io.Reader }{channel})
	_ = channel.Close()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, net.ErrClosed) && c.shut:
		return nil
	}
	return err
}
