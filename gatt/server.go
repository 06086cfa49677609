package gatt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/jelling-ble/jelling/att"
	"github.com/sirupsen/logrus"
)

// A ServerConfig says what a [Server] serves. Its zero value has the GAP and the GATT service alone.
type ServerConfig struct {
	// Name is the device name in the GAP service (Vol 3, Part C, 12.1).
	Name string
	// Appearance is the appearance in the GAP service, from the Assigned Numbers (Vol 3, Part C, 12.2).
	Appearance uint16
	// Preferred are the connection parameters in the GAP service. If zero, it says nothing of them.
	Preferred PreferredParameters
	// AddressResolution says in the GAP service that the host, as central, is found by directed advertising to a private address of its, which
	// peers look for before they send it (Vol 3, Part C, 12.4). It takes a controller with a resolving list.
	AddressResolution bool
	// Bare leaves out the GAP and GATT services, which otherwise come first. A server without them keeps no account of which clients
	// know of a change of its database.
	Bare bool
	// Enhanced tells clients that a link may have enhanced bearers (Vol 3, Part G, 7.4).
	Enhanced bool
	// Services get their handles in this order, those with a handle of their own first.
	Services []*Service
	// Authorize decides whether a client may do what needs authorization: read, or else write, the attribute with this handle. It may ask a
	// person, and takes its time as a [ReadFunc] does. If nil, nobody may, which is [att.ErrInsufficientAuthorization].
	Authorize func(ctx context.Context, from *ServerConn, handle uint16, write bool) bool
	// Observe is told of every value that a client has read, written or confirmed, before it is answered. It must not wait, since it holds up the
	// client. If nil, nobody is told.
	Observe func(Observation)
	// Store keeps what belongs to clients with an identity. If nil, it is kept in memory.
	Store Store
	// Log receives what the store did wrong. If nil, silence.
	Log *logrus.Logger
}

// A Server is a database and the clients that use it, one for a host. Its methods may be called from any goroutine.
type Server struct {
	store     Store
	log       *logrus.Logger
	authorize func(ctx context.Context, from *ServerConn, handle uint16, write bool) bool
	observe   func(Observation)
	own       own

	changing sync.Mutex // held while the database is changed

	mu    sync.RWMutex // of db, of the attributes' values and of what belongs to the clients; held for moments only
	db    *database
	conns map[*ServerConn]struct{}
}

// NewServer gives handles to what cfg declares. A [*DeclarationError] says which declaration is wrong.
func NewServer(cfg ServerConfig) (*Server, error) {
	s := &Server{store: cfg.Store, log: cfg.Log, authorize: cfg.Authorize, observe: cfg.Observe, conns: map[*ServerConn]struct{}{}}
	if s.store == nil {
		s.store = &memoryStore{}
	}
	services, brought := cfg.Services, 0
	if !cfg.Bare {
		list, own, err := builtin(&cfg)
		if err != nil {
			return nil, err
		}
		s.own, brought = own, len(list)
		services = slices.Concat(list, services)
	}
	var b builder
	if err := b.add(services, brought, 1); err != nil {
		return nil, err
	}
	s.setDatabase(newDatabase(b.services))
	return s, nil
}

// database is the database now.
func (s *Server) database() *database {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.db
}

// setDatabase makes db the database. The caller has the lock, or nobody else has the server yet.
func (s *Server) setDatabase(db *database) {
	s.db = db
	if p := db.published[s.own.hash]; p != nil {
		p.value.value = bytes.Clone(db.hash[:])
	}
}

// SetValue sets the value that clients read. Subscribers are not told: see [Server.Notify]. It fails with [ErrUnknown], with
// [att.ErrInvalidAttributeValueLength] for more than 512 octets, and with [ErrDynamic] for a characteristic with a Read function.
func (s *Server) SetValue(ch *Characteristic, value []byte) error {
	p, err := s.published(ch)
	if err != nil {
		return err
	}
	if p.value.onRead != nil {
		return fmt.Errorf("%w: %v", ErrDynamic, ch.UUID)
	}
	return s.set(p.value, value)
}

// SetDescriptor sets the value that clients read of the descriptor with a handle. It fails as [Server.SetValue] does, and with [ErrUnknown] for
// what is no descriptor, or is a client's own: a Client Characteristic Configuration.
func (s *Server) SetDescriptor(handle uint16, value []byte) error {
	a := s.database().at(handle)
	switch {
	case a == nil || !a.descriptor || a.configures != nil:
		return fmt.Errorf("%w: descriptor 0x%04x", ErrUnknown, handle)
	case a.onRead != nil:
		return fmt.Errorf("%w: %v", ErrDynamic, a.typ)
	}
	return s.set(a, value)
}

// Value is a copy of the value that clients read; nil for a characteristic with a Read function.
func (s *Server) Value(ch *Characteristic) []byte {
	p, err := s.published(ch)
	if err != nil || p.value.onRead != nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return bytes.Clone(p.value.value)
}

// SetName changes the device name in the GAP service. It fails with [ErrUnknown] if there is none.
func (s *Server) SetName(name string) error { return s.SetValue(s.own.name, []byte(name)) }

// Handle is the handle of the characteristic's value; 0 if it is not in the database.
func (s *Server) Handle(ch *Characteristic) uint16 {
	if p, err := s.published(ch); err == nil {
		return p.value.handle
	}
	return 0
}

// Hash is the Database Hash of the services as they are now, least significant octet first (Vol 3, Part G, 7.3).
func (s *Server) Hash() [16]byte { return s.database().hash }

// published is where a declaration has become a part of the database.
func (s *Server) published(ch *Characteristic) (*published, error) {
	if p := s.database().published[ch]; p != nil {
		return p, nil
	}
	return nil, ErrUnknown
}

// set keeps a copy of value, in the same octets where they suffice.
func (s *Server) set(a *attribute, value []byte) error {
	if len(value) > att.MaxValueLen {
		return fmt.Errorf("gatt: %d octets for %v: %w", len(value), a.typ, att.ErrInvalidAttributeValueLength)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.value = append(a.value[:0], value...)
	return nil
}

// Notify sets the value, unless there is a Read function, and tells it to every client that has subscribed, in the way it has chosen: by
// notification, or by indication, and then it waits for the confirmation. Each client gets what fits its MTU, ATT_MTU-3 octets.
// Clients whose link is not secure enough, or has just ended, or who do not know the database as it is now, are left out. The
// error joins those of the others.
func (s *Server) Notify(ctx context.Context, ch *Characteristic, value []byte) error {
	return s.tell(ctx, ch, value, cccdNotify|cccdIndicate)
}

// Indicate is Notify for the clients that have subscribed to indications, only.
func (s *Server) Indicate(ctx context.Context, ch *Characteristic, value []byte) error {
	return s.tell(ctx, ch, value, cccdIndicate)
}

// tell sets a value and tells it to the clients that have set one of the bits how.
func (s *Server) tell(ctx context.Context, ch *Characteristic, value []byte, how uint16) error {
	p, err := s.published(ch)
	if err != nil {
		return err
	}
	if p.value.onRead == nil {
		if err := s.set(p.value, value); err != nil {
			return err
		}
	}
	var some [4]*ServerConn
	clients := s.subscribers(some[:0], p, how)
	if len(clients) == 1 { // allocates nothing
		return unlessLeftOut(clients[0].tell(ctx, p, value, how))
	}
	errs := make([]error, len(clients))
	var told sync.WaitGroup
	for i, c := range clients {
		told.Go(func() { errs[i] = unlessLeftOut(c.tell(ctx, p, value, how)) })
	}
	told.Wait()
	return errors.Join(errs...)
}

// unlessLeftOut is err, unless it is about a client that need not be told.
func unlessLeftOut(err error) error {
	for _, why := range [...]error{ErrInsecure, ErrNotSubscribed, ErrUnaware, net.ErrClosed} {
		if errors.Is(err, why) {
			return nil
		}
	}
	return err
}

// Subscribers is how many clients have subscribed to a characteristic and are there.
func (s *Server) Subscribers(ch *Characteristic) int {
	p, err := s.published(ch)
	if err != nil {
		return 0
	}
	return len(s.subscribers(nil, p, cccdNotify|cccdIndicate))
}

// subscribers appends the clients that have set one of the bits how.
func (s *Server) subscribers(to []*ServerConn, p *published, how uint16) []*ServerConn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c := range s.conns {
		if c.configured[p]&how != 0 {
			to = append(to, c)
		}
	}
	return to
}

// clients are those who are there.
func (s *Server) clients() []*ServerConn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Keys(s.conns))
}

// Forget removes what is kept for a client. A link it has now goes on as one without an identity.
func (s *Server) Forget(client string) error {
	for _, c := range s.clients() {
		c.forget(client)
	}
	if err := s.store.Forget(client); err != nil {
		return fmt.Errorf("gatt: forgetting a client: %w", err)
	}
	return nil
}
