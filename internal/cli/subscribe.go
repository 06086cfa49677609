package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/gatt"
)

func newSubscribe(e *env) *cobra.Command {
	s, who := &subscription{env: e}, &person{}
	var handle string
	cmd := &cobra.Command{
		Use:   "subscribe PEER [CHARACTERISTIC]",
		Short: "Print a characteristic's values as they come, whatever happens to the link",
		Long: `Subscribe connects to a peer, secures the link, and prints the values of a characteristic as they come, by
notification or by indication. A link that is lost is made again, after a second and then after ever longer waits of up
to five minutes.

` + peerForms + `

` + characteristicForms + `

It goes on until interrupted, or until --count values have come, and then unsubscribes and disconnects. With
--json the events are ` + eventNames + `.`,
		Args: args(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, given []string) (err error) {
			if s.what, err = selectionOf(given[1:], handle); err != nil {
				return err
			}
			e.person = who
			return s.run(cmd.Context(), given[0])
		},
	}
	who.flags(cmd)
	handleFlag(cmd, &handle)
	cmd.Flags().IntVar(&s.count, "count", 0, "end after so many values; 0 for no end")
	return cmd
}

// subscription is one run of the command.
type subscription struct {
	*env
	count int

	what    selection
	seen    int    // values printed: the client's goroutine
	enough  func() // there are as many as were asked for
	secured func() // the first subscription holds
}

// errEnough is the cause of a context that --count ended.
var errEnough = errors.New("as many values as were asked for")

// farewell is how long a subscription may take to be ended properly.
const farewell = 2 * time.Second

func (s *subscription) run(ctx context.Context, peer string) error {
	t, err := parseTarget(peer)
	if err != nil {
		return err
	}
	if s.count < 0 {
		return usageError{fmt.Errorf("--count %d: want a number of values, or 0 for no end", s.count)}
	}
	h, err := s.openHost(ctx)
	if err != nil {
		return err
	}
	defer h.Close()
	return s.follow(ctx, h, t)
}

// follow keeps the subscription up until it is over, one way or the other; also when the link goes at that very moment.
func (s *subscription) follow(ctx context.Context, h *host, t target) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.enough = func() { cancel(errEnough) }
	s.secured = func() {}
	if s.timeout > 0 {
		limit := time.AfterFunc(s.timeout, func() { cancel(errNotSecured) })
		s.secured = func() { limit.Stop() }
	}
	peer, err := h.resolve(ctx, t)
	if err != nil {
		return err
	}
	err = h.Keep(ctx, peer, gap.KeepConfig{ConnectConfig: gap.ConnectConfig{Security: s.security}}, s.stream)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errEnough):
		return nil
	case cause != nil:
		return cause
	}
	return err
}

// stream subscribes on one connection and waits for the end: of the link, or of ctx.
func (s *subscription) stream(ctx context.Context, c *gap.Conn) error {
	defer s.securing.wait(ctx, c.Done())
	if err := s.openBearers(ctx, c); err != nil {
		return err
	}
	characteristics, err := s.what.find(ctx, c)
	if err != nil {
		return err
	}
	ch := characteristics[0]
	subscribing, cancel := unlessEnough(ctx)
	defer cancel()
	sub, err := c.Client().Subscribe(subscribing, ch, func(value []byte) { s.print(c, ch, value) })
	if err != nil {
		return err
	}
	s.secured()
	select {
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-sub.Done():
		return sub.Err()
	}
	ctx, cancelFarewell := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancelFarewell()
	if closeErr := sub.Close(ctx); closeErr != nil && c.Err() == nil && !errors.Is(closeErr, context.DeadlineExceeded) {
		s.log.Warnf("unsubscribe: %v", closeErr)
	}
	return err
}

// unlessEnough is ctx, but does not end with enough values: a subscription that was begun can be ended properly only
// when it is complete, and the first values may come before that.
func unlessEnough(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !errors.Is(cause, errEnough) {
			cancel(cause)
		}
	})
	return lasting, func() { stop(); cancel(nil) }
}

// print prints one value: the client's goroutine.
func (s *subscription) print(c *gap.Conn, ch gatt.RemoteCharacteristic, value []byte) {
	if s.count > 0 && s.seen >= s.count {
		return
	}
	s.seen++
	now := time.Now()
	line := []string{now.Format("15:04:05.000"), c.Peer().String(), ch.UUID.String(), valueText(ch.UUID, value)}
	f := fields{{"uuid", ch.UUID.String()}, {"handle", ch.ValueHandle}}
	s.out.data(now, "value", c.Peer().String(), append(f, valueFields(ch.UUID, value)...), strings.Join(line, "  "))
	if s.seen == s.count {
		s.enough()
	}
}
