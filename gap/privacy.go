package gap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/smp"
)

// OwnAddress is what a host goes by on air.
type OwnAddress uint8

const (
	OwnIdentity   OwnAddress = iota // its identity address: public where the controller has one, else static random
	OwnStatic                       // a static random identity address, though the controller may have a public one
	OwnResolvable                   // private addresses that change, and that bonded peers alone resolve to the identity address
)

// Privacy is how a host hides who it is, and whom it believes. Peers that hide are found in any case: by the controller,
// as far as it has a resolving list and room in it, and by the host for the others.
type Privacy struct {
	Own OwnAddress
	// Rotation is how long a private address of ours is used, 1 s to 1 h; if zero, 15 min. A connection keeps the address
	// that it was made with.
	Rotation time.Duration
	// Network tells which bonded peers are in network privacy mode: one that has given us an IRK is then not heard, nor
	// let in, under its identity address, which anybody can send. If nil, none: peers that stopped hiding, or never
	// began, are still found. It is asked by the controller's loop too, and must not wait.
	Network func(peer hci.Address) bool
	// HostOnly leaves the controller's resolving list alone, for one that is no good.
	HostOnly bool
}

// The least, the most and the usual time that a private address is used (Vol 4, Part E, 7.8.45; Vol 3, Part C,
// Appendix A).
const (
	minRotation     = time.Second
	maxRotation     = time.Hour
	defaultRotation = 15 * time.Minute
	retryRotation   = 10 * time.Second // after a controller has refused it
)

func (p Privacy) rotation() time.Duration {
	if p.Rotation == 0 {
		return defaultRotation
	}
	return min(max(p.Rotation, minRotation), maxRotation)
}

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

// privacy is what the host does for Config.Privacy.
type privacy struct {
	wake  chan struct{} // capacity 1: bonds have changed
	ended chan struct{} // closed when keepPrivate has returned
	turn  chan struct{} // holds a token while a resolving list is being changed, and guards listed

	listed listed

	mu   sync.Mutex                // guards what follows
	seen map[hci.Address]time.Time // of bonded peers; zero: not yet
	told map[hci.Address]time.Time // what NotSeen said last
}

// listed is of which bonds the controller's list was made.
type listed struct {
	controller *driver.Controller
	changes    uint64
}

func newPrivacy() privacy {
	return privacy{wake: make(chan struct{}, 1), ended: make(chan struct{}), turn: make(chan struct{}, 1),
		seen: map[hci.Address]time.Time{}, told: map[hci.Address]time.Time{}}
}

// private tells whether we hide.
func (h *Host) private() bool { return h.cfg.Privacy.Own == OwnResolvable }

// hide gives a controller that has just been started the address that we go by, and the keys of our peers.
func (h *Host) hide(ctx context.Context, c *driver.Controller) error {
	if h.private() {
		if err := c.SetRandomAddress(ctx, h.security.PrivateAddress()); err != nil {
			return fmt.Errorf("private address: %w", err)
		}
		h.warn(c.SetPrivateAddressTimeout(ctx, h.cfg.Privacy.rotation()))
	}
	return h.updateResolving(ctx, c)
}

// keepPrivate changes our private address when its time is over, and has the controller know the bonds that there are. It
// is a goroutine of the host's.
func (h *Host) keepPrivate() {
	defer close(h.privacy.ended)
	rotation := h.cfg.Privacy.rotation()
	rotate := time.NewTimer(rotation)
	defer rotate.Stop()
	if !h.private() {
		rotate.Stop()
	}
	for {
		c := h.Controller()
		var err error
		select {
		case <-rotate.C:
			again := rotation
			if err = c.SetRandomAddress(h.closingContext, h.security.PrivateAddress()); err != nil {
				again = min(again, retryRotation)
			}
			rotate.Reset(again)
		case <-h.privacy.wake:
			err = h.updateResolving(h.closingContext, c)
		case <-h.closingContext.Done():
			return
		case <-h.Done():
			return
		}
		if c.Err() == nil && !h.closing() { // another controller begins with a new one
			h.warn(err)
		}
	}
}

// bondsChanged has the controller told of it, soon. It never waits.
func (h *Host) bondsChanged() {
	select {
	case h.privacy.wake <- struct{}{}:
	default:
	}
}

// updateResolving has the controller resolve the addresses of the bonded peers that there are, as many as it has room
// for. An error but that of ctx is that of some of them, which the host then resolves.
func (h *Host) updateResolving(ctx context.Context, c *driver.Controller) error {
	p := &h.privacy
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	now := listed{controller: c}
	if counter, ok := h.Bonds().(interface{ Changes() uint64 }); ok {
		if now.changes = counter.Changes(); p.listed == now {
			return nil
		}
	}
	h.watchBonds()
	if h.cfg.Privacy.HostOnly || !c.CanResolve() {
		p.listed = now
		return nil
	}
	_, err := c.SetResolvingList(ctx, h.resolvingEntries())
	if err != nil && (ctx.Err() != nil || c.Err() != nil) {
		return err
	}
	if err == nil {
		p.listed = now
	}
	h.warn(err)
	return nil
}

// resolvingEntries are the bonded peers in the words of a controller.
func (h *Host) resolvingEntries() (all []driver.ResolvingEntry) {
	for _, peer := range h.security.PeerIRKs() {
		all = append(all, driver.ResolvingEntry{Peer: peer.Peer, PeerIRK: peer.IRK, LocalIRK: h.cfg.Security.IRK, Network: h.inNetworkMode(peer.Peer)})
	}
	return all
}

func (h *Host) inNetworkMode(peer hci.Address) bool {
	return h.cfg.Privacy.Network != nil && h.cfg.Privacy.Network(peer)
}

// isImpostor tells an identity address whose owner is expected to hide it (Vol 6, Part B, 4.7, network privacy mode). The
// controller does the same for those in its list.
func (h *Host) isImpostor(onAir hci.Address) bool {
	if h.cfg.Privacy.Network == nil || !onAir.IsIdentity() || !h.cfg.Privacy.Network(onAir) {
		return false
	}
	r, known := h.Bonds().Load(h.Identity(), onAir)
	return known && r.Keys.PeerIRK != nil && !r.Keys.PeerIRK.IsZero()
}

// whose is the identity of who advertises, and whether it is to be believed.
func (h *Host) whose(r driver.Report) (identity hci.Address, listen bool) {
	identity = r.Address
	if !r.Resolved {
		if h.isImpostor(r.Address) {
			return identity, false
		}
		identity, _ = h.security.Resolve(r.Address)
	}
	h.privacy.see(identity)
	return identity, true
}

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

// locatePatience is how long an address that was heard is tried: a peer may change it just then.
const locatePatience = 10 * time.Second

// errMoved ends an attempt by an address that may be out of use.
var errMoved = errors.New("the peer did not answer by its address of before")

// reach connects to a peer by its identity address, whatever it has on air. Patience is ConnectConfig.Patience.
func (h *Host) reach(ctx context.Context, peer hci.Address, patience time.Duration) (*driver.Conn, error) {
	began := time.Now()
	for {
		link, err := h.reachOnce(ctx, peer, patience, began)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errMoved) {
			if err != nil {
				err = h.notSeen(ctx, peer, began, err)
			}
			return link, err
		}
	}
}

// reachOnce is one attempt, at the address that the peer has now.
func (h *Host) reachOnce(ctx context.Context, peer hci.Address, patience time.Duration, began time.Time) (*driver.Conn, error) {
	c := h.Controller()
	if err := h.updateResolving(ctx, c); err != nil {
		return nil, err
	}
	p := h.cfg.Connect
	if !h.mustLocate(peer) {
		p.Patience = patience
		return c.Connect(ctx, peer, p)
	}
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, began.Add(patience), driver.ErrNoAnswer)
		defer cancel()
	}
	onAir, err := h.locate(ctx, peer)
	if err != nil {
		return nil, err
	}
	attempt, cancel := context.WithTimeoutCause(ctx, locatePatience, errMoved)
	defer cancel()
	return c.Connect(attempt, onAir, p)
}

// mustLocate tells whether a peer has to be found by the host: a bonded one that uses private addresses, and that the
// controller does not know.
func (h *Host) mustLocate(peer hci.Address) bool {
	record, ok := h.security.Record(peer)
	return ok && record.Keys.PeerIRK != nil && !h.Controller().Resolves(peer)
}

// locate finds the address that such a peer has on air today.
func (h *Host) locate(ctx context.Context, peer hci.Address) (hci.Address, error) {
	for a, err := range h.Scan(ctx, ScanConfig{Passive: true}) {
		if err != nil {
			return peer, err
		}
		if a.Identity == peer && a.Connectable {
			return a.Address, nil
		}
	}
	return peer, context.Cause(ctx)
}

// newIRK makes an identity resolving key that lasts as long as the host.
func newIRK() (irk smp.Key) {
	for irk.IsZero() {
		_, _ = rand.Read(irk[:]) // never fails
	}
	return irk
}
