package att

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// TransactionTimeout is how long a request or an indication waits for its answer before the bearer is ended (Vol 3, Part F, 3.3.3).
const TransactionTimeout = 30 * time.Second

// A transaction is the one request, or the one indication, that may be outstanding on a bearer (Vol 3, Part F, 3.3.2), again and again.
// Callers take turns by the slot. Whoever has it owns tx, and rx once there is an answer; a caller that gives up leaves the slot
// taken, and the answer frees it. What Receive, the caller and the timer share is under mu.
type transaction struct {
	conn  *Conn
	slot  chan struct{} // full while somebody's turn
	turns atomic.Int32  // callers that have a turn, or wait for one
	tx    []byte        // the request
	rx    []byte        // its answer; empty for one longer than the MTU
	then  func()        // called by deliver, once; nil for nothing

	mu        sync.Mutex
	open      bool   // sent, or about to be, and not answered
	abandoned bool   // open, and the caller has gone
	told      bool   // Config.Waits knows that it is open
	stopped   bool   // the bearer has ended
	op        Opcode // what was sent last
	deadline  time.Time
	timer     *time.Timer
	armed     bool          // it runs
	answered  chan struct{} // one token when rx has been filled
}

func (t *transaction) init(c *Conn) {
	t.conn = c
	t.slot = make(chan struct{}, 1)
	t.answered = make(chan struct{}, 1)
}

// transact takes a turn, sends p and passes the answer to use, which must not keep it. handle is for the error.
func transact[P PDU](ctx context.Context, t *transaction, p P, handle uint16, use func(answer []byte) error) error {
	if err := t.acquire(ctx); err != nil {
		return failed(p.Opcode(), handle, err)
	}
	return transactNow(ctx, t, p, handle, use)
}

// transactNow is transact for who has the slot, and gives it back.
func transactNow[P PDU](ctx context.Context, t *transaction, p P, handle uint16, use func(answer []byte) error) error {
	op := p.Opcode()
	t.tx = p.AppendTo(t.tx[:0])
	if len(t.tx) > t.conn.MTU() {
		t.release()
		return failed(op, handle, ErrTooLong)
	}
	if err := t.exchange(ctx, op); err != nil {
		return failed(op, handle, err)
	}
	defer t.release()
	if err := verdict(op, t.rx); err != nil {
		return err
	}
	if err := use(t.rx); err != nil {
		return failed(op, handle, err)
	}
	return nil
}

// failed says which operation it was that failed.
func failed(op Opcode, handle uint16, err error) error {
	return fmt.Errorf("%s: %w", where(op, handle), err)
}

// verdict is nil if answer has the opcode that answers op, and else the error it is for the caller.
func verdict(op Opcode, answer []byte) error {
	if len(answer) == 0 {
		return &MalformedError{Op: op + 1, Reason: "longer than the MTU"}
	}
	switch got := Opcode(answer[0]); got {
	case op + 1:
		return nil
	case OpErrorResponse:
		e, err := ParseErrorResponse(answer)
		if err != nil {
			return err
		}
		if e.Request != op {
			return fmt.Errorf("%v: %w: error for %v", op, ErrUnexpected, e.Request)
		}
		return &Error{Op: op, Handle: e.Handle, Code: e.Code}
	default:
		return fmt.Errorf("%v: %w: %v", op, ErrUnexpected, got)
	}
}

// acquire waits for a turn.
func (t *transaction) acquire(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.turns.Add(1)
	select {
	case t.slot <- struct{}{}: // nobody else's turn, which is quick to see
	default:
		select {
		case t.slot <- struct{}{}:
		case <-ctx.Done():
			t.turns.Add(-1)
			return context.Cause(ctx)
		case <-t.conn.ctx.Done():
			t.turns.Add(-1)
			return t.conn.Err()
		}
	}
	if err := t.conn.Err(); err != nil {
		t.release()
		return err
	}
	return nil
}

// release ends the turn.
func (t *transaction) release() {
	t.turns.Add(-1)
	<-t.slot
}

// exchange sends tx and waits until rx is its answer. On an error the slot is not the caller's any more.
func (t *transaction) exchange(ctx context.Context, op Opcode) error {
	t.start(op)
	if err := t.conn.bearer.Send(ctx, t.tx); err != nil {
		t.unsent()
		return t.conn.sendError(err)
	}
	select {
	case <-t.answered:
		return nil
	case <-ctx.Done():
		return t.leave(context.Cause(ctx))
	case <-t.conn.ctx.Done():
		return t.leave(t.conn.Err())
	}
}

// start opens the transaction. That comes before sending, since the answer may come before Send returns.
func (t *transaction) start(op Opcode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open, t.op = true, op
	t.tell(!t.stopped)
	t.deadline = time.Now().Add(TransactionTimeout)
	switch {
	case t.timer == nil:
		t.timer = time.AfterFunc(TransactionTimeout, t.expire)
	case !t.armed:
		t.timer.Reset(TransactionTimeout)
	}
	t.armed = true
}

// unsent closes the transaction of a request that was not sent, and ends the turn.
func (t *transaction) unsent() {
	t.mu.Lock()
	if !t.open {
		<-t.answered // by a peer that guesses
	}
	t.open, t.then = false, nil
	t.tell(false)
	t.mu.Unlock()
	t.release()
}

// leave frees the caller because of err and keeps the transaction open, unless the answer came at the last moment.
func (t *transaction) leave(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		<-t.answered
		return nil
	}
	t.abandoned = true
	return err
}

// deliver gives the transaction its answer, and tells whether one was wanted. Receive calls it.
func (t *transaction) deliver(answer []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		return false
	}
	t.open = false
	t.tell(false)
	if t.then != nil {
		t.then()
		t.then = nil
	}
	if t.abandoned {
		t.abandoned = false
		t.release()
		return true
	}
	t.rx = append(t.rx[:0], answer...)
	t.answered <- struct{}{}
	return true
}

// openFor tells whether an op waits for its answer.
func (t *transaction) openFor(op Opcode) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open && t.op == op
}

// expire ends the bearer: an answer after this could not be told from the next one's. The timer runs on when there is an answer,
// which costs less than to stop it: it finds the transaction closed, or a later one that has time left.
func (t *transaction) expire() {
	t.mu.Lock()
	left := time.Until(t.deadline)
	late := t.open && left <= 0
	if t.armed = t.open && left > 0 && !t.stopped; t.armed {
		t.timer.Reset(left)
	}
	op := t.op
	t.mu.Unlock()
	if !late || t.conn.ctx.Err() != nil {
		return
	}
	err := fmt.Errorf("%v: %w", op, ErrTimeout)
	t.conn.end(err)
	t.conn.bearer.Disconnect(err)
}

// stop ends the timer with the bearer.
func (t *transaction) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	t.tell(false)
	if t.timer != nil {
		t.timer.Stop()
	}
}

// tell tells whether somebody waits for an answer. mu is held.
func (t *transaction) tell(waits bool) {
	if f := t.conn.cfg.Waits; f != nil && t.told != waits {
		t.told = waits
		f(waits)
	}
}
