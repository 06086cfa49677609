package gatt

import (
	"context"
	"fmt"
	"slices"
)

// Change takes services out of the database and puts others in, in one step; the rest keep their handles, and new ones without a
// handle of their own come after them. Subscriptions to what goes end. Every client that has subscribed to Service Changed is told which
// handles to look at again: at once if it is there, else when it comes back, if it has an identity. Change does not wait for them. A client with
// robust caching is refused and not notified until it knows (Vol 3, Part G, 2.5.2).
//
// Errors, of which nothing comes: [ErrUnknown] for a service that is not there, and [*DeclarationError].
func (s *Server) Change(remove, add []*Service) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	before := s.database()
	stay, affected, err := before.without(remove)
	if err != nil {
		return err
	}
	b := builder{services: stay}
	if err := b.add(add, 0, before.last()+1); err != nil {
		return err
	}
	for _, a := range add {
		affected = affected.union(b.find(a).handles())
	}
	if hash := before.published[s.own.hash]; hash != nil {
		// The hash is a value of the GATT service that changes too (Vol 3, Part G, 7.1).
		affected = affected.union(before.serviceAt(hash.value.handle).handles())
	}
	for _, c := range s.replace(newDatabase(b.services)) {
		c.databaseChanged(affected)
	}
	return nil
}

// without are the services that stay, and the handles of those that go.
func (db *database) without(remove []*Service) (stay []*placed, gone handleRange, err error) {
	for _, s := range remove {
		p := db.service(s)
		if p == nil {
			return nil, gone, fmt.Errorf("%w: service to remove", ErrUnknown)
		}
		gone = gone.union(p.handles())
	}
	for _, p := range db.services {
		if slices.Contains(remove, p.declared) {
			continue
		}
		for _, included := range p.declared.Includes {
			if slices.Contains(remove, included) {
				return nil, gone, fmt.Errorf("gatt: service %v to remove is included by %v", included.UUID, p.declared.UUID)
			}
		}
		stay = append(stay, p)
	}
	return stay, gone, nil
}

// last is the last handle that a service spans, 0 without services.
func (db *database) last() int {
	if len(db.services) == 0 {
		return 0
	}
	return int(db.services[len(db.services)-1].end)
}

// serviceAt is the service that spans a handle.
func (db *database) serviceAt(handle uint16) *placed {
	return findPlaced(db.services, func(p *placed) bool { return p.handles().overlaps(handleRange{handle, handle}) })
}

// replace makes db the database; from the same moment on no client knows it. It returns them.
func (s *Server) replace(db *database) []*ServerConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setDatabase(db)
	var clients []*ServerConn
	for c := range s.conns {
		if s.own.hash != nil {
			c.fallBehind()
		}
		clients = append(clients, c)
	}
	return clients
}

// databaseChanged ends the subscriptions to what is gone, and lets the client know which handles have changed.
func (c *ServerConn) databaseChanged(affected handleRange) {
	c.change.Lock()
	defer c.change.Unlock()
	if c.closed {
		return
	}
	db := c.server.database()
	left := map[*published]uint16{}
	for p, bits := range c.configured { // only change changes it
		if db.published[p.declared] == p {
			left[p] = bits
		}
	}
	c.configure(left)
	c.saved(c.save())
	c.announce(affected)
}

// announce has the client told that handles have changed, if it wants to know by now. The caller has change.
func (c *ServerConn) announce(affected handleRange) {
	if !c.wantsChanges() {
		return
	}
	c.toTell = c.toTell.union(affected)
	if c.telling {
		return
	}
	c.telling = true
	c.conn.ran.Go(c.tellChanges) // not closed, so Wait waits still
}

// tellChanges indicates what has changed until there is nothing more to tell. A confirmation says that the client knows, unless the database
// has changed again since; that holds for the next request already.
func (c *ServerConn) tellChanges() {
	for {
		r, change := c.nextToTell()
		if r == (handleRange{}) {
			return
		}
		value := le.AppendUint16(le.AppendUint16(make([]byte, 0, serviceChangedValueLen), r.start), r.end)
		b := c.conn.take(indication)
		err := b.att.IndicateThen(context.Background(), c.server.Handle(c.server.own.serviceChanged), value, func() { c.catchUp(change) })
		b.done(indication)
		if err == nil {
			c.keep()
		}
	}
}

// nextToTell is what has to be told next, nothing if that is all, and up to which change of the database it goes.
func (c *ServerConn) nextToTell() (r handleRange, change int) {
	c.change.Lock()
	defer c.change.Unlock()
	r, c.toTell = c.toTell, handleRange{}
	if r == (handleRange{}) || c.closed || !c.wantsChanges() {
		c.telling = false
		return handleRange{}, 0
	}
	return r, c.changes()
}

// wantsChanges tells whether the client has subscribed to Service Changed.
func (c *ServerConn) wantsChanges() bool {
	p, err := c.server.published(c.server.own.serviceChanged)
	return err == nil && c.configuration(p)&cccdIndicate != 0
}

// saved reports a store that fails; it breaks nothing.
func (c *ServerConn) saved(err error) {
	if err != nil && c.server.log != nil {
		c.server.log.WithError(err).Error("gatt: what belongs to a client will be lost at its disconnection")
	}
}

// keep saves what is kept for the client.
func (c *ServerConn) keep() {
	c.change.Lock()
	defer c.change.Unlock()
	c.saved(c.save())
}
