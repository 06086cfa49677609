package smp

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var errGone = errors.New("link gone")

// air joins two pairings in memory: PDUs in order, and a link layer that encrypts only when both sides have
// the same key.
type air struct {
	mu    sync.Mutex
	ends  [2]*airEnd // by role
	count int        // PDUs sent so far
	// tamper is what becomes of the nth PDU; a nil answer ends the link. If nil, nothing happens to any.
	tamper func(n int, from hci.Role, pdu []byte) [][]byte
	// encrypting is how long the link layer takes to encrypt.
	encrypting time.Duration
}

// airEnd is the wire of one side.
type airEnd struct {
	air     *air
	role    hci.Role
	inbox   []wireEvent
	wake    chan struct{}
	gone    bool
	offered *Key
	sent    [][]byte // the link may be gone already
}

func newAir(tamper func(n int, from hci.Role, pdu []byte) [][]byte) *air {
	a := &air{tamper: tamper}
	for role := range a.ends {
		a.ends[role] = &airEnd{air: a, role: hci.Role(role), wake: make(chan struct{}, 1)}
	}
	return a
}

func (a *air) disconnect() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.ends {
		e.gone = true
		e.nudge()
	}
}

func (e *airEnd) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *airEnd) hear(ev wireEvent) {
	e.inbox = append(e.inbox, ev)
	e.nudge()
}

func (e *airEnd) send(pdu []byte) error {
	a := e.air
	secretPDU(pdu)
	a.mu.Lock()
	e.sent = append(e.sent, bytes.Clone(pdu))
	if e.gone {
		a.mu.Unlock()
		return errGone
	}
	arriving := [][]byte{bytes.Clone(pdu)}
	if a.tamper != nil {
		arriving = a.tamper(a.count, e.role, bytes.Clone(pdu))
	}
	a.count++
	for _, pdu := range arriving {
		a.ends[1-e.role].hear(wireEvent{pdu: pdu})
	}
	a.mu.Unlock()
	if arriving == nil {
		a.disconnect()
	}
	return nil
}

func (e *airEnd) next(ctx context.Context) (wireEvent, error) {
	for {
		e.air.mu.Lock()
		gone := e.gone
		if len(e.inbox) > 0 {
			ev := e.inbox[0]
			e.inbox = e.inbox[1:]
			e.air.mu.Unlock()
			return ev, nil
		}
		e.air.mu.Unlock()
		if gone {
			return wireEvent{}, errGone
		}
		select {
		case <-e.wake:
		case <-ctx.Done():
			return wireEvent{}, ctx.Err()
		}
	}
}

func (e *airEnd) encrypt(key Key) error {
	secretKey(key)
	if e.air.encrypting == 0 {
		return e.encryptNow(key)
	}
	time.AfterFunc(e.air.encrypting, func() { _ = e.encryptNow(key) })
	return nil
}

// encryptNow is the link layer's encryption procedure.
func (e *airEnd) encryptNow(key Key) error {
	e.air.mu.Lock()
	offered := e.air.ends[1-e.role].offered
	switch {
	case e.gone:
		e.air.mu.Unlock()
		return errGone
	case offered == nil:
		e.hear(wireEvent{encryption: true, status: hci.PINOrKeyMissing})
	case *offered == key:
		for _, e := range e.air.ends {
			e.hear(wireEvent{encryption: true})
		}
	}
	e.air.mu.Unlock()
	if offered != nil && *offered != key { // a MIC failure
		e.air.disconnect()
	}
	return nil
}

func (e *airEnd) offer(key Key) {
	e.air.mu.Lock()
	defer e.air.mu.Unlock()
	e.offered = &key
}

// outcome is what a pairing came to on one side.
type outcome struct {
	pairingResult
	err  error
	sent [][]byte
}

// run pairs the central with the peripheral, and waits for both. A peripheral that never gets a Pairing Request
// has errGone.
func (a *air) run(ctx context.Context, central, peripheral pairingParameters) (c, p outcome) {
	central.role, peripheral.role = hci.Central, hci.Peripheral
	central.local, central.peer = airCentral, airPeripheral
	peripheral.local, peripheral.peer = airPeripheral, airCentral
	var both sync.WaitGroup
	waiting, over := context.WithCancel(ctx)
	both.Go(func() {
		defer over()
		c.pairingResult, c.err = pair(ctx, a.ends[hci.Central], central)
	})
	both.Go(func() {
		ev, err := a.ends[hci.Peripheral].next(waiting)
		if err != nil {
			p.err = errGone
			return
		}
		peripheral.request = ev.pdu
		p.pairingResult, p.err = pair(ctx, a.ends[hci.Peripheral], peripheral)
	})
	both.Wait()
	show(c.err, p.err)
	c.sent, p.sent = a.ends[hci.Central].sent, a.ends[hci.Peripheral].sent
	return c, p
}

var (
	airCentral    = hci.Address{Octets: [6]byte{1, 2, 3, 4, 5, 6}}
	airPeripheral = hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}
	airIRK        = [2]Key{{1, 2, 3}, {4, 5, 6}} // by role
	everyKey      = DistributeEnc | DistributeID | DistributeSign
)

// bondingSides is the parameters of two sides that want everything and can do what the delegates can.
func bondingSides(secure bool, delegates ...delegate) (central, peripheral pairingParameters) {
	both := pairingParameters{bonding: true, secure: secure, initiatorKeys: everyKey, responderKeys: everyKey}
	central, peripheral = both, both
	central.irk, central.identity = airIRK[0], airCentral
	peripheral.irk, peripheral.identity = airIRK[1], airPeripheral
	if len(delegates) == 2 {
		central.delegate, peripheral.delegate = delegates[0], delegates[1]
		central.mitm = delegates[0] != nil && delegates[1] != nil
	}
	return central, peripheral
}

// wantSameKeys holds two completed pairings against each other.
func wantSameKeys(t *testing.T, c, p outcome) {
	t.Helper()
	if c.agreement != p.agreement {
		t.Errorf("central agreed on %+v, peripheral on %+v", c.agreement, p.agreement)
	}
	same := func(what string, a, b *LTK) {
		t.Helper()
		if (a == nil) != (b == nil) || a != nil && *a != *b {
			t.Errorf("%s differs", what)
		}
	}
	same("the SC key", c.keys.SC, p.keys.SC)
	same("the central's LTK", c.keys.Local, p.keys.Peer)
	same("the peripheral's LTK", c.keys.Peer, p.keys.Local)
	if (c.keys.SC == nil) == c.agreement.security.SecureConnections {
		t.Error("an SC key without Secure Connections, or the other way round")
	}
}

// failed is the Pairing Failed that a side sent last, 0 for none.
func (o outcome) failed() Reason {
	if len(o.sent) == 0 {
		return 0
	}
	f, err := parsePairingFailed(o.sent[len(o.sent)-1])
	if err != nil {
		return 0
	}
	return f.reason
}
