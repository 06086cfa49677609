package gatt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// answers has the peer answer requests in this order.
func answers(peer *atttest.Peer, steps []step) {
	for _, s := range steps {
		peer.Want(s.ask)
		if s.want != "" {
			peer.Send(s.want)
		}
	}
}

func TestExchangeMTU(t *testing.T) {
	for _, c := range []struct {
		name   string
		mtu    int
		answer string
		want   int
	}{
		{"GATT/CL/GAC/BV-01-C", 0, "03 0002", 512},
		{"ours is the smaller", 100, "03 0002", 100},
		{"the peer's is too small", 0, "03 0500", 23},
		{"not supported", 0, "01 02 0000 06", 23},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, peer := script(t, atttest.Options{}, gatt.Config{MTU: c.mtu})
			client := conn.Client()
			done := background(func() error { _, err := client.ExchangeMTU(bg); return err })
			if ask := peer.Next(); ask[0] != 0x02 {
				t.Fatalf("asked %x", ask)
			}
			peer.Send(c.answer)
			wantNil(t, <-done)
			if client.MTU() != c.want {
				t.Errorf("MTU %d, want %d", client.MTU(), c.want)
			}
			if again, err := client.ExchangeMTU(bg); again != c.want || err != nil {
				t.Errorf("again: %d, %v", again, err)
			}
		})
	}
}

func TestClientRead(t *testing.T) {
	hex := func(from, to int) string { return fmt.Sprintf("%x", longValue[from:to]) }
	full := strings.Repeat("ff", 22)
	for _, c := range []struct {
		name  string
		steps []step
		want  string // in hexadecimal
		err   error
	}{
		{"GATT/CL/GAR/BV-01-C short", []step{{"0a 0300", "0b 6401"}}, "6401", nil},
		{"empty", []step{{"0a 0300", "0b"}}, "", nil},
		{"GATT/CL/GAR/BV-04-C long", []step{
			{"0a 0300", "0b" + hex(0, 22)}, {"0c 0300 1600", "0d" + hex(22, 44)}, {"0c 0300 2c00", "0d" + hex(44, 50)},
		}, hex(0, 50), nil},
		{"exactly one PDU, then nothing", []step{{"0a 0300", "0b" + full}, {"0c 0300 1600", "0d"}}, full, nil},
		{"exactly one PDU, attribute not long", []step{{"0a 0300", "0b" + full}, {"0c 0300 1600", "01 0c 0300 0b"}}, full, nil},
		{"a server without Read Blob", []step{{"0a 0300", "0b" + full}, {"0c 0300 1600", "01 0c 0300 06"}}, full, nil},
		{"GATT/CL/GAR/BI-01-C not permitted", []step{{"0a 0300", "01 0a 0300 02"}}, "", att.ErrReadNotPermitted},
		{"GATT/CL/GAR/BI-02-C invalid handle", []step{{"0a 0300", "01 0a 0300 01"}}, "", att.ErrInvalidHandle},
		{"GATT/CL/GAR/BI-13-C the value shrinks", []step{{"0a 0300", "0b" + full}, {"0c 0300 1600", "01 0c 0300 07"}}, "", att.ErrInvalidOffset},
		{"an answer to something else", []step{{"0a 0300", "13"}}, "", att.ErrUnexpected},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, peer := script(t, atttest.Options{}, gatt.Config{})
			var value []byte
			done := background(func() (err error) { value, err = conn.Client().Read(bg, 3); return err })
			answers(peer, c.steps)
			if err := <-done; !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if got := fmt.Sprintf("%x", value); got != c.want {
				t.Errorf("value %s, want %s", got, c.want)
			}
		})
	}
}

func TestReadOfAnEndlessValueEnds(t *testing.T) {
	conn, peer := script(t, atttest.Options{}, gatt.Config{})
	done := background(func() error { _, err := conn.Client().Read(bg, 3); return err })
	peer.Want("0a 0300")
	peer.Send("0b" + strings.Repeat("aa", 22))
	for offset := 22; offset < 512; offset += 22 {
		peer.Want(fmt.Sprintf("0c 0300 %02x%02x", offset&0xFF, offset>>8))
		peer.Send("0d" + strings.Repeat("aa", 22))
	}
	if err := <-done; !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("error %v", err)
	}
}

func TestLongestValueNeedsNoQuestionForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{MTU: 513})
		peer.Ask("02 0102", "03 0102")
		var value []byte
		done := background(func() (err error) { value, err = conn.Client().Read(bg, 3); return err })
		peer.Want("0a 0300")
		peer.Send("0b" + strings.Repeat("aa", 512))
		wantNil(t, <-done)
		if len(value) != 512 {
			t.Errorf("%d octets", len(value))
		}
		peer.WantNothing()
	})
}

func TestReadIntoAShortBuffer(t *testing.T) {
	ch := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read, Value: longValue}
	a, _ := pair(t, atttest.Options{}, gatt.Config{}, gatt.Config{Server: bare(t, ch)})
	for size := range len(longValue) + 2 {
		buf := make([]byte, size)
		n, err := a.Client().ReadInto(bg, 3, buf)
		if !bytes.Equal(buf[:n], longValue[:min(size, len(longValue))]) {
			t.Errorf("%d octets: got %x", size, buf[:n])
		}
		if short := size < len(longValue); errors.Is(err, io.ErrShortBuffer) != short || !short && err != nil {
			t.Errorf("%d octets: error %v", size, err)
		}
	}
}

func TestClientWrite(t *testing.T) {
	long := bytes.Repeat([]byte{0xAB}, 21)
	for _, c := range []struct {
		name  string
		value []byte
		steps []step
		err   error
	}{
		{"GATT/CL/GAW/BV-03-C", []byte{1, 2}, []step{{"12 0300 0102", "13"}}, nil},
		{"empty", nil, []step{{"12 0300", "13"}}, nil},
		{"as much as fits", long[:20], []step{{"12 0300" + strings.Repeat("ab", 20), "13"}}, nil},
		{"GATT/CL/GAW/BI-03-C not permitted", []byte{1}, []step{{"12 0300 01", "01 12 0300 03"}}, att.ErrWriteNotPermitted},
		{"GATT/CL/GAW/BV-05-C long", long, []step{
			{"16 0300 0000" + strings.Repeat("ab", 18), "17 0300 0000" + strings.Repeat("ab", 18)},
			{"16 0300 1200 ababab", "17 0300 1200 ababab"},
			{"18 01", "19"},
		}, nil},
		{"long, a part refused", long, []step{
			{"16 0300 0000" + strings.Repeat("ab", 18), "17 0300 0000" + strings.Repeat("ab", 18)},
			{"16 0300 1200 ababab", "01 16 0300 09"},
			{"18 00", "19"},
		}, att.ErrPrepareQueueFull},
		{"long, refused at the end", long, []step{
			{"16 0300 0000" + strings.Repeat("ab", 18), "17 0300 0000" + strings.Repeat("ab", 18)},
			{"16 0300 1200 ababab", "17 0300 1200 ababab"},
			{"18 01", "01 18 0300 0d"},
		}, att.ErrInvalidAttributeValueLength},
		{"more than there can be", make([]byte, 513), nil, att.ErrInvalidAttributeValueLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{})
				done := background(func() error { return conn.Client().Write(bg, 3, c.value) })
				answers(peer, c.steps)
				if err := <-done; !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				peer.WantNothing()
			})
		})
	}
}

// A long write whose caller has gone leaves parts behind, which must not become part of the next one.
func TestLongWriteCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		client := conn.Client()
		first, second := bytes.Repeat([]byte{1}, 21), bytes.Repeat([]byte{2}, 21)
		part := func(op string, octet string) string { return op + "0300 0000" + strings.Repeat(octet, 18) }

		ctx, cancel := context.WithCancel(bg)
		done := background(func() error { return client.Write(ctx, 3, first) })
		peer.Want(part("16", "01"))
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v", err)
		}
		done = background(func() error { return client.Write(bg, 3, second) })
		peer.WantNothing() // the first part is still to be answered
		peer.Send(part("17", "01"))
		answers(peer, []step{
			{"18 00", "19"},
			{part("16", "02"), part("17", "02")},
			{"16 0300 1200 020202", "17 0300 1200 020202"},
			{"18 01", "19"},
		})
		wantNil(t, <-done)
	})
}

func TestLongWritesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		var done []<-chan error
		for i := range 4 {
			done = append(done, background(func() error { return conn.Client().Write(bg, 3, bytes.Repeat([]byte{byte(i)}, 36)) }))
		}
		synctest.Wait()
		for range done {
			first := peer.Next()
			octet := fmt.Sprintf("%02x", first[len(first)-1])
			part := strings.Repeat(octet, 18)
			if got, want := fmt.Sprintf("%x", first), "1603000000"+part; got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			peer.Send("17 0300 0000" + part)
			peer.Want("16 0300 1200" + part)
			peer.Send("17 0300 1200" + part)
			peer.Want("18 01")
			peer.Send("19")
		}
		for _, d := range done {
			wantNil(t, <-d)
		}
	})
}

func TestWriteCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		wantNil(t, conn.Client().WriteCommand(bg, 3, []byte{1, 2}))
		peer.Want("52 0300 0102")
		if err := conn.Client().WriteCommand(bg, 3, make([]byte, 21)); !errors.Is(err, att.ErrTooLong) {
			t.Errorf("error %v for more than fits", err)
		}
		peer.WantNothing()
	})
}

// Cancelling frees the caller; the late answer is not taken for that of the next request.
func TestCancelDoesNotPoisonTheBearer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		client := conn.Client()
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		if _, err := client.Read(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v", err)
		}
		peer.Want("0a 0300")
		var value []byte
		done := background(func() (err error) { value, err = client.Read(bg, 5); return err })
		peer.WantNothing()
		peer.Send("0b 01")
		peer.Want("0a 0500")
		peer.Send("0b 02")
		wantNil(t, <-done)
		if !bytes.Equal(value, []byte{2}) {
			t.Errorf("got %x, which answers the request before", value)
		}
	})
}

// Complaint 22: a read or write never returns.
func TestNoAnswerEndsTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		begin := time.Now()
		_, err := conn.Client().Read(bg, 3)
		if !errors.Is(err, att.ErrTimeout) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
		if d := time.Since(begin); d != att.TransactionTimeout {
			t.Errorf("after %v", d)
		}
		<-peer.Bearer().Done()
		<-conn.Done()
		if !errors.Is(conn.Err(), att.ErrTimeout) {
			t.Errorf("the Conn ended with %v", conn.Err())
		}
	})
}

func TestRequestsEndWithTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		client := conn.Client()
		read := background(func() error { _, err := client.Read(bg, 3); return err })
		peer.Want("0a 0300")
		long := background(func() error { return client.Write(bg, 3, make([]byte, 100)) })
		longer := background(func() error { return client.Write(bg, 3, make([]byte, 100)) })
		synctest.Wait()
		cause := errors.New("out of range")
		conn.ATT().Bearer().Disconnect(cause)
		for _, done := range []<-chan error{read, long, longer} {
			if err := <-done; !errors.Is(err, cause) || !errors.Is(err, net.ErrClosed) {
				t.Errorf("error %v", err)
			}
		}
		if _, err := client.Discover(bg); !errors.Is(err, cause) {
			t.Errorf("discovery afterwards: %v", err)
		}
		conn.Wait()
	})
}
