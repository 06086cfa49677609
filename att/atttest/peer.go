package atttest

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
)

const (
	// peerRoom is how many PDUs a Peer keeps that nobody has asked for yet; more than that is a failure.
	peerRoom = 1024
	// peerPatience is how long a Peer waits for a PDU, on the clock of the bubble where there is one.
	peerPatience = time.Minute
)

// A Peer is the far end of a bearer, and does only what the test says. PDUs are written in hexadecimal; spaces are free.
type Peer struct {
	t      testing.TB
	bearer *Bearer
	got    chan []byte
}

// Script gives a Conn with a Peer at the far end. Both end with the test, and it waits for them.
func Script(t testing.TB, opts Options, cfg att.Config) (*att.Conn, *Peer) {
	t.Helper()
	near, far := NewBearers(opts)
	p := NewPeer(t, far)
	return NewConn(t, near, cfg), p
}

// NewPeer puts a Peer at the end b.
func NewPeer(t testing.TB, b *Bearer) *Peer {
	p := &Peer{t: t, bearer: b, got: make(chan []byte, peerRoom)}
	b.Attach(p)
	return p
}

// Bearer is the end the Peer is at.
func (p *Peer) Bearer() *Bearer { return p.bearer }

// Receive keeps a PDU until the test asks for it. The bearer calls it.
func (p *Peer) Receive(pdu []byte, _ att.Security) {
	select {
	case p.got <- bytes.Clone(pdu):
	default:
		p.t.Errorf("peer: more than %d PDUs that nobody wants", peerRoom)
	}
}

// Send sends one PDU. It fails the test if the bearer has ended.
func (p *Peer) Send(pdu string) {
	p.t.Helper()
	if err := p.bearer.Send(context.Background(), p.octets(pdu)); err != nil {
		p.t.Fatalf("peer: send %s: %v", pdu, err)
	}
}

// Next waits for the next PDU.
func (p *Peer) Next() []byte {
	p.t.Helper()
	timeout := time.NewTimer(peerPatience)
	defer timeout.Stop()
	select {
	case pdu := <-p.got:
		return pdu
	case <-timeout.C:
		p.t.Fatal("peer: no PDU came")
		return nil
	}
}

// Want waits for the next PDU, which has to be this one.
func (p *Peer) Want(pdu string) {
	p.t.Helper()
	if got := p.Next(); !bytes.Equal(got, p.octets(pdu)) {
		p.t.Fatalf("peer: got %x, want %s", got, pdu)
	}
}

// Ask sends one PDU and wants another.
func (p *Peer) Ask(pdu, want string) {
	p.t.Helper()
	p.Send(pdu)
	p.Want(want)
}

// WantNothing fails if there is a PDU, now that everything has come to rest. Inside a synctest bubble only.
func (p *Peer) WantNothing() {
	p.t.Helper()
	synctest.Wait()
	select {
	case pdu := <-p.got:
		p.t.Fatalf("peer: got %x, want nothing", pdu)
	default:
	}
}

// octets are what a line of a script stands for.
func (p *Peer) octets(s string) []byte {
	p.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		p.t.Fatalf("peer: %q is no PDU: %v", s, err)
	}
	return b
}
