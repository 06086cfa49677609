package gatt

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jelling-ble/jelling/att"
)

// A known is what is known of a server. It does not change after it has been made.
type known struct {
	Services []RemoteService `json:"services"`
	Hash     string          `json:"hash,omitempty"`    // the Database Hash, hexadecimal; empty if there is none
	Changed  uint16          `json:"changed,omitempty"` // the value of Service Changed, to which we have subscribed; 0 if not
	Robust   bool            `json:"robust,omitempty"`  // the server knows that we do robust caching
}

// clone is a copy of the services that belongs to the caller.
func (k *known) clone() []RemoteService {
	services := slices.Clone(k.Services)
	for i := range services {
		s := &services[i]
		s.Includes, s.Characteristics = slices.Clone(s.Includes), slices.Clone(s.Characteristics)
		for j := range s.Characteristics {
			s.Characteristics[j].Descriptors = slices.Clone(s.Characteristics[j].Descriptors)
		}
	}
	return services
}

// characteristic is the first of one kind in a service of one kind, or nil.
func (k *known) characteristic(service, uuid att.UUID) *RemoteCharacteristic {
	for _, s := range k.Services {
		for i, ch := range s.Characteristics {
			if s.UUID == service && ch.UUID == uuid {
				return &s.Characteristics[i]
			}
		}
	}
	return nil
}

// maxLearning is how often a database may change while it is discovered before that is given up.
const maxLearning = 3

// knownName is the name in the store of what is known of a server.
func knownName(identity string) string { return "database of " + identity }

// SetServer tells whose server it is, once that is certain: after pairing with bonding, or when the link has been encrypted with the key of a bond. What
// is known of it from before is loaded, and what is learnt from now on is kept, under this identity. With "", the server has none any more.
//
// The database of a server with an identity is discovered once. The server is asked to say when it changes, and to refuse requests from somebody
// who does not know; one that can't do that has its Database Hash read on each link, one without a hash is taken not to
// change (Vol 3, Part G, 2.5.2). The error is the store's, or says that what it has is damaged; the link can be used all the same.
func (c *Client) SetServer(identity string) error {
	var k *known
	var err error
	if store := c.conn.cfg.Store; identity != "" && store != nil {
		k, err = loadKnown(store, identity)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == identity {
		return err // it was told before, and more may be known by now
	}
	c.server, c.known, c.checked = identity, k, false
	c.changedAt = 0
	if k != nil {
		c.changedAt = k.Changed
	}
	return err
}

// Forget removes what is known of a server with this identity, also for this link.
func (c *Client) Forget(identity string) error {
	c.mu.Lock()
	if c.server == identity {
		c.server, c.known, c.checked = "", nil, false
		c.changes++
	}
	c.mu.Unlock()
	return c.unstore(identity)
}

// unstore removes what the store has of a server. Whoever saves looks first whether that is known still.
func (c *Client) unstore(identity string) error {
	c.storing <- struct{}{}
	defer func() { <-c.storing }()
	store := c.conn.cfg.Store
	if store == nil {
		return nil
	}
	if err := store.Forget(knownName(identity)); err != nil {
		return fmt.Errorf("gatt: forgetting a server: %w", err)
	}
	return nil
}

// ForgetPeer removes from a store whatever is kept for a peer, as client and as server, as its bond goes.
func ForgetPeer(store Store, identity string) error {
	return errors.Join(store.Forget(identity), store.Forget(knownName(identity)))
}

// loadKnown reads what is known of a server, nil if nothing is.
func loadKnown(store Store, identity string) (*known, error) {
	text, err := store.Load(knownName(identity))
	if err != nil {
		return nil, fmt.Errorf("gatt: loading what is known of a server: %w", err)
	}
	if len(text) == 0 {
		return nil, nil
	}
	k := &known{}
	if err := json.Unmarshal(text, k); err != nil {
		return nil, fmt.Errorf("gatt: what is known of a server is damaged: %w", err)
	}
	return k, nil
}

// Server is the identity given to SetServer; empty without one.
func (c *Client) Server() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

// Known are the services that are known of a server with an identity, without a request; ok is false if they are not, or if it is to be seen
// whether they have changed.
func (c *Client) Known() (services []RemoteService, ok bool) {
	k, _, certain := c.current()
	if !certain {
		return nil, false
	}
	return k.clone(), true
}

// current is what is known, at which change, and whether that holds without a look at the hash.
func (c *Client) current() (k *known, change int, certain bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k = c.known
	return k, c.changes, k != nil && (c.checked || k.Robust || k.Hash == "")
}

// learned is what is known of the server, which is learnt if it is not. One caller does that, others wait.
func (c *Client) learned(ctx context.Context) (*known, error) {
	select {
	case c.learning <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.conn.Done():
		return nil, c.conn.Err()
	}
	defer func() { <-c.learning }()
	k, change, certain := c.current()
	if k != nil && !certain {
		hash, err := c.databaseHash(ctx)
		if err != nil {
			return nil, err
		}
		if hash == k.Hash && c.keep(k, change) {
			return k, nil
		}
		k = nil
	}
	if k != nil {
		return k, nil
	}
	for range maxLearning {
		k, change, err := c.learn(ctx)
		if err != nil {
			return nil, err
		}
		if k != nil && c.keep(k, change) {
			c.save(k)
			return k, nil
		}
	}
	return nil, fmt.Errorf("%w: it changes while it is discovered, %d times", ErrDiscovery, maxLearning)
}

// keep makes k what is known, unless there was another change.
func (c *Client) keep(k *known, change int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != change {
		return false
	}
	c.known, c.checked, c.changedAt = k, true, k.Changed
	return true
}

// learn discovers the database and asks the server to tell of its changes. k is nil if it has changed meanwhile.
func (c *Client) learn(ctx context.Context) (k *known, change int, err error) {
	_, change, _ = c.current()
	k = &known{}
	if k.Hash, err = c.databaseHash(ctx); err != nil {
		return nil, 0, err
	}
	if k.Services, err = c.discover(ctx); err != nil {
		return nil, 0, err
	}
	if k.Hash != "" {
		hash, err := c.databaseHash(ctx)
		if err != nil || hash != k.Hash {
			return nil, change, err
		}
	}
	if err := c.askForChanges(ctx, k); err != nil {
		return nil, 0, err
	}
	return k, change, nil
}

// databaseHash reads the Database Hash; empty if there is none. It is always read by its type (Vol 3, Part G, 7.3).
func (c *Client) databaseHash(ctx context.Context) (string, error) {
	var found []att.AttributeData
	err := c.secured(ctx, func() (err error) {
		found, err = c.conn.att.ReadByType(ctx, 1, lastHandle, DatabaseHash)
		return err
	})
	switch {
	case isRefusal(err):
		return "", nil
	case err != nil:
		return "", err
	case len(found) == 0 || len(found[0].Value) != hashLen:
		return "", nil
	}
	return hex.EncodeToString(found[0].Value), nil
}

// askForChanges subscribes to Service Changed, and says that we do robust caching, where the server has what it takes. A server that refuses is
// taken as it is.
func (c *Client) askForChanges(ctx context.Context, k *known) error {
	err := c.subscribeToChanges(ctx, k)
	if err == nil && k.Changed != 0 && k.Hash != "" {
		err = c.tellFeatures(ctx, k)
	}
	if isRefusal(err) {
		return nil
	}
	return err
}

func (c *Client) subscribeToChanges(ctx context.Context, k *known) error {
	ch := k.characteristic(GenericAttribute, ServiceChanged)
	if ch == nil || !ch.Properties.Has(Indicate) {
		return nil
	}
	cccd, ok := cccdOf(ch.Descriptors)
	if !ok {
		return nil
	}
	c.mu.Lock()
	c.changedAt = ch.ValueHandle // the first may overtake the answer
	c.mu.Unlock()
	if err := c.Write(ctx, cccd, []byte{cccdIndicate, 0}); err != nil {
		return err
	}
	k.Changed = ch.ValueHandle
	return nil
}

// tellFeatures sets the bits of what we can do, beside those that are set already: none may be cleared (Vol 3, Part G, 7.2).
func (c *Client) tellFeatures(ctx context.Context, k *known) error {
	ch := k.characteristic(GenericAttribute, ClientSupportedFeatures)
	if ch == nil {
		return nil
	}
	value, err := c.Read(ctx, ch.ValueHandle)
	if err != nil {
		return err
	}
	if len(value) == 0 {
		value = []byte{0}
	}
	if value[0]&supportedFeatures != supportedFeatures {
		value[0] |= supportedFeatures
		if err := c.Write(ctx, ch.ValueHandle, value); err != nil {
			return err
		}
	}
	k.Robust = true
	return nil
}

// save keeps what is known under the server's identity. A store that fails is reported; the next link learns again.
func (c *Client) save(k *known) {
	c.storing <- struct{}{}
	defer func() { <-c.storing }()
	c.mu.Lock()
	store, identity, holds := c.conn.cfg.Store, c.server, c.known == k
	c.mu.Unlock()
	if store == nil || identity == "" || !holds {
		return
	}
	text, err := json.Marshal(k)
	if err == nil {
		err = store.Save(knownName(identity), text)
	}
	if err != nil && c.conn.cfg.Log != nil {
		c.conn.cfg.Log.WithError(err).Warn("gatt: what is known of a server is not kept")
	}
}

// forget drops what is known of the server, for it has changed, and tells the host.
func (c *Client) forget() {
	c.mu.Lock()
	identity, had := c.server, c.known != nil
	c.known, c.checked = nil, false
	c.changes++
	c.mu.Unlock()
	if identity == "" {
		return
	}
	if err := c.unstore(identity); err != nil && c.conn.cfg.Log != nil {
		c.conn.cfg.Log.Warn(err)
	}
	if told := c.conn.cfg.ServicesChanged; told != nil && had {
		told()
	}
}

// serviceChanged takes an indication of Service Changed. It is confirmed when what was known is forgotten also by the store: the
// server takes a confirmation for our knowing (Vol 3, Part G, 2.5.2). It tells whether it was one.
func (c *Client) serviceChanged(handle uint16, value []byte, confirm func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changedAt != handle || c.ended {
		return false
	}
	value = slices.Clone(value)
	c.conn.ran.Go(func() { // deliver has not ended, so Wait waits still
		c.forget()
		if c.take(handle, value) { // somebody may have subscribed too
			confirm()
		}
	})
	return true
}

// doubt drops what is known if err shows that it is wrong.
func (c *Client) doubt(err error) {
	refusal, ok := errors.AsType[*att.Error](err)
	if !ok {
		return
	}
	k, _, _ := c.current()
	switch {
	case refusal.Code == att.ErrDatabaseOutOfSync && c.Server() != "",
		refusal.Code == att.ErrInvalidHandle && k != nil && k.Hash == "": // it had no other way to say so
		c.forget()
	}
}
