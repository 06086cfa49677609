package gatt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/att"
	"github.com/jelling-ble/jelling/att/atttest"
	"github.com/jelling-ble/jelling/gatt"
)

// remote is a characteristic of a scripted peer: value at handle, CCCD after it.
func remote(properties gatt.Properties, handle uint16) gatt.RemoteCharacteristic {
	return gatt.RemoteCharacteristic{
		UUID: gatt.HeartRateMeasurement, Properties: properties, Handle: handle - 1, ValueHandle: handle, End: handle + 1,
		Descriptors: []gatt.RemoteDescriptor{{UUID: gatt.ClientCharacteristicConfiguration, Handle: handle + 1}},
	}
}

// subscribed gives a subscription to the value at handle, which the scripted peer has agreed to.
func subscribed(t testing.TB, conn *gatt.Conn, peer *atttest.Peer, properties gatt.Properties, handle uint16, handler func([]byte)) *gatt.Subscription {
	t.Helper()
	var s *gatt.Subscription
	done := background(func() (err error) {
		s, err = conn.Client().Subscribe(bg, remote(properties, handle), handler)
		return err
	})
	peer.Next()
	peer.Send("13")
	wantNil(t, <-done)
	return s
}

func TestSubscribeWritesTheCCCD(t *testing.T) {
	for _, c := range []struct {
		name       string
		properties gatt.Properties
		write      string
		value      string // what the server sends
		answer     string // and gets
	}{
		{"GATT/CL/GAN/BV-01-C notify", gatt.Notify, "12 0a00 0100", "1b 0900 48", ""},
		{"GATT/CL/GAI/BV-01-C indicate", gatt.Indicate, "12 0a00 0200", "1d 0900 48", "1e"},
		{"both", gatt.Notify | gatt.Indicate, "12 0a00 0100", "1b 0900 48", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{})
				var got []byte
				var s *gatt.Subscription
				done := background(func() (err error) {
					s, err = conn.Client().Subscribe(bg, remote(c.properties, 9), func(value []byte) { got = bytes.Clone(value) })
					return err
				})
				peer.Want(c.write)
				peer.Send("13")
				wantNil(t, <-done)
				peer.Send(c.value)
				if c.answer != "" {
					peer.Want(c.answer)
				}
				synctest.Wait()
				if !bytes.Equal(got, []byte{0x48}) {
					t.Errorf("value %x", got)
				}
				closed := background(func() error { return s.Close(bg) })
				peer.Want("12 0a00 0000")
				peer.Send("13")
				wantNil(t, <-closed)
				<-s.Done()
				if s.Err() != nil {
					t.Errorf("error %v after Close", s.Err())
				}
				got = nil
				peer.Send(c.value)
				synctest.Wait()
				if got != nil {
					t.Errorf("value %x after Close", got)
				}
				wantNil(t, s.Close(bg))
				if stats := conn.Client().Stats(); stats != (gatt.ClientStats{Values: 1, Unwanted: 1}) {
					t.Errorf("stats %+v", stats)
				}
			})
		})
	}
}

func TestSubscribeRefused(t *testing.T) {
	noCCCD := remote(gatt.Notify, 9)
	noCCCD.Descriptors = []gatt.RemoteDescriptor{{UUID: gatt.CharacteristicUserDescription, Handle: 10}}
	unknown := remote(gatt.Notify, 9)
	unknown.Descriptors = nil
	for _, c := range []struct {
		name  string
		ch    gatt.RemoteCharacteristic
		steps []step
		want  error
	}{
		{"neither notify nor indicate", remote(gatt.Read|gatt.Write, 9), nil, gatt.ErrNotOffered},
		{"no CCCD", noCCCD, nil, gatt.ErrNoCCCD},
		{"no CCCD discovered", unknown, []step{{"04 0a00 0a00", "01 04 0a00 0a"}}, gatt.ErrNoCCCD},
		{"discovery refused", unknown, []step{{"04 0a00 0a00", "01 04 0a00 0e"}}, att.ErrUnlikelyError},
		{"CCCD discovered, write refused", unknown, []step{{"04 0a00 0a00", "05 01 0a00 0229"}, {"12 0a00 0100", "01 12 0a00 03"}}, att.ErrWriteNotPermitted},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, peer := script(t, atttest.Options{}, gatt.Config{})
				done := background(func() error {
					_, err := conn.Client().Subscribe(bg, c.ch, func([]byte) { t.Error("a value") })
					return err
				})
				answers(peer, c.steps)
				if err := <-done; !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				peer.Send("1b 0900 01")
				peer.WantNothing()
				if stats := conn.Client().Stats(); stats.Unwanted != 1 {
					t.Errorf("stats %+v", stats)
				}
				// The handle is free again.
				subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) {})
			})
		})
	}
}

func TestFirstValueMayOvertakeTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		var got []string
		done := background(func() error {
			_, err := conn.Client().Subscribe(bg, remote(gatt.Notify, 9), func(value []byte) { got = append(got, string(value)) })
			return err
		})
		peer.Want("12 0a00 0100")
		peer.Send("1b 0900 31")
		peer.Send("1b 0900 32")
		synctest.Wait()
		peer.Send("13")
		wantNil(t, <-done)
		peer.Send("1b 0900 33")
		synctest.Wait()
		if !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Errorf("values %q", got)
		}
	})
}

func TestOneSubscriptionPerCharacteristic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		first := subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) {})
		if _, err := conn.Client().Subscribe(bg, remote(gatt.Notify, 9), func([]byte) {}); !errors.Is(err, gatt.ErrSubscribed) {
			t.Errorf("second subscription: %v", err)
		}
		subscribed(t, conn, peer, gatt.Notify, 12, func([]byte) {})
		closed := background(func() error { return first.Close(bg) })
		peer.Want("12 0a00 0000")
		// Until the end of the first is certain a new one could be undone by it.
		if _, err := conn.Client().Subscribe(bg, remote(gatt.Notify, 9), func([]byte) {}); !errors.Is(err, gatt.ErrSubscribed) {
			t.Errorf("while the first is being closed: %v", err)
		}
		peer.Send("01 12 0a00 0e")
		if err := <-closed; !errors.Is(err, att.ErrUnlikelyError) {
			t.Errorf("closing refused: %v", err)
		}
		<-first.Done()
		subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) {})
	})
}

func TestValuesOfOldSubscriptionsAreNotForNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		busy, release := make(chan struct{}), make(chan struct{})
		first := subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) { close(busy); <-release })
		peer.Send("1b 0900 31")
		<-busy
		peer.Send("1b 0900 32") // waits behind it, for a handler that goes
		synctest.Wait()
		closed := background(func() error { return first.Close(bg) })
		peer.Want("12 0a00 0000")
		peer.Send("13")
		wantNil(t, <-closed)
		var got []string
		subscribed(t, conn, peer, gatt.Notify, 9, func(value []byte) { got = append(got, string(value)) })
		peer.Send("1b 0900 33")
		close(release)
		synctest.Wait()
		if !slices.Equal(got, []string{"3"}) {
			t.Errorf("values %q", got)
		}
	})
}

func TestValuesComeInOrderAcrossSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		var got []string
		for i, handle := range []uint16{9, 12} {
			subscribed(t, conn, peer, gatt.Notify, handle, func(value []byte) { got = append(got, fmt.Sprintf("%d%s", i, value)) })
		}
		for _, pdu := range []string{"1b 0900 61", "1b 0c00 62", "23 0c00 0100 63 0900 0100 64", "1b 0900 65", "1b 0700 66"} {
			peer.Send(pdu)
		}
		synctest.Wait()
		if want := []string{"0a", "1b", "1c", "0d", "0e"}; !slices.Equal(got, want) {
			t.Errorf("values %q, want %q", got, want)
		}
		if stats := conn.Client().Stats(); stats != (gatt.ClientStats{Values: 5, Unwanted: 1}) {
			t.Errorf("stats %+v", stats)
		}
	})
}

// Complaint 27, of a handler that reads: it gets no answer, since its values are in the way, or they are lost meanwhile.
func TestHandlerMayUseTheClient(t *testing.T) {
	value := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify}
	other := &gatt.Characteristic{UUID: gatt.ModelNumber, Properties: gatt.Read | gatt.Write}
	server := bare(t, value, other)
	a, _ := pair(t, atttest.Options{}, gatt.Config{}, gatt.Config{Server: server})
	client := a.Client()
	list, err := client.FindCharacteristics(bg, gatt.HeartRateMeasurement)
	wantNil(t, err)
	const count = 200
	done := make(chan struct{})
	seen := 0
	var s *gatt.Subscription
	ready := make(chan struct{})
	s, err = client.Subscribe(bg, list[0], func(v []byte) {
		<-ready
		if int(v[0]) != seen%256 {
			t.Errorf("value %d where %d comes next", v[0], seen%256)
		}
		seen++
		if err := client.Write(bg, server.Handle(other), v); err != nil {
			t.Error(err)
		}
		if got, err := client.Read(bg, server.Handle(other)); err != nil || !bytes.Equal(got, v) {
			t.Errorf("read %x, %v", got, err)
		}
		if seen == count {
			if err := s.Close(bg); err != nil {
				t.Error(err)
			}
			close(done)
		}
	})
	close(ready)
	wantNil(t, err)
	for i := range count {
		wantNil(t, server.Notify(bg, value, []byte{byte(i)}))
	}
	<-done
}

func TestSlowConsumerEndsTheLink(t *testing.T) {
	for _, own := range []bool{false, true} {
		t.Run(fmt.Sprintf("own function %t", own), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls []error
				cfg := gatt.Config{Queue: 1000}
				if own {
					cfg.SlowConsumer = func(err error) { calls = append(calls, err) }
				}
				conn, peer := script(t, atttest.Options{}, cfg)
				var got []byte
				release := make(chan struct{})
				s := subscribed(t, conn, peer, gatt.Indicate, 9, func(value []byte) { <-release; got = append(got, value[0]) })
				// Each takes 20 octets of the queue with its header: 50 fit.
				for i := range 50 {
					peer.Send(fmt.Sprintf("1d 0900 %02x 0000000000000000000000", i))
					peer.Want("1e")
				}
				peer.Send("1d 0900 32 0000000000000000000000")
				peer.WantNothing() // what is lost is not confirmed
				if own {
					if len(calls) != 1 || !errors.Is(calls[0], gatt.ErrSlowConsumer) {
						t.Fatalf("calls %v", calls)
					}
					// What is smaller and would fit must not come behind the gap.
					peer.Send("1b 0900 33")
					synctest.Wait()
					conn.ATT().Bearer().Disconnect(calls[0])
				}
				<-conn.Done()
				if err := conn.Err(); !errors.Is(err, gatt.ErrSlowConsumer) || !errors.Is(err, net.ErrClosed) {
					t.Errorf("the link ended with %v", err)
				}
				close(release)
				<-s.Done()
				if !errors.Is(s.Err(), gatt.ErrSlowConsumer) {
					t.Errorf("the subscription ended with %v", s.Err())
				}
				if len(got) != 50 || got[0] != 0 || got[49] != 49 {
					t.Errorf("handler got %d values: %x", len(got), got)
				}
				if _, err := conn.Client().Subscribe(bg, remote(gatt.Notify, 9), func([]byte) {}); !errors.Is(err, gatt.ErrSlowConsumer) {
					t.Errorf("a new subscription: %v", err)
				}
				wantNil(t, s.Close(bg))
				if own && len(calls) != 1 {
					t.Errorf("%d calls", len(calls))
				}
			})
		})
	}
}

// What had arrived, and was confirmed, reaches its handler although the link ends.
func TestValuesBeforeTheEndAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		release := make(chan struct{})
		var got []byte
		s := subscribed(t, conn, peer, gatt.Notify, 9, func(value []byte) { <-release; got = append(got, value...) })
		for range 5 {
			peer.Send("1b 0900 31")
		}
		synctest.Wait()
		cause := errors.New("gone")
		conn.ATT().Bearer().Disconnect(cause)
		synctest.Wait()
		select {
		case <-s.Done():
			t.Error("done with values still to come")
		default:
		}
		close(release)
		<-s.Done()
		if string(got) != "11111" {
			t.Errorf("values %q", got)
		}
		if err := s.Err(); !errors.Is(err, cause) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
		conn.Wait()
		if _, err := conn.Client().Subscribe(bg, remote(gatt.Notify, 9), func([]byte) {}); !errors.Is(err, cause) {
			t.Errorf("a new subscription: %v", err)
		}
	})
}

// The last value and the end come at the same moment.
func TestLastValueAtTheEnd(t *testing.T) {
	for range 300 {
		c, b := onDeadBearer(t, gatt.Config{})
		got := 0
		s, err := c.Client().Subscribe(bg, remote(gatt.Notify, 9), func([]byte) { got++ })
		wantNil(t, err)
		go c.Receive([]byte{0x1B, 9, 0, 1}, plain)
		b.Disconnect(nil)
		<-s.Done()
		if queued := c.Client().Stats().Values; uint64(got) != queued {
			t.Fatalf("%d values queued, %d delivered", queued, got)
		}
	}
}

func TestSubscribeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		_, err := conn.Client().Subscribe(ctx, remote(gatt.Indicate, 9), func([]byte) { t.Error("a value") })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		peer.Want("12 0a00 0200")
		peer.Send("13") // it has taken effect all the same
		peer.Send("1d 0900 01")
		peer.Want("1e")
		if stats := conn.Client().Stats(); stats.Unwanted != 1 {
			t.Errorf("stats %+v", stats)
		}
	})
}

func TestCloseWhileTheLinkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer := script(t, atttest.Options{}, gatt.Config{})
		s := subscribed(t, conn, peer, gatt.Notify, 9, func([]byte) {})
		closed := background(func() error { return s.Close(bg) })
		peer.Want("12 0a00 0000")
		conn.ATT().Bearer().Disconnect(errors.New("gone"))
		if err := <-closed; !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
		<-s.Done()
		if s.Err() != nil {
			t.Errorf("error %v after Close", s.Err())
		}
	})
}

// Complaint 27: notifications lost in silence.
func TestBurstIsCompleteOrTheLinkEnds(t *testing.T) {
	const count = 100_000
	for _, queue := range []int{0, 1000} {
		t.Run(fmt.Sprintf("queue %d", queue), func(t *testing.T) {
			ch := &gatt.Characteristic{UUID: gatt.HeartRateMeasurement, Properties: gatt.Notify}
			server := bare(t, ch)
			a, _ := pair(t, atttest.Options{}, gatt.Config{Queue: queue}, gatt.Config{Server: server})
			next := uint32(0)
			all := make(chan struct{})
			s, err := a.Client().Subscribe(bg, remote(gatt.Notify, server.Handle(ch)), func(value []byte) {
				got := uint32(value[0]) | uint32(value[1])<<8 | uint32(value[2])<<16
				if got != next {
					t.Errorf("value %d where %d comes next", got, next)
				}
				if next = got + 1; next == count {
					close(all)
				}
			})
			wantNil(t, err)
			for i := range count {
				wantNil(t, server.Notify(bg, ch, []byte{byte(i), byte(i >> 8), byte(i >> 16), 0, 0, 0, 0, 0, 0, 0}))
			}
			select {
			case <-all:
				wantNil(t, s.Close(bg))
			case <-s.Done():
				if !errors.Is(s.Err(), gatt.ErrSlowConsumer) {
					t.Errorf("ended after %d values with %v", next, s.Err())
				}
			}
		})
	}
}
