package att_test

import (
	"context"
	"io"
	"testing"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// sinkBearer takes everything and sends nothing.
type sinkBearer struct {
	done   chan struct{}
	octets int
}

func newSink(t testing.TB) *sinkBearer {
	b := &sinkBearer{done: make(chan struct{})}
	t.Cleanup(func() { close(b.done) })
	return b
}

func (b *sinkBearer) Send(_ context.Context, pdu []byte) error { b.octets += len(pdu); return nil }
func (b *sinkBearer) Reply(pdu []byte) error                   { b.octets += len(pdu); return nil }
func (b *sinkBearer) MaxMTU() int                              { return 517 }
func (b *sinkBearer) Enhanced() bool                           { return false }
func (b *sinkBearer) Disconnect(error)                         {}
func (b *sinkBearer) Done() <-chan struct{}                    { return b.done }
func (b *sinkBearer) Err() error                               { return io.EOF }

// wantNoAllocs asserts that f allocates nothing in steady state.
func wantNoAllocs(t *testing.T, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(1000, f); n != 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}

func TestNotificationInAllocatesNothing(t *testing.T) {
	octets := 0
	c := att.NewConn(newSink(t), att.Config{Notify: func(_ uint16, v []byte, _ att.Security) { octets += len(v) }})
	single := att.HandleValueNotification{Handle: 3, Value: make([]byte, 20)}.AppendTo(nil)
	multiple := att.MultipleHandleValueNotification{Values: []att.HandleValue{{Handle: 3, Value: make([]byte, 4)}, {Handle: 4}}}.AppendTo(nil)
	wantNoAllocs(t, func() { c.Receive(single, secure) })
	wantNoAllocs(t, func() { c.Receive(multiple, secure) })
	if octets == 0 {
		t.Error("nothing arrived")
	}
}

func TestIndicationInAllocatesNothing(t *testing.T) {
	b := newSink(t)
	c := att.NewConn(b, att.Config{Indicate: func(_ uint16, _ []byte, _ att.Security, confirm func()) { confirm() }})
	pdu := att.HandleValueIndication{Handle: 3, Value: make([]byte, 20)}.AppendTo(nil)
	wantNoAllocs(t, func() { c.Receive(pdu, secure) })
	if b.octets == 0 {
		t.Error("nothing confirmed")
	}
}

func TestCommandsAndNotificationsOutAllocateNothing(t *testing.T) {
	b := newSink(t)
	c := att.NewConn(b, att.Config{})
	ctx, value := t.Context(), make([]byte, 20)
	wantNoAllocs(t, func() { _ = c.WriteCommand(ctx, 3, value) })
	wantNoAllocs(t, func() { _ = c.Notify(ctx, 3, value) })
	if b.octets == 0 {
		t.Error("nothing sent")
	}
}

// constant serves the same value to everyone.
func constant(value []byte) att.Handler {
	return att.HandlerFunc(func(_ context.Context, req *att.Request, rsp []byte) ([]byte, error) {
		switch req.PDU.(type) {
		case *att.ReadRequest:
			return att.ReadResponse{Value: value}.AppendTo(rsp), nil
		case *att.WriteRequest:
			return att.WriteResponse{}.AppendTo(rsp), nil
		}
		return nil, att.ErrRequestNotSupported
	})
}

// TestRoundTripAllocatesNothing covers both ends: client, server, and the bearers between them.
func TestRoundTripAllocatesNothing(t *testing.T) {
	c, _ := atttest.Conns(t, atttest.Options{}, att.Config{}, att.Config{Server: constant(make([]byte, 20))})
	ctx, buf := t.Context(), make([]byte, 32)
	wantNoAllocs(t, func() {
		if n, err := c.ReadInto(ctx, 3, buf); n != 20 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	})
	wantNoAllocs(t, func() {
		if err := c.Write(ctx, 3, buf[:20]); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkNotificationIn(b *testing.B) {
	c := att.NewConn(newSink(b), att.Config{Notify: func(uint16, []byte, att.Security) {}})
	pdu := att.HandleValueNotification{Handle: 3, Value: make([]byte, 20)}.AppendTo(nil)
	b.ReportAllocs()
	for b.Loop() {
		c.Receive(pdu, secure)
	}
}

func BenchmarkWriteCommandOut(b *testing.B) {
	c := att.NewConn(newSink(b), att.Config{})
	ctx, value := b.Context(), make([]byte, 20)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.WriteCommand(ctx, 3, value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadRoundTrip(b *testing.B) {
	c, _ := atttest.Conns(b, atttest.Options{}, att.Config{}, att.Config{Server: constant(make([]byte, 20))})
	ctx, buf := b.Context(), make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ReadInto(ctx, 3, buf); err != nil {
			b.Fatal(err)
		}
	}
}
