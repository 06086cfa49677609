package smp

import (
	"cmp"
	"slices"
	"time"

	"github.com/jelling-ble/jelling/hci"
)

// The waits after failed pairings (Vol 3, Part H, 2.3.6): the first is short, each further failure doubles
// it, and time without a failure takes failures back.
const (
	firstWait   = time.Second
	longestWait = 10 * time.Minute
	forgiveness = 20 * time.Minute // one failure is forgotten for each that passes after a wait is over
	maxFailures = 11               // more make no longer wait
	maxWaits    = 256              // peers; beyond, the one nearest to being forgotten is
)

// Wait is how long pairing with a peer has to wait after failures (Vol 3, Part H, 2.3.6), as remaining
// time, so that it can be saved without a clock.
type Wait struct {
	Peer     hci.Address   // identity address, or the address on air where none is known
	Failures int           // failed pairings that still count
	Left     time.Duration // until the next pairing may begin
}

// backOff is the table of failures, which the Manager guards. Methods take the time.
type backOff map[hci.Address]attempts

type attempts struct {
	failures int
	until    time.Time // when the wait is over
}

// at is what remains of a at a time.
func (a attempts) at(now time.Time) attempts {
	if past := now.Sub(a.until); past > 0 {
		forgiven := int(past / forgiveness)
		a.failures = max(0, a.failures-forgiven)
		a.until = a.until.Add(time.Duration(forgiven) * forgiveness)
	}
	return a
}

// waitAfter is the wait after so many failures.
func waitAfter(failures int) time.Duration {
	if failures <= 0 {
		return 0
	}
	return min(firstWait<<(min(failures, maxFailures)-1), longestWait)
}

// left is how long the peer has to wait.
func (b backOff) left(peer hci.Address, now time.Time) time.Duration {
	return max(0, b[peer].until.Sub(now))
}

// fail counts a failed pairing.
func (b backOff) fail(peer hci.Address, now time.Time) {
	n := b[peer].at(now).failures + 1
	b.set(peer, n, now.Add(waitAfter(n)), now)
}

func (b backOff) set(peer hci.Address, failures int, until, now time.Time) {
	if _, known := b[peer]; !known && len(b) >= maxWaits {
		b.makeRoom(now)
	}
	b[peer] = attempts{min(failures, maxFailures), until}
}

// makeRoom drops what is forgotten, and if nothing is, the peer with the fewest failures and then the
// shortest wait: a crowd of made-up addresses does not drive out the one that keeps on failing.
func (b backOff) makeRoom(now time.Time) {
	var least hci.Address
	found := false
	for peer, a := range b {
		if a.at(now).failures == 0 {
			delete(b, peer)
			continue
		}
		if !found || a.before(b[least]) {
			least, found = peer, true
		}
	}
	if len(b) >= maxWaits {
		delete(b, least)
	}
}

func (a attempts) before(o attempts) bool {
	if a.failures != o.failures {
		return a.failures < o.failures
	}
	return a.until.Before(o.until)
}

// waits is the table in the order of addresses.
func (b backOff) waits(now time.Time) []Wait {
	var all []Wait
	for peer, a := range b {
		if a := a.at(now); a.failures > 0 {
			all = append(all, Wait{peer, a.failures, max(0, a.until.Sub(now))})
		}
	}
	slices.SortFunc(all, func(x, y Wait) int { return cmp.Compare(x.Peer.Text(), y.Peer.Text()) })
	return all
}

// restore puts waits back, none longer than its failures account for.
func (b backOff) restore(all []Wait, now time.Time) {
	for _, w := range all {
		if w.Failures > 0 {
			left := min(max(0, w.Left), waitAfter(w.Failures))
			b.set(w.Peer, w.Failures, now.Add(left), now)
		}
	}
}
