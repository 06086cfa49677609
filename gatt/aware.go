package gatt

import (
	"sync/atomic"

	"github.com/jelling-ble/jelling/att"
)

// An awareness is whether a client knows the database as it is now: in the specification's words, whether it is change-aware
// (Vol 3, Part G, 2.5.2.1). Under the server's lock; behind may be read without.
type awareness struct {
	behind  atomic.Bool   // change-unaware
	known   [hashLen]byte // the hash of the database that the client knows
	bits    byte          // its Client Supported Features
	read    bool          // it has read the Database Hash
	changes int           // of the database, since the link began
}

// fallBehind notes that the database has changed. The caller has the server's lock.
func (c *ServerConn) fallBehind() {
	c.aware.behind.Store(true)
	c.nothingTold()
	c.aware.changes++
}

// caughtUp notes that the client knows the database as it is now. The caller has the server's lock.
func (c *ServerConn) caughtUp() {
	c.aware.behind.Store(false)
	c.nothingTold()
	c.aware.known = c.server.db.hash
}

// nothingTold begins anew what it takes to know of a change. The caller has the server's lock.
func (c *ServerConn) nothingTold() {
	c.aware.read = false
	for _, b := range c.conn.all() {
		b.told = false
	}
}

// robust tells whether the client has said that it can be told Database Out Of Sync.
func (a *awareness) robust() bool { return a.bits&featureRobustCaching != 0 }

// changes is how often the database has changed since the link began.
func (c *ServerConn) changes() int {
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	return c.aware.changes
}

// catchUp notes that the client has confirmed the database of a change, if that is the last one.
func (c *ServerConn) catchUp(change int) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.aware.changes == change {
		c.caughtUp()
	}
}

// heldBack tells whether the client must not be notified.
func (c *ServerConn) heldBack() bool {
	if !c.aware.behind.Load() {
		return false
	}
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	return c.aware.behind.Load() && c.aware.robust()
}

// features is what the client has said of itself.
func (c *ServerConn) features() byte {
	c.server.mu.RLock()
	defer c.server.mu.RUnlock()
	return c.aware.bits
}

// setFeatures takes what the client says of itself, unless it takes something back (Vol 3, Part G, 7.2).
func (c *ServerConn) setFeatures(bits byte) bool {
	if !c.addFeatures(bits) {
		return false
	}
	c.keep()
	return true
}

func (c *ServerConn) addFeatures(bits byte) bool {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.aware.bits&^bits != 0 {
		return false
	}
	c.aware.bits = bits
	return true
}

// hashRead notes that the client reads the Database Hash.
func (c *ServerConn) hashRead() {
	if !c.aware.behind.Load() {
		return
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.aware.read = true
}

// sync is the refusal of what a client sends on b that does not know the database, nil where it is served all the same. The next request
// shows that it knows, of a client that has read the hash, or that was told and has no other bearer. Each bearer is told once: what comes on it
// afterwards is served (Vol 3, Part G, 2.5.2.1).
func (c *ServerConn) sync(b *Bearer, pdu att.PDU) error {
	caughtUp, err := c.syncLocked(b, pdu)
	if caughtUp {
		c.keep()
	}
	return err
}

func (c *ServerConn) syncLocked(b *Bearer, pdu att.PDU) (caughtUp bool, err error) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	a := &c.aware
	isRequest := pdu.Opcode().Kind() == att.KindRequest
	switch {
	case !a.behind.Load():
		return false, nil
	case isRequest && (a.read || b.told && c.conn.Bearers() == 1):
		c.caughtUp()
		return true, nil
	case !a.robust() || isRequest && (b.told || !needsSync(pdu)):
		return false, nil
	}
	b.told = b.told || isRequest
	return false, att.ErrDatabaseOutOfSync // of a command nobody hears it
}

// needsSync tells whether a request is about attributes that the client thinks it knows.
func needsSync(pdu att.PDU) bool {
	switch p := pdu.(type) {
	case *att.FindInformationRequest, *att.FindByTypeValueRequest, *att.ReadByGroupTypeRequest, *att.ExecuteWriteRequest:
		return false
	case *att.ReadByTypeRequest:
		whole := p.Start == 1 && p.End == lastHandle
		return !whole && p.Type != Include && p.Type != CharacteristicDeclaration
	}
	return true
}
