package smp

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

const (
	maxInbox = 16 // what has arrived and has not been looked at; further PDUs are dropped
	maxPDU   = 65 // octets of the longest PDU, Pairing Public Key
)

// Session is the security of one connection. The methods that begin with Handle, and LongTermKey, are called
// by the goroutine that reads the controller, in the order of its events, and never wait. All methods are
// safe for concurrent use.
//
// Two own its state: what is under mu is shared with the goroutine that reads the controller and with
// callers of Secure, and is held for no longer than it takes to look; procedure belongs to the session's own
// goroutine, run, which alone waits: for the peer, for a person, for the disk.
type Session struct {
	manager *Manager
	link    Link
	role    hci.Role
	onAir   hci.Address // the peer's
	notify  func(Event)
	wake    chan struct{} // capacity 1: something under mu wants the goroutine's attention
	gone    chan struct{} // closed when the link goes
	done    chan struct{} // closed when run has returned

	mu       sync.Mutex
	inbox    []inbound
	dropped  int        // PDUs for which there was no room
	deaf     bool       // SMP has timed out: nothing more on this link
	asks     []*waiter  // callers of Secure
	busy     bool       // a security procedure runs
	ended    bool       // the link is gone
	status   hci.Status // why
	fatal    error      // for which we ended it, or would have
	identity hci.Address
	policy   Policy   // written by run alone
	active   keyInUse // encrypts the link; zero in the clear
	key      keyInUse // the last given to the controller
	starting bool     // what comes of that is not known yet
	pairing  bool     // keys of a bond are not given away meanwhile
	offered  *keyInUse
	keys     *Keys // of a pairing on this link, good for as long as the link is there
	bonded   bool  // and they are of a bond
	verified bool  // a counter of the peer's was used and is not written

	procedure // owned by run
}

// procedure is what the session's goroutine knows of this link.
type procedure struct {
	agreed     Security       // of the pairing that runs
	heard      Wish           // from a Security Request on this link, worth something once it is encrypted
	heardPlain bool           // it came in the clear
	requested  Level          // the peer's Security Request is to be answered by that
	raised     bool           // it asked for more than an encrypted link had
	dead       []LTK          // keys of the bond that failed on this link
	repaired   bool           // a repair was tried
	lost       *LostBondError // what became of it
	asking     bool           // our Security Request is out
	askedPlain bool           // and went in the clear
	askedUntil time.Time      // and the central has that long
}

// inbound is something that has arrived; of an encryption it knows the key.
type inbound struct {
	wireEvent
	key keyInUse
	old bool // it came before our Security Request
}

// waiter is a caller of Secure.
type waiter struct {
	level Level
	done  chan error // capacity 1
}

// NewSession begins the security of one connection. Its events go to notify, in order, from the session's
// goroutine; notify must not wait and must not call Secure. The session ends by HandleDisconnect.
func (m *Manager) NewSession(link Link, notify func(Event)) *Session {
	identity, _ := m.Resolve(link.PeerAddress())
	s := &Session{
		manager:  m,
		link:     link,
		role:     link.Role(),
		onAir:    link.PeerAddress(),
		notify:   notify,
		wake:     make(chan struct{}, 1),
		gone:     make(chan struct{}),
		done:     make(chan struct{}),
		identity: identity,
		policy:   m.policyFor(identity),
	}
	go s.run()
	return s
}

// HandlePDU takes a PDU of the Security Manager's channel; it is copied. Codes that are reserved are ignored
// (Vol 3, Part H, 3.3), and after a time-out everything is (3.4).
func (s *Session) HandlePDU(pdu []byte) {
	if len(pdu) == 0 || pdu[0] == 0 || code(pdu[0]) > codeKeypress {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf || s.ended {
		return
	}
	if len(s.inbox) >= maxInbox {
		s.dropped++
		return
	}
	// What is too long stays too long when it is cut to one octet more than any PDU has.
	pdu = pdu[:min(len(pdu), maxPDU+1)]
	s.inbox = append(s.inbox, inbound{wireEvent: wireEvent{pdu: append([]byte(nil), pdu...), starting: s.starting}})
	s.signal()
}

// HandleEncryption takes the outcome of Encryption Change, or of Encryption Key Refresh Complete (refresh).
// Controllers that send both for one start are understood.
func (s *Session) HandleEncryption(status hci.Status, enabled, refresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status == hci.Success && !enabled && !refresh {
		status = hci.UnspecifiedError // nobody asked for that
	}
	if status != hci.Success {
		s.active = keyInUse{}
	}
	if s.ended || !s.starting {
		return
	}
	s.starting = false
	if status == hci.Success {
		s.active = s.key
	}
	// A central that starts again and again while we write to a disk finds this full: then the link's
	// security, above, says it all.
	if len(s.inbox) < 2*maxInbox {
		s.inbox = append(s.inbox, inbound{wireEvent: wireEvent{encryption: true, status: status}, key: s.key})
	}
	s.signal()
}

// HandleDisconnect ends the session with the reason of Disconnection Complete.
func (s *Session) HandleDisconnect(status hci.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.status, s.active = true, status, keyInUse{}
	close(s.gone)
}

// Done is closed when the session has ended and all its events are delivered.
func (s *Session) Done() <-chan struct{} { return s.done }

// Secure waits until the link has the level: LevelNone at once, anything else by encrypting with the bond
// or by pairing, as the policy decides. There is one security procedure at a time on a link: who asks while it
// runs joins it. Cancelling ctx frees the caller and leaves the procedure alone.
//
// Errors: *LostBondError, *EncryptionError, *PairingError, *RefusedError, *WaitError, *LevelError, *LinkError (errors.As);
// ErrRefusedWeaker, ErrTimeout, a Reason, an hci.Status, net.ErrClosed (errors.Is).
func (s *Session) Secure(ctx context.Context, level Level) error {
	if err := ctx.Err(); err != nil || level == LevelNone {
		return err
	}
	a := &waiter{level: level, done: make(chan error, 1)}
	s.mu.Lock()
	switch {
	case s.ended:
		s.mu.Unlock()
		return s.afterwards(ctx)
	case !s.busy && !s.pairing && len(s.asks) == 0 && s.enough(level):
		s.mu.Unlock()
		return nil
	}
	s.asks = append(s.asks, a)
	s.signal()
	s.mu.Unlock()
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		s.withdraw(a)
		return ctx.Err()
	}
}

// afterwards is the error for who asks when the link has gone: what we gave it up for, as soon as that is known, counts for
// more than its end.
func (s *Session) afterwards(ctx context.Context) error {
	select {
	case <-s.done:
		return s.endError()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Session) withdraw(a *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.asks {
		if other == a {
			s.asks = append(s.asks[:i:i], s.asks[i+1:]...)
			return
		}
	}
}

// enough tells whether the link has the level, by a key that the policy accepts. It is called under mu.
func (s *Session) enough(level Level) bool {
	return s.active.security.Satisfies(level) && s.policy.accepts(s.active.security)
}

// Security is what the link has now. It changes on the goroutine that calls HandleEncryption, before that
// returns, so that it holds for every PDU that arrives afterwards.
func (s *Session) Security() Security {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active.security
}

// ByBond tells whether the link is encrypted with a key of a bond made before it, so that the peer is who it says. It
// changes when Security does.
func (s *Session) ByBond() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active.stored && s.active.security.Encrypted
}

// Policy is the policy for the peer, as it was when its last security procedure began.
func (s *Session) Policy() Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policy
}

// Record is what the store has about the peer.
func (s *Session) Record() (Record, bool) { return s.manager.load(s.Identity()) }

// Identity is the peer's identity address; its address on air until or unless that is known.
func (s *Session) Identity() hci.Address {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

// Format prints whose session it is, and no key: what package fmt finds in fields without a capital it prints as
// it is.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "session with %s", s.Identity()) }

// signal wakes the goroutine.
func (s *Session) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
