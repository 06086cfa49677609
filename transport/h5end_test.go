package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A link is given up when ctx says so, and the error says what was seen.
func TestH5NoLink(t *testing.T) {
	tests := []struct {
		name string
		peer func(r *rawPeer)
		want string
	}{
		{"a silent peer", (*rawPeer).drain,
			"H5 link: nothing came in answer to SYNC: context deadline exceeded (0 octets and 0 frames received, 0 damaged, 0 packets sent again)"},
		{"a peer that takes nothing", func(*rawPeer) {},
			"H5 link: nothing came in answer to SYNC: context deadline exceeded (0 octets and 0 frames received, 0 damaged, 0 packets sent again)"},
		{"an H4 controller", func(r *rawPeer) { go r.line.Write([]byte{4, 0x10, 1, 0x20}); r.drain() },
			"H5 link: octets came but no frame, as at a wrong rate or parity, or from a controller that talks H4: context deadline exceeded (4 octets and 0 frames received, 0 damaged, 0 packets sent again)"},
		{"a peer that does not go on", func(r *rawPeer) { go r.drain(); r.send(control(h5Sync), control(h5SyncRsp)) },
			"H5 link: no CONFIG RESPONSE: context deadline exceeded (16 octets and 2 frames received, 0 damaged, 0 packets sent again)"},
		{"the line ends", func(r *rawPeer) { r.receive(); r.line.Close() },
			"H5 link: read: the controller is gone: EOF (0 octets and 0 frames received, 0 damaged, 0 packets sent again)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer far.Close()
				go tt.peer(&rawPeer{t: t, line: far})
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				h, err := NewH5(ctx, near, H5Config{})
				var e *H5Error
				if h != nil || !errors.As(err, &e) || err.Error() != tt.want {
					t.Errorf("%v, %v; want %s", h, err, tt.want)
				}
				if errors.Is(err, context.DeadlineExceeded) == errors.Is(err, ErrGone) {
					t.Errorf("%v is of the wrong kind", err)
				}
				if _, err := near.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the line is still open: %v", err)
				}
			})
		})
	}
}

func TestH5Cancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		go (&rawPeer{t: t, line: far}).drain()
		if _, err := NewH5(ctx, near, H5Config{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// When the peer starts anew, what came before is still read, and everything after it is ErrPeerReset.
func TestH5PeerResetEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, r := h5Raw(t, H5Config{}, 0x14)
		go r.drain()
		r.send(event(0, 0), event(1, 0), control(h5Sync))
		synctest.Wait()
		b := make([]byte, MaxPacket)
		for i := range 2 {
			if n, err := h.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(Event, i)) {
				t.Errorf("packet %d: % X, %v", i, b[:n], err)
			}
		}
		for range 2 {
			if _, err := h.ReadPacket(b); !errors.Is(err, ErrPeerReset) || errors.Is(err, ErrGone) {
				t.Errorf("read: %v", err)
			}
			if err := h.WritePacket(packet(Command, 0)); !errors.Is(err, ErrPeerReset) {
				t.Errorf("write: %v", err)
			}
		}
		if err := h.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if _, err := h.ReadPacket(b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after Close: %v", err)
		}
	})
}

// A borrowed line outlives whoever closes it, as a serial line outlives a process.
type borrowed struct{ net.Conn }

func borrow(c net.Conn) borrowed {
	c.SetDeadline(time.Time{})
	return borrowed{c}
}

func (b borrowed) Close() error { return b.SetDeadline(time.Unix(1, 0)) }

// A host that was killed and started again is a peer that was reset, to a controller that goes on; and it finds the
// controller with the next link.
func TestH5HostStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		h, c := h5Connect(t, borrow(near), borrow(far), H5Config{}, H5Config{})
		b := make([]byte, MaxPacket)
		for i := range 10 {
			if err := c.WritePacket(packet(Event, i)); err != nil {
				t.Fatal(err)
			}
			if _, err := h.ReadPacket(b); err != nil {
				t.Fatal(err)
			}
			h.Close()

			again := make(chan *H5)
			go func() {
				h, err := NewH5(t.Context(), borrow(near), H5Config{})
				if err != nil {
					t.Error(err)
				}
				again <- h
			}()
			if _, err := c.ReadPacket(b); !errors.Is(err, ErrPeerReset) {
				t.Fatalf("controller: %v", err)
			}
			c.Close()
			var err error
			if c, err = NewH5Controller(t.Context(), borrow(far), H5Config{}); err != nil {
				t.Fatal(err)
			}
			h = <-again
		}
		h.Close()
		c.Close()
	})
}

// Writers to a controller that went silent wait for no longer than the link's time-out.
func TestH5SilentPeer(t *testing.T) {
	for name, peer := range map[string]func(*rawPeer){
		"reads":         (*rawPeer).drain,
		"reads nothing": func(*rawPeer) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, r := h5Raw(t, H5Config{LinkTimeout: 2 * time.Second}, 0x14)
				go peer(r)
				begin, written := time.Now(), 0
				for {
					err := h.WritePacket(packet(Command, 3))
					if err == nil {
						written++
						continue
					}
					if !errors.Is(err, ErrGone) {
						t.Errorf("%v", err)
					}
					break
				}
				if d := time.Since(begin); d != 2*time.Second || written != h5MaxWindow {
					t.Errorf("%d packets taken, given up after %v", written, d)
				}
				if _, err := h.ReadPacket(make([]byte, MaxPacket)); !errors.Is(err, ErrGone) {
					t.Errorf("read: %v", err)
				}
			})
		})
	}
}

// A peer may say what it likes, and as much: memory and answers stay bounded, and what is good among it arrives.
func TestH5HostilePeer(t *testing.T) {
	tests := []struct {
		name  string
		piece []byte
	}{
		{"a frame without an end", bytes.Repeat([]byte{0x55}, 4000)},
		{"delimiters", bytes.Repeat([]byte{0xC0}, 4000)},
		{"escapes", bytes.Repeat([]byte{0xDB}, 4000)},
		{"the longest length", bytes.Repeat([]byte{0xC0, 0x80, 0xF4, 0xFF, 0x8C, 1, 0xC0}, 500)},
		{"a bad acknowledgement", bytes.Repeat(h5packet{ack: 5}.appendTo(nil, false), 600)},
		{"WAKEUP", bytes.Repeat(control(h5Wakeup).appendTo(nil, false), 500)},
		{"SLEEP", bytes.Repeat(control(h5Sleep).appendTo(nil, false), 500)},
		{"CONFIG", bytes.Repeat(control(h5Conf, 0x17).appendTo(nil, false), 500)},
		{"a packet from long ago", bytes.Repeat(event(6, 0).appendTo(nil, false), 500)},
		{"vendor packets", bytes.Repeat(h5packet{typ: 14, payload: make([]byte, 500)}.appendTo(nil, false), 8)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, r := h5Raw(t, H5Config{}, 0x14)
				go r.drain()
				for range 50 {
					if _, err := r.line.Write(tt.piece); err != nil {
						t.Fatal(err)
					}
				}
				r.line.Write([]byte{0xC0})
				r.send(event(0, 0))
				b := make([]byte, MaxPacket)
				if n, err := h.ReadPacket(b); err != nil || !bytes.Equal(b[:n], packet(Event, 0)) {
					t.Errorf("% X, %v", b[:n], err)
				}
			})
		})
	}
}

// Close from any state unblocks whoever is inside at once, and leaves nothing running: the bubble would say so.
func TestH5Close(t *testing.T) {
	read := func(h *H5, errs chan<- error) {
		go func() { _, err := h.ReadPacket(make([]byte, MaxPacket)); errs <- err }()
	}
	fill := func(h *H5, errs chan<- error) {
		for range h5MaxWindow {
			if err := h.WritePacket(packet(Command, 0)); err != nil {
				errs <- err
			}
		}
		go func() { errs <- h.WritePacket(packet(Command, 1)) }()
	}
	states := map[string]func(h *H5, r *rawPeer, errs chan<- error){
		"idle":    func(_ *H5, r *rawPeer, _ chan<- error) { go r.drain() },
		"reading": func(h *H5, r *rawPeer, errs chan<- error) { go r.drain(); read(h, errs) },
		"waiting for the window": func(h *H5, r *rawPeer, errs chan<- error) {
			go r.drain()
			fill(h, errs)
		},
		"the line takes nothing": func(h *H5, _ *rawPeer, errs chan<- error) {
			fill(h, errs)
			read(h, errs)
		},
		"a frame half received": func(h *H5, r *rawPeer, errs chan<- error) {
			go r.drain()
			r.line.Write([]byte{0xC0, 1, 2, 0xDB})
			read(h, errs)
		},
		"packets not read": func(h *H5, r *rawPeer, _ chan<- error) {
			go r.drain()
			r.send(event(0, 0), event(1, 0))
		},
		"peer asleep": func(h *H5, r *rawPeer, errs chan<- error) {
			go r.drain()
			r.send(control(h5Sleep))
			fill(h, errs)
		},
		"gone": func(_ *H5, r *rawPeer, _ chan<- error) { r.line.Close() },
	}
	for name, enter := range states {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, r := h5Raw(t, H5Config{}, 0x14)
				errs := make(chan error, 10)
				enter(h, r, errs)
				synctest.Wait()
				begin := time.Now()
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						if err := h.Close(); err != nil {
							t.Errorf("Close = %v", err)
						}
					})
				}
				wg.Wait()
				synctest.Wait()
				if d := time.Since(begin); d != 0 {
					t.Errorf("Close took %v", d)
				}
				close(errs)
				for err := range errs {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("unblocked with %v", err)
					}
				}
				if _, err := h.ReadPacket(make([]byte, MaxPacket)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("read after Close: %v", err)
				}
				if err := h.WritePacket(packet(Command, 0)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("write after Close: %v", err)
				}
			})
		})
	}
}

// An rw is a line of which each half is given.
type rw struct {
	read  func([]byte) (int, error)
	write func([]byte) (int, error)
	done  chan struct{}
}

func (l *rw) Read(b []byte) (int, error)  { return l.read(b) }
func (l *rw) Write(b []byte) (int, error) { return l.write(b) }
func (l *rw) Close() error                { close(l.done); return nil }

// What the line says of itself ends the link, as ErrGone and as itself.
func TestH5LineErrors(t *testing.T) {
	broken := errors.New("line broken")
	all := func(b []byte) (int, error) { return len(b), nil }
	for _, tt := range []struct {
		name        string
		read, write func([]byte) (int, error) // nil read waits for Close
		want        error
	}{
		{"read", func([]byte) (int, error) { return 0, broken }, all, broken},
		{"read that returns nothing for ever", func([]byte) (int, error) { return 0, nil }, all, io.ErrNoProgress},
		{"write", nil, func([]byte) (int, error) { return 0, broken }, broken},
		{"short write", nil, func(b []byte) (int, error) { return len(b) - 1, nil }, io.ErrShortWrite},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &rw{read: tt.read, write: tt.write, done: make(chan struct{})}
				if l.read == nil {
					l.read = func([]byte) (int, error) { <-l.done; return 0, io.EOF }
				}
				if _, err := NewH5(t.Context(), l, H5Config{}); !errors.Is(err, tt.want) || !errors.Is(err, ErrGone) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
