package gatt

import (
	"context"
	"net"
	"slices"
	"sync/atomic"

	"github.com/jelling-ble/jelling/att"
)

// A Bearer is one of the ATT bearers of a link, with what belongs to it alone. The first is the fixed channel; those that
// [Conn.AddBearer] adds are enhanced ones, on which requests need not wait for each other (Vol 3, Part G, 5.4).
//
// The goroutine of package att that serves the bearer owns queue and scratch.
type Bearer struct {
	conn *Conn
	att  *att.Conn

	scratch []byte
	told    bool // the peer was told Database Out Of Sync on it. Under the server's lock

	users [queues]atomic.Int32
}

// newBearer makes both roles on b, which nobody knows of yet.
func (c *Conn) newBearer(b att.Bearer) *Bearer {
	made := &Bearer{conn: c}
	below := att.Config{
		MTU:      c.cfg.MTU,
		Notify:   c.client.notified,
		Indicate: c.client.indicated,
		Waits:    c.cfg.Waits,
		Log:      c.cfg.Log,
	}
	if c.server != nil {
		below.Server = made
	}
	made.att = att.NewConn(b, below)
	return made
}

// AddBearer adds an enhanced bearer, in both roles, until that or the link ends: requests and indications go where the fewest wait.
// Notifications and write commands stay on the first bearer, since there is no order between bearers. read, if it is not nil, is run on a goroutine of its own, to give the bearer what arrives, and has to return when b is done.
// AddBearer fails with the link's end.
func (c *Conn) AddBearer(b att.Bearer, read func(*Bearer)) (*Bearer, error) {
	c.adding.Lock()
	defer c.adding.Unlock()
	if c.bearers.Load() == nil || c.att.Err() != nil {
		return nil, net.ErrClosed
	}
	made := c.newBearer(b)
	all := append(slices.Clone(c.all()), made)
	c.bearers.Store(&all)
	if read != nil {
		c.ran.Go(func() { read(made) })
	}
	c.ran.Go(func() {
		made.att.Wait()
		c.remove(made)
	})
	return made, nil
}

// OffersEnhanced tells whether the server takes enhanced bearers, and if so tells it that we do (Vol 3, Part G, 7.2, 7.4). It needs Config.Enhanced, and
// discovers nothing. A server that refuses what it takes to find out offers none.
func (c *Client) OffersEnhanced(ctx context.Context) (bool, error) {
	if !c.conn.cfg.Enhanced {
		return false, nil
	}
	offered, err := c.readFeatures(ctx, ServerSupportedFeatures)
	if err != nil || offered.value&featureEnhancedServer == 0 {
		return false, unlessRefused(err)
	}
	told, err := c.readFeatures(ctx, ClientSupportedFeatures)
	if err != nil {
		return false, unlessRefused(err)
	}
	if told.value&featureEnhancedBearer == 0 {
		err = c.Write(ctx, told.handle, append([]byte{told.value | featureEnhancedBearer}, told.more...))
	}
	return err == nil, unlessRefused(err)
}

// features are bits that a server tells or is told.
type features struct {
	handle uint16
	value  byte
	more   []byte // octets that have no meaning yet
}

// readFeatures reads features by their type.
func (c *Client) readFeatures(ctx context.Context, uuid att.UUID) (f features, err error) {
	err = c.secured(ctx, func() error {
		found, err := c.conn.att.ReadByType(ctx, 1, lastHandle, uuid)
		if err == nil && len(found) > 0 {
			f.handle = found[0].Handle
			if v := found[0].Value; len(v) > 0 {
				f.value, f.more = v[0], v[1:]
			}
		}
		return err
	})
	return f, err
}

func unlessRefused(err error) error {
	if isRefusal(err) {
		return nil
	}
	return err
}

// Receive takes one PDU from the bearer, as [Conn.Receive] does from the first.
func (b *Bearer) Receive(pdu []byte, sec att.Security) {
	b.conn.lastSec.Store(packSecurity(sec))
	b.att.Receive(pdu, sec)
}

// ATT is the connection below.
func (b *Bearer) ATT() *att.Conn { return b.att }

// Bearers is how many bearers the link has: the first, and those that have been added and not ended.
func (c *Conn) Bearers() int { return len(c.all()) }

// all are the bearers that there are. The list is never changed.
func (c *Conn) all() []*Bearer { return *c.bearers.Load() }

func (c *Conn) first() *Bearer { return c.all()[0] }

// remove takes out a bearer that has ended.
func (c *Conn) remove(b *Bearer) {
	c.adding.Lock()
	defer c.adding.Unlock()
	left := slices.DeleteFunc(slices.Clone(c.all()), func(other *Bearer) bool { return other == b })
	c.bearers.Store(&left)
}

// end ends the bearers that were added, with the link.
func (c *Conn) end() {
	c.adding.Lock()
	defer c.adding.Unlock()
	for _, b := range c.all()[1:] {
		b.att.Bearer().Disconnect(c.att.Err())
	}
}

// waitForBearers waits until none of them serves a request any more.
func (c *Conn) waitForBearers() {
	for _, b := range c.all() {
		b.att.Wait()
	}
}

// What a bearer carries one of at a time.
const (
	request = iota
	indication
	queues
)

// take gives the bearer on which a request, or an indication, of ours has the fewest before it; of those, the first. It is given back by done.
func (c *Conn) take(what int) *Bearer {
	all := c.all()
	if len(all) > 1 {
		c.taking.Lock()
		defer c.taking.Unlock()
	}
	least := all[0]
	for _, b := range all[1:] {
		if b.busy(what) < least.busy(what) && b.att.Err() == nil {
			least = b
		}
	}
	least.users[what].Add(1)
	return least
}

// done gives the bearer back.
func (b *Bearer) done(what int) { b.users[what].Add(-1) }

// busy is how many have taken the bearer, or, where somebody has gone without an answer, how many it has to wait for.
func (b *Bearer) busy(what int) int {
	waiting := b.att.Requests
	if what == indication {
		waiting = b.att.Indications
	}
	return max(int(b.users[what].Load()), waiting())
}
