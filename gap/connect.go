package gap

import (
	"context"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/smp"
)

// ConnectConfig is what a connection is to have.
type ConnectConfig struct {
	// Security is the least that the link has when Connect returns. With a bond it has the bond's level in
	// any case, and the least level of the policy for the peer.
	Security smp.Level
	// NoGATT leaves ATT alone, for a connection that is there for its channels: no MTU is exchanged.
	NoGATT bool
	// Patience is how long the peer is waited for, not counting the time in which it is others' turn, and how long the
	// link may take to be secured; then Connect fails, with driver.ErrNoAnswer if nobody was there. If zero, until ctx ends.
	Patience time.Duration
}

// Connect connects to a peer by its identity address, or its address on air, and secures the link: to the
// level of its bond, and to cfg.Security. Nothing of ours but security goes over the link before that.
//
// ctx bounds all of it; when it ends, an attempt is cancelled and a link disconnected. Errors: a
// *driver.CommandError with the hci.Status of the attempt, a *NotSeenError, those of smp.Session.Secure, and the end of the
// link or the controller.
func (h *Host) Connect(ctx context.Context, peer hci.Address, cfg ConnectConfig) (*Conn, error) {
	if err := h.awaitController(ctx); err != nil {
		return nil, err
	}
	peer, _ = h.security.Resolve(peer) // who it was on air when it was heard
	link, err := h.reach(ctx, peer, cfg.Patience)
	if err != nil {
		return nil, fmt.Errorf("connect to %v: %w", peer, err)
	}
	c := link.Handler().(*Conn) // by HandleConnection; it may have ended already
	if cfg.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, cfg.Patience, driver.ErrNoAnswer)
		defer cancel()
	}
	if err := c.establish(ctx, cfg); err != nil {
		reason := hci.AuthenticationFailure
		if ctx.Err() != nil { // of which the peer is to make nothing
			reason, err = hci.RemoteUserTerminatedConnection, context.Cause(ctx)
		}
		c.hangUp(reason) // so that its end is told before what follows from it
		return nil, fmt.Errorf("secure the link: %w", err)
	}
	return c, nil
}

// settle waits until what follows from an encryption is known, which Secure may return before.
func (c *Conn) settle() {
	c.change.Lock()
	defer c.change.Unlock()
}

// establish secures a new link of ours and opens it for ATT.
func (c *Conn) establish(ctx context.Context, cfg ConnectConfig) error {
	if level := c.least(cfg.Security); level > smp.LevelNone {
		if err := c.Secure(ctx, level); err != nil {
			return err
		}
		c.settle()
	}
	if err := c.errands.wait(ctx, c.Done()); err != nil { // so that what is known is known before anything is asked
		return err
	}
	c.gate.release()
	if cfg.NoGATT {
		return nil
	}
	defer c.taken.begin()
	return c.exchangeMTU(ctx)
}
