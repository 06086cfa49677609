package gap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/jelling-ble/jelling/gatt"
	"github.com/jelling-ble/jelling/hci"
	"github.com/jelling-ble/jelling/hci/driver"
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
	// Identity keeps our identity; if nil, what the controller has not is made anew each time.
	Identity IdentityStore

	// MTU is the longest ATT PDU we take, in octets; if zero, 517. With 23 there is no MTU exchange of ours.
	MTU int
	// Server is the database that peers see; if nil, they see none.
	Server *gatt.Server
	// Connect are the parameters of connections we make.
	Connect driver.ConnectParameters
	// Events is told everything that happens, in order, from a goroutine of its own. If it is slow events
	// wait, up to a bound, and then are dropped; if nil, nobody is told.
	Events func(Event)
	// CommandTimeout is passed to the driver.
	CommandTimeout time.Duration
	Logger         *logrus.Logger // if nil, silence
}

// Host is a controller with everything on it. Its methods may be called from any goroutine.
type Host struct {
	cfg        Config
	controller *driver.Controller
	security   *smp.Manager
	events     *events
	incoming   chan *Conn // connections made by peers, for Accept
	scanners   scanners

	mu    sync.Mutex
	conns map[*driver.Conn]*Conn
}

// maxIncoming is how many connections made by peers wait for Accept; more are disconnected.
const maxIncoming = 8

// Open starts a host on a controller. It owns conn from then on, whether it fails or not.
func Open(ctx context.Context, conn transport.Conn, cfg Config) (*Host, error) {
	h := &Host{cfg: cfg, events: newEvents(cfg.Events), incoming: make(chan *Conn, maxIncoming), conns: make(map[*driver.Conn]*Conn)}
	var err error
	h.controller, err = driver.Open(ctx, conn, driver.Config{Handler: h, CommandTimeout: cfg.CommandTimeout, Logger: cfg.Logger})
	if err != nil {
		h.events.close()
		return nil, fmt.Errorf("start the controller: %w", err)
	}
	if err := h.identify(ctx); err != nil {
		_ = h.Close()
		return nil, err
	}
	return h, nil
}

// identify settles who we are, before anybody can ask.
func (h *Host) identify(ctx context.Context) error {
	s := &h.cfg.Security
	if s.Identity.IsZero() {
		s.Identity = h.controller.Info().Address
	}
	if !s.Identity.IsIdentity() {
		a, err := h.staticAddress()
		if !a.IsIdentity() {
			return fmt.Errorf("our identity address: %w", err)
		}
		s.Identity = a
		h.warn(err)
	}
	if s.Identity != h.controller.Info().Address {
		if s.Identity.Type == hci.Public {
			return fmt.Errorf("identity address %v is not the controller's public address %v", s.Identity, h.controller.Info().Address)
		}
		if err := h.controller.SetRandomAddress(ctx, s.Identity); err != nil {
			return err
		}
	}
	if s.IRK.IsZero() && h.cfg.Identity != nil {
		irk, err := h.cfg.Identity.LocalIRK(s.Identity)
		if irk.IsZero() {
			return fmt.Errorf("our identity resolving key: %w", err)
		}
		s.IRK = irk
		h.warn(err)
	}
	if s.Logger == nil {
		s.Logger = h.cfg.Logger
	}
	var err error
	h.security, err = smp.NewManager(*s)
	return err
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

// Controller is the driver below, for what gap has no verb for.
func (h *Host) Controller() *driver.Controller { return h.controller }

// Done is closed when the controller is gone.
func (h *Host) Done() <-chan struct{} { return h.controller.Done() }

// Err is why the controller is gone, nil while it is not.
func (h *Host) Err() error { return h.controller.Err() }

// closeGrace is how long Close waits for connections to end as they should.
const closeGrace = time.Second

// Close ends every connection, so that no peer has to find out by itself, and then the controller. It
// waits for everything that the host started, and may be called more than once.
func (h *Host) Close() error {
	conns := h.Conns()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	for _, c := range conns {
		c.link.Disconnect(hci.RemoteUserTerminatedConnection)
	}
	for _, c := range conns {
		select {
		case <-c.Done():
		case <-h.controller.Done():
		case <-ctx.Done():
		}
	}
	err := h.controller.Close()
	for _, c := range conns {
		<-c.ended
	}
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
	c, err := newConn(h, link)
	if err != nil {
		h.logf("%v: %v", link.PeerAddress(), err)
		return nil
	}
	h.mu.Lock()
	h.conns[link] = c
	h.mu.Unlock()
	h.events.tell(c.Peer(), Connected{Role: c.Role(), OnAir: link.PeerAddress()})
	if c.Role() == hci.Peripheral {
		c.gate.release()
		select {
		case h.incoming <- c:
		default:
			h.logf("%v: too many connections wait for Accept", c.Peer())
			link.Disconnect(hci.RemoteDeviceLowResources)
		}
	}
	return c
}

func (h *Host) forget(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c.link)
}

func (h *Host) find(link *driver.Conn) *Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conns[link]
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
