package driver

import (
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// maxCommands is how many commands may wait for the controller's room.
const maxCommands = 64

// command is one on its way. Its result is given to done, once, on the loop or where the controller ends.
type command struct {
	opcode hci.Opcode
	packet []byte
	done   func(ret []byte, err error) // must not wait; ret is good during the call
	timer  *time.Timer                 // runs from when the writer takes it
}

// outbox is everything on its way to the controller: commands by its room for commands, fragments by its
// free buffers. It is a monitor: the loop and senders put in, the writer takes out, and nobody holds its
// lock while waiting or calling out.
type outbox struct {
	mu     sync.Mutex
	wake   *sync.Cond
	closed bool
	late   func(*command) // a command's answer is overdue
	limit  time.Duration

	queue  []*command // waiting for room, oldest first
	flight []*command // sent, no answer yet; never two of one opcode
	room   int        // commands the controller takes now

	buffers int // free ACL buffers of the controller
	total   int
	links   []*Conn // every connection, in turn
	turn    int
}

func newOutbox(limit time.Duration, late func(*command)) *outbox {
	o := &outbox{limit: limit, late: late, room: 1} // one command may be sent after power on (Vol 4, Part E, 4.4)
	o.wake = sync.NewCond(&o.mu)
	return o
}

// put queues a command.
func (o *outbox) put(c *command) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return &ClosedError{}
	}
	if len(o.queue) >= maxCommands {
		return ErrTooManyCommands
	}
	o.queue = append(o.queue, c)
	o.wake.Signal()
	return nil
}

// answered takes the command that the controller answered out of flight and notes its room for more, less
// what is in flight, which it may not have counted yet. It returns nil when nobody asked.
func (o *outbox) answered(op hci.Opcode, room int, final bool) *command {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found *command
	for i, c := range o.flight {
		if c.opcode != op {
			continue
		}
		found = c
		if final {
			o.flight = append(o.flight[:i], o.flight[i+1:]...)
		}
		break
	}
	waiting := len(o.flight)
	if found != nil && !final {
		waiting-- // accepted: it holds no room while its event is awaited
	}
	o.room = max(0, room-waiting)
	o.wake.Signal()
	return found
}

// setBuffers tells how many ACL buffers the controller has.
func (o *outbox) setBuffers(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total, o.buffers = n, n
}

func (o *outbox) addLink(c *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.links = append(o.links, c)
	o.wake.Signal() // its handler may have had something to send from the start
}

// removeLink takes a dead connection out; its buffers are free at once, since the controller flushes them
// and reports no completion (Vol 4, Part E, 4.3).
func (o *outbox) removeLink(c *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, l := range o.links {
		if l == c {
			o.links = append(o.links[:i], o.links[i+1:]...)
			break
		}
	}
	o.buffers = min(o.total, o.buffers+c.unacknowledged)
	c.unacknowledged, c.ready, c.gone = 0, false, true
	o.wake.Signal()
}

// completed gives back n buffers of a connection; more than it holds are a controller's mistake and not
// believed.
func (o *outbox) completed(c *Conn, n int) (excess int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	excess = max(0, n-c.unacknowledged)
	n -= excess
	c.unacknowledged -= n
	o.buffers += n
	o.wake.Signal()
	return excess
}

func (o *outbox) setReady(c *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !c.ready && !c.gone {
		c.ready = true
		o.wake.Signal()
	}
}

// next waits for something that may be sent: a command, or a connection whose turn it is and for which a
// buffer has been taken. Both nil: the outbox is closed.
func (o *outbox) next() (*command, *Conn) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		if o.closed {
			return nil, nil
		}
		if c := o.nextCommand(); c != nil {
			return c, nil
		}
		if c := o.nextLink(); c != nil {
			return nil, c
		}
		o.wake.Wait()
	}
}

func (o *outbox) nextCommand() *command {
	if o.room == 0 || len(o.queue) == 0 {
		return nil
	}
	c := o.queue[0]
	for _, f := range o.flight {
		if f.opcode == c.opcode {
			return nil // their answers could not be told apart
		}
	}
	n := copy(o.queue, o.queue[1:])
	o.queue[n] = nil
	o.queue = o.queue[:n]
	o.flight = append(o.flight, c)
	o.room--
	c.timer = time.AfterFunc(o.limit, func() { o.late(c) })
	return c
}

func (o *outbox) nextLink() *Conn {
	if o.buffers == 0 {
		return nil
	}
	for i := range o.links {
		at := (o.turn + i) % len(o.links)
		c := o.links[at]
		if !c.ready || c.unacknowledged >= o.share() {
			continue
		}
		c.ready = false // before its fragment is asked for, so that no wake is lost
		c.unacknowledged++
		o.buffers--
		o.turn = at + 1
		return c
	}
	return nil
}

// share is how many buffers one connection may hold: all but one where there are others, so that a peer
// that does not answer cannot hold them all.
func (o *outbox) share() int {
	if len(o.links) > 1 && o.total > 1 {
		return o.total - 1
	}
	return o.total
}

// close ends the writer and returns every command that has no answer.
func (o *outbox) close() []*command {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	left := append(o.flight, o.queue...)
	o.flight, o.queue = nil, nil
	o.wake.Broadcast()
	return left
}

// write is the writer goroutine.
func (c *Controller) write() {
	defer c.wg.Done()
	var b [transport.MaxPacket]byte
	for {
		cmd, link := c.out.next()
		switch {
		case cmd != nil:
			if err := c.conn.WritePacket(cmd.packet); err != nil {
				c.fail(err)
				return
			}
			clear(cmd.packet) // keys among them
		case link != nil:
			if err := c.writeFragment(link, b[:]); err != nil {
				c.fail(err)
				return
			}
		default:
			return
		}
	}
}

// writeFragment sends a connection's next fragment; the buffer for it has been taken.
func (c *Controller) writeFragment(link *Conn, b []byte) error {
	const head = 1 + hci.ACLHeaderLength
	n, start := link.handler.NextFragment(b[head : head+c.info.ACLLength])
	if n == 0 {
		c.out.completed(link, 1)
		return nil
	}
	boundary := hci.Continuing
	if start {
		boundary = hci.FirstNonFlushable
	}
	c.out.setReady(link) // there may be more
	hci.AppendACL(b[:0], hci.ACL{Handle: link.handle, Boundary: boundary, Data: b[head : head+n]})
	return c.conn.WritePacket(b[:head+n])
}
