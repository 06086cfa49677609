package att_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// A requestCase is one of the client's requests, what it sends, an answer to it, and what the caller gets.
type requestCase struct {
	name    string
	request string
	answer  string
	want    any
	call    func(ctx context.Context, c *att.Conn) (any, error)
	// loose answers can be cut anywhere behind the opcode.
	loose bool
}

func noResult(err error) (any, error) { return nil, err }

var requestCases = []requestCase{
	{"find information", "04 0100 ffff", "05 01 0100 0028", []att.Information{{1, att.UUID16(0x2800)}},
		func(ctx context.Context, c *att.Conn) (any, error) { return c.FindInformation(ctx, 1, 0xFFFF) }, false},
	{"find by type value", "06 0100 ffff 0028 0d18", "07 0100 0500", []att.HandleRange{{1, 5}},
		func(ctx context.Context, c *att.Conn) (any, error) {
			return c.FindByTypeValue(ctx, 1, 0xFFFF, 0x2800, []byte{0x0D, 0x18})
		}, false},
	{"read by type", "08 0100 ffff 0328", "09 04 0300 aabb", []att.AttributeData{{3, []byte{0xAA, 0xBB}}},
		func(ctx context.Context, c *att.Conn) (any, error) {
			return c.ReadByType(ctx, 1, 0xFFFF, att.UUID16(0x2803))
		}, false},
	{"read", "0a 0300", "0b 0102", []byte{1, 2},
		func(ctx context.Context, c *att.Conn) (any, error) { return c.Read(ctx, 3) }, true},
	{"read into", "0a 0300", "0b 0102", []byte{1, 2},
		func(ctx context.Context, c *att.Conn) (any, error) {
			buf := make([]byte, 8)
			n, err := c.ReadInto(ctx, 3, buf)
			return buf[:n], err
		}, true},
	{"read blob", "0c 0300 1600", "0d 0102", []byte{1, 2},
		func(ctx context.Context, c *att.Conn) (any, error) { return c.ReadBlob(ctx, 3, 22) }, true},
	{"read blob into", "0c 0300 1600", "0d 0102", []byte{1, 2},
		func(ctx context.Context, c *att.Conn) (any, error) {
			buf := make([]byte, 8)
			n, err := c.ReadBlobInto(ctx, 3, 22, buf)
			return buf[:n], err
		}, true},
	{"read multiple", "0e 0300 0600", "0f 0102", []byte{1, 2},
		func(ctx context.Context, c *att.Conn) (any, error) { return c.ReadMultiple(ctx, 3, 6) }, true},
	{"read by group type", "10 0100 ffff 0028", "11 06 0100 0500 0018", []att.GroupData{{1, 5, []byte{0x00, 0x18}}},
		func(ctx context.Context, c *att.Conn) (any, error) {
			return c.ReadByGroupType(ctx, 1, 0xFFFF, att.UUID16(0x2800))
		}, false},
	{"read multiple variable", "20 0300 0600", "21 0100 aa 0000", []att.LengthValue{{1, []byte{0xAA}}, {0, []byte{}}},
		func(ctx context.Context, c *att.Conn) (any, error) { return c.ReadMultipleVariable(ctx, 3, 6) }, false},
	{"write", "12 0300 0102", "13", nil,
		func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.Write(ctx, 3, []byte{1, 2})) }, false},
	{"prepare write", "16 0300 1200 0102", "17 0300 1200 0102", att.PrepareWriteResponse{Handle: 3, Offset: 18, Value: []byte{1, 2}},
		func(ctx context.Context, c *att.Conn) (any, error) { return c.PrepareWrite(ctx, 3, 18, []byte{1, 2}) }, false},
	{"execute write", "18 01", "19", nil,
		func(ctx context.Context, c *att.Conn) (any, error) {
			return noResult(c.ExecuteWrite(ctx, att.ExecuteCommit))
		}, false},
	{"execute write, cancel", "18 00", "19", nil,
		func(ctx context.Context, c *att.Conn) (any, error) {
			return noResult(c.ExecuteWrite(ctx, att.ExecuteCancel))
		}, false},
	{"indicate", "1d 0300 0102", "1e", nil,
		func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.Indicate(ctx, 3, []byte{1, 2})) }, false},
}

// result is what a call came to.
type result struct {
	value any
	err   error
}

// start calls in the background.
func start(c *att.Conn, call func(context.Context, *att.Conn) (any, error)) chan result {
	done := make(chan result, 1)
	go func() {
		v, err := call(context.Background(), c)
		done <- result{v, err}
	}()
	return done
}

func TestRequests(t *testing.T) {
	for _, r := range requestCases {
		t.Run(r.name, func(t *testing.T) {
			c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
			for range 2 { // the second time with buffers that have been used
				done := start(c, r.call)
				peer.Want(r.request)
				peer.Send(r.answer)
				if got := <-done; got.err != nil || !reflect.DeepEqual(got.value, r.want) {
					t.Fatalf("got %+v, want %+v", got, r.want)
				}
			}
			if got := c.Stats(); got != (att.Stats{}) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestResultsAreTheCallers wants what a request returned to stay as it is when the next answer comes.
func TestResultsAreTheCallers(t *testing.T) {
	for _, r := range requestCases {
		t.Run(r.name, func(t *testing.T) {
			c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
			done := start(c, r.call)
			peer.Want(r.request)
			peer.Send(r.answer)
			first := <-done
			done = start(c, r.call)
			peer.Want(r.request)
			peer.Send(r.answer[:2] + strings.Repeat("ff", len(octets(t, r.answer))-1)) // as long: it lands where the first was
			<-done
			if first.err != nil || !reflect.DeepEqual(first.value, r.want) {
				t.Errorf("got %+v, want %+v", first, r.want)
			}
		})
	}
}

// isIndication tells the one case that is no request: it has no Error Response.
func (r requestCase) isIndication() bool { return r.request[:2] == "1d" }

func TestRequestsRefused(t *testing.T) {
	for _, r := range requestCases {
		if r.isIndication() {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
			done := start(c, r.call)
			peer.Want(r.request)
			peer.Send("01" + r.request[:2] + "3412 80")
			got := <-done
			e, ok := errors.AsType[*att.Error](got.err)
			if !ok || e.Op != att.Opcode(octets(t, r.request)[0]) || e.Handle != 0x1234 || !errors.Is(got.err, att.ErrorCode(0x80)) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestRequestsAnsweredWrongly wants each answer that is none to be the caller's error, and the next request to fare well.
func TestRequestsAnsweredWrongly(t *testing.T) {
	for _, r := range requestCases {
		type wrong struct {
			name, pdu string
			want      error
		}
		wrongs := []wrong{{"longer than the MTU", r.answer[:2] + longHex, att.ErrMalformed}}
		if !r.loose {
			wrongs = append(wrongs, wrong{"an octet more", r.answer + "00", att.ErrMalformed})
		}
		if !r.isIndication() {
			wrongs = append(wrongs,
				wrong{"another response", "03 1700", att.ErrUnexpected},
				wrong{"error for another request", "01 02 0000 06", att.ErrUnexpected},
				wrong{"error cut", "01" + r.request[:2] + "3412", att.ErrMalformed},
				wrong{"error too long", "01" + r.request[:2] + "3412 8000", att.ErrMalformed},
			)
		}
		for _, w := range wrongs {
			if r.name == "prepare write" && w.name == "an octet more" {
				continue // an echo of any length is well-formed
			}
			t.Run(r.name+", "+w.name, func(t *testing.T) {
				c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
				done := start(c, r.call)
				peer.Want(r.request)
				peer.Send(w.pdu)
				if got := <-done; !errors.Is(got.err, w.want) {
					t.Fatalf("got %+v, want %v", got, w.want)
				}
				done = start(c, r.call)
				peer.Want(r.request)
				peer.Send(r.answer)
				if got := <-done; got.err != nil || !reflect.DeepEqual(got.value, r.want) {
					t.Errorf("the next one: %+v", got)
				}
			})
		}
	}
}

// longHex is 23 octets, so that with an opcode it is one more than the default MTU.
const longHex = "00000000000000000000000000000000000000000000 00"

// TestAnswersCut cuts each answer at each octet. Not one may pass for whole, except where a value is free to be shorter.
func TestAnswersCut(t *testing.T) {
	for _, r := range requestCases {
		if r.loose {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
			answer := octets(t, r.answer)
			for n := 1; n < len(answer); n++ {
				done := start(c, r.call)
				peer.Want(r.request)
				if err := peer.Bearer().Send(t.Context(), answer[:n]); err != nil {
					t.Fatal(err)
				}
				got := <-done
				if _, err := att.Parse(answer[:n]); (err == nil) != (got.err == nil) {
					t.Errorf("%d octets: %+v, but parsing says %v", n, got, err)
				}
			}
		})
	}
}

func TestReadIntoShortBuffer(t *testing.T) {
	c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
	done := start(c, func(ctx context.Context, c *att.Conn) (any, error) {
		buf := make([]byte, 1)
		n, err := c.ReadInto(ctx, 3, buf)
		return buf[:n], err
	})
	peer.Want("0a0300")
	peer.Send("0b0102")
	if got := <-done; !errors.Is(got.err, io.ErrShortBuffer) || !bytes.Equal(got.value.([]byte), []byte{1}) {
		t.Errorf("%+v", got)
	}
}

// TestTooLongToSend wants nothing on the air that is longer than the MTU, and the turn to go on.
func TestTooLongToSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		ctx, value := t.Context(), make([]byte, 21)
		_, prepare := c.PrepareWrite(ctx, 3, 0, value[:19])
		_, multiple := c.ReadMultiple(ctx, make([]uint16, 12)...)
		for name, err := range map[string]error{
			"write":           c.Write(ctx, 3, value),
			"write command":   c.WriteCommand(ctx, 3, value),
			"prepare write":   prepare,
			"read multiple":   multiple,
			"notify multiple": c.NotifyMultiple(ctx, att.HandleValue{Handle: 3, Value: value}, att.HandleValue{Handle: 4}),
		} {
			if !errors.Is(err, att.ErrTooLong) {
				t.Errorf("%s: %v", name, err)
			}
		}
		peer.WantNothing()
		if err := c.WriteCommand(ctx, 3, value[:20]); err != nil {
			t.Error(err)
		}
		peer.Want("52 0300 0000000000000000000000000000000000000000")
	})
}

func TestWriteCommandWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{SendRoom: 1})
		c := atttest.NewConn(t, near, att.Config{})
		if err := c.WriteCommand(t.Context(), 1, nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.WriteCommand(ctx, 2, nil) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		go func() { done <- c.WriteCommand(t.Context(), 3, nil) }()
		synctest.Wait()
		peer := atttest.NewPeer(t, far)
		if err := <-done; err != nil {
			t.Error(err)
		}
		peer.Want("52 0100")
		peer.Want("52 0300")
	})
}
