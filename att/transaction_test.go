package att_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// read is a request whose answer tells which one it was.
func read(handle uint16) func(context.Context, *att.Conn) (any, error) {
	return func(ctx context.Context, c *att.Conn) (any, error) { return c.Read(ctx, handle) }
}

func (r result) want(t *testing.T, value string) {
	t.Helper()
	if r.err != nil {
		t.Errorf("got %v, want %s", r.err, value)
		return
	}
	wantOctets(t, r.value.([]byte), value)
}

// TestTransactionTimeout is Vol 3, Part F, 3.3.3: 30 s after a request or an indication the bearer ends, and nothing more is sent.
func TestTransactionTimeout(t *testing.T) {
	for _, r := range requestCases {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
				began := time.Now()
				done := start(c, r.call)
				peer.Want(r.request)
				next := start(c, r.call)
				time.Sleep(att.TransactionTimeout - 1)
				synctest.Wait()
				if err := c.Err(); err != nil {
					t.Fatalf("too early: %v", err)
				}
				for _, got := range []result{<-done, <-next} {
					if !errors.Is(got.err, att.ErrTimeout) || !errors.Is(got.err, net.ErrClosed) {
						t.Errorf("%+v", got)
					}
				}
				if waited := time.Since(began); waited != att.TransactionTimeout {
					t.Errorf("after %v", waited)
				}
				synctest.Wait()
				if err := peer.Bearer().Err(); !errors.Is(err, att.ErrTimeout) {
					t.Errorf("the bearer: %v", err)
				}
				peer.WantNothing()
			})
		})
	}
}

// stuckBearer is a bearer that takes its time to end.
type stuckBearer struct {
	*atttest.Bearer
	asked chan error
}

func (b stuckBearer) Disconnect(err error) { b.asked <- err }

// TestNothingAfterTimeout wants no request, command, indication or notification in the time it takes the link to end.
func TestNothingAfterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{})
		peer := atttest.NewPeer(t, far)
		b := stuckBearer{near, make(chan error, 1)}
		c := att.NewConn(b, att.Config{})
		near.Attach(c)
		done := start(c, read(1))
		peer.Want("0a0100")
		if got := <-done; !errors.Is(got.err, att.ErrTimeout) {
			t.Errorf("%+v", got)
		}
		if err := <-b.asked; !errors.Is(err, att.ErrTimeout) {
			t.Errorf("disconnected because of %v", err)
		}
		peer.Send("0b00") // too late
		ctx := t.Context()
		_, read := c.Read(ctx, 2)
		_, mtu := c.ExchangeMTU(ctx)
		for name, err := range map[string]error{
			"read":     read,
			"MTU":      mtu,
			"command":  c.WriteCommand(ctx, 2, nil),
			"notify":   c.Notify(ctx, 2, nil),
			"indicate": c.Indicate(ctx, 2, nil),
		} {
			if !errors.Is(err, att.ErrTimeout) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		peer.WantNothing()
		near.Disconnect(io.EOF)
		c.Wait()
	})
}

// TestAnswerStopsTheClock wants a second request to have its own 30 s.
func TestAnswerStopsTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		for range 3 {
			done := start(c, read(1))
			peer.Want("0a0100")
			time.Sleep(att.TransactionTimeout - time.Second)
			peer.Send("0b01")
			(<-done).want(t, "01")
		}
		time.Sleep(2 * att.TransactionTimeout)
		synctest.Wait()
		if err := c.Err(); err != nil {
			t.Error(err)
		}
	})
}

// TestCancelDoesNotPoison cancels a request in flight: its caller is free at once, its answer is nobody's, and the next request is
// sent only then and gets its own.
func TestCancelDoesNotPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		why := errors.New("tired of waiting")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := c.Read(ctx, 1)
			done <- err
		}()
		peer.Want("0a0100")
		cancel(why)
		if err := <-done; !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
		next := start(c, read(2))
		time.Sleep(20 * time.Second)
		peer.WantNothing()
		peer.Send("0b01")
		peer.Want("0a0200")
		peer.Send("0b02")
		(<-next).want(t, "02")
		if got := c.Stats(); got != (att.Stats{}) {
			t.Errorf("%+v", got)
		}
	})
}

// TestCancelledStillTimesOut wants the bearer's end 30 s after a request whose caller left, and waiting callers to hear of it.
func TestCancelledStillTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := c.Read(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		peer.Want("0a0100")
		if _, err := c.Read(t.Context(), 2); !errors.Is(err, att.ErrTimeout) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(began); waited != att.TransactionTimeout {
			t.Errorf("after %v", waited)
		}
	})
}

func TestCancelWhileWaitingForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		first := start(c, read(1))
		peer.Want("0a0100")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Read(ctx, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if _, err := c.Read(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that is over: %v", err)
		}
		peer.Send("0b01")
		(<-first).want(t, "01")
		peer.WantNothing()
	})
}

// TestCancelledBeforeAsking wants nothing to be sent for a context that is over.
func TestCancelledBeforeAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(io.ErrNoProgress)
		for range 50 {
			for _, r := range requestCases {
				if _, err := r.call(ctx, c); !errors.Is(err, io.ErrNoProgress) {
					t.Errorf("%s: %v", r.name, err)
				}
			}
			if err := c.WriteCommand(ctx, 1, nil); !errors.Is(err, io.ErrNoProgress) {
				t.Errorf("write command: %v", err)
			}
			if err := c.Notify(ctx, 1, nil); !errors.Is(err, io.ErrNoProgress) {
				t.Errorf("notify: %v", err)
			}
			if _, err := c.ExchangeMTU(ctx); !errors.Is(err, io.ErrNoProgress) {
				t.Errorf("MTU: %v", err)
			}
		}
		peer.WantNothing()
	})
}

// TestCancelWhileSending wants a request that never left to be over at once.
func TestCancelWhileSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{SendRoom: 1})
		c := atttest.NewConn(t, near, att.Config{})
		if err := c.WriteCommand(t.Context(), 1, nil); err != nil { // fills the bearer
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Read(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		peer := atttest.NewPeer(t, far)
		peer.Want("52 0100")
		done := start(c, read(2))
		peer.Want("0a0200")
		peer.Send("0b02")
		(<-done).want(t, "02")
		time.Sleep(2 * att.TransactionTimeout)
		if err := c.Err(); err != nil {
			t.Error(err)
		}
	})
}

// TestSendingTimesOut wants no request to wait for ever for a peer that takes nothing.
func TestSendingTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := atttest.NewBearers(atttest.Options{SendRoom: 1})
		c := atttest.NewConn(t, near, att.Config{})
		if err := c.WriteCommand(t.Context(), 1, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(t.Context(), 1); !errors.Is(err, att.ErrTimeout) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

// earlyBearer answers a request before Send returns, and may refuse to have sent it.
type earlyBearer struct {
	*atttest.Bearer
	conn   **att.Conn
	answer []byte
	err    error
}

func (b earlyBearer) Send(context.Context, []byte) error {
	(*b.conn).Receive(b.answer, att.Security{})
	return b.err
}

func TestAnswerBeforeSendReturns(t *testing.T) {
	near, _ := atttest.NewBearers(atttest.Options{})
	var c *att.Conn
	b := earlyBearer{Bearer: near, conn: &c, answer: []byte{0x0B, 7}}
	c = att.NewConn(&b, att.Config{})
	for range 3 {
		v, err := c.Read(t.Context(), 1)
		result{v, err}.want(t, "07")
	}
	b.err = io.ErrNoProgress
	for range 3 {
		if _, err := c.Read(t.Context(), 1); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%v", err)
		}
	}
	b.err = nil
	v, err := c.Read(t.Context(), 1)
	result{v, err}.want(t, "07")
	near.Disconnect(io.EOF)
	c.Wait()
}

// TestConcurrentCallersTakeTurns has many callers, each of which has to get the answer to its own request.
func TestConcurrentCallersTakeTurns(t *testing.T) {
	echo := att.HandlerFunc(func(_ context.Context, req *att.Request, rsp []byte) ([]byte, error) {
		h := req.PDU.(*att.ReadRequest).Handle
		return att.ReadResponse{Value: []byte{byte(h), byte(h >> 8)}}.AppendTo(rsp), nil
	})
	c, _ := atttest.Conns(t, atttest.Options{}, att.Config{}, att.Config{Server: echo})
	const callers, reads = 16, 100
	done := make(chan error, callers)
	for i := range callers {
		go func() {
			buf := make([]byte, 2)
			for n := range reads {
				h := uint16(i*reads + n)
				if _, err := c.ReadInto(context.Background(), h, buf); err != nil || buf[0] != byte(h) || buf[1] != byte(h>>8) {
					done <- errors.Join(err, errors.New("not mine"))
					return
				}
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestCancelStorm cancels at every possible moment: each read gets its own answer or none.
func TestCancelStorm(t *testing.T) {
	echo := att.HandlerFunc(func(_ context.Context, req *att.Request, rsp []byte) ([]byte, error) {
		h := req.PDU.(*att.ReadRequest).Handle
		return att.ReadResponse{Value: []byte{byte(h), byte(h >> 8)}}.AppendTo(rsp), nil
	})
	c, server := atttest.Conns(t, atttest.Options{}, att.Config{}, att.Config{Server: echo})
	for h := range uint16(2000) {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		v, err := c.Read(ctx, h)
		if err == nil && (v[0] != byte(h) || v[1] != byte(h>>8)) {
			t.Fatalf("read %d got %x", h, v)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
	}
	if a, b := c.Stats(), server.Stats(); a != (att.Stats{}) || b != (att.Stats{}) {
		t.Errorf("%+v, %+v", a, b)
	}
}

// TestAnswerNobodyAskedFor wants responses and confirmations that come out of the blue to be counted and dropped.
func TestAnswerNobodyAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		stray := []string{"0b01", "01 0a 0100 0a", "03 0002", "1e", "0b" + longHex, "13", "1e00"}
		for _, pdu := range stray {
			peer.Send(pdu)
		}
		synctest.Wait()
		done := start(c, read(1))
		peer.Ask("1e", "0a0100")
		synctest.Wait()
		peer.Send("0b02")
		peer.Send("0b03") // twice
		(<-done).want(t, "02")
		synctest.Wait()
		if got, want := c.Stats(), (att.Stats{Unexpected: uint64(len(stray)) + 2}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if c.MTU() != att.DefaultMTU {
			t.Errorf("MTU %d", c.MTU())
		}
	})
}

// TestBearerEnds wants everything that waits to hear why.
func TestBearerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{SendRoom: 4})
		c := atttest.NewConn(t, near, att.Config{})
		for range 4 { // nobody takes anything: the bearer is full
			if err := c.Notify(t.Context(), 1, nil); err != nil {
				t.Fatal(err)
			}
		}
		pending := map[string]chan result{
			"sending":        start(c, read(1)),
			"for a turn":     start(c, read(2)),
			"exchanging":     start(c, func(ctx context.Context, c *att.Conn) (any, error) { return c.ExchangeMTU(ctx) }),
			"a command":      start(c, func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.WriteCommand(ctx, 1, nil)) }),
			"a notification": start(c, func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.Notify(ctx, 1, nil)) }),
			"an indication":  start(c, func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.Indicate(ctx, 1, nil)) }),
		}
		synctest.Wait()
		far.Disconnect(io.ErrUnexpectedEOF)
		for name, done := range pending {
			if got := <-done; !errors.Is(got.err, io.ErrUnexpectedEOF) || !errors.Is(got.err, net.ErrClosed) {
				t.Errorf("%s: %+v", name, got)
			}
		}
		<-c.Done()
		c.Wait()
		if err := c.Err(); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
		if _, err := c.Read(t.Context(), 1); !errors.Is(err, net.ErrClosed) {
			t.Errorf("afterwards: %v", err)
		}
		if err := c.WriteCommand(t.Context(), 1, nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// TestBearerEndsInFlight is the same for requests that were sent, with and without a caller.
func TestBearerEndsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		indicated := start(c, func(_ context.Context, c *att.Conn) (any, error) { return noResult(c.Indicate(ctx, 1, nil)) })
		peer.Want("1d0100")
		cancel()
		if got := <-indicated; !errors.Is(got.err, context.Canceled) {
			t.Errorf("%+v", got)
		}
		done := start(c, read(1))
		peer.Want("0a0100")
		peer.Bearer().Disconnect(io.ErrUnexpectedEOF)
		if got := <-done; !errors.Is(got.err, io.ErrUnexpectedEOF) || !errors.Is(got.err, net.ErrClosed) {
			t.Errorf("%+v", got)
		}
		c.Wait()
		time.Sleep(2 * att.TransactionTimeout)
		if err := c.Err(); errors.Is(err, att.ErrTimeout) {
			t.Errorf("%v", err)
		}
	})
}

// A confirmation counts before anything that arrives later, also when nobody waits for it any more.
func TestConfirmedBeforeWhatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{Server: att.HandlerFunc(func(_ context.Context, _ *att.Request, rsp []byte) ([]byte, error) {
			order = append(order, "request")
			return append(rsp, byte(att.OpReadResponse)), nil
		})})
		confirmed := func() { order = append(order, "confirmed") }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.IndicateThen(ctx, 3, []byte{1}, confirmed) }()
		peer.Want("1d 0300 01")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		peer.Send("1e")
		peer.Ask("0a 0300", "0b")
		go func() { done <- c.Indicate(t.Context(), 3, []byte{2}) }()
		peer.Want("1d 0300 02")
		peer.Send("1e")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := strings.Join(order, " "); got != "confirmed request" {
			t.Errorf("order: %s", got)
		}
	})
}
