package att_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/jelling-ble/jelling/att"
)

// streamBearer records what a Conn says. On the first request it is told to send, the peer's stream plays.
type streamBearer struct {
	play func()

	mu    sync.Mutex
	sent  [][]byte
	done  chan struct{}
	ended bool
}

func (b *streamBearer) Send(_ context.Context, pdu []byte) error {
	b.record(pdu)
	if play := b.play; play != nil {
		b.play = nil
		play()
	}
	return nil
}

func (b *streamBearer) Reply(pdu []byte) error { b.record(pdu); return nil }

func (b *streamBearer) record(pdu []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, bytes.Clone(pdu))
}

func (b *streamBearer) MaxMTU() int           { return 100 }
func (b *streamBearer) Enhanced() bool        { return false }
func (b *streamBearer) Done() <-chan struct{} { return b.done }
func (b *streamBearer) Err() error            { return io.EOF }

func (b *streamBearer) Disconnect(error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.ended = true
		close(b.done)
	}
}

// stream makes fuzz data of PDUs: a length before each.
func stream(pdus ...[]byte) []byte {
	var b []byte
	for _, p := range pdus {
		b = append(append(b, byte(len(p))), p...)
	}
	return b
}

// FuzzReceive plays a stream of arbitrary PDUs to both roles of a Conn while a request, and an indication, are outstanding. Whatever comes, what
// is sent has to be well-formed and within the MTU, callbacks get whole values, callers get an answer or an error, and nothing is left behind.
func FuzzReceive(f *testing.F) {
	var all [][]byte
	for _, c := range pdus {
		all = append(all, octets(f, c.hex))
		f.Add(stream(octets(f, c.hex)), uint8(len(all)))
	}
	f.Add(stream(all...), uint8(0))
	f.Add(stream(octets(f, "024000"), octets(f, "bf00"), octets(f, "ff00"), octets(f, "0b01"), octets(f, "0b02"), nil), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		b := &streamBearer{done: make(chan struct{})}
		value := func(_ uint16, v []byte) {
			if len(v) > 100-3 {
				t.Errorf("a value of %d octets", len(v))
			}
		}
		c := att.NewConn(b, att.Config{
			Notify:   func(h uint16, v []byte, _ att.Security) { value(h, v) },
			Indicate: func(h uint16, v []byte, _ att.Security, confirm func()) { value(h, v); confirm() },
			Server: att.HandlerFunc(func(_ context.Context, req *att.Request, rsp []byte) ([]byte, error) {
				if again := req.PDU.AppendTo(nil); len(again) > len(req.Raw) {
					t.Errorf("%x is served as %x", req.Raw, again)
				}
				switch p := req.PDU.(type) {
				case *att.ReadRequest:
					return att.ReadResponse{Value: make([]byte, min(int(p.Handle), 40))}.AppendTo(rsp), nil
				case *att.PrepareWriteRequest:
					return att.PrepareWriteResponse(*p).AppendTo(rsp), nil
				}
				return nil, att.ErrRequestNotSupported
			}),
		})
		ctx, cancel := context.WithCancel(context.Background())
		b.play = func() {
			for rest := data; len(rest) > 0; {
				n := min(int(rest[0]), len(rest)-1)
				c.Receive(rest[1:1+n], att.Security{})
				rest = rest[1+n:]
			}
			cancel()
		}
		r := requestCases[int(which)%len(requestCases)]
		_, err := r.call(ctx, c)
		wantFate(t, err)
		_, err = c.ExchangeMTU(ctx)
		wantFate(t, err)
		b.Disconnect(io.EOF)
		c.Wait()
		for _, pdu := range b.sent {
			if _, err := att.Parse(pdu); err != nil || len(pdu) > 100 {
				t.Errorf("sent %x: %v", pdu, err)
			}
		}
		if n := c.Stats().HandlerFaults; n > 0 && c.MTU() > 41 {
			t.Errorf("%d faults of a handler that has none", n)
		}
	})
}

// wantFate wants a caller's error to be one of those the documentation names.
func wantFate(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, att.ErrMalformed) || errors.Is(err, att.ErrUnexpected) ||
		errors.Is(err, io.ErrShortBuffer) { // of those who read into a buffer
		return
	}
	if _, ok := errors.AsType[*att.Error](err); !ok {
		t.Errorf("an error of its own: %v", err)
	}
}
