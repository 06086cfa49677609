package gatt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/jelling-ble/jelling/att"
)

// cccdLen is how long a Client Characteristic Configuration is, in octets.
const cccdLen = 2

// A ServerConn is one client of a [Server], for as long as its link lasts.
type ServerConn struct {
	conn   *Conn
	server *Server

	preparing sync.Mutex // of queue
	queue     prepareQueue

	// Under the server's lock.
	configured map[*published]uint16 // the CCCDs that are not zero; replaced, never changed
	client     string
	aware      awareness

	change  sync.Mutex          // held from a change of configured or client until everybody knows of it
	written map[*published]bool // CCCDs that were written on this link. Under change
	closed  bool                // under change
	toTell  handleRange         // handles that the client has to hear of. Under change
	telling bool                // somebody is about to. Under change
}

func newServerConn(c *Conn, s *Server) *ServerConn {
	return &ServerConn{conn: c, server: s, written: map[*published]bool{}}
}

// open lets the server know of the client.
func (c *ServerConn) open() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.conns[c] = struct{}{}
	c.aware.known = c.server.db.hash
}

// close ends the client's subscriptions, when its requests have all been served. What is kept for it stays.
func (c *ServerConn) close() {
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	c.conn.waitForBearers()
	c.change.Lock()
	defer c.change.Unlock()
	c.closed = true
	c.configure(nil)
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
	text, err := c.server.store.Load(identity)
	if err != nil {
		return fmt.Errorf("gatt: loading what is kept for a client: %w", err)
	}
	kept, err := c.server.decodeState(text)
	for p := range c.written {
		kept.configured[p] = c.configured[p] // only change changes it
	}
	changed := c.adopt(kept)
	c.configure(kept.configured)
	if changed {
		c.announce(handleRange{1, lastHandle}) // nobody knows any more what has changed
	}
	if len(c.written) > 0 || c.features() != kept.features {
		err = errors.Join(err, c.save())
	}
	return err
}

// adopt takes over what was kept of the client's awareness, and tells whether the database is not the one that it knows.
func (c *ServerConn) adopt(kept keptState) (changed bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.aware.bits |= kept.features
	if !kept.knows || c.server.own.hash == nil || kept.known == c.server.db.hash {
		return false
	}
	c.aware.known = kept.known
	c.aware.behind.Store(true)
	return true
}

// configure sets the CCCDs and tells the characteristics what has changed. The caller has change.
func (c *ServerConn) configure(configured map[*published]uint16) {
	before := c.configured
	maps.DeleteFunc(configured, func(_ *published, bits uint16) bool { return bits == 0 })
	c.server.mu.Lock()
	c.configured = configured
	c.server.mu.Unlock()
	for _, p := range inOrder(before, configured) {
		if now := configured[p]; now != before[p] && p.declared.Subscribed != nil {
			p.declared.Subscribed(c, now&cccdNotify != 0, now&cccdIndicate != 0)
		}
	}
}

// inOrder are the characteristics in either set, in order of handle.
func inOrder(a, b map[*published]uint16) []*published {
	list := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.SortFunc(list, func(a, b *published) int { return cmp.Compare(a.value.handle, b.value.handle) })
	return slices.Compact(list)
}

// save keeps what belongs to a client with an identity. The caller has change.
func (c *ServerConn) save() error {
	client, state := c.state()
	if client == "" {
		return nil
	}
	text, err := state.encode()
	if err == nil {
		err = c.server.store.Save(client, text)
	}
	if err != nil {
		return fmt.Errorf("gatt: saving what is kept for a client: %w", err)
	}
	return nil
}

// state is who the client is and what has to be kept of it.
func (c *ServerConn) state() (client string, state keptState) {
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	return c.client, keptState{
		configured: c.configured,
		features:   c.aware.bits,
		known:      c.aware.known,
		knows:      c.server.own.hash != nil,
	}
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
	if err != nil {
		return false, false
	}
	bits := c.configuration(p)
	return bits&cccdNotify != 0, bits&cccdIndicate != 0
}

// configuration is the CCCD of a characteristic.
func (c *ServerConn) configuration(p *published) uint16 {
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	return c.configured[p]
}

// writeConfiguration takes what the client writes to a CCCD. Bits that are reserved are ignored (Vol 3, Part G, 3.3.3.3). A store that fails
// is reported, and breaks nothing.
func (c *ServerConn) writeConfiguration(p *published, value []byte) error {
	if len(value) != cccdLen {
		return att.ErrInvalidAttributeValueLength
	}
	bits := le.Uint16(value) & (cccdNotify | cccdIndicate)
	if bits&^p.supported != 0 {
		return att.ErrCCCDImproperlyConfigured
	}
	c.change.Lock()
	defer c.change.Unlock()
	if c.server.database().published[p.declared] != p {
		return att.ErrInvalidHandle // it has gone in the meantime
	}
	configured := maps.Clone(c.configured)
	if configured == nil {
		configured = map[*published]uint16{}
	}
	configured[p] = bits
	c.written[p] = true
	c.configure(configured)
	c.saved(c.save())
	return nil
}

// Notify tells a value to this client alone, in the way it has chosen, and does not change the value that is read. It
// fails with [ErrNotSubscribed], [ErrInsecure] and [ErrUnaware].
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

// tell sends a value if the client has set one of the bits how.
func (c *ServerConn) tell(ctx context.Context, p *published, value []byte, how uint16) error {
	how &= c.configuration(p)
	if err := c.mayTell(p, how); err != nil {
		return err
	}
	if how&cccdNotify != 0 {
		return c.conn.att.Notify(ctx, p.value.handle, value)
	}
	b := c.conn.take(indication)
	defer b.done(indication)
	if err := b.att.Indicate(ctx, p.value.handle, value); err != nil {
		return err
	}
	c.observe(ValueConfirmed, p.value, value)
	return nil
}

// mayTell is nil if the client has set one of the bits how, and may be told. What it may not read on this link it is not told either
// (Vol 3, Part C, 10.3.1.2).
func (c *ServerConn) mayTell(p *published, how uint16) error {
	switch {
	case how == 0:
		return ErrNotSubscribed
	case p.notify.refusal(c.conn.security(), nil, att.ErrReadNotPermitted) != nil:
		return ErrInsecure
	case c.heldBack():
		return ErrUnaware
	}
	return nil
}

// A Value is a characteristic and a value of it.
type Value struct {
	Characteristic *Characteristic
	Value          []byte
}

// NotifyMultiple notifies several values to this client: in one PDU if it takes such and they fit the MTU whole, else one after the other
// (Vol 3, Part G, 4.10.2). Each has to be subscribed to by notification. The values that are read do not change. Errors are
// those of Notify; of several values in one PDU none is sent.
func (c *ServerConn) NotifyMultiple(ctx context.Context, values ...Value) error {
	list := make([]att.HandleValue, 0, len(values))
	octets := 1 // the opcode
	for _, v := range values {
		p, err := c.server.published(v.Characteristic)
		if err == nil {
			err = c.mayTell(p, c.configuration(p)&cccdNotify)
		}
		if err != nil {
			return err
		}
		const header = 4 // handle and length
		octets += header + len(v.Value)
		list = append(list, att.HandleValue{Handle: p.value.handle, Value: v.Value})
	}
	if len(list) > 1 && octets <= c.conn.att.MTU() && c.features()&featureMultipleNotify != 0 {
		return c.conn.att.NotifyMultiple(ctx, list...)
	}
	for _, v := range list {
		if err := c.conn.att.Notify(ctx, v.Handle, v.Value); err != nil {
			return err
		}
	}
	return nil
}
