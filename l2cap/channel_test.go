package l2cap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jelling-ble/jelling/hci"
)

// Every length of PDU at several sizes of the controller's buffers: full fragments but for the last, the
// first alone marked as one.
func TestFragmentation(t *testing.T) {
	for _, mtu := range []int{27, 28, 31, 251, 1021} {
		r := newRig(t, hci.Central, Config{})
		r.link.mtu = mtu
		for n := range 101 {
			mustSend(t, r.att, counting(n))
			cid, sdu := r.sdu(t)
			if cid != CIDATT || !bytes.Equal(sdu, counting(n)) {
				t.Fatalf("MTU %d: %d octets came out as % X on channel %d", mtu, n, sdu, cid)
			}
			if fragment, _ := r.next(); fragment != nil {
				t.Fatalf("MTU %d: % X behind a PDU of %d octets", mtu, fragment, n)
			}
		}
	}
}

// What one Mux sends the other receives.
func TestThereAndBack(t *testing.T) {
	a, b := newRig(t, hci.Central, Config{}), newRig(t, hci.Peripheral, Config{})
	mustSend(t, a.att, counting(100))
	mustSendUrgent(t, a.smp, counting(65))
	for fragment, start := a.next(); fragment != nil; fragment, start = a.next() {
		b.HandleFragment(start, fragment)
	}
	want := []string{fmt.Sprintf("smp %x", counting(65)), fmt.Sprintf("att %x", counting(100))}
	if len(b.got) != 2 || b.got[0] != want[0] || b.got[1] != want[1] {
		t.Errorf("received %q, want %q", b.got, want)
	}
}

// order pulls all that is queued and tells the SDUs in order, each by its one octet.
func order(t *testing.T, r *rig) string {
	t.Helper()
	var s string
	for {
		cid, sdu := r.sdu(t)
		if sdu == nil {
			return s
		}
		s += fmt.Sprintf("%d:%s ", cid, sdu)
	}
}

// Responses, confirmations, SMP and signalling never stand behind notifications.
func TestUrgentGoesFirst(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	for _, s := range []string{"a", "b", "c"} {
		mustSend(t, r.att, []byte(s))
	}
	mustSendUrgent(t, r.att, []byte("A"))
	mustSendUrgent(t, r.att, []byte("B"))
	mustSendUrgent(t, r.signalling.channel, []byte("S"))
	mustSendUrgent(t, r.smp, []byte("M"))
	if got := order(t, r); got != "6:M 5:S 4:A 4:B 4:a 4:b 4:c " {
		t.Error(got)
	}
}

// What waits on several channels goes in turn, so that none starves another.
func TestChannelsTakeTurns(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	for _, s := range []string{"a", "b", "c"} {
		mustSend(t, r.att, []byte(s))
	}
	for _, s := range []string{"x", "y"} {
		mustSend(t, r.smp, []byte(s))
	}
	if got := order(t, r); got != "4:a 6:x 4:b 6:y 4:c " {
		t.Error(got)
	}
}

// Fragments of two PDUs are never mixed: what is urgent waits for the end of the PDU that has begun.
func TestFragmentsAreNotMixed(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	mustSend(t, r.att, counting(100))
	first, _ := r.next()
	mustSendUrgent(t, r.smp, counting(40))
	whole := bytes.Clone(first)
	for len(whole) < headerLength+100 {
		fragment, start := r.next()
		if start {
			t.Fatal("a PDU began within another")
		}
		whole = append(whole, fragment...)
	}
	if !bytes.Equal(whole, pdu(CIDATT, counting(100)...)) {
		t.Errorf("% X", whole)
	}
	if cid, sdu := r.sdu(t); cid != CIDSMP || !bytes.Equal(sdu, counting(40)) {
		t.Errorf("% X on channel %d", sdu, cid)
	}
}

func TestTooLongToSend(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	if err := r.smp.Send(t.Context(), counting(66)); !errors.Is(err, ErrTooLong) {
		t.Errorf("Send: %v", err)
	}
	if err := r.smp.SendUrgent(counting(66)); !errors.Is(err, ErrTooLong) {
		t.Errorf("SendUrgent: %v", err)
	}
	if r.link.wakes != 0 {
		t.Error("the writer was woken for nothing")
	}
}

// A queue is bounded; the sender waits for room, which is there when a PDU's last fragment is pulled.
func TestSendWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hci.Central, Config{})
		for range maxWaiting {
			mustSend(t, r.att, counting(30))
		}
		done := make(chan error, 1)
		go func() { done <- r.att.Send(t.Context(), []byte("next")) }()
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("there was room")
		}
		if fragment, _ := r.next(); len(fragment) != 27 {
			t.Fatalf("% X", fragment)
		}
		synctest.Wait()
		if len(done) != 0 {
			t.Fatal("there was room before the PDU was pulled to its end")
		}
		r.next()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for range maxWaiting - 1 {
			r.sdu(t)
		}
		if _, sdu := r.sdu(t); string(sdu) != "next" {
			t.Errorf("the last is %q", sdu)
		}
	})
}

// A cancelled sender is freed, and its place is not lost.
func TestSendCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hci.Central, Config{})
		why := errors.New("no longer wanted")
		over, cancel := context.WithCancelCause(t.Context())
		for range maxWaiting {
			mustSend(t, r.att, []byte("x"))
		}
		done := make(chan error, 1)
		go func() { done <- r.att.Send(over, []byte("never")) }()
		synctest.Wait()
		cancel(why)
		if err := <-done; !errors.Is(err, why) {
			t.Errorf("Send: %v", err)
		}
		for range maxWaiting {
			if _, sdu := r.sdu(t); string(sdu) != "x" {
				t.Errorf("sent %q", sdu)
			}
		}
		for range maxWaiting { // all places are there
			mustSend(t, r.att, []byte("y"))
		}
		r.sdu(t)
		if err := r.att.Send(over, []byte("never")); !errors.Is(err, why) {
			t.Errorf("Send with room, for a context that is over: %v", err)
		}
	})
}

// The end of the link frees every sender, with its reason: complaint 4, hangs for ever.
func TestCloseFreesSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, hci.Central, Config{})
		for range maxWaiting {
			mustSend(t, r.att, []byte("x"))
		}
		const senders = 10
		done := make(chan error, senders)
		for range senders {
			go func() { done <- r.att.Send(t.Context(), []byte("y")) }()
		}
		synctest.Wait()
		r.Close(hci.RemoteUserTerminatedConnection)
		for range senders {
			if err := <-done; !errors.Is(err, hci.RemoteUserTerminatedConnection) {
				t.Errorf("Send: %v", err)
			}
		}
	})
}

// What a peer makes us answer is bounded too, and never waits.
func TestUrgentQueueFull(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	for range maxUrgent {
		mustSendUrgent(t, r.att, []byte("r"))
	}
	if err := r.att.SendUrgent([]byte("r")); !errors.Is(err, ErrQueueFull) {
		t.Errorf("SendUrgent: %v", err)
	}
	mustSend(t, r.att, []byte("n"))       // a queue of its own
	mustSendUrgent(t, r.smp, []byte("M")) // and one for each channel
	r.sdu(t)
	r.sdu(t)
	mustSendUrgent(t, r.att, []byte("r"))
}

// Sent SDUs are the caller's again at once.
func TestSendDoesNotKeep(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	b := []byte("abc")
	mustSend(t, r.att, b)
	b[0] = 'x'
	if _, sdu := r.sdu(t); string(sdu) != "abc" {
		t.Errorf("%q", sdu)
	}
}

// Every Send wakes the writer, when what is sent can be pulled.
func TestWakes(t *testing.T) {
	r := newRig(t, hci.Central, Config{})
	mustSend(t, r.att, []byte{1})
	mustSendUrgent(t, r.att, []byte{2})
	if r.link.wakes != 2 {
		t.Errorf("%d wakes", r.link.wakes)
	}
}

// Many senders on all channels and one writer: each sender's SDUs arrive whole and in its order.
func TestConcurrentSenders(t *testing.T) {
	const senders, each = 8, 200
	a, b := newRig(t, hci.Central, Config{}), newRig(t, hci.Peripheral, Config{})
	var wg sync.WaitGroup
	for s := range senders {
		c := []*Channel{a.att, a.smp}[s%2]
		wg.Go(func() {
			for i := range each {
				sdu := append([]byte{byte(s), byte(i)}, counting(rand.IntN(60))...)
				if err := c.Send(t.Context(), sdu); err != nil {
					t.Error(err)
					return
				}
				if i%10 == 0 {
					if err := c.SendUrgent([]byte{0xFF}); err != nil && !errors.Is(err, ErrQueueFull) {
						t.Error(err)
					}
				}
			}
		})
	}
	sent := make(chan struct{})
	go func() { wg.Wait(); close(sent) }()
	for over := false; ; {
		fragment, start := a.next()
		if fragment != nil {
			b.HandleFragment(start, fragment)
			continue
		}
		if over {
			break
		}
		select {
		case <-sent:
			over = true
		default:
		}
	}
	var next [senders]int
	for _, got := range b.got {
		var name string
		var sdu []byte
		if _, err := fmt.Sscanf(got, "%s %x", &name, &sdu); err != nil {
			t.Fatal(err)
		}
		if sdu[0] == 0xFF {
			continue
		}
		s, i := int(sdu[0]), int(sdu[1])
		if i != next[s] || !bytes.Equal(sdu[2:], counting(len(sdu)-2)) || (name == "att") != (s%2 == 0) {
			t.Fatalf("%s: sender %d, SDU %d, want %d", name, s, i, next[s])
		}
		next[s]++
	}
	for s, n := range next {
		if n != each {
			t.Errorf("sender %d: %d of %d arrived", s, n, each)
		}
	}
	if s := b.Statistics(); s != (Statistics{}) {
		t.Errorf("%+v", s)
	}
}
