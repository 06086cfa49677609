package gap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// KeepConfig is how a connection is kept up.
type KeepConfig struct {
	ConnectConfig
	Backoff Backoff
	// AttemptTimeout is ConnectConfig.Patience for each attempt, if that is zero; if zero too, 30 s. With a long one the
	// peer is connected to as soon as it is there, and the controller listens all the time; a short one leaves pauses, by
	// Backoff.
	AttemptTimeout time.Duration
	// Limits is how many attempts in a row may end with a status before Keep gives up; 0 is without limit.
	// If nil, DefaultLimits.
	Limits map[hci.Status]int
}

// DefaultLimits are Keep's: what goes on for ever is not tried for ever. A peer that is away (0x08 and no
// answer at all) or hard to reach is looked for without limit.
func DefaultLimits() map[hci.Status]int {
	return map[hci.Status]int{
		hci.AuthenticationFailure:            10,
		hci.LLResponseTimeout:                10,
		hci.UnacceptableConnectionParameters: 5,
		hci.ConnectionTerminatedMICFailure:   10,
		hci.ConnectionFailedToBeEstablished:  30,
	}
}

// LimitError says that Keep gave up, since as many attempts in a row ended with one status.
type LimitError struct {
	Peer     hci.Address
	Attempts int
	Err      error
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%v: %d attempts in a row: %v", e.Peer, e.Attempts, e.Err)
}

// Unwrap is what ended the last attempt.
func (e *LimitError) Unwrap() error { return e.Err }

// steadyTime is how long a connection has to hold, at the most, to make the next wait a first one again.
const steadyTime = 30 * time.Second

// Keep keeps a connection to a peer up: it connects, secures and calls use with the connection, and when the
// link is lost, whatever use made of that, it does so again after a growing wait. A bond that was lost is paired
// again, if it is, before use is called, which therefore subscribes anew to what it wants, as on each connection,
// or leaves that to Host.Subscribe. It returns when use
// returns with the link still up, with what use returned, and disconnects, unless that is a *smp.WaitError: then it
// connects again after that wait; when ctx ends; when the
// controller is gone; when a bond is lost and the policy is to tell (a *smp.LostBondError); or when
// pairing is refused, ours or the peer's, since the next attempt would be too.
//
// Any number of peers may be kept up at once, each by a Keep of its own. The controller waits for all together whose
// attempt is under way, as far as its accept list reaches, and gives the rest their turns, which the time of an attempt does not
// count.
func (h *Host) Keep(ctx context.Context, peer hci.Address, cfg KeepConfig, use func(context.Context, *Conn) error) error {
	if cfg.Limits == nil {
		cfg.Limits = DefaultLimits()
	}
	if cfg.AttemptTimeout == 0 {
		cfg.AttemptTimeout = 30 * time.Second
	}
	var k keeper
	for {
		c, err := h.attempt(ctx, peer, cfg)
		if err == nil {
			began := time.Now()
			err = use(ctx, c)
			if c.Err() == nil && !c.ending.Load() {
				c.hangUp(hci.RemoteUserTerminatedConnection)
				if _, waits := errors.AsType[*smp.WaitError](err); !waits {
					return err
				}
			} else {
				<-c.Ended() // so that the end is told before what follows from it
				if !isFinal(err) {
					err = c.Err()
				}
			}
			k.held(time.Since(began))
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case h.Err() != nil:
			return h.Err()
		case isFinal(err):
			return err
		}
		if limit := k.failed(err, cfg.Limits); limit > 0 && k.inARow >= limit {
			return &LimitError{peer, k.inARow, err}
		}
		if err := h.waitRetry(ctx, peer, k.next(cfg.Backoff, err)); err != nil {
			return err
		}
	}
}

func (h *Host) attempt(ctx context.Context, peer hci.Address, cfg KeepConfig) (*Conn, error) {
	if cfg.Patience == 0 {
		cfg.Patience = cfg.AttemptTimeout
	}
	return h.Connect(ctx, peer, cfg.ConnectConfig)
}

// waitRetry tells of the retry and waits for it.
func (h *Host) waitRetry(ctx context.Context, peer hci.Address, r Retry) error {
	h.events.tell(peer, r)
	timer := time.NewTimer(r.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-h.Done():
		return h.Err()
	}
}

// keeper counts the attempts of one Keep.
type keeper struct {
	attempt int           // since a connection held
	delay   time.Duration // the last wait
	status  hci.Status    // how the last attempt ended, Success for without one
	inARow  int           // attempts that ended so
}

// held notes how long a connection lasted: one that lasted begins the waits anew.
func (k *keeper) held(d time.Duration) {
	if d >= min(k.delay, steadyTime) {
		*k = keeper{}
	}
}

// failed notes how an attempt ended and returns the limit for that.
func (k *keeper) failed(err error, limits map[hci.Status]int) int {
	status, _ := statusOf(err)
	if status != k.status {
		k.inARow = 0
	}
	k.status = status
	k.inARow++
	return limits[status]
}

// next is the retry to come. A peer that is to be left alone for longer is.
func (k *keeper) next(b Backoff, err error) Retry {
	k.attempt++
	k.delay = b.Delay(k.attempt)
	var wait *smp.WaitError
	if errors.As(err, &wait) {
		k.delay = max(k.delay, wait.Left)
	}
	return Retry{Attempt: k.attempt, Delay: k.delay, Err: err}
}

// isFinal tells the errors that another attempt would only meet again, or must not be made of itself.
func isFinal(err error) bool {
	if lost, ok := errors.AsType[*smp.LostBondError](err); ok {
		switch {
		case lost.Decision.Action == smp.RefuseAndReport: // whatever became of the link
			return lost.Decision.Why != smp.WhyRepairedBefore // the next link may pair again
		case lost.Decision.Action == smp.WaitAndRetry:
			return false
		}
		err = lost.Err // it was paired again, in vain
	}
	if pair, ok := errors.AsType[*smp.PairingError](err); ok && refusals[pair.Reason] {
		return true
	}
	if errors.Is(err, net.ErrClosed) {
		return false // a link that broke in the middle says nothing
	}
	if refused, ok := errors.AsType[*smp.RefusedError](err); ok && refused.Decision.Action == smp.RefuseAndReport {
		return refused.Decision.Why != smp.WhyDeadKey // which the next link offers again
	}
	_, short := errors.AsType[*smp.LevelError](err)
	return short || errors.Is(err, smp.ErrRefusedWeaker)
}

// refusals are the reasons by which a side says what it will not do, rather than what went wrong.
var refusals = map[smp.Reason]bool{
	smp.OOBNotAvailable:            true,
	smp.AuthenticationRequirements: true,
	smp.PairingNotSupported:        true,
	smp.EncryptionKeySize:          true,
	smp.KeyRejected:                true,
}
