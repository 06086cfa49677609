package att_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// A store is a server of values by handle, as long as they may be. It keeps a prepare queue, and wants no two requests at once.
type store struct {
	t        *testing.T
	busy     sync.Mutex
	values   map[uint16][]byte
	prepared []att.PrepareWriteRequest
}

func newStore(t *testing.T) *store { return &store{t: t, values: map[uint16][]byte{}} }

func (s *store) ServeATT(_ context.Context, req *att.Request, rsp []byte) ([]byte, error) {
	if !s.busy.TryLock() {
		s.t.Error("two requests at once")
		return nil, att.ErrUnlikelyError
	}
	defer s.busy.Unlock()
	switch p := req.PDU.(type) {
	case *att.ReadRequest:
		v := s.values[p.Handle]
		return att.ReadResponse{Value: v[:min(len(v), req.Conn.MTU()-1)]}.AppendTo(rsp), nil
	case *att.ReadBlobRequest:
		v := s.values[p.Handle]
		if int(p.Offset) > len(v) {
			return nil, att.ErrInvalidOffset
		}
		v = v[p.Offset:]
		return att.ReadBlobResponse{Value: v[:min(len(v), req.Conn.MTU()-1)]}.AppendTo(rsp), nil
	case *att.WriteRequest:
		s.values[p.Handle] = bytes.Clone(p.Value)
		return att.WriteResponse{}.AppendTo(rsp), nil
	case *att.WriteCommand:
		s.values[p.Handle] = bytes.Clone(p.Value)
		return nil, nil
	case *att.PrepareWriteRequest:
		s.prepared = append(s.prepared, att.PrepareWriteRequest{Handle: p.Handle, Offset: p.Offset, Value: bytes.Clone(p.Value)})
		return att.PrepareWriteResponse(*p).AppendTo(rsp), nil
	case *att.ExecuteWriteRequest:
		for _, w := range s.prepared {
			if p.Flags == att.ExecuteCommit {
				s.values[w.Handle] = append(s.values[w.Handle][:w.Offset], w.Value...)
			}
		}
		s.prepared = nil
		return att.ExecuteWriteResponse{}.AppendTo(rsp), nil
	}
	return nil, att.ErrRequestNotSupported
}

// TestLongestValue moves 512 octets each way there is, at the smallest and the largest MTU (Vol 3, Part F, 3.2.9).
func TestLongestValue(t *testing.T) {
	for _, mtu := range []int{att.DefaultMTU, 185, att.DefaultMaxMTU} {
		t.Run(fmt.Sprint("MTU ", mtu), func(t *testing.T) {
			s := newStore(t)
			c, _ := atttest.Conns(t, atttest.Options{}, att.Config{MTU: mtu}, att.Config{Server: s})
			ctx := t.Context()
			if got, err := c.ExchangeMTU(ctx); got != mtu || err != nil {
				t.Fatalf("%d, %v", got, err)
			}
			value := make([]byte, att.MaxValueLen)
			for i := range value {
				value[i] = byte(i * 7)
			}
			for at := 0; at < len(value); {
				part := value[at:min(len(value), at+mtu-5)]
				echo, err := c.PrepareWrite(ctx, 9, uint16(at), part)
				if err != nil || int(echo.Offset) != at || !bytes.Equal(echo.Value, part) {
					t.Fatalf("%+v, %v", echo, err)
				}
				at += len(part)
			}
			if err := c.ExecuteWrite(ctx, att.ExecuteCommit); err != nil {
				t.Fatal(err)
			}
			got, err := c.Read(ctx, 9)
			for err == nil && len(got) < len(value) {
				var part []byte
				part, err = c.ReadBlob(ctx, 9, uint16(len(got)))
				got = append(got, part...)
			}
			if err != nil || !bytes.Equal(got, value) {
				t.Errorf("%d octets, %v", len(got), err)
			}
			if _, err := c.ReadBlob(ctx, 9, att.MaxValueLen+1); !errors.Is(err, att.ErrInvalidOffset) {
				t.Errorf("past the end: %v", err)
			}
		})
	}
}

// A wave is everything one end does at once.
func wave(ctx context.Context, c *att.Conn, rounds int) []error {
	calls := []func(n int) error{
		func(n int) error {
			_, err := c.Read(ctx, uint16(n))
			return err
		},
		func(n int) error { return c.Write(ctx, uint16(n), []byte{byte(n)}) },
		func(n int) error {
			_, err := c.ExchangeMTU(ctx)
			return err
		},
		func(n int) error { return c.Notify(ctx, 1, binary.LittleEndian.AppendUint32(nil, uint32(n))) },
		func(n int) error { return c.Indicate(ctx, 2, binary.LittleEndian.AppendUint32(nil, uint32(n))) },
	}
	errs := make([]error, len(calls))
	var ran sync.WaitGroup
	for i, call := range calls {
		ran.Go(func() {
			for n := 0; n < rounds && errs[i] == nil; n++ {
				errs[i] = call(n)
			}
		})
	}
	ran.Wait()
	return errs
}

// counting receives values and wants each handle's in order and without a gap.
type counting struct {
	t    *testing.T
	next map[uint16]uint32
}

func (k *counting) config(s *store) att.Config {
	k.next = map[uint16]uint32{}
	take := func(h uint16, v []byte) {
		if n := binary.LittleEndian.Uint32(v); n != k.next[h] {
			k.t.Errorf("handle %d: value %d when %d was due", h, n, k.next[h])
		}
		k.next[h]++
	}
	return att.Config{
		Server:   s,
		Notify:   func(h uint16, v []byte, _ att.Security) { take(h, v) },
		Indicate: func(h uint16, v []byte, _ att.Security, confirm func()) { take(h, v); go confirm() },
	}
}

// TestBothRolesAtOnce has both ends do everything at the same time.
func TestBothRolesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rounds = 300
		ka, kb := &counting{t: t}, &counting{t: t}
		a, b := atttest.Conns(t, atttest.Options{SendRoom: 2}, ka.config(newStore(t)), kb.config(newStore(t)))
		var ran sync.WaitGroup
		for _, c := range []*att.Conn{a, b} {
			ran.Go(func() {
				if err := errors.Join(wave(t.Context(), c, rounds)...); err != nil {
					t.Error(err)
				}
			})
		}
		ran.Wait()
		synctest.Wait()
		for _, k := range []*counting{ka, kb} {
			if k.next[1] != rounds || k.next[2] != rounds {
				t.Errorf("%d notifications and %d indications", k.next[1], k.next[2])
			}
		}
		for _, c := range []*att.Conn{a, b} {
			if got := c.Stats(); got != (att.Stats{}) || c.MTU() != att.DefaultMaxMTU {
				t.Errorf("%+v, MTU %d", got, c.MTU())
			}
		}
	})
}

// TestDisconnectAnywhere ends the bearer at random moments: every caller hears why, and nothing is left running.
func TestDisconnectAnywhere(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			near, far := atttest.NewBearers(atttest.Options{SendRoom: 1 + random.IntN(4)})
			a := atttest.NewConn(t, near, (&counting{t: t}).config(newStore(t)))
			b := atttest.NewConn(t, far, (&counting{t: t}).config(newStore(t)))
			var ran sync.WaitGroup
			for _, c := range []*att.Conn{a, b} {
				ran.Go(func() {
					for i, err := range wave(t.Context(), c, 1<<30) {
						if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, net.ErrClosed) {
							t.Errorf("seed %d: call %d: %v", seed, i, err)
						}
					}
				})
			}
			for range random.IntN(2000) { // some work, not some time: none passes in the bubble while they are busy
				if err := near.Send(t.Context(), []byte{0xFF}); err != nil {
					t.Error(err)
				}
			}
			near.Disconnect(io.ErrUnexpectedEOF)
			ran.Wait()
			a.Wait()
			b.Wait()
		})
	}
}

// TestSilentPeer has every kind of caller wait for a peer that never says anything: all are free after 30 s.
func TestSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := atttest.Script(t, atttest.Options{}, att.Config{})
		began := time.Now()
		for i, err := range wave(t.Context(), c, 1000) {
			if !errors.Is(err, att.ErrTimeout) && !(i == 3 && err == nil) { // notifications just go
				t.Errorf("call %d: %v", i, err)
			}
		}
		if waited := time.Since(began); waited != att.TransactionTimeout {
			t.Errorf("after %v", waited)
		}
	})
}

// TestCommandsInOrder wants commands and requests served in the order in which they were sent.
func TestCommandsInOrder(t *testing.T) {
	s := newStore(t)
	c, _ := atttest.Conns(t, atttest.Options{}, att.Config{}, att.Config{Server: s})
	ctx := t.Context()
	for n := range 500 {
		want := []byte{byte(n), byte(n >> 8)}
		if err := c.WriteCommand(ctx, 5, want); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Read(ctx, 5); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %x, %v, want %x", got, err, want)
		}
	}
}
