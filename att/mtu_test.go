package att_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
)

func exchange(ctx context.Context, c *att.Conn) (any, error) { return c.ExchangeMTU(ctx) }

// TestExchangeMTUAsClient is Vol 3, Part F, 3.4.2.
func TestExchangeMTUAsClient(t *testing.T) {
	for _, c := range []struct {
		name          string
		opts          atttest.Options
		mtu           int
		asks, answers string
		want          int
	}{
		{"the peer has less", atttest.Options{}, 0, "02 0502", "03 b900", 185},
		{"we have less", atttest.Options{}, 100, "02 6400", "03 0002", 100},
		{"both alike", atttest.Options{}, 0, "02 0502", "03 0502", 517},
		{"we want more than 517", atttest.Options{}, 1000, "02 e803", "03 ffff", 1000},
		{"the bearer carries less", atttest.Options{MaxMTU: 200}, 0, "02 c800", "03 0502", 200},
		{"the bearer carries nothing", atttest.Options{MaxMTU: 1}, 0, "02 1700", "03 0502", 23},
		{"configured below the default", atttest.Options{}, 1, "02 1700", "03 0502", 23},
		{"configured above all", atttest.Options{}, 1 << 20, "02 ffff", "03 ffff", 65535},
		{"the peer says 0", atttest.Options{}, 0, "02 0502", "03 0000", 23},
		{"the peer says 22", atttest.Options{}, 0, "02 0502", "03 1600", 23},
		{"not supported", atttest.Options{}, 0, "02 0502", "01 02 0000 06", 23},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := atttest.Script(t, c.opts, att.Config{MTU: c.mtu})
				done := start(conn, exchange)
				peer.Want(c.asks)
				peer.Send(c.answers)
				if got := <-done; got.err != nil || got.value != c.want || conn.MTU() != c.want {
					t.Errorf("got %+v and %d, want %d", got, conn.MTU(), c.want)
				}
				if mtu, err := conn.ExchangeMTU(t.Context()); mtu != c.want || err != nil {
					t.Errorf("again: %d, %v", mtu, err)
				}
				peer.WantNothing() // once in the life of a bearer
			})
		})
	}
}

func TestExchangeMTURefused(t *testing.T) {
	c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
	done := start(c, exchange)
	peer.Want("02 0502")
	peer.Send("01 02 0000 0e")
	if got := <-done; !errors.Is(got.err, att.ErrUnlikelyError) || got.value != att.DefaultMTU {
		t.Errorf("%+v", got)
	}
}

// TestExchangeMTUCancelled wants the answer to count though the caller has gone, and no second request.
func TestExchangeMTUCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		done := start(c, func(_ context.Context, c *att.Conn) (any, error) { return c.ExchangeMTU(ctx) })
		peer.Want("02 0502")
		cancel()
		if got := <-done; !errors.Is(got.err, context.Canceled) {
			t.Errorf("%+v", got)
		}
		done = start(c, exchange)
		synctest.Wait()
		peer.Send("03 b900")
		if got := <-done; got.err != nil || got.value != 185 {
			t.Errorf("%+v", got)
		}
		peer.WantNothing()
	})
}

// TestExchangeMTUUnsent wants a request that never left to be no exchange.
func TestExchangeMTUUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := atttest.NewBearers(atttest.Options{SendRoom: 1})
		c := atttest.NewConn(t, near, att.Config{})
		if err := c.WriteCommand(t.Context(), 1, nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := start(c, func(_ context.Context, c *att.Conn) (any, error) { return c.ExchangeMTU(ctx) })
		synctest.Wait()
		cancel()
		if got := <-done; !errors.Is(got.err, context.Canceled) {
			t.Errorf("%+v", got)
		}
		peer := atttest.NewPeer(t, far)
		peer.Want("52 0100")
		done = start(c, exchange)
		peer.Want("02 0502")
		peer.Send("03 b900")
		if got := <-done; got.err != nil || got.value != 185 {
			t.Errorf("%+v", got)
		}
	})
}

// TestExchangeMTUAsServer also has the client that asks again, which it may not: it is answered, and the MTU never gets larger.
func TestExchangeMTUAsServer(t *testing.T) {
	type step struct {
		asks, answer string
		mtu          int
	}
	for _, c := range []struct {
		name  string
		mtu   int
		steps []step
	}{
		{"the peer has less", 0, []step{{"02 b900", "03 0502", 185}}},
		{"we have less", 100, []step{{"02 0002", "03 6400", 100}}},
		{"the peer says 0", 0, []step{{"02 0000", "03 0502", 23}}},
		{"the peer says 22", 0, []step{{"02 1600", "03 0502", 23}}},
		{"the same again", 0, []step{{"02 b900", "03 0502", 185}, {"02 b900", "03 0502", 185}}},
		{"more later", 0, []step{{"02 6400", "03 0502", 100}, {"02 b900", "03 0502", 100}}},
		{"less later", 0, []step{{"02 b900", "03 0502", 185}, {"02 6400", "03 0502", 100}, {"02 ffff", "03 0502", 100}}},
		{"malformed", 0, []step{{"02 b9", "01 02 0000 04", 23}, {"02 b90000", "01 02 0000 04", 23}, {"02", "01 02 0000 04", 23}, {"02 b900", "03 0502", 185}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := atttest.Script(t, atttest.Options{}, att.Config{MTU: c.mtu})
				for _, s := range c.steps {
					peer.Ask(s.asks, s.answer)
					synctest.Wait()
					if conn.MTU() != s.mtu {
						t.Fatalf("after %s: %d, want %d", s.asks, conn.MTU(), s.mtu)
					}
				}
			})
		})
	}
}

// TestExchangeMTUBothWays wants the same value told in both directions, and the smaller of all of them (3.4.2.2).
func TestExchangeMTUBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{MTU: 300})
		done := start(c, exchange)
		peer.Want("02 2c01")
		peer.Send("03 c800")
		if got := <-done; got.err != nil || got.value != 200 {
			t.Errorf("%+v", got)
		}
		peer.Ask("02 0002", "03 2c01")
		synctest.Wait()
		if c.MTU() != 200 {
			t.Errorf("MTU %d", c.MTU())
		}
	})
}

// TestMTUHoldsForTheNextPDU wants a notification of the new length right behind the response.
func TestMTUHoldsForTheNextPDU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []int
		c, peer := atttest.Script(t, atttest.Options{}, att.Config{Notify: func(_ uint16, v []byte, _ att.Security) { got = append(got, len(v)) }})
		done := start(c, exchange)
		peer.Want("02 0502")
		peer.Send("1b 0100" + strings.Repeat("00", 20+1)) // before it, too long
		peer.Send("03 6400")
		peer.Send("1b 0100" + strings.Repeat("00", 97))
		peer.Send("1b 0100" + strings.Repeat("00", 97+1))
		<-done
		synctest.Wait()
		if len(got) != 1 || got[0] != 97 {
			t.Errorf("values of %v octets", got)
		}
		if n := c.Stats().Malformed; n != 2 {
			t.Errorf("%d malformed", n)
		}
	})
}

func TestMTUOnEnhancedBearer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := atttest.Script(t, atttest.Options{Enhanced: true, MaxMTU: 600}, att.Config{MTU: 100})
		if mtu, err := c.ExchangeMTU(t.Context()); mtu != 600 || err != nil {
			t.Errorf("%d, %v", mtu, err)
		}
		peer.WantNothing()
		peer.Ask("02 b900", "01 02 0000 06")
		if c.MTU() != 600 {
			t.Errorf("MTU %d", c.MTU())
		}
	})
}
