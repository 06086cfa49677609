package driver_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/internal/leaktest"
	"github.com/jelling-ble/jelling/transport"
)

// host is a handler that keeps what it is told.
type host struct {
	mu      sync.Mutex
	conns   []*link
	reports []hci.AdvertisingReport
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

func (h *host) HandleAdvertisement(r hci.AdvertisingReport) {
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

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestStartUp(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings hcitest.Settings
		buffers  int
		length   int
		address  bool
	}{
		{"LE buffers", hcitest.Settings{ACLBuffers: 3, ACLLength: 100}, 3, 100, true},
		{"one buffer", hcitest.Settings{ACLBuffers: 1, ACLLength: 27}, 1, 27, true},
		{"shared buffers", hcitest.Settings{SharedBuffers: true, ACLBuffers: 5, ACLLength: 310}, 5, 310, true},
		{"longer than a user channel takes", hcitest.Settings{ACLBuffers: 2, ACLLength: 1500}, 2, 1023, true},
		{"no address", hcitest.Settings{NoAddress: true}, 8, 27, false},
		{"many command credits", hcitest.Settings{Credits: 5}, 8, 27, true},
		{"a dual-mode controller", hcitest.Settings{LMPFeatures: hci.LMPFeatureLESupported}, 8, 27, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := open(t, hcitest.NewController(c.settings), &host{})
				info := d.Info()
				if info.ACLBuffers != c.buffers || info.ACLLength != c.length || info.Address.IsZero() == c.address {
					t.Errorf("%+v", info)
				}
				if free, total := d.Credits(); free != c.buffers || total != c.buffers {
					t.Errorf("credits %d of %d", free, total)
				}
				_ = d.Close()
			})
		})
	}
}

// The first command is HCI_Reset, and whatever the controller says before its answer is of whoever had it.
func TestIgnoresWhatComesBeforeReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := hcitest.NewController(hcitest.Settings{}), &host{}
		ctl.Event(connected(64, hci.Central))
		ctl.Complete(hci.OpReadBDADDR, 1, 2, 3, 4, 5, 6)
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte{1}})
		c := open(t, ctl, h)
		if got := ctl.Commands()[0].Opcode; got != hci.OpReset {
			t.Errorf("the first command is %v", got)
		}
		if h.link(0) != nil {
			t.Error("a connection from before the reset was believed")
		}
		_ = c.Close()
	})
}

// A controller that does not know a command says so in any of three ways, and start-up goes on where it can.
func TestStartUpWithoutOptionalCommands(t *testing.T) {
	for name, refuse := range map[string]hcitest.Handler{
		"Command Status":   hcitest.Refuse(hci.UnknownHCICommand),
		"Command Complete": hcitest.Fail(hci.UnknownHCICommand),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := hcitest.NewController(hcitest.Settings{})
				for _, op := range []hci.Opcode{hci.OpReadLocalSupportedCommands, hci.OpReadLocalVersionInformation, hci.OpReadBDADDR, hci.OpLEReadFilterAcceptListSize} {
					ctl.Handle(op, refuse)
				}
				c := open(t, ctl, &host{})
				_ = c.Close()
			})
		})
	}
}

func TestStartUpFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		op      hci.Opcode
		handler hcitest.Handler
		want    error
	}{
		{"reset refused", hci.OpReset, hcitest.Fail(hci.HardwareFailure), hci.HardwareFailure},
		{"silence", hci.OpReset, hcitest.Silent, driver.ErrCommandTimeout},
		{"no LE", hci.OpLEReadLocalSupportedFeatures, hcitest.Refuse(hci.UnknownHCICommand), hci.UnknownHCICommand},
		{"short return parameters", hci.OpLEReadBufferSize, hcitest.Return(27), nil},
		{"no buffers at all", hci.OpReadBufferSize, hcitest.Return(0, 0, 0, 0, 0, 0, 0), driver.ErrNoBuffers},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := hcitest.NewController(hcitest.Settings{SharedBuffers: c.op == hci.OpReadBufferSize})
				ctl.Handle(c.op, c.handler)
				_, err := driver.Open(t.Context(), ctl, driver.Config{Handler: &host{}})
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("Open: %v, want %v", err, c.want)
				}
				var command *driver.CommandError
				if c.name != "no buffers at all" && c.name != "short return parameters" && (!errors.As(err, &command) || command.Opcode != c.op) {
					t.Errorf("%v does not name %v", err, c.op)
				}
			})
		})
	}
}

func TestOpenGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl := hcitest.NewController(hcitest.Settings{})
		ctl.Handle(hci.OpReset, hcitest.Silent)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := driver.Open(ctx, ctl, driver.Config{Handler: &host{}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open: %v", err)
		}
	})
}

// Commands go out by the controller's room for them, and never two of one opcode at a time.
func TestCommandsInFlight(t *testing.T) {
	bubble(t, hcitest.Settings{Credits: 3}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		ctl.Handle(hci.OpLEReadSupportedStates, hcitest.Silent)
		before := len(ctl.Commands())
		var wg sync.WaitGroup
		results := make(chan error, 3)
		for _, cmd := range []hci.Command{hci.LERand, hci.LERand, hci.LEReadSupportedStates} {
			wg.Go(func() { _, err := c.Do(t.Context(), cmd); results <- err })
			synctest.Wait()
		}
		if got := len(ctl.Commands()) - before; got != 1 {
			t.Errorf("%d commands were sent, want 1: the second is of the same opcode, the third behind it", got)
		}
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLERand, Return: make([]byte, 9)})
		synctest.Wait()
		if got := len(ctl.Commands()) - before; got != 3 {
			t.Errorf("%d commands were sent, want 3", got)
		}
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLEReadSupportedStates, Return: make([]byte, 9)})
		ctl.Event(hci.CommandComplete{NumPackets: 3, Opcode: hci.OpLERand, Return: make([]byte, 9)})
		wg.Wait()
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

// A controller without room gets no command until it says that it has some.
func TestNoRoomForCommands(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Event(hci.CommandComplete{NumPackets: 0})
		synctest.Wait()
		before := len(ctl.Commands())
		done := make(chan error, 1)
		go func() { _, err := c.Do(t.Context(), hci.ReadBDADDR); done <- err }()
		synctest.Wait()
		if len(ctl.Commands()) != before {
			t.Error("a command was sent without room")
		}
		ctl.Event(hci.CommandComplete{NumPackets: 1})
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// An answer nobody asked for is counted and dropped; so is what can't be parsed.
func TestStrayAndMalformed(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Complete(hci.OpReadBDADDR, 1, 2, 3, 4, 5, 6)
		ctl.Status(hci.OpDisconnect, hci.Success)
		ctl.Inject([]byte{hci.EventPacket, 0x0E, 1, 1}, []byte{hci.EventPacket, 0x3E, 0}, []byte{hci.EventPacket, 0x13, 2, 1, 0},
			[]byte{hci.EventPacket, 0x3E, 3, 1, 0, 0}, []byte{hci.ACLPacket, 1, 0, 9, 0}, []byte{hci.EventPacket, 0x05, 1, 0})
		ctl.Inject([]byte{hci.EventPacket, 0x77, 0}, []byte{hci.EventPacket, 0x3E, 1, 0x77}, []byte{0xF1, 1, 2, 3})
		ctl.Inject(hci.AppendEvent(nil, hci.DisconnectionComplete{Handle: 9}), hci.AppendACL(nil, hci.ACL{Handle: 9}))
		synctest.Wait()
		got, err := c.Statistics()
		want := driver.Statistics{Malformed: 6, UnknownEvents: 2, UnknownPackets: 1, UnknownHandles: 2, UnexpectedAnswers: 2}
		if got != want || err != nil {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
		if _, err := c.Do(t.Context(), hci.ReadBDADDR); err != nil {
			t.Errorf("the controller was given up: %v", err)
		}
	})
}

func TestConnect(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(connected(64, hci.Central))
		})
		conn, err := c.Connect(t.Context(), peer, driver.ConnectParameters{})
		if err != nil {
			t.Fatal(err)
		}
		if conn.PeerAddress() != peer || conn.Role() != hci.Central || conn.Handle() != 64 || conn.LocalAddress() != c.Info().Address {
			t.Errorf("%v %v %v %v", conn.PeerAddress(), conn.Role(), conn.Handle(), conn.LocalAddress())
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		<-conn.Done()
		if err := conn.Err(); !errors.Is(err, hci.ConnectionTimeout) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Err: %v", err)
		}
		if n, _ := c.Connections(); n != 0 {
			t.Errorf("%d connections in the table", n)
		}
	})
}

// 0x3E and the like are the error of Connect, by their status.
func TestConnectFails(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		for _, status := range []hci.Status{hci.ConnectionFailedToBeEstablished, hci.ConnectionLimitExceeded} {
			ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
				ctl.Status(f.Opcode, hci.Success)
				ctl.Event(hci.LEConnectionComplete{Status: status})
			})
			if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, status) {
				t.Errorf("Connect: %v, want %v", err, status)
			}
			ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(status))
			if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, status) {
				t.Errorf("Connect: %v, want %v", err, status)
			}
		}
	})
}

// A cancelled attempt frees its caller at once; the next begins only when the controller has confirmed.
func TestConnectCancelled(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(*hcitest.Controller)
	}{
		{"nothing came of it", func(ctl *hcitest.Controller) {
			ctl.Complete(hci.OpLECreateConnectionCancel)
			ctl.Event(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier})
		}},
		{"the connection came first", func(ctl *hcitest.Controller) {
			ctl.Event(connected(64, hci.Central))
			ctl.Inject(hci.AppendEvent(nil, hci.CommandComplete{NumPackets: 1, Opcode: hci.OpLECreateConnectionCancel, Return: []byte{byte(hci.CommandDisallowed)}}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, d *driver.Controller) {
				ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.Success))
				ctl.Handle(hci.OpLECreateConnectionCancel, hcitest.Silent)
				ctl.Handle(hci.OpDisconnect, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					ctl.Status(f.Opcode, hci.Success)
					ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTerminatedByLocalHost})
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := d.Connect(ctx, peer, driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Connect: %v", err)
				}
				second := make(chan error, 1)
				go func() { _, err := d.Connect(t.Context(), peer, driver.ConnectParameters{}); second <- err }()
				synctest.Wait()
				if got := count(ctl, hci.OpLECreateConnection); got != 1 {
					t.Errorf("%d attempts before the first was over", got)
				}
				ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					ctl.Status(f.Opcode, hci.Success)
					ctl.Event(connected(65, hci.Central))
				})
				c.answer(ctl)
				if err := <-second; err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if n, _ := d.Connections(); n != 1 {
					t.Errorf("%d connections in the table, want the second attempt's", n)
				}
			})
		})
	}
}

func count(ctl *hcitest.Controller, op hci.Opcode) (n int) {
	for _, f := range ctl.Commands() {
		if f.Opcode == op {
			n++
		}
	}
	return n
}

// Credits: a fragment for each free buffer and no more; they come back by completions, and all at once when
// the link ends, after which late completions are ignored (complaints 3 and 26: buffers leak on disconnect).
func TestCredits(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 2}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		synctest.Wait()
		l := h.link(0)
		for i := range 5 {
			l.send([]byte{byte(i)}, i == 0)
		}
		synctest.Wait()
		wantACL(t, ctl, 2)
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 1}))
		synctest.Wait()
		wantACL(t, ctl, 3)
		if free, _ := c.Credits(); free != 0 {
			t.Errorf("%d credits free", free)
		}
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		synctest.Wait()
		if free, total := c.Credits(); free != total {
			t.Errorf("%d of %d credits after the disconnection", free, total)
		}
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 2}))
		synctest.Wait()
		if free, total := c.Credits(); free != total {
			t.Errorf("%d of %d credits after a late completion", free, total)
		}
	})
}

// A controller that gives back more than it had is not believed.
func TestExcessCompletions(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 2}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		synctest.Wait()
		ctl.Event(hci.CompletedPacketsOf(hci.CompletedPackets{Handle: 64, Count: 9}))
		synctest.Wait()
		if free, total := c.Credits(); free != total {
			t.Errorf("%d of %d credits", free, total)
		}
		if s, _ := c.Statistics(); s.ExcessCompletions != 9 {
			t.Errorf("%+v", s)
		}
	})
}

// A dead peer does not hold every buffer: the other connection still has one.
func TestDeadPeerLeavesABuffer(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 3}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		ctl.Event(connected(65, hci.Peripheral))
		synctest.Wait()
		for range 5 {
			h.link(0).send([]byte("dead"), true)
		}
		synctest.Wait()
		wantACL(t, ctl, 2)
		h.link(1).send([]byte("alive"), true)
		synctest.Wait()
		wantACL(t, ctl, 3)
	})
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

// Fragments arrive and leave with their boundary flags.
func TestFragments(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Peripheral))
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte("a")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.Continuing, Data: []byte("b")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstNonFlushable, Data: []byte("c")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: 3, Data: []byte("d")})
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Broadcast: 1, Data: []byte("e")})
		synctest.Wait()
		l := h.link(0)
		var got string
		for _, f := range l.in {
			got += string('0'+f[0]) + string(f[1:])
		}
		if got != "1a0b1c" {
			t.Errorf("fragments %q", got)
		}
		l.send([]byte("x"), true)
		l.send([]byte("y"), false)
		synctest.Wait()
		sent := ctl.Sent()
		for i, want := range []string{"\x02\x40\x00\x01\x00x", "\x02\x40\x10\x01\x00y"} {
			if got := string(sent[len(sent)-2+i]); got != want {
				t.Errorf("fragment %d is %x, want %x", i, got, want)
			}
		}
	})
}

// A Long Term Key Request is answered at once, by the key or by its negative reply (complaint 14).
func TestKeyRequest(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLELongTermKeyRequestReply, hcitest.Return(64, 0))
		ctl.Handle(hci.OpLELongTermKeyRequestNegativeReply, hcitest.Return(64, 0))
		ctl.Event(connected(64, hci.Peripheral))
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		synctest.Wait()
		if count(ctl, hci.OpLELongTermKeyRequestNegativeReply) != 1 {
			t.Error("no negative reply")
		}
		l := h.link(0)
		l.mu.Lock()
		l.key = &[16]byte{1, 2, 3}
		l.mu.Unlock()
		ctl.Event(hci.LELongTermKeyRequest{Handle: 64})
		synctest.Wait()
		last := ctl.Commands()[len(ctl.Commands())-1]
		if last.Opcode != hci.OpLELongTermKeyRequestReply || last.Parameters[2] != 1 {
			t.Errorf("the last command is %v", last.Opcode)
		}
	})
}

// Encryption: the outcome by either event, or by the command's own refusal.
func TestEncryption(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Event(connected(64, hci.Central)) // nobody asked: it is disconnected
		ctl.Event(connected(65, hci.Peripheral))
		synctest.Wait()
		if count(ctl, hci.OpDisconnect) != 1 {
			t.Error("an unwanted connection was kept")
		}
		l := h.link(0)
		ctl.Handle(hci.OpLEEnableEncryption, hcitest.Refuse(hci.CommandDisallowed))
		if err := l.conn.Encrypt([16]byte{}, [8]byte{}, 0); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctl.Event(hci.EncryptionChange{Status: hci.PINOrKeyMissing, Handle: 65})
		ctl.Event(hci.EncryptionKeyRefreshComplete{Handle: 65})
		synctest.Wait()
		want := []hci.Status{hci.CommandDisallowed, hci.PINOrKeyMissing, hci.Success}
		if len(l.encryption) != 3 || l.encryption[0] != want[0] || l.encryption[1] != want[1] || l.encryption[2] != want[2] {
			t.Errorf("%v, want %v", l.encryption, want)
		}
	})
}

// The end of the controller ends everything on it: connections, and commands without an answer.
func TestControllerLost(t *testing.T) {
	for name, end := range map[string]func(*hcitest.Controller){
		"transport":      func(ctl *hcitest.Controller) { ctl.Break(transport.ErrGone) },
		"hardware error": func(ctl *hcitest.Controller) { ctl.Event(hci.HardwareError{Hardware: 3}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
				ctl.Handle(hci.OpLERand, hcitest.Silent)
				ctl.Event(connected(64, hci.Peripheral))
				pending := make(chan error, 1)
				go func() { _, err := c.Do(t.Context(), hci.LERand); pending <- err }()
				synctest.Wait()
				end(ctl)
				if err := <-pending; !errors.Is(err, net.ErrClosed) {
					t.Errorf("pending command: %v", err)
				}
				synctest.Wait()
				l := h.link(0)
				if l.ended == nil || !errors.Is(l.ended, net.ErrClosed) || !errors.Is(l.conn.Err(), net.ErrClosed) {
					t.Errorf("the connection ended with %v", l.ended)
				}
				if _, err := c.Do(t.Context(), hci.LERand); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Do: %v", err)
				}
				if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, net.ErrClosed) {
					t.Errorf("Connect: %v", err)
				}
			})
		})
	}
}

// Scanning is paused while a connection is created, since not every controller does both.
func TestScanPausesForConnect(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		for _, op := range []hci.Opcode{hci.OpLESetScanParameters, hci.OpLESetScanEnable} {
			ctl.Handle(op, hcitest.Return())
		}
		if err := c.StartScan(t.Context(), driver.ScanParameters{}); err != nil {
			t.Fatal(err)
		}
		ctl.Event(hci.LEAdvertisingReport{Reports: []hci.AdvertisingReport{{Address: peer, Data: []byte{2, 1, 6}, RSSI: -40}}})
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.LEConnectionComplete{Status: hci.ConnectionFailedToBeEstablished})
		})
		_, _ = c.Connect(t.Context(), peer, driver.ConnectParameters{})
		if err := c.StopScan(t.Context()); err != nil {
			t.Fatal(err)
		}
		var enables string
		for _, f := range ctl.Commands() {
			if f.Opcode == hci.OpLESetScanEnable {
				enables += string('0' + f.Parameters[0])
			}
		}
		if enables != "1010" {
			t.Errorf("scanning went %s, want on, off, on, off", enables)
		}
		if len(h.reports) != 1 || h.reports[0].Address != peer {
			t.Errorf("reports %+v", h.reports)
		}
	})
}
