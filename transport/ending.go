package transport

import (
	"fmt"
	"net"
	"sync"
)

// errClosed is what a Conn answers after Close.
var errClosed = fmt.Errorf("transport: %w", net.ErrClosed)

// An ending remembers why a Conn ended, and closes what lies below it once. The first failure is the one that
// every later operation reports; Close outdoes it.
type ending struct {
	shut func() error // closes what lies below, and so unblocks whoever is in it

	once sync.Once
	done error // of shut

	mu     sync.Mutex
	why    error // the first failure, nil before
	closed bool  // Close was called
}

// over returns why the Conn has ended, or nil.
func (e *ending) over() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	return e.why
}

// fail ends the Conn for err, unless it has ended before, and returns what to tell the caller. The other side,
// reader or writer, is unblocked and hears the same.
func (e *ending) fail(err error) error {
	e.mu.Lock()
	if e.why == nil {
		e.why = err
	}
	e.mu.Unlock()
	e.once.Do(e.shutNow)
	return e.over()
}

// Close ends the Conn, at any time and any number of times.
func (e *ending) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.once.Do(e.shutNow)
	return e.done
}

func (e *ending) shutNow() { e.done = e.shut() }
