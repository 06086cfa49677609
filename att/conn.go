package att

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"
)

// DefaultMaxMTU is the longest PDU that a Conn receives if its [Config] says nothing else, in octets: a
// [PrepareWriteRequest] of [MaxValueLen] octets.
const DefaultMaxMTU = MaxValueLen + 5

// A Config says what a [Conn] does with what it receives. Its zero value is a client that wants no values and has no attributes.
type Config struct {
	// MTU is the longest PDU we receive, in octets, told to the peer as client and as server, for it has to be the same
	// (Vol 3, Part F, 3.4.2.2). If zero, 517. It is raised to 23 and lowered to what the bearer carries.
	MTU int
	// Server answers requests and receives commands. If nil, the Conn answers like a server without attributes.
	Server Handler
	// Notify receives each notified value, in order, on the goroutine that called [Conn.Receive]: it must not wait, and value
	// is valid only until it returns. If nil, notifications are dropped and counted.
	Notify func(handle uint16, value []byte, sec Security)
	// Indicate receives each indicated value as Notify does. Whoever has accepted the value calls confirm once, at once or later,
	// from any goroutine; until then the peer sends no other indication, and after 30 s it gives up the bearer. With nothing
	// to confirm, confirm does nothing. If nil, indications are confirmed at once, dropped and counted.
	Indicate func(handle uint16, value []byte, sec Security, confirm func())
	// Waits is told true when a request or an indication of ours begins to wait for its answer, and false when it has it, or never will;
	// for each of the two kinds, one after the other. It must not wait, nor call the Conn. If nil, nobody is told.
	Waits func(waits bool)
	// Log receives what a peer did wrong, at debug level. If nil, silence.
	Log *logrus.Logger
}

// A Conn is one end of one bearer, in both roles. Its methods may be called from any goroutine, Receive from one at a time.
//
// It has two goroutines: one serves requests and commands one after the other, one waits for the bearer's end.
// The goroutine that calls Receive owns the MTU, which others read. A transaction is shared, under its own lock.
type Conn struct {
	bearer Bearer
	cfg    Config

	ctx    context.Context // ended with the bearer, or when nothing more may be sent on it
	cancel context.CancelCauseFunc
	ran    sync.WaitGroup

	requests    transaction  // ours, as client
	indications transaction  // ours, as server
	queue       chan *queued // requests and commands of the peer, from Receive to serve

	mtu   atomic.Int32 // ATT_MTU, written by Receive
	rxMTU int          // what we tell the peer
	// How far the exchange of MTUs has come. Owned by Receive; who has requests may read weAsked.
	weAsked, peerAsked bool

	unconfirmed atomic.Bool // the peer waits for a confirmation
	confirmOnce func()      // confirm, bound once: an indication allocates nothing

	refusal  [errorResponseLen]byte // owned by Receive
	counters counters
}

// NewConn makes the end of b that cfg describes. It lives until b is done, and needs no closing of its own.
func NewConn(b Bearer, cfg Config) *Conn {
	c := &Conn{bearer: b, cfg: cfg, queue: make(chan *queued, queueLen)}
	if c.cfg.Server == nil {
		c.cfg.Server = noAttributes{}
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	c.requests.init(c)
	c.indications.init(c)
	c.confirmOnce = c.confirm
	c.initMTU()
	c.ran.Go(c.watch)
	c.ran.Go(c.serve)
	return c
}

// Bearer is what the Conn was made on.
func (c *Conn) Bearer() Bearer { return c.bearer }

// Requests is how many requests of ours are open or wait for their turn: whoever has several bearers sends the next where there are the fewest.
func (c *Conn) Requests() int { return int(c.requests.turns.Load()) }

// Indications is how many indications are unconfirmed or wait for their turn.
func (c *Conn) Indications() int { return int(c.indications.turns.Load()) }

// Done is closed when nothing more can be sent: the bearer has ended, or it is about to because of [ErrTimeout].
func (c *Conn) Done() <-chan struct{} { return c.ctx.Done() }

// Err is nil until Done is closed, then a [*ClosedError] that says why.
func (c *Conn) Err() error { return context.Cause(c.ctx) }

// Wait returns when the bearer has ended and the Conn's goroutines with it. The [Handler] must not call it.
func (c *Conn) Wait() { c.ran.Wait() }

// end lets every pending operation fail because of err.
func (c *Conn) end(err error) { c.cancel(&ClosedError{Err: err}) }

// sendError is the error of a Send that failed with err: that of the bearer if it has ended.
func (c *Conn) sendError(err error) error {
	select {
	case <-c.bearer.Done():
		c.end(c.bearer.Err())
		return c.Err()
	default:
		return err
	}
}

// watch ends the Conn with its bearer.
func (c *Conn) watch() {
	<-c.bearer.Done()
	c.end(c.bearer.Err())
	c.requests.stop()
	c.indications.stop()
}

// debug logs what the peer did wrong.
func (c *Conn) debug(op Opcode, what string) {
	if log := c.cfg.Log; log != nil && log.IsLevelEnabled(logrus.DebugLevel) {
		log.WithField("opcode", op).Debug("att: " + what)
	}
}
