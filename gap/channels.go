package gap

import (
	"context"
	"fmt"
	"sync"

	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

// listeners are who listens for credit-based channels, on every connection of the host.
type listeners struct {
	mu  sync.Mutex
	all map[uint16]*l2cap.Listener
}

// Listen takes the credit-based channels that any peer opens to spsm. Close the listener to end that; one may
// listen on an SPSM at a time.
//
// With the zero ListenConfig.Security a stranger's link needs nothing. A bonded peer's has to be encrypted all the same,
// in either role: whoever has its address and not its key gets l2cap.InsufficientEncryption, as does every peer whose link
// was encrypted and is so no more. A link that loses its encryption loses its open channels too, which then fail
// with ErrNotEncrypted.
func (h *Host) Listen(spsm uint16, cfg l2cap.ListenConfig) (*l2cap.Listener, error) {
	l, err := l2cap.NewListener(spsm, cfg)
	if err != nil {
		return nil, err
	}
	s := &h.listeners
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.all[spsm]; old != nil && !old.Closed() {
		return nil, fmt.Errorf("somebody listens on SPSM 0x%04X", spsm)
	}
	if s.all == nil {
		s.all = make(map[uint16]*l2cap.Listener)
	}
	s.all[spsm] = l
	return l, nil
}

func (s *listeners) find(spsm uint16) *l2cap.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[spsm]
}

// Dial opens a credit-based channel to the peer's spsm, raising security where the peer asks for it. As
// central it waits until the link is as secure as its bond.
func (c *Conn) Dial(ctx context.Context, spsm uint16, cfg l2cap.ChannelConfig) (*l2cap.CreditChannel, error) {
	if err := c.gate.wait(ctx); err != nil {
		return nil, err
	}
	defer c.brake.waiting()()
	return c.mux.Dial(ctx, spsm, cfg)
}

// DialEnhanced opens up to five enhanced credit-based channels at once; see l2cap.Mux.DialEnhanced.
func (c *Conn) DialEnhanced(ctx context.Context, spsm uint16, n int, cfg l2cap.ChannelConfig) ([]*l2cap.CreditChannel, error) {
	if err := c.gate.wait(ctx); err != nil {
		return nil, err
	}
	defer c.brake.waiting()()
	return c.mux.DialEnhanced(ctx, spsm, n, cfg)
}

// Reconfigure tells the peer of longer SDUs and frames on enhanced channels of this connection.
func (c *Conn) Reconfigure(ctx context.Context, mtu, mps int, channels ...*l2cap.CreditChannel) error {
	defer c.brake.waiting()()
	return c.mux.Reconfigure(ctx, mtu, mps, channels...)
}

// listener is who listens on an SPSM; nobody, while the gate is shut.
func (c *Conn) listener(spsm uint16) *l2cap.Listener {
	select {
	case <-c.gate.opened:
		if spsm == spsmEATT && c.bearers != nil {
			return c.bearers
		}
		return c.host.listeners.find(spsm)
	default:
		return nil
	}
}

// channelSecurity is the link's security in the words of L2CAP.
func (c *Conn) channelSecurity() l2cap.Security {
	s := c.session.Security()
	return l2cap.Security{Encrypted: s.Encrypted, Authenticated: s.Authenticated, KeySize: s.KeySize}
}

// leastForChannel is what a peer's channel needs whatever its listener asks for: the link of a bonded peer has to be
// encrypted, and one that was encrypted still.
func (c *Conn) leastForChannel() l2cap.Security {
	return l2cap.Security{Encrypted: c.mayInitiate() != nil}
}

// raiseForChannel brings the link to what a peer's channel needs.
func (c *Conn) raiseForChannel(ctx context.Context, want l2cap.Security) error {
	level := smp.LevelEncrypted
	if want.Authenticated {
		level = smp.LevelAuthenticated
	}
	return c.Secure(ctx, level)
}

// mayInitiate tells whether we may send something of our own accord: not in the clear to a bonded peer, and not once a
// link that had to be encrypted is so no more.
func (c *Conn) mayInitiate() error {
	if c.session.Security().Encrypted || !c.gate.wasSecured() && !c.bonded() {
		return nil
	}
	return ErrNotEncrypted
}
