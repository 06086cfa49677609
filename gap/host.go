package gap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
	"github.com/jelling-ble/jelling/hci/vendor"
	"github.com/jelling-ble/jelling/smp"
	"github.com/jelling-ble/jelling/transport"
)

// IdentityStore keeps what makes this host the same to its peers after a restart. The bond store is one. An
// error beside a value says that the value is good but not kept.
type IdentityStore interface {
	// StaticAddress is a static random address, made once, for a controller that has no public one.
	StaticAddress() (hci.Address, error)
	// LocalIRK is the identity resolving key of one of our identities, made once.
	LocalIRK(identity hci.Address) (smp.Key, error)
}

// Config is what a host may be told. The zero value works: it forgets its bonds when it ends.
type Config struct {
	// Security is the policy, and what else the Security Manager is told. Its Identity and IRK, if zero, are
	// the controller's public address, or one from Identity where it has none, and a key from Identity.
	Security smp.Config
	// Identity keeps our identity; if nil, Security.Store, if it is one, and else what the controller has not is made anew
	// each time.
	Identity IdentityStore

	// MTU is the longest ATT PDU we take, in octets; if zero, 517. With 23 there is no MTU exchange of ours.
	MTU int
	// Bearers is how many enhanced ATT bearers a link may have beside the first, opened by either side (Vol 3, Part G, 5.4); if zero, none.
	// Whoever has a Server sets gatt.ServerConfig.Enhanced with it. See Conn.OpenBearers.
	Bearers int
	// Server is the database that peers see; if nil, they see none.
	Server *gatt.Server
	// GATTStore keeps what we know of the databases of bonded peers, so that they need not be asked again. It may be that of
	// Server, see package statestore; if nil, it is in memory, until the host ends.
	GATTStore gatt.Store
	// Connect are the parameters of connections we make.
	Connect driver.ConnectParameters
	// Preferences are what connections are to be like, whoever makes them.
	Preferences Preferences
	// Bounds are what a peripheral may have when it asks for other connection parameters, by the link layer or by
	// L2CAP. It is asked on the controller's loop and must not wait. If nil, whatever the specification allows.
	Bounds func(peer hci.Address) ParameterBounds
	// Events is told everything that happens, in order, from a goroutine of its own. If it is slow events
	// wait, up to a bound, and then are dropped; if nil, nobody is told.
	Events func(Event)
	// Chip is what the controller needs before it is one: firmware, an address, a rate; nil for nothing. On a
	// serial line it is needed, on a user channel it finds the address that some chips bring.
	Chip *vendor.Config
	// Privacy is what we go by on air, and whom we believe; its zero value hides nothing.
	Privacy Privacy
	// Recovery is what to do when the controller fails; if zero, the host ends with it.
	Recovery Recovery
	// CommandTimeout is passed to the driver.
	CommandTimeout time.Duration
	// NoHostFlow does without controller-to-host flow control where the controller claims to have it, for one that has it
	// wrong. Then a subscriber that is too slow costs its link, by gatt.ErrSlowConsumer.
	NoHostFlow bool
	Logger     *logrus.Logger // if nil, silence
}

// Host is a controller with everything on it. Its methods may be called from any goroutine.
type Host struct {
	cfg       Config
	security  *smp.Manager
	events    *events
	arrivals  arrivals
	accepted  accepted
	scanners  scanners
	listeners listeners
	wishes    wishes
	privacy   privacy

	shutting       atomic.Bool     // by Close
	shut           chan struct{}   // closed when Close is through
	shutErr        error           // good from then on
	closingContext context.Context // ended by Close
	beginClosing   context.CancelFunc
	supervised     chan struct{} // closed when supervise has returned
	done           chan struct{} // closed when the host has ended

	mu         sync.Mutex // guards all below
	controller *driver.Controller
	chip       *chip         // nil without Config.Chip
	changed    chan struct{} // closed when there is another controller
	err        error         // why the host has ended
	conns      map[*driver.Conn]*Conn
	fewer      chan struct{} // closed when a connection has ended
}

// Open starts a host on a controller. It owns conn from then on, whether it fails or not.
func Open(ctx context.Context, conn transport.Conn, cfg Config) (*Host, error) {
	h := &Host{cfg: cfg, supervised: make(chan struct{}), scanners: scanners{changes: make(chan struct{}, 1)}, privacy: newPrivacy(),
		shut: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}), conns: make(map[*driver.Conn]*Conn), fewer: make(chan struct{})}
	if h.cfg.GATTStore == nil {
		h.cfg.GATTStore = gatt.NewMemoryStore()
	}
	h.events = newEvents(cfg.Events, h.warn)
	h.closingContext, h.beginClosing = context.WithCancel(context.Background())
	if h.cfg.Security.HoldKeys == 0 {
		h.cfg.Security.HoldKeys = holdsKeys(conn)
	}
	c, err := h.startController(ctx, conn)
	if err == nil {
		if err = h.identify(ctx, c); err != nil {
			_ = c.Close()
		}
	}
	if err != nil {
		h.beginClosing()
		h.events.close()
		return nil, err
	}
	h.controller = c
	go h.supervise()
	go h.keepPrivate()
	return h, nil
}

func (h *Host) startController(ctx context.Context, conn transport.Conn) (*driver.Controller, error) {
	c, err := driver.Open(ctx, conn, driver.Config{Handler: h, Prepare: h.prepare(conn), CommandTimeout: h.cfg.CommandTimeout, NoHostFlow: h.cfg.NoHostFlow, Logger: h.cfg.Logger})
	if err != nil {
		return nil, fmt.Errorf("start the controller: %w", err)
	}
	h.prefer(ctx, c)
	return c, nil
}

// identify settles who we are, before anybody can ask.
func (h *Host) identify(ctx context.Context, c *driver.Controller) error {
	s := &h.cfg.Security
	if kept, ok := s.Store.(IdentityStore); ok && h.cfg.Identity == nil {
		h.cfg.Identity = kept
	}
	if s.Identity.IsZero() {
		s.Identity = h.ownAddress(c)
		if s.Identity.Type == hci.Public && h.cfg.Privacy.Own == OwnStatic {
			s.Identity = hci.Address{}
		}
	}
	if !s.Identity.IsIdentity() {
		a, err := h.staticAddress()
		if !a.IsIdentity() {
			return fmt.Errorf("our identity address: %w", err)
		}
		s.Identity = a
		h.warn(err)
	}
	if s.IRK.IsZero() && h.cfg.Identity != nil {
		irk, err := h.cfg.Identity.LocalIRK(s.Identity)
		if irk.IsZero() {
			return fmt.Errorf("our identity resolving key: %w", err)
		}
		s.IRK = irk
		h.warn(err)
	}
	if s.IRK.IsZero() {
		s.IRK = newIRK()
	}
	if s.Logger == nil {
		s.Logger = h.cfg.Logger
	}
	var err error
	if h.security, err = smp.NewManager(*s); err != nil {
		return err
	}
	return h.useIdentity(ctx, c)
}

// useIdentity gives a controller our address, and refuses one that has another.
func (h *Host) useIdentity(ctx context.Context, c *driver.Controller) error {
	identity := h.Identity()
	if identity.Type == hci.Public && identity != c.Info().Address {
		return fmt.Errorf("identity address %v is not the controller's public address %v", identity, c.Info().Address)
	}
	if identity.Type == hci.Random && !h.private() {
		if err := c.SetRandomAddress(ctx, identity); err != nil {
			return err
		}
	}
	return h.hide(ctx, c)
}

func (h *Host) staticAddress() (hci.Address, error) {
	if h.cfg.Identity != nil {
		return h.cfg.Identity.StaticAddress()
	}
	a := hci.Address{Type: hci.Random}
	for !a.IsIdentity() {
		_, _ = rand.Read(a.Octets[:]) // never fails
		a.Octets[5] |= 0xC0
	}
	return a, nil
}

// Identity is our identity address.
func (h *Host) Identity() hci.Address { return h.cfg.Security.Identity }

// Bonds is where the bonds are.
func (h *Host) Bonds() smp.Store { return h.security.Store() }

// Controller is the driver below, for what gap has no verb for. After a recovery it is another one.
func (h *Host) Controller() *driver.Controller {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.controller
}

// Done is closed when the host has ended: by Close, or because the controller is gone for good.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err is why the host has ended, nil while it has not.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// closeGrace is how long Close waits for connections to end as they should.
const closeGrace = time.Second

// Close ends every connection, so that no peer has to find out by itself, and then the controller. It
// waits for everything that the host started, so that neither a handler nor Config.Events may call it; anybody
// else may, more than once.
func (h *Host) Close() error {
	if h.shutting.CompareAndSwap(false, true) {
		h.shutErr = h.shutDown()
		close(h.shut)
	}
	<-h.shut
	return h.shutErr
}

func (h *Host) shutDown() error {
	h.beginClosing()
	conns := h.Conns()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	for _, c := range conns {
		c.disconnect(hci.RemoteUserTerminatedConnection)
	}
	for _, c := range conns {
		select {
		case <-c.Done():
		case <-ctx.Done():
		}
	}
	c := h.Controller()
	h.handBack(c)
	err := c.Close()
	<-h.supervised
	<-h.privacy.ended
	h.arrivals.wait()
	for _, c := range h.Conns() { // those too that began meanwhile
		<-c.ended
	}
	h.warn(h.security.SaveWaits())
	h.events.close()
	return err
}

// Conns are the connections there are.
func (h *Host) Conns() []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Conn, 0, len(h.conns))
	for _, c := range h.conns {
		all = append(all, c)
	}
	return all
}

// HandleConnection implements driver.Handler: the controller's loop.
func (h *Host) HandleConnection(link *driver.Conn) driver.ConnHandler {
	if h.isImpostor(link.PeerAddress()) {
		h.logf("%v: it should use private addresses", link.PeerAddress())
		return nil
	}
	c, err := newConn(h, link)
	if err != nil {
		h.logf("%v: %v", link.PeerAddress(), err)
		return nil
	}
	h.mu.Lock()
	h.conns[link] = c
	h.mu.Unlock()
	h.privacy.see(c.Peer())
	if c.Role() == hci.Peripheral {
		h.arrivals.started()
	}
	h.events.tell(c.Peer(), Connected{Role: c.Role(), OnAir: link.PeerAddress()})
	if c.Role() == hci.Peripheral {
		c.gate.release()
		c.taken.begin()
		h.arrivals.arrive(c)
	}
	return c
}

func (h *Host) forget(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c.link)
	close(h.fewer)
	h.fewer = make(chan struct{})
}

// fewerConns is closed when the next connection has ended.
func (h *Host) fewerConns() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fewer
}

func (h *Host) logf(format string, args ...any) {
	if l := h.cfg.Logger; l != nil && l.IsLevelEnabled(logrus.DebugLevel) {
		l.Debugf("gap: "+format, args...)
	}
}

func (h *Host) warn(err error) {
	if err != nil && h.cfg.Logger != nil {
		h.cfg.Logger.Warnf("gap: %v", err)
	}
}

// statusOf is the reason by which the controller explained an error, if it did.
func statusOf(err error) (hci.Status, bool) {
	var s hci.Status
	ok := errors.As(err, &s)
	return s, ok
}
