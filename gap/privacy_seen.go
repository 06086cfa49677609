package gap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
)

// NotSeen tells that a bonded peer was looked for and did not appear under its identity. One that lost its bond may be
// there all the same: it comes back with another IRK, as a stranger.
type NotSeen struct {
	Since time.Time // when it last did; zero: not since the host began
}

// NotSeenError is why a bonded peer was not connected to: it did not appear under its identity, see NotSeen.
type NotSeenError struct {
	Peer  hci.Address
	Since time.Time // zero: not since the host began
	Err   error     // what ended the search
}

func (e *NotSeenError) Error() string {
	since := "since this host began"
	if !e.Since.IsZero() {
		since = "since " + e.Since.Format(time.DateTime)
	}
	return fmt.Sprintf("%v not seen under its identity %s: %v", e.Peer, since, e.Err)
}

// Unwrap returns Err.
func (e *NotSeenError) Unwrap() error { return e.Err }

// watchBonds notes whose appearance is of interest: that of the bonded peers, so that the table is no larger than the
// store.
func (h *Host) watchBonds() {
	p := &h.privacy
	records := h.Bonds().List(h.Identity())
	connected := map[hci.Address]bool{}
	for _, c := range h.Conns() {
		connected[c.Peer()] = true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was, told := p.seen, p.told
	p.seen, p.told = map[hci.Address]time.Time{}, map[hci.Address]time.Time{}
	for _, r := range records {
		if !r.Bonded {
			continue
		}
		p.seen[r.Peer] = was[r.Peer]
		if connected[r.Peer] {
			p.seen[r.Peer] = time.Now()
		}
		if t, ok := told[r.Peer]; ok {
			p.told[r.Peer] = t
		}
	}
}

// met notes that a peer is there with which there is a bond now.
func (p *privacy) met(peer hci.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[peer] = time.Now()
}

// see notes that a peer has appeared, if it is bonded.
func (p *privacy) see(identity hci.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, bonded := p.seen[identity]; bonded {
		p.seen[identity] = time.Now()
	}
}

// LastSeen is when a bonded peer last appeared under its identity, in an advertisement that a scan heard or by a
// connection; zero when it has not since the host began. It is false for others.
func (h *Host) LastSeen(peer hci.Address) (time.Time, bool) {
	h.privacy.mu.Lock()
	defer h.privacy.mu.Unlock()
	t, bonded := h.privacy.seen[peer]
	return t, bonded
}

// notSeen says of an attempt to connect that ran out of time whether the peer was there at all, and tells it once until
// the peer appears.
func (h *Host) notSeen(ctx context.Context, peer hci.Address, began time.Time, err error) error {
	if ctx.Err() != context.DeadlineExceeded && !errors.Is(err, driver.ErrNoAnswer) {
		return err
	}
	p := &h.privacy
	p.mu.Lock()
	since, bonded := p.seen[peer]
	told, before := p.told[peer]
	missing := bonded && since.Before(began)
	if missing {
		p.told[peer] = since
	}
	p.mu.Unlock()
	if !missing {
		return err
	}
	if !before || told != since {
		h.events.tell(peer, NotSeen{since})
	}
	return &NotSeenError{peer, since, err}
}
