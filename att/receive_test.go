package att_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// TestUnknownOpcodes is Vol 3, Part F, 3.3: a request is refused, a command ignored, and nobody is disconnected.
func TestUnknownOpcodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		peer.Ask("bf00", "01 bf 0000 06")
		peer.Ask("bf", "01 bf 0000 06")
		peer.Send("ff00")
		peer.WantNothing()
		unknown := uint64(3)
		for i := range 0x100 {
			op := att.Opcode(i)
			if op.Kind() != att.KindUnknown {
				continue
			}
			unknown++
			if op.IsCommand() {
				peer.Send(fmt.Sprintf("%02x 0102", i))
				peer.WantNothing()
			} else {
				peer.Ask(fmt.Sprintf("%02x 0102", i), fmt.Sprintf("01 %02x 0000 06", i))
			}
		}
		if got, want := c.Stats(), (att.Stats{Unsupported: unknown}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestEmptyPDU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		peer.Send("")
		peer.WantNothing()
		if n := c.Stats().Malformed; n != 1 {
			t.Errorf("%d malformed", n)
		}
	})
}

// TestLongerThanTheMTU wants an answer to a request, and nothing else.
func TestLongerThanTheMTU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{
			Notify:   func(uint16, []byte, att.Security) { t.Error("notified") },
			Indicate: func(uint16, []byte, att.Security, func()) { t.Error("indicated") },
			Server: att.HandlerFunc(func(context.Context, *att.Request, []byte) ([]byte, error) {
				t.Error("served")
				return nil, nil
			}),
		})
		for _, op := range []string{"1b", "1d", "23", "52", "d2", "ff", "bf"} {
			peer.Send(op + longHex)
			peer.WantNothing()
		}
		for _, op := range []string{"02", "04", "12", "16"} {
			peer.Ask(op+longHex, "01"+op+"0000 04")
		}
		if got, want := c.Stats(), (att.Stats{Malformed: 11}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// A value is what a callback got.
type value struct {
	handle uint16
	value  string
	sec    att.Security
}

// secure is a link's security that is told from any other.
var secure = att.Security{Encrypted: true, SecureConnections: true, KeySize: 16}

func TestNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []value
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{Notify: func(h uint16, v []byte, sec att.Security) {
			got = append(got, value{h, string(v), sec})
		}})
		peer.Send("1b 0300 0102")
		peer.Send("1b 0400")
		synctest.Wait()
		peer.Bearer().SetSecurity(secure)
		peer.Send("23 0300 0100 aa 0600 0000 0900 0200 bbcc")
		peer.Send("23 0300 0100 aa 0600 0100") // the second value is cut: the first does not count either
		peer.Send("23 0400 0100 dd")           // one is not multiple, but BlueZ means it
		peer.Send("23")                        // and none is malformed
		peer.Send("1b 03")
		synctest.Wait()
		want := []value{
			{3, "\x01\x02", att.Security{}}, {4, "", att.Security{}},
			{3, "\xaa", secure}, {6, "", secure}, {9, "\xbb\xcc", secure},
			{4, "\xdd", secure},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got, want := c.Stats(), (att.Stats{Malformed: 3}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestIndicationConfirmedOnce wants a confirmation when the consumer says so, and not another (3.4.7.3).
func TestIndicationConfirmedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []value
		var confirm func()
		c, peer := atttest.Script(t, atttest.Options{Security: secure}, att.Config{
			Indicate: func(h uint16, v []byte, sec att.Security, done func()) {
				got, confirm = append(got, value{h, string(v), sec}), done
			},
		})
		peer.Send("1d 0300 0102")
		time.Sleep(time.Second)
		peer.WantNothing()
		peer.Send("1d 0400 03") // before the confirmation: never delivered, never confirmed
		peer.WantNothing()
		confirm()
		peer.Want("1e")
		confirm()
		peer.WantNothing()
		peer.Send("1d 0500")
		synctest.Wait()
		confirm()
		peer.Want("1e")
		peer.Send("1d 05")
		peer.WantNothing()
		if want := []value{{3, "\x01\x02", secure}, {5, "", secure}}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got, want := c.Stats(), (att.Stats{Malformed: 1, Unexpected: 1}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestIndicationConfirmedInCallback(t *testing.T) {
	_, peer := atttest.Script(t, atttest.Options{}, att.Config{
		Indicate: func(_ uint16, _ []byte, _ att.Security, confirm func()) { confirm() },
	})
	for range 3 {
		peer.Ask("1d 0300 0102", "1e")
	}
}

// TestNobodyWantsValues has a client without callbacks: an indication is confirmed all the same.
func TestNobodyWantsValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		peer.Send("1b 0300 01")
		peer.Send("23 0300 0000 0400 0000")
		peer.WantNothing()
		peer.Ask("1d 0300 01", "1e")
		if got, want := c.Stats(), (att.Stats{Unwanted: 4}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestConfirmationsPassNotifications wants replies not to stand behind a full bearer.
func TestConfirmationsPassNotifications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{SendRoom: 2})
		c := atttest.NewConn(t, near, att.Config{})
		for range 2 {
			if err := c.Notify(t.Context(), 1, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := far.Send(t.Context(), octets(t, "1d0300")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		peer := atttest.NewPeer(t, far)
		peer.Want("1e")
		peer.Want("1b0100")
		peer.Want("1b0100")
	})
}

// TestFloodOfUnknownRequests wants a peer that takes no answers to cost nothing but counters.
func TestFloodOfUnknownRequests(t *testing.T) {
	near, far := atttest.NewBearers(atttest.Options{})
	c := att.NewConn(near, att.Config{})
	const flood = 1000
	for range flood {
		c.Receive([]byte{0xBF}, att.Security{})
	}
	if got := c.Stats(); got.Unsupported != flood || got.RepliesLost == 0 || got.RepliesLost >= flood {
		t.Errorf("%+v", got)
	}
	far.Disconnect(io.EOF)
	c.Wait()
}

// TestLog wants what a peer does wrong at debug level, and nothing otherwise.
func TestLog(t *testing.T) {
	for _, level := range []logrus.Level{logrus.InfoLevel, logrus.DebugLevel} {
		var out strings.Builder
		log := logrus.New()
		log.SetOutput(&out)
		log.SetLevel(level)
		near, _ := atttest.NewBearers(atttest.Options{})
		c := att.NewConn(near, att.Config{Log: log})
		c.Receive([]byte{0x0B, 0xAB, 0xCD}, att.Security{})
		near.Disconnect(io.EOF)
		c.Wait()
		if logged := strings.Contains(out.String(), "ATT_READ_RSP"); logged != (level == logrus.DebugLevel) || strings.Contains(out.String(), "abcd") {
			t.Errorf("%v: %q", level, out.String())
		}
	}
}

func TestNotify(t *testing.T) {
	c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
	long := make([]byte, 30)
	if err := errors.Join(
		c.Notify(t.Context(), 3, []byte{1, 2}),
		c.Notify(t.Context(), 3, long),
		c.NotifyMultiple(t.Context(), att.HandleValue{Handle: 3, Value: []byte{0xAA}}, att.HandleValue{Handle: 6}),
	); err != nil {
		t.Fatal(err)
	}
	peer.Want("1b 0300 0102")
	peer.Want("1b 0300" + strings.Repeat("00", 20))
	peer.Want("23 0300 0100 aa 0600 0000")
	done := start(c, func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.Indicate(ctx, 3, long)) })
	peer.Want("1d 0300" + strings.Repeat("00", 20))
	peer.Send("1e")
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
}

// TestIndicateAndRequestTogether wants the two transactions of a bearer to be independent (3.3.2).
func TestIndicateAndRequestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		indicated := start(c, func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.Indicate(ctx, 1, nil)) })
		peer.Want("1d0100")
		second := start(c, func(ctx context.Context, c *att.Conn) (any, error) { return noResult(c.Indicate(ctx, 2, nil)) })
		peer.WantNothing() // one at a time
		reading := start(c, read(1))
		peer.Want("0a0100")
		peer.Ask("1e", "1d0200")
		peer.Send("0b07")
		(<-reading).want(t, "07")
		peer.Send("1e")
		for _, done := range []chan result{indicated, second} {
			if got := <-done; got.err != nil {
				t.Error(got.err)
			}
		}
	})
}
