package smp

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/btcrypto"
)

func addressOf(t testing.TB, text string) hci.Address {
	t.Helper()
	a, typed, err := hci.ParseAddress(text)
	if err != nil || !typed {
		t.Fatalf("address %q: %v", text, err)
	}
	return a
}

const (
	hostText     = "00:1D:85:F0:01:77/public"
	oximeterText = "00:1C:05:FF:F0:30/public"
	strangerText = "C1:22:33:44:55:66/random"
	privateText  = "4A:22:33:44:55:66/random" // resolvable
)

func newManager(t testing.TB, config Config) *Manager {
	t.Helper()
	if config.Identity.IsZero() {
		config.Identity = addressOf(t, hostText)
	}
	talk(t, &config)
	m, err := NewManager(config)
	if err != nil {
		t.Fatal(err)
	}
	secretKey(m.config.IRK)
	show(m)
	return m
}

// notes collects events, decisions for themselves.
type notes struct {
	mu      sync.Mutex
	events  []Event
	decided []Decided
}

func (n *notes) add(e Event) {
	show(e)
	n.mu.Lock()
	defer n.mu.Unlock()
	if d, ok := e.(Decided); ok {
		n.decided = append(n.decided, d)
		return
	}
	n.events = append(n.events, e)
}

// decisions is what was decided since the last time.
func (n *notes) decisions() []Decided {
	n.mu.Lock()
	defer n.mu.Unlock()
	decided := n.decided
	n.decided = nil
	return decided
}

// consents is a Delegate that consents as a function does, and can do nothing else.
type consents struct {
	Headless
	ask func(ctx context.Context, q Question) error
}

func (c consents) Consent(ctx context.Context, q Question) error { return c.ask(ctx, q) }

// saying consents always or never.
func saying(yes bool) Delegate {
	return consents{ask: func(context.Context, Question) error {
		if yes {
			return nil
		}
		return errNobody
	}}
}

// take is what was collected since the last time.
func (n *notes) take() []Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	events := n.events
	n.events = nil
	return events
}

// names is the events' types in order: "BondLost Paired Encrypted".
func names(events []Event) string {
	var all []string
	for _, e := range events {
		all = append(all, strings.TrimPrefix(fmt.Sprintf("%T", e), "smp."))
	}
	return strings.Join(all, " ")
}

// find is the only event of a type.
func find[E Event](t testing.TB, events []Event) E {
	t.Helper()
	var found []E
	for _, e := range events {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d events of %T in %s, want 1", len(found), *new(E), names(events))
	}
	return found[0]
}

// script is a Link that records what it is asked for, and leaves the peer's part to the test. It lives in a
// synctest bubble.
type script struct {
	t           testing.TB
	role        hci.Role
	local, peer hci.Address
	notes
	*Session

	recorded sync.Mutex
	log      []string // "send 0b00", "encrypt 5256", "disconnect 0x05"
	keys     []Key    // of encrypt
	refuse   error    // what Send and Encrypt return
}

func newScript(t testing.TB, m *Manager, role hci.Role, peer string) *script {
	l := &script{t: t, role: role, local: addressOf(t, hostText), peer: addressOf(t, peer)}
	l.Session = m.NewSession(l, l.add)
	t.Cleanup(func() { l.end(hci.RemoteUserTerminatedConnection) })
	return l
}

func (l *script) Role() hci.Role            { return l.role }
func (l *script) LocalAddress() hci.Address { return l.local }
func (l *script) PeerAddress() hci.Address  { return l.peer }

func (l *script) note(format string, a ...any) {
	l.recorded.Lock()
	defer l.recorded.Unlock()
	l.log = append(l.log, fmt.Sprintf(format, a...))
}

func (l *script) Send(pdu []byte) error {
	secretPDU(pdu)
	l.note("send %x", pdu)
	return l.refuse
}

func (l *script) Encrypt(key Key, _ [8]byte, ediv uint16) error {
	secretKey(key)
	l.note("encrypt %04x", ediv)
	l.recorded.Lock()
	l.keys = append(l.keys, key)
	l.recorded.Unlock()
	return l.refuse
}

func (l *script) Disconnect(reason hci.Status) { l.note("disconnect 0x%02X", uint8(reason)) }

// end takes the link away and waits for the session.
func (l *script) end(status hci.Status) {
	l.HandleDisconnect(status)
	<-l.Done()
}

// did is what was recorded since the last time, once nothing moves any more.
func (l *script) did() string {
	synctest.Wait()
	l.recorded.Lock()
	defer l.recorded.Unlock()
	log := l.log
	l.log = nil
	return strings.Join(log, ", ")
}

// want holds what was recorded against a list.
func (l *script) want(list ...string) {
	l.t.Helper()
	if got := l.did(); got != strings.Join(list, ", ") {
		l.t.Fatalf("recorded %q, want %q", got, strings.Join(list, ", "))
	}
}

// wantEvents holds the events' types against a list, and returns them.
func (l *script) wantEvents(list string) []Event {
	l.t.Helper()
	synctest.Wait()
	events := l.notes.take()
	if names(events) != list {
		l.t.Fatalf("events %q, want %q", names(events), list)
	}
	return events
}

// hear is PDUs of the peer, in hexadecimal.
func (l *script) hears(pdus ...string) {
	l.t.Helper()
	for _, pdu := range pdus {
		b, err := hex.DecodeString(pdu)
		if err != nil {
			l.t.Fatal(err)
		}
		l.HandlePDU(b)
	}
	synctest.Wait()
}

// secure asks for a level in a goroutine; the answer comes through the channel.
func (l *script) asks(level Level) <-chan error {
	answer := make(chan error, 1)
	go func() { answer <- l.Secure(l.t.Context(), level) }()
	synctest.Wait()
	return answer
}

// answered is the answer that must have come by now.
func answered(t testing.TB, answer <-chan error) error {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-answer:
		show(err)
		return err
	default:
		t.Fatal("Secure has not returned")
		return nil
	}
}

func pending(t testing.TB, answer <-chan error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-answer:
		t.Fatalf("Secure has returned %v", err)
	default:
	}
}

// A legacy bond and a Secure Connections one, as a store has them.
func legacyKeys(n byte) Keys {
	return Keys{
		KeySize: 16, Method: JustWorks,
		Peer:  &LTK{Key: Key{n, 1}, EDIV: 0x5256 + uint16(n), Rand: [8]byte{n, 0xE6}},
		Local: &LTK{Key: Key{n, 2}, EDIV: 0x0102 + uint16(n), Rand: [8]byte{n, 0x77}},
	}
}

func secureKeys(n byte) Keys {
	return Keys{KeySize: 16, Method: JustWorks, SecureConnections: true, SC: &LTK{Key: Key{n, 3}}}
}

func authenticated(k Keys) Keys {
	k.Authenticated, k.Method = true, PasskeyEntry
	return k
}

func bondWith(t testing.TB, peer string, keys Keys, wish Wish) Record {
	return Record{Local: addressOf(t, hostText), Peer: addressOf(t, peer), Bonded: true, Wish: wish, Keys: keys, Proven: true}
}

// storeOf is a store with records in it.
func storeOf(t testing.TB, records ...Record) *MemoryStore {
	t.Helper()
	store := NewMemoryStore()
	for _, r := range records {
		if err := store.Save(r); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func load(t testing.TB, m *Manager, peer string) Record {
	t.Helper()
	r, ok := m.load(addressOf(t, peer))
	if !ok {
		t.Fatalf("no record of %s", peer)
	}
	return r
}

// sameRecord compares what two records hold, keys included, not where they hold it.
func sameRecord(a, b Record) bool {
	return a.Local == b.Local && a.Peer == b.Peer && a.Bonded == b.Bonded && a.Wish == b.Wish && a.Lost == b.Lost &&
		a.Proven == b.Proven && a.History == b.History && sameOverride(a.Override, b.Override) && sameKeys(&a.Keys, &b.Keys) && sameKeys(a.Prior, b.Prior)
}

func sameOverride(a, b Override) bool {
	return a.Apply(Policy{}) == b.Apply(Policy{}) && a.IsZero() == b.IsZero()
}

func sameKeys(a, b *Keys) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.public() == b.public() && equal(a.SC, b.SC) && equal(a.Local, b.Local) && equal(a.Peer, b.Peer) &&
		equal(a.PeerIRK, b.PeerIRK) && equal(a.LocalCSRK, b.LocalCSRK) && equal(a.PeerCSRK, b.PeerCSRK)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// failingStore is a store whose disk does not take anything.
type failingStore struct {
	*MemoryStore
	err error
}

func (f failingStore) Save(r Record) error {
	_ = f.MemoryStore.Save(r)
	return f.err
}

// blockedStore is a store whose disk takes its time.
type blockedStore struct {
	*MemoryStore
	release chan struct{}
}

func (b blockedStore) Save(r Record) error {
	<-b.release
	return b.MemoryStore.Save(r)
}

// resolvable is a private address made with an IRK; n tells it from others.
func resolvable(irk Key, n byte) hci.Address {
	prand := [3]byte{n, 0x55, 0x40}
	hash := btcrypto.AH(irk, prand)
	a := hci.Address{Type: hci.Random}
	copy(a.Octets[:], hash[:])
	copy(a.Octets[3:], prand[:])
	return a
}
