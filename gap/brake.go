package gap

import "sync"

// A brake has the peer of a connection send more slowly while what it has sent waits to be dealt with, where the controller can
// do that. What it holds up is everything of the connection, so that it is off while somebody waits for an answer: a handler
// of values may itself read, write, pair and open channels.
type brake struct {
	throttle func(on bool)

	mu    sync.Mutex // guards what follows, and makes it one at a time that calls throttle
	slow  bool       // values wait for their handlers
	held  bool       // PDUs wait for the gate
	waits int        // answers that are waited for
	on    bool
}

// setSlow tells whether values wait.
func (b *brake) setSlow(slow bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow = slow
	b.apply()
}

// setHeld tells whether PDUs wait.
func (b *brake) setHeld(held bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = held
	b.apply()
}

// wait tells that an answer is waited for, or, with false, that it is so no more.
func (b *brake) wait(waits bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waits--; waits {
		b.waits += 2
	}
	b.apply()
}

// waiting is wait around something that waits: defer b.waiting()().
func (b *brake) waiting() (done func()) {
	b.wait(true)
	return func() { b.wait(false) }
}

// apply has the controller do what holds now. mu is held.
func (b *brake) apply() {
	if on := (b.slow || b.held) && b.waits == 0; on != b.on {
		b.on = on
		b.throttle(on)
	}
}
