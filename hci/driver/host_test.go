package driver_test

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/internal/leaktest"
	"github.com/jelling-ble/jelling/transport"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// host is a handler that keeps what it is told.
type host struct {
	mu      sync.Mutex
	conns   []*link
	reports []driver.Report
	refuse  bool
}

func (h *host) HandleConnection(c *driver.Conn) driver.ConnHandler {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse {
		return nil
	}
	l := &link{conn: c}
	h.conns = append(h.conns, l)
	return l
}

func (h *host) HandleAdvertisement(r driver.Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.Data = append([]byte(nil), r.Data...)
	h.reports = append(h.reports, r)
}

func (h *host) link(i int) *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i >= len(h.conns) {
		return nil
	}
	return h.conns[i]
}

// link is a connection's handler that keeps what it is told and sends what it is given.
type link struct {
	conn *driver.Conn

	mu         sync.Mutex
	out        [][]byte
	starts     []bool
	in         [][]byte
	encryption []hci.Status
	told       []string // fragments and encryption events, in order
	key        *[16]byte
	ended      error
}

func (l *link) send(fragment []byte, start bool) {
	l.mu.Lock()
	l.out, l.starts = append(l.out, fragment), append(l.starts, start)
	l.mu.Unlock()
	l.conn.Wake()
}

func (l *link) HandleFragment(start bool, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in = append(l.in, append([]byte{0}, data...))
	l.told = append(l.told, string(data))
	if start {
		l.in[len(l.in)-1][0] = 1
	}
}

func (l *link) NextFragment(b []byte) (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.out) == 0 {
		return 0, false
	}
	n, start := copy(b, l.out[0]), l.starts[0]
	l.out, l.starts = l.out[1:], l.starts[1:]
	return n, start
}

func (l *link) HandleEncryption(status hci.Status, _, _ bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.encryption = append(l.encryption, status)
	l.told = append(l.told, "encryption")
}

func (l *link) order() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

func (l *link) HandleKeyRequest([8]byte, uint16) (key [16]byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.key == nil {
		return key, false
	}
	return *l.key, true
}

func (l *link) HandleParameterRequest(r hci.LERemoteConnectionParameterRequest) bool {
	return r.IntervalMin >= 6
}

func (l *link) HandleParameters(hci.LEConnectionUpdateComplete) {}

func (l *link) HandleDisconnect(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = err
}

var peer = hci.Address{Type: hci.Random, Octets: [6]byte{1, 2, 3, 4, 5, 0xC6}}

// connected is a Connection Complete with that handle.
func connected(handle uint16, role hci.Role) hci.LEConnectionComplete {
	return hci.LEConnectionComplete{Handle: handle, Role: role, Peer: peer, Interval: 24, SupervisionTimeout: 420}
}

func open(t *testing.T, ctl transport.Conn, h driver.Handler) *driver.Controller {
	t.Helper()
	c, err := driver.Open(t.Context(), ctl, driver.Config{Handler: h})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// bubble runs a test in a synctest bubble on a scripted controller.
func bubble(t *testing.T, s hcitest.Settings, f func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctl, h := hcitest.NewController(s), &host{}
		c := open(t, ctl, h)
		f(t, ctl, h, c)
		_ = c.Close()
	})
}

func count(ctl *hcitest.Controller, op hci.Opcode) (n int) {
	for _, f := range ctl.Commands() {
		if f.Opcode == op {
			n++
		}
	}
	return n
}

func wantACL(t *testing.T, ctl *hcitest.Controller, want int) {
	t.Helper()
	n := 0
	for _, p := range ctl.Sent() {
		if p[0] == hci.ACLPacket {
			n++
		}
	}
	if n != want {
		t.Errorf("%d ACL packets were sent, want %d", n, want)
	}
}

// linked is a controller with one connection, of that handle and role.
func linked(t *testing.T, ctl *hcitest.Controller, h *host, handle uint16) *link {
	t.Helper()
	before := len(h.links())
	ctl.Event(connected(handle, hci.Peripheral))
	synctest.Wait()
	if all := h.links(); len(all) > before {
		return all[len(all)-1]
	}
	t.Fatal("there is no connection")
	return nil
}

func (h *host) links() []*link {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*link(nil), h.conns...)
}

// seen is what a connection was told so far.
func (l *link) seen() (in [][]byte, encryption []hci.Status, ended error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.in, l.encryption, l.ended
}

// acl is the data of every ACL packet that was sent on a handle.
func acl(ctl *hcitest.Controller, handle uint16) (all []string) {
	for _, p := range ctl.Sent() {
		if p[0] != hci.ACLPacket {
			continue
		}
		if a, err := hci.ParseACL(p[1:]); err == nil && a.Handle == handle {
			all = append(all, string(a.Data))
		}
	}
	return all
}

// noRoom tells the host that the controller takes no command now.
func noRoom(ctl *hcitest.Controller) { ctl.Event(hci.CommandComplete{NumPackets: 0}); synctest.Wait() }

// room tells the host that it takes n.
func room(ctl *hcitest.Controller, n uint8) {
	ctl.Event(hci.CommandComplete{NumPackets: n})
	synctest.Wait()
}

// start runs f and gives its error when it has one.
func start(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	synctest.Wait()
	return done
}

// lost wants a controller to be gone, for that reason.
func lost(t *testing.T, c *driver.Controller, want error) {
	t.Helper()
	select {
	case <-c.Done():
	default:
		t.Fatal("the controller is still there")
	}
	if err := c.Err(); !errors.Is(err, want) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("the controller ended with %v, want %v", err, want)
	}
}

// alive wants a controller to answer.
func alive(t *testing.T, c *driver.Controller) {
	t.Helper()
	if _, err := c.Do(t.Context(), hci.ReadBDADDR); err != nil {
		t.Errorf("the controller was given up: %v", err)
	}
}
