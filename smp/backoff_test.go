package smp

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

var someTime = time.Unix(1700000000, 0)

func numbered(n int) hci.Address {
	return hci.Address{Octets: [6]byte{byte(n), byte(n >> 8), 1}}
}

func TestWaitAfter(t *testing.T) {
	for failures, want := range map[int]time.Duration{
		-1: 0, 0: 0, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 10: 512 * time.Second,
		11: 10 * time.Minute, 12: 10 * time.Minute, 1 << 30: 10 * time.Minute,
	} {
		if got := waitAfter(failures); got != want {
			t.Errorf("after %d failures: %s, want %s", failures, got, want)
		}
	}
}

// TestBackOff: each failure doubles the wait, up to a bound, and time without one takes failures back.
func TestBackOff(t *testing.T) {
	b, peer, now := backOff{}, numbered(1), someTime
	if got := b.left(peer, now); got != 0 {
		t.Errorf("without failures: %s", got)
	}
	for n := 1; n <= 20; n++ {
		b.fail(peer, now)
		want := min(time.Second<<min(n-1, 20), 10*time.Minute)
		if got := b.left(peer, now); got != want {
			t.Fatalf("after %d failures: %s, want %s", n, got, want)
		}
		if got := b.left(peer, now.Add(want-time.Nanosecond)); got != time.Nanosecond {
			t.Fatalf("just before it is over: %s", got)
		}
		now = now.Add(want)
		if got := b.left(peer, now); got != 0 {
			t.Fatalf("when it is over: %s", got)
		}
	}
	if got := b.left(numbered(2), now); got != 0 {
		t.Errorf("somebody else waits %s", got)
	}
	now = now.Add(3*forgiveness + time.Second)
	if w := b.waits(now); len(w) != 1 || w[0].Failures != maxFailures-3 || w[0].Left != 0 {
		t.Errorf("after a while: %+v", w)
	}
	b.fail(peer, now)
	if got, want := b.left(peer, now), waitAfter(maxFailures-2); got != want {
		t.Errorf("the next failure: %s, want %s", got, want)
	}
	now = now.Add(longestWait + maxFailures*forgiveness)
	if w := b.waits(now); len(w) != 0 {
		t.Errorf("for ever: %+v", w)
	}
}

// TestBackOffIsBounded: a crowd of made-up addresses does not drive out the one that keeps on failing.
func TestBackOffIsBounded(t *testing.T) {
	b, peer, now := backOff{}, numbered(1), someTime
	for range 3 {
		b.fail(peer, now)
	}
	now = now.Add(time.Minute) // its wait is over, its failures are not
	for i := range 10 * maxWaits {
		b.fail(numbered(2+i), now)
		now = now.Add(time.Microsecond)
	}
	if len(b) != maxWaits {
		t.Errorf("%d entries", len(b))
	}
	if b.fail(peer, now); b.left(peer, now) != 8*time.Second {
		t.Errorf("the one that keeps on failing waits %s", b.left(peer, now))
	}
	now = now.Add(10 * forgiveness)
	b.fail(numbered(9999), now)
	if len(b) != 1 {
		t.Errorf("%d entries after all others are forgotten", len(b))
	}
}

// TestWaitsSurviveARestart as remaining time, and none is longer than its failures account for.
func TestWaitsSurviveARestart(t *testing.T) {
	b, now := backOff{}, someTime
	for n := 1; n <= 3; n++ {
		for range n {
			b.fail(numbered(n), now)
		}
	}
	saved := b.waits(now.Add(1500 * time.Millisecond))
	want := []Wait{{numbered(1), 1, 0}, {numbered(2), 2, 500 * time.Millisecond}, {numbered(3), 3, 2500 * time.Millisecond}}
	if fmt.Sprint(saved) != fmt.Sprint(want) {
		t.Fatalf("saved %v, want %v", saved, want)
	}
	restarted, later := backOff{}, time.Unix(5, 0) // the clock has gone back
	restarted.restore(append(saved,
		Wait{numbered(4), 2, time.Hour}, Wait{numbered(5), 0, time.Hour}, Wait{numbered(6), -1, 1}, Wait{numbered(7), 1 << 40, -5},
	), later)
	for n, want := range map[int]time.Duration{1: 0, 2: 500 * time.Millisecond, 3: 2500 * time.Millisecond, 4: 2 * time.Second, 5: 0, 6: 0, 7: 0} {
		if got := restarted.left(numbered(n), later); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	restarted.fail(numbered(3), later)
	if got := restarted.left(numbered(3), later); got != 8*time.Second {
		t.Errorf("the next failure: %s", got)
	}
	restarted.fail(numbered(7), later)
	if got := restarted.left(numbered(7), later); got != longestWait {
		t.Errorf("the next failure of many: %s", got)
	}
}

func TestManagerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, Config{})
		m.countFailure(numbered(1))
		m.countFailure(numbered(1))
		time.Sleep(time.Second)
		saved := m.Waits()
		if len(saved) != 1 || saved[0] != (Wait{numbered(1), 2, time.Second}) {
			t.Fatalf("%+v", saved)
		}
		m = newManager(t, Config{})
		m.RestoreWaits(saved)
		if got := m.waitLeft(numbered(1)); got != time.Second {
			t.Errorf("%s", got)
		}
		time.Sleep(time.Second)
		if got := m.waitLeft(numbered(1)); got != 0 {
			t.Errorf("%s", got)
		}
	})
}
