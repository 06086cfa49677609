package att_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

// Somebody waits from the request to its answer: also when its caller has gone, and no longer than the bearer lasts.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := 0
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{Waits: func(on bool) {
			if waits--; on {
				waits += 2
			}
		}})
		want := func(when string, n int) {
			t.Helper()
			if synctest.Wait(); waits != n {
				t.Errorf("%s: %d wait, want %d", when, waits, n)
			}
		}
		want("at first", 0)
		done := start(c, read(3))
		synctest.Wait()
		next := start(c, read(3))
		want("two requests, of which one is sent", 1)
		indicated := start(c, func(ctx context.Context, c *att.Conn) (any, error) { return nil, c.Indicate(ctx, 5, []byte{1}) })
		want("and an indication", 2)
		peer.Next()
		peer.Next()
		peer.Send("0b 01")
		<-done
		want("the first is answered", 2)
		peer.Next()
		peer.Send("01 0a 0300 0a")
		<-next
		want("the second is refused", 1)
		peer.Send("1e")
		<-indicated
		want("confirmed", 0)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Read(ctx, 3); err == nil {
			t.Error("read without an answer")
		}
		want("the caller has gone", 1)
		peer.Next()
		peer.Send("0b 01")
		want("the answer is late", 0)

		done = start(c, read(3))
		want("another", 1)
		peer.Bearer().Disconnect(nil)
		<-done
		want("the bearer has ended", 0)
	})
}

// A request that finds no room does not wait for an answer.
func TestWaitsForNothingUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := false
		near, _ := atttest.NewBearers(atttest.Options{SendRoom: 1})
		c := atttest.NewConn(t, near, att.Config{Waits: func(on bool) { waits = on }})
		if err := c.WriteCommand(t.Context(), 1, nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Read(ctx, 3); err == nil || waits {
			t.Errorf("%v; waits %v", err, waits)
		}
	})
}
