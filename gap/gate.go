package gap

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
)

// ErrNotEncrypted says that the link to a bonded peer is not encrypted, not yet by the central or not any more, so
// that nothing of ours is sent on it. It is a gatt.ErrInsecure too: values for several clients leave this one out.
var ErrNotEncrypted error = notEncrypted{}

type notEncrypted struct{}

func (notEncrypted) Error() string { return "the link to a bonded peer is not encrypted" }

func (notEncrypted) Is(target error) bool { return target == gatt.ErrInsecure }

// How many PDUs of a peer wait for the gate. A peer has one request and one indication open at the most; the rest are
// commands, and from a peer that has a key also values: as many as the queue of their handlers takes.
const (
	maxHeld        = 8
	maxHeldSecured = gatt.DefaultQueue / maxATTMTU
)

// gate is the ATT bearer of a connection, and holds it shut until the link is as secure as its bond: a
// spoofer that asks for nothing gets nothing. As central we open it, once. As peripheral we answer what
// we are asked, as far as each attribute's permissions allow, and send nothing of our own accord to a
// bonded peer before it has encrypted the link.
type gate struct {
	conn    *Conn
	channel *l2cap.Channel
	opened  chan struct{}
	level   atomic.Uint32         // smp.Level: the most that the link has had to have, and had
	cause   atomic.Pointer[error] // why we have ended the link, if that was ATT's doing

	mu      sync.Mutex // guards what follows, and makes it one at a time that calls receive
	open    bool
	holding bool // until it is known who asks
	held    []heldPDU
	lost    uint64 // PDUs that did not fit, or that nobody may believe
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
	most := maxHeld
	if security.Encrypted {
		most = maxHeldSecured
	}
	switch {
	case g.open && !g.holding:
		g.conn.gatt.Receive(pdu, security)
	case isNotification(pdu) && !security.Encrypted:
		g.lost++ // a value in the clear before anybody can have asked for it
	case len(g.held) < most:
		g.held = append(g.held, heldPDU{append([]byte(nil), pdu...), security})
		g.conn.brake.setHeld(len(g.held) > maxHeldSecured/2)
	case isNotification(pdu):
		g.Disconnect(fmt.Errorf("%w: %d wait until it is known who sends them", gatt.ErrSlowConsumer, len(g.held)))
	default:
		g.lost++
	}
}

func isNotification(pdu []byte) bool {
	return len(pdu) > 0 && (att.Opcode(pdu[0]) == att.OpHandleValueNotification || att.Opcode(pdu[0]) == att.OpMultipleHandleValueNotification)
}

// secured notes what the link has, and has to have from now on.
func (g *gate) secured(level smp.Level) {
	for old := g.level.Load(); old < uint32(level); old = g.level.Load() {
		if g.level.CompareAndSwap(old, uint32(level)) {
			return
		}
	}
}

// wasSecured tells whether the link has to be encrypted, whatever the bond: it was.
func (g *gate) wasSecured() bool { return smp.Level(g.level.Load()) > smp.LevelNone }

// believes tells whether a value that arrived so is the peer's: with all the security that the link has had to have.
func (g *gate) believes(s att.Security) bool {
	return smp.Security{Encrypted: s.Encrypted, Authenticated: s.Authenticated, SecureConnections: s.SecureConnections,
		KeySize: s.KeySize}.Satisfies(smp.Level(g.level.Load()))
}

// release opens the gate.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return
	}
	g.open = true
	close(g.opened)
	g.deliver()
}

// hold holds back what arrives until handOn: the peer has shown who it is, and what is kept for it is being looked for.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = true
}

// handOn ends hold.
func (g *gate) handOn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holding = false
	g.deliver()
}

// deliver hands on what has waited for long enough.
func (g *gate) deliver() {
	if !g.open || g.holding {
		return
	}
	for _, h := range g.held {
		g.conn.gatt.Receive(h.pdu, h.security)
	}
	g.held = nil
	g.conn.brake.setHeld(false)
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

// Disconnect implements att.Bearer: ATT that no longer answers, or loses values, is no use, so the link goes with it.
func (g *gate) Disconnect(err error) {
	g.conn.logf("%v: %v", g.conn.Peer(), err)
	if g.cause.CompareAndSwap(nil, &err) {
		g.conn.disconnect(hci.RemoteUserTerminatedConnection)
	}
}

// endedBy is why the link ended, of which the controller tells only that we wanted it.
func (g *gate) endedBy(err error) error {
	if cause := g.cause.Load(); cause != nil {
		return fmt.Errorf("%w: %w", *cause, err)
	}
	return err
}

// Done implements att.Bearer.
func (g *gate) Done() <-chan struct{} { return g.conn.mux.Done() }

// Err implements att.Bearer.
func (g *gate) Err() error { return g.conn.mux.Err() }
