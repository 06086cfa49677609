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
	"github.com/jelling-ble/jelling/transport"
)

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

// A connection that has ended before Connect returns still has what handles it.
func TestConnectedAndGone(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Event(connected(64, hci.Central))
			ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout})
			ctl.Status(f.Opcode, hci.Success)
		})
		conn, err := c.Connect(t.Context(), peer, driver.ConnectParameters{})
		if err != nil {
			t.Fatal(err)
		}
		if l, ok := conn.Handler().(*link); !ok || l != h.links()[0] || !errors.Is(conn.Err(), hci.ConnectionTimeout) {
			t.Errorf("%v handles it, it ended by %v", conn.Handler(), conn.Err())
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

// creates answers LE Create Connection with that connection.
func creates(handle uint16) hcitest.Handler {
	return func(ctl *hcitest.Controller, f hci.CommandFrame) {
		ctl.Status(f.Opcode, hci.Success)
		ctl.Event(connected(handle, hci.Central))
	}
}

// What is asked of the controller: the defaults, and what the caller says.
func TestConnectParameters(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.ConnectionLimitExceeded))
		ctl.Handle(hci.OpLESetRandomAddress, hcitest.Return())
		own := hci.Address{Type: hci.Random, Octets: [6]byte{9, 8, 7, 6, 5, 0xC4}}
		if err := c.SetRandomAddress(t.Context(), own); err != nil || c.OwnAddress() != own {
			t.Errorf("own address %v, %v", c.OwnAddress(), err)
		}
		mine := driver.ConnectParameters{ScanInterval: 100, ScanWindow: 50, ConnectionParameters: hci.ConnectionParameters{
			IntervalMin: 6, IntervalMax: 8, Latency: 3, SupervisionTimeout: 100, MinCELength: 1, MaxCELength: 2}}
		for _, p := range []driver.ConnectParameters{{}, mine} {
			if _, err := c.Connect(t.Context(), peer, p); !errors.Is(err, hci.ConnectionLimitExceeded) {
				t.Errorf("Connect: %v", err)
			}
		}
		want := []hci.LECreateConnection{
			{ScanInterval: 0x60, ScanWindow: 0x30, Peer: peer, OwnAddressType: 1, Parameters: hci.ConnectionParameters{IntervalMin: 24, IntervalMax: 40, SupervisionTimeout: 420}},
			{ScanInterval: 100, ScanWindow: 50, Peer: peer, OwnAddressType: 1, Parameters: mine.ConnectionParameters},
		}
		i := 0
		for _, f := range ctl.Commands() {
			if f.Opcode == hci.OpLECreateConnection {
				if got, err := hci.ParseLECreateConnection(f.Parameters); err != nil || got != want[i] {
					t.Errorf("%+v, want %+v", got, want[i])
				}
				i++
			}
		}
	})
}

// Cancelling frees the caller at once, even before the controller has said anything.
func TestConnectFreesItsCallerAtOnce(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, hcitest.Silent)
		ctl.Handle(hci.OpLECreateConnectionCancel, hcitest.Return())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := c.Connect(ctx, peer, driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("Connect: %v after %v", err, time.Since(began))
		}
		if _, err := c.Connect(ctx, peer, driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("another: %v after %v", err, time.Since(began))
		}
		ctl.Status(hci.OpLECreateConnection, hci.Success)
		synctest.Wait()
		ctl.Event(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier})
		ctl.Handle(hci.OpLECreateConnection, creates(64))
		if conn, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); err != nil || conn.Handle() != 64 {
			t.Errorf("the next: %v", err)
		}
		if len(h.links()) != 1 {
			t.Errorf("the host was told of %d connections", len(h.links()))
		}
	})
}

// Complaint 3: after some attempts none succeeds. A cancellation that the controller never confirms ends the
// controller, and does not leave the next caller to wait for ever.
func TestCancellationNeverConfirmed(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.Success))
		ctl.Handle(hci.OpLECreateConnectionCancel, hcitest.Return())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = c.Connect(ctx, peer, driver.ConnectParameters{})
		if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the next: %v", err)
		}
		lost(t, c, driver.ErrCommandTimeout)
	})
}

// Complaint 3, again: the controller is at an attempt that we know nothing of. It is cancelled.
func TestForgottenAttemptIsCancelled(t *testing.T) {
	for _, c := range []struct {
		name   string
		cancel hcitest.Handler
	}{
		{"there is one", func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Complete(f.Opcode)
			ctl.Event(hci.LEConnectionComplete{Status: hci.UnknownConnectionIdentifier})
		}},
		{"there is none", hcitest.Fail(hci.CommandDisallowed)},
		{"there is none, and it does not say so", hcitest.Return()},
		{"it is at its end", func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Complete(f.Opcode)
			ctl.Event(connected(63, hci.Central))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, d *driver.Controller) {
				ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.CommandDisallowed))
				ctl.Handle(hci.OpLECreateConnectionCancel, c.cancel)
				ctl.Handle(hci.OpDisconnect, func(ctl *hcitest.Controller, f hci.CommandFrame) {
					ctl.Status(f.Opcode, hci.Success)
					ctl.Event(hci.DisconnectionComplete{Handle: 63, Reason: hci.ConnectionTerminatedByLocalHost})
				})
				if _, err := d.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, hci.CommandDisallowed) {
					t.Errorf("Connect: %v", err)
				}
				if count(ctl, hci.OpLECreateConnectionCancel) != 1 {
					t.Error("nothing was cancelled")
				}
				ctl.Handle(hci.OpLECreateConnection, creates(64))
				if _, err := d.Connect(t.Context(), peer, driver.ConnectParameters{}); err != nil {
					t.Errorf("the next: %v", err)
				}
				if n, err := d.Connections(); n != 1 || err != nil {
					t.Errorf("%d connections, %v", n, err)
				}
			})
		})
	}
}

// A connection that comes when its caller has gone is not told of, and disconnected. Its entry and its
// handle are as clean as any.
func TestConnectionNobodyWaitsFor(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.Success))
		ctl.Handle(hci.OpLECreateConnectionCancel, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Complete(f.Opcode)
			ctl.Event(connected(64, hci.Central)) // it was too late
		})
		ctl.Handle(hci.OpDisconnect, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTerminatedByLocalHost})
		})
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := c.Connect(ctx, peer, driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Connect: %v", err)
			}
			cancel()
		}
		synctest.Wait()
		if n, err := c.Connections(); n != 0 || err != nil || len(h.links()) != 0 || count(ctl, hci.OpDisconnect) != 10 {
			t.Errorf("%d connections, %v; the host was told of %d", n, err, len(h.links()))
		}
	})
}

// The connection and the end of ctx at the same moment: either the caller has the connection, or it is
// disconnected. Never neither.
func TestConnectRacesItsContext(t *testing.T) {
	var got, gone int
	for range 200 {
		bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
				ctl.Status(f.Opcode, hci.Success)
				time.AfterFunc(time.Second, func() { ctl.Event(connected(64, hci.Central)) })
			})
			ctl.Handle(hci.OpLECreateConnectionCancel, hcitest.Fail(hci.CommandDisallowed))
			conn, err := c.Connect(ctx, peer, driver.ConnectParameters{})
			synctest.Wait()
			disconnected := count(ctl, hci.OpDisconnect)
			switch {
			case err == nil && conn != nil && disconnected == 0:
				got++
			case errors.Is(err, context.DeadlineExceeded) && disconnected == 1:
				gone++
			default:
				t.Errorf("Connect: %v, %v; disconnected %d times", conn, err, disconnected)
			}
		})
	}
	t.Logf("%d had it, %d had gone", got, gone)
}

// The controller dies while an attempt is abandoned, at each step of that.
func TestControllerDiesDuringCancellation(t *testing.T) {
	die := func(ctl *hcitest.Controller, _ hci.CommandFrame) { ctl.Break(transport.ErrGone) }
	for name, handlers := range map[string][2]hcitest.Handler{
		"before the status":         {die, hcitest.Silent},
		"at the cancellation":       {hcitest.Refuse(hci.Success), die},
		"before it is confirmed":    {hcitest.Refuse(hci.Success), hcitest.Silent},
		"before the event comes":    {hcitest.Refuse(hci.Success), hcitest.Return()},
		"when a connection came":    {hcitest.Refuse(hci.Success), func(ctl *hcitest.Controller, f hci.CommandFrame) { creates(64)(ctl, f); die(ctl, f) }},
		"before all that, silently": {hcitest.Silent, hcitest.Silent},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
				ctl.Handle(hci.OpLECreateConnection, handlers[0])
				ctl.Handle(hci.OpLECreateConnectionCancel, handlers[1])
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := c.Connect(ctx, peer, driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
					t.Errorf("Connect: %v", err)
				}
				synctest.Wait()
				ctl.Break(transport.ErrGone)
				if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the next: %v", err)
				}
				synctest.Wait()
				lost(t, c, transport.ErrGone)
			})
		})
	}
}

// Without an accept list attempts wait their turn, and each gets its own connection.
func TestConnectsTakeTurns(t *testing.T) {
	bubble(t, hcitest.Settings{AcceptList: -1}, func(t *testing.T, ctl *hcitest.Controller, _ *host, c *driver.Controller) {
		var pending int
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			if pending++; pending > 1 {
				t.Error("two at a time")
			}
			ctl.Status(f.Opcode, hci.Success)
			create, _ := hci.ParseLECreateConnection(f.Parameters)
			time.AfterFunc(100*time.Millisecond, func() {
				pending--
				e := connected(uint16(create.Peer.Octets[0]), hci.Central)
				e.Peer = create.Peer
				ctl.Event(e)
			})
		})
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				to := hci.Address{Type: hci.Random, Octets: [6]byte{byte(i + 1), 0, 0, 0, 0, 0xC0}}
				conn, err := c.Connect(t.Context(), to, driver.ConnectParameters{})
				if err != nil || conn.PeerAddress() != to || conn.Handle() != uint16(i+1) {
					t.Errorf("%v: %v", to, err)
				}
			})
		}
		wg.Wait()
		if n, _ := c.Connections(); n != 10 {
			t.Errorf("%d connections", n)
		}
	})
}

// Addresses on a connection: on air for cryptography, and the identity that the controller resolved.
func TestConnectionAddresses(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		private := [6]byte{1, 1, 1, 1, 1, 0x41}
		ours := [6]byte{2, 2, 2, 2, 2, 0x42}
		e := hci.LEEnhancedConnectionComplete{LEConnectionComplete: connected(64, hci.Peripheral), LocalResolvable: ours, PeerResolvable: private}
		e.PeerResolved = true
		ctl.Event(e)
		synctest.Wait()
		conn := h.link(0).conn
		if conn.PeerAddress() != (hci.Address{Type: hci.Random, Octets: private}) || conn.LocalAddress() != (hci.Address{Type: hci.Random, Octets: ours}) {
			t.Errorf("on air %v and %v", conn.PeerAddress(), conn.LocalAddress())
		}
		if identity, ok := conn.PeerIdentity(); identity != peer || !ok {
			t.Errorf("identity %v, %v", identity, ok)
		}
		if conn.Parameters().Interval != 24 || conn.MTU() != 27 {
			t.Errorf("%+v, MTU %d", conn.Parameters(), conn.MTU())
		}
	})
}

// The end of high duty cycle directed advertising is no attempt's end.
func TestAdvertisingTimeout(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			ctl.Event(hci.LEConnectionComplete{Status: hci.AdvertisingTimeout, Role: hci.Peripheral})
			ctl.Event(connected(64, hci.Central))
		})
		if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); err != nil {
			t.Error(err)
		}
	})
}

// A handle that comes again without its connection's end: that end was lost, and is made up for.
func TestHandleComesAgain(t *testing.T) {
	bubble(t, hcitest.Settings{ACLBuffers: 2}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		first := linked(t, ctl, h, 64)
		first.send([]byte("old"), true)
		first.send([]byte("old"), false)
		synctest.Wait()
		second := linked(t, ctl, h, 64)
		if _, _, ended := first.seen(); !errors.Is(ended, hci.UnspecifiedError) || first.conn.Err() == nil {
			t.Errorf("the first ended with %v", ended)
		}
		if free, total := c.Credits(); free != total {
			t.Errorf("%d of %d credits", free, total)
		}
		ctl.ACL(hci.ACL{Handle: 64, Boundary: hci.FirstFlushable, Data: []byte("new")})
		synctest.Wait()
		if in, _, _ := second.seen(); len(in) != 1 {
			t.Errorf("the second received %q", in)
		}
		if in, _, _ := first.seen(); len(in) != 0 {
			t.Errorf("the first received %q", in)
		}
	})
}

// A connection that the host refuses is an error of Connect, and disconnected.
func TestHostRefusesConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		h.refuse = true
		ctl.Handle(hci.OpLECreateConnection, creates(64))
		if conn, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); conn != nil || !errors.Is(err, hci.ConnectionTerminatedByLocalHost) {
			t.Errorf("Connect: %v, %v", conn, err)
		}
		synctest.Wait()
		if count(ctl, hci.OpDisconnect) != 1 {
			t.Error("it was kept")
		}
	})
}

// A peer whose connection came too late can be connected to again: the next attempt waits until the unwanted
// connection has ended, since the controller would refuse a second one to the same peer (0x0B).
func TestNextAttemptWaitsForTheUnwantedConnection(t *testing.T) {
	bubble(t, hcitest.Settings{}, func(t *testing.T, ctl *hcitest.Controller, h *host, c *driver.Controller) {
		ctl.Handle(hci.OpLECreateConnection, hcitest.Refuse(hci.Success))
		ctl.Handle(hci.OpLECreateConnectionCancel, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Event(connected(64, hci.Central))
			hcitest.Fail(hci.CommandDisallowed)(ctl, f)
		})
		ctl.Handle(hci.OpDisconnect, func(ctl *hcitest.Controller, f hci.CommandFrame) {
			ctl.Status(f.Opcode, hci.Success)
			time.AfterFunc(4*time.Second, func() { ctl.Event(hci.DisconnectionComplete{Handle: 64, Reason: hci.ConnectionTimeout}) })
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Connect(ctx, peer, driver.ConnectParameters{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Connect: %v", err)
		}
		ctl.Handle(hci.OpLECreateConnection, creates(65))
		began := time.Now()
		if _, err := c.Connect(t.Context(), peer, driver.ConnectParameters{}); err != nil || time.Since(began) != 4*time.Second {
			t.Errorf("the next: %v after %v", err, time.Since(began))
		}
	})
}
