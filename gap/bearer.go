package gap

import (
	"context"
	"errors"
	"fmt"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

const (
	// spsmEATT is where enhanced ATT bearers are opened (Assigned Numbers, 2.6.3).
	spsmEATT uint16 = 0x0027
	// maxAtOnce is how many of them one request may ask for (Vol 3, Part A, 4.25).
	maxAtOnce = 5
)

// ErrNoBearers says that the peer's server takes no enhanced bearers.
var ErrNoBearers = errors.New("the peer takes no enhanced ATT bearers")

// OpenBearers opens up to n enhanced ATT bearers beside the first, as far as Config.Bearers and the peer allow, and tells how many there
// are then (Vol 3, Part G, 5.4). It encrypts the link first. Requests need not wait for each other any more, on either side. A peer that gives
// fewer is no error, one that gives none is: ErrNoBearers, an l2cap.Result, or what l2cap.Mux.DialEnhanced has.
func (c *Conn) OpenBearers(ctx context.Context, n int) (int, error) {
	have := c.gatt.Bearers() - 1
	if n = min(n, c.host.cfg.Bearers-have); n <= 0 {
		return have, nil
	}
	if err := c.Secure(ctx, smp.LevelEncrypted); err != nil {
		return have, err
	}
	switch offered, err := c.Client().OffersEnhanced(ctx); {
	case err != nil:
		return have, err
	case !offered:
		return have, ErrNoBearers
	}
	channels, err := c.DialEnhanced(ctx, spsmEATT, min(n, maxAtOnce), c.bearerConfig())
	for _, ch := range channels {
		if !c.addBearer(ch) {
			_ = ch.Close() // never fails
		}
	}
	if have = c.gatt.Bearers() - 1; have > 0 {
		return have, nil
	}
	return 0, fmt.Errorf("enhanced ATT bearers: %w", err)
}

// Bearers is how many ATT bearers the link has, the first included.
func (c *Conn) Bearers() int { return c.gatt.Bearers() }

// bearerConfig is what the channel of a bearer of ours is like.
func (c *Conn) bearerConfig() l2cap.ChannelConfig {
	mtu := c.host.cfg.MTU
	if mtu == 0 {
		mtu = maxATTMTU
	}
	return l2cap.ChannelConfig{MTU: mtu}
}

// listenForBearers takes the bearers that the peer opens, on an encrypted link, as many as there may be.
func (c *Conn) listenForBearers() (err error) {
	if c.host.cfg.Bearers <= 0 {
		return nil
	}
	c.bearers, err = l2cap.NewListener(spsmEATT, l2cap.ListenConfig{
		ChannelConfig: c.bearerConfig(), Security: l2cap.Security{Encrypted: true}, EnhancedOnly: true, Ascending: true, Take: c.addBearer,
	})
	return err
}

// addBearer makes a bearer of a channel, unless there are enough. The peer's come from the controller's loop.
func (c *Conn) addBearer(ch *l2cap.CreditChannel) bool {
	if c.gatt.Bearers()-1 >= c.host.cfg.Bearers {
		return false
	}
	b := &bearer{c, ch}
	_, err := c.gatt.AddBearer(b, b.read)
	return err == nil
}

// bearer is an enhanced ATT bearer: a channel of an encrypted link.
type bearer struct {
	conn    *Conn
	channel *l2cap.CreditChannel
}

var _ att.Bearer = (*bearer)(nil)

// read hands on what arrives until the channel ends, or comes on a link that is not encrypted any more.
func (b *bearer) read(to *gatt.Bearer) {
	defer b.channel.Close()
	sdu := make([]byte, b.channel.MTU())
	for {
		n, err := b.channel.ReadSDU(sdu)
		security := securityOf(b.conn.session.Security())
		if err != nil || !security.Encrypted {
			return
		}
		if b.conn.errands.wait(context.Background(), b.conn.Done()) != nil { // until it is known who asks
			return
		}
		to.Receive(sdu[:n], security)
	}
}

// Send implements att.Bearer. What ATT sends of its own accord is one request and one indication at a time, so that it need not
// wait for room; a peer that gives no credits has the request time out.
func (b *bearer) Send(_ context.Context, pdu []byte) error { return b.Reply(pdu) }

// Reply implements att.Bearer.
func (b *bearer) Reply(pdu []byte) error {
	if !b.conn.session.Security().Encrypted {
		return ErrNotEncrypted
	}
	return b.channel.TryWriteSDU(pdu)
}

// MaxMTU implements att.Bearer (Vol 3, Part G, 5.3.1).
func (b *bearer) MaxMTU() int { return min(b.channel.MTU(), b.channel.PeerMTU()) }

// Enhanced implements att.Bearer.
func (b *bearer) Enhanced() bool { return true }

// Disconnect implements att.Bearer. The link and its other bearers stay.
func (b *bearer) Disconnect(err error) {
	b.conn.logf("%v: an enhanced bearer: %v", b.conn.Peer(), err)
	_ = b.channel.Close() // never fails
}

// Done implements att.Bearer.
func (b *bearer) Done() <-chan struct{} { return b.channel.Done() }

// Err implements att.Bearer.
func (b *bearer) Err() error { return b.channel.Err() }
