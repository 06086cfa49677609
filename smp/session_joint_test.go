package smp

import (
	"sync"
	"testing"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// joint is a connection between two sessions in memory. Its goroutine plays both controllers' parts, one thing
// after the other: PDUs, encryption with the key that the other side's host answers with, and the end.
type joint struct {
	central, peripheral *end

	mu     sync.Mutex
	queue  []func()
	wake   chan struct{}
	down   bool
	cut    int         // the link drops instead of carrying the PDU with that number, counted from 1; 0 is never
	status hci.Status  // with which it drops
	sent   int         // PDUs
	before func(n int) // if not nil, called before the PDU with that number is carried, in the goroutine of the joint

	late     time.Duration // how long after the peripheral the central hears that the link is encrypted
	ciphered bool
	mute     bool // nothing gets across any more; for the joint's goroutine to set
}

// end is one side of it.
type end struct {
	*joint
	notes
	*Session
	role        hci.Role
	self, other hci.Address
}

// join puts two hosts on a link. Their addresses are those on air.
func join(t testing.TB, central *Manager, centralAddress string, peripheral *Manager, peripheralAddress string) *joint {
	t.Helper()
	a := &joint{wake: make(chan struct{}, 1), status: hci.ConnectionTimeout}
	ca, pa := addressOf(t, centralAddress), addressOf(t, peripheralAddress)
	a.central = &end{joint: a, role: hci.Central, self: ca, other: pa}
	a.peripheral = &end{joint: a, role: hci.Peripheral, self: pa, other: ca}
	a.central.Session = central.NewSession(a.central, a.central.add)
	a.peripheral.Session = peripheral.NewSession(a.peripheral, a.peripheral.add)
	go a.run()
	t.Cleanup(a.drop)
	return a
}

func (a *joint) run() {
	for {
		a.mu.Lock()
		if len(a.queue) == 0 {
			down := a.down
			a.mu.Unlock()
			if down {
				return
			}
			<-a.wake
			continue
		}
		next := a.queue[0]
		a.queue = a.queue[1:]
		a.mu.Unlock()
		next()
	}
}

func (a *joint) post(f func()) {
	a.mu.Lock()
	a.queue = append(a.queue, f)
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// snap ends the link on both sides, in the goroutine of the joint.
func (a *joint) snap(central, peripheral hci.Status) {
	a.mu.Lock()
	was := a.down
	a.down = true
	a.mu.Unlock()
	if !was {
		a.central.HandleDisconnect(central)
		a.peripheral.HandleDisconnect(peripheral)
	}
}

func (a *joint) isDown() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.down
}

// drop takes the link away and waits for both sessions.
func (a *joint) drop() {
	a.post(func() { a.snap(hci.ConnectionTimeout, hci.ConnectionTimeout) })
	<-a.central.Done()
	<-a.peripheral.Done()
}

func (e *end) Role() hci.Role            { return e.role }
func (e *end) LocalAddress() hci.Address { return e.self }
func (e *end) PeerAddress() hci.Address  { return e.other }

func (e *end) peer() *end {
	if e.role == hci.Central {
		return e.peripheral
	}
	return e.joint.central
}

func (e *end) Send(pdu []byte) error {
	pdu = append([]byte(nil), pdu...)
	secretPDU(pdu)
	show(e.Session)
	e.post(func() {
		if e.isDown() {
			return
		}
		e.sent++
		if e.joint.before != nil {
			e.joint.before(e.sent)
		}
		if e.mute {
			return
		}
		if e.sent == e.cut {
			e.snap(e.joint.status, e.joint.status)
			return
		}
		e.peer().HandlePDU(pdu)
	})
	return nil
}

func (e *end) Encrypt(key Key, rand [8]byte, ediv uint16) error {
	secretKey(key)
	e.post(func() {
		if e.isDown() {
			return
		}
		answer, ok := e.peer().LongTermKey(rand, ediv)
		refresh := e.ciphered
		switch {
		case !ok && refresh:
			e.snap(hci.PINOrKeyMissing, hci.ConnectionTerminatedByLocalHost)
		case !ok:
			e.HandleEncryption(hci.PINOrKeyMissing, false, false)
		case answer != key:
			e.snap(hci.ConnectionTerminatedMICFailure, hci.ConnectionTerminatedMICFailure)
		default:
			e.ciphered = true
			e.peer().HandleEncryption(hci.Success, true, refresh)
			if e.late == 0 {
				e.HandleEncryption(hci.Success, true, refresh)
				return
			}
			time.AfterFunc(e.late, func() { e.post(func() { e.HandleEncryption(hci.Success, true, refresh) }) })
		}
	})
	return nil
}

func (e *end) Disconnect(reason hci.Status) {
	e.post(func() {
		if e.role == hci.Central {
			e.snap(hci.ConnectionTerminatedByLocalHost, reason)
		} else {
			e.snap(reason, hci.ConnectionTerminatedByLocalHost)
		}
	})
}
