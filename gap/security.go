package gap

import (
	"context"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
)

// Security is the Security Manager below, for what gap has no verb for: out of band data, the waits of peers.
func (h *Host) Security() *smp.Manager { return h.security }

// OpenPairing lets every peer pair for d from now, over a bond too: for a button or a command. See
// smp.Manager.OpenPairing.
func (h *Host) OpenPairing(d time.Duration) { h.security.OpenPairing(d) }

// usbHold is how long keys that overtake the end of encryption are held on a controller on USB: it hands over data and
// events by two pipes, which the kernel polls one after the other.
const usbHold = 100 * time.Millisecond

// usb is the number of the bus in transport.Bus.
const usb transport.Bus = 1

// Sign makes the signature of a message for the peer; see smp.Session.Sign. The GATT server takes no signed writes: who
// wants them has the codec in package att, and this.
func (c *Conn) Sign(message []byte) ([12]byte, error) { return c.session.Sign(message) }

// Verify checks the peer's signature of a message; see smp.Session.Verify.
func (c *Conn) Verify(message []byte, signature [12]byte) error {
	return c.session.Verify(message, signature)
}

// holdsKeys is smp.Config.HoldKeys for a controller.
func holdsKeys(conn transport.Conn) time.Duration {
	if user, ok := transport.As[transport.UserChannel](conn); ok && user.Adapter().Bus == usb {
		return usbHold
	}
	return 0
}

// least is what the link has to have before any ATT of ours: what the caller wants, the policy for the peer, and the
// level of its bond.
func (c *Conn) least(want smp.Level) smp.Level {
	level := max(want, c.session.Policy().MinLevel)
	if record, ok := c.session.Record(); ok && record.Bonded {
		level = max(level, record.Keys.Security().Level())
	}
	return level
}

// tellSecurity passes a security event on: the session's goroutine. A bonded peer on an encrypted link is known to
// the GATT server by its identity, and has its subscriptions back.
func (c *Conn) tellSecurity(e smp.Event) {
	c.host.events.tell(c.Peer(), e)
	if c.Server() == nil {
		return
	}
	switch d := e.(type) {
	case smp.Encrypted:
		if d.Stored {
			c.known()
		}
	case smp.Paired:
		if d.Bonded && !d.SamePeer {
			c.forgetClient()
		}
		if d.Bonded {
			c.known()
		}
	case smp.Repaired:
		if !d.Record.Bonded {
			c.forgetClient()
		}
	}
}

// known tells the GATT server who the peer is.
func (c *Conn) known() { c.host.warn(c.Server().SetClient(c.Peer().Text())) }

// forgetClient drops what the GATT server keeps for the peer: its subscriptions and what it knows of the database
// belong to whoever had the bond before.
func (c *Conn) forgetClient() { c.host.warn(c.host.cfg.Server.Forget(c.Peer().Text())) }

// securityOf is the link's security in the words of ATT.
func securityOf(s smp.Security) att.Security {
	return att.Security{Encrypted: s.Encrypted, Authenticated: s.Authenticated, SecureConnections: s.SecureConnections, KeySize: s.KeySize}
}

// secureFor brings the link to what an ATT error asks for (Vol 3, Part C, 10.3.2): one level more than it was at.
func (c *Conn) secureFor(ctx context.Context, _ att.ErrorCode, was att.Security) error {
	level := smp.LevelEncrypted
	switch {
	case was.Authenticated:
		level = smp.LevelSC
	case was.Encrypted:
		level = smp.LevelAuthenticated
	}
	return c.Secure(ctx, level)
}
