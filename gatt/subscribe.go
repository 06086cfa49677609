package gatt

import (
	"context"
	"fmt"
)

// The bits of a Client Characteristic Configuration (Vol 3, Part G, 3.3.3.3).
const (
	cccdNotify   = 0x0001
	cccdIndicate = 0x0002
)

// A Subscription is a characteristic whose values go to a handler.
type Subscription struct {
	client  *Client
	handle  uint16 // of the value
	cccd    uint16
	wish    byte   // what the CCCD is set to
	number  uint32 // names it in the queue: a count above the handle
	handler func(value []byte)
	done    chan struct{}

	// Under the client's lock.
	closed bool  // nothing more for the handler
	queued int   // values that wait for it, or that it has
	err    error // set before done is closed
}

// Subscribe asks for the values of a characteristic, by notification if it offers that, else by indication, and gives each to
// handler, in order of arrival (Vol 3, Part G, 4.10, 4.11). All handlers of a client share one goroutine; a handler may
// take its time within the bound of the queue, and may call the client. value is valid only until handler returns. The handler
// may be called before Subscribe returns. Without ch.Descriptors, they are discovered.
//
// Errors besides the client's: [ErrNotOffered], [ErrNoCCCD], [ErrSubscribed].
func (c *Client) Subscribe(ctx context.Context, ch RemoteCharacteristic, handler func(value []byte)) (*Subscription, error) {
	wish, err := wishFor(ch)
	if err != nil {
		return nil, err
	}
	cccd, err := c.findCCCD(ctx, ch)
	if err != nil {
		return nil, err
	}
	s := &Subscription{client: c, handle: ch.ValueHandle, cccd: cccd, wish: wish, handler: handler, done: make(chan struct{})}
	if err := c.add(s); err != nil {
		return nil, err
	}
	if err := s.Renew(ctx); err != nil {
		c.remove(s)
		return nil, err
	}
	return s, nil
}

// wishFor is what to ask for of a characteristic.
func wishFor(ch RemoteCharacteristic) (byte, error) {
	switch {
	case ch.Properties.Has(Notify):
		return cccdNotify, nil
	case ch.Properties.Has(Indicate):
		return cccdIndicate, nil
	}
	return 0, fmt.Errorf("%w: %v", ErrNotOffered, ch.UUID)
}

// Resume is Subscribe for a characteristic that a server with a bond remembers our subscription to: it sends nothing, so that no value is missed
// that arrives before we could ask. ch.Descriptors has to be there. Whoever is not sure of the server's memory calls [Subscription.Renew] afterwards.
func (c *Client) Resume(ch RemoteCharacteristic, handler func(value []byte)) (*Subscription, error) {
	wish, err := wishFor(ch)
	if err != nil {
		return nil, err
	}
	cccd, ok := cccdOf(ch.Descriptors)
	if !ok {
		return nil, fmt.Errorf("%w: %v", ErrNoCCCD, ch.UUID)
	}
	s := &Subscription{client: c, handle: ch.ValueHandle, cccd: cccd, wish: wish, handler: handler, done: make(chan struct{})}
	if err := c.add(s); err != nil {
		return nil, err
	}
	return s, nil
}

// Renew asks the server for the values once more, as Subscribe does.
func (s *Subscription) Renew(ctx context.Context) error {
	return s.client.Write(ctx, s.cccd, []byte{s.wish, 0})
}

// findCCCD finds the descriptor that has to be written to subscribe.
func (c *Client) findCCCD(ctx context.Context, ch RemoteCharacteristic) (uint16, error) {
	descriptors := ch.Descriptors
	if len(descriptors) == 0 {
		var err error
		if descriptors, err = c.DiscoverDescriptors(ctx, ch); err != nil {
			return 0, err
		}
	}
	cccd, ok := cccdOf(descriptors)
	if !ok {
		return 0, fmt.Errorf("%w: %v", ErrNoCCCD, ch.UUID)
	}
	return cccd, nil
}

// cccdOf is the handle of the Client Characteristic Configuration among descriptors.
func cccdOf(list []RemoteDescriptor) (handle uint16, ok bool) {
	for _, d := range list {
		if d.UUID == ClientCharacteristicConfiguration {
			return d.Handle, true
		}
	}
	return 0, false
}

// add lets values in for s. That comes before the CCCD is written, since the first value may overtake the answer to that.
func (c *Client) add(s *Subscription) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended || c.slow != nil:
		return c.endedBy()
	case c.subs[s.handle] != nil:
		return fmt.Errorf("%w: handle 0x%04x", ErrSubscribed, s.handle)
	}
	c.made++
	s.number = uint32(c.made)<<16 | uint32(s.handle)
	c.subs[s.handle] = s
	return nil
}

// remove forgets s, unless the end of the link has.
func (c *Client) remove(s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subs[s.handle] == s {
		delete(c.subs, s.handle)
		s.closed = true
		close(s.done)
	}
}

// Close unsubscribes. A call of the handler that is under way goes on, no other follows. An error says that the server may not know of it;
// the subscription is gone anyway. Closing again, or after the end of the link, does nothing.
func (s *Subscription) Close(ctx context.Context) error {
	c := s.client
	c.mu.Lock()
	over := s.closed || c.subs[s.handle] != s // closed before, or abandoned
	s.closed = true
	c.mu.Unlock()
	if over {
		return nil
	}
	// Until the answer the handle stays taken: a new subscription could otherwise be undone by this one's end.
	defer c.remove(s)
	return c.Write(ctx, s.cccd, []byte{0, 0})
}

// Handle is that of the value.
func (s *Subscription) Handle() uint16 { return s.handle }

// Abandon ends a subscription without a word to the server, for a characteristic that is not there any more. What has arrived still
// goes to the handler.
func (s *Subscription) Abandon() {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.closed || c.subs[s.handle] != s {
		return
	}
	delete(c.subs, s.handle)
	if s.queued == 0 {
		s.closed = true
		close(s.done)
		return
	}
	c.leaving[s.number] = s
}

// Done is closed when the handler has had its last value: after Close, or after the end of the link.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Err is nil until Done is closed, and after Close; else it says why the link ended. It wraps [ErrSlowConsumer] if the queue was full.
func (s *Subscription) Err() error {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.err
}
