package gatt

import (
	"fmt"

	"github.com/jelling-ble/jelling/att"
)

// notified takes a notified value from below. It does not wait.
func (c *Client) notified(handle uint16, value []byte, sec att.Security) {
	if c.believes(sec) {
		c.take(handle, value)
	}
}

// indicated takes an indicated value from below. It is confirmed when it is certain to reach its handler, or when there is none.
func (c *Client) indicated(handle uint16, value []byte, sec att.Security, confirm func()) {
	if c.serviceChanged(handle, value, confirm) {
		return
	}
	if !c.believes(sec) || c.take(handle, value) {
		confirm()
	}
}

// believes tells whether a value that arrived so may be the server's, and counts it if not.
func (c *Client) believes(sec att.Security) bool {
	if c.conn.cfg.Believe == nil || c.conn.cfg.Believe(sec) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Unbelieved++
	return false
}

// take queues a value for its handler. It is false for a value that is lost.
func (c *Client) take(handle uint16, value []byte) bool {
	slow, taken := c.enqueue(handle, value)
	if slow != nil {
		c.giveUp(slow)
	}
	if taken {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	return taken
}

// enqueue is take under the lock. slow is the error if this is the value that found the queue full: from then on nothing is
// taken, so that what the handlers get has no gap.
func (c *Client) enqueue(handle uint16, value []byte) (slow error, taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.subs[handle]
	switch {
	case s == nil || s.closed:
		c.stats.Unwanted++
		return nil, true
	case c.slow != nil || c.ended:
		c.stats.Lost++
		return nil, false
	case !c.queue.push(s.number, value):
		c.stats.Lost++
		c.slow = fmt.Errorf("%w: %d values, %d octets at most", ErrSlowConsumer, c.queue.len, c.queue.max)
		return c.slow, false
	}
	c.stats.Values++
	s.queued++
	c.throttle()
	return nil, true
}

// throttle tells when there is much in the queue, and when there is a little less: what the peer asks of us waits as well, and
// not for as long as the peer has patience. The caller has the lock.
func (c *Client) throttle() {
	tell := c.conn.cfg.Throttle
	if tell == nil {
		return
	}
	most := c.queue.max / 2
	if c.throttled {
		most -= c.queue.max / 64
	}
	if c.throttled != (c.queue.used > most) {
		c.throttled = !c.throttled
		tell(c.throttled)
	}
}

// giveUp ends the link because of err.
func (c *Client) giveUp(err error) {
	if c.conn.cfg.SlowConsumer != nil {
		c.conn.cfg.SlowConsumer(err)
		return
	}
	c.conn.att.Bearer().Disconnect(err)
}

// deliver gives the handlers their values until the link has ended and the queue is empty. It runs on a goroutine of its own.
func (c *Client) deliver() {
	for {
		if handler, value, ok := c.next(); ok {
			handler(value)
			c.delivered()
			continue
		}
		select {
		case <-c.wake:
		case <-c.conn.Done():
			if c.end() {
				return
			}
		}
	}
}

// next is the oldest value that has a handler still, and stays in the queue while the handler has it.
func (c *Client) next() (handler func([]byte), value []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		number, value, ok := c.queue.front()
		if !ok {
			return nil, nil, false
		}
		if s := c.whose(number); s != nil && !s.closed {
			return s.handler, value, true
		}
		c.pop(number)
	}
}

// whose is the subscription with a number, nil for one that is gone. The caller has the lock.
func (c *Client) whose(number uint32) *Subscription {
	if s := c.subs[uint16(number)]; s != nil && s.number == number {
		return s
	}
	return c.leaving[number]
}

// pop drops the oldest value, and with its last value the subscription that was abandoned. The caller has the lock.
func (c *Client) pop(number uint32) {
	if s := c.whose(number); s != nil {
		if s.queued--; s.queued == 0 && c.leaving[number] == s {
			delete(c.leaving, number)
			s.closed = true
			close(s.done)
		}
	}
	c.queue.pop()
	c.throttle()
}

// delivered drops the value that next gave.
func (c *Client) delivered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	number, _, _ := c.queue.front()
	c.pop(number)
}

// end ends every subscription, unless a value has come in between.
func (c *Client) end() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queue.len > 0 {
		return false
	}
	c.ended = true
	for handle, s := range c.subs {
		delete(c.subs, handle)
		if !s.closed {
			s.closed, s.err = true, c.endedBy()
		}
		close(s.done)
	}
	return true
}

// endedBy says why there are no more values.
func (c *Client) endedBy() error {
	if c.slow != nil {
		return c.slow
	}
	return c.conn.Err()
}
