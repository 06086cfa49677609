package gap

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

// Longest PDUs of the fixed channels, in octets.
const (
	maxATTMTU = 517
	smpMTU    = 65 // a public key (Vol 3, Part H, 3.2)
)

// Conn is a connection with everything on it. Its methods may be called from any goroutine.
type Conn struct {
	host    *Host
	link    *driver.Conn
	mux     *l2cap.Mux
	session *smp.Session
	gate    *gate
	brake   *brake
	gatt    *gatt.Conn
	errands *errands // of remember: what GATT has to know
	chores  *errands // of taken: what the peer has to know
	taken   *taken
	bearers *l2cap.Listener // of enhanced ATT bearers; nil for none
	change  sync.Mutex      // held while what follows from an encryption is being settled
	ending  atomic.Bool     // somebody here has asked for the end
	ended   chan struct{}   // closed when the connection has ended and nothing of it runs or is told any more
}

func newConn(h *Host, link *driver.Conn) (*Conn, error) {
	c := &Conn{host: h, link: link, ended: make(chan struct{})}
	c.mux = l2cap.New(boundedLink{link, c}, l2cap.Config{AcceptParameters: c.acceptParameters, Listener: c.listener, Security: c.channelSecurity, Least: c.leastForChannel, Raise: c.raiseForChannel})
	c.gate, c.brake = newGate(c), &brake{throttle: link.Throttle}
	if err := c.listenForBearers(); err != nil {
		return nil, err
	}
	smpChannel, err := c.mux.Open(l2cap.CIDSMP, smpMTU, func(pdu []byte) { c.session.HandlePDU(pdu) })
	if err != nil {
		return nil, err
	}
	if c.gate.channel, err = c.mux.Open(l2cap.CIDATT, maxATTMTU, c.gate.receive); err != nil {
		return nil, err
	}
	c.taken = newTaken(c)
	c.errands, c.chores = newErrands(c.remember), newErrands(c.taken.do)
	c.session = h.security.NewSession(securityLink{link, c, smpChannel}, c.tellSecurity)
	c.gatt = gatt.NewConn(c.gate, gatt.Config{MTU: h.cfg.MTU, Log: h.cfg.Logger, Server: h.cfg.Server, Tag: c, Enhanced: h.cfg.Bearers > 0,
		Secure: c.secureFor, HasKey: c.bonded, Security: func() att.Security { return securityOf(c.session.Security()) },
		Believe: c.gate.believes, Throttle: c.brake.setSlow, Waits: c.brake.wait, Store: h.cfg.GATTStore, ServicesChanged: func() { c.chores.add(errandRenew) }, Sign: c.session.Sign, Verify: c.verify})
	return c, nil
}

// securityLink is a connection as the Security Manager sees it.
type securityLink struct {
	*driver.Conn
	conn    *Conn
	channel *l2cap.Channel
}

func (l securityLink) Disconnect(reason hci.Status) { l.conn.disconnect(reason) }

func (l securityLink) Send(pdu []byte) error { return l.channel.SendUrgent(pdu) }

func (l securityLink) Encrypt(key smp.Key, rand [8]byte, ediv uint16) error {
	return l.Conn.Encrypt(key, rand, ediv)
}

// The provider fits what the consumers ask for.
var (
	_ smp.Link           = securityLink{}
	_ l2cap.Link         = (*driver.Conn)(nil)
	_ att.Bearer         = (*gate)(nil)
	_ driver.ConnHandler = (*Conn)(nil)
	_ driver.Handler     = (*Host)(nil)
)

// Peer is the peer's identity address; its address on air until or unless that is known.
func (c *Conn) Peer() hci.Address { return c.session.Identity() }

// OnAir is the peer's address as it was used to connect.
func (c *Conn) OnAir() hci.Address { return c.link.PeerAddress() }

// Role is our role.
func (c *Conn) Role() hci.Role { return c.link.Role() }

// Link is the driver's connection, for what gap has no verb for.
func (c *Conn) Link() *driver.Conn { return c.link }

// Security is what the link has now.
func (c *Conn) Security() smp.Security { return c.session.Security() }

// Secure waits until the link has the level; see smp.Session.Secure.
func (c *Conn) Secure(ctx context.Context, level smp.Level) error {
	defer c.brake.waiting()()
	err := c.session.Secure(ctx, level)
	if err == nil && level > smp.LevelNone {
		c.gate.secured(level)
	}
	return err
}

// Client is the GATT client on this connection. As central its requests wait until the link is secure.
func (c *Conn) Client() *gatt.Client { return c.gatt.Client() }

// Server is the peer as a client of our GATT server, nil without a Config.Server.
func (c *Conn) Server() *gatt.ServerConn { return c.gatt.Server() }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.mux.Done() }

// Ended is closed when, after Done, nothing runs for the connection any more and its last event is told.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// Err is why the connection ended, nil while it has not. It satisfies errors.Is for net.ErrClosed and for
// the hci.Status of the disconnection, and where ATT gave the link up for why: att.ErrTimeout, gatt.ErrSlowConsumer.
func (c *Conn) Err() error { return c.mux.Err() }

// Disconnect ends the connection with a reason for the peer, and waits for Done. The controller bounds
// that: a command without an answer, and a link without a peer, end by their time-outs. A handler may call it;
// anybody else may wait for Ended behind it.
func (c *Conn) Disconnect(reason hci.Status) {
	c.disconnect(reason)
	<-c.Done()
}

// disconnect asks for the end, once: the first to ask gives the reason. It never waits.
func (c *Conn) disconnect(reason hci.Status) {
	if c.ending.CompareAndSwap(false, true) {
		c.link.Disconnect(reason)
	}
}

// hangUp ends the connection, and waits until its end has been told. No handler may call it.
func (c *Conn) hangUp(reason hci.Status) {
	c.disconnect(reason)
	<-c.ended
}

func (c *Conn) bonded() bool {
	record, ok := c.session.Record()
	return ok && record.Bonded
}

// HandleFragment implements driver.ConnHandler: the controller's loop.
func (c *Conn) HandleFragment(start bool, data []byte) { c.mux.HandleFragment(start, data) }

// NextFragment implements driver.ConnHandler: the controller's writer.
func (c *Conn) NextFragment(b []byte) (int, bool) { return c.mux.NextFragment(b) }

// HandleEncryption implements driver.ConnHandler.
func (c *Conn) HandleEncryption(status hci.Status, enabled, refresh bool) {
	c.change.Lock()
	defer c.change.Unlock()
	c.session.HandleEncryption(status, enabled, refresh) // from here on Secure may return
	switch security := c.session.Security(); {
	case security.Encrypted:
		c.gate.secured(smp.LevelEncrypted)
	case c.mayInitiate() != nil:
		c.mux.Cut(ErrNotEncrypted)
	}
	if c.session.ByBond() { // what it asks from here on is asked by somebody we know
		c.gate.hold()
		c.errands.add(errandKnow)
	}
}

// HandleKeyRequest implements driver.ConnHandler.
func (c *Conn) HandleKeyRequest(rand [8]byte, ediv uint16) ([16]byte, bool) {
	key, ok := c.session.LongTermKey(rand, ediv)
	return key, ok
}

// HandleDisconnect implements driver.ConnHandler.
func (c *Conn) HandleDisconnect(err error) {
	status, ok := statusOf(err)
	if !ok {
		status = hci.HardwareFailure // the controller is gone
	}
	err = c.gate.endedBy(err)
	c.session.HandleDisconnect(status)
	c.mux.Close(err)
	go c.finish(err)
}

// finish tells of the end when everything that ran for the connection has come to its own, so that it is
// the last that is told of it.
func (c *Conn) finish(err error) {
	<-c.session.Done()
	c.errands.close()
	c.chores.close()
	c.gatt.Wait()
	c.taken.finish()
	c.host.events.tell(c.Peer(), Disconnected{err})
	c.host.forget(c)
	close(c.ended)
}

func (c *Conn) logf(format string, args ...any) { c.host.logf(format, args...) }

// exchangeMTU raises the MTU as client. A server that will not is left at 23, and one that is slow is not
// waited for: its answer counts when it comes.
func (c *Conn) exchangeMTU(ctx context.Context) error {
	if c.host.cfg.MTU == minMTU {
		return nil
	}
	patience, cancel := context.WithTimeoutCause(ctx, mtuPatience, errSlowMTU)
	defer cancel()
	_, err := c.Client().ExchangeMTU(patience)
	var refusal *att.Error
	if errors.As(err, &refusal) || errors.Is(err, errSlowMTU) && ctx.Err() == nil {
		return nil
	}
	return err
}

// mtuPatience is how long Connect waits for the MTU.
const mtuPatience = time.Second

var errSlowMTU = errors.New("the peer takes its time to exchange the MTU")

// minMTU is the ATT_MTU without an exchange, in octets.
const minMTU = 23
