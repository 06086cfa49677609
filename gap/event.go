package gap

import (
	"fmt"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/smp"
)

// Event is something that happened to a peer. Detail is one of Connected, Disconnected, Retry, LinkChanged,
// SubscriptionFailed and the security events of package smp, which have names here too. Events hold no keys.
type Event struct {
	Time   time.Time
	Peer   hci.Address // its identity where that is known, else its address on air
	Detail any
}

// Connected begins a connection; nothing has been sent on it yet.
type Connected struct {
	Role  hci.Role // ours
	OnAir hci.Address
}

// Disconnected ends a connection. Err satisfies errors.Is for net.ErrClosed and, where the controller gave
// a reason, for that hci.Status.
type Disconnected struct{ Err error }

// Retry tells that a connection which is to be kept is tried again after Delay.
type Retry struct {
	Attempt int // 1 for the first after a connection that held
	Delay   time.Duration
	Err     error // what ended the last attempt or connection
}

// The security events, in the words of package smp.
type (
	SecurityRequested = smp.SecurityRequested
	Decided           = smp.Decided
	Encrypted         = smp.Encrypted
	Paired            = smp.Paired
	BondLost          = smp.BondLost
	BondSuspect       = smp.BondSuspect
	Repaired          = smp.Repaired
	RepairRefused     = smp.RepairRefused
	PairingFailed     = smp.PairingFailed
	StoreFailed       = smp.StoreFailed
)

// maxEvents is how many events wait for a slow Config.Events before more are dropped and counted.
const maxEvents = 1024

// events carries events from whoever has one, who must not wait, to Config.Events, which may. It has a
// goroutine of its own, which owns nothing else.
type events struct {
	handle func(Event)
	warn   func(error)
	queue  chan Event
	ended  chan struct{}

	mu      sync.Mutex
	closed  bool
	dropped uint64 // since a warning
	lost    uint64 // ever
}

func newEvents(handle func(Event), warn func(error)) *events {
	e := &events{handle: handle, warn: warn, queue: make(chan Event, maxEvents), ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		for event := range e.queue {
			if f, ok := event.Detail.(inTurn); ok {
				f()
			} else if handle != nil {
				handle(event)
				e.tellLoss()
			}
		}
	}()
	return e
}

// tell never waits.
func (e *events) tell(peer hci.Address, detail any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	select {
	case e.queue <- Event{time.Now(), peer, detail}:
	default:
		e.dropped++
		e.lost++
	}
}

// inTurn is called, and nobody is told of it.
type inTurn func()

// call has f called when what was told before has been. Like what is told it is lost when too much waits.
func (e *events) call(f func()) { e.tell(hci.Address{}, inTurn(f)) }

// tellLoss says in the log how many events were dropped.
func (e *events) tellLoss() {
	e.mu.Lock()
	dropped := e.dropped
	e.dropped = 0
	e.mu.Unlock()
	if dropped > 0 {
		e.warn(fmt.Errorf("whoever is told of events is slow: %d were dropped", dropped))
	}
}

// close delivers what waits and ends the goroutine.
func (e *events) close() {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		close(e.queue)
	}
	e.mu.Unlock()
	<-e.ended
}
