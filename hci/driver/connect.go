package driver

import (
	"context"
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// ConnectParameters are how to create a connection, in the controller's units; zero fields get defaults that suit
// most peripherals: scanning half of every 60 ms, an interval of 30 to 50 ms, a time-out of 4.2 s.
type ConnectParameters struct {
	ScanInterval, ScanWindow uint16 // 0.625 ms, on LE 1M
	hci.ConnectionParameters        // of a connection on LE 1M
	// PHYs are LE 1M and LE Coded, where the peer is looked for, and LE 2M, on which connections may begin. If
	// zero, LE 1M. A controller without extended advertising knows LE 1M only, and what it does not have is left
	// out; where nothing is left it is an error.
	PHYs hci.PHYs
	// TwoM and Coded are for connections on those PHYs; if zero, as on LE 1M.
	TwoM, Coded                        hci.ConnectionParameters
	CodedScanInterval, CodedScanWindow uint16 // on LE Coded; if zero, as on LE 1M
	// Patience is how long the peer is waited for, not counting the time in which others have their turn; then Connect
	// fails with ErrNoAnswer. If zero, until its context ends.
	Patience time.Duration
}

func (p ConnectParameters) withDefaults() ConnectParameters {
	if p.ScanInterval == 0 {
		p.ScanInterval, p.ScanWindow = 0x60, 0x30
	}
	if p.CodedScanInterval == 0 {
		p.CodedScanInterval, p.CodedScanWindow = p.ScanInterval, p.ScanWindow
	}
	if p.IntervalMin == 0 {
		p.IntervalMin, p.IntervalMax = 24, 40
	}
	if p.SupervisionTimeout == 0 {
		p.SupervisionTimeout = 420
	}
	if p.PHYs == 0 {
		p.PHYs = hci.PHYsOf(hci.LE1M)
	}
	for _, other := range []*hci.ConnectionParameters{&p.TwoM, &p.Coded} {
		if *other == (hci.ConnectionParameters{}) {
			*other = p.ConnectionParameters
		}
	}
	return p
}

// connectable leaves out the PHYs that the controller does not have.
func (c *Controller) connectable(p ConnectParameters) (ConnectParameters, error) {
	p = p.withDefaults()
	has := hci.PHYsOf(hci.LE1M)
	if c.info.Coded() {
		has |= hci.PHYsOf(hci.LECoded)
	}
	if p.PHYs&has == 0 { // LE 2M alone finds nobody
		return p, unsupported(hci.OpLEExtendedCreateConnection)
	}
	if c.info.Extended() && c.info.Features&hci.FeatureLE2MPHY != 0 {
		has |= hci.PHYsOf(hci.LE2M)
	}
	p.PHYs &= has
	return p, nil
}

// createConnection is the command of the controller's family that connects to a peer, or, where there are more, to
// whoever of the accept list is heard first.
func (c *Controller) createConnection(batch []*attempt) hci.Command {
	own, byList := c.ownAddressType(), len(batch) > 1
	peer, p := batch[0].peer, batch[0].p
	if byList {
		peer = hci.Address{}
	}
	if !c.info.Extended() {
		return hci.LECreateConnection{ScanInterval: p.ScanInterval, ScanWindow: p.ScanWindow, UseAcceptList: byList, Peer: peer, OwnAddressType: own, Parameters: p.ConnectionParameters}
	}
	cmd := hci.LEExtendedCreateConnection{UseAcceptList: byList, Peer: peer, OwnAddressType: own}
	for _, s := range []hci.PHYConnect{
		{PHY: hci.LE1M, ScanInterval: p.ScanInterval, ScanWindow: p.ScanWindow, Parameters: p.ConnectionParameters},
		{PHY: hci.LE2M, ScanInterval: p.ScanInterval, ScanWindow: p.ScanWindow, Parameters: p.TwoM},
		{PHY: hci.LECoded, ScanInterval: p.CodedScanInterval, ScanWindow: p.CodedScanWindow, Parameters: p.Coded},
	} {
		if p.PHYs.Has(s.PHY) {
			cmd.Connect = append(cmd.Connect, s)
		}
	}
	return cmd
}

// attempt is a connection that somebody wants.
type attempt struct {
	ctx     context.Context // the caller's: when it ends nobody waits any more
	peer    hci.Address
	p       ConnectParameters
	outcome chan creation // to the caller, once; under the controller's mu
	claimed bool          // there is a connection for it, about to be delivered; under the controller's mu
	// patience is how long the peer is still to be waited for, without limit if it was zero: the dialing goroutine's.
	patience time.Duration
}

// creation is what came of it. With both a connection and an error, the connection is nobody's.
type creation struct {
	to   *attempt // whose the connection is; nil for nobody's in particular
	conn *Conn
	err  error
}

// wishes are the connections that are wanted, in the order in which they have their turn; under the controller's mu.
// While there are any, a goroutine has the controller create them.
type wishes struct {
	all      []*attempt
	dialing  bool          // the goroutine is there
	changed  chan struct{} // has room for one: all, or ending, has changed
	ending   []*Conn       // connections that came too late, until they have ended
	creating *initiation   // what the controller is at
	noList   bool          // the controller does not connect by its accept list, whatever it says

	paused bool // the dialing goroutine's: scanning is paused for it
	noScan bool // the dialing goroutine's: the controller can't scan meanwhile, whatever it says
}

// Connect connects to an advertiser. Any number may be wanted at once: a controller creates one connection at a time,
// but waits for as many peers as its filter accept list holds, and where more are wanted, or where there is no such
// list, they have their turns. When ctx ends the caller is freed at once, and what follows begins when the controller has
// confirmed the cancellation. The error is a *CommandError with the hci.Status, ctx's cause, or the end of
// the controller. It may not be called on the loop, which brings the connection.
func (c *Controller) Connect(ctx context.Context, peer hci.Address, p ConnectParameters) (*Conn, error) {
	p, err := c.connectable(p)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	a := &attempt{ctx: ctx, peer: peer, patience: p.Patience, outcome: make(chan creation, 1)}
	p.Patience = 0 // of which the controller is told nothing
	a.p = p
	if err := c.want(a); err != nil {
		return nil, err
	}
	select {
	case r := <-a.outcome:
		return r.conn, r.err
	case <-ctx.Done():
		return c.abandon(a, context.Cause(ctx))
	case <-c.ended:
		return c.abandon(a, c.Err())
	}
}

// want has the attempt made.
func (c *Controller) want(a *attempt) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	w := &c.wishes
	w.all = append(w.all, a)
	if !w.dialing {
		w.dialing = true
		c.wg.Go(c.dial)
	}
	w.tell()
	return nil
}

// tell tells the goroutine that something has changed.
func (w *wishes) tell() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *wishes) forget(a *attempt) {
	w.all = slices.DeleteFunc(w.all, func(b *attempt) bool { return a == b })
}

// abandon ends an attempt for its caller; what came at the same moment is still the caller's.
func (c *Controller) abandon(a *attempt, cause error) (*Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case r := <-a.outcome:
		return r.conn, r.err
	default:
		c.wishes.forget(a)
		c.wishes.tell()
		return nil, cause
	}
}

// deliver gives the caller the outcome, if there still is a caller, and tells whether it has a connection.
func (c *Controller) deliver(a *attempt, r creation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.wishes.all, a) {
		return false
	}
	c.wishes.forget(a)
	if r.err != nil {
		r.conn = nil
	}
	a.outcome <- r
	return r.conn != nil
}

// turn is how long peers are waited for while others have to wait for their turn: some advertising intervals of most.
const turn = 6 * time.Second

// next is what the controller is to wait for now: peers of the accept list, or just one. There are none when nothing
// may be tried now. Peers that there is a connection with are refused, as the controller would.
func (c *Controller) next() (batch []*attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &c.wishes
	for _, a := range slices.Clone(w.all) {
		if slices.ContainsFunc(w.ending, func(conn *Conn) bool { return conn.isTo(a.peer) }) {
			continue
		}
		if !a.claimed && c.out.linkedTo(a.peer) { // of which the controller says nothing while it waits for others too
			w.forget(a)
			a.outcome <- creation{err: &CommandError{hci.OpLECreateConnection, hci.ConnectionAlreadyExists}}
			continue
		}
		same := func(b *attempt) bool { return b.peer == a.peer }
		if len(batch) == 0 || !w.noList && len(batch) < c.info.AcceptList && a.p == batch[0].p && !slices.ContainsFunc(batch, same) {
			batch = append(batch, a)
		}
	}
	return batch
}

// doWithoutList has peers waited for one by one from now on.
func (c *Controller) doWithoutList(why error) {
	c.note(why)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wishes.noList = true
}

// cancels tells whether the controller can be made to wait for others. One that does not say what it can is taken to.
func (c *Controller) cancels() bool {
	return c.info.Commands.Supports(hci.OpLECreateConnectionCancel) || c.info.Commands == hci.SupportedCommands{}
}

// crowded tells whether others wait for their turn.
func (c *Controller) crowded(batch []*attempt) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wishes.all) > len(batch)
}

// soonest is when the first of a batch has no patience any more, false for never.
func soonest(batch []*attempt) (d time.Duration, ok bool) {
	for _, a := range batch {
		if a.patience > 0 && (!ok || a.patience < d) {
			d, ok = a.patience, true
		}
	}
	return d, ok
}

// spend takes the time that peers were waited for from the patience with them, and gives up those with whom there is none
// left.
func (c *Controller) spend(batch []*attempt, d time.Duration) {
	for _, a := range batch {
		if a.patience == 0 {
			continue
		}
		if a.patience -= d; a.patience <= 0 {
			c.deliver(a, creation{err: &CommandError{hci.OpLECreateConnection, ErrNoAnswer}})
		}
	}
}

// wanted tells whether somebody still waits for the attempt.
func (c *Controller) wanted(a *attempt) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.wishes.all, a)
}

// rotate puts those who had their turn behind the others.
func (c *Controller) rotate(batch []*attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &c.wishes
	had := func(a *attempt) bool { return slices.Contains(batch, a) }
	var first, last []*attempt
	for _, a := range w.all {
		if had(a) {
			last = append(last, a)
		} else {
			first = append(first, a)
		}
	}
	w.all = append(first, last...)
}

// idle ends the goroutine when nothing is wanted any more.
func (c *Controller) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wishes.dialing = len(c.wishes.all) > 0
	return !c.wishes.dialing
}
