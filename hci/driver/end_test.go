package driver_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/internal/hcitest"
	"github.com/jelling-ble/jelling/transport"
)

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

// stuckWriter is a transport whose writes can be made to block, as a UART without a peer does.
type stuckWriter struct {
	*hcitest.Controller
	mu     sync.Mutex
	stuck  chan struct{} // not nil while writes block
	closed chan struct{}
	once   sync.Once
	blocks int
}

func newStuckWriter(s hcitest.Settings) *stuckWriter {
	return &stuckWriter{Controller: hcitest.NewController(s), closed: make(chan struct{})}
}

func (w *stuckWriter) block() (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	stuck := make(chan struct{})
	w.stuck = stuck
	return func() {
		w.mu.Lock()
		w.stuck = nil
		w.mu.Unlock()
		close(stuck)
	}
}

func (w *stuckWriter) WritePacket(p []byte) error {
	w.mu.Lock()
	stuck := w.stuck
	if stuck != nil {
		w.blocks++
	}
	w.mu.Unlock()
	if stuck != nil {
		select {
		case <-stuck:
		case <-w.closed:
			return net.ErrClosed
		}
	}
	return w.Controller.WritePacket(p)
}

func (w *stuckWriter) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Controller.Close()
}

// The writer is stuck in the transport: the loop goes on, connections come and go, data arrives, and Close
// ends it (complaints 4 and 5).
func TestWriterStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := newStuckWriter(hcitest.Settings{ACLBuffers: 2}), &host{}
		c := open(t, ctl, h)
		first := linked(t, ctl.Controller, h, 64)
		ctl.block()
		first.send([]byte("stuck"), true)
		synctest.Wait()
		if ctl.blocks != 1 {
			t.Fatal("the writer is not stuck")
		}
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte("in")})
		ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
		second := linked(t, ctl.Controller, h, 65)
		if in, _, ended := first.seen(); len(in) != 1 || !errors.Is(ended, hci.ConnectionTimeout) {
			t.Errorf("the loop stood still: %d fragments, %v", len(in), ended)
		}
		conserved(t, c)
		second.send([]byte("waits"), true)
		began := time.Now()
		if err := c.Close(); err != nil || time.Since(began) != 0 {
			t.Errorf("Close: %v after %v", err, time.Since(began))
		}
	})
}

// A command behind a stuck writer is late as any other; nobody waits for ever.
func TestCommandBehindAStuckWriter(t *testing.T) {
	for _, what := range []string{"data", "a command"} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl, h := newStuckWriter(hcitest.Settings{Credits: 2}), &host{}
				c := open(t, ctl, h)
				l := linked(t, ctl.Controller, h, 64)
				ctl.block()
				if what == "data" {
					l.send([]byte("stuck"), true)
				} else {
					go func() { _, _ = c.Do(t.Context(), hci.LERand) }()
				}
				synctest.Wait()
				began := time.Now()
				_, err := c.Do(t.Context(), hci.ReadBDADDR)
				if took := time.Since(began); !errors.Is(err, driver.ErrCommandTimeout) || took != 5*time.Second {
					t.Errorf("Do: %v after %v", err, took)
				}
				synctest.Wait()
				lost(t, c, driver.ErrCommandTimeout)
				_ = c.Close()
			})
		})
	}
}

// A writer that was stuck for a while goes on where it was; nothing is lost or sent twice.
func TestWriterGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := newStuckWriter(hcitest.Settings{ACLBuffers: 8}), &host{}
		c := open(t, ctl, h)
		l := linked(t, ctl.Controller, h, 64)
		release := ctl.block()
		for i := range 5 {
			l.send([]byte{byte('0' + i)}, true)
			synctest.Wait()
		}
		done := start(func() error { _, err := c.Do(t.Context(), hci.ReadBDADDR); return err })
		time.Sleep(4 * time.Second)
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := strings.Join(acl(ctl.Controller, 64), ""); got != "01234" {
			t.Errorf("sent %q", got)
		}
		// The command goes before the data that waited with it.
		packets := ctl.Sent()
		var kinds strings.Builder
		for _, p := range packets[len(packets)-6:] {
			kinds.WriteString(string('0' + p[0]))
		}
		if kinds.String() != "212222" {
			t.Errorf("packet types %s, want one fragment, the command, the rest", kinds.String())
		}
		_ = c.Close()
	})
}

// What came before the end of the transport is handled before the end: a disconnection keeps its reason.
func TestEndComesAfterWhatWasRead(t *testing.T) {
	for range 50 {
		bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
			a, b := linked(t, ctl, h, 64), linked(t, ctl, h, 65)
			ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte("last words")})
			ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.RemoteUserTerminatedConnection})
			ctl.Break(transport.ErrGone)
			synctest.Wait()
			if in, _, ended := a.seen(); len(in) != 1 || !errors.Is(ended, hci.RemoteUserTerminatedConnection) {
				t.Errorf("%d fragments, ended with %v", len(in), ended)
			}
			if _, _, ended := b.seen(); !errors.Is(ended, transport.ErrGone) || !errors.Is(ended, net.ErrClosed) {
				t.Errorf("the other ended with %v", ended)
			}
		})
	}
}

// Close may be called at any time, by many, and more than once; it frees whoever waits, and waits for all
// that runs.
func TestCloseFreesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctl, h := hcitest.NewController(hcitest.Settings{}), &host{}
		c := open(t, ctl, h)
		l := linked(t, ctl, h, 64)
		ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.Success))
		ctl.Handle(hci.OpReadRemoteVersionInformation, hcitest.Refuse(hci.Success))
		connect := func() error { _, err := c.Connect(t.Context(), device(9), driver.ConnectParameters{}); return err }
		waiting := []<-chan error{start(connect), start(connect),
			start(func() error { _, err := l.conn.RemoteVersion(t.Context()); return err })}
		ctl.Handle(hci.OpLERand, hcitest.Silent)
		rand := func() error { _, err := c.Do(t.Context(), hci.LERand); return err }
		waiting = append(waiting, start(rand), start(rand),
			start(func() error { return advertising(t, c, driver.AdvertisingParameters{}) }),
			start(func() error { <-c.Done(); return c.Err() }), start(func() error { <-l.conn.Done(); return l.conn.Err() }))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if err := ctl.WritePacket(nil); err == nil {
					t.Error("Close returned before the transport was closed")
				}
			})
		}
		wg.Wait()
		for i, done := range waiting {
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if _, err := c.Statistics(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Statistics: %v", err)
		}
		if _, err := c.Connections(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Connections: %v", err)
		}
	})
}

// A host that sees the end from its handler is told in any order, and none of it is told twice.
func TestErrorsSayWhatHappened(t *testing.T) {
	command := &driver.CommandError{Opcode: hci.OpLECreateConnection, Err: hci.ConnectionLimitExceeded}
	for _, c := range []struct {
		err  error
		text string
		is   []error
	}{
		{command, "hci: LE Create Connection: Connection Limit Exceeded (0x09)", []error{hci.ConnectionLimitExceeded}},
		{&driver.DisconnectedError{Peer: peer, Reason: hci.ConnectionTimeout}, "C6:05:04:03:02:01 disconnected: Connection Timeout (0x08)", []error{hci.ConnectionTimeout, net.ErrClosed}},
		{&driver.ClosedError{}, "controller closed", []error{net.ErrClosed}},
		{&driver.ClosedError{Cause: &driver.HardwareError{Code: 3}}, "controller lost: the controller reported hardware error 0x03", []error{net.ErrClosed}},
		{&driver.ClosedError{Cause: command}, "controller lost: " + command.Error(), []error{net.ErrClosed, hci.ConnectionLimitExceeded}},
	} {
		if c.err.Error() != c.text {
			t.Errorf("%q, want %q", c.err, c.text)
		}
		for _, is := range c.is {
			if !errors.Is(c.err, is) {
				t.Errorf("%v is not %v", c.err, is)
			}
		}
	}
}

// slowToClose is a transport that takes its time to be closed, as the kernel does that takes a controller
// down.
type slowToClose struct {
	*hcitest.Controller
	closed atomic.Bool
}

func (s *slowToClose) Close() error {
	err := s.Controller.Close()
	time.Sleep(3 * time.Second)
	s.closed.Store(true)
	return err
}

// Complaint 5: when Close has returned the controller is free for the next, whoever began the end.
func TestCloseReleasesTheController(t *testing.T) {
	for name, end := range map[string]func(*slowToClose, *driver.Controller){
		"Close":          func(*slowToClose, *driver.Controller) {},
		"another Close":  func(_ *slowToClose, c *driver.Controller) { go c.Close() },
		"hardware error": func(s *slowToClose, _ *driver.Controller) { s.Event(hci.HardwareError{}) },
		"unplugged":      func(s *slowToClose, _ *driver.Controller) { s.Break(transport.ErrGone) },
		"a time-out": func(s *slowToClose, c *driver.Controller) {
			s.Handle(hci.OpLERand, hcitest.Silent)
			_, _ = c.Do(context.Background(), hci.LERand)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctl := &slowToClose{Controller: hcitest.NewController(hcitest.Settings{})}
				c, err := driver.Open(t.Context(), ctl, driver.Config{})
				if err != nil {
					t.Fatal(err)
				}
				end(ctl, c)
				synctest.Wait()
				if _, err := c.Statistics(); name != "Close" && !errors.Is(err, net.ErrClosed) {
					t.Errorf("the loop goes on: %v", err)
				}
				_ = c.Close()
				if !ctl.closed.Load() {
					t.Error("Close returned before the transport was closed")
				}
				_ = c.Close()
			})
		})
	}
}
