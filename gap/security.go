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

// Sign makes the signature of a message for the peer; see smp.Session.Sign. Signed writes, of Client and to a Config.Server,
// need no call of it.
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

// tellSecurity passes a security event on: the session's goroutine, which must not wait. What follows from it for GATT is
// an errand.
func (c *Conn) tellSecurity(e smp.Event) {
	c.host.events.tell(c.Peer(), e)
	switch d := e.(type) {
	case smp.Encrypted:
		if d.Stored { // the keys before it may be gone
			c.host.bondsChanged()
		}
	case smp.Paired:
		c.host.bondsChanged()
		if d.Bonded && !d.SamePeer {
			c.errands.add(errandForget)
		}
		if d.Bonded {
			c.host.privacy.met(c.Peer())
			c.errands.add(errandKnow)
		}
	case smp.Repaired:
		c.host.bondsChanged()
		if !d.Record.Bonded {
			c.errands.add(errandForget)
		}
	}
}

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
