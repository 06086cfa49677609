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

// Config is what a controller may be told. The zero value works: it refuses what peers want of it.
type Config struct {
	Handler Handler // if nil, connections are refused and advertisements dropped
	// Prepare does what the chip needs before it is a controller, if anything: firmware, an address, a rate;
	// package hci/vendor has it. It begins with HCI_Reset, and start-up follows with another. A command of its
	// whose context ends is given up, and does not end the controller; nothing else does but an error.
	Prepare func(context.Context, *Controller) error
	// CommandTimeout is how long a command may go without an answer before the controller is taken for
	// dead; if zero, 5 s.
	CommandTimeout time.Duration
	// NoHostFlow leaves controller-to-host flow control off where the controller claims to have it.
	NoHostFlow bool
	Logger     *logrus.Logger // if nil, silence
}

// Controller is one controller, started up. Its loop owns the connection table and whatever says so.
type Controller struct {
	conn transport.Conn
	cfg  Config
	info Info // written during start-up, before the loop's phase is running
	out  *outbox

	ended chan struct{} // closed when the controller is gone
	calls chan func()   // to run on the loop
	in    chan *packet
	free  chan *packet
	wg    sync.WaitGroup // whatever Close waits for

	written written // the writer's

	conns map[uint16]*Conn // the loop's
	stats Statistics       // the loop's, as far as it counts
	phase phase            // the loop's
	early earlyData        // the loop's

	creating  chan struct{} // holds a token while a connection is being created
	halts     chan halt     // to who creates one
	syncHalts chan halt     // to who synchronizes
	// radio holds a token while scanning or advertising is being changed, and guards all three below, and every set.
	radio     chan struct{}
	scan      scanState
	resolving resolving
	accept    acceptList

	chains        chains           // the loop's
	syncs         map[uint16]*Sync // the loop's
	synchronizing chan struct{}    // holds a token while periodic advertising is being synchronized with

	mu       sync.Mutex // guards all below
	err      error
	own      hci.Address          // the address we use on air, where the controller makes none
	private  bool                 // address resolution is on
	resolved map[hci.Address]bool // whom it resolves by that; replaced, never changed
	wishes   wishes               // the connections to create

	sets        map[uint8]*AdvertisingSet
	syncAttempt *syncAttempt // the periodic advertising being synchronized with
}

// Open starts a controller up, from HCI_Reset. It owns conn from then on, whether it fails or not.
func Open(ctx context.Context, conn transport.Conn, cfg Config) (*Controller, error) {
	if cfg.CommandTimeout == 0 {
		cfg.CommandTimeout = 5 * time.Second
	}
	if cfg.Handler == nil {
		cfg.Handler = nobody{}
	}
	c := &Controller{conn: conn, cfg: cfg, ended: make(chan struct{}), calls: make(chan func()),
		in: make(chan *packet, maxPackets), free: make(chan *packet, maxPackets),
		conns: make(map[uint16]*Conn), creating: make(chan struct{}, 1), halts: make(chan halt), syncHalts: make(chan halt), radio: make(chan struct{}, 1),
		sets: make(map[uint8]*AdvertisingSet), syncs: make(map[uint16]*Sync), synchronizing: make(chan struct{}, 1)}
	c.wishes.changed = make(chan struct{}, 1)
	c.chains.tell = c.tellReport
	c.out = newOutbox(cfg.CommandTimeout, func(op hci.Opcode) { c.fail(&CommandError{op, ErrCommandTimeout}) })
	c.wg.Go(c.read)
	c.wg.Go(c.loop)
	c.wg.Go(c.write)
	if err := steps(func() error { return c.prepare(ctx) }, func() error { return c.start(ctx) }); err != nil {
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

// fail ends the controller, for Close with a nil cause. It only begins the end, which is the loop's, never
// waits, and may be called anywhere.
func (c *Controller) fail(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = &ClosedError{cause}
	close(c.ended)
	c.out.close()
	c.wg.Go(func() { _ = c.conn.Close() }) // the kernel may take its time
}

// spawn runs f on a goroutine that Close waits for, unless the controller is gone.
func (c *Controller) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.wg.Go(f)
	return true
}

// Do sends a command and waits for its answer: the return parameters behind the status, or for a command
// that is answered by an event, nothing. The error is a *CommandError with the hci.Status, or ctx's. It may
// not be called on the loop, which brings the answer.
func (c *Controller) Do(ctx context.Context, cmd hci.Command) ([]byte, error) {
	return c.doFor(ctx, nil, cmd)
}

// doFor is Do for a connection, nil for none: nothing is sent once that has ended.
func (c *Controller) doFor(ctx context.Context, link *Conn, cmd hci.Command) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // nothing is sent for a context that is over
	}
	type result struct {
		ret []byte
		err error
	}
	answer := make(chan result, 1)
	asked := newCommand(link, cmd, func(ret []byte, err error) { answer <- result{append([]byte(nil), ret...), err} })
	if err := c.enqueue(asked); err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		return r.ret, r.err
	case <-ctx.Done():
		c.out.withdraw(asked) // if it has gone, its answer is still awaited, and dropped
		return nil, context.Cause(ctx)
	}
}

// enqueue has a command sent; its outcome comes by done.
func (c *Controller) enqueue(cmd *command) error {
	err := c.out.put(cmd)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errOutboxClosed):
		err = c.Err()
	case errors.Is(err, errLinkGone):
		err = cmd.link.Err()
	}
	return &CommandError{cmd.opcode, err}
}

// commandStatus is the status by which the controller refused a command, if that is what err says.
func commandStatus(err error) (hci.Status, bool) {
	var status hci.Status
	return status, errors.As(err, &status)
}

// refused forgives a controller that knows a command no better than to refuse it.
func refused(err error) error {
	if _, ok := commandStatus(err); ok {
		return nil
	}
	return err
}

func (c *Controller) logf(format string, args ...any) {
	if l := c.cfg.Logger; l != nil && l.IsLevelEnabled(logrus.DebugLevel) {
		l.Debugf("hci: "+format, args...)
	}
}

// note logs what went wrong where nobody is there to be told.
func (c *Controller) note(err error) {
	if err != nil {
		c.logf("%v", err)
	}
}
