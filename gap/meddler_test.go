package gap_test

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/gap"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/l2cap"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
)

// meddler sits between a host and its controller, and does to the packets on their way in and out what somebody on
// the air, or in the peer, could do.
type meddler struct {
	transport.Conn

	mu    sync.Mutex
	in    func(packet []byte) [][]byte // what becomes of one packet for the host; if nil, nothing happens to any
	out   func(packet []byte) []byte   // the same for one for the controller
	ready [][]byte                     // for the host
}

// set says what becomes of packets for the host from now on.
func (m *meddler) set(in func([]byte) [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.in = in
}

// setOut says what becomes of packets for the controller.
func (m *meddler) setOut(out func([]byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out = out
}

func (m *meddler) ReadPacket(b []byte) (int, error) {
	for {
		m.mu.Lock()
		if len(m.ready) > 0 {
			n := copy(b, m.ready[0])
			m.ready = m.ready[1:]
			m.mu.Unlock()
			return n, nil
		}
		m.mu.Unlock()
		n, err := m.Conn.ReadPacket(b)
		m.mu.Lock()
		in := m.in
		m.mu.Unlock()
		if err != nil || in == nil {
			return n, err
		}
		all := in(slices.Clone(b[:n]))
		m.mu.Lock()
		m.ready = append(m.ready, all...)
		m.mu.Unlock()
	}
}

func (m *meddler) WritePacket(p []byte) error {
	m.mu.Lock()
	out := m.out
	m.mu.Unlock()
	if out != nil {
		p = out(slices.Clone(p))
	}
	return m.Conn.WritePacket(p)
}

// smpOf is the SMP PDU in an ACL packet, whole in one fragment, nil for anything else.
func smpOf(p []byte) []byte {
	if len(p) < 10 || p[0] != hci.ACLPacket || binary.LittleEndian.Uint16(p[7:]) != l2cap.CIDSMP {
		return nil
	}
	return p[9:]
}

// withSMP is an ACL packet with another SMP PDU in it.
func withSMP(p, pdu []byte) []byte {
	p = append(slices.Clone(p[:9]), pdu...)
	binary.LittleEndian.PutUint16(p[3:], uint16(len(pdu)+4))
	binary.LittleEndian.PutUint16(p[5:], uint16(len(pdu)))
	return p
}

// isEvent tells an HCI event of that code.
func isEvent(p []byte, code hci.EventCode) bool {
	return len(p) > 2 && p[0] == hci.EventPacket && hci.EventCode(p[1]) == code
}

// isConnection tells the event of a connection, in either form.
func isConnection(p []byte) bool {
	return isLE(p, hci.EvLEConnectionComplete) || isLE(p, hci.EvLEEnhancedConnectionComplete)
}

// tapped is two whole hosts with a meddler at each.
type tapped struct {
	*pair
	meddlers  [2]*meddler            // the central's, the peripheral's
	connected atomic.Pointer[[]byte] // the last Connection Complete that was remembered
}

// remember notes the link that packets can be injected on.
func (p *tapped) remember(packet []byte) {
	if isConnection(packet) {
		p.connected.Store(&packet)
	}
}

// link is an SMP PDU on that link.
func (p *tapped) link(pdu []byte) []byte { return acl(*p.connected.Load(), pdu) }

func newTapped(t *testing.T, cfg pairConfig) *tapped {
	t.Helper()
	p := &tapped{}
	p.meddlers[0] = &meddler{}
	cfg.tap = func(conn transport.Conn) transport.Conn {
		p.meddlers[0].Conn = conn
		return p.meddlers[0]
	}
	p.pair = newPair(t, cfg)
	_ = p.peripheral.Close()
	p.meddlers[1] = &meddler{Conn: p.radios[1].Conn()}
	p.openPeripheral(t, p.meddlers[1], cfg.peripheral)
	return p
}

// twoPeople answer for both sides: they see the same numbers, and one enters what the other is shown.
type twoPeople struct {
	io    smp.IOCapability
	shown chan uint32
	no    bool
}

func (p twoPeople) Capabilities() smp.Capabilities { return smp.Capabilities{IO: p.io} }
func (p twoPeople) Display(_ context.Context, _ smp.Question, proposed uint32) (uint32, error) {
	p.shown <- proposed
	return proposed, nil
}

func (p twoPeople) Enter(ctx context.Context, _ smp.Question) (uint32, error) {
	select {
	case n := <-p.shown:
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (p twoPeople) answer() error {
	if p.no {
		return smp.NumericComparisonFailed
	}
	return nil
}
func (p twoPeople) Confirm(context.Context, smp.Question, uint32) error { return p.answer() }
func (p twoPeople) Consent(context.Context, smp.Question) error         { return p.answer() }

// people is a delegate for each side.
func people(central, peripheral smp.IOCapability) (c, p twoPeople) {
	shown := make(chan uint32, 8)
	return twoPeople{io: central, shown: shown}, twoPeople{io: peripheral, shown: shown}
}

// keysOf is what a side has to encrypt with, as text, the newest generation first; empty where there is none.
func keysOf(t *testing.T, h *gap.Host, peer hci.Address) (now, before string) {
	t.Helper()
	r, ok := h.Bonds().Load(h.Identity(), peer)
	if !ok || !r.Bonded {
		return "", ""
	}
	now = keyText(r.Keys)
	if r.Prior != nil {
		before = keyText(*r.Prior)
	}
	return now, before
}

func keyText(k smp.Keys) string {
	var text strings.Builder
	for _, l := range []*smp.LTK{k.SC, k.Local, k.Peer} {
		if l != nil {
			text.WriteString(string(l.Key[:]) + string(l.Rand[:]) + string(binary.LittleEndian.AppendUint16(nil, l.EDIV)))
		}
	}
	return text.String()
}

// reconnect has the two connect until the link is encrypted by a key that both have. An attempt may fail, where the
// request for a key does not tell one generation from the other.
func (p *tapped) reconnect(t *testing.T) {
	t.Helper()
	var err error
	for range 3 {
		var central, peripheral *gap.Conn
		if central, peripheral, err = p.connect(t.Context(), gap.ConnectConfig{}); err == nil {
			if !central.Security().Encrypted {
				t.Error("a link to a bonded peer is not encrypted")
			}
			central.Disconnect(hci.RemoteUserTerminatedConnection)
			<-peripheral.Ended()
			return
		}
	}
	t.Errorf("the two have no key in common: %v", err)
}

// settle lets everything happen that is under way, the time-out of SMP included.
func settle() {
	time.Sleep(31 * time.Second)
	synctest.Wait()
}
