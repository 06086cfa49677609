package att_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// requestPDUs are the requests and commands among the cases that a Handler gets.
func requestPDUs() []pduCase {
	var cs []pduCase
	for _, c := range pdus {
		if k := c.pdu.Opcode().Kind(); (k == att.KindRequest || k == att.KindCommand) && c.pdu.Opcode() != att.OpExchangeMTURequest {
			cs = append(cs, c)
		}
	}
	return cs
}

// TestHandlerGetsRequests wants each request and command parsed, with the security it came with.
func TestHandlerGetsRequests(t *testing.T) {
	for _, c := range requestPDUs() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var conn *att.Conn
				calls := 0
				conn, peer := atttest.Script(t, atttest.Options{Security: secure, Enhanced: true}, att.Config{
					Server: att.HandlerFunc(func(_ context.Context, req *att.Request, rsp []byte) ([]byte, error) {
						calls++
						if got := reflect.ValueOf(req.PDU).Elem().Interface(); !reflect.DeepEqual(got, c.pdu) {
							t.Errorf("got %+v, want %+v", got, c.pdu)
						}
						if req.Security != secure || req.Conn != conn || req.PDU.Opcode() != c.pdu.Opcode() || len(rsp) != 0 {
							t.Errorf("%+v", req)
						}
						wantOctets(t, req.Raw, c.hex)
						return append(rsp, byte(req.PDU.Opcode()+1), 0xAA), nil
					}),
				})
				for range 2 {
					peer.Send(c.hex)
					if !c.pdu.Opcode().IsCommand() {
						peer.Want(fmt.Sprintf("%02x aa", byte(c.pdu.Opcode()+1)))
					}
					peer.WantNothing()
				}
				if calls != 2 {
					t.Errorf("%d calls", calls)
				}
			})
		})
	}
}

// TestMalformedRequests cuts each request and command at each octet: Invalid PDU for the one, silence for the other (3.4.1.1).
func TestMalformedRequests(t *testing.T) {
	for _, c := range requestPDUs() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := atttest.Script(t, atttest.Options{}, att.Config{
					Server: att.HandlerFunc(func(context.Context, *att.Request, []byte) ([]byte, error) { return nil, att.ErrReadNotPermitted }),
				})
				b := octets(t, c.hex)
				malformed := uint64(0)
				for n := 1; n < len(b); n++ {
					peer.Send(fmt.Sprintf("%x", b[:n]))
					_, err := att.Parse(b[:n])
					if err != nil {
						malformed++
					}
					if c.pdu.Opcode().IsCommand() {
						peer.WantNothing()
						continue
					}
					if err != nil {
						peer.Want(fmt.Sprintf("01 %02x 0000 04", b[0]))
					} else {
						peer.Want(fmt.Sprintf("01 %02x %x 02", b[0], b[1:3]))
					}
				}
				if got, want := conn.Stats(), (att.Stats{Malformed: malformed}); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			})
		})
	}
}

// TestHandlerErrors wants each error to become the Error Response that says it best.
func TestHandlerErrors(t *testing.T) {
	const readReq, execute = "0a 3412", "18 01"
	for _, c := range []struct {
		name, request string
		err           error
		want          string
	}{
		{"a code", readReq, att.ErrInsufficientEncryption, "01 0a 3412 0f"},
		{"a code, wrapped", readReq, fmt.Errorf("value: %w", att.ErrorCode(0x80)), "01 0a 3412 80"},
		{"a code and a handle", readReq, &att.Error{Handle: 0x0005, Code: att.ErrInvalidHandle}, "01 0a 0500 01"},
		{"a code and a handle, wrapped", readReq, fmt.Errorf("%w", &att.Error{Handle: 5, Code: att.ErrOutOfRange}), "01 0a 0500 ff"},
		{"any other", readReq, io.ErrUnexpectedEOF, "01 0a 3412 0e"},
		{"a request without a handle", execute, att.ErrInvalidOffset, "01 18 0000 07"},
		{"a request without a handle, with one", execute, &att.Error{Handle: 5, Code: att.ErrInvalidOffset}, "01 18 0500 07"},
		{"malformed", readReq, &att.MalformedError{}, "01 0a 3412 0e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, peer := atttest.Script(t, atttest.Options{}, att.Config{
				Server: att.HandlerFunc(func(_ context.Context, _ *att.Request, rsp []byte) ([]byte, error) {
					return append(rsp, 0x0B), c.err
				}),
			})
			peer.Ask(c.request, c.want)
		})
	}
}

// TestHandlerFaults wants no nonsense of a Handler to reach the peer.
func TestHandlerFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		rsp  []byte
	}{
		{"nothing", nil},
		{"another response", []byte{0x0D, 1}},
		{"an error response", []byte{0x01, 0x0A, 0, 0, 1}},
		{"too long", append([]byte{0x0B}, make([]byte, 23)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, peer := atttest.Script(t, atttest.Options{}, att.Config{
				Server: att.HandlerFunc(func(context.Context, *att.Request, []byte) ([]byte, error) { return c.rsp, nil }),
			})
			peer.Ask("0a 0300", "01 0a 0300 0e")
			if got, want := conn.Stats(), (att.Stats{HandlerFaults: 1}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestNoServer has a Conn without attributes: discovery and reading find nothing (3.4.3, 3.4.4).
func TestNoServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		for _, c := range []struct{ asks, answer string }{
			{"04 0100 ffff", "01 04 0100 0a"},
			{"04 0000 ffff", "01 04 0000 01"},
			{"04 0200 0100", "01 04 0200 01"},
			{"06 0100 ffff 0028 0d18", "01 06 0100 0a"},
			{"06 0500 0400 0028 0d18", "01 06 0500 01"},
			{"08 0100 ffff 0328", "01 08 0100 0a"},
			{"08 0000 0000 0328", "01 08 0000 01"},
			{"10 0100 ffff 0028", "01 10 0100 0a"},
			{"10 0200 0100 0028", "01 10 0200 01"},
			{"0a 0300", "01 0a 0300 01"},
			{"0c 0300 0000", "01 0c 0300 06"},
			{"0e 0300 0400", "01 0e 0300 06"},
			{"20 0300 0400", "01 20 0300 06"},
			{"12 0300 01", "01 12 0300 06"},
			{"16 0300 0000 01", "01 16 0300 06"},
			{"18 01", "01 18 0000 06"},
		} {
			peer.Ask(c.asks, c.answer)
		}
		peer.Send("52 0300 01")
		peer.Send("d2 0300 01 0102030405060708090a0b0c")
		peer.WantNothing()
	})
}

// slowServer serves a read when it is told to go on.
type slowServer struct {
	serving chan uint16 // the handle, when the Handler has been entered
	goOn    chan struct{}
}

func newSlowServer() slowServer {
	return slowServer{serving: make(chan uint16, 1000), goOn: make(chan struct{})}
}

func (s slowServer) ServeATT(ctx context.Context, req *att.Request, rsp []byte) ([]byte, error) {
	switch p := req.PDU.(type) {
	case *att.WriteCommand:
		s.serving <- p.Handle
	case *att.ReadRequest:
		s.serving <- p.Handle
	}
	select {
	case <-s.goOn:
		return att.ReadResponse{Value: []byte{1}}.AppendTo(rsp), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// TestSecondRequestWhileOneIsOpen wants a client that breaks 3.3.2 to be answered, each request in its turn.
func TestSecondRequestWhileOneIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowServer()
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{Server: s})
		peer.Send("0a 0100")
		peer.Send("0a 0200")
		peer.Send("0a 03") // in its turn too, though malformed
		peer.WantNothing()
		s.goOn <- struct{}{}
		peer.Want("0b 01")
		peer.WantNothing()
		s.goOn <- struct{}{}
		peer.Want("0b 01")
		peer.Want("01 0a 0000 04")
		if <-s.serving != 1 || <-s.serving != 2 {
			t.Error("out of order")
		}
		if got, want := c.Stats(), (att.Stats{Malformed: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestQueueIsBounded floods a slow Handler: commands are lost and counted, requests still have a place, and what is kept stays in order.
func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const queueLen, requestRoom = 64, 4
		s := newSlowServer()
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{Server: s})
		peer.Send("52 0000")
		synctest.Wait() // it is being served, the queue is empty
		const flood = 200
		for h := 1; h <= flood; h++ {
			peer.Send(fmt.Sprintf("52 %02x00", h))
		}
		for h := range requestRoom + 1 {
			peer.Send(fmt.Sprintf("0a %02x01", h))
		}
		synctest.Wait()
		if got, want := c.Stats(), (att.Stats{Dropped: flood - (queueLen - requestRoom) + 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		close(s.goOn)
		for range requestRoom {
			peer.Want("0b 01")
		}
		peer.WantNothing()
		for h := range uint16(queueLen - requestRoom + 1) {
			if got := <-s.serving; got != h {
				t.Fatalf("handle %d came when %d was due", got, h)
			}
		}
		for h := range uint16(requestRoom) {
			if got := <-s.serving; got != 0x100+h {
				t.Fatalf("handle 0x%04x came when 0x%04x was due", got, 0x100+h)
			}
		}
		peer.Ask("0a 0300", "0b 01") // and afterwards all is well
	})
}

// TestSlowHandlerHoldsUpNothing wants the other role to go on while a Handler takes its time, and the Handler itself to use it.
func TestSlowHandlerHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peer := atttest.Script(t, atttest.Options{}, att.Config{
			Server: att.HandlerFunc(func(ctx context.Context, req *att.Request, rsp []byte) ([]byte, error) {
				time.Sleep(29 * time.Second)
				v, err := req.Conn.Read(ctx, 7)
				if err != nil {
					return nil, err
				}
				if err := req.Conn.Indicate(ctx, 8, v); err != nil {
					return nil, err
				}
				return att.ReadResponse{Value: v}.AppendTo(rsp), nil
			}),
		})
		peer.Send("0a 0100")
		synctest.Wait()
		peer.Ask("1d 0900", "1e")
		peer.Ask("bf00", "01 bf 0000 06")
		peer.Want("0a 0700")
		peer.Ask("0b 55", "1d 0800 55")
		peer.Ask("1e", "0b 55")
	})
}

// TestBearerEndsInHandler wants the Handler to hear of it, and Wait to wait for it.
func TestBearerEndsInHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := make(chan error, 1)
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{
			Server: att.HandlerFunc(func(ctx context.Context, _ *att.Request, _ []byte) ([]byte, error) {
				<-ctx.Done()
				time.Sleep(time.Second)
				why <- context.Cause(ctx)
				return nil, ctx.Err()
			}),
		})
		peer.Send("0a 0100")
		synctest.Wait()
		began := time.Now()
		peer.Bearer().Disconnect(io.ErrUnexpectedEOF)
		c.Wait()
		if time.Since(began) != time.Second {
			t.Error("Wait did not wait")
		}
		if err := <-why; !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}
