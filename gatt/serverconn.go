package gatt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jelling-ble/jelling/att"
)

// cccdLen is how long a Client Characteristic Configuration is, in octets.
const cccdLen = 2

// A ServerConn is one client of a [Server], for as long as its link lasts.
//
// The goroutine of package att that serves the link owns prepared and scratch.
type ServerConn struct {
	conn   *Conn
	server *Server

	prepared prepareQueue
	scratch  []byte

	// Under the server's lock.
	configured []uint16 // the CCCDs, by index
	client     string

	change  sync.Mutex // held from a change of configured or client until everybody knows of it
	written []bool     // CCCDs that were written on this link. Under change
	closed  bool       // under change
}

func newServerConn(c *Conn, s *Server) *ServerConn {
	return &ServerConn{
		conn:       c,
		server:     s,
		configured: make([]uint16, len(s.db.cccds)),
		written:    make([]bool, len(s.db.cccds)),
	}
}

// open lets the server know of the client.
func (c *ServerConn) open() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.conns[c] = struct{}{}
}

// close ends the client's subscriptions, when its requests have all been served. What is kept for it stays.
func (c *ServerConn) close() {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	c.conn.att.Wait()
	c.change.Lock()
	defer c.change.Unlock()
	c.closed = true
	c.configure(make([]uint16, len(c.configured)))
}

// SetClient tells who the client is, once that is certain: after pairing with bonding, or when the link has been encrypted with the key of a
// bond. What is kept for it is loaded, may be used from then on, and is kept up to date. What the client has already written on this link
// counts more than what was kept. After a new bond call [Server.Forget] first. With "", the client has no identity any more.
// The error is the store's; the link can be used all the same. SetClient takes as long as
// the store and the characteristics' Subscribed functions do.
func (c *ServerConn) SetClient(identity string) error {
	c.change.Lock()
	defer c.change.Unlock()
	if c.closed {
		return c.conn.Err()
	}
	c.setIdentity(identity)
	if identity == "" {
		return nil
	}
	kept, err := c.server.store.Load(identity)
	if err != nil {
		return fmt.Errorf("gatt: loading what is kept for a client: %w", err)
	}
	configured, err := c.server.db.decodeState(kept)
	for i, w := range c.written {
		if w {
			configured[i] = c.configured[i] // only change changes it
		}
	}
	c.configure(configured)
	if slices.Contains(c.written, true) {
		err = errors.Join(err, c.save())
	}
	return err
}

// configure sets the CCCDs and tells the characteristics what has changed. The caller has change.
func (c *ServerConn) configure(configured []uint16) {
	before := c.configured
	c.server.mu.Lock()
	c.configured = configured
	c.server.mu.Unlock()
	for i, p := range c.server.db.cccds {
		if now := configured[i]; now != before[i] && p.declared.Subscribed != nil {
			p.declared.Subscribed(c, now&cccdNotify != 0, now&cccdIndicate != 0)
		}
	}
}

// save keeps the CCCDs of a client with an identity. The caller has change.
func (c *ServerConn) save() error {
	client := c.Client()
	if client == "" {
		return nil
	}
	state, err := c.server.db.encodeState(c.configured)
	if err == nil {
		err = c.server.store.Save(client, state)
	}
	if err != nil {
		return fmt.Errorf("gatt: saving what is kept for a client: %w", err)
	}
	return nil
}

// forget makes the client one without an identity, if it has this one.
func (c *ServerConn) forget(client string) {
	c.change.Lock()
	defer c.change.Unlock()
	if c.Client() == client {
		c.setIdentity("")
	}
}

func (c *ServerConn) setIdentity(identity string) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.client = identity
}

// Client is the identity given to SetClient; empty without one.
func (c *ServerConn) Client() string {
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	return c.client
}

// Tag is the host's own name for the link, from its [Config].
func (c *ServerConn) Tag() any { return c.conn.cfg.Tag }

// Done is closed when the link has ended.
func (c *ServerConn) Done() <-chan struct{} { return c.conn.Done() }

// Subscribed tells how the client is subscribed to a characteristic.
func (c *ServerConn) Subscribed(ch *Characteristic) (notify, indicate bool) {
	p, err := c.server.published(ch)
	if err != nil || p.cccd == noCCCD {
		return false, false
	}
	bits := c.configuration(p.cccd)
	return bits&cccdNotify != 0, bits&cccdIndicate != 0
}

// configuration is the CCCD with this index.
func (c *ServerConn) configuration(cccd int) uint16 {
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	return c.configured[cccd]
}

// writeConfiguration takes what the client writes to a CCCD. Bits that are reserved are ignored (Vol 3, Part G, 3.3.3.3). A store that fails
// is reported, and breaks nothing.
func (c *ServerConn) writeConfiguration(cccd int, value []byte) error {
	if len(value) != cccdLen {
		return att.ErrInvalidAttributeValueLength
	}
	bits := le.Uint16(value) & (cccdNotify | cccdIndicate)
	if bits&^c.server.db.cccds[cccd].supported != 0 {
		return att.ErrCCCDImproperlyConfigured
	}
	c.change.Lock()
	defer c.change.Unlock()
	configured := slices.Clone(c.configured)
	configured[cccd] = bits
	c.written[cccd] = true
	c.configure(configured)
	if err := c.save(); err != nil && c.server.log != nil {
		c.server.log.WithError(err).Error("gatt: subscriptions of a client will be lost at its disconnection")
	}
	return nil
}

// Notify tells a value to this client alone, in the way it has chosen, and does not change the value that is read. It
// fails with [ErrNotSubscribed] and [ErrInsecure].
func (c *ServerConn) Notify(ctx context.Context, ch *Characteristic, value []byte) error {
	p, err := c.server.published(ch)
	if err != nil {
		return err
	}
	return c.tell(ctx, p, value, cccdNotify|cccdIndicate)
}

// Indicate is Notify by indication.
func (c *ServerConn) Indicate(ctx context.Context, ch *Characteristic, value []byte) error {
	p, err := c.server.published(ch)
	if err != nil {
		return err
	}
	return c.tell(ctx, p, value, cccdIndicate)
}

// tell sends a value if the client has set one of the bits how. What it may not read on this link it is not told either
// (Vol 3, Part C, 10.3.1.2).
func (c *ServerConn) tell(ctx context.Context, p *published, value []byte, how uint16) error {
	if p.cccd == noCCCD {
		return ErrNotSubscribed
	}
	how &= c.configuration(p.cccd)
	switch {
	case how == 0:
		return ErrNotSubscribed
	case p.notify.refusal(c.conn.security(), nil, att.ErrReadNotPermitted) != nil:
		return ErrInsecure
	case how&cccdNotify != 0:
		return c.conn.att.Notify(ctx, p.value.handle, value)
	}
	return c.conn.att.Indicate(ctx, p.value.handle, value)
}
