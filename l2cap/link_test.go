package l2cap

import (
	"bytes"
	"context"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// fakeLink is a connection that keeps what it is asked for.
type fakeLink struct {
	role hci.Role
	mtu  int

	mu         sync.Mutex
	wakes      int
	parameters []hci.ConnectionParameters
	refuse     error
}

func (l *fakeLink) Role() hci.Role { return l.role }
func (l *fakeLink) MTU() int       { return l.mtu }

func (l *fakeLink) Wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakes++
}

func (l *fakeLink) UpdateParameters(p hci.ConnectionParameters) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parameters = append(l.parameters, p)
	return l.refuse
}

// rig is a Mux on a fake link, with ATT and SMP open, that keeps what it received.
type rig struct {
	*Mux
	link     *fakeLink
	att, smp *Channel
	got      []string // "att 0102", in order
}

func newRig(t testing.TB, role hci.Role, cfg Config) *rig {
	t.Helper()
	r := &rig{link: &fakeLink{role: role, mtu: 27}}
	r.Mux = New(r.link, cfg)
	r.att = r.open(t, "att", CIDATT, 100)
	r.smp = r.open(t, "smp", CIDSMP, 65)
	return r
}

func (r *rig) open(t testing.TB, name string, cid uint16, mtu int) *Channel {
	t.Helper()
	c, err := r.Open(cid, mtu, func(sdu []byte) { r.got = append(r.got, strings.TrimSpace(name+" "+hex.EncodeToString(sdu))) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// next is the next fragment to go out, nil when there is none.
func (r *rig) next() (fragment []byte, start bool) {
	b := make([]byte, r.link.mtu)
	n, start := r.NextFragment(b)
	if n == 0 {
		return nil, start
	}
	return b[:n], start
}

// sdu pulls the fragments of one whole PDU and checks how they were cut.
func (r *rig) sdu(t testing.TB) (cid uint16, sdu []byte) {
	t.Helper()
	first, start := r.next()
	if first == nil {
		return 0, nil
	}
	if !start || len(first) < headerLength {
		t.Fatalf("a PDU begins with % X, start %v", first, start)
	}
	pdu := bytes.Clone(first)
	for len(pdu) < pduLength(pdu) {
		if len(pdu)%r.link.mtu != 0 {
			t.Fatalf("a fragment that is not the last is short: % X", pdu)
		}
		more, start := r.next()
		if start || more == nil {
			t.Fatalf("a PDU goes on with % X, start %v", more, start)
		}
		pdu = append(pdu, more...)
	}
	if len(pdu) != pduLength(pdu) {
		t.Fatalf("a PDU is longer than it says: % X", pdu)
	}
	return pduChannel(pdu), pdu[headerLength:]
}

// pdu is an SDU with its header.
func pdu(cid uint16, sdu ...byte) []byte {
	return append([]byte{byte(len(sdu)), byte(len(sdu) >> 8), byte(cid), byte(cid >> 8)}, sdu...)
}

// counting are n octets that tell where they were.
func counting(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func mustSend(t testing.TB, c *Channel, sdu []byte) {
	t.Helper()
	if err := c.Send(context.Background(), sdu); err != nil {
		t.Fatal(err)
	}
}

func mustSendUrgent(t testing.TB, c *Channel, sdu []byte) {
	t.Helper()
	if err := c.SendUrgent(sdu); err != nil {
		t.Fatal(err)
	}
}
