package driver

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/transport"
)

// Config is what a controller may be told.
type Config struct {
	Handler Handler
	// CommandTimeout is how long a command may go without an answer before the controller is taken for
	// dead; if zero, 5 s.
	CommandTimeout time.Duration
	Logger         *logrus.Logger // if nil, silence
}

// Info is what a controller says of itself at start-up.
type Info struct {
	Address    hci.Address // public; zero where it has none
	Version    hci.LocalVersion
	Commands   hci.SupportedCommands
	Features   uint64 // LE features
	ACLLength  int    // octets of one fragment
	ACLBuffers int
	AcceptList int // entries of the filter accept list
}

// Controller is one controller, started up. Its loop owns the connection table and whatever says so.
type Controller struct {
	conn transport.Conn
	cfg  Config
	info Info
	out  *outbox

	ended chan struct{} // closed when the controller is gone
	calls chan func()   // to run on the loop
	in    chan *packet
	free  chan *packet
	wg    sync.WaitGroup

	conns   map[uint16]*Conn // the loop's
	stats   Statistics       // the loop's
	started bool             // the loop's: the answer to HCI_Reset has come

	creating chan struct{} // holds a token while a connection is being created
	radio    chan struct{} // holds a token while scanning or advertising is being changed, and guards scan
	scan     scanState

	mu      sync.Mutex // guards all below
	err     error
	own     hci.Address // the address we use on air
	attempt *attempt    // the connection being created
}

// Statistics counts what was dropped and why.
type Statistics struct {
	Malformed         uint64 // packets and events that could not be parsed
	UnknownEvents     uint64
	UnknownPackets    uint64 // packet types that are not for us
	UnknownHandles    uint64 // ACL and completions for connections that are not there
	UnexpectedAnswers uint64 // answers to commands that nobody sent
	ExcessCompletions uint64 // more completed packets than were sent
	BufferOverflows   uint64 // the controller says that we sent too much
}

// Open starts a controller up, from HCI_Reset. It owns conn from then on, whether it fails or not.
func Open(ctx context.Context, conn transport.Conn, cfg Config) (*Controller, error) {
	if cfg.CommandTimeout == 0 {
		cfg.CommandTimeout = 5 * time.Second
	}
	c := &Controller{conn: conn, cfg: cfg, ended: make(chan struct{}), calls: make(chan func()),
		in: make(chan *packet, maxPackets), free: make(chan *packet, maxPackets),
		conns: make(map[uint16]*Conn), creating: make(chan struct{}, 1), radio: make(chan struct{}, 1)}
	c.out = newOutbox(cfg.CommandTimeout, func(cmd *command) { c.fail(&CommandError{cmd.opcode, ErrCommandTimeout}) })
	c.wg.Add(3)
	go c.read()
	go c.loop()
	go c.write()
	if err := c.start(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Info tells what the controller said of itself.
func (c *Controller) Info() Info { return c.info }

// Done is closed when the controller is gone.
func (c *Controller) Done() <-chan struct{} { return c.ended }

// Err is why the controller is gone, a *ClosedError; nil while it is not.
func (c *Controller) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the controller and everything on it. It may be called more than once, but not on the loop,
// whose end it waits for.
func (c *Controller) Close() error {
	c.fail(nil)
	c.wg.Wait()
	return nil
}

// fail ends the controller, for Close with a nil cause. It only begins the end, and may be called anywhere.
func (c *Controller) fail(cause error) {
	closed := &ClosedError{cause}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = closed
	close(c.ended)
	c.mu.Unlock()
	_ = c.conn.Close()
	for _, cmd := range c.out.close() {
		cmd.finish(nil, &CommandError{cmd.opcode, closed})
	}
}

// Do sends a command and waits for its answer: the return parameters behind the status, or for a command
// that is answered by an event, nothing. The error is a *CommandError with the hci.Status, or ctx's.
func (c *Controller) Do(ctx context.Context, cmd hci.Command) ([]byte, error) {
	type result struct {
		ret []byte
		err error
	}
	answer := make(chan result, 1)
	err := c.send(cmd, func(ret []byte, err error) { answer <- result{append([]byte(nil), ret...), err} })
	if err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		return r.ret, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx) // its answer is still awaited, and dropped
	}
}

// send queues a command; done is called with the outcome, on the loop, and must not wait.
func (c *Controller) send(cmd hci.Command, done func([]byte, error)) error {
	if err := c.out.put(&command{opcode: cmd.Opcode(), packet: hci.AppendCommand(nil, cmd), done: done}); err != nil {
		var closed *ClosedError
		if errors.As(err, &closed) {
			err = c.Err()
		}
		return &CommandError{cmd.Opcode(), err}
	}
	return nil
}

func (cmd *command) finish(ret []byte, err error) {
	if cmd.timer != nil {
		cmd.timer.Stop()
	}
	cmd.done(ret, err)
}

// commandStatus is the status by which the controller refused a command, if that is what err says.
func commandStatus(err error) (hci.Status, bool) {
	var status hci.Status
	return status, errors.As(err, &status)
}

func (c *Controller) logf(format string, args ...any) {
	if l := c.cfg.Logger; l != nil && l.IsLevelEnabled(logrus.DebugLevel) {
		l.Debugf("hci: "+format, args...)
	}
}
