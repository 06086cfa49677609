package driver

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// maxCommands is how many commands may wait for the controller's room. What answers a peer is not held to
// it: there is one of each kind for a connection, since the newest takes the place of the one that waits.
const maxCommands = 64

// maxCommand is the longest command packet, octets: type, header, 255 octets of parameters.
const maxCommand = 1 + hci.CommandHeaderLength + 255

// What becomes of a command that can't be queued; whoever asked is told the reason behind it.
var (
	errOutboxClosed = errors.New("the controller is gone")
	errLinkGone     = errors.New("the connection has ended")
)

// command is one on its way. Its result is given to done, once, on the loop. One for a connection is not
// sent when that has ended, since its handle may be another's by then.
type command struct {
	opcode hci.Opcode
	packet []byte
	link   *Conn                       // whose handle is in it, nil for none
	newest bool                        // takes the place of one that waits, of the same kind and connection
	done   func(ret []byte, err error) // must not wait; ret is good during the call

	accepted bool        // a Command Status has come, and a Command Complete will
	timer    *time.Timer // runs while it is the oldest that waits, and again from when the writer takes it
}

func newCommand(link *Conn, cmd hci.Command, done func(ret []byte, err error)) *command {
	return &command{opcode: cmd.Opcode(), packet: hci.AppendCommand(nil, cmd), link: link, done: done}
}

// outbox is everything on its way to the controller: commands by its room for commands, fragments by its
// free buffers. It is a monitor: the loop and senders put in, the writer takes out, and nobody holds its
// lock while waiting or calling out.
type outbox struct {
	mu     sync.Mutex
	wake   *sync.Cond // the writer alone waits
	closed bool
	late   func(hci.Opcode) // a command is overdue; called without the lock
	limit  time.Duration

	queue  []*command // waiting for room, oldest first
	flight []*command // sent, no answer yet; never two of one opcode
	room   int        // commands the controller takes now

	mostQueued int
	// lenient is a chip that is being prepared: nobody's patience but the caller's counts.
	lenient bool

	buffers int // free ACL buffers of the controller
	total   int
	links   []*Conn // every connection
	queued  []*Conn // those that may have something to send, in turn
	resting int     // those that hold no buffer
	host    hostAccount
}

func newOutbox(limit time.Duration, late func(hci.Opcode)) *outbox {
	o := &outbox{limit: limit, late: late, room: 1} // one command may be sent after power on (Vol 4, Part E, 4.4)
	o.wake = sync.NewCond(&o.mu)
	return o
}

// put queues a command.
func (o *outbox) put(c *command) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return errOutboxClosed
	case c.link != nil && c.link.gone:
		return errLinkGone
	case len(c.packet) > maxCommand:
		return hci.PacketTooLong
	}
	if c.newest {
		if i := slices.IndexFunc(o.queue, func(w *command) bool { return w.newest && w.opcode == c.opcode && w.link == c.link }); i >= 0 {
			old := o.queue[i]
			clear(old.packet)
			old.packet, old.done = c.packet, c.done
			return nil
		}
	} else if len(o.queue) >= maxCommands {
		return ErrTooManyCommands
	}
	o.queue = append(o.queue, c)
	o.mostQueued = max(o.mostQueued, len(o.queue))
	o.watchOldest()
	o.wake.Signal()
	return nil
}

// watchOldest starts the timer of the command that is the next to go: it waits in vain where the controller
// never has room again, or where the writer is stuck.
func (o *outbox) watchOldest() {
	if o.closed || len(o.queue) == 0 || o.queue[0].timer != nil {
		return
	}
	c := o.queue[0]
	c.timer = time.AfterFunc(o.limit, func() {
		if o.holds(c) {
			o.late(c.opcode)
		}
	})
}

// holds tells whether a command has no answer yet.
func (o *outbox) holds(c *command) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.closed && !o.lenient && (slices.Contains(o.queue, c) || slices.Contains(o.flight, c))
}

// withdraw takes a command back that nobody waits for any more, unless it has gone. One that has gone to a
// chip that is being prepared is given up, so that the next can go.
func (o *outbox) withdraw(c *command) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.flight, c); i >= 0 && o.lenient {
		o.flight = slices.Delete(o.flight, i, i+1)
		o.room = max(o.room, 1)
		c.timer.Stop()
	}
	o.forget(func(w *command) bool { return w == c })
}

func (o *outbox) setLenient(on bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lenient = on
}

// forget drops waiting commands, and the keys in them.
func (o *outbox) forget(which func(*command) bool) (dropped []*command) {
	o.queue = slices.DeleteFunc(o.queue, func(c *command) bool {
		if !which(c) {
			return false
		}
		clear(c.packet)
		if c.timer != nil {
			c.timer.Stop()
		}
		dropped = append(dropped, c)
		return true
	})
	o.watchOldest()
	o.wake.Signal()
	return dropped
}

// answered takes the command that the controller answered out of flight, if the answer is final, and notes
// its room for more, less what is in flight, which it may not have counted yet. It returns nil when nobody
// asked.
func (o *outbox) answered(op hci.Opcode, room int, final bool) *command {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found *command
	if i := slices.IndexFunc(o.flight, func(c *command) bool { return c.opcode == op }); i >= 0 {
		found = o.flight[i]
		found.accepted = true
		if final {
			found.timer.Stop()
			o.flight = slices.Delete(o.flight, i, i+1)
		}
	}
	for _, c := range o.flight {
		if !c.accepted { // one that was takes no room while its Command Complete is awaited
			room--
		}
	}
	o.room = max(0, room)
	o.wake.Signal()
	return found
}

// errand is what the writer is to send: one of the three, or nothing more, ever.
type errand struct {
	returns []byte   // Host Number Of Completed Packets, which takes no room for commands
	command *command // an other command
	link    *Conn    // whose turn it is, with a buffer taken for its fragment
}

// next waits for something that may be sent. It writes returns into b.
func (o *outbox) next(b []byte) errand {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		if o.closed {
			return errand{}
		}
		if b := o.appendReturns(b[:0]); len(b) > 0 {
			return errand{returns: b}
		}
		if c := o.nextCommand(); c != nil {
			return errand{command: c}
		}
		if c := o.nextLink(); c != nil {
			return errand{link: c}
		}
		o.wake.Wait()
	}
}

func (o *outbox) nextCommand() *command {
	if o.room == 0 || len(o.queue) == 0 {
		return nil
	}
	c := o.queue[0]
	if slices.ContainsFunc(o.flight, func(f *command) bool { return f.opcode == c.opcode }) {
		return nil // their answers could not be told apart
	}
	o.queue = slices.Delete(o.queue, 0, 1)
	o.flight = append(o.flight, c)
	o.room--
	c.timer.Reset(o.limit)
	o.watchOldest()
	return c
}

// close ends the writer; nothing is queued any more.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.host.stop()
	o.wake.Signal()
}

// leave returns every command that has no answer, once the outbox is closed.
func (o *outbox) leave() []*command {
	o.mu.Lock()
	defer o.mu.Unlock()
	left := o.flight
	o.flight = nil
	for _, c := range left {
		c.timer.Stop()
	}
	return append(left, o.forget(func(*command) bool { return true })...)
}
