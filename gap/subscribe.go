package gap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
)

// Subscription is a wish for the values of a characteristic of a peer, on every connection to it, whoever makes it, until
// Close.
type Subscription struct {
	host    *Host
	peer    hci.Address
	uuid    att.UUID
	handler func(value []byte)

	closed atomic.Bool
	mu     sync.Mutex // held by the handler: a connection may begin before the one before it is through
}

// handle gives the handler a value.
func (s *Subscription) handle(value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed.Load() {
		s.handler(value)
	}
}

// SubscriptionFailed tells that a Subscription does not take part in a connection, or has lost values on one because its handler was
// too slow: Err is a gatt.ErrSlowConsumer then, and the connection ends.
type SubscriptionFailed struct {
	UUID att.UUID
	Err  error
}

// ErrNoCharacteristic says that a peer has no characteristic of that kind.
var ErrNoCharacteristic = errors.New("the peer has no such characteristic")

// wishes are the subscriptions of a host.
type wishes struct {
	mu  sync.Mutex
	all []*Subscription
}

// of are those of a peer.
func (w *wishes) of(peer hci.Address) (list []*Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.all {
		if s.peer == peer {
			list = append(list, s)
		}
	}
	return list
}

// Subscribe asks for the values of a characteristic, the first of its kind, of a peer by its identity address, on the
// connection that there is and on all to come: it makes none itself. A bonded peer whose database is known remembers that we have
// subscribed, and what it sends before we could ask is not missed. handler is given each value in order, and is called by
// one connection at a time; value is valid until it returns. What is in the way is told as SubscriptionFailed, and tried again on
// the next connection.
func (h *Host) Subscribe(peer hci.Address, uuid att.UUID, handler func(value []byte)) *Subscription {
	s := &Subscription{host: h, peer: peer, uuid: uuid, handler: handler}
	h.wishes.mu.Lock()
	h.wishes.all = append(h.wishes.all, s)
	h.wishes.mu.Unlock()
	h.subscribeNow(peer)
	return s
}

// Close ends the wish, and the subscription on the connection that there is. A call of the handler that is under way goes on,
// no other follows; the handler may call it.
func (s *Subscription) Close() {
	s.closed.Store(true)
	w := &s.host.wishes
	w.mu.Lock()
	w.all = slices.DeleteFunc(w.all, func(other *Subscription) bool { return other == s })
	w.mu.Unlock()
	s.host.subscribeNow(s.peer)
}

// subscribeNow has the connections to a peer do what is wished by now.
func (h *Host) subscribeNow(peer hci.Address) {
	for _, c := range h.Conns() {
		if c.Peer() == peer {
			c.chores.add(errandSubscribe)
		}
	}
}

// taken are the subscriptions that a connection has taken part in.
type taken struct {
	conn  *Conn
	begun atomic.Bool // the peer may be asked: of a connection of ours the MTU comes first

	mu  sync.Mutex // guards what follows
	all map[*Subscription]*share
}

// A share is what a connection has of a Subscription.
type share struct {
	got     *gatt.Subscription // nil while it is being made
	certain bool               // the peer has said that it knows of it
}

func newTaken(c *Conn) *taken { return &taken{conn: c, all: map[*Subscription]*share{}} }

// resume takes up what a peer that is known remembers, without a word.
func (t *taken) resume() {
	services, known := t.conn.Client().Known()
	if !known {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.conn.host.wishes.of(t.conn.Peer()) {
		if t.all[s] != nil {
			continue
		}
		if ch, ok := characteristicOf(services, s.uuid); ok {
			if got, err := t.conn.Client().Resume(ch, s.handle); err == nil {
				t.all[s] = &share{got: got}
			}
		}
	}
}

// renew has the peer told again.
func (t *taken) renew() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.all {
		p.certain = false
	}
}

// begin lets the peer be asked, from now on.
func (t *taken) begin() {
	t.begun.Store(true)
	t.conn.chores.add(errandSubscribe)
}

// do brings the connection in line with what is wished, once the peer may be asked.
func (t *taken) do(what errand) {
	c := t.conn
	if what == errandRenew {
		t.renew()
	}
	if !t.begun.Load() || c.mayInitiate() != nil {
		return
	}
	wished := c.host.wishes.of(c.Peer())
	for _, got := range t.dropped(wished) {
		c.warnUnlessEnded(got.Close(context.Background()))
	}
	for _, s := range wished {
		if err := t.subscribe(s); err != nil && c.Err() == nil {
			c.host.events.tell(c.Peer(), SubscriptionFailed{s.uuid, err})
		}
	}
}

// dropped takes out what nobody wishes any more.
func (t *taken) dropped(wished []*Subscription) (all []*gatt.Subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s, p := range t.all {
		if !slices.Contains(wished, s) {
			delete(t.all, s)
			all = append(all, p.got)
		}
	}
	return all
}

// subscribe subscribes, again where the peer should remember: one that does not is put right. A characteristic that has
// moved in the meantime is followed. All calls are of one goroutine.
func (t *taken) subscribe(s *Subscription) error {
	got, certain := t.share(s)
	if certain {
		return nil
	}
	ctx := context.Background() // whatever it waits for ends with the link
	found, err := t.conn.Client().FindCharacteristics(ctx, s.uuid)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: %v", ErrNoCharacteristic, s.uuid)
	}
	if err == nil && got != nil && got.Handle() == found[0].ValueHandle {
		err = got.Renew(ctx)
		t.set(s, got, err == nil)
		return err
	}
	if got != nil {
		got.Abandon()
	}
	if err == nil {
		got, err = t.conn.Client().Subscribe(ctx, found[0], s.handle)
	}
	if err != nil {
		got = nil
	}
	t.set(s, got, err == nil)
	return err
}

// share is what there is of a subscription. If there is nothing, it is marked as being made.
func (t *taken) share(s *Subscription) (got *gatt.Subscription, certain bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.all[s]
	if p == nil {
		p = &share{}
		t.all[s] = p
	}
	certain = p.certain
	p.certain = true // unless somebody says otherwise from here on
	return p.got, certain
}

// set notes what has come of it.
func (t *taken) set(s *Subscription, got *gatt.Subscription, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if got == nil {
		delete(t.all, s)
		return
	}
	t.all[s].got = got
	t.all[s].certain = t.all[s].certain && ok
}

// finish tells of the subscriptions that lost values: their consumers were too slow. The link has ended.
func (t *taken) finish() {
	for s, p := range t.all {
		<-p.got.Done()
		if err := p.got.Err(); errors.Is(err, gatt.ErrSlowConsumer) {
			t.conn.host.events.tell(t.conn.Peer(), SubscriptionFailed{s.uuid, err})
		}
	}
}

// characteristicOf is the first characteristic of a kind.
func characteristicOf(services []gatt.RemoteService, uuid att.UUID) (gatt.RemoteCharacteristic, bool) {
	for _, s := range services {
		for _, ch := range s.Characteristics {
			if ch.UUID == uuid {
				return ch, true
			}
		}
	}
	return gatt.RemoteCharacteristic{}, false
}
