package gap

import (
	"context"
	"crypto/rand"
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

// newIRK makes an identity resolving key that lasts as long as the host.
func newIRK() (irk smp.Key) {
	for irk.IsZero() {
		_, _ = rand.Read(irk[:]) // never fails
	}
	return irk
}
