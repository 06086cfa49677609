package driver

import (
	"context"

	"github.com/jelling-ble/jelling/hci"
)

// ConnectParameters are what LE Create Connection is told, in its units; zero fields get defaults that suit
// most peripherals: scanning half of every 60 ms, an interval of 30 to 50 ms, a time-out of 4.2 s.
type ConnectParameters struct {
	ScanInterval, ScanWindow uint16 // 0.625 ms
	hci.ConnectionParameters
}

func (p ConnectParameters) withDefaults() ConnectParameters {
	if p.ScanInterval == 0 {
		p.ScanInterval, p.ScanWindow = 0x60, 0x30
	}
	if p.IntervalMin == 0 {
		p.IntervalMin, p.IntervalMax = 24, 40
	}
	if p.SupervisionTimeout == 0 {
		p.SupervisionTimeout = 420
	}
	return p
}

// attempt is a connection being created.
type attempt struct {
	done      chan attemptResult // has room for the one result
	abandoned bool               // nobody waits for it any more: under the controller's mu
}

type attemptResult struct {
	conn   *Conn
	status hci.Status
}

// Connect connects to an advertiser. Controllers create one connection at a time, so others wait their
// turn. When ctx ends the caller is freed at once, and the next attempt begins when the controller has
// confirmed the cancellation. The error is a *CommandError with the hci.Status, ctx's cause, or the end of
// the controller.
func (c *Controller) Connect(ctx context.Context, peer hci.Address, p ConnectParameters) (*Conn, error) {
	select {
	case c.creating <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.ended:
		return nil, c.Err()
	}
	if err := c.pauseScan(true); err != nil {
		c.created()
		return nil, err
	}
	p = p.withDefaults()
	a := &attempt{done: make(chan attemptResult, 1)}
	c.setAttempt(a)
	_, err := c.Do(context.WithoutCancel(ctx), hci.LECreateConnection{ScanInterval: p.ScanInterval, ScanWindow: p.ScanWindow, Peer: peer,
		OwnAddressType: byte(c.OwnAddress().Type), Parameters: p.ConnectionParameters})
	if err != nil {
		c.setAttempt(nil)
		c.created()
		return nil, err
	}
	select {
	case r := <-a.done:
		c.created()
		if r.status != hci.Success {
			return nil, &CommandError{hci.OpLECreateConnection, r.status}
		}
		return r.conn, nil
	case <-c.ended:
		c.created()
		return nil, c.Err()
	case <-ctx.Done():
		c.abandon(a)
		return nil, context.Cause(ctx)
	}
}

// created ends an attempt: scanning goes on, and the next may begin.
func (c *Controller) created() {
	c.note(c.pauseScan(false))
	<-c.creating
}

func (c *Controller) note(err error) {
	if err != nil {
		c.logf("%v", err)
	}
}

func (c *Controller) setAttempt(a *attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attempt = a
}

// abandon cancels an attempt whose caller has gone, behind its back. The cancellation is over only with the
// Connection Complete, which may still be a connection: then it is disconnected.
func (c *Controller) abandon(a *attempt) {
	c.mu.Lock()
	a.abandoned = true
	live := c.err == nil
	if live {
		c.wg.Add(1)
	}
	c.mu.Unlock()
	if !live {
		<-c.creating
		return
	}
	go func() {
		defer c.wg.Done()
		// Refused when the connection came first, and then its event is there already.
		_, err := c.Do(context.Background(), hci.LECreateConnectionCancel)
		c.note(refused(err))
		select {
		case r := <-a.done:
			if r.conn != nil { // it came just before the caller went
				r.conn.Disconnect(hci.RemoteUserTerminatedConnection)
			}
		case <-c.ended:
		}
		c.created()
	}()
}

// handleConnection enters a new connection into the table: the loop.
func (c *Controller) handleConnection(e hci.LEEnhancedConnectionComplete) {
	if e.Status == hci.AdvertisingTimeout {
		return // of directed advertising
	}
	if e.Status != hci.Success {
		if a := c.takeAttempt(); a != nil {
			a.done <- attemptResult{status: e.Status}
		}
		return
	}
	if old := c.conns[e.Handle]; old != nil {
		c.drop(old, &DisconnectedError{old.PeerAddress(), hci.UnspecifiedError}) // its end was lost
	}
	conn := &Conn{c: c, handle: e.Handle, complete: e, local: c.OwnAddress(), done: make(chan struct{})}
	if e.LocalResolvable != [6]byte{} {
		conn.local = hci.Address{Type: hci.Random, Octets: e.LocalResolvable}
	}
	var a *attempt
	unwanted := false
	if e.Role == hci.Central {
		a = c.takeAttempt()
		unwanted = a == nil || c.isAbandoned(a)
	}
	if !unwanted {
		conn.handler = c.cfg.Handler.HandleConnection(conn)
	}
	c.conns[e.Handle] = conn
	if conn.handler == nil {
		conn.handler = unhandled{}
		conn.Disconnect(hci.RemoteUserTerminatedConnection)
	}
	c.out.addLink(conn)
	if a != nil {
		a.done <- attemptResult{conn: conn}
	}
}

func (c *Controller) takeAttempt() *attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.attempt
	c.attempt = nil
	return a
}

func (c *Controller) isAbandoned(a *attempt) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return a.abandoned
}

// unhandled is a connection that nobody wants, until it is gone.
type unhandled struct{}

func (unhandled) HandleFragment(bool, []byte)                                        {}
func (unhandled) NextFragment([]byte) (int, bool)                                    { return 0, false }
func (unhandled) HandleEncryption(hci.Status, bool, bool)                            {}
func (unhandled) HandleKeyRequest([8]byte, uint16) (key [16]byte, ok bool)           { return key, false }
func (unhandled) HandleParameterRequest(hci.LERemoteConnectionParameterRequest) bool { return false }
func (unhandled) HandleParameters(hci.LEConnectionUpdateComplete)                    {}
func (unhandled) HandleDisconnect(error)                                             {}
