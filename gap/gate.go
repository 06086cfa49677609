package gap

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
)

// ErrNotEncrypted says that the link to a bonded peer is not encrypted, not yet by the central or not any more, so
// that nothing of ours is sent on it.
var ErrNotEncrypted = errors.New("the link to a bonded peer is not encrypted")

// maxHeld is how many PDUs of a peer wait for the gate. A peer has one request and one indication open at
// the most; the rest are commands.
const maxHeld = 8

// gate is the ATT bearer of a connection, and holds it shut until the link is as secure as its bond: a
// spoofer that asks for nothing gets nothing. As central we open it, once. As peripheral we answer what
// we are asked, as far as each attribute's permissions allow, and send nothing of our own accord to a
// bonded peer before it has encrypted the link.
type gate struct {
	conn    *Conn
	channel *l2cap.Channel
	opened  chan struct{}
	secured atomic.Bool // the link had to be encrypted, and was

	mu   sync.Mutex // guards what follows, and makes it one at a time that calls receive
	open bool
	held []heldPDU
	lost uint64 // PDUs that did not fit, or that nobody may believe
}

type heldPDU struct {
	pdu      []byte
	security att.Security
}

func newGate(c *Conn) *gate { return &gate{conn: c, opened: make(chan struct{})} }

// receive is given each PDU by the controller's loop.
func (g *gate) receive(pdu []byte) {
	security := securityOf(g.conn.session.Security())
	g.mu.Lock()
	defer g.mu.Unlock()
	believed := g.open && (security.Encrypted || !g.secured.Load())
	switch {
	case !believed && len(pdu) > 0 && isNotification(att.Opcode(pdu[0])):
		g.lost++ // a value in the clear from somebody who should have a key is nobody's value
	case g.open:
		g.conn.gatt.Receive(pdu, security)
	case len(g.held) >= maxHeld:
		g.lost++
	default:
		g.held = append(g.held, heldPDU{append([]byte(nil), pdu...), security})
	}
}

func isNotification(op att.Opcode) bool {
	return op == att.OpHandleValueNotification || op == att.OpMultipleHandleValueNotification
}

// release opens the gate and hands on what waited.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return
	}
	g.open = true
	close(g.opened)
	for _, h := range g.held {
		g.conn.gatt.Receive(h.pdu, h.security)
	}
	g.held = nil
}

// wait waits until we may send something of our own accord.
func (g *gate) wait(ctx context.Context) error {
	select {
	case <-g.opened:
	default:
		select {
		case <-g.opened:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-g.conn.Done():
			return g.conn.Err()
		}
	}
	return g.conn.mayInitiate()
}

// Send implements att.Bearer.
func (g *gate) Send(ctx context.Context, pdu []byte) error {
	if err := g.wait(ctx); err != nil {
		return err
	}
	return g.channel.Send(ctx, pdu)
}

// Reply implements att.Bearer.
func (g *gate) Reply(pdu []byte) error { return g.channel.SendUrgent(pdu) }

// MaxMTU implements att.Bearer.
func (g *gate) MaxMTU() int { return maxATTMTU }

// Enhanced implements att.Bearer.
func (g *gate) Enhanced() bool { return false }

// Disconnect implements att.Bearer: ATT that no longer answers is no use, so the link goes with it.
func (g *gate) Disconnect(err error) {
	g.conn.logf("%v: %v", g.conn.Peer(), err)
	g.conn.disconnect(hci.RemoteUserTerminatedConnection)
}

// Done implements att.Bearer.
func (g *gate) Done() <-chan struct{} { return g.conn.mux.Done() }

// Err implements att.Bearer.
func (g *gate) Err() error { return g.conn.mux.Err() }
