package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

func newPair(e *env) *cobra.Command {
	who := &person{asks: true}
	cmd := &cobra.Command{
		Use:   "pair PEER",
		Short: "Connect, bring the link to the wanted security, and keep the bond",
		Long: `Pair connects to a peer, encrypts the link and disconnects. With a bond its key is used; without one the devices pair,
and --bonding says whether the keys are kept.

` + peerForms + `

At a terminal it shows and asks for what the devices need: a passkey to enter there or here, or whether both show the
same number. --io says otherwise, and --passkey gives a passkey beforehand. What a bond has is never lowered: whether a
device that has lost its bond may pair again is for --on-lost-bond to say, and with an authenticated bond for you.`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			e.person = who
			return e.pair(cmd.Context(), given[0])
		},
	}
	who.flags(cmd)
	return cmd
}

// errNotSecured is the cause of a context that --timeout ended.
var errNotSecured = errors.New("the link was not secured within --timeout")

func (e *env) pair(ctx context.Context, address string) error {
	t, err := parseTarget(address)
	if err != nil {
		return err
	}
	h, err := e.openHost(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	limit := e.timeout
	if !e.timeoutOn {
		limit = time.Minute
	}
	ctx, cancel := limited(ctx, limit)
	defer cancel()
	peer, err := h.resolve(ctx, t)
	if err != nil {
		return err
	}
	c, err := h.Connect(ctx, peer, gap.ConnectConfig{Security: max(e.security, smp.LevelEncrypted)})
	if err != nil {
		return err
	}
	record, _ := h.store.Load(h.Identity(), c.Peer())
	c.Disconnect(hci.RemoteUserTerminatedConnection)
	if !record.Bonded && e.bonding != smp.BondNever {
		fmt.Fprintf(e.stderr, "jelling: %v wanted no bond, so there is nothing to keep; it will be paired with at each connection\n", c.Peer())
	}
	return nil
}

// limited is a context that ends after d with errNotSecured, or never if d is 0.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, errNotSecured)
}
